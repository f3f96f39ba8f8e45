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
from server.tasks import rules
from server.tasks.actions import announce_turns, enter
from server.tasks.models import Task
from server.tasks.reach import reach_of, roles_of
from server.tasks.rules import Call, State

# The ticker has failed a task whose next step is this far past.
LOST_AFTER = timedelta(minutes=2)
# A message about a task has no use once the next one about it is out.
SAYS_FOR = timedelta(days=1)


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
    await queue(sayings, now)


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
    path = "/app/" if is_in_app else f"/desk/dues/{row.id}"
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
