"""Second keys of all staff: from when they are required, who has one, and what to do with a lost
one."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.audit.models import Entry
from server.auth.redirects import to
from server.auth.rules import Sure
from server.auth.second_factor import factors
from server.auth.second_factor.reauthentication import fresh
from server.clock import as_utc, known_zone
from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Visitor, agency_for, nothing_here, now_of
from server.people.agencies.actions import set_second_key_from
from server.people.models import Agency, Person
from server.people.rules import AgencyAction, Role
from server.people.words import entered, form_fault
from server.security import encryption
from server.web.rendering import language_of, page
from server.web.requests import form_body, form_day
from server.web.responses import page_again

PAGE = "/desk/people/second-keys"
LONGEST_WORDS = 200
HOWS = {
    Sure.SEEN: N_("I met them in person"),
    Sure.CALLED: N_("I called them back on the number that we had"),
    Sure.VOUCHED: N_("A colleague who is with them vouches for them"),
    Sure.OTHER: N_("Another way"),
}
TERMINAL = N_("by IT support, at the terminal")
# The page shows the last reset of each colleague, of so many resets.
MOST_RESETS, RESETS_OF = 200, timedelta(days=90)


async def everybody(request: Request) -> Response:
    """Who has a second key."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _page(request, visitor)


async def set_from(request: Request) -> Response:
    """From this day everyone needs one; without a day, nobody has to."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor = await fresh(request, back=PAGE)
    day_text, now = entered(await form_body(request), "from"), now_of(request)
    agency = await Agency.get(id=visitor.agency_id)
    try:
        at = _beginning(day_text, agency.zone)
        await set_second_key_from(visitor, agency.id, at, now)
    except Refused as fault:
        return await _page(request, visitor, fault, day_text)
    return to(f"{PAGE}?saved=day")


async def lost(request: Request) -> Response:
    """The form for a colleague who has lost theirs."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _lost_page(request, await _colleague(request, visitor))


async def reset(request: Request) -> Response:
    """A colleague has lost theirs, and this administrator has made sure that it is they who ask."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor = await fresh(request, back=request.url.path)
    person = await _colleague(request, visitor)
    form = await form_body(request)
    how, words = entered(form, "how"), entered(form, "words")
    try:
        await factors.reset(visitor, person, _sure(how, words), now_of(request))
    except Refused as fault:
        return await _lost_page(request, person, {"how": how, "words": words}, fault)
    is_told = await factors.can_tell(person.id, now_of(request))
    return to(f"{PAGE}?saved={'reset' if is_told else 'reset-untold'}")


def _sure(how: str, words: str) -> str:
    """What the record keeps of it: a code, or the words, sealed. Raises Refused."""
    if how not in set(Sure):
        raise Refused(N_("Say how you made sure that it is really them."), field="how")
    if how != Sure.OTHER:
        return how
    if not words or len(words) > LONGEST_WORDS:
        raise Refused(N_("Write in a few words how you made sure."), field="words")
    return encryption.seal(words)


async def _lost_page(
    request: Request,
    person: Person,
    given: dict[str, str] | None = None,
    fault: Refused | None = None,
) -> Response:
    language = language_of(request)
    context = {
        "person": person,
        "is_told": await factors.can_tell(person.id, now_of(request)),
        "hows": [(how.value, gettext(language, words)) for how, words in HOWS.items()],
        "given": given or {"how": "", "words": ""},
        "longest": LONGEST_WORDS,
        "error": form_fault(fault, language) if fault else None,
    }
    return page_again(request, "auth/second_factor/lost_key.html", context, fault)


async def _colleague(request: Request, visitor: Visitor) -> Person:
    person = await Person.get_or_none(
        id=request.path_params["person_id"], agency_id=visitor.agency_id
    )
    if person is None or person.role == Role.CHILD:
        raise nothing_here()
    if person.id == visitor.person_id:
        raise Refused(
            N_("Change your own second key in Settings. Or ask another administrator to reset it.")
        )
    return person


async def _resets(
    agency_id: UUID, language: str, now: datetime
) -> dict[UUID, tuple[datetime, str, str]]:
    """When a second key was last taken away, by which person, and how they made sure; by the
    person whose key it was. Of the last months: the record holds all of them, and of a large agency
    it is too long to be read for a page."""
    rows = Entry.filter(agency_id=agency_id, at__gte=now - RESETS_OF, what="second_key:reset")
    entries = list(await rows.order_by("-at", "-id").limit(MOST_RESETS))
    people = await Person.filter(id__in=[each.who_id for each in entries if each.who_id])
    names = {person.id: person.name for person in people}
    latest: dict[UUID, tuple[datetime, str, str]] = {}
    for each in entries:
        if each.about_id is not None and each.why is not None:
            who = names.get(each.who_id, "") if each.who_id else ""
            latest.setdefault(each.about_id, (each.at, who, _in_words(each.why, language)))
    return latest


def _in_words(why: str, language: str) -> str:
    if why in set(Sure):
        return gettext(language, HOWS[Sure(why)])
    return gettext(language, TERMINAL) if why == "terminal" else encryption.opened(why)


def _beginning(day_text: str, zone: str) -> datetime | None:
    """The first moment of that day where the agency is."""
    if not day_text:
        return None
    return as_utc(form_day(day_text, "from"), time(0), known_zone(zone))


async def _page(
    request: Request,
    visitor: Visitor,
    fault: WaymarkError | None = None,
    day_text: str | None = None,
) -> Response:
    agency = await Agency.get(id=visitor.agency_id)
    adults = await Person.filter(agency_id=agency.id, disabled_at__isnull=True).exclude(
        role=Role.CHILD
    )
    at = agency.second_key_from
    day = at.astimezone(known_zone(agency.zone)).date().isoformat() if at else ""
    context: dict[str, Any] = {
        # Names are sealed: only we can sort them.
        "people": sorted(adults, key=lambda person: person.name.casefold()),
        "with_second": await factors.with_second([person.id for person in adults]),
        "me": visitor.person_id,
        "resets": await _resets(agency.id, language_of(request), now_of(request)),
        "day": day if day_text is None else day_text,
        "at": at,
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language_of(request)) if fault else None,
        "now": now_of(request),
    }
    status = fault.status if fault else 200
    return page(request, "auth/colleagues.html", context, status=status)


routes = [
    Route(PAGE, everybody, methods=["GET"]),
    Route(PAGE, set_from, methods=["POST"]),
    Route("/desk/people/{person_id:uuid}/second-key", lost, methods=["GET"]),
    Route("/desk/people/{person_id:uuid}/second-key", reset, methods=["POST"]),
]
