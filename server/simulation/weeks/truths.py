"""Whose words came true in a replay: counted each week as production would."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from server.policy.learned import (
    BEFORE,
    KNOWN_AFTER,
    NEARLY,
    SOON,
    Cell,
    Source,
    WordCounts,
    after_week,
    summed,
)
from server.policy.model import Tier
from server.policy.slots import slot
from server.simulation.outcomes import Alert, Child

_WEEK = timedelta(days=7)


class _Word(NamedTuple):
    child: str
    source: Source
    at: datetime
    tier: Tier
    zone: ZoneInfo
    is_found: bool


class _Call(msgspec.Struct):
    """Adults were called. `had_gone`: what they found; None: nobody knows."""

    at: datetime
    closed_at: datetime | None = None
    had_gone: bool | None = None


class _Silences(msgspec.Struct):
    """The calls about one child, and since when they are looked for."""

    calls: list[_Call] = msgspec.field(default_factory=list)
    missing: list[tuple[datetime, datetime | None]] = msgspec.field(default_factory=list)


class Truths:
    """Keeps what was said of each child until its truth is known. Where the policy does not learn,
    it keeps nothing."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self.word_counts: WordCounts = {}
        self._words: list[_Word] = []
        self._silences: dict[str, _Silences] = {}

    def said(self, child: Child, source: Source, at: datetime, *, is_found: bool) -> None:
        """Someone said whether they find the child, or the child answered in time or did not."""
        if self.is_on:
            terms = child.terms
            self._words.append(_Word(child.name, source, at, terms.tier, terms.zone, is_found))

    def called(self, child: Child, at: datetime) -> None:
        """Adults are called about a silence."""
        if self.is_on:
            self._silences.setdefault(child.name, _Silences()).calls.append(_Call(at))

    def closed(self, alert: Alert, at: datetime, *, was_here: bool) -> None:
        """A person closes an alert of any cause. One who was away is looked for from now on."""
        if not self.is_on:
            return
        of = self._silences.setdefault(alert.child, _Silences())
        if not was_here:
            of.missing.append((at, None))
        self._end(of, alert, at, had_gone=not was_here)

    def answered(self, alert: Alert, at: datetime) -> None:
        """An answer, or an adult who saw the child, closes an alert."""
        if self.is_on:
            of = self._silences.setdefault(alert.child, _Silences())
            self._end(of, alert, at, had_gone=False if at - alert.told[0] <= SOON else None)

    def _end(self, of: _Silences, alert: Alert, at: datetime, *, had_gone: bool | None) -> None:
        call = next((call for call in of.calls if call.at == alert.told[0]), None)
        if call is not None and call.closed_at is None:
            call.closed_at, call.had_gone = at, had_gone

    def back(self, child: Child, at: datetime) -> None:
        """A sign that settles: the child is not looked for any more."""
        of = self._silences.get(child.name)
        if of is not None and of.missing and of.missing[-1][1] is None:
            of.missing[-1] = (of.missing[-1][0], at)

    def end_week(self, end: datetime, tiers: Mapping[str, Tier]) -> WordCounts:
        """What is known after this week: one more week of words whose truth is known now, by the
        tier that each child has now."""
        begin = end - KNOWN_AFTER - _WEEK
        past = [word for word in self._words if begin < word.at <= end - KNOWN_AFTER]
        self._words = [word for word in self._words if word.at > end - KNOWN_AFTER]
        self.word_counts = after_week(self.word_counts, summed(self._lines(past, tiers)))
        for of in self._silences.values():
            of.calls = [c for c in of.calls if c.closed_at is None or c.closed_at > begin]
            of.missing = [span for span in of.missing if span[1] is None or span[1] > begin]
        return self.word_counts

    def _lines(
        self, words: list[_Word], tiers: Mapping[str, Tier]
    ) -> Iterator[tuple[Cell, bool, bool, int]]:
        for word in words:
            had_gone = self._had_gone(word)
            if had_gone is not None:
                hour = word.at.replace(minute=0, second=0, microsecond=0)
                tier = tiers.get(word.child, word.tier)
                yield Cell(word.source, tier, slot(hour, word.zone)), word.is_found, had_gone, 1

    def _had_gone(self, word: _Word) -> bool | None:
        of = self._silences.get(word.child)
        if of is None:
            return False
        if any(since < word.at and (end is None or word.at < end) for since, end in of.missing):
            return None
        verdicts = [
            _by_call(call, word.at)
            for call in of.calls
            if call.at - BEFORE <= word.at and (call.closed_at is None or word.at < call.closed_at)
        ]
        if None in verdicts:
            return None
        return any(verdicts)


def _by_call(call: _Call, at: datetime) -> bool | None:
    """What a call to adults tells of a word before it."""
    if at > call.at or call.had_gone is None:
        return None
    if not call.had_gone:
        return False
    return True if call.at - at <= NEARLY else None
