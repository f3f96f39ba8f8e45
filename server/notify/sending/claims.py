"""Claiming the messages that are due, by a lease."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from server.notify.models import Message
from server.storage import bulk
from server.storage.db import among, as_id, dialect, fetch, write, write_once

AT_ONCE = 100
# Messages that go out as one are claimed together, beyond the batch, but only as many as a pass can
# finish well within its lease. The rest go out in the next pass, under the same tag.
MOST_AS_ONE = 5_000
LEASE = timedelta(seconds=60)


class Claimer(msgspec.Struct, frozen=True):
    """The name under which a worker claims, and the channels that it is busy with."""

    name: str
    busy: Collection[str]


class _Due(msgspec.Struct, frozen=True):
    """Which messages are due: any that are urgent, any others, any that go out as one."""

    urgent: bool
    others: bool
    grouped: bool


async def claim(worker: Claimer, now: datetime) -> list[Message]:
    """The next batch, leased to this worker. Most passes find nothing: they read, and lock nothing,
    which on SQLite would hold up every other writer."""
    if (due := await _look(worker, now)) is None:
        return []
    if due.grouped or (due.urgent and due.others):
        rows = await _claim_all(worker, now, due)
    else:
        # Cancelled on SQLite, it goes on in its thread: the lease of what it claimed runs out.
        async with write_once():
            rows = await _claim_due(worker, now, AT_ONCE, grouped=False)
    ids = [as_id(row["id"]) for row in rows]
    if not ids:
        return []
    which = f"id {among()} AND leased_by = $2"
    messages = await bulk.select(Message, which, [ids, worker.name])
    # Nobody's name goes into a message.
    people = await bulk.follow(messages, "person", without=("name", "phone"))
    await bulk.follow(people, "agency", without=("name",))
    return messages


async def _claim_all(worker: Claimer, now: datetime, due: _Due) -> list[Any]:
    rows: list[Any] = []
    async with write():
        # A call to an adult or a question to a carer never waits behind a reminder.
        if due.urgent:
            rows += await _claim_due(worker, now, AT_ONCE, grouped=due.grouped, only=_URGENT)
        if due.others and len(rows) < AT_ONCE:
            rows += await _claim_due(worker, now, AT_ONCE - len(rows), grouped=due.grouped)
        rows += await _claim_rest(worker, rows, now)
    return rows


# Where nothing is due it returns no row, and does not ask for the kinds.
_LOOK = """
SELECT EXISTS (SELECT 1 {due} AND urgency = 'high') AS urgent,
    EXISTS (SELECT 1 {due} AND urgency <> 'high') AS others,
    EXISTS (SELECT 1 {due} AND together IS NOT NULL) AS grouped
FROM (SELECT 1 {due} LIMIT 1) AS any_due
"""


async def _look(worker: Claimer, now: datetime) -> _Due | None:
    due = (
        f"FROM message WHERE NOT (channel {among()}) AND next_action_at <= $2"
        " AND state IN ('waiting', 'sending')"
    )
    rows = await fetch(_LOOK.format(due=due), [sorted(worker.busy), now])
    return _Due(**{name: bool(value) for name, value in rows[0].items()}) if rows else None


async def _claim_due(
    worker: Claimer, now: datetime, most: int, *, grouped: bool, only: str = ""
) -> list[Any]:
    parameters: list[Any] = [sorted(worker.busy), now, now + LEASE, worker.name]
    free = f"{only} AND NOT (channel {among()})"
    skip = "FOR UPDATE SKIP LOCKED" if dialect() == "postgres" else ""
    if not grouped:
        # Grouped messages that arrive now wait for the next pass, which takes whole groups.
        free += " AND together IS NULL"
    elif dialect() == "postgres":
        parameters.append(await _take_groups(now, only))
        free += " AND (together IS NULL OR together = ANY($5))"
    which = f"next_action_at <= $2 AND state IN ('waiting', 'sending') {free}"
    sql = _CLAIM.format(f"{which} ORDER BY next_action_at LIMIT {most} {skip}")
    return await fetch(sql, parameters)


async def _claim_rest(
    worker: Claimer, rows: Sequence[Mapping[str, Any]], now: datetime
) -> list[Any]:
    """The messages that go out as one with these, and had no room in the batch."""
    together = {as_id(row["together"]) for row in rows if row["together"] is not None}
    if not together or len(rows) < AT_ONCE:
        return []
    skip = " FOR UPDATE SKIP LOCKED" if dialect() == "postgres" else ""
    which = (
        f"together {among('$5')} AND NOT (channel {among()}) AND next_action_at <= $2"
        " AND state IN ('waiting', 'sending')"
    )
    sql = _CLAIM.format(f"{which} ORDER BY next_action_at LIMIT {MOST_AS_ONE}{skip}")
    return await fetch(sql, [sorted(worker.busy), now, now + LEASE, worker.name, list(together)])


# Claims what this condition selects.
_CLAIM = """
UPDATE message SET state = 'sending', attempts = attempts + 1, next_action_at = $3,
    lease_until = $3, leased_by = $4
WHERE id IN (SELECT id FROM message WHERE {}) RETURNING id, together
"""
_URGENT = "AND urgency = 'high'"
_GROUPS = """
SELECT together FROM (
  SELECT DISTINCT together FROM (
    SELECT together FROM message
    WHERE next_action_at <= $1 AND state IN ('waiting', 'sending') {only}
    ORDER BY next_action_at LIMIT {most}
  ) AS due WHERE together IS NOT NULL
) AS groups WHERE pg_try_advisory_xact_lock(hashtextextended(together::text, 0))
"""


async def _take_groups(now: datetime, only: str) -> list[UUID]:
    """Lock the groups that go out as one and are due next, except those that another worker is
    claiming: two workers with a part each would send it twice. Until the end of the transaction."""
    sql = _GROUPS.format(only=only, most=AT_ONCE)
    return [as_id(row["together"]) for row in await fetch(sql, [now])]
