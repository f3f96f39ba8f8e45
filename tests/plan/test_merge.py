"""Merging voices: the same for everyone who has the same changes, and no voice lost."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.plan.merge import Field, Node, settle
from server.plan.state import Row, State

START = datetime(2026, 11, 25, 18, tzinfo=UTC)
PEOPLE = ("mia", "tom", "ada")


def node(id_: str, who: str, base: str | None = None, *, at: int = 0, saw: Any = ()) -> Node:
    """A change said and received so many minutes after the start."""
    moment = START + timedelta(minutes=at)
    return Node(id_, base, who, moment, moment, id_, "", tuple(saw))


def sides(field: Field) -> list[str]:
    return sorted(side.id for side in field.sides)


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Changes of three people, each based on anything before it or on nothing, clocks adrift."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 9))):
        known = [one.id for one in nodes]
        kind = draw(st.sampled_from(["first", "based", "choice"])) if known else "first"
        base = draw(st.sampled_from(known)) if kind == "based" else None
        some = st.lists(st.sampled_from(known), min_size=1, unique=True) if known else st.just([])
        saw = draw(some) if kind == "choice" else []
        received = START + timedelta(minutes=number)
        said = received + timedelta(minutes=draw(st.integers(-20, 20)))
        who = draw(st.sampled_from(PEOPLE))
        nodes.append(Node(f"{number}", base, who, said, received, number, "", tuple(saw)))
    return nodes


def reordered(nodes: list[Node], dice: random.Random) -> list[Node]:
    """Another order in which the same changes could have been taken."""
    left, found = list(nodes), []
    while left:
        there = {one.id for one in found}
        ready = [one for one in left if {*one.saw, *([one.base] if one.base else [])} <= there]
        one = dice.choice(ready)
        left.remove(one)
        found.append(one)
    return found


@given(graphs(), st.randoms(use_true_random=False), st.one_of(st.none(), st.integers(0, 8)))
def test_any_order_comes_to_the_same(
    nodes: list[Node], dice: random.Random, signed: int | None
) -> None:
    held = None if signed is None else str(signed)
    assert settle(reordered(nodes, dice), held) == settle(nodes, held)


@given(graphs())
def test_everyones_last_word_stands_is_a_side_or_was_followed(nodes: list[Node]) -> None:
    field = settle(nodes)
    followed: set[str] = set()
    known = {one.id: one for one in nodes}
    waiting = list(field.sides)
    while waiting:
        one = waiting.pop()
        for id_ in (*one.saw, *([one.base] if one.base else [])):
            if id_ not in followed:
                followed.add(id_)
                waiting.append(known[id_])
    for who in {one.who for one in nodes}:
        own = [one for one in nodes if one.who == who]
        is_heard = any(one.id in followed or one in field.sides for one in own)
        assert is_heard, f"nobody hears {who}"
    assert len({side.who for side in field.sides}) == len(field.sides) > 0


@given(graphs())
def test_without_a_difference_the_one_side_stands(nodes: list[Node]) -> None:
    field = settle(nodes)
    if not field.is_open:
        assert field.stands == field.sides[0]


@given(graphs(), st.sampled_from(PEOPLE))
def test_a_person_who_saw_all_sides_ends_every_difference(nodes: list[Node], who: str) -> None:
    field = settle(nodes)
    late = START + timedelta(days=1)
    saw = tuple(side.id for side in field.sides)
    choice = Node("choice", None, who, late, late, "chosen", "", saw)
    now = settle([*nodes, choice])
    # One's own unseen word from the future is the only thing that could come after.
    assert now.stands is not None
    assert not now.is_open
    assert now.value == "chosen"


def as_row(one: Node) -> Row:
    """The same change as it is taken into a project."""
    value: Any = one.value
    entity, entity_id, name = "life_project", "mia", "summary"
    if one.saw:
        value = {"entity": entity, "entity_id": entity_id, "field": name, "value": value}
        value["saw"] = list(one.saw)
        entity, entity_id, name = "choice", one.id, "*"
    moments = (one.said_at, one.received_at)
    return Row(one.id, entity, entity_id, name, one.base, value, *moments, one.who, "child")


@given(graphs())
def test_a_project_takes_one_after_the_other_and_comes_to_the_same(nodes: list[Node]) -> None:
    state = State("mia")
    for number, one in enumerate(nodes, 1):
        state.take(as_row(one))
        found, wanted = state.fields["life_project", "mia", "summary"], settle(nodes[:number])
        assert [side.id for side in found.sides] == [side.id for side in wanted.sides]
        assert found.value == wanted.value


def test_a_second_phone_of_the_same_person_wins_by_its_clock() -> None:
    first, later = node("a", "mia", at=5), node("b", "mia", at=3)
    assert sides(settle([first, later])) == ["a"]
    assert sides(settle([later, first])) == ["a"]


def test_what_was_seen_is_followed_whatever_the_clocks_say() -> None:
    first = node("a", "mia", at=50)
    second = node("b", "mia", "a", at=1)
    assert sides(settle([first, second])) == ["b"]


def test_one_from_the_future_counts_as_of_its_arrival() -> None:
    year = START + timedelta(days=365)
    ahead = Node("a", None, "mia", year, START, "ahead")
    usual = node("b", "mia", at=1)
    assert settle([ahead, usual]).value == "b"


def test_the_agreed_value_is_the_latest_that_all_come_from() -> None:
    nodes = [node("a", "mia"), node("b", "tom", "a"), node("c", "mia", "b"), node("d", "tom", "b")]
    field = settle(nodes)
    assert (sides(field), field.value) == (["c", "d"], "b")


def test_nothing_is_agreed_where_nothing_is_common() -> None:
    field = settle([node("a", "mia"), node("b", "tom")])
    assert (field.is_open, field.value) == (True, None)


def test_what_was_signed_stands_against_what_is_older() -> None:
    nodes = [node("a", "mia"), node("b", "tom", "a"), node("c", "mia", "a", at=1)]
    assert settle(nodes).value == "a"
    assert settle(nodes, "b").value == "b"
    later = [*nodes, node("d", "ada", "b"), node("e", "tom", "b", at=2)]
    assert settle(later, "a").value == "a"


def test_a_losing_follower_takes_nobodys_side_away() -> None:
    """Tom once followed Mia, and later said something else elsewhere without having seen her."""
    nodes = [node("m", "mia"), node("t1", "tom", "m", at=1), node("t2", "tom", at=2)]
    assert sides(settle(nodes)) == ["m", "t2"]


def test_two_choices_that_had_not_seen_each_other_leave_it_open() -> None:
    nodes = [node("a", "mia"), node("b", "tom")]
    one = node("c", "mia", saw=["a", "b"], at=1)
    two = node("d", "tom", saw=["a", "b"], at=2)
    assert sides(settle([*nodes, one])) == ["c"]
    assert sides(settle([*nodes, one, two])) == ["c", "d"]


def test_a_choice_that_missed_a_side_is_a_side() -> None:
    nodes = [node("a", "mia"), node("b", "tom"), node("c", "ada")]
    choice = node("d", "mia", saw=["a", "b"], at=1)
    assert sides(settle([*nodes, choice])) == ["c", "d"]


def from_wire(row: dict[str, Any]) -> Node:
    value, saw = row["value"], []
    if row["entity"] == "choice":
        value, saw = row["value"]["value"], row["value"]["saw"]
    said, received = (datetime.fromisoformat(row[name]) for name in ("said_at", "received_at"))
    return Node(
        row["id"],
        row["base"],
        row["who"]["id"],
        said,
        received,
        value,
        row["who"]["role"],
        tuple(saw),
    )


CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_cases_that_phone_and_server_share(case: dict[str, Any]) -> None:
    (wanted,) = case["fields"]
    field = settle([from_wire(row) for row in case["rows"]], *case["signed"].values())
    assert [side.id for side in field.sides] == wanted["sides"]
    assert field.value == wanted["value"]
