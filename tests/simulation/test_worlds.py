"""The worlds of the synthetic cohort: each is whole, honest to its truth, and of another kind."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.__main__ import main
from server.policy import parser as policies
from server.policy.model import SHIPPED
from server.simulation.commands import _event
from server.simulation.events import HEADER, events_of
from server.simulation.life import BEGIN
from server.simulation.replay import replay
from server.simulation.worlds import mixture
from server.simulation.worlds.making import make
from server.simulation.worlds.table import WORLDS
from server.simulation.worlds.whereabouts import IN, Piece, Timeline
from server.simulation.worlds.world import World
from tests.simulation import signatures
from tests.simulation.signatures import Made

HOUR = timedelta(hours=1)
END = datetime.max.replace(tzinfo=UTC)
NAMES = [*WORLDS, "random"]
# At most this share of what a home says of a child who has gone may be "here", by the world.
MISTAKEN = {"guessing_carers": 0.6, "seldom": 0.15}
MISTAKEN_ELSEWHERE = 0.12


def world_of(name: str) -> World:
    return WORLDS[name] if name in WORLDS else mixture.drawn(7)[0]


@cache
def made(name: str) -> Made:
    """Sixty children for ninety days: for every test that only reads them."""
    return Made(*make(world_of(name), 60, 90, 3))


def command(folder: Path, *words: str, name: str = "e") -> tuple[int, bytes]:
    events, truth = folder / f"{name}.csv", folder / f"{name}-truth.csv"
    size = ["--children", "8", "--days", "20"]
    code = main(["cohort", *size, *words, "--events", str(events), "--truth", str(truth)])
    return code, (events.read_bytes() + truth.read_bytes()) if events.exists() else b""


# --- whole


@pytest.mark.parametrize("name", NAMES)
def test_a_world_is_the_same_each_time_and_the_rules_can_follow_it(name: str) -> None:
    rows, truth = make(world_of(name), 12, 30, 5)
    assert (rows, truth) == make(world_of(name), 12, 30, 5)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_event, rows))
    text.seek(0)
    result = replay(events_of(text), policies.read(SHIPPED))
    assert len(result.watched) == 12
    assert result.events == len(rows)


@pytest.mark.parametrize("name", ["bunched", "seasons", "outages"])
def test_a_child_more_changes_no_other(name: str) -> None:
    small, _ = make(WORLDS[name], 11, 30, 2)
    large, _ = make(WORLDS[name], 14, 30, 2)
    children = {row[1] for row in small}
    assert [row for row in large if row[1] in children] == small


def test_a_world_changes_only_what_is_its_own() -> None:
    """So that two worlds of one seed can be compared child by child."""
    usual, other = made("ordinary"), made("one_outcome")
    assert usual.truth == other.truth
    assert [row for row in usual.rows if row[2] != "if_alerted"] == [
        row for row in other.rows if row[2] != "if_alerted"
    ]


# --- honest to the truth


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_and_seen_fits_where_the_child_is(name: str) -> None:
    world = made(name)
    said = {"here": 0, "other": 0}
    for at, child, kind, detail in world.rows:
        gone = world.gone(child, at)
        if gone is None:
            continue
        assert kind != "sighting"
        assert kind != "check_in" or at < gone.stops_at
        assert kind != "app_seen"
        if kind == "if_asked" and detail["by"] == "home":
            said["here" if detail["answer"] == "here" else "other"] += 1
    share = said["here"] / max(sum(said.values()), 1)
    limit = 0.6 if name == "random" else MISTAKEN.get(name, MISTAKEN_ELSEWHERE)
    assert share <= limit


@pytest.mark.parametrize("name", ["ordinary", "seasons", "outages", "quiet_flats"])
def test_no_witness_says_two_things_at_one_time(name: str) -> None:
    """Also in the nights in which the clocks change, and for those who move."""
    until: dict[tuple[str, str], str] = {}
    for at, child, kind, detail in made(name).rows:
        if kind in ("if_asked", "if_alerted"):
            who = (child, detail.get("by", "alert"))
            begin = at.isoformat().replace("+00:00", "Z")
            assert until.get(who, "") < begin
            assert begin <= detail["until"]
            until[who] = detail["until"]


@pytest.mark.slow
def test_every_class_that_fairness_is_about_is_in_each_world() -> None:
    for name in WORLDS:
        world = made(name)
        placed = [row[3] for row in world.rows if row[2] == "placed"]
        assert {detail["carer"] for detail in placed} == {True, False}, name
        assert {detail["phone"] for detail in placed} == {"android", "ios", "old_android"}, name
        assert len({detail["language"] for detail in placed}) == 5, name
        kinds = {detail["home"].rstrip("0123456789") for detail in placed}
        assert {"foster", "flat"} < kinds, name


def test_some_children_move_and_live_in_the_other_home_from_then_on() -> None:
    world = made("ordinary")
    moves = [(row[0], row[1], row[3]["home"]) for row in world.rows if row[2] == "moved"]
    assert moves
    for at, child, home in moves:
        assert world.home_at(child, at) == home
        assert world.home_at(child, at - HOUR) != home


# --- of another kind


@pytest.mark.slow
@pytest.mark.parametrize("name", signatures.SIGNATURES)
def test_a_world_differs_in_kind(name: str) -> None:
    signature = signatures.SIGNATURES[name]
    here, usual = signature.measure(made(name)), signature.measure(made("ordinary"))
    assert here >= signature.at_least, f"{here:.3f}"
    assert here >= signature.times * usual, f"{here:.3f} against {usual:.3f}"


def test_each_world_has_a_signature_and_one_sentence() -> None:
    assert set(signatures.SIGNATURES) == set(WORLDS) - {"ordinary"}
    assert all(world.says.endswith(".") for world in WORLDS.values())


def test_where_nobody_is_awake_no_roll_call_is_done_at_night() -> None:
    def answers(name: str) -> int:
        return sum(
            row[2] == "if_asked" and row[3]["by"] == "home" and signatures.covers_3_am(row)
            for row in made(name).rows
        )

    assert answers("no_night_staff") == 0
    assert answers("ordinary") > 500


# --- the mixture and the command


def test_a_mixture_is_the_same_for_a_seed_and_another_for_others() -> None:
    assert mixture.drawn(1) == mixture.drawn(1)
    assert len({mixture.drawn(seed)[1].partition(": ")[2] for seed in range(20)}) == 20


def test_the_command_says_what_a_mixture_is_made_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seed", "4", "--world", "random")
    first, again = command(tmp_path, *words), command(tmp_path, *words, name="again")
    assert first == again
    assert first[0] == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [mixture.drawn(4)[1]] * 2
    assert "answered" in lines[0]


def test_an_unknown_world_is_one_line_with_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, "--seed", "1", "--world", "rainy") == (1, b"")
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "rainy" in line
    assert all(name in line for name in NAMES)


def test_the_help_of_the_command_lists_the_worlds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cohort", "--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in WORLDS)


# --- where a child is


MINUTES = st.integers(0, 2_000)


@given(edges=st.lists(MINUTES, unique=True, max_size=12), begin=MINUTES, length=st.integers(1, 900))
def test_the_pieces_of_a_time_are_that_time(edges: list[int], begin: int, length: int) -> None:
    def at(minutes: int) -> datetime:
        return BEGIN + timedelta(minutes=minutes)

    edges = sorted(edges)
    known = [
        Piece(at(first), at(last), "out")
        for first, last in zip(edges[::2], edges[1::2], strict=False)
    ]
    pieces = list(Timeline(known).within(at(begin), at(begin + length), IN))
    assert pieces[0].at == at(begin)
    assert pieces[-1].until == at(begin + length)
    assert all(a.until == b.at for a, b in pairwise(pieces))
    for piece in pieces:
        assert piece.at < piece.until
        is_known = any(k.at <= piece.at and piece.until <= k.until for k in known)
        assert (piece.where == "out") == is_known


@pytest.mark.slow
def test_absences_of_a_child_are_in_their_watch_and_do_not_overlap() -> None:
    for name in WORLDS:
        free_from: dict[str, datetime] = {}
        for absence in made(name).truth:
            before = free_from.get(absence.child, made(name).placed_at(absence.child))
            assert before < absence.left_at, name
            free_from[absence.child] = absence.back_at or END
