"""An answer of an earlier moment that we hear of only now: a restored database had lost it.

It settles what was open then, as of then, and nothing that opened later: a child who answered must
not be told of as late, and an old answer must not hide that the child is silent now.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace
from tortoise.queryset import QuerySet

from server.alerts import actions as alerts
from server.errors import Conflict
from server.storage.db import as_id, fetch
from server.watch.hearing.settling import (
    Settlement,
    as_it_stands,
    sign_of_life,
    withdraw_questions,
)
from server.watch.machine.answering import settle
from server.watch.machine.standing import Change, Settled, State, state
from server.watch.models import Round, Sighting, Watch
from server.watch.ticking import store
from server.watch.watch_state import WatchState, load, passed
from server.watch.writing import watch_of
from server.web.live import announce


class Hindsight(msgspec.Struct, frozen=True):
    """What it came to. `is_recent`: no round has opened since that answer."""

    settlement: Settlement
    is_recent: bool


async def settle_as_of(child_id: UUID, by_id: UUID, at: datetime, now: datetime) -> Hindsight:
    """The child answered in the app at `at`: settle what was open then. In the caller's
    transaction. `by_id` is the check-in.

    Whether the ticker has looked since the restore makes no difference. Raises NotFound if the
    child never had a watch, Conflict if it has moved on: try again.
    """
    watch = await watch_of(child_id)
    if watch.is_over:
        return await _after_the_end(watch, by_id, at, now)
    [case] = await load([watch], now)
    watch.answered_at = max(at, watch.answered_at or at)
    changes: tuple[Change, ...] = ()
    was_alerted = False
    is_over = not await _goes_on(case, at)
    if is_over:
        case, changes = passed(case, at)
        standing, settled = settle(case.standing, case.terms, at)
        case, was_alerted = replace(case, standing=standing), settled.was_alerted
    else:
        case = await _begun_later(case, at)
    # What time has changed since the answer is for the ticker: the next answer may settle it.
    if not await store([(case, changes)], now):
        raise Conflict("This has just changed. Refresh and try again.")
    was_late = await _settle_rounds(child_id, by_id, at, now, is_over=is_over)
    is_recent = case.standing.opens_at > now and is_over and await _is_of_the_newest(child_id, at)
    if was_alerted:
        await alerts.answered([child_id], now)
    await announce(watch.agency_id, "watch")
    if watch.is_missing and is_recent:
        await sign_of_life(watch, by_id, now)
    seen = State.MISSING if watch.is_missing else state(case.standing, case.terms, now)
    came_to = Settled(was_late, was_alerted, nothing=False)
    return Hindsight(Settlement(watch, came_to, case.standing.due_at, seen), is_recent)


async def _after_the_end(watch: Watch, by_id: UUID, at: datetime, now: datetime) -> Hindsight:
    is_recent = await _is_of_the_newest(watch.child_id, at)
    if watch.is_missing and is_recent:
        await sign_of_life(watch, by_id, now)
    return Hindsight(await as_it_stands(watch.child_id, now), is_recent)


async def _is_of_the_newest(child_id: UUID, at: datetime) -> bool:
    newest = await Round.filter(child_id=child_id).order_by("-due_at").first()
    return newest is not None and newest.opens_at <= at


def _late_since(child_id: UUID, at: datetime) -> QuerySet[Round]:
    return Round.filter(child_id=child_id, state="late", opens_at__gt=at)


async def _goes_on(case: WatchState, at: datetime) -> bool:
    """Whether the silence of now is another one than this answer ended: a later round is late, a
    later sign is known, or adults are called and one looked since and did not find the child."""
    child_id = case.watch.child_id
    if case.standing.sign_at > at or await _late_since(child_id, at).exists():
        return True
    unseen = Sighting.filter(child_id=child_id, answer="not_seen", at__gt=at)
    return case.standing.is_alerted and await unseen.exists()


async def _begun_later(case: WatchState, at: datetime) -> WatchState:
    """The silence began with a later round than we thought, if with any. Adults are called no later
    than they would have been; an open alert stays open."""
    late, standing = _late_since(case.watch.child_id, at), case.standing
    first = await late.order_by("due_at").first()
    if first is not None:
        standing = replace(
            standing, missed_due_at=first.due_at, late_at=first.late_at, misses=await late.count()
        )
    return replace(case, standing=replace(standing, sign_at=max(at, standing.sign_at)))


async def _settle_rounds(
    child_id: UUID, by_id: UUID, at: datetime, now: datetime, *, is_over: bool
) -> bool:
    """Whether one of them was late by then. `is_over`: the silence is over as well."""
    rows = await fetch(_SETTLE, [child_id, by_id, at])
    await withdraw_questions([as_id(row["id"]) for row in rows], [child_id] if is_over else [], now)
    return any(row["state"] == "answered_late" for row in rows)


_SETTLE = """
UPDATE round SET state = CASE WHEN late_at <= $3 THEN 'answered_late' ELSE 'answered' END,
  settled_at = $3, settled_by = $2
WHERE child_id = $1 AND state IN ('open', 'late') AND opens_at <= $3
RETURNING id, state
"""
