"""What came after an answer that was said a while ago, and counts for more. Reads rows."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from server.policy.roll_call import Word
from server.storage.db import among, as_id, as_moment, fetch
from server.watch import spoken
from server.watch.machine.ages import ON_THE_WAY
from server.watch.models import Watch


async def about(heard: Iterable[tuple[Watch, datetime | None]], now: datetime) -> set[UUID]:
    """The children about whose answer we have our doubts: after it was said, an adult looked
    and did not find them, a home or a witness said that they are not there, a search began, or
    adults are to be called for another reason than a missed check-in. Most often nothing is as old
    as that, and nothing is read."""
    old = {
        watch.child_id: (watch, at)
        for watch, at in heard
        if at is not None and at <= now - ON_THE_WAY
    }
    if not old:
        return set()
    doubtful = {id_ for id_, (watch, _) in old.items() if _has_own_alarm(watch)}
    moments = {id_: at for id_, (_, at) in old.items()}
    for row in await fetch(_AFTER.format(any=among()), [list(old), min(moments.values())]):
        if as_moment(row["at"]) > moments[as_id(row["child_id"])]:
            doubtful.add(as_id(row["child_id"]))
    words = await spoken.since_sign(list(old), min(moments.values()))
    return doubtful | {id_ for id_, of_child in words.items() if _is_away(of_child, moments[id_])}


def _has_own_alarm(watch: Watch) -> bool:
    return watch.alarm_at is not None and watch.missed_due_at is None


def _is_away(words: spoken.ByCall, at: datetime) -> bool:
    return any(word.word is Word.NOT_HERE and word.said_at > at for word in words.values())


_AFTER = """
SELECT child_id, at FROM sighting WHERE child_id {any} AND answer = 'not_seen' AND at > $2
UNION ALL
SELECT child_id, opened_at AS at FROM alert
WHERE child_id {any} AND cause = 'missing' AND closed_at IS NULL AND opened_at > $2
"""
