"""A child's school hours, in which their reminders wait."""

from datetime import date, time
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.desk.child.forms import case_for, show
from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.notify.child.hours import School
from server.notify.preferences import set_school
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import back_to, day_of
from server.people.rules import Action
from server.people.words import entered
from server.watch.reminders.school_hours import InSchool, hours_for
from server.watch.rhythm.rules import EVERY_DAY
from server.watch.rhythm.wording import DAYS, clock
from server.watch.wording import when
from server.web.rendering import language_of, zone_of
from server.web.requests import form_body, form_time


async def school(request: Request) -> Response:
    """The school hours, and what they come to."""
    child, _ = await desk_child(request, Action.RHYTHM_AGREE)
    return await _page(request, child.id)


async def set_hours(request: Request) -> Response:
    """Other school hours, or none."""
    child, roles = await desk_child(request, Action.RHYTHM_AGREE)
    form, now = await form_body(request), now_of(request)
    try:
        await case_for(child.id, now)
        await set_school(await staff_of(request), child.id, _read(form), now)
    except WaymarkError as fault:
        return await _page(request, child.id, form, fault)
    return back_to(child.id, roles, "school")


def _read(form: FormData) -> School | None:
    days: dict[int, tuple[time, time]] = {}
    for day in sorted(EVERY_DAY):
        begin, end = entered(form, f"from_{day}"), entered(form, f"until_{day}")
        if not begin and not end:
            continue
        if not begin or not end:
            raise Refused(N_("A school day needs a start and an end."), field="days")
        days[day] = (form_time(begin, "days"), form_time(end, "days"))
    holidays = _holidays(form)
    if holidays is not None and not days:
        raise Refused(N_("Enter the school hours as well."), field="days")
    return School(days, holidays) if days else None


def _holidays(form: FormData) -> tuple[date, date] | None:
    first, last = (day_of(entered(form, name), "holidays") for name in ("first", "last"))
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise Refused(N_("Enter the first and the last day."), field="holidays")
    return first, last


async def _page(
    request: Request,
    child_id: UUID,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    await case_for(child_id, now)
    child_hours = await hours_for(child_id, now)
    assert child_hours is not None
    quiet = child_hours.hours.quiet
    context: dict[str, Any] = {
        "days": _days(child_hours.hours.school, form, language),
        "holidays": _typed_holidays(child_hours.hours.school, form),
        "quiet": [clock(at, language) for at in quiet] if quiet and quiet[0] != quiet[1] else None,
        "in_school": [_in_words(each, request) for each in child_hours.in_school],
    }
    return await show(request, "desk/school.html", child_id, context, fault)


def _days(
    hours: School | None, form: FormData | None, language: str
) -> list[tuple[int, str, str, str]]:
    rows = []
    for day, word in enumerate(DAYS):
        given = hours.days.get(day) if hours is not None else None
        begin, end = (f"{at:%H:%M}" for at in given) if given is not None else ("", "")
        if form is not None:
            begin, end = entered(form, f"from_{day}"), entered(form, f"until_{day}")
        rows.append((day, gettext(language, word), begin, end))
    return rows


def _typed_holidays(hours: School | None, form: FormData | None) -> tuple[str, str]:
    if form is not None:
        return entered(form, "first"), entered(form, "last")
    off = hours.holidays if hours is not None else None
    return (off[0].isoformat(), off[1].isoformat()) if off is not None else ("", "")


def _in_words(each: InSchool, request: Request) -> str:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    times = {
        "due": when(language, each.due_at, zone, now),
        "reminder": when(language, each.remind_at, zone, now),
        "then": when(language, each.then_at, zone, now),
    }
    if each.asks is not None:
        says = N_("Check-in {due}. Reminder {reminder}. Without an answer we ask {name} {then}.")
        return gettext(language, says, name=each.asks, **times)
    says = N_("Check-in {due}. Reminder {reminder}. Without an answer we call an adult {then}.")
    return gettext(language, says, **times)


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/school", school, methods=["GET"]),
    Route(f"{_CHILD}/school", set_hours, methods=["POST"]),
]
