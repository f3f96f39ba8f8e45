"""Adding a child: the name, the home, the adults and the watch, in one step."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import as_utc
from server.desk.child.about_pages import birthday_of
from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people import actions as people
from server.people.access import Visitor, agency_for, now_of
from server.people.desk_forms import TIMES, day_of, home_of, id_of, times_of
from server.people.models import Agency, Child, Home, Person
from server.people.rules import PROFESSIONAL, AgencyAction, Role
from server.people.words import entered, form_fault
from server.placements import actions as placements
from server.policy.model import FIRST_HOURS, Tier
from server.storage.db import write
from server.watch import actions
from server.watch.models import Watch
from server.watch.rhythm.rules import Rhythm, read_zone
from server.watch.wording import TIERS
from server.web.rendering import language_of, page
from server.web.requests import form_body

FIRST = "first"


async def show(request: Request) -> Response:
    """An empty form, with what is most likely filled in."""
    visitor = await agency_for(request, AgencyAction.CHILD_ADD)
    return await _page(request, visitor)


async def add(request: Request) -> Response:
    """The child, the tie and the watch: all of it or nothing."""
    visitor = await agency_for(request, AgencyAction.CHILD_ADD)
    form = await form_body(request)
    try:
        child = await _add(visitor, form, now_of(request))
    except WaymarkError as fault:
        return await _page(request, visitor, form, fault)
    is_mine = entered(form, "caseworker_id") == str(visitor.person_id)
    home = f"/desk/children/{child.id}?done=child" if is_mine else "/desk/?done=child"
    return RedirectResponse(home, status_code=303)


async def _add(visitor: Visitor, form: FormData, now: datetime) -> Child:
    assert visitor.agency_id is not None
    id_ = id_of(entered(form, "id"), "id") or uuid4()
    existing = await Child.get_or_none(id=id_, agency_id=visitor.agency_id)
    if existing is not None and await Watch.exists(child_id=existing.id):
        return existing  # The same form again.
    zone = entered(form, "zone")
    place = read_zone(zone)
    rhythm = _rhythm(form)
    caseworker = _caseworker(form)
    placed_at = _placed_at(form, place, now)
    tier, until_at, then = _tier(entered(form, "tier"), now)
    async with write():
        try:
            child = await people.add_child(
                visitor,
                visitor.agency_id,
                people.AddChild(
                    name=entered(form, "name"),
                    language=entered(form, "language"),
                    zone=zone,
                    caseworker_id=caseworker,
                    home_id=await home_of(visitor, form, zone, now),
                    placed_at=placed_at,
                    born_on=birthday_of(form),
                    reference=entered(form, "reference"),
                    id=id_,
                ),
                now,
            )
        except Refused as fault:
            raise _here(fault) from None
        beginning = actions.Beginning(tier, rhythm, zone, until_at, then)
        await actions.begin(visitor, child, beginning, now)
    return child


def _caseworker(form: FormData) -> UUID:
    id_ = id_of(entered(form, "caseworker_id"), "caseworker_id")
    if id_ is None:
        raise Refused(N_("Choose a caseworker."), field="caseworker_id")
    return id_


def _placed_at(form: FormData, zone: ZoneInfo, now: datetime) -> datetime:
    placed = day_of(entered(form, "placed"), "placed")
    return min(as_utc(placed, time(0), zone), now) if placed is not None else now


def _here(fault: Refused) -> Refused:
    """The fault at the question of this form: a tie speaks of a person and a role."""
    if fault.field not in ("person_id", "role"):
        return fault
    return Refused(fault.detail, code=fault.code, field="caseworker_id", **fault.extra)


def _rhythm(form: FormData) -> Rhythm:
    times = times_of(form, "at")
    if not times:
        raise Refused(N_("Enter at least one time."), field="at")
    return Rhythm(times)


def _tier(value: str, now: datetime) -> tuple[Tier, datetime | None, Tier | None]:
    if value == FIRST:
        return placements.FIRST, now + FIRST_HOURS, placements.THEN
    if value not in set(Tier):
        raise Refused(N_("Choose a watch level."), field="tier")
    return Tier(value), None, None


async def _page(
    request: Request,
    visitor: Visitor,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    agency = await Agency.get(id=visitor.agency_id)
    homes = await Home.filter(agency_id=agency.id)
    workers = await Person.filter(
        agency_id=agency.id, role__in=list(PROFESSIONAL), disabled_at__isnull=True
    )
    first = (FIRST, gettext(language, N_("High for the first 72 hours, then medium")), "")
    given = _given(visitor, agency, homes, form)
    times = [str(value) for value in form.getlist("at")] if form is not None else list(TIMES)
    if fault is not None and (fault.field or "").startswith("rhythm"):
        fault = Refused(fault.detail, code=fault.code, field="at", **fault.extra)
    context: dict[str, Any] = {
        "given": given,
        "homes": sorted(((home.id, home.name) for home in homes), key=lambda pair: pair[1]),
        "caseworkers": sorted(((p.id, p.name) for p in workers), key=lambda pair: pair[1]),
        "tiers": [first, *_tiers(language)],
        "times": times,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/new_child.html", context, status=status)


def _given(
    visitor: Visitor, agency: Agency, homes: list[Home], form: FormData | None
) -> Mapping[str, str]:
    is_worker = visitor.role in (Role.CASEWORKER, Role.SUPERVISOR)
    given = {
        "id": str(uuid4()),
        "name": "",
        "home_id": str(homes[0].id) if len(homes) == 1 else "",
        "home_name": "",
        "language": agency.language,
        "born_on": "",
        "reference": "",
        "placed": "",
        "caseworker_id": str(visitor.person_id) if is_worker else "",
        "tier": FIRST,
        "zone": homes[0].zone if len(homes) == 1 else agency.zone,
    }
    if form is None:
        return given
    return {name: entered(form, name) for name in given}


def _tiers(language: str) -> list[tuple[str, str, str]]:
    return [
        (tier.value, gettext(language, word), gettext(language, hint))
        for tier, (word, hint) in TIERS.items()
    ]


routes = [
    Route("/desk/children/new", show, methods=["GET"]),
    Route("/desk/children/new", add, methods=["POST"]),
]
