"""`waymark why`: for operators, with codes and times, and without names or words."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import date, datetime
from typing import Any

import pytest

from server.people.models import Person
from server.people.rules import Role
from server.why.commands import NARROWEST, WIDEST, lines, wrapped
from tests.cast import SURNAMES, Cast
from tests.desk.walking import answer, at, leave_the_others_out, run_until
from tests.fixtures_commands import Run

NO_ONE = "7cdac72e-2e94-4f5c-8eae-b624640e3bc2"


def asked(child: Any, **how: Any) -> Namespace:
    return Namespace(**{"child": str(child), "night": None, "at": None, "json": False, **how})


async def a_night(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await run_until(cast, at(20))
    await answer(cast, "mia")
    cast.clock.advance(minutes=1)


async def test_it_tells_the_night_without_a_name_or_a_word(cast: Cast) -> None:
    await a_night(cast)
    told = "\n".join(await lines(asked(cast.mia.id, night=date(2026, 3, 2)), cast.clock()))
    assert told.splitlines()[:3] == [
        f"Child {cast.mia.id}",
        "From Monday, 2026-03-02 18:00",
        "until Tuesday, 2026-03-03 08:00, Europe/Paris time",
    ]
    assert "An alert opened at 19:45: No answer." in told
    assert f"caseworker {cast.tom.id}" in " ".join(told.split())
    assert not [name for name in (*SURNAMES, "Mia", "Tom") if name in told]


@pytest.mark.parametrize("columns", ["60", "80", "200", "1"])
async def test_no_line_is_wider_than_the_terminal(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    await a_night(cast)
    told = await lines(asked(cast.mia.id), cast.clock())
    assert max(map(len, told)) <= min(max(int(columns), 56), 100)


@pytest.mark.parametrize("id_", [NO_ONE, "abcdefab-cdef-4bcd-abcd-efabcdefabcd"])
def test_an_id_is_whole_on_its_line_whatever_its_digits(id_: str) -> None:
    for width in range(NARROWEST, WIDEST + 1):
        told = wrapped(f"Called: supervisor {id_}.", width, "20:00  ", " " * 7)
        assert [line for line in told if id_ in line], f"{width} columns: {told}"


async def test_a_name_is_enough_where_one_child_has_it(cast: Cast) -> None:
    told = await lines(asked("mia castellane"), cast.clock())
    assert told[0] == f"Child {cast.mia.id}"


async def test_two_children_of_one_name_are_told_apart_by_their_ids(cast: Cast) -> None:
    from server.people.models import Child

    other = await Person.create(
        agency_id=cast.other_agency.id,
        role=Role.CHILD,
        name="Mia Castellane",
        made_at=cast.clock(),
    )
    await Child.create(
        id=other.id, agency_id=other.agency_id, person_id=other.id, placed_at=cast.clock()
    )
    with pytest.raises(ValueError, match="2 children have this name") as fault:
        await lines(asked("Mia Castellane"), cast.clock())
    assert str(other.id) in str(fault.value)
    assert str(cast.mia.id) in str(fault.value)


@pytest.mark.parametrize("which", ["Nobody", NO_ONE, "Mia", ""])
async def test_an_unknown_child_is_one_clear_line(cast: Cast, which: str) -> None:
    with pytest.raises(ValueError, match="There is no child with this name or id"):
        await lines(asked(which), cast.clock())


async def test_an_adult_is_no_child(cast: Cast) -> None:
    with pytest.raises(ValueError, match="There is no child"):
        await lines(asked(cast.tom.id), cast.clock())


async def test_a_time_is_read_on_the_clock_of_the_child(cast: Cast) -> None:
    told = await lines(asked(cast.mia.id, at=datetime(2026, 3, 2, 13, 30)), cast.clock())  # noqa: DTZ001
    assert told[1:3] == [
        "From Monday, 2026-03-02 10:30",
        "until Monday, 2026-03-02 16:30, Europe/Paris time",
    ]


async def test_a_time_before_the_database_is_a_clear_sentence(cast: Cast) -> None:
    told = await lines(asked(cast.mia.id, at=datetime(2019, 1, 1, 3)), cast.clock())  # noqa: DTZ001
    assert any("No alert: the watch over the child had not begun." in line for line in told)
    assert told[-1] == "Nothing is recorded for this time."


async def test_programs_read_json(cast: Cast) -> None:
    await a_night(cast)
    [text] = await lines(asked(cast.mia.id, json=True), cast.clock())
    told = json.loads(text)
    assert told["answer"]["codes"][0] == "alert"
    [opened] = [line for line in told["lines"] if line["code"] == "alert.opened"]
    assert opened["at"] == "2026-03-02T18:45:00Z"
    assert opened["values"]["cause"] == "silence"
    assert not [name for name in SURNAMES if name in text]


# --- the command line


def test_it_explains_itself(run: Run) -> None:
    code, out, err = run("why", "--help")
    assert (code, err) == (0, [])
    assert {"CHILD", "--at", "--night", "--json"} <= set(out.replace("[", " ").split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["why"], "CHILD"),
        (["why", "Mia", "--night", "yesterday"], "write a day such as 2026-03-02"),
        (["why", "Mia", "--night", "9999-12-31"], "write a day such as 2026-03-02"),
        (["why", "Mia", "--at", "0001-01-01"], "write a time such as 2026-03-02T19:30"),
        (["why", "Mia", "--at", "noon"], "write a time such as 2026-03-02T19:30"),
        (["why", "Mia", "--at", "2026-03-02", "--night", "2026-03-02"], "not allowed with"),
    ],
)
def test_bad_input_is_one_line_and_the_code_2(run: Run, words: list[str], says: str) -> None:
    code, out, err = run(*words)
    assert (code, out, len(err)) == (2, "", 1)
    assert says in err[0]


@pytest.mark.slow
def test_an_unknown_child_is_one_line_and_the_code_1(run: Run) -> None:
    code, out, err = run("why", "Mia Castellane")
    assert (code, out, len(err)) == (1, "", 1)
    assert err[0].startswith("There is no child with this name or id.")
