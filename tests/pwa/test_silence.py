"""The bar of silence in the script of the desk: the same places as the server's, and no handle that
the server would refuse."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from server.desk.policies import form as editing
from server.desk.policies.bar import LADDER, MARKS, PARTS, Level, Shape, bar_of, level_of
from server.desk.policies.scale import SCALE, Clock, place
from server.i18n import format_span
from server.policy.bounds import BOUNDS
from server.policy.model import LONGEST, SHIPPED, Tier
from tests.pwa.test_merge import run_node

MOST = int(LONGEST.total_seconds())
SPANS = [(60, "en"), (9000, "en"), (93600, "fr"), (93600, "ar"), (90, "en"), (172800, "ar")]


def as_data(level: Level) -> dict[str, Any]:
    return {
        "durations": level.durations,
        "shape": level.shape,
        "asksCarer": level.asks_carer,
        "rungs": level.rungs,
    }


def some_levels() -> list[Level]:
    """Those that ship, and many that keep the bounds."""
    dice, typed = random.Random(20261128), editing.typed_of(SHIPPED)  # noqa: S311
    levels = [level_of(typed, typed, tier) for tier in Tier]
    for _ in range(60):
        grace, window = dice.randint(60, 90_000), dice.randint(60, 90_000)
        durations = {
            "remind_before": dice.randint(60, MOST),
            "remind_again": dice.randint(60, grace),
            "grace": grace,
            "carer_window": window,
            "ceiling": dice.randint(grace + window, 400_000),
            "habit.ask_before": dice.randint(60, grace + window),
            "last_call": dice.choice([None, 600, 86_400]),
            "each": dice.randint(60, 9_000),
        }
        shape, asks = dice.choice(list(Shape)), dice.random() < 0.8
        levels.append(Level(durations, shape, asks, dice.randint(2, 7)))
    return levels


@pytest.fixture(scope="module")
def answered() -> tuple[list[Level], dict[str, Any]]:
    typed = editing.typed_of(SHIPPED)
    model = json.loads(bar_of(level_of(typed, typed, "mid"), "mid", "en").model)
    dice = random.Random(7)  # noqa: S311
    levels = some_levels()
    moments = [(clock, dice.randint(-MOST, MOST)) for clock in Clock for _ in range(100)]
    question = {
        "model": model,
        "levels": [as_data(level) for level in levels],
        "moments": moments,
        "spans": SPANS,
    }
    return levels, run_node("silence.mjs", question) | {"moments": moments}


def test_each_moment_has_the_place_that_the_server_gives_it_and_is_found_there(
    answered: tuple[list[Level], dict[str, Any]],
) -> None:
    _, told = answered
    for (clock, seconds), (at, back) in zip(told["moments"], told["places"], strict=True):
        assert at == pytest.approx(place(clock, seconds))
        first, last = SCALE[clock][0][0], SCALE[clock][-1][0]
        assert back == pytest.approx(min(max(seconds, first), last), abs=1)


def test_a_level_is_drawn_as_the_server_draws_it(
    answered: tuple[list[Level], dict[str, Any]],
) -> None:
    levels, told = answered
    for level, drawn in zip(levels, told["levels"], strict=True):
        bar = bar_of(level, "mid", "en")
        pins = {pin.code: pin.x for pin in bar.pins}
        assert drawn["pins"] == {
            code: None if x is None else pytest.approx(x, abs=0.01) for code, x in pins.items()
        }
        parts = [(looks, x) for looks, x, width in bar.parts if width]
        assert [(looks, pytest.approx(x, abs=0.01)) for looks, x, width in drawn["parts"] if width]
        assert [looks for looks, _, width in drawn["parts"] if width > 0.005] == [
            looks for looks, _ in parts
        ]
        assert drawn["rungs"] == [pytest.approx(x, abs=0.01) for x in bar.rungs]
        said = [words for icon, words in bar.sentences]
        shown = [words for mark, words in zip(MARKS, drawn["says"], strict=True) if pins[mark.code]]
        assert set(shown) <= set(said)


def test_no_handle_goes_where_the_server_would_refuse_it(
    answered: tuple[list[Level], dict[str, Any]],
) -> None:
    levels, told = answered
    for level, drawn in zip(levels, told["levels"], strict=True):
        assert drawn["broken"] == ""
        assert drawn["moved"]
        for field, seconds in drawn["moved"]:
            assert 1 <= seconds <= MOST
            durations = {
                key: timedelta(seconds=value or 0)
                for key, value in (dict(level.durations) | {field: seconds}).items()
            }
            assert all(bound.holds(durations) for bound in BOUNDS), (field, seconds, level)


def test_spans_are_said_and_typed_as_the_server_says_and_reads_them(
    answered: tuple[list[Level], dict[str, Any]],
) -> None:
    _, told = answered
    for (seconds, language), said in zip(SPANS, told["spans"], strict=True):
        if seconds % 60 == 0:
            assert said == format_span(language, timedelta(seconds=seconds), is_long=True)
    assert told["spans"][1] == "2 hours 30 minutes"
    assert told["typed"] == [
        ["90", "m"],
        ["2", "h"],
        ["90", "m"],
        ["24", "h"],
        ["2", "d"],
        ["36", "h"],
        ["90", "s"],
    ]
    assert told["read"] == [7200, 7200, None, None, None, None, None, None]


def test_the_marks_and_parts_name_one_another() -> None:
    codes = {mark.code for mark in MARKS} | {"<due", "due>", "<sign", "sign>"}
    assert {name for part in PARTS for name in (part.begin, part.end)} <= codes
    assert set(LADDER.values()) <= codes
