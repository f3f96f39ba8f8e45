"""One question a page, so that each can say what was wrong: the tier, a sighting."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.clock import known_zone
from server.desk.child.forms import case_for, show
from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, desk_child, now_of, staff_of
from server.people.desk_forms import (
    TIMES,
    as_field,
    back_to,
    id_or_new,
    moment_of,
    strongest,
    times_of,
    when_of,
    words_of,
)
from server.people.rules import Action, Role, may
from server.people.words import entered
from server.policy.model import Tier
from server.watch import actions
from server.watch.forecast import WORRIED, if_not_seen, in_words
from server.watch.machine.standing import Terms
from server.watch.models import Watch
from server.watch.rhythm import agreements, summary
from server.watch.rhythm.rules import Rhythm, as_data
from server.watch.wording import TIERS, when
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body

# --- the tier


async def tier(request: Request) -> Response:
    """How tight the watch is."""
    child, _ = await desk_child(request, Action.TIER_SET)
    return await _tier_page(request, child.id)


async def set_tier(request: Request) -> Response:
    """Tighter or looser, for good or until a moment; with another rhythm if the tier needs one."""
    child, roles = await desk_child(request, Action.TIER_SET)
    form, now = await form_body(request), now_of(request)
    case = await case_for(child.id, now)
    try:
        chosen = _tier_of(entered(form, "tier"), "tier")
        until_at = moment_of(entered(form, "until"), known_zone(case.watch.zone), "until_at")
        then = _tier_of(entered(form, "then"), "then") if until_at is not None else None
        times = times_of(form, "times")
        rhythm = as_data(Rhythm(times)) if times else None
        asked = agreements.TierRequest(chosen, until_at, then, words_of(form, "why"), rhythm)
        await agreements.set_tier(await staff_of(request), child.id, asked, now)
    except WaymarkError as fault:
        return await _tier_page(request, child.id, form, fault)
    return back_to(child.id, roles, "tier")


def _times_asked_for(form: FormData | None, fault: WaymarkError | None) -> list[str]:
    """The times that the form of the tier asks for: none, unless the rhythm is too slow for it."""
    typed = [str(value) for value in form.getlist("times")] if form is not None else []
    if typed or fault is None or fault.code != "too_slow":
        return typed
    return list(TIMES)


def _tier_of(value: str, field: str) -> Tier:
    if value not in set(Tier):
        raise Refused(N_("Choose one of the three watch levels."), field=field)
    return Tier(value)


async def _tier_page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language, zone = now_of(request), language_of(request), zone_of(request)
    case = await case_for(child_id, now)
    until = case.watch.tier_until_at
    place = known_zone(case.watch.zone)
    given = {
        "tier": case.terms.tier.value,
        "until": as_field(until, place) if until is not None else "",
        "then": case.watch.tier_then or Tier.MID.value,
        "why": "",
    }
    if form is not None:
        given = {name: entered(form, name) for name in given}
    times = _times_asked_for(form, fault)
    # Show a fault of the rhythm where it was typed.
    is_typed = form is not None and any(form.getlist("times"))
    is_about_times = fault is not None and (
        (fault.field or "").startswith("rhythm") or (fault.code == "too_slow" and is_typed)
    )
    if isinstance(fault, Refused) and is_about_times:
        fault = Refused(fault.detail, code=fault.code, field="times", **fault.extra)
    choices = []
    for value, (word, hint) in TIERS.items():
        says = _told(agreements.in_tier(case, value), language, zone, now)
        choices.append((value.value, gettext(language, word), gettext(language, hint), says))
    context = {
        "given": given,
        "choices": choices,
        "times": times,
        "zone_name": case.watch.zone,
    }
    return await show(request, "desk/tier.html", child_id, context, fault)


def _told(terms: Terms, language: str, zone: Any, now: datetime) -> str:
    """ "Due 18:00: without an answer, a person is told by 18:45." """
    moments = summary.would_be_told(terms, now)
    if moments is None:
        return ""
    due, told = (when(language, at, zone, now) for at in moments)
    return gettext(
        language,
        N_("Next check-in due {due}. If there is no answer, we tell an adult by {told}."),
        due=due,
        told=told,
    )


# --- a sighting


async def sighting(request: Request) -> Response:
    """Seen, or looked for and not seen."""
    child, roles = await desk_child(request, Action.SIGHTING_NOTE, by_call=True)
    return await _sighting_page(request, child.id, roles)


async def note_sighting(request: Request) -> Response:
    """Note it: with one tap it was just now."""
    child, roles = await desk_child(request, Action.SIGHTING_NOTE, by_call=True)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    answer = entered(form, "answer")
    try:
        if answer not in ("seen", "not_seen"):
            raise Refused(N_("Choose “Seen” or “Could not find”."), field="answer")
        seen_at = when_of(form, zone_of(request), "seen_at", now)
        asked = actions.SightingRequest(
            id_or_new(form),
            "seen" if answer == "seen" else "not_seen",
            seen_at,
            words_of(form),
            _place_of(form),
        )
        await actions.note_sighting(visitor, child.id, strongest(roles, visitor), asked, now)
    except WaymarkError as fault:
        return await _sighting_page(request, child.id, roles, form, fault)
    if answer == "not_seen":
        answer = await _not_seen(child.id, roles)
    return back_to(child.id, roles, answer)


def _place_of(form: FormData) -> str | None:
    place = entered(form, "place")
    if len(place) > 500:
        raise Refused(N_("Write up to 500 characters."), field="place")
    return place or None


async def _not_seen(child_id: UUID, roles: Roles) -> str:
    # Say who was called, and no other result: the reader relies on it.
    if not _knows_alerts(roles):
        return "not_seen_noted"
    watch = await Watch.get(child_id=child_id)
    return "not_seen" if watch.is_alerted or watch.is_missing else "not_seen_yet"


def _knows_alerts(roles: Roles) -> bool:
    """Whether the reader learns of alerts anyway. The child may keep them from an advocate."""
    return may(roles, Action.ALERT_SEE) or may(roles, Action.QUESTION_ANSWER)


async def _then(request: Request, child_id: UUID, roles: Roles) -> list[str]:
    """What follows if they could not find the child."""
    now, language = now_of(request), language_of(request)
    if not _knows_alerts(roles):
        return [gettext(language, WORRIED)]
    to_carer = strongest(roles, await staff_of(request)) is Role.CARER
    seen = await if_not_seen(child_id, now)
    return in_words(seen, language, zone_of(request), now, to_carer=to_carer)


async def _sighting_page(
    request: Request,
    child_id: UUID,
    roles: Roles,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    given = {"ago": "", "at": "", "place": "", "words": "", "id": str(uuid4())}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context = {
        "given": given,
        "has_page": may(roles, Action.HISTORY_SEE),
        "zone_name": str(zone_of(request)),
        "then": await _then(request, child_id, roles),
    }
    return await show(request, "desk/sighting.html", child_id, context, fault)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/tier", tier, methods=["GET"]),
    Route(f"{_CHILD}/tier", set_tier, methods=["POST"]),
    Route(f"{_CHILD}/sighting", sighting, methods=["GET"]),
    Route(f"{_CHILD}/sighting", note_sighting, methods=["POST"]),
]
