"""Where a missing child was seen last: as the report says, or where they were noticed since. Reads
rows, and writes none."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.missing.search import entry_kinds
from server.missing.search.entry_kinds import SEEN_THERE, Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.signs_of_life import SEEN, moment_of, signs_of


class Seen(msgspec.Struct, frozen=True):
    """One time the child was seen: when, None where the report says no time; where; by which
    person; and in which words. `search`: the id of its episode."""

    search: UUID
    at: datetime | None
    where: str
    by: str = ""
    words: str = ""


def as_reported(episode: Episode) -> Seen:
    """What the report says of it; empty where it says nothing."""
    report = episode.last_seen or {}
    where, by, words = (str(report.get(name) or "").strip() for name in ("where", "by", "words"))
    return Seen(episode.id, episode.last_seen_at, where, by, words)


def last_seen(episode: Episode, noticed: Iterable[Seen]) -> Seen:
    """The last of these times. A place that was logged later may tell of an earlier hour: then what
    the report says counts. A report without a time tells of the time before it."""
    reported = as_reported(episode)
    says_more = bool(reported.at or reported.where)
    since = reported.at or (episode.opened_at if says_more else None)
    later = [seen for seen in noticed if seen.at and (since is None or seen.at > since)]
    return max(later, key=lambda seen: seen.at or episode.opened_at, default=reported)


async def noticed_in(searches: Sequence[UUID], most: int) -> list[Seen]:
    """Where people saw the child in these searches: places that were logged, and sightings. At most
    so many lines of each, the latest."""
    held = TimelineEntry.filter(episode_id__in=list(searches))
    places = await held.filter(what=Act.PLACE.value).order_by("-at", "-id").limit(most)
    lines = held.filter(what=entry_kinds.SIGN_OF_LIFE).order_by("-at", "-id")
    signs = await lines.limit(most)
    sign_by_line = await signs_of(signs)
    seen = [
        Seen(
            line.episode_id,
            line.at,
            str(line.details.get("where") or "").strip(),
            str(line.details.get("who") or ""),
            line.words or "",
        )
        for line in places
        if line.details.get("known") == SEEN_THERE
    ]
    seen += [
        Seen(line.episode_id, moment_of(line, sign), sign.place.strip(), words=sign.words or "")
        for line in signs
        if (sign := sign_by_line.get(line.id)) and sign.what == SEEN and sign.place
    ]
    return [sighting for sighting in seen if sighting.where]
