"""How soon adults were called about a missing child, and how soon the child was reported, found and
heard, in figures to publish. Pure.

Every time in which a child was missing counts, with any outcome, and so does every silence that
ended as "known elsewhere": no category hides children as not really missing. A small number could
identify a single child, so it is left out, and so is any figure that would reveal it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

# A number below this is not shown, except zero.
FEWEST = 5
INTERVIEW_WITHIN = timedelta(hours=72)


class Case(msgspec.Struct, frozen=True):
    """One time in which a child was missing. A moment is None where that step has not happened."""

    child_id: UUID
    opened_at: datetime
    answered_at: datetime | None  # The child's last answer before.
    told_at: datetime  # When adults were called.
    reported_at: datetime | None
    found_at: datetime | None
    offered_at: datetime | None
    held_at: datetime | None


class Wait(msgspec.Struct, frozen=True):
    """A span: the median and 9 in 10; None where too few cases have one."""

    median: timedelta | None
    ninth: timedelta | None


class Indicators(msgspec.Struct, frozen=True):
    """The figures of a quarter. None: too few to show."""

    episodes: int | None
    children: int | None
    again: int | None  # Children who were missing more than once.
    to_told: Wait
    to_report: Wait
    to_found: Wait
    found: int | None  # Of these, the return interview could take place.
    offered: int | None  # Within 72 hours of the return.
    held: int | None
    endings: Mapping[str, int | None]  # How alerts about a silence ended, by ending.


def quarter_of(day: date) -> tuple[int, int]:
    """The year, and which quarter of it."""
    return day.year, (day.month + 2) // 3


def ends_of(year: int, quarter: int) -> tuple[date, date]:
    """Its first day, and the first of the next one. ValueError where there is no such quarter."""
    if not (1 <= quarter <= 4 and date.min.year < year < date.max.year):
        raise ValueError("no such quarter")
    first = date(year, 3 * quarter - 2, 1)
    return first, date(year + quarter // 4, (3 * quarter) % 12 + 1, 1)


def indicators(cases: Sequence[Case], endings: Mapping[str, int], now: datetime) -> Indicators:
    """The figures of these cases. Whole quarters only: by moving a period by a day, a reader could
    single out that day's child."""
    times = Counter(case.child_id for case in cases)
    again = sum(n > 1 for n in times.values())
    # A child who came back in the last 72 hours can still be heard in time.
    due = [
        (case, case.found_at)
        for case in cases
        if case.found_at is not None and case.found_at + INTERVIEW_WITHIN <= now
    ]
    offered = sum(_within(case.offered_at or case.held_at, at) for case, at in due)
    held = sum(_within(case.held_at, at) for case, at in due)
    return Indicators(
        episodes=showable(len(cases)),
        children=showable(len(times), len(cases)),
        again=showable(again, len(times)),
        to_told=wait([_span(case, case.told_at) for case in cases]),
        to_report=wait([_span(case, case.reported_at) for case in cases]),
        to_found=wait([_span(case, case.found_at) for case in cases]),
        found=showable(len(due), len(cases)),
        offered=showable(offered, len(due)),
        held=showable(held, len(due)),
        endings=parts(endings),
    )


def _within(at: datetime | None, since: datetime) -> bool:
    return at is not None and at <= since + INTERVIEW_WITHIN


def _span(case: Case, end: datetime | None) -> timedelta | None:
    """From the last answer; None for a child who has never answered."""
    if end is None or case.answered_at is None:
        return None
    return max(end - case.answered_at, timedelta(0))


def showable(n: int, of: int | None = None) -> int | None:
    """A number that may be shown: it is large enough, or zero; and so is the rest of the whole."""
    left = 0 if of is None else of - n
    return None if 0 < n < FEWEST or 0 < left < FEWEST else n


def parts(counts: Mapping[str, int]) -> dict[str, int | None]:
    """The parts of a whole. Where only one is left out, its neighbour is left out as well:
    otherwise a reader could work it out from the whole."""
    shown: dict[str, int | None] = {name: showable(n) for name, n in counts.items()}
    hidden = [name for name, n in shown.items() if n is None]
    if len(hidden) == 1:
        others = [name for name in shown if shown[name]]
        if others:
            shown[min(others, key=lambda name: (counts[name], name))] = None
    return shown


def wait(spans: Sequence[timedelta | None]) -> Wait:
    """The median and 9 in 10 of the spans that there are."""
    ordered = sorted(span for span in spans if span is not None)
    if len(ordered) < FEWEST:
        return Wait(None, None)
    ninth = ordered[-(-9 * len(ordered) // 10) - 1] if len(ordered) >= 2 * FEWEST else None
    return Wait(ordered[len(ordered) // 2], ninth)
