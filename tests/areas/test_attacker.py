"""A reader who opens the page of an area again and again, writes down every number on every level,
and knows all rules: they are never sure of a small one, whatever happens from one look to the next.
"""

from __future__ import annotations

from functools import cache
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from server.areas.hiding import FEW, SMALL, Figure
from server.areas.kept import KEPT_NOW
from tests.areas.test_hiding import Area, figures

# How children are in the agencies at one moment: three of a region, and one beside it.
Moment = tuple[int, ...]
MOMENTS = st.tuples(*[st.integers(0, 12)] * 4)
# Of an agency, in the order of its number, what is shown first to last.
PLACES = (0, 1, 2, 4)


def country(now: Moment) -> Area:
    return [[*now[:3]], now[3]]


@cache
def told(now: Moment, hides: range) -> tuple[Figure, ...]:
    """All that the pages of the country and the region show."""
    return tuple(figures(country(now), hides))


@cache
def behind(seen: tuple[Figure, ...], hides: range) -> frozenset[Moment]:
    """All that could lie behind what is shown."""
    each = [[seen[place].n] if seen[place].is_exact else [*hides] for place in PLACES]
    return frozenset(guess for guess in product(*each) if told(guess, hides) == seen)


class Attacker:
    """Keeps all that could be the case, given every look so far. `most`: by how many an agency's
    number can have changed since the look before."""

    def __init__(self, hides: range, most: int) -> None:
        self._hides, self._most = hides, most
        self._possible: frozenset[Moment] | None = None

    def look(self, now: Moment) -> list[set[int]]:
        """The numbers that each agency could have, after this look."""
        possible = behind(told(now, self._hides), self._hides)
        if self._possible is not None:
            possible = frozenset(each for each in possible if self._comes_from_one_before(each))
        self._possible = possible
        return [{each[place] for each in possible} for place in range(len(now))]

    def _comes_from_one_before(self, now: Moment) -> bool:
        return any(
            all(abs(n - was) <= self._most for n, was in zip(now, before, strict=True))
            for before in self._possible or ()
        )


def sure(hides: range, most: int, history: list[Moment]) -> set[int]:
    """The small numbers of which the attacker is sure after the last look."""
    attacker = Attacker(hides, most)
    could_be = [attacker.look(now) for now in history][-1]
    return {n for each in could_be if len(each) == 1 for n in each if n in SMALL}


@settings(max_examples=60)
@given(st.lists(MOMENTS, min_size=1, max_size=6))
def test_who_notes_all_numbers_for_days_can_rule_out_none_of_those_that_are_hidden(
    history: list[Moment],
) -> None:
    # A child a minute in each agency, from one count to the next.
    attacker = Attacker(FEW, most=int(KEPT_NOW.total_seconds() // 60))
    for now in history:
        for n, could_be in zip(now, attacker.look(now), strict=True):
            assert could_be == (set(FEW) if n in FEW else {n})


def test_of_looks_each_minute_with_only_small_numbers_hidden_a_small_one_was_told() -> None:
    assert sure(SMALL, 1, [(6, 9, 9, 9), (5, 9, 9, 9), (4, 9, 9, 9)]) == {4}
    assert sure(SMALL, 1, [(0, 9, 9, 9), (1, 9, 9, 9)]) == {1}
    # Hidden with 0 and 5, by itself no number is told, however often it is looked at.
    assert sure(FEW, 1, [(6, 9, 9, 9), (5, 9, 9, 9), (4, 9, 9, 9)]) == set()
    assert sure(FEW, 1, [(0, 9, 9, 9), (1, 9, 9, 9)]) == set()


def test_of_looks_each_minute_a_sum_would_still_tell_two_that_fall_together() -> None:
    history = [(6, 6, 0, 9), (5, 5, 0, 9), (4, 4, 0, 9)]
    assert sure(FEW, 1, history) == {4}
    assert sure(FEW, 15, history) == set()
