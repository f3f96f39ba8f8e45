"""The page on which a placement ends, and on which it begins again. It works without a script."""

from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import known_zone
from server.errors import Refused, SecondPersonNeeded, WaymarkError
from server.i18n import N_, gettext
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import TIMES, as_field, back_to, moment_of, times_of
from server.people.models import Child, Person
from server.people.rules import Action, Leaving
from server.people.words import entered, form_fault
from server.placements import actions
from server.watch.models import Watch
from server.watch.rhythm.rules import Rhythm, as_data, read
from server.watch.rhythm.summary import REASONS
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """The form to end the placement or, where it has ended, to begin again."""
    child, _ = await desk_child(request, Action.PLACEMENT_CHANGE)
    return await _page(request, child)


async def end(request: Request) -> Response:
    """End the placement: the child has left."""
    child, roles = await desk_child(request, Action.PLACEMENT_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        why = entered(form, "why")
        if why not in set(Leaving):
            raise Refused(N_("Choose why the placement ends."), field="why")
        left_at = moment_of(entered(form, "at"), await _zone(child.id), "at") or now
        is_shut_out = entered(form, "shut_out") == "yes"
        await actions.end(visitor, child.id, Leaving(why), left_at, shut_out=is_shut_out, now=now)
    except SecondPersonNeeded as asked:
        return RedirectResponse(f"/desk/approvals/{asked.extra['approval']}", status_code=303)
    except WaymarkError as fault:
        return await _page(request, child, form, fault)
    return back_to(child.id, roles, "placement-ended")


async def begin(request: Request) -> Response:
    """Begin a placement: the child is back."""
    child, roles = await desk_child(request, Action.PLACEMENT_CHANGE)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        placed_at = moment_of(entered(form, "at"), await _zone(child.id), "at") or now
        times = times_of(form, "times")
        rhythm = as_data(Rhythm(times)) if times else None
        await actions.begin(visitor, child.id, placed_at, rhythm=rhythm, now=now)
    except WaymarkError as fault:
        return await _page(request, child, form, _at_the_times(fault))
    return back_to(child.id, roles, "placement-begun")


def _at_the_times(fault: WaymarkError) -> WaymarkError:
    if isinstance(fault, Refused) and (fault.field or "").startswith("rhythm"):
        return Refused(fault.detail, code=fault.code, field="times", **fault.extra)
    return fault


async def _zone(child_id: UUID) -> ZoneInfo:
    watch = await Watch.get_or_none(child_id=child_id)
    return known_zone(watch.zone if watch is not None else "UTC")


async def _page(
    request: Request,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now, zone = language_of(request), now_of(request), await _zone(child.id)
    given = {"why": "", "at": "", "shut_out": ""}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    why = await actions.why_left(child)
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "left_at": child.left_at,
        "left_why": gettext(language, REASONS[why]) if why is not None else "",
        "reasons": [(code.value, gettext(language, word)) for code, word in REASONS.items()],
        "given": given,
        "times": await _times(child, form),
        "latest": as_field(now, zone),
        "zone_name": zone.key,
        "shown": lambda at: when(language, at, zone_of(request), now),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "placements/placement.html", context, status=status)


async def _times(child: Child, form: FormData | None) -> list[str]:
    """The typed times; else the earlier ones, where they are frequent enough for the first days."""
    if form is not None and form.getlist("times"):
        return [str(value) for value in form.getlist("times")]
    watch = await Watch.get_or_none(child_id=child.id)
    if watch is None or child.left_at is None:
        return list(TIMES)
    rhythm = read(watch.rhythm)
    if not rhythm.at:
        return list(TIMES)
    try:
        await actions.first_terms(child.agency_id, rhythm, watch.zone)
    except Refused:
        return list(TIMES)
    earlier = [f"{at:%H:%M}" for at in rhythm.at]
    return [*earlier, *[""] * (len(TIMES) - len(earlier))]


_PLACEMENT = "/desk/children/{child_id:uuid}/placement"

routes = [
    Route(_PLACEMENT, show, methods=["GET"]),
    Route(f"{_PLACEMENT}/end", end, methods=["POST"]),
    Route(f"{_PLACEMENT}/begin", begin, methods=["POST"]),
]
