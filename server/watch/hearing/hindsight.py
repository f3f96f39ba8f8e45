"""An answer of an earlier moment that we hear of only now: a restored database had lost it.

It settles what was open then, as of then, and nothing that opened later: a child who answered must
not be told of as late, and an old answer must not hide that the child is silent now.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.policy.levels import Way
from server.storage.db import fetch
from server.watch.hearing.settling import Settlement, Sign, as_it_stands, settle_all, sign_of_life
from server.watch.machine.ages import Heard
from server.watch.models import Round, Watch
from server.watch.writing import watch_of

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
    if watch.is_over:
        if watch.is_missing and is_recent:
            await sign_of_life(watch, by_id, now)
        return Hindsight(await as_it_stands(child_id, now), is_recent)
    [came_to] = await settle_all([Sign(watch, Way.APP, by_id, Heard(at, at), is_recent)], now)
    rows = await fetch(_AS_OF_THEN, [child_id, by_id, at])
    was_late = any(row["state"] == "answered_late" for row in rows)
    settled = replace(came_to.settled, was_late=was_late, nothing=False)
    return Hindsight(replace(came_to, settled=settled), is_recent)


async def _is_recent(watch: Watch, at: datetime, now: datetime) -> bool:
    newest = await Round.filter(child_id=watch.child_id).order_by("-due_at").first()
    if newest is None or newest.opens_at > at or now - at > RECENT:
        return False
    return not (watch.is_missing and await _searched_since(watch.child_id, at))


async def _searched_since(child_id: UUID, at: datetime) -> bool:
    search = Alert.filter(child_id=child_id, cause=Cause.MISSING, closed_at__isnull=True)
    return await search.filter(opened_at__gt=at).exists()


# Also what a later answer settled, that we heard of first: this one came before it.
_AS_OF_THEN = """
UPDATE round SET state = CASE WHEN late_at <= $3 THEN 'answered_late' ELSE 'answered' END,
  settled_at = $3, settled_by = $2
WHERE child_id = $1 AND (settled_by = $2
  OR state = 'answered_late' AND opens_at <= $3 AND settled_at > $3)
RETURNING id, state
"""
