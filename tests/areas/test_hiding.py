"""What an area shows of its agencies: no small number, and none that could be worked out."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.areas.hiding import FEW, SMALL, Count, Figure, of_agency, of_area
from server.reports.indicators import FEWEST

# An agency, or an area of agencies and areas: as lists of numbers.
Area = list["int | Area"]
NUMBERS = st.integers(0, 12)
AREAS = st.recursive(
    st.lists(NUMBERS, max_size=4),
    lambda areas: st.lists(st.one_of(NUMBERS, areas), max_size=4),
    max_leaves=6,
)
# What is hidden of four weeks, and of now.
HIDES = pytest.mark.parametrize("hides", [SMALL, FEW])


def figures(area: Area, hides: range = SMALL) -> list[Figure]:
    """All that is shown of an area and what is in it: the area itself last."""
    told: list[Figure] = []
    agencies: list[Count] = []
    areas: list[Figure] = []
    for member in area:
        if isinstance(member, int):
            agencies.append(Count(member, hides=hides))
            told.append(of_agency(agencies[-1]))
        else:
            told += figures(member, hides)
            areas.append(told[-1])
    return [*told, of_area(agencies, areas)]


def numbers(area: Area) -> list[int]:
    return [n for each in area for n in ([each] if isinstance(each, int) else numbers(each))]


def with_numbers(area: Area, given_numbers: list[int]) -> Area:
    """The same area with other numbers of its agencies."""
    left = iter(given_numbers)

    def again(part: Area) -> Area:
        return [next(left) if isinstance(each, int) else again(each) for each in part]

    return again(area)


@HIDES
@given(AREAS)
def test_a_reader_who_knows_the_rule_cannot_narrow_a_hidden_number_down(
    hides: range, area: Area
) -> None:
    told, real = figures(area, hides), numbers(area)
    hidden = [place for place, n in enumerate(real) if n in hides]
    assume(len(hidden) <= (5 if hides is SMALL else 4))
    could_be: dict[int, set[int]] = {place: set() for place in hidden}
    for guess in product(hides, repeat=len(hidden)):
        tried = list(real)
        for place, n in zip(hidden, guess, strict=True):
            tried[place] = n
        if figures(with_numbers(area, tried), hides) == told:
            for place, n in zip(hidden, guess, strict=True):
                could_be[place].add(n)
    assert all(values == set(hides) for values in could_be.values())


@HIDES
@given(AREAS)
def test_what_is_shown_is_true(hides: range, area: Area) -> None:
    total, real = figures(area, hides)[-1], sum(numbers(area))
    assert total.n == real if total.is_exact else total.n <= real


@HIDES
@given(AREAS)
def test_no_number_that_is_shown_is_small(hides: range, area: Area) -> None:
    assert all(each.n not in range(1, hides.stop) for each in figures(area, hides))


@given(st.lists(st.one_of(st.just(0), st.integers(FEWEST, 99))))
def test_where_nothing_is_hidden_the_sum_is_exact(agencies: list[int]) -> None:
    assert figures([*agencies])[-1] == Figure(sum(agencies), is_exact=True)


@pytest.mark.parametrize(
    ("agencies", "total"),
    [
        ([20, 3], Figure(20, is_exact=False)),  # 23 less 20 would be 3.
        ([20, 1, 1], Figure(20, is_exact=False)),  # Two that add up to 2 are both 1.
        ([20, 4, 4], Figure(20, is_exact=False)),
        ([20, 1, 4], Figure(25, is_exact=True)),
        ([20, 2, 3], Figure(25, is_exact=True)),
        ([20, 1, 2, 2], Figure(20, is_exact=False)),  # None of them could be 4.
        ([20, 1, 2, 4], Figure(27, is_exact=True)),
        ([0, 0], Figure(0, is_exact=True)),
        ([], Figure(0, is_exact=True)),
    ],
)
def test_a_sum_is_exact_where_each_hidden_part_could_be_any_small_number(
    agencies: list[int], total: Figure
) -> None:
    assert figures([*agencies])[-1] == total


@pytest.mark.parametrize(
    ("agencies", "total"),
    [
        ([20, 0], Figure(20, is_exact=False)),  # None of now is a small number too.
        ([20, 5, 3], Figure(20, is_exact=False)),  # With 28, neither of them could be none.
        ([20, 5, 0, 0], Figure(20, is_exact=False)),  # 5 by itself would be shown nowhere.
        ([20, 5, 1, 0], Figure(26, is_exact=True)),
        ([0] * 12, Figure(0, is_exact=False)),
        ([1] * 12, Figure(12, is_exact=True)),
    ],
)
def test_a_sum_of_now_is_exact_where_each_hidden_part_could_be_anything_up_to_five(
    agencies: list[int], total: Figure
) -> None:
    assert figures([*agencies], FEW)[-1] == total


@pytest.mark.parametrize(
    ("n", "is_shown"), [(0, False), (5, False), (6, True), (24, True), (25, False), (30, False)]
)
def test_a_number_of_now_is_hidden_up_to_five_and_where_up_to_five_are_left(
    n: int, is_shown: bool
) -> None:
    assert of_agency(Count(n, of=30, hides=FEW)) == Figure(n if is_shown else 0, is_shown)


def test_an_area_above_one_that_hides_something_shows_no_exact_sum_either() -> None:
    assert figures([[20, 3], [30, 2, 3]])[-1] == Figure(55, is_exact=False)


@pytest.mark.parametrize(
    "count",
    [
        Count(8, of=10),  # Two are left.
        Count(3, of=90),
        Count(12, children=4),  # Twelve times, but few children.
    ],
)
def test_a_number_is_hidden_by_its_rest_and_by_how_few_children_are_behind_it(
    count: Count,
) -> None:
    assert of_agency(count) == Figure(0, is_exact=False)
    # And no sum tells it, with whatever other number is hidden beside it.
    for other in SMALL:
        total = of_area([count, Count(other), Count(50)], [])
        assert total == Figure(50, is_exact=False) or count.n in SMALL


@pytest.mark.parametrize("count", [Count(0), Count(0, of=3), Count(5), Count(10, of=10)])
def test_none_and_all_and_enough_are_shown(count: Count) -> None:
    assert of_agency(count) == Figure(count.n, is_exact=True)
