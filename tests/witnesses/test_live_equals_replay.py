"""With words of a school and a mentor too, the live path tells the same people as replay, at the
same time."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest

from server.policy import parser as policies
from server.policy.model import EACH_MISS
from server.simulation.replay import replay
from tests.cast import Cast
from tests.simulation.test_live_equals_replay import (
    BEGIN,
    MINUTE,
    ON_SQLITE,
    PLACED,
    SEEDS,
    Said,
    _a_last_resort,
    at,
    compare,
    life,
    recorded,
    text_of,
    weighing,
)

__all__ = ["_a_last_resort"]  # A fixture.

# By the clock of Paris: half past ten by UTC, after the first check-in of the day.
LISTS = {"at": ["11:30"], "here": 0.02, "not_here": 40, "holds_for": "5h"}
MORE_OFTEN = {"at": ["11:30", "23:30"], "here": 0.3, "not_here": 6}


def says(by: str, until: datetime, word: str, after_s: int = 300) -> dict[str, Any]:
    return {"until": text_of(until), "by": by, "answer": word, "after_s": after_s}


WEEK: list[Said] = [
    (at(2, "12:00"), "if_asked", says("school", at(2, "12:00"), "here")),
    (at(2, "16:50"), "check_in", {}),
    (at(3, "09:30"), "if_asked", says("school", at(3, "12:00"), "here")),
    (at(3, "16:50"), "check_in", {}),
    (at(4, "07:50"), "check_in", {}),
    (at(4, "09:30"), "if_asked", says("school", at(5, "12:00"), "not_here", 900)),
    (at(4, "09:30"), "if_asked", says("mentor", at(5, "12:00"), "not_here", 3600)),
    (at(6, "07:50"), "check_in", {}),
    (at(6, "09:30"), "if_asked", says("school", at(6, "12:00"), "excused")),
    (at(6, "16:50"), "check_in", {}),
    # The server is blind while the list of the day is due, and over midnight.
    (at(7, "10:00"), "blind", {"until": text_of(at(7, "11:40"))}),
    (at(7, "09:59"), "if_asked", says("school", at(7, "20:00"), "not_here", 60)),
    (at(8, "07:50"), "check_in", {}),
    (at(8, "16:50"), "check_in", {}),
    (at(8, "22:00"), "blind", {"until": text_of(at(8, "23:30"))}),
    # What comes after the end of the day is not heard, also where our server was down in between.
    (at(9, "09:00"), "if_asked", says("mentor", at(9, "12:00"), "not_here", 14 * 3600)),
    (at(9, "16:50"), "check_in", {}),
]


async def test_a_week_of_lists(cast: Cast) -> None:
    data = {**weighing(ask=0.02, page=0.3, leaves=0.02), "witness": LISTS}
    told = await compare(cast, sorted(WEEK, key=lambda one: one[0]), data)
    asked_at = [moment for moment, level, _ in told if level == "ask_witness"]
    assert at(7, "11:40") in asked_at, "after the blindness of a morning it is still that day"
    assert any(level == "page_worker" for _, level, _ in told)


@ON_SQLITE
async def test_two_lists_a_day_by_the_shipped_kind_of_weights(cast: Cast) -> None:
    data = {**weighing(ask=0.02, page=0.3, leaves=0.02), "witness": MORE_OFTEN}
    told = await compare(cast, sorted(WEEK, key=lambda one: one[0]), data)
    asked_at = [moment for moment, level, _ in told if level == "ask_witness"]
    assert at(7, "22:30") in asked_at
    assert not {at(8, "22:30"), at(8, "23:30")} & {*asked_at}, "a day that is over is over"


@pytest.mark.slow
@pytest.mark.drawn
@ON_SQLITE
@pytest.mark.parametrize("seed", SEEDS)
async def test_lives_drawn_at_random_with_lists(cast: Cast, seed: int) -> None:
    random = Random(seed + 200)  # noqa: S311 (repeatable, not secret)
    said = [WEEK[0], *life(random)]
    for _ in range(8):
        begin = BEGIN + random.randint(0, 5 * 24 * 60) * MINUTE
        until = begin + random.randint(60, 2000) * MINUTE
        by, word = random.choice(["school", "mentor"]), random.choice(["here", "not_here"])
        said.append((begin, "if_asked", says(by, until, word, random.randint(0, 7200))))
    lists = random.choice([LISTS, MORE_OFTEN])
    data = {**weighing(page=0.3, leaves=0.02), "witness": lists}
    await compare(cast, sorted(said, key=lambda one: one[0]), data)


def rows_of(said: list[Said], data: dict[str, Any]) -> list[tuple[datetime, str, str]]:
    placed = [(BEGIN, "placed", {**PLACED, "home": "Harbour"})]
    result = replay(recorded([*placed, *said]), policies.read(data), at(10, "12:00"))
    return [(row.at, row.level, row.rung) for row in result.rows if row.level != "ask_witness"]


@pytest.mark.parametrize("word", ["here", "not_here", "excused", "unknown"])
def test_under_a_policy_that_weighs_no_silence_a_word_changes_nothing(word: str) -> None:
    silence: list[Said] = [(at(2, "13:00"), "check_in", {})]
    spoken = [*silence, (at(2, "16:50"), "if_asked", says("school", at(9, "12:00"), word))]
    data = {**EACH_MISS, "witness": LISTS}
    assert rows_of(spoken, data) == rows_of(silence, data)
    assert any(level == "page_worker" for _, level, _ in rows_of(silence, data))


def test_without_times_a_replay_asks_nobody_and_stays_as_it_was() -> None:
    weighed = weighing(ask=0.02, page=0.3, leaves=0.02)
    asked: list[Said] = sorted(WEEK, key=lambda one: one[0])
    nobody = [one for one in asked if one[1] != "if_asked"]
    assert rows_of(asked, weighed) == rows_of(nobody, weighed)
