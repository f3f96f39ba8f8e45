"""The loop over rows that are due: a row that raises stops no other, whatever a room declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from server.alerts.drills.models import DrillPlan
from server.errors import Unavailable
from server.storage.due_rows import SET_APART, BatchPlan, DueRows
from tests.copies import replace
from tests.fixtures import Database
from tests.races import no_fault, together

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@dataclass
class Room:
    """Moves its rows on to the next day, but for those that make no sense to it, and for those at
    which the database is busy for so many tries."""

    broken: set[UUID] = field(default_factory=set)
    busy: Counter[UUID] = field(default_factory=Counter)
    moved: list[UUID] = field(default_factory=list)
    batches: list[set[UUID]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def rows(self, same: str | None = None) -> DueRows[DrillPlan]:
        return DueRows("drill", DrillPlan, self.go_on, at_once=2, same=same)

    async def go_on(self, plans: Sequence[DrillPlan], now: datetime) -> None:
        self.batches.append({plan.id for plan in plans})
        for plan in plans:
            await DrillPlan.filter(id=plan.id).update(next_action_at=now + timedelta(days=1))
            if plan.id in self.broken:
                raise RuntimeError("on purpose")
            if self.busy[plan.id] > 0:
                self.busy[plan.id] -= 1
                raise Unavailable("The database is busy.")
            self.moved.append(plan.id)

    async def tell(self, fault: str, now: datetime) -> None:
        assert now == NOON
        self.told.append(fault)


async def planned(how_many: int) -> list[UUID]:
    """So many rows, the first due longest; one is done, and one is to come."""
    ids = [UUID(int=number + 1) for number in range(how_many)]
    moments = [NOON - timedelta(minutes=how_many - number) for number in range(how_many)]
    for id_, at in zip((*ids, UUID(int=98), UUID(int=99)), (*moments, None, LATER), strict=True):
        await DrillPlan.create(id=id_, next_action_at=at, changed_at=NOON)
    return ids


async def moment_of(id_: UUID) -> datetime | None:
    return (await DrillPlan.get(id=id_)).next_action_at


async def test_all_that_is_due_goes_on_oldest_first_and_nothing_else(db: Database) -> None:
    ids, room = await planned(5), Room()
    assert await room.rows().due_now(NOON) == ids[:2]
    assert await room.rows().tick(NOON) == 2
    assert room.moved == ids[:2]
    await room.rows().go_through(NOON, room.tell)
    assert sorted(room.moved) == ids
    assert await room.rows().tick(NOON) == 0
    assert (await moment_of(UUID(int=98)), await moment_of(UUID(int=99))) == (None, LATER)
    assert room.told == []


async def test_a_row_that_raises_is_set_apart_and_the_others_go_on(db: Database) -> None:
    ids = await planned(5)
    room = Room(broken={ids[0], ids[3]})
    with pytest.raises(RuntimeError):
        await room.rows().tick(NOON)
    assert await room.rows().due_now(NOON) == ids[:2], "nothing of the batch is written"
    room.moved.clear()
    await room.rows().go_through(NOON, room.tell)
    assert {await moment_of(id_) for id_ in room.broken} == {NOON + SET_APART}
    assert {await moment_of(id_) for id_ in set(ids) - room.broken} == {LATER}
    assert set(room.told) == {"drill:row"}


async def test_a_row_waits_for_a_minute_only_where_the_database_stays_busy(db: Database) -> None:
    ids = await planned(2)
    # The batch fails at the first row; then each is tried twice, alone.
    room = Room(busy=Counter({ids[0]: 2, ids[1]: 2}))
    await room.rows().go_through(NOON, room.tell)
    assert [await moment_of(id_) for id_ in ids] == [LATER, NOON + SET_APART]
    assert room.told == ["drill:row"]


async def test_a_row_that_is_no_longer_due_is_not_set_apart(db: Database) -> None:
    room = Room()
    await planned(0)
    for id_ in (UUID(int=98), UUID(int=99)):
        await room.rows().tick_one(id_, NOON)
        await room.rows().set_apart(id_, NOON, room.tell)
    assert (await moment_of(UUID(int=98)), await moment_of(UUID(int=99))) == (None, LATER)
    assert room.moved == []


async def test_what_goes_on_once_a_tick_takes_one_batch(db: Database) -> None:
    ids, room = await planned(5), Room()
    await replace(room.rows(), once_a_tick=True).go_through(NOON, room.tell)
    assert room.moved == ids[:2]


async def test_a_room_that_locks_by_itself_gets_each_row_in_a_transaction(db: Database) -> None:
    ids = await planned(2)
    room = Room(broken={ids[1]})
    rows = replace(room.rows(), locks=False)
    with pytest.raises(RuntimeError):
        await rows.tick(NOON)
    assert [await moment_of(id_) for id_ in ids] == [LATER, NOON - timedelta(minutes=1)]
    await rows.go_through(NOON, room.tell)
    assert [await moment_of(id_) for id_ in ids] == [LATER, NOON + SET_APART]


async def test_a_row_is_due_by_any_of_its_columns(db: Database) -> None:
    ids, room = await planned(1), Room()
    rows = replace(room.rows(), columns=("next_action_at", "changed_at"))
    # One row is due by both. Where the first column is null, no decision is to come.
    assert await rows.due_now(NOON) == [*ids, UUID(int=99)]
    assert await rows.tick(NOON) == 2
    await rows.set_apart(UUID(int=99), NOON, room.tell)
    changed = {plan.id: plan.changed_at for plan in await DrillPlan.all()}
    assert changed == {ids[0]: NOON, UUID(int=98): NOON, UUID(int=99): NOON + SET_APART}


async def test_several_who_tick_at_once_move_each_row_once(db: Database) -> None:
    ids, room = await planned(5), Room()
    no_fault(await together(*(room.rows().go_through(NOON, room.tell) for _ in range(4))))
    while await room.rows().tick(NOON):
        pass
    assert sorted(room.moved) == ids


# Of seven rows the third and the fifth belong together, and so do the others.
TOGETHER = "CASE WHEN substr(CAST(d.id AS TEXT), 36) IN ('3', '5') THEN 0 ELSE 1 END"


async def test_of_many_rows_those_that_belong_together_are_one_batch(db: Database) -> None:
    ids, room = await planned(7), Room()
    await room.rows(TOGETHER).go_through(NOON, room.tell)
    named = sorted(sorted(ids.index(id_) + 1 for id_ in batch) for batch in room.batches)
    assert named == [[1, 2], [3, 5], [4, 6], [7]]
    assert sorted(room.moved) == ids


async def test_planned_batches_are_larger_where_they_hold_no_other_writer_up(
    db: Database,
) -> None:
    ids, room = await planned(7), Room()
    await replace(room.rows(TOGETHER), planned_at_once=3).go_through(NOON, room.tell)
    lengths = sorted(len(batch) for batch in room.batches)
    assert lengths == ([2, 2, 3] if db.dialect == "postgres" else [1, 2, 2, 2])
    assert sorted(room.moved) == ids


async def test_a_planned_batch_that_fails_is_taken_apart_and_holds_no_other_up(
    db: Database,
) -> None:
    ids, room = await planned(7), Room()
    room.broken = {ids[5]}
    await room.rows(TOGETHER).go_through(NOON, room.tell)
    assert {id_ for id_ in ids if await moment_of(id_) == LATER} == set(ids) - {ids[5]}
    assert await moment_of(ids[5]) == NOON + SET_APART
    assert room.told == ["drill:row"]


class Away(DueRows[DrillPlan]):
    """Whose database is away when it is asked what is due."""

    async def due_now(self, now: datetime) -> list[UUID]:
        raise Unavailable("The database is away.")


async def test_an_outage_in_a_planned_batch_sets_no_row_apart(db: Database) -> None:
    ids, room = await planned(7), Room()
    room.busy[ids[2]] = 9
    rows = Away("drill", DrillPlan, room.go_on, at_once=2, same=TOGETHER)
    with pytest.raises(ExceptionGroup) as raised:
        await rows.go_through(NOON, room.tell)
    assert raised.group_contains(Unavailable)
    assert await moment_of(ids[2]) < NOON
    assert room.told == []


async def test_rows_that_another_process_held_are_tried_once_more_in_the_same_tick() -> None:
    ids, held = [UUID(int=number) for number in range(1, 9)], set[UUID]()
    due = list(ids)

    async def read() -> list[UUID]:
        return list(due)

    plan, taken = BatchPlan(read, at_once=2), list[list[UUID]]()
    held = {ids[2]}
    while batch := await plan.next():
        taken.append(batch)
        due = [key for key in due if key not in batch or key in held]
        if len(taken) == 3:
            held = set()  # The process that held it is dead.
    assert taken == [ids[0:2], ids[2:4], ids[4:6], ids[6:8], [ids[2]]]


async def test_two_who_meet_a_row_that_raises_tell_operators_once(db: Database) -> None:
    [id_], room = await planned(1), Room()
    for _ in range(2):
        await room.rows().set_apart(id_, NOON, room.tell)
    assert await moment_of(id_) == NOON + SET_APART
    assert room.told == ["drill:row"]
