"""Reading how each channel does, over all agencies: counts and codes, no content and no names."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from server.notify.channel_health import (
    ASKS,
    FAILS,
    FAR,
    LATEST,
    YOUNG,
    Asked,
    Tried,
    is_broken,
    silent,
)
from server.notify.rules import NONE, Reason
from server.storage.db import among, as_id, as_moment, fetch
from server.storage.ids import uuid7_from

_LATEST = f"""
SELECT started_at, address_id, result FROM delivery
WHERE channel = $1 AND started_at > $2 AND result NOT IN ('sending', 'withheld', 'unknown', 'gone')
ORDER BY started_at DESC, id DESC LIMIT {LATEST}
"""  # noqa: S608 (a number of our own)


async def broken_channels(names: Iterable[str], now: datetime) -> set[str]:
    """The channels among these that are broken now."""
    return {name for name in names if is_broken(await _latest(name, now), now)}


async def _latest(name: str, now: datetime) -> list[Tried]:
    return [
        Tried(
            as_moment(row["started_at"]),
            None if row["address_id"] is None else as_id(row["address_id"]),
            row["result"] in FAILS,
        )
        for row in await fetch(_LATEST, [name, now - YOUNG])
    ]


_ASKED = f"""
SELECT channel, person_id, done_at, seen_at FROM message
WHERE kind IN ({", ".join(f"'{kind.value}'" for kind in sorted(ASKS))})
AND state = 'done' AND person_id IS NOT NULL AND queued_at > $1 AND id >= $2 ORDER BY queued_at
"""  # noqa: S608 (names of our own)


async def silent_channels(now: datetime) -> set[str]:
    """The channels that accept messages that ask for an answer, and bring no answer."""
    asked: dict[str, list[Asked]] = {}
    for row in await fetch(_ASKED, [now - FAR, uuid7_from(now - FAR)]):
        message = Asked(
            as_moment(row["done_at"]), as_id(row["person_id"]), row["seen_at"] is not None
        )
        asked.setdefault(row["channel"], []).append(message)
    return silent(asked, now)


class Counted(msgspec.Struct, frozen=True):
    """What became of the attempts by one channel; `codes` are those of failed attempts."""

    attempts: int
    accepted: int
    shown: int
    codes: tuple[tuple[str, int], ...]


_COUNTS = """
SELECT d.channel, d.result, d.why, COUNT(*) AS n, COUNT(d.seen_at) AS shown
FROM delivery d JOIN message m ON m.id = d.message_id
WHERE d.channel {any} AND d.started_at > $2 AND m.agency_id = $3 AND d.result <> 'withheld'
GROUP BY d.channel, d.result, d.why
"""


_UNSENT = f"""
SELECT why, COUNT(*) AS n FROM message
WHERE agency_id = $1 AND queued_at > $2 AND id >= $3
AND state IN ('failed', 'withheld') AND (channel = '{NONE}' OR why = '{Reason.CHANNEL_CLOSED}')
GROUP BY why ORDER BY COUNT(*) DESC, why
"""  # noqa: S608 (names of our own)


async def unsent(agency_id: UUID, since: datetime) -> list[tuple[str, int]]:
    """How many messages of an agency no channel could try, and why."""
    rows = await fetch(_UNSENT, [agency_id, since, uuid7_from(since)])
    return [(row["why"] or "failed", row["n"]) for row in rows]


async def counted(
    agency_id: UUID, channels: Collection[str], since: datetime
) -> dict[str, Counted]:
    """What became of one agency's messages by each of these channels."""
    if not channels:
        return {}
    rows = await fetch(_COUNTS.format(any=among()), [list(channels), since, agency_id])
    counts = {}
    for name in channels:
        mine = [row for row in rows if row["channel"] == name]
        codes: Counter[str] = Counter()
        for row in mine:
            if row["result"] != "accepted":
                codes[row["why"] or row["result"]] += row["n"]
        counts[name] = Counted(
            attempts=sum(row["n"] for row in mine),
            accepted=sum(row["n"] for row in mine if row["result"] == "accepted"),
            shown=sum(row["shown"] for row in mine),
            codes=tuple(codes.most_common()),
        )
    return counts
