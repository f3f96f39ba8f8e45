"""The last 28 days of a child, a face a day, with the missed check-ins between. Reads rows, and
writes none. Days are those of the child's own clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.checkin.models import CheckIn
from server.clock import as_utc, known_zone
from server.desk.child.check_in_pages import MOODS
from server.i18n import N_, format_date, format_list, format_weekday, gettext, ngettext
from server.watch.models import Pause, Round, Watch

DAYS = 28
_DAY = timedelta(days=1)
# Answered late is answered: the strip of marks and the list tell when.
_MISSED = ("late", "ended_late")


@dataclass
class Told:
    """What one day has: the last mood of it, whether the child answered, and how many check-ins
    were missed."""

    mood: int | None = None
    is_answered: bool = False
    missed: int = 0
    is_seen: bool = False
    is_away: bool = False


class Cell(msgspec.Struct, frozen=True):
    """One day as it is drawn; `words` says all of it."""

    day: date
    icon: str
    missed: int
    words: str


class Rows(msgspec.Struct, frozen=True):
    """What the days are made of: answers with their mood, rounds with their state, absences."""

    answers: list[tuple[datetime, int | None]] = msgspec.field(default_factory=list)
    rounds: list[tuple[datetime, str]] = msgspec.field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = msgspec.field(default_factory=list)


async def month_of(child_id: UUID, language: str, now: datetime) -> list[Cell]:
    """The last 28 days with today, the earliest first; none where nobody watches."""
    watch = await Watch.get_or_none(child_id=child_id)
    if watch is None:
        return []
    zone = known_zone(watch.zone)
    days = last_days(now, zone)
    since = as_utc(days[0], time(0), zone)
    answers = CheckIn.filter(child_id=child_id, received_at__gte=since).values_list(
        "received_at", "spoken_at", "mood"
    )
    rounds = Round.filter(child_id=child_id, due_at__gte=since, due_at__lte=now)
    pauses = Pause.filter(child_id=child_id, until_at__gt=since, from_at__lt=now)
    rows = Rows(
        [(spoken_at or at, mood) for at, spoken_at, mood in await answers],
        await rounds.values_list("due_at", "state"),
        [(row.from_at, min(row.until_at, row.ended_at or row.until_at)) for row in await pauses],
    )
    told = told_of(rows, days, zone, now)
    return [_cell(day, told[day], language) for day in days]


def last_days(now: datetime, zone: ZoneInfo) -> list[date]:
    """The days of the picture, today last."""
    today = now.astimezone(zone).date()
    return [today - back * _DAY for back in reversed(range(DAYS))]


def weekdays_of(month: Sequence[Cell], language: str) -> list[str]:
    """What stands above the columns: the short names of the weekdays, that of the first day first.
    Empty for an empty month."""
    return [format_weekday(language, cell.day.weekday(), is_short=True) for cell in month[:7]]


def told_of(rows: Rows, days: Iterable[date], zone: ZoneInfo, now: datetime) -> dict[date, Told]:
    """What each of these days has. Pure."""
    told = {day: Told() for day in days}
    for at, mood in sorted(rows.answers, key=lambda answer: answer[0]):
        if (there := told.get(at.astimezone(zone).date())) is not None:
            there.is_answered = True
            there.mood = mood if mood is not None else there.mood
    for due_at, state in rows.rounds:
        if (there := told.get(due_at.astimezone(zone).date())) is not None:
            there.missed += state in _MISSED
            there.is_seen |= state == "seen"
    for day, there in told.items():
        noon = min(as_utc(day, time(12), zone), now)
        there.is_away = any(begin <= noon < end for begin, end in rows.pauses)
    return told


def _cell(day: date, told: Told, language: str) -> Cell:
    parts = []
    if told.mood is not None:
        parts.append(gettext(language, MOODS[told.mood - 1]))
    elif told.is_answered:
        parts.append(gettext(language, N_("answered")))
    if told.is_seen:
        parts.append(gettext(language, N_("seen by an adult")))
    if told.missed:
        count = told.missed
        parts.append(ngettext(language, "{n} check-in missed", "{n} check-ins missed", count))
    if told.is_away:
        parts.append(gettext(language, N_("away")))
    content = format_list(language, parts) if parts else gettext(language, N_("nothing was due"))
    words = gettext(language, N_("{day}: {what}"), day=format_date(language, day), what=content)
    return Cell(day, _icon(told), told.missed, words)


def _icon(told: Told) -> str:
    if told.mood is not None:
        return f"mood-{told.mood}"
    if told.is_answered:
        return "check"
    if told.is_seen:
        return "eye"
    return "away" if told.is_away and not told.missed else ""
