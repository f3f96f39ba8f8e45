"""What the pages of a roll call show of each child. Reads rows, and writes none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request

from server.i18n import N_, gettext
from server.people.access import now_of
from server.people.children_access import children_for
from server.people.rules import Action
from server.policy.roll_call import Word
from server.roll_calls.form import Given, row_of
from server.roll_calls.reading import Line, Sheet
from server.roll_calls.rules import Spoken
from server.roll_calls.words import LAST_TIME, WORDS, follows
from server.watch.forecast import as_it_stands
from server.watch.models import Watch
from server.watch.wording import when
from server.web.rendering import language_of

# How a row counts in "10 here, 2 away".
_STANDS: Mapping[Word, str] = {
    Word.HERE: "here",
    Word.NOT_HERE: "away",
    Word.EXCUSED: "away",
    Word.UNKNOWN: "unknown",
}
# Those who are not here come first.
_ORDER = {Word.NOT_HERE: 0, Word.UNKNOWN: 1, None: 2, Word.EXCUSED: 3, Word.HERE: 4}


_UNTOUCHED = Given()


@dataclass(frozen=True, slots=True)
class Told:
    """What one person said of a child."""

    word: str
    by: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One child. `stands`: what is so if nobody touches the row: here, away, unknown. `says`: what
    was said, in one line. `field`: under which name a fault of the row is told."""

    id: UUID
    name: str
    initials: str
    field: str
    stands: str
    is_asked: bool
    says: str
    told: Sequence[Told]
    differs: bool
    pass_until: datetime | None
    given: Given = _UNTOUCHED
    follows: str = ""
    missing: str = ""
    href: str = ""
    number: int | None = None


def rows_of(lines: Iterable[Line], language: str, zone: ZoneInfo, now: datetime) -> list[Row]:
    """A row for each line."""
    return [_row(line, language, zone, now) for line in lines]


def _row(line: Line, language: str, zone: ZoneInfo, now: datetime) -> Row:
    told = []
    if line.said is not None and line.at is not None:
        word = gettext(language, WORDS[line.said])
        told.append(Told(word, line.by or "", line.at, line.until_at))
    others = [Told(gettext(language, WORDS[each.word]), each.by, each.at) for each in line.others]
    stands = _STANDS[line.said] if line.said is not None else "here"
    return Row(
        line.child_id,
        line.name,
        line.initials,
        row_of(line.child_id),
        "away" if line.is_on_pass and line.said is None else stands,
        not line.is_said,
        _says(line, language, zone, now),
        [*told, *others],
        any(each.word != line.said for each in line.others),
        line.pass_until,
        number=line.number,
    )


def _says(line: Line, language: str, zone: ZoneInfo, now: datetime) -> str:
    if line.said is not None and line.at is not None:
        word, time = gettext(language, WORDS[line.said]), when(language, line.at, zone, now)
        return gettext(language, N_("{word}, {time}"), word=word, time=time)
    if line.pass_until is not None:
        until = when(language, line.pass_until, zone, now)
        return gettext(language, N_("Agreed absence until {time}"), time=until)
    return _said_before(line.before, language, zone, now) if line.before is not None else ""


def _said_before(before: Spoken, language: str, zone: ZoneInfo, now: datetime) -> str:
    """So that nobody says "here" of a child who was out an hour ago, without a thought."""
    if before.until_at is not None:
        until = when(language, before.until_at, zone, now)
        return gettext(language, N_("Last time: with permission until {time}"), time=until)
    return gettext(language, LAST_TIME[before.word])


def by_worry(lines: Iterable[Line]) -> list[Line]:
    """The same with those who are not here first."""
    return sorted(lines, key=lambda line: _ORDER[line.said or _unsaid(line)])


def _unsaid(line: Line) -> Word | None:
    return Word.EXCUSED if line.is_on_pass else None


def sum_of(sheet: Sheet, language: str) -> str:
    """How many are here, away and unknown, of those with an answer."""
    answered = [line for line in sheet.lines if line.is_said]
    sums = Counter("away" if line.said is None else _STANDS[line.said] for line in answered)
    sentence = N_("{here} here, {away} away, {unknown} unknown")
    if not sums["unknown"]:
        sentence = N_("{here} here, {away} away")
    return gettext(
        language, sentence, here=sums["here"], away=sums["away"], unknown=sums["unknown"]
    )


async def with_what_follows(
    request: Request, rows: Sequence[Row], lines: Sequence[Line], zone: ZoneInfo
) -> list[Row]:
    """The same rows; of each child who is not here with what happens then, and the way to report
    them missing where the reader may."""
    away = [line.child_id for line in lines if line.said is Word.NOT_HERE]
    if not away:
        return list(rows)
    language, now = language_of(request), now_of(request)
    watches = {watch.child_id: watch for watch in await Watch.filter(child_id__in=away)}
    may_report = await children_for(request, Action.EPISODE_OPEN, among=away)
    return [
        replace(
            row,
            follows=follows(as_it_stands(watches.get(row.id)), language, zone, now),
            missing=f"/desk/children/{row.id}/missing" if row.id in may_report else "",
        )
        if row.id in away
        else row
        for row in rows
    ]
