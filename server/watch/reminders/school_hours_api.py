"""The hours in which a child's reminders wait, over the API.

Children ask about themselves; caseworkers and supervisors name the child.
"""

from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import NotFound, Refused
from server.notify.child.hours import School
from server.notify.preferences import school_fault, set_school
from server.people.access import child_for, now_of, own_child, visitor_of
from server.people.models import Child
from server.people.rules import Action
from server.watch.reminders.school_hours import ChildHours, InSchool, hours_for
from server.watch.writing import ended
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class TimesOut(msgspec.Struct, rename={"begin": "from", "end": "until"}):
    """From one local time until another."""

    begin: time
    end: time


class SchoolDay(msgspec.Struct, rename={"begin": "from", "end": "until"}):
    """School on one weekday; 0 is Monday."""

    day: Annotated[int, msgspec.Meta(ge=0, le=6)]
    begin: time
    end: time


class Holidays(msgspec.Struct):
    """No school from a first to a last day, both included."""

    first: date
    last: date


class SchoolRequest(msgspec.Struct):
    """School hours on each weekday that has some. None at all: there are no school hours."""

    days: Annotated[list[SchoolDay], msgspec.Meta(max_length=7)]
    holidays: Holidays | None = None


class WaitsOut(msgspec.Struct):
    """Reminders wait until then; `why`: `quiet_hours` or `school_hours`."""

    until: datetime
    why: str


class InSchoolOut(msgspec.Struct):
    """A check-in due in school hours: when the reminder comes, without a sound where `is_silent`.
    Without an answer by `then_at` we ask the carer `asks`, or, where it is null, tell an adult."""

    due_at: datetime
    remind_at: datetime
    is_silent: bool
    then_at: datetime
    asks: str | None


class HoursOut(msgspec.Struct):
    """When a child's reminders wait: in the agency's quiet hours and the child's school hours, by
    the clock in `zone`. They never put off when a check-in is late."""

    zone: str
    quiet: TimesOut | None
    days: list[SchoolDay]
    holidays: Holidays | None
    waits: WaitsOut | None
    in_school: list[InSchoolOut]


async def show(request: Request) -> Response:
    """When my reminders wait."""
    child = await _child(request, Action.RHYTHM_SEE)
    return await _answer(child.id, now_of(request))


async def preview(request: Request) -> Response:
    """What school hours would come to. It changes nothing."""
    payload = await json_body(request, SchoolRequest)
    child = await _child(request, Action.RHYTHM_PROPOSE)
    school = read(payload)
    fault = school_fault(school)
    if fault is not None:
        raise Refused(fault[1], field=fault[0])
    return _out(await hours_for(child.id, now_of(request), wanted=school, as_wanted=True))


async def change(request: Request) -> Response:
    """Set the school hours."""
    payload = await json_body(request, SchoolRequest)
    child = await _child(request, Action.RHYTHM_PROPOSE)
    now = now_of(request)
    await set_school(await visitor_of(request), child.id, read(payload), now)
    return await _answer(child.id, now)


async def _child(request: Request, action: Action) -> Child:
    if "child_id" in request.path_params:
        child, _ = await child_for(request, request.path_params["child_id"], action)
    else:
        child, _ = await own_child(request, action)
    return child


def read(payload: SchoolRequest) -> School | None:
    """The school hours of a request. Raises Refused for a weekday that comes twice."""
    days = {each.day: (_minute(each.begin), _minute(each.end)) for each in payload.days}
    if len(days) < len(payload.days):
        raise Refused("Each weekday has one time.", field="days")
    off = payload.holidays
    return School(days, (off.first, off.last) if off is not None else None) if days else None


def _minute(at: time) -> time:
    return at.replace(second=0, microsecond=0, tzinfo=None)


async def _answer(child_id: UUID, now: datetime) -> Response:
    return _out(await hours_for(child_id, now))


def _out(child_hours: ChildHours | None) -> Response:
    if child_hours is None:
        raise ended()
    quiet, school = child_hours.hours.quiet, child_hours.hours.school
    has_quiet = quiet is not None and quiet[0] != quiet[1]
    days = sorted(school.days.items()) if school is not None else []
    off = school.holidays if school is not None else None
    return json_answer(
        HoursOut(
            zone=child_hours.hours.zone,
            quiet=TimesOut(*quiet) if quiet is not None and has_quiet else None,
            days=[SchoolDay(day, begin, end) for day, (begin, end) in days],
            holidays=Holidays(*off) if off is not None else None,
            waits=WaitsOut(child_hours.waits.end, child_hours.waits.why)
            if child_hours.waits
            else None,
            in_school=[_in_school(each) for each in child_hours.in_school],
        )
    )


def _in_school(each: InSchool) -> InSchoolOut:
    return InSchoolOut(each.due_at, each.remind_at, each.is_silent, each.then_at, each.asks)


_OWN, _CHILD = "/api/v1/me/hours", "/api/v1/children/{child_id:uuid}/hours"

routes = [
    route
    for path in (_OWN, _CHILD)
    for route in (
        api("GET", path, show, "When a child's reminders wait", gives={200: HoursOut}),
        api(
            "PUT",
            path,
            change,
            "Set a child's school hours",
            takes=SchoolRequest,
            gives={200: HoursOut},
            problems=(Refused, NotFound),
        ),
        api(
            "POST",
            f"{path}/preview",
            preview,
            "What school hours would come to",
            takes=SchoolRequest,
            gives={200: HoursOut},
            problems=(Refused, NotFound),
        ),
    )
]
