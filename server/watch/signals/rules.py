"""What has changed about a child: signals that a worker can read, each a rule of its own. Pure.

    changed(rows, policy.signals, now)

A signal is one quiet sentence (signals/wording.py), on the child's page and on the board. It calls
nobody and is never added up with another one. Nothing is stored: each view works it out from rows.
Each rule has its switch and its numbers in the policy.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean, median
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from server.policy.model import Signal

# "Usual" means the month before the days that a signal looks at.
MONTH = timedelta(days=30)
# Of fewer answers, in either time, nothing can be said.
FEWEST = 5
MOST_ALIKE, FEW_ALIKE = 3 / 4, 1 / 3


class Code(StrEnum):
    """The signals, in the order in which they are shown; each a table of the policy."""

    OBSERVATIONS = "observations"
    NEW_PHONE = "new_phone"
    OTHER_LANGUAGE = "other_language"
    SHARED_QUESTION = "shared_question"
    LATER_ANSWERS = "later_answers"
    FEWER_ANSWERS = "fewer_answers"
    REGULAR_ANSWERS = "regular_answers"
    LOWER_MOOD = "lower_mood"
    MISSED_DATES = "missed_dates"
    BROKEN_PROMISES = "broken_promises"
    STALLED_GOALS = "stalled_goals"


class Answer(msgspec.Struct, frozen=True):
    """A check-in that is over: how long after it was due the answer came; None: none came."""

    at: datetime
    delay: timedelta | None


class Mood(msgspec.Struct, frozen=True):
    """One of the five faces, 1 (awful) to 5 (great)."""

    at: datetime
    mood: int


class Promise(msgspec.Struct, frozen=True):
    """What was to be done by a time, and when it was settled; None: it is open."""

    at: datetime
    settled_at: datetime | None

    def is_missed(self, now: datetime) -> bool:
        """Whether its time went by before it was settled."""
        return self.at <= now and (self.settled_at is None or self.settled_at > self.at)


class Sign(msgspec.Struct, frozen=True):
    """What an adult noticed (warning_signs.py)."""

    at: datetime
    sign: str


T = TypeVar("T", Answer, Mood, Promise, Sign)


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """All that the signals about one child go by. The order of rows makes no difference."""

    answers: Sequence[Answer] = ()
    moods: Sequence[Mood] = ()
    dates: Sequence[Promise] = ()  # Reviews and meetings.
    promises: Sequence[Promise] = ()  # Steps that adults have promised.
    goals: Sequence[datetime] = ()  # Of each active goal: when it last moved.
    signs: Sequence[Sign] = ()
    phones: Sequence[datetime] = ()  # When each of the child's phones was paired.
    languages: Sequence[datetime] = ()  # When the child chose another language on their phone.
    # When the answer to the shared question was not the agreed one.
    otherwise: Sequence[datetime] = ()


class Changed(msgspec.Struct, frozen=True):
    """One signal: what, since when, and what its sentence needs."""

    code: Code
    since: datetime
    n: int = 0
    span: timedelta = timedelta(0)
    signs: tuple[str, ...] = ()


def that_ask(signals: Mapping[str, Signal]) -> dict[str, Signal]:
    """The same with those alone that may ask the carer; empty if none may."""
    some = {
        code: replace(signal, is_on=signal.is_on and signal.asks)
        for code, signal in signals.items()
    }
    return some if any(signal.is_on for signal in some.values()) else {}


def changed(rows: Rows, signals: Mapping[str, Signal], now: datetime) -> list[Changed]:
    """Every signal that is switched on and has its rows, in the order of the codes."""
    on = [(code, signals[code]) for code in Code if signals[code].is_on]
    changes = [_RULES[code](rows, signal, now) for code, signal in on]
    return [change for change in changes if change is not None]


def _later_answers(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """The median answer comes so much later than in the month before."""
    answered = [answer for answer in rows.answers if answer.delay is not None]
    since, late, before = _times(answered, signal, now)
    if min(len(late), len(before)) < FEWEST:
        return None
    later = _usual(late) - _usual(before)
    return Changed(Code.LATER_ANSWERS, since, span=later) if later >= signal.span else None


def _usual(answers: Iterable[Answer]) -> timedelta:
    delays = [max(answer.delay or timedelta(0), timedelta(0)).total_seconds() for answer in answers]
    return timedelta(seconds=median(delays))


def _regular_answers(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """Most answers come at nearly the same minute, and few did in the month before. A child answers
    at varying times, a script at its minute."""
    answered = [answer for answer in rows.answers if answer.delay is not None]
    since, late, before = _times(answered, signal, now)
    if min(len(late), len(before)) < FEWEST:
        return None
    is_new = _alike(late, signal.span) >= MOST_ALIKE and _alike(before, signal.span) <= FEW_ALIKE
    return Changed(Code.REGULAR_ANSWERS, since) if is_new else None


def _alike(answers: Sequence[Answer], span: timedelta) -> float:
    """The largest share of the answers that came within this span of each other."""
    delays = sorted(answer.delay or timedelta(0) for answer in answers)
    return max(bisect_right(delays, delay + span) - n for n, delay in enumerate(delays)) / len(
        delays
    )


def _fewer_answers(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """The share of answered check-ins fell by this much."""
    since, late, before = _times(rows.answers, signal, now)
    if min(len(late), len(before)) < FEWEST:
        return None
    fell = _share(before) - _share(late)
    return Changed(Code.FEWER_ANSWERS, since) if fell >= signal.by else None


def _share(answers: Sequence[Answer]) -> float:
    return sum(answer.delay is not None for answer in answers) / len(answers)


def _lower_mood(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """The faces that the child chose are this much lower, on average."""
    since, late, before = _times(rows.moods, signal, now)
    if min(len(late), len(before)) < FEWEST:
        return None
    fell = fmean(mood.mood for mood in before) - fmean(mood.mood for mood in late)
    return Changed(Code.LOWER_MOOD, since) if fell >= signal.by else None


def _missed_dates(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """Reviews and meetings that were not held by their day."""
    return _missed(Code.MISSED_DATES, rows.dates, signal, now)


def _broken_promises(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """Steps that adults had promised, and that were not done in time."""
    return _missed(Code.BROKEN_PROMISES, rows.promises, signal, now)


def _missed(
    code: Code, promises: Iterable[Promise], signal: Signal, now: datetime
) -> Changed | None:
    missed = [promise.at for promise in _within(promises, signal, now) if promise.is_missed(now)]
    return Changed(code, min(missed), n=len(missed)) if len(missed) >= signal.least else None


def _stalled_goals(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """Goals with no word about them or their steps for this long."""
    still = [at for at in rows.goals if at <= now - timedelta(days=signal.days)]
    return Changed(Code.STALLED_GOALS, min(still), n=len(still)) if still else None


def _observations(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """So many warning signs, noted by adults."""
    noted = sorted(_within(rows.signs, signal, now), key=lambda sign: (sign.at, sign.sign))
    if len(noted) < signal.least:
        return None
    signs = tuple(dict.fromkeys(sign.sign for sign in noted))
    return Changed(Code.OBSERVATIONS, noted[0].at, n=len(noted), signs=signs)


def _new_phone(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """A phone was paired, and it was not the first one."""
    return _last(Code.NEW_PHONE, sorted(rows.phones)[1:], signal, now)


def _other_language(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """Another language was chosen on the phone."""
    return _last(Code.OTHER_LANGUAGE, rows.languages, signal, now)


def _shared_question(rows: Rows, signal: Signal, now: datetime) -> Changed | None:
    """The answer to the question that only the child and their caseworker know was not the agreed
    one."""
    return _last(Code.SHARED_QUESTION, rows.otherwise, signal, now)


def _last(code: Code, moments: Iterable[datetime], signal: Signal, now: datetime) -> Changed | None:
    since = now - timedelta(days=signal.days)
    recent = [at for at in moments if since < at <= now]
    return Changed(code, max(recent)) if recent else None


_RULES: Mapping[Code, Callable[[Rows, Signal, datetime], Changed | None]] = {
    Code.OBSERVATIONS: _observations,
    Code.NEW_PHONE: _new_phone,
    Code.OTHER_LANGUAGE: _other_language,
    Code.SHARED_QUESTION: _shared_question,
    Code.REGULAR_ANSWERS: _regular_answers,
    Code.LATER_ANSWERS: _later_answers,
    Code.FEWER_ANSWERS: _fewer_answers,
    Code.LOWER_MOOD: _lower_mood,
    Code.MISSED_DATES: _missed_dates,
    Code.BROKEN_PROMISES: _broken_promises,
    Code.STALLED_GOALS: _stalled_goals,
}


def _within(rows: Iterable[T], signal: Signal, now: datetime) -> list[T]:
    """Those of the days that the signal looks at."""
    since = now - timedelta(days=signal.days)
    return [row for row in rows if since < row.at <= now]


def _times(rows: Sequence[T], signal: Signal, now: datetime) -> tuple[datetime, list[T], list[T]]:
    """When the days begin that the signal looks at, their rows, and those of the month before."""
    since = now - timedelta(days=signal.days)
    before = [row for row in rows if since - MONTH < row.at <= since]
    return since, _within(rows, signal, now), before
