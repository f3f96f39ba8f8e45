"""How soon a missing child was told of, reported, found and heard, in figures to publish. Pure.

Every time in which a child was missing counts, whatever became of it, and so does every silence
that ended as "known elsewhere": no drawer holds children who were not really missing. A small
number would tell of a single child, so it is left out, and so is whatever would give it away.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

# A number below this is not said, unless it is none at all.
FEWEST = 5
INTERVIEW_WITHIN = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Case:
    """One time in which a child was missing. Moments are None where it has not come to that."""

    child_id: UUID
    opened_at: datetime
    answered_at: datetime | None  # The last answer of the child before.
    told_at: datetime  # When adults were called.
    reported_at: datetime | None
    found_at: datetime | None
    offered_at: datetime | None
    held_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """A span: the middle one and the ninth of ten; None where too few have one."""

    median: timedelta | None
    ninth: timedelta | None


@dataclass(frozen=True, slots=True)
class Indicators:
    """What a quarter comes to. None: too few to be said."""

    episodes: int | None
    children: int | None
    again: int | None  # Children who were missing more than once.
    to_told: Wait
    to_report: Wait
    to_found: Wait
    found: int | None  # Of these the talk after the return could be had.
    offered: int | None  # Within 72 hours of the return.
    held: int | None
    endings: Mapping[str, int | None]  # How alerts about a silence ended, each ending.


def quarter_of(day: date) -> tuple[int, int]:
    """The year, and which quarter of it."""
    return day.year, (day.month + 2) // 3


def ends_of(year: int, quarter: int) -> tuple[date, date]:
    """Its first day, and the first of the next one. ValueError where there is none such."""
    if not (1 <= quarter <= 4 and date.min.year < year < date.max.year):
        raise ValueError("no such quarter")
    first = date(year, 3 * quarter - 2, 1)
    return first, date(year + quarter // 4, (3 * quarter) % 12 + 1, 1)


def indicators(cases: Sequence[Case], endings: Mapping[str, int], now: datetime) -> Indicators:
    """The figures of these. Whole quarters alone are counted: a period that one can move by a day
    would tell of that day's child."""
    times = Counter(case.child_id for case in cases)
    again = sum(n > 1 for n in times.values())
    # Whoever came back in the last 72 hours can still be heard in time.
    due = [
        (case, case.found_at)
        for case in cases
        if case.found_at is not None and case.found_at + INTERVIEW_WITHIN <= now
    ]
    offered = sum(_within(case.offered_at or case.held_at, at) for case, at in due)
    held = sum(_within(case.held_at, at) for case, at in due)
    return Indicators(
        episodes=said(len(cases)),
        children=said(len(times), len(cases)),
        again=said(again, len(times)),
        to_told=wait([_span(case, case.told_at) for case in cases]),
        to_report=wait([_span(case, case.reported_at) for case in cases]),
        to_found=wait([_span(case, case.found_at) for case in cases]),
        found=said(len(due), len(cases)),
        offered=said(offered, len(due)),
        held=said(held, len(due)),
        endings=parts(endings),
    )


def _within(at: datetime | None, since: datetime) -> bool:
    return at is not None and at <= since + INTERVIEW_WITHIN


def _span(case: Case, end: datetime | None) -> timedelta | None:
    """From the last answer; for whoever has never answered there is none."""
    if end is None or case.answered_at is None:
        return None
    return max(end - case.answered_at, timedelta(0))


def said(n: int, of: int | None = None) -> int | None:
    """A number that may be said: it is large enough, or none; and so is the rest of the whole."""
    left = 0 if of is None else of - n
    return None if 0 < n < FEWEST or 0 < left < FEWEST else n


def parts(counts: Mapping[str, int]) -> dict[str, int | None]:
    """The parts of a whole. Where one alone is left out, its neighbour is as well: from the whole
    it could be worked out."""
    shown: dict[str, int | None] = {name: said(n) for name, n in counts.items()}
    hidden = [name for name, n in shown.items() if n is None]
    if len(hidden) == 1:
        others = [name for name in shown if shown[name]]
        if others:
            shown[min(others, key=lambda name: (counts[name], name))] = None
    return shown


def wait(spans: Sequence[timedelta | None]) -> Wait:
    """The middle and the ninth of ten of those that there are."""
    known = sorted(span for span in spans if span is not None)
    if len(known) < FEWEST:
        return Wait(None, None)
    ninth = known[-(-9 * len(known) // 10) - 1] if len(known) >= 2 * FEWEST else None
    return Wait(known[len(known) // 2], ninth)
