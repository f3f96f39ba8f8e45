"""What an open episode tells the grab pack: where the child was last seen, which attempts were
made, who was told. Reads rows, and writes none."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, apart, format_moment, gettext
from server.missing.profile.wire import LastOut, PointOut
from server.missing.search.entry_kinds import ENTRIES, OPENED, SEEN_THERE, SIGN_OF_LIFE, Act, Detail
from server.missing.search.last_seen import Seen, last_seen, noticed_in
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.pictures.time_line import Event
from server.missing.search.signs_of_life import SEEN, Sign, moment_of, signs_of, was_logged_late
from server.missing.search.wording import LINES, SIGNS, title_of
from server.people.models import Person
from server.people.rules import Role
from server.policy.roll_call import Word
from server.watch.facts import last_heard
from server.watch.models import RollCallWord, Sighting, Watch, WitnessWord

MOST, MOST_TOLD, MOST_SIGNS, MOST_NOTICED, MOST_OF_PLACE = 12, 100, 5, 100, 40


class Search(msgspec.Struct, frozen=True):
    """The search in its current state. `answers`: fields that need no answer any more; `signs`:
    what the missing child said, and who saw them; `clothes`: what a look into the room told;
    `events`: what happened and when, by its title, for the line of time."""

    since: datetime
    last_seen_at: datetime | None
    last: LastOut
    clothes: str
    last_seen: str
    signs: list[PointOut]
    tried: list[PointOut]
    answers: frozenset[str]
    events: list[Event]


async def search_of(child_id: UUID, language: str, zone: ZoneInfo) -> Search | None:
    """The search for this child; None where there is none."""
    episode = await Episode.get_or_none(child_id=child_id, found_at__isnull=True)
    if episode is None:
        return None
    search_acts = [act.value for act in Act if ENTRIES[act].is_search]
    lines = (
        TimelineEntry.filter(episode_id=episode.id, what__in=search_acts)
        .order_by("-number")
        .limit(MOST)
    )
    rows = [row for row in await lines][::-1]
    people = {
        person.id: person.name
        for person in await Person.filter(id__in=list({row.who_id for row in rows if row.who_id}))
    }
    noticed = last_seen(episode, await noticed_in([episode.id], MOST_NOTICED))
    seen = _in_words_of(noticed, language, zone)
    told = await _told(episode)
    signs = await _last_signs(episode)
    return Search(
        since=episode.opened_at,
        last_seen_at=episode.last_seen_at,
        last=await _last(episode, noticed.at, signs),
        clothes=_clothes(told),
        last_seen=seen,
        signs=await _signs(signs, language, zone),
        tried=[_tried(row, people, language, zone) for row in rows],
        answers=_answered(told, has_seen=bool(seen)),
        events=await _events(episode, [*rows, *signs], language, zone),
    )


async def _told(episode: Episode) -> list[TimelineEntry]:
    """What was told of the room, and who was told: it holds however much was tried since. Each of
    the two by its own number, so that neither makes the other too old."""
    rows: list[TimelineEntry] = []
    for act in (Act.ROOM, Act.REPORT):
        held = TimelineEntry.filter(episode_id=episode.id, what=act.value).order_by("-number")
        rows += (await held.limit(MOST_TOLD))[::-1]
    return rows


async def _events(
    episode: Episode, lines: Sequence[TimelineEntry], language: str, zone: ZoneInfo
) -> list[Event]:
    """Each at the moment it is about."""
    moments = [
        *([(episode.last_seen_at, N_("Last seen"))] if episode.last_seen_at else []),
        (episode.opened_at, LINES[OPENED][0]),
    ]
    events = [Event(at, gettext(language, word)) for at, word in moments]
    signs = await signs_of(lines)
    for line in lines:
        at = moment_of(line, signs.get(line.id))
        title = _with_logging(_title(line, language), at, line, language, zone)
        events.append(Event(at, title))
    return events


def _title(line: TimelineEntry, language: str) -> str:
    """With the place where it names one: that is what the police look for."""
    if line.what != Act.PLACE:
        return title_of(line.what, language)
    where, is_seen = str(line.details.get("where", "")), line.details.get("known") == SEEN_THERE
    place = where if len(where) <= MOST_OF_PLACE else f"{where[:MOST_OF_PLACE].rstrip()}…"
    label = gettext(language, N_("Seen") if is_seen else N_("May be here"))
    return gettext(language, N_("{label}: {value}"), label=label, value=place)


async def _last_signs(episode: Episode) -> list[TimelineEntry]:
    held = TimelineEntry.filter(episode_id=episode.id, what=SIGN_OF_LIFE).order_by("-number")
    return (await held.limit(MOST_SIGNS))[::-1]


async def _signs(rows: Sequence[TimelineEntry], language: str, zone: ZoneInfo) -> list[PointOut]:
    """The last signs of life, the oldest first: when, what it was, and in which words."""
    signs = await signs_of(rows)
    label = gettext(language, N_("Sign of life"))
    return [
        PointOut(label, gettext(language, N_("; ")).join(apart(language, part) for part in parts))
        for row in sorted(rows, key=lambda row: moment_of(row, signs.get(row.id)))
        for sign in [signs.get(row.id)]
        for at in [moment_of(row, sign)]
        for when in [_with_logging(format_moment(language, at, zone), at, row, language, zone)]
        for parts in [[when, *_sign_in_words(sign, language)]]
    ]


def _with_logging(
    what: str, at: datetime, line: TimelineEntry, language: str, zone: ZoneInfo
) -> str:
    """The same, and when it was logged where that was later."""
    if not was_logged_late(at, line.received_at):
        return what
    logged = format_moment(language, line.received_at, zone)
    return gettext(language, N_("{what} (logged {time})"), what=what, time=logged)


def _sign_in_words(sign: Sign | None, language: str) -> list[str]:
    if sign is None:
        return []
    label = gettext(language, SIGNS[sign.what]) if sign.what in SIGNS else ""
    return [part for part in (label, sign.place or "", sign.words or "") if part]


def _clothes(rows: Collection[TimelineEntry]) -> str:
    """As the latest of these looks into the room tells."""
    told = [str(row.details.get("clothes") or "") for row in rows if row.what == Act.ROOM]
    return next((clothes for clothes in reversed(told) if clothes), "")


async def _last(
    episode: Episode, noticed_at: datetime | None, signs: Sequence[TimelineEntry]
) -> LastOut:
    """The last answer or sign of the child's own, and the last time that a person saw them: each at
    its own moment, and none at that of our report. A look in vain since takes nothing away."""
    watch = await Watch.get_or_none(child_id=episode.child_id)
    answers = (watch.answered_at, watch.heard_at) if watch is not None else ()
    seen_at, by_home = max(
        [(at, of_home) for at, of_home in await _each_seen(episode.child_id, noticed_at) if at],
        default=(None, False),
    )
    return LastOut(
        heard_at=last_heard(*answers, await _own_sign_at(signs)),
        seen_at=seen_at,
        seen_by_home=by_home,
        reported_at=episode.opened_at,
    )


async def _each_seen(
    child_id: UUID, noticed_at: datetime | None
) -> list[tuple[datetime | None, bool]]:
    """The last time of each way to be seen, and whether it was the home that saw them."""
    sightings = Sighting.filter(child_id=child_id, answer="seen").order_by("-seen_at").limit(1)
    here = {"child_id": child_id, "word": Word.HERE.value}
    at_home = RollCallWord.filter(**here).order_by("-said_at").limit(1)
    outside = WitnessWord.filter(**here).order_by("-said_at").limit(1)
    return [
        (noticed_at, False),
        *[(row.seen_at, row.by_role == Role.CARER) for row in await sightings],
        *[(row.said_at, True) for row in await at_home],
        *[(row.said_at, False) for row in await outside],
    ]


async def _own_sign_at(rows: Sequence[TimelineEntry]) -> datetime | None:
    """When the child last wrote or checked in; a sighting is another person's word."""
    signs = await signs_of(rows)
    own = [(row, signs.get(row.id)) for row in rows if row.details.get("said") != SEEN]
    return max((moment_of(row, sign) for row, sign in own), default=None)


def _in_words_of(seen: Seen, language: str, zone: ZoneInfo) -> str:
    moment = format_moment(language, seen.at, zone) if seen.at else ""
    parts = [moment, seen.where, seen.by, seen.words]
    return gettext(language, N_(", ")).join(part for part in parts if part)


def _tried(row: TimelineEntry, people: dict[UUID, str], language: str, zone: ZoneInfo) -> PointOut:
    entry = ENTRIES[Act(row.what)]
    answers = [
        _in_words(detail, value, language)
        for detail in entry.details
        if (value := str(row.details.get(detail.name) or ""))
    ]
    parts = [
        format_moment(language, row.at, zone),
        *answers,
        row.words or "",
        people.get(row.who_id, "") if row.who_id else "",
    ]
    # Semicolons, since the texts that people typed have commas of their own.
    text = gettext(language, N_("; ")).join(apart(language, part) for part in parts if part)
    return PointOut(gettext(language, entry.title), text)


def _in_words(detail: Detail, value: str, language: str) -> str:
    """A choice in words; typed text stays as it is."""
    choices = detail.choices or {}
    answer = gettext(language, choices[value]) if value in choices else value
    if not detail.is_named:
        return answer
    return gettext(
        language, N_("{label}: {value}"), label=gettext(language, detail.label), value=answer
    )


# What a look into the room answers of the questions at the time. Each question is answered once all
# of its details are known.
_ROOM = {"clothing": ("clothes",), "bag": ("bag",), "taken": ("phone", "documents", "medicine")}


def _is_known(row: TimelineEntry, asked: Collection[str]) -> bool:
    return all(row.details.get(name, "unknown") != "unknown" for name in asked)


def _answered(rows: Collection[TimelineEntry], *, has_seen: bool) -> frozenset[str]:
    answered = {"last_seen"} if has_seen else set()
    for row in rows:
        if row.what == Act.REPORT:
            answered.add("told")
            if row.details.get("to") == "police":
                answered.add("report")
        if row.what == Act.ROOM:
            answered |= {name for name, asked in _ROOM.items() if _is_known(row, asked)}
    return frozenset(answered)
