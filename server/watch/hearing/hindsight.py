"""An answer of an earlier moment that we hear of only now: a restored database had lost it.

It settles what was open then, as of then, and nothing that opened later: a child who answered must
not be told of as late, and an old answer must not hide that the child is silent now.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace
from tortoise.queryset import QuerySet

from server.alerts import actions as alerts
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.errors import Conflict
from server.policy.roll_call import Word
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
from server.watch.spoken import since_sign
from server.watch.ticking import store
from server.watch.watch_state import WatchState, load, passed
from server.watch.writing import watch_of
from server.web.live import announce

# So old a sign of life may be that those who look for the child are called: later than that it goes
# into the timeline alone, as of when it was.
RECENT = timedelta(minutes=30)


class Hindsight(msgspec.Struct, frozen=True):
    """What it came to. `is_recent`: it is a sign of life of now."""

    settlement: Settlement
    is_recent: bool


async def settle_as_of(child_id: UUID, by_id: UUID, at: datetime, now: datetime) -> Hindsight:
    """The child answered in the app at `at`: settle what was open then. In the caller's
    transaction. `by_id` is the check-in.

    Raises NotFound if the child never had a watch, Conflict if it has moved on: try again.
    """
    watch = await watch_of(child_id)
    is_recent = await _is_recent(watch, at, now)
    if watch.is_missing and is_recent:
        await sign_of_life(watch, by_id, now)
    if watch.is_over:
        return Hindsight(await as_it_stands(child_id, now), is_recent)
    [case] = await load([watch], now)
    watch.answered_at = max(at, watch.answered_at or at)
    case, changes, heard = await _heard(case, at)
    # What time has changed since the answer is for the ticker: the next answer may settle it.
    if not await store([(case, changes)], now):
        raise Conflict("This has just changed. Refresh and try again.")
    was_late = await _settle_rounds(child_id, by_id, at, now, is_over=heard.is_over)
    if heard.ends_alert:
        await alerts.answered([child_id], now)
    await announce(watch.agency_id, "watch")
    seen = State.MISSING if watch.is_missing else state(case.standing, case.terms, now)
    came_to = Settled(was_late, heard.ends_alert, nothing=False)
    return Hindsight(Settlement(watch, came_to, case.standing.due_at, seen), is_recent)


class _Heard(msgspec.Struct, frozen=True):
    """Whether the silence of now is over by this answer, and whether it ends an open alert."""

    is_over: bool
    ends_alert: bool = False


async def _heard(case: WatchState, at: datetime) -> tuple[WatchState, tuple[Change, ...], _Heard]:
    if case.standing.sign_at > at or await _late_since(case.watch.child_id, at).exists():
        return await _begun_later(case, at), (), _Heard(is_over=False)
    before, worries = case.standing, await _worries(case, at)
    case, changes = passed(case, at)
    standing, settled = settle(case.standing, case.terms, at)
    if not worries:
        return replace(case, standing=standing), changes, _Heard(True, settled.was_alerted)
    # The rounds go on; who is to be asked and called because of it still is. By what is stored:
    # what time alone has brought until then, nobody was told of.
    standing = replace(
        standing,
        ask_at=before.ask_at,
        asked_at=before.asked_at,
        alarm_at=before.alarm_at,
        alarm_why=before.alarm_why,
        is_alerted=before.is_alerted,
    )
    return replace(case, standing=standing), changes, _Heard(is_over=False)


async def _is_recent(watch: Watch, at: datetime, now: datetime) -> bool:
    newest = await Round.filter(child_id=watch.child_id).order_by("-due_at").first()
    if newest is None or newest.opens_at > at or now - at > RECENT:
        return False
    return not (watch.is_missing and await _searched_since(watch.child_id, at))


async def _searched_since(child_id: UUID, at: datetime) -> bool:
    search = Alert.filter(child_id=child_id, cause=Cause.MISSING, closed_at__isnull=True)
    return await search.filter(opened_at__gt=at).exists()


def _late_since(child_id: UUID, at: datetime) -> QuerySet[Round]:
    return Round.filter(child_id=child_id, state="late", opens_at__gt=at)


async def _worries(case: WatchState, at: datetime) -> bool:
    """Whether something that came after this answer counts for more: an adult looked and did not
    find the child, a home or a witness said that the child is not there, a search began, or the
    alarm was set by something else than a miss."""
    child_id, standing = case.watch.child_id, case.standing
    if standing.alarm_at is not None and standing.missed_due_at is None:
        return True
    words = await since_sign([child_id], at)
    if any(word.word is Word.NOT_HERE for word in words.get(child_id, {}).values()):
        return True
    unseen = Sighting.filter(child_id=child_id, answer="not_seen", at__gt=at)
    return await unseen.exists() or await _searched_since(child_id, at)


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


# Also what a later answer settled, that we heard of first: this one came before it.
_SETTLE = """
UPDATE round SET state = CASE WHEN late_at <= $3 THEN 'answered_late' ELSE 'answered' END,
  settled_at = $3, settled_by = $2
WHERE child_id = $1 AND opens_at <= $3
AND (state IN ('open', 'late') OR state = 'answered_late' AND settled_at > $3)
RETURNING id, state
"""
