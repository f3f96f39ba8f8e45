"""What an agency's own weeks make of the words of its witnesses, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy import parser
from server.policy.learned import (
    Cell,
    Counts,
    Source,
    after_week,
    as_data,
    errors_of,
    from_data,
    learned,
    summed,
    with_learned,
)
from server.policy.model import EACH_MISS, Policy, Tier, over
from server.policy.roll_call import Errors, Word
from server.policy.slots import every_slot, slot_of
from server.watch.machine.habit import Habit, ratio_of

EVENING = datetime.fromisoformat("2026-03-04T17:30:00+01:00")  # A Wednesday.
NIGHT = EVENING.replace(hour=22)
SUNDAY = EVENING.replace(day=8)


def policy(*, learns: bool = True) -> Policy:
    habit = {"leaves": 0.01, "ask": 0.02, "page": 0.3, "ask_again": "6h", "ask_before": "12h"}
    data: dict[str, Any] = over(
        EACH_MISS,
        {
            "mid": {"habit": {**habit, "not_seen": 40}},
            "low": {"habit": habit},
            "roll_call": {"at": ["17:30"], "day": {"here": 0.05, "not_here": 100, "unknown": 2}},
            "witness": {"here": 0.5, "not_here": 4},
            "budget": {"learns": learns},
        },
    )
    return parser.read(data)


def cell(source: Source, at: datetime = EVENING, tier: Tier = Tier.MID) -> Cell:
    return Cell(source, tier, slot_of(at))


def ratio(of: Policy, word: Word, at: datetime = EVENING, tier: Tier = Tier.MID) -> float:
    return of.roll_call.ratio(word, at, tier)


def test_without_words_a_policy_stays_as_it_was_written() -> None:
    assert with_learned(policy(), {}) == policy()
    by_cell = {cell(Source.HOME): Counts(1000, 200, 10, 5)}
    assert with_learned(policy(learns=False), by_cell) == policy(learns=False)


def test_a_home_where_children_come_late_makes_its_not_here_weigh_less_at_that_hour() -> None:
    by_cell = {cell(Source.HOME): Counts(1000, 150), cell(Source.HOME, NIGHT): Counts(1000, 2)}
    by_words = with_learned(policy(), by_cell)
    assert ratio(by_words, Word.NOT_HERE) < 10 < ratio(policy(), Word.NOT_HERE)
    assert ratio(by_words, Word.NOT_HERE, NIGHT) > 5 * ratio(by_words, Word.NOT_HERE)


def test_few_words_move_little() -> None:
    by_cell = {cell(Source.HOME): Counts(10, 1)}
    assert 30 < ratio(with_learned(policy(), by_cell), Word.NOT_HERE) < 100


def test_a_home_that_says_here_of_children_who_have_gone_calms_less() -> None:
    by_cell = {cell(Source.HOME): Counts(200, 2, 20, 10)}
    assert ratio(with_learned(policy(), by_cell), Word.HERE) > 5 * ratio(policy(), Word.HERE)


def test_what_one_hour_tells_moves_other_hours_a_little() -> None:
    after = with_learned(policy(), {cell(Source.HOME): Counts(1000, 150)})
    weekday, sunday = (ratio(after, Word.NOT_HERE, at) for at in (EVENING, SUNDAY))
    assert weekday <= sunday < ratio(policy(), Word.NOT_HERE, SUNDAY)


def test_a_word_that_counts_neither_way_weighs_as_written() -> None:
    by_cell = {cell(Source.HOME): Counts(1000, 150)}
    assert ratio(with_learned(policy(), by_cell), Word.UNKNOWN) == 2
    assert ratio(with_learned(policy(), by_cell), Word.EXCUSED) == 1


def test_children_who_seldom_answer_at_night_are_missed_less() -> None:
    by_cell = {cell(Source.CHILD): Counts(400, 40), cell(Source.CHILD, NIGHT): Counts(400, 300)}
    of = with_learned(policy(), by_cell).tiers[Tier.MID].steps.doubt
    assert of is not None
    evening, night = slot_of(EVENING), slot_of(NIGHT)
    assert ratio_of(Habit(), night, of.usual) < ratio_of(Habit(), night)
    assert ratio_of(Habit(), evening, of.usual) > ratio_of(Habit(), evening)
    # A child who answers less than others as a whole does so at each hour.
    seldom = Habit({evening: (2, 20)})
    assert seldom.answers(night, of.usual) < Habit().answers(night, of.usual)


def test_as_written_and_by_what_children_do_on_the_whole_are_one() -> None:
    habit = Habit({(1, False): (5, 9), (2, True): (3, 3)})
    for each in every_slot():
        assert habit.answers(each, dict.fromkeys(every_slot(), 0.72)) == pytest.approx(
            habit.answers(each)
        )


def test_carers_who_guess_wrong_are_weighed_less_and_only_where_they_are_weighed() -> None:
    by_cell = {cell(Source.CARER): Counts(200, 60)}
    tiers = with_learned(policy(), by_cell).tiers
    mid, low = (tiers[tier].steps.doubt for tier in (Tier.MID, Tier.LOW))
    assert mid is not None
    assert low is not None
    assert mid.times_not_seen(slot_of(EVENING)) < 10
    assert low.times_not_seen(slot_of(EVENING)) == 1000, "where it calls adults, it still does"


def test_words_are_counted_by_what_was_true() -> None:
    home = cell(Source.HOME)
    lines = [(home, True, False, 5), (home, False, False, 2), (home, True, True, 1)]
    assert summed([*lines, (home, False, True, 3)]) == {home: Counts(7, 2, 4, 1)}


def test_after_half_a_year_a_week_counts_half() -> None:
    by_cell = {cell(Source.HOME): Counts(100, 10, 4, 2)}
    for _ in range(26):
        by_cell = dict(after_week(by_cell, {}))
    assert by_cell[cell(Source.HOME)] == pytest.approx((50, 5, 2, 1))


def test_counts_are_stored_and_read_again() -> None:
    by_cell = {cell(s, at): Counts(3.5, 1, 0.25) for s in Source for at in (EVENING, SUNDAY)}
    assert from_data(as_data(by_cell)) == by_cell
    assert from_data(None) == {}


def test_learns_is_yes_or_no() -> None:
    with pytest.raises(Refused):
        parser.read(over(EACH_MISS, {"budget": {"learns": "often"}}))


_LESS_THAN_ONE, _MORE_THAN_ONE = st.floats(0.01, 0.9), st.floats(1.1, 900)


@given(_LESS_THAN_ONE, _MORE_THAN_ONE)
def test_two_ratios_come_from_two_errors(here: float, not_here: float) -> None:
    errors = errors_of(here, not_here)
    assert errors.ratio(Word.HERE) == pytest.approx(here)
    assert errors.ratio(Word.NOT_HERE) == pytest.approx(not_here)


def _counts() -> st.SearchStrategy[Counts]:
    def made(numbers: tuple[int, int, int, int]) -> Counts:
        there, absent, gone, present = numbers
        return Counts(there, min(absent, there), gone, min(present, gone))

    many = st.integers(0, 100_000)
    return st.tuples(many, many, many, many).map(made)


@given(_LESS_THAN_ONE, _MORE_THAN_ONE, _counts(), _counts())
def test_whatever_was_said_a_word_tells_the_same_way_and_stays_inside_its_limits(
    here: float, not_here: float, whole: Counts, own: Counts
) -> None:
    """Nobody's outcomes turn a word round, or make it weigh more than three times what it did."""
    written = errors_of(here, not_here)
    errors = learned(written, whole, own)
    calms, worries = errors.ratio(Word.HERE), errors.ratio(Word.NOT_HERE)
    assert calms is not None
    assert worries is not None
    assert calms <= 1 <= worries
    assert written.absent / 3 <= errors.absent <= max(0.5, written.absent)
    assert written.present / 3 <= errors.present <= max(0.5, written.present)


@given(_LESS_THAN_ONE, _MORE_THAN_ONE)
def test_without_a_word_of_a_witness_their_words_weigh_as_written(
    here: float, not_here: float
) -> None:
    errors = learned(errors_of(here, not_here), Counts(), Counts())
    assert errors.ratio(Word.HERE) == pytest.approx(here)
    assert errors.ratio(Word.NOT_HERE) == pytest.approx(not_here)


def _slots() -> Iterator[tuple[Tier, tuple[int, bool]]]:
    return ((tier, each) for tier in Tier for each in every_slot())


_CELLS = [Cell(source, *at) for source in Source for at in _slots()]


@given(st.dictionaries(st.sampled_from(_CELLS), _counts()))
def test_no_count_moves_a_ceiling_a_grace_or_a_ladder(by_cell: dict[Cell, Counts]) -> None:
    before, after = policy(), with_learned(policy(), by_cell)
    for tier in Tier:
        old, new = before.tiers[tier], after.tiers[tier]
        assert new.ladder == old.ladder
        assert new.steps.ceiling == old.steps.ceiling
        assert new.steps.grace == old.steps.grace
        assert new.steps.after_misses == old.steps.after_misses
    assert after.roll_call.holds_for == before.roll_call.holds_for
    assert isinstance(Errors(0.1, 0.1).ratio(Word.UNKNOWN), type(None))
