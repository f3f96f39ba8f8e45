"""The schedule of faults is the same for a seed, and leaves no kind out."""

from __future__ import annotations

from tests.cluster.faults import FAULTS, not_tried, schedule


def names(seed: int, fail_overs: int, others: int, *, has_namespaces: bool = True) -> list[str]:
    drawn = schedule(seed, fail_overs, others, has_namespaces=has_namespaces)
    return [fault.name for fault in drawn]


def test_one_seed_is_one_schedule() -> None:
    assert names(7, 20, 20) == names(7, 20, 20)
    assert names(7, 20, 20) != names(8, 20, 20)


def test_each_kind_comes_before_one_comes_again() -> None:
    assert set(names(1, 4, 10)) == {fault.name for fault in FAULTS}
    moving = {fault.name for fault in FAULTS if fault.moves_primary}
    assert sum(name in moving for name in names(3, 100, 0)) == 100


def test_without_namespaces_nothing_is_drawn_that_needs_them() -> None:
    missing = set(not_tried(has_namespaces=False))
    assert {"primary's network cut", "disk full"} <= missing
    assert not missing & set(names(1, 50, 50, has_namespaces=False))
    assert not_tried(has_namespaces=True) == []
