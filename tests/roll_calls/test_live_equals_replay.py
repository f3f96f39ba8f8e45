"""With roll calls too, the live path tells the same people as replay, at the same time."""

from __future__ import annotations

import copy
from datetime import datetime
from random import Random
from typing import Any

import pytest

from server.policy.model import EACH_MISS
from tests.cast import Cast
from tests.simulation.test_live_equals_replay import (
    AT_RANDOM,
    BEGIN,
    MINUTE,
    ON_SQLITE,
    Said,
    _a_last_resort,
    at,
    compare,
    life,
    text_of,
    weighing,
)

__all__ = ["_a_last_resort"]  # A fixture.

# Twice a night and once in the morning: so that some words come while a silence lasts.
ROLL_CALL = {"at": ["18:30", "22:30", "08:30"], "night": {"here": 0.1, "not_here": 30}}


def home_says(until: datetime, word: str, after_s: int = 300) -> dict[str, Any]:
    return {"until": text_of(until), "by": "home", "answer": word, "after_s": after_s}


async def test_a_week_of_roll_calls(cast: Cast) -> None:
    """What a home says by day and night puts a call off, brings it nearer, or tells nothing; before
    a check-in was missed, while the carer is asked, in a time of blindness, and in an absence."""
    data = {**weighing(ask=0.02, page=0.3, leaves=0.02), "roll_call": ROLL_CALL}
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "17:00"), "if_asked", home_says(at(4, "07:00"), "here")),
            (at(4, "07:10"), "if_asked", home_says(at(4, "12:00"), "unknown")),
            (at(4, "16:50"), "check_in", {}),
            (at(5, "07:50"), "check_in", {}),
            (at(5, "20:00"), "if_asked", home_says(at(5, "22:00"), "not_here", 900)),
            (at(6, "14:00"), "check_in", {}),
            (at(7, "07:50"), "check_in", {}),
            (at(7, "16:00"), "if_asked", home_says(at(8, "09:00"), "excused")),
            (at(7, "17:20"), "blind", {"until": text_of(at(7, "18:10"))}),
            (at(8, "16:50"), "check_in", {}),
            (at(8, "17:00"), "pause", {"until": text_of(at(9, "16:00"))}),
            (at(8, "17:10"), "if_asked", home_says(at(9, "12:00"), "not_here")),
        ],
        data,
    )
    assert len([level for _, level, _ in told if level == "ask_home"]) > 15
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert at(5, "21:45") in pages, "a quarter of an hour after the home was asked at half past ten"


async def test_the_home_is_asked_about_a_child_without_a_carer(cast: Cast) -> None:
    """One word says that they are there, one that they are not; and one answers nothing."""
    data = {
        **weighing(ask=0.02, page=0.3, leaves=0.02),
        "roll_call": {**ROLL_CALL, "instead_of_carer": True},
    }
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "17:00"), "if_asked", home_says(at(4, "07:00"), "here")),
            (at(4, "16:50"), "check_in", {}),
            (at(5, "07:50"), "check_in", {}),
            (at(5, "17:30"), "if_asked", home_says(at(6, "07:00"), "not_here", 900)),
            (at(6, "14:00"), "check_in", {}),
            (at(7, "07:50"), "check_in", {}),
            (at(7, "16:00"), "if_asked", home_says(at(8, "12:00"), "excused")),
            (at(8, "16:50"), "check_in", {}),
        ],
        data,
        has_carer=False,
    )
    levels = [level for _, level, _ in told]
    assert levels.count("ask_witness") >= 3
    assert "ask_carer" not in levels


async def test_a_home_that_said_so_at_a_roll_call_is_not_asked_about_the_child_alone(
    cast: Cast,
) -> None:
    """A question that waits is answered by the roll call; what would have been said to it later is
    not heard. While "here" holds, the home is asked shortly before a call alone."""
    data = {
        **weighing(ask=0.02, page=0.3, leaves=0.02),
        "roll_call": {**ROLL_CALL, "holds_for": "8h", "instead_of_carer": True},
    }
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "16:00"), "if_asked", home_says(at(3, "17:25"), "here", 7 * 3600)),
            (at(3, "17:26"), "if_asked", home_says(at(4, "07:00"), "here", 60)),
            (at(4, "16:50"), "check_in", {}),
            (at(5, "17:30"), "if_asked", home_says(at(5, "21:00"), "not_here", 7 * 3600)),
            (at(5, "21:01"), "if_asked", home_says(at(6, "07:00"), "not_here", 60)),
            (at(6, "14:00"), "check_in", {}),
        ],
        data,
        has_carer=False,
    )
    assert any(level == "ask_witness" for _, level, _ in told)


@pytest.mark.drawn
@AT_RANDOM
async def test_lives_at_random_in_a_home_that_is_asked_instead_of_a_carer(
    cast: Cast, seed: int
) -> None:
    said = at_random(seed)
    roll_call = {**ROLL_CALL, "instead_of_carer": True}
    data = {**weighing(ask=0.02, page=0.3, leaves=0.02), "roll_call": roll_call}
    await compare(cast, said, data, has_carer=False)


@ON_SQLITE
async def test_under_a_plain_policy_not_here_calls_at_once(cast: Cast) -> None:
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(2, "20:00"), "if_asked", home_says(at(2, "22:00"), "not_here")),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "20:00"), "if_asked", home_says(at(3, "22:00"), "here")),
        ],
        {**copy.deepcopy(EACH_MISS), "roll_call": ROLL_CALL},
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages[0] == at(2, "21:35")


@pytest.mark.drawn
@AT_RANDOM
async def test_lives_at_random_with_roll_calls(cast: Cast, seed: int) -> None:
    data = {**weighing(ask=0.02, page=0.3, leaves=0.02), "roll_call": ROLL_CALL}
    await compare(cast, at_random(seed), data)


def at_random(seed: int) -> list[Said]:
    """A life, and what its home says. Lives in which an alert is open over a blindness of a whole
    round of its ladder are not compared: live tells each person once, by the last call that names
    them, and a replay has another person on each rung."""
    random = Random(f"a roll call {seed}")  # noqa: S311 (repeatable, not secret)
    said = life(random)
    for _ in range(8):
        moment = BEGIN + random.randint(0, 14 * 24 * 60) * MINUTE
        words = ["here", "here", "not_here", "excused", "unknown"]
        says = home_says(
            moment + random.randint(60, 1500) * MINUTE,
            random.choice(words),
            random.randint(0, 7200),
        )
        said.append((moment, "if_asked", says))
    return sorted(said, key=lambda one: one[0])
