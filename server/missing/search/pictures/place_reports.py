"""Which places the entries of a search name, and what they say of each. Reads rows, and writes
none.

Places come from what people chose and wrote for them: where the child was last seen, found or
noticed, where people looked, where the child asked to be. Free words are never searched for places.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.alerts.attempt_rules import TARGETS, Target
from server.i18n import N_, gettext
from server.missing.search import entry_kinds
from server.missing.search.entry_kinds import RESULT, SEEN_THERE, Act
from server.missing.search.last_seen import noticed_in
from server.missing.search.models import Episode
from server.missing.search.pictures.places import Drawing, Known, Report, drawn
from server.missing.search.signs_of_life import MESSAGE, SEEN
from server.missing.search.view import Told, View
from server.people.access import Roles, is_only_called
from server.people.rules import Action

# So many searches back, and so many entries at all: the timelines have everything.
MOST_SEARCHES, MOST_ENTRIES = 10, 200
# Where people went. Who they asked at a school or in the family is no place.
_WENT = frozenset({"visit", "hospital"})
_CHOSEN = {target.value: TARGETS[target] for target in (Target.HOME, Target.SCHOOL)}
_SAID_MISSING = frozenset({entry_kinds.OPENED, entry_kinds.JOINED})


async def drawing(
    seen: View, roles: Roles, language: str, likely: Sequence[Report] = ()
) -> Drawing:
    """The places of this search, the likely ones, and, for readers of all searches of the child,
    those of earlier ones. An alert opens the present search alone."""
    reports = [*of_search(seen, language), *likely]
    if not is_only_called(roles, Action.EPISODE_SEE):
        reports += await before(seen.episode, language)
    return drawn(reports)


def of_search(seen: View, language: str) -> list[Report]:
    """What the entries of this search say, as much as its reader may read."""
    first, last = seen.timeline[:1], seen.timeline[1:][-MOST_ENTRIES:]
    reports = (_of_line(line, seen.episode.id, language) for line in (*first, *last))
    return [report for report in reports if report is not None]


def _of_line(line: Told, search: UUID, language: str) -> Report | None:
    if line.what in _SAID_MISSING:
        return _last_seen(line.details.get("last_seen"), line.at, search, language)
    if line.what == Act.ATTEMPT:
        return _attempt(line, search, language)
    says, place = _WORDS.get((line.what, _answer(line))), _text(line.details, "where")
    if says is None or not place:
        return None
    return Report(place, says[0], gettext(language, says[1]), line.at, search)


# What each entry says of its place, by its kind and by what was answered.
_WORDS: Mapping[tuple[str, str], tuple[Known, str]] = {
    (entry_kinds.FOUND, ""): (Known.SEEN, N_("Found")),
    (entry_kinds.SIGN_OF_LIFE, SEEN): (Known.SEEN, N_("Seen")),
    (entry_kinds.SIGN_OF_LIFE, MESSAGE): (Known.LIKELY, N_("The child asked to be here")),
    (Act.PLACE.value, SEEN_THERE): (Known.SEEN, N_("Seen")),
    (Act.PLACE.value, entry_kinds.LIKELY): (Known.LIKELY, N_("May be here")),
}


def _answer(line: Told) -> str:
    return _text(line.details, "said") or _text(line.details, "known")


def _text(details: Mapping[str, Any], name: str) -> str:
    return str(details.get(name) or "").strip()


def _last_seen(
    last_seen: Mapping[str, Any] | None, said_at: datetime, search: UUID, language: str
) -> Report | None:
    place, at = _text(last_seen or {}, "where"), _moment(last_seen)
    if not place:
        return None
    # Without a time we know only when it was said.
    word = N_("Last seen") if at else N_("Reported as last seen here")
    return Report(place, Known.SEEN, gettext(language, word), at or said_at, search)


def _moment(last_seen: Mapping[str, Any] | None) -> datetime | None:
    at = (last_seen or {}).get("at")
    return datetime.fromisoformat(str(at).replace("Z", "+00:00")) if at else None


def _attempt(line: Told, search: UUID, language: str) -> Report | None:
    """A place where people went to look for the child."""
    if line.details.get("how") not in _WENT:
        return None
    chosen, result = _CHOSEN.get(_text(line.details, "target")), _text(line.details, "result")
    place = _text(line.details, "whom") or (gettext(language, chosen) if chosen else "")
    if not place:
        return None
    how_much = Known.SEEN if result == "reached" else Known.LOOKED
    looked = N_("Looked, could not find")
    word = looked if result == "not_there" else RESULT.get(result, looked)
    return Report(place, how_much, gettext(language, word), line.at, search)


# --- several searches


async def before(episode: Episode, language: str) -> list[Report]:
    """Where the child was seen in earlier searches. For readers who may read those."""
    held = Episode.filter(child_id=episode.child_id, agency_id=episode.agency_id)
    held = held.filter(opened_at__lt=episode.opened_at).order_by("-opened_at", "-id")
    return await seen_in(await held.limit(MOST_SEARCHES), language, is_earlier=True)


_EARLIER = (
    N_("Last seen, earlier search"),
    N_("Seen, earlier search"),
    N_("Found, earlier search"),
)
_PRESENT = (N_("Last seen"), N_("Seen"), N_("Found"))


async def seen_in(
    episodes: Sequence[Episode], language: str, *, is_earlier: bool = False
) -> list[Report]:
    """Where the child was seen in these searches, and when. `is_earlier`: say that it was in
    another search than the one that is read."""
    last_seen, noticed, back = (
        gettext(language, word) for word in (_EARLIER if is_earlier else _PRESENT)
    )
    reports = []
    for episode in episodes:
        if where := _text(episode.last_seen or {}, "where"):
            at = episode.last_seen_at or episode.opened_at
            reports.append(Report(where, Known.SEEN, last_seen, at, episode.id))
        if where := _text(episode.found or {}, "where"):
            reports.append(Report(where, Known.SEEN, back, episode.found_at, episode.id))
    ids = [episode.id for episode in episodes[:MOST_SEARCHES]]
    seen = await noticed_in(ids, MOST_ENTRIES)
    return [*reports, *(Report(it.where, Known.SEEN, noticed, it.at, it.search) for it in seen)]
