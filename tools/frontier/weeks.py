"""One week of one home: what the children answered, what the home said of them, who was away.

Of all weeks from the seventh on and all group homes, the one is taken that differs most from the
same week of the same children in the ordinary world, departures above all: a reader sees what is
special.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.simulation.evaluation import Gone, Page, pages
from server.simulation.life import BEGIN, DAY, MINUTE, Row
from server.simulation.outcomes import Result
from server.watch.rhythm.rules import OPENS_BEFORE

FIRST_WEEK, LAST_WEEK = 6, 17  # The weeks that are looked at, counted from zero.
FEWEST, MOST = 5, 7  # Children of the home that is drawn, and how many of them are.
# A child who leaves, and does not in the ordinary world, differs as much as so many marks; an
# agreed leave.
LEAVES_COUNT, LEAVE_COUNTS = 25, 4
Span = tuple[datetime, datetime]


@dataclass(slots=True)
class Life:
    """What the rows have of one child."""

    name: str
    home: str
    zone: ZoneInfo
    begin: datetime
    times: tuple[time, ...]
    answers: list[datetime] = field(default_factory=list)
    on_leave: list[Span] = field(default_factory=list)
    words: list[tuple[datetime, datetime, str]] = field(default_factory=list)  # Of the home.

    def dues(self, monday: datetime) -> list[datetime]:
        """When the child was asked in a week, without agreed absences."""
        days = [monday.astimezone(self.zone).date() + n * DAY for n in range(7)]
        every = sorted(as_utc(day, at, self.zone) for day in days for at in self.times)
        return [at for at in every if not any(b <= at < u for b, u in self.on_leave)]

    def has_answered(self, due: datetime, until: datetime) -> bool:
        """Whether an answer came before the next check-in could be answered."""
        place = bisect_left(self.answers, due - OPENS_BEFORE)
        return place < len(self.answers) and self.answers[place] < until - OPENS_BEFORE

    def word(self, at: datetime) -> str | None:
        """What the home would say at a moment; None: nobody does the roll call."""
        said = [word for begin, until, word in self.words if begin <= at <= until]
        return said[-1] if said else None


def lives(rows: Iterable[Row]) -> dict[str, Life]:
    """The children of a world by their names."""
    found: dict[str, Life] = {}
    for at, name, kind, detail in rows:
        if kind == "placed":
            times = tuple(time.fromisoformat(text) for text in detail["rhythm"]["at"])
            found[name] = Life(name, detail["home"], ZoneInfo(detail["zone"]), at, times)
        elif kind == "check_in":
            found[name].answers.append(at)
        elif kind == "pause":
            found[name].on_leave.append((at, _moment(detail["until"])))
        elif kind == "if_asked" and detail["by"] == "home":
            found[name].words.append((at, _moment(detail["until"]), detail["answer"]))
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- the marks of a week

Marks = list[list[Any]]


def marks(life: Life, monday: datetime, roll_calls: Sequence[time]) -> Marks:
    """`[minutes since Monday, what]` in order. Check-ins: `answered`, `missed`; the rest are words
    of the home."""
    dues = life.dues(monday)
    ends = [*dues[1:], monday + 7 * DAY + OPENS_BEFORE]
    found = [
        (due, "answered" if life.has_answered(due, until) else "missed")
        for due, until in zip(dues, ends, strict=False)
    ]
    for day in range(7):
        date = monday.astimezone(life.zone).date() + day * DAY
        for call in roll_calls:
            at = as_utc(date, call, life.zone)
            word = life.word(at)
            if word is not None:
                found.append((at, word))
    return [[_minutes(at, monday), what] for at, what in sorted(found) if at >= life.begin]


def _minutes(at: datetime, monday: datetime) -> int:
    return int((at - monday) / MINUTE)


def _spans(spans: Iterable[Span], monday: datetime) -> list[list[int]]:
    end = monday + 7 * DAY
    return [
        [_minutes(max(begin, monday), monday), _minutes(min(until, end), monday)]
        for begin, until in spans
        if begin < end and until > monday
    ]


# --- the choice


class Lived:
    """The children of a home in one world: their rows, and when they were away."""

    def __init__(self, rows: Iterable[Row], truth: Iterable[Gone] = ()) -> None:
        self.lives = lives(rows)
        self.truth = list(truth)

    def week(self, name: str, monday: datetime, roll_calls: Sequence[time]) -> dict[str, Any]:
        """One child: marks, and spans of minutes since Monday in which they were away or on
        agreed leave."""
        life = self.lives[name]
        away = [
            (gone.left_at, gone.back_at or datetime.max.replace(tzinfo=UTC))
            for gone in self.truth
            if gone.child == name
        ]
        return {
            "marks": marks(life, monday, roll_calls),
            "away": _spans(away, monday),
            "leave": _spans(life.on_leave, monday),
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """The children of a home, and the Monday of their week."""

    children: Sequence[str]
    monday: datetime
    zone: ZoneInfo


def chosen(here: Lived, there: Lived, roll_calls: Sequence[time]) -> Chosen:
    """The week of one group home that differs most from the same one in the ordinary world."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, life in sorted(here.lives.items()):
        if life.begin <= BEGIN + FIRST_WEEK * 7 * DAY:
            homes[life.home].append(name)
    every = [
        Chosen(children[:MOST], as_utc((BEGIN + n * 7 * DAY).date(), time(0), zone), zone)
        for _, children in sorted(homes.items())
        if len(children) >= FEWEST
        for zone in [here.lives[children[0]].zone]
        for n in range(FIRST_WEEK, LAST_WEEK)
    ]
    return max(
        every,
        key=lambda of: sum(_differs(here, there, name, of, roll_calls) for name in of.children),
    )


def _differs(here: Lived, there: Lived, name: str, of: Chosen, roll_calls: Sequence[time]) -> int:
    ours = here.week(name, of.monday, roll_calls)
    usual = there.week(name, of.monday, roll_calls)
    leaves = [gone for gone in here.truth if gone.child == name and _is_drawn(gone, of.monday)]
    special = sum(gone not in there.truth for gone in leaves)
    leave = abs(len(ours["leave"]) - len(usual["leave"]))
    unlike = {tuple(mark) for mark in ours["marks"]} ^ {tuple(mark) for mark in usual["marks"]}
    return len(unlike) + LEAVES_COUNT * special + len(leaves) + LEAVE_COUNTS * leave


def _is_drawn(gone: Gone, monday: datetime) -> bool:
    """Whether a child leaves in this week, for long enough to be seen in a picture."""
    lasts = gone.back_at is None or gone.back_at - gone.left_at >= timedelta(hours=12)
    return lasts and monday <= gone.left_at < monday + timedelta(days=7)


def told(here: Lived, of: Chosen, result: Result, roll_calls: Sequence[time]) -> dict[str, Any]:
    """What is drawn of a week."""
    calls = pages(result, here.truth)
    return {
        "home": here.lives[of.children[0]].home,
        "monday": of.monday.astimezone(of.zone).date().isoformat(),
        "lives": [
            here.week(name, of.monday, roll_calls) | {"called": _called(calls, name, of.monday)}
            for name in of.children
        ],
    }


def _called(calls: Iterable[Page], name: str, monday: datetime) -> Marks:
    """When adults were called, and whether for an absence."""
    week = timedelta(days=7)
    return [
        [_minutes(page.at, monday), "false" if page.is_false else "real"]
        for page in calls
        if page.child == name and monday <= page.at < monday + week
    ]
