"""The child's reminders about a round: which go out, and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.notify.actions import Saying, queue
from server.notify.child.hours import Hours, School, held, read_school
from server.notify.contact_routes import wishes_of
from server.notify.rules import Kind
from server.watch.machine.alarms import called_by
from server.watch.machine.rounds import round_moments, steps_of
from server.watch.machine.standing import Change, What, Why
from server.watch.models import round_id
from server.watch.reminders.fair_chance import fair_chance
from server.watch.rhythm.rules import zone_at
from server.watch.watch_state import WatchState

# The number of each reminder about a round.
_NUMBERS = {Why.BEFORE: 0, Why.DUE: 1, Why.AGAIN: 2, Why.LAST_CALL: 3}
FAIR, ASKED = 4, 5
# What waited for the end of hours is worth sending for so long.
WORTH_FOR = timedelta(minutes=30)

Moved = tuple[WatchState, tuple[Change, ...]]


async def remind(moved: Sequence[Moved], now: datetime) -> None:
    """Queue what became due of reminders, in the caller's transaction."""
    asked = [
        (case, [change for change in changes if change.what in (What.OPENED, What.REMIND)])
        for case, changes in moved
    ]
    schools = await schools_of([case.watch.child_id for case, changes in asked if changes])
    sayings = []
    for case, changes in asked:
        school = schools.get(case.watch.child_id)
        for change in changes:
            if change.what is What.OPENED:
                sayings += _fair(case, change, school, now)
        reminders = [change for change in changes if change.what is What.REMIND]
        if reminders:
            # After a time of blindness several are due at once: the child is asked once.
            sayings.append(_reminder(case, reminders[-1], school, now))
    await queue(sayings, now)


async def schools_of(children: Sequence[UUID]) -> dict[UUID, School | None]:
    """The school hours of these children; those who have none may be left out."""
    if not children:
        return {}
    return {id_: read_school(wish.school) for id_, wish in (await wishes_of(children)).items()}


async def school_of(child_id: UUID) -> School | None:
    """The school hours of one child."""
    return (await schools_of([child_id])).get(child_id)


def hours_of(case: WatchState, school: School | None, at: datetime) -> Hours:
    """The hours in which the reminders of this child wait, on the clock where they are then."""
    quiet, zone = case.policy.quiet, zone_at(case.terms.zone, case.terms.seasons, at)
    return Hours(zone.key, (quiet.from_, quiet.until), school)


def _fair(case: WatchState, change: Change, school: School | None, now: datetime) -> list[Saying]:
    due, steps = change.due_at, steps_of(case.terms, change.due_at)
    opens, *reminders, late = round_moments(due, change.at, steps)
    fair = fair_chance(hours_of(case, school, due), opens, reminders, late)
    if fair is None or late <= now:
        return []
    marks = {"gives_way": True} if fair.gives_way else {}
    plan = Plan(number=FAIR, expires_at=late, not_before=fair.at, marks=marks)
    return [saying(case, due, plan)]


def _reminder(case: WatchState, change: Change, school: School | None, now: datetime) -> Saying:
    due, is_last = change.due_at, change.why is Why.LAST_CALL
    assert change.why is not None
    late = due + steps_of(case.terms, due).grace
    until = called_by(case.standing, case.terms)[0] if is_last else late
    expires = max(until, now + timedelta(minutes=30))
    waits = held(hours_of(case, school, due), now)
    marks = {}
    if is_last:
        marks = {"is_last": True}
        # Later than this would be too late.
        if waits is not None and waits.end >= until:
            marks["gives_way"] = True
    elif waits is not None:
        # The round may be late by then. It is worth an answer for as long as it has none.
        expires = max(expires, waits.end + WORTH_FOR)
    # Another way than before, where there is one.
    nth = 1 if is_last or change.why is Why.AGAIN else 0
    number = _NUMBERS[change.why]
    return saying(case, due, Plan(number=number, expires_at=expires, nth=nth, marks=marks))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One reminder: its number, until when it is worth sending, and from when on it may go. `turn`
    counts those that the child asked for. `marks` are what the worker goes by."""

    number: int
    expires_at: datetime
    nth: int = 0  # By which of the child's channels.
    turn: int = 0
    not_before: datetime | None = None
    marks: Mapping[str, bool] = msgspec.field(default_factory=dict)


def saying(case: WatchState, due: datetime, plan: Plan) -> Saying:
    """A reminder about the round due then. `answer_by` is when it becomes late."""
    quiet, late = case.policy.quiet, due + steps_of(case.terms, due).grace
    return Saying(
        kind=Kind.REMIND_CHILD,
        agency_id=case.watch.agency_id,
        subject_kind="round",
        subject_id=round_id(case.watch.child_id, due),
        person_id=case.watch.child_id,
        rung=plan.number,
        turn=plan.turn,
        nth=plan.nth,
        child_id=case.watch.child_id,
        not_before=plan.not_before,
        expires_at=plan.expires_at,
        data={
            "path": "/app/",
            "quiet": {
                "from": f"{quiet.from_:%H:%M}",
                "until": f"{quiet.until:%H:%M}",
                "zone": zone_at(case.terms.zone, case.terms.seasons, due).key,
            },
            "answer_by": late.isoformat(),
            **plan.marks,
        },
    )
