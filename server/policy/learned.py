"""What an agency's own weeks tell of its witnesses and of its silences. Pure.

Each word has a likelihood ratio: how many times as likely it makes it that the child has gone. That
follows from two numbers which a person can read: how often a witness does not find a child who is
there (`absent`), and how often they find one who has gone (`present`). A policy begins with numbers
of its own. Each week the agency's words whose truth is known are counted by witness, level and slot
of the week, and move them: a little where there are few words, nearly all the way where there are
many. A child's own answers are counted in the same way, as a witness who is asked at each round.

When the truth of a word is known, a week later:

- Adults were called in the next `NEARLY` after it, and the child was missing: the child had gone.
- They were called and the child was there, or nobody was called: the child was there.
- From `BEFORE` to `NEARLY` before a call for a child who was missing, and while an alert is open:
  nobody knows, and the word does not count.

Nothing here names a child, and the odds of a silence are still worked out when they are needed.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from server.policy.model import Doubt, Policy, Tier
from server.policy.roll_call import Errors, ErrorsBySlot, Place, Word
from server.policy.slots import Slot, every_slot

# If a child was missing when adults were called, they had been gone for the last eight hours before
# that, and perhaps for a day and a half.
NEARLY, BEFORE = timedelta(hours=8), timedelta(hours=36)
KNOWN_AFTER = timedelta(days=7)
# A child who answers so soon after a call was there.
SOON = timedelta(hours=6)
# After half a year a week counts half.
_KEEPS = 0.5 ** (1 / 26)
# What a policy says weighs like so many words about children who were there, or had gone; and what
# the whole agency says weighs like so many for one slot and level.
_THERE, _GONE, _WHOLE = 100.0, 10.0, 100.0
_ROUNDS = 20.0
# What was learned makes no error smaller than a third, or larger than twenty times, what it is in
# the policy.
_LESS, _MORE = 20.0, 3.0
# What young people do on the whole (watch/machine/habit.py): 72 of a hundred.
_ANSWERED = 0.72
# Of children who have gone, carers say "seen" once in ten times. It is not learned: "seen" settles
# the round, and nobody hears what was true.
_CARER_SEES_GONE = 0.1


class Source(StrEnum):
    """Who tells whether a child is there."""

    CHILD = "child"  # By an answer in time.
    CARER = "carer"  # Asked about one child.
    HOME = "home"  # At a roll call.
    WITNESS = "witness"  # In a list.


class Cell(NamedTuple):
    """One line of the count."""

    source: Source
    tier: Tier
    slot: Slot


class Counts(NamedTuple):
    """Words about children who were there, and how many of them said otherwise; the same of
    children who had gone."""

    there: float = 0.0
    absent: float = 0.0
    gone: float = 0.0
    present: float = 0.0

    def plus(self, other: "Counts", times: float = 1.0) -> "Counts":
        """Both, the other one so many times."""
        return Counts(*(own + times * more for own, more in zip(self, other, strict=True)))


# What was counted of all words whose truth is known.
WordCounts = Mapping[Cell, Counts]


def summed(words: Iterable[tuple[Cell, bool, bool, int]]) -> WordCounts:
    """Words as counts. Each line: the witness and the time, whether they found the child, whether
    the child had gone, and how often."""
    by_cell: dict[Cell, Counts] = {}
    for cell, is_found, is_gone, times in words:
        wrong = times if is_found is is_gone else 0
        more = Counts(0, 0, times, wrong) if is_gone else Counts(times, wrong)
        by_cell[cell] = by_cell.get(cell, Counts()).plus(more)
    return by_cell


def after_week(before: WordCounts, week: WordCounts) -> WordCounts:
    """The counts after another week."""
    cells = {**dict.fromkeys(before), **dict.fromkeys(week)}
    return {
        cell: week.get(cell, Counts()).plus(before.get(cell, Counts()), _KEEPS) for cell in cells
    }


def of_source(by_cell: WordCounts, source: Source) -> Counts:
    """All that one kind of witness said."""
    every = Counts()
    for cell, counts in by_cell.items():
        if cell.source is source:
            every = every.plus(counts)
    return every


def errors_of(here: float, not_here: float) -> Errors:
    """The errors that two likelihood ratios come from: of "here", below one, and of "not here",
    above one."""
    absent = (1 - here) / (not_here - here)
    return Errors(absent, here * (1 - absent))


def learned(written: Errors, whole: Counts, own: Counts) -> Errors:
    """The errors in one slot and level, by what the policy says, what the whole agency says, and
    what was said there. They stay inside limits around what the policy says."""
    absent = _towards(written.absent, whole.absent, whole.there, _THERE)
    absent = _towards(absent, own.absent, own.there, _WHOLE)
    present = _towards(written.present, whole.present, whole.gone, _GONE)
    present = _towards(present, own.present, own.gone, _GONE)
    absent = _within(absent, written.absent)
    # Both together below one: else "here" would worry.
    return Errors(absent, min(_within(present, written.present), 1 - absent))


def _within(error: float, written: float) -> float:
    """An error inside its limits. A witness who is wrong as often as right tells nothing; one that
    the policy trusts less than that stays as written."""
    return min(max(error, written / _MORE), written * _LESS, max(written, 0.5))


def _towards(before: float, wrong: float, of: float, weight: float) -> float:
    return (wrong + weight * before) / (of + weight)


def with_learned(policy: Policy, by_cell: WordCounts) -> Policy:
    """The policy by what was counted; as written where it does not learn."""
    if not policy.budget.learns or not by_cell:
        return policy
    calls, lists = policy.roll_call, policy.witness
    by_day = dict(_by_slot(Source.HOME, calls.day, by_cell, is_night=False))
    by_night = dict(_by_slot(Source.HOME, calls.night, by_cell, is_night=True))
    return replace(
        policy,
        tiers={
            tier: replace(of, steps=replace(of.steps, doubt=_doubt(of.steps.doubt, tier, by_cell)))
            if of.steps.doubt is not None
            else of
            for tier, of in policy.tiers.items()
        },
        roll_call=replace(calls, errors=by_day | by_night),
        witness=replace(
            lists, errors=_by_slot(Source.WITNESS, lists.words, by_cell, is_night=False)
        ),
    )


def _doubt(doubt: Doubt, tier: Tier, by_cell: WordCounts) -> Doubt:
    """How often children of the level answer, and what "not seen" of their carers weighs."""
    whole = of_source(by_cell, Source.CHILD)
    usual, not_seen = {}, {}
    carers = of_source(by_cell, Source.CARER)
    written = Errors((1 - _CARER_SEES_GONE) / doubt.not_seen, _CARER_SEES_GONE)
    for slot in every_slot():
        own = by_cell.get(Cell(Source.CHILD, tier, slot), Counts())
        missed = _towards(1 - _ANSWERED, whole.absent, whole.there, _ROUNDS)
        usual[slot] = 1 - _towards(missed, own.absent, own.there, _ROUNDS)
        errors = learned(written, carers, by_cell.get(Cell(Source.CARER, tier, slot), Counts()))
        not_seen[slot] = (1 - _CARER_SEES_GONE) / errors.absent
    return replace(doubt, usual=usual, not_seen_at=not_seen if doubt.weighs_not_seen else None)


def _by_slot(
    source: Source, words: Mapping[Word, float], by_cell: WordCounts, *, is_night: bool
) -> ErrorsBySlot:
    """By level and slot. Nothing where the policy's words do not tell here from not here."""
    here, not_here = words.get(Word.HERE, 1.0), words.get(Word.NOT_HERE, 1.0)
    if not 0 < here < 1 < not_here:
        return {}
    written, whole = errors_of(here, not_here), of_source(by_cell, source)
    return {
        Place(tier, slot, is_night): learned(
            written, whole, by_cell.get(Cell(source, tier, slot), Counts())
        )
        for tier in Tier
        for slot in every_slot()
    }


Data = dict[str, dict[str, dict[str, list[float]]]]


def as_data(by_cell: WordCounts) -> Data:
    """Counts as JSON."""
    data: Data = {}
    for (source, tier, (part, is_weekend)), counts in sorted(by_cell.items()):
        name = f"{part}{'w' if is_weekend else ''}"
        of_source_ = data.setdefault(source.value, {})
        of_source_.setdefault(tier.value, {})[name] = [round(count, 4) for count in counts]
    return data


def from_data(data: Mapping[str, Mapping[str, Mapping[str, list[float]]]] | None) -> WordCounts:
    """The counts that were stored."""
    return {
        Cell(Source(source), Tier(tier), (int(name[0]), name.endswith("w"))): Counts(*counts)
        for source, of in (data or {}).items()
        for tier, slots in of.items()
        for name, counts in slots.items()
    }
