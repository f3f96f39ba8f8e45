"""What time does to tasks: the people whose turn it is are told."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import SYSTEM
from server.clock import known_zone
from server.notify.actions import Saying, queue, tell_operators
from server.notify.rules import Kind as Message
from server.people.models import Child
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import as_id
from server.storage.due_rows import DueRows
from server.tasks import digest, rules
from server.tasks.actions import announce_turns, enter
from server.tasks.digest_rules import LOW, may_wait
from server.tasks.models import Task
from server.tasks.reach import reach_of, roles_of
from server.tasks.rules import Call, Kind, State

# The ticker has failed a task whose next step is this far past.
LOST_AFTER = timedelta(minutes=2)
# A message about a task has no use once the next one about it is out.
SAYS_FOR = timedelta(days=1)
IN_APP = "/app/"


async def self_audit(now: datetime) -> list[UUID]:
    """Open tasks whose next step is long overdue: the ticker has failed them. The database itself
    refuses an open one without any next step."""
    lost = Task.filter(state=State.OPEN, next_action_at__lt=now - LOST_AFTER)
    return [as_id(row) for row in await lost.values_list("id", flat=True)]


async def _go_on(tasks: Sequence[Task], now: datetime) -> None:
    """Tell the people who are due by now."""
    if any(known_zone(row.zone).key != row.zone for row in tasks):
        # The mornings are those of UTC until the zone is fixed.
        await tell_operators("due:zone", now)
    resting = {row.child_id for row in tasks if row.kind not in rules.NEVER_RESTS}
    left = await _left(resting)
    reach = await reach_of(tasks, now)
    moved: list[tuple[Task, rules.TaskSlice, tuple[Call, ...]]] = []
    for row in tasks:
        if _rests(row, left):
            moved.append((row, row.slice(), ()))
        else:
            moved.append((row, *rules.advance(row.slice(), row.terms(), reach[row.id], now)))
    rows = [
        {
            "id": row.id,
            "told": after.told,
            "next_action_at": _acts_at(row, after, _rests(row, left), now),
            "version": row.version,
        }
        for row, after, _ in moved
    ]
    written = {as_id(key) for key in await bulk.update(Task, rows, guard="version")}
    ours = [(row, calls) for row, _, calls in moved if row.id in written and calls]
    await _say(ours, now)
    told = [(row.id, row.child_id, row.agency_id, "told", row.kind) for row, _ in ours]
    await enter(SYSTEM, told, now)
    # People told that something is over have a turn from now on.
    await announce_turns(row.agency_id for row, _ in ours)


TASKS = DueRows("due", Task, _go_on, at_once=200)


def _acts_at(row: Task, after: rules.TaskSlice, is_left: bool, now: datetime) -> datetime | None:
    return now + rules.REST if is_left else rules.next_at(after, row.terms())


def _rests(row: Task, left: Collection[UUID]) -> bool:
    return row.child_id in left and row.kind not in rules.NEVER_RESTS


async def _left(children: Collection[UUID]) -> set[UUID]:
    """The children whose placement has ended: nobody is asked about them."""
    gone = Child.filter(id__in=list(children), left_at__isnull=False)
    return {as_id(id_) for id_ in await gone.values_list("id", flat=True)}


async def _say(moved: Sequence[tuple[Task, tuple[Call, ...]]], now: datetime) -> None:
    roles = await roles_of({row.child_id for row, _ in moved}, now)
    sayings: list[Saying] = []
    for row, calls in moved:
        # After our server was down several are true at once. Everyone is told once: by the last.
        number_by_person = {person: call.number for call in calls for person in call.people}
        if row.owner_role != Role.CHILD and not number_by_person.keys() - {row.child_id}:
            # An adult must answer for this child, and none does. Telling the child is not enough.
            await tell_operators("due:nobody", now)
        for person, number in number_by_person.items():
            role = roles.get((row.child_id, person))
            sayings.append(_saying(row, person, role, number, now))
    await queue(await _with_those_that_wait(sayings, moved, now), now)


async def _with_those_that_wait(
    sayings: Sequence[Saying], moved: Sequence[tuple[Task, tuple[Call, ...]]], now: datetime
) -> list[Saying]:
    """The same, but low-urgency ones wait where their person chose one message a day."""
    low = {row.id: (row, calls) for row, calls in moved if Kind(row.kind) in LOW}
    about = [saying for saying in sayings if saying.subject_id in low]
    moments = await digest.moments({s.person_id for s in about if s.person_id is not None}, now)
    pairs = {(s.subject_id, s.person_id) for s in about if s.person_id in moments}
    # What is told anew, at once or later, is told once.
    await digest.supersede({(task, who) for task, who in pairs if who is not None}, now)
    told = []
    for saying in sayings:
        until = moments.get(saying.person_id) if saying.person_id is not None else None
        if until is not None and _waits(saying, *low.get(saying.subject_id, (None, ()))):
            saying = digest.waiting(saying, until)
            digest.log_waiting(saying)
        told.append(saying)
    return told


def _waits(saying: Saying, row: Task | None, calls: Sequence[Call]) -> bool:
    """Whether none of the calls that this message is for is urgent. What is done in the app has no
    line on the list to which the message of the day leads."""
    if row is None:
        return False
    numbers = [call.number for call in calls if saying.person_id in call.people]
    is_at_desk = saying.kind is Message.DUE and (saying.data or {}).get("path") != IN_APP
    return is_at_desk and all(may_wait(Kind(row.kind), row.terms(), n) for n in numbers)


def _saying(row: Task, person: UUID, role: str | None, number: int, now: datetime) -> Saying:
    is_child = person == row.child_id
    quiet = {
        "from": f"{rules.QUIET_FROM:%H:%M}",
        "until": f"{rules.QUIET_UNTIL:%H:%M}",
        "zone": row.zone,
    }
    # A carer has no page about the child at the desk; the promise is in the app. Everyone else is
    # led on to the page where it is done, once they open the message: by then it may be done, or
    # they may be a deputy without a tie, who reads only who to ask.
    is_in_app = is_child or role == Role.CARER
    path = IN_APP if is_in_app else f"/desk/dues/{row.id}"
    return Saying(
        kind=Message.DUE_CHILD if is_child else Message.DUE,
        agency_id=row.agency_id,
        subject_kind="due",
        subject_id=row.id,
        person_id=person,
        turn=number,
        child_id=row.child_id,
        urgency="high" if row.kind in rules.URGENT else "normal",
        expires_at=now + SAYS_FOR,
        data={"path": path, **({"quiet": quiet} if is_child else {})},
    )
