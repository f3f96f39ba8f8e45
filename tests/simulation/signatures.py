"""What shows that a world is of another kind: one figure of each, to compare with the ordinary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from server.simulation.events import moment
from server.simulation.life import Absence, Row
from server.simulation.worlds import calendar

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Made:
    """The events of a world, and its truth."""

    rows: list[Row]
    truth: list[Absence]

    @cached_property
    def placed(self) -> dict[str, Row]:
        return {row[1]: row for row in self.rows if row[2] == "placed"}

    @cached_property
    def _absences(self) -> dict[str, list[Absence]]:
        by_child = defaultdict(list)
        for absence in self.truth:
            by_child[absence.child].append(absence)
        return by_child

    @cached_property
    def _homes(self) -> dict[str, list[tuple[datetime, str]]]:
        homes = {child: [(row[0], row[3]["home"])] for child, row in self.placed.items()}
        for at, child, kind, detail in self.rows:
            if kind == "moved":
                homes[child].append((at, detail["home"]))
        return homes

    def gone(self, child: str, at: datetime) -> Absence | None:
        return next((a for a in self._absences.get(child, ()) if a.holds(at)), None)

    def placed_at(self, child: str) -> datetime:
        return self.placed[child][0]

    def home_at(self, child: str, at: datetime) -> str:
        return [home for since, home in self._homes[child] if since <= at][-1]

    def zone(self, child: str) -> ZoneInfo:
        return ZoneInfo(self.placed[child][3]["zone"])

    def local(self, child: str, at: datetime) -> datetime:
        return at.astimezone(self.zone(child))

    def of(self, kind: str) -> Iterator[Row]:
        return (row for row in self.rows if row[2] == kind)

    @cached_property
    def answered(self) -> dict[str, set[date]]:
        """The local days on which each child answered."""
        days = defaultdict(set)
        for at, child, _, _ in self.of("check_in"):
            days[child].add(self.local(child, at).date())
        return days

    def days(self, child: str) -> list[date]:
        """Every whole day of the watch."""
        first = self.local(child, self.placed_at(child)).date() + DAY
        last = self.rows[-1][0].date()
        return [first + n * DAY for n in range((last - first).days)]


def share(hits: Iterator[bool] | list[bool]) -> float:
    every = list(hits)
    return sum(every) / max(len(every), 1)


def covers_3_am(row: Row) -> bool:
    """Whether what would be said covers three at night, UTC: night in every zone of the cohort."""
    at, until = row[0], moment(row[3]["until"], "until")
    three = datetime.combine(at.date(), time(3), tzinfo=at.tzinfo)
    return any(at <= night <= until for night in (three, three + DAY))


# --- one figure each


def persistence(made: Made) -> float:
    """How much likelier an answer is on the day after one."""
    after_answer, after_miss = list[bool](), list[bool]()
    for child in made.placed:
        days, answered = made.days(child), made.answered[child]
        for before, day in pairwise(days):
            (after_answer if before in answered else after_miss).append(day in answered)
    return share(after_answer) - share(after_miss)


def moods_that_last(made: Made) -> float:
    """Of two answers in a row, the share whose moods are next to each other."""
    last: dict[str, int] = {}
    near = []
    for _, child, _, detail in made.of("check_in"):
        if child in last:
            near.append(abs(detail["mood"] - last[child]) <= 1)
        last[child] = detail["mood"]
    return share(near)


def homes_that_forget(made: Made) -> float:
    """Of the days of homes with six children and more, those on which hardly anyone answered."""
    asked: dict[tuple[str, date], list[bool]] = defaultdict(list)
    for child, row in made.placed.items():
        for day in made.days(child):
            asked[row[3]["home"], day].append(day in made.answered[child])
    return share([share(said) < 0.34 for said in asked.values() if len(said) >= 6])


def together(made: Made) -> float:
    """Of the departures, those with another from the same home within twelve hours."""
    left = [(a.left_at, a.child, made.home_at(a.child, a.left_at)) for a in made.truth]
    return share(
        any(h == home and c != child and abs(other - at) <= 12 * HOUR for other, c, h in left)
        for at, child, home in left
    )


def after_leave(made: Made) -> float:
    """Of the departures, those within two days of an agreed absence."""
    ends: dict[str, list[datetime]] = defaultdict(list)
    for _, child, _, detail in made.of("pause"):
        ends[child].append(moment(detail["until"], "until"))
    return share(
        any(end <= a.left_at <= end + 2 * DAY for end in ends[a.child]) for a in made.truth
    )


def on_pay_days(made: Made) -> float:
    """Of the departures, those within a day of 15:00 on a pay day."""

    def is_one(absence: Absence) -> bool:
        day = (made.local(absence.child, absence.left_at) - 15 * HOUR).date()
        return calendar.is_pay_day(day)

    return share(is_one(absence) for absence in made.truth)


def looked_for_in_vain(made: Made) -> float:
    """Of what homes would say of children who are there, "not here"."""
    return share(
        detail["answer"] == "not_here"
        for at, child, _, detail in made.of("if_asked")
        if detail["by"] == "home" and made.gone(child, at) is None
    )


def guessed(made: Made) -> float:
    """Of what adults would say of a child in the first 36 hours, "here" or "seen"."""
    return share(
        detail["answer"] in ("here", "seen")
        for at, child, _, detail in made.of("if_asked")
        if detail["by"] in ("home", "carer")
        and (gone := made.gone(child, at)) is not None
        and at < gone.left_at + 36 * HOUR
    )


def closed_wrongly(made: Made) -> float:
    """Of alerts about a child who has gone, closed with "was here"."""
    return share(
        detail["outcome"] == "was_here"
        for at, child, _, detail in made.of("if_alerted")
        if made.gone(child, at) is not None
    )


def at_night(made: Made) -> float:
    """Of the departures, those from 22:45 to 05:00."""

    def is_night(absence: Absence) -> bool:
        local = made.local(absence.child, absence.left_at).time()
        return local >= time(22, 45) or local < time(5)

    return share(is_night(absence) for absence in made.truth)


def phones_gone(made: Made) -> float:
    """Phones that were out for more than five days, for each child."""
    failed: dict[str, datetime] = {}
    long = 0
    for at, child, kind, _ in made.rows:
        if kind == "prompt_failed":
            failed[child] = at
        elif kind == "prompt_ok" and at - failed.pop(child, at) > 5 * DAY:
            long += 1
    return long / len(made.placed)


def answers_while_gone(made: Made) -> float:
    """Answers a day from children who have gone, up to a week."""
    days = 0.0
    for absence in made.truth:
        end = min(absence.back_at or made.rows[-1][0], absence.left_at + 7 * DAY)
        days += (end - absence.left_at) / DAY
    given = sum(
        (gone := made.gone(child, at)) is not None and at < gone.left_at + 7 * DAY
        for at, child, _, _ in made.of("check_in")
    )
    return given / max(days, 1e-9)


def closed_schools(made: Made) -> float:
    """By how much the morning lists of a holiday are fewer than in term."""
    counts: dict[bool, list[int]] = {True: [], False: []}
    lists: dict[date, int] = defaultdict(int)
    for at, _, _, detail in made.of("if_asked"):
        lists[at.date()] += detail["by"] == "school"
    for day in made.days("c00000"):
        if day.weekday() < 5:
            counts[calendar.is_holiday(day)].append(lists[day])
    mean = {is_holiday: sum(n) / max(len(n), 1) for is_holiday, n in counts.items()}
    return 1 - mean[True] / mean[False]


def silent_regions(made: Made) -> float:
    """Of the days of zones with eight children and more, those on which hardly anyone answered."""
    watched: dict[tuple[str, date], list[bool]] = defaultdict(list)
    for child, row in made.placed.items():
        for day in made.days(child)[:-1]:
            watched[row[3]["zone"], day].append(day in made.answered[child])
    return share([share(said) < 0.25 for said in watched.values() if len(said) >= 8])


def without_carer(made: Made) -> float:
    return share(not row[3]["carer"] for row in made.placed.values())


def missed(made: Made) -> float:
    """Days without any answer."""
    return share(
        day not in made.answered[child] for child in made.placed for day in made.days(child)
    )


@dataclass(frozen=True)
class Signature:
    """The figure is at least this, and so many times that of the ordinary world."""

    measure: Callable[[Made], float]
    at_least: float
    times: float


SIGNATURES = {
    "by_habit": Signature(persistence, 0.35, 1.7),
    "by_mood": Signature(moods_that_last, 0.8, 1.4),
    "by_group": Signature(homes_that_forget, 0.15, 2.0),
    "bunched": Signature(together, 0.3, 3.0),
    "after_visits": Signature(after_leave, 0.4, 3.0),
    "pay_days": Signature(on_pay_days, 0.4, 3.0),
    "late_evenings": Signature(looked_for_in_vain, 0.06, 2.0),
    "guessing_carers": Signature(guessed, 0.4, 4.0),
    "one_outcome": Signature(closed_wrongly, 1.0, 4.0),
    "no_night_staff": Signature(at_night, 0.7, 2.0),
    "dying_phones": Signature(phones_gone, 0.3, 4.0),
    "coerced": Signature(answers_while_gone, 0.5, 2.0),
    "seasons": Signature(closed_schools, 1.0, 3.0),
    "outages": Signature(silent_regions, 0.02, 4.0),
    "quiet_flats": Signature(without_carer, 0.35, 2.0),
    "seldom": Signature(missed, 0.42, 1.3),
}
