"""Which tests run where each gets one of the two databases."""

from __future__ import annotations

import pytest

from tests.fixtures_databases import is_its_turn

PAIRS = [
    [f"tests/people/test_x.py::test_{n}[{kind}-fr]" for kind in ("sqlite", "postgres")]
    for n in range(50)
]
NAMES = {name for pair in PAIRS for name in pair}


def test_of_each_pair_one_runs_and_both_databases_have_their_share():
    run = [[name for name in pair if is_its_turn(name, NAMES)] for pair in PAIRS]
    assert all(len(names) == 1 for names in run)
    on_sqlite = sum("[sqlite" in names[0] for names in run)
    assert 15 < on_sqlite < 35


@pytest.mark.parametrize(
    "name",
    [
        "tests/people/test_x.py::test_without_a_database",
        "tests/people/test_x.py::test_of_one_kind[postgres]",
        "tests/people/test_x.py::test_about_sqlite_files[a.sqlite3-sqlited]",
        "tests/people/test_x.py::test_3[sqlite]",
    ],
)
def test_what_has_no_pair_runs(name: str):
    assert is_its_turn(name, {*NAMES, name})


def test_whatever_holds_sql_runs_on_both():
    names = {f"tests/storage/test_x.py::test_rows[{kind}]" for kind in ("sqlite", "postgres")}
    assert all(is_its_turn(name, names) for name in names)
