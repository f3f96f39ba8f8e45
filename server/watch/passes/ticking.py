"""What time does to agreed absences: looks become tasks, and the author is reminded of the end.

A look is a task, so it has an owner, goes on to a stand-in and is late as any other. This file sets
and settles it, by what is agreed: after each change, and when an absence begins or ends.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from server.audit.actions import SYSTEM, Actor
from server.clock import known_zone
from server.notify.actions import Saying, queue, withdraw
from server.notify.rules import Kind as Message
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import as_id
from server.storage.due_rows import DueRows
from server.tasks.actions import settle_and_set
from server.tasks.models import Task
from server.tasks.rules import OF_AN_ABSENCE, Ending, Kind, Setting, State, end_of
from server.watch.models import Pause, Watch
from server.watch.passes import rules
from server.watch.passes.rules import Absence, Pass

# Absences in a row can leave nothing due for less than this (`rhythm.next_due`).
FAR = timedelta(days=400)
_LOOKERS: Mapping[Kind, Role] = {Kind.AWAY: Role.CASEWORKER, Kind.AWAY_REVIEW: Role.SUPERVISOR}


async def _go_on(rows: Sequence[Pause], now: datetime) -> None:
    for child_id in sorted({row.child_id for row in rows}):
        # Two tickers may have found this row. The second sees what the first wrote.
        await Watch.filter(child_id=child_id).select_for_update().first()
        await follow(SYSTEM, child_id, now)
    over = [row.id for row in rows if row.until_at <= now - FAR]
    if over:
        await Pause.filter(id__in=over).update(next_action_at=None)


# After an upgrade every old row is due: alerts must not wait until all are done.
PASSES = DueRows("away", Pause, _go_on, at_once=50, locks=False, once_a_tick=True)


async def follow(actor: Actor, child_id: UUID, now: datetime) -> None:
    """Set, move and drop the looks at a child's absence by what is agreed now, and remind of its
    end. Twice is once. In the caller's transaction, which has locked the watch."""
    rows = {row.id: row for row in await pauses_of([child_id], now)}
    passes = rules.passes(absence_of(row) for row in rows.values())
    child = await Child.get(id=child_id)
    current = next((each for each in passes if each.begin <= now < each.end), None)
    await _set_looks(actor, child, current if child.left_at is None else None, now)
    reminded = await _remind(child, passes, rows, now)
    await _note_moments(passes, rows, reminded, now)


async def pauses_of(children: Collection[UUID], now: datetime) -> list[Pause]:
    """The absences that may belong to a pass of these children now."""
    held = Pause.filter(child_id__in=list(children), until_at__gt=now - FAR)
    return await held.order_by("from_at", "id")


def absence_of(row: Pause) -> Absence:
    """What the rules need of it."""
    return Absence(
        id=row.id,
        begin=row.from_at,
        end=row.until_at if row.ended_at is None else min(row.ended_at, row.until_at),
        made_at=row.made_at,
        looked_at=row.looked_at,
        reviewed_at=row.reviewed_at,
    )


# --- the looks


async def open_looks(child_id: UUID) -> list[Task]:
    """The tasks that ask whether a child is still away."""
    kinds = [kind.value for kind in OF_AN_ABSENCE]
    return await Task.filter(subject_id=child_id, kind__in=kinds, state=State.OPEN)


async def _set_looks(actor: Actor, child: Child, current: Pass | None, now: datetime) -> None:
    held = {Kind(task.kind): task for task in await open_looks(child.id)}
    zone = known_zone((await Person.get(id=child.id)).zone)
    endings: list[tuple[Task, Ending]] = []
    settings: list[Setting] = []
    for kind, role in _LOOKERS.items():
        task = held.get(kind)
        at = rules.next_look(current, kind) if current is not None else None
        if at is None:
            endings += [(task, Ending(State.DROPPED, "over"))] if task is not None else []
        elif task is None or not _stays(task, at, zone, now):
            settings.append(_setting(child, kind, role, _due(max(at, now), zone), zone))
    await settle_and_set(actor, child, endings, settings, now)


def _due(at: datetime, zone: ZoneInfo) -> datetime:
    return end_of(at.astimezone(zone).date(), zone)


def _stays(task: Task, at: datetime, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the open task asks for this look: it is due on its day, or since then, where we found
    the absence later."""
    return _due(at, zone) <= task.due_at <= _due(max(at, now), zone)


def _setting(child: Child, kind: Kind, role: Role, due_at: datetime, zone: ZoneInfo) -> Setting:
    return Setting(
        kind=kind,
        subject_id=child.id,
        owner_id=None,
        owner_role=role.value,
        due_at=due_at,
        zone=zone.key,
    )


# --- the end


async def _remind(
    child: Child, passes: Sequence[Pass], rows: Mapping[UUID, Pause], now: datetime
) -> set[UUID]:
    """Remind of each end that is near, and withdraw what is not so any more. Returns the absences
    of whose end people were reminded."""
    reminded = {id_ for id_, row in rows.items() if row.reminded_at is not None}
    ends = {pass_.last.id for pass_ in passes if pass_.end > now}
    stale = [id_ for id_ in sorted(reminded - ends) if rows[id_].until_at > now]
    await withdraw(stale, "settled", now, kinds=[Message.AWAY_ENDS])
    due = [
        rows[pass_.last.id]
        for pass_ in passes
        if pass_.last.id not in reminded and rules.is_to_remind(pass_, pass_.last, now)
    ]
    for row in due:
        people = await _who_hears(child, row, now)
        await queue([_saying(child, row, person) for person in people], now)
        await Pause.filter(id=row.id).update(reminded_at=now)
    return reminded | {row.id for row in due}


async def _who_hears(child: Child, row: Pause, now: datetime) -> list[UUID]:
    """The author. If they have left, or the child is no longer theirs: the caseworkers, or else the
    supervisors."""
    held = Tie.filter(
        Tie.standing_at(now),
        child_id=child.id,
        role__in=[Role.CASEWORKER, Role.SUPERVISOR],
        person__disabled_at__isnull=True,
    )
    by_role: dict[str, set[UUID]] = {}
    for person_id, role in await held.values_list("person_id", "role"):
        by_role.setdefault(Role(role), set()).add(as_id(person_id))
    workers, supervisors = (by_role.get(r, set()) for r in (Role.CASEWORKER, Role.SUPERVISOR))
    if row.made_by in workers | supervisors:
        return [row.made_by]
    return sorted(workers or supervisors)


def _saying(child: Child, row: Pause, person: UUID) -> Saying:
    return Saying(
        kind=Message.AWAY_ENDS,
        agency_id=child.agency_id,
        subject_kind="pause",
        subject_id=row.id,
        person_id=person,
        child_id=child.id,
        expires_at=row.until_at,
        data={"path": f"/desk/children/{child.id}/pauses"},
    )


async def _note_moments(
    passes: Sequence[Pass], rows: Mapping[UUID, Pause], reminded: Collection[UUID], now: datetime
) -> None:
    """When the ticker looks at each of these rows next."""
    moments = {
        absence.id: rules.next_moment(pass_, absence, now, reminded)
        for pass_ in passes
        for absence in pass_.absences
    }
    await bulk.update(
        Pause,
        [
            {"id": id_, "next_action_at": moments.get(id_)}
            for id_, row in rows.items()
            if row.next_action_at != moments.get(id_)
        ],
    )
