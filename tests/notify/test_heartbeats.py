"""Who is taken for dead: numbers and one clock in, names out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.notify.heartbeats import DEAD_AFTER_S, LONGEST_GAP_S, Look, look


def looks(*seen: tuple[float, dict[str, int]]) -> list[set[str]]:
    """Who is taken for dead at each of these looks."""
    before: Look | None = None
    found = []
    for at, beats in seen:
        before = look(before, beats, at)
        found.append(set(before.silent))
    return found


def test_whose_number_stands_still_for_three_seconds_is_dead() -> None:
    found = looks(*((n / 2, {"a": 7}) for n in range(8)))
    assert found == [set()] * 6 + [{"a"}] * 2


def test_who_counts_on_lives() -> None:
    assert looks(*((n / 2, {"a": n // 3}) for n in range(60))) == [set()] * 60


def test_who_begins_to_count_anew_lives() -> None:
    assert looks(*((n, {"a": 9 - n}) for n in range(9))) == [set()] * 9


def test_one_that_dies_beside_one_that_lives_is_told_apart() -> None:
    found = looks(*((n / 2, {"dead": 1, "alive": n}) for n in range(9)))
    assert found[-1] == {"dead"}


def test_who_was_away_itself_concludes_nothing_from_it() -> None:
    """Paused, without a database, or on a machine that was suspended with everyone on it."""
    assert looks((0, {"a": 1}), (0.5, {"a": 1}), (60, {"a": 1})) == [set()] * 3


def test_a_clock_that_stands_still_concludes_nothing() -> None:
    assert looks(*((5.0, {"a": 1}) for _ in range(99))) == [set()] * 99


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 3)), min_size=1, max_size=40),
)
def test_nobody_is_dead_who_was_not_seen_at_one_number_for_long_and_without_a_gap(
    steps: list[tuple[float, int]],
) -> None:
    at, before, still_since, beats_before = 0.0, None, 0.0, -1
    for gap, beats in steps:
        at += gap
        if gap > LONGEST_GAP_S or beats != beats_before:
            still_since = at
        beats_before = beats
        before = look(before, {"a": beats}, at)
        if before.silent:
            assert at - still_since >= DEAD_AFTER_S - 1e-9
