"""A watch level as one bar of silence: where its moments are, and the form beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.desk.policies import form as editing
from server.desk.policies.bar import Bar, Shape, bar_of, level_of
from server.desk.policies.pages import FOLDER, NAMES
from server.desk.policies.scale import SCALE, Clock, place
from server.policy.model import EACH_MISS, SHIPPED
from server.policy.parser import merged
from tests.cast import Cast

CLOCKS = st.sampled_from(list(Clock))
SECONDS = st.integers(-40 * 86_400, 40 * 86_400)


def bar(tier: str, language: str = "en", content: Any = SHIPPED, **typed: str) -> Bar:
    base = editing.typed_of(content)
    changed = base | {f"{tier}.{key}": value for key, value in typed.items()}
    return bar_of(level_of(changed, base, tier), tier, language)


def pins(drawn: Bar) -> dict[str, float]:
    return {pin.code: pin.x for pin in drawn.pins if pin.x is not None}


# --- the scale


@given(CLOCKS, SECONDS, SECONDS)
def test_a_later_moment_is_never_before_an_earlier_one(clock: Clock, one: int, other: int) -> None:
    first, last = sorted((one, other))
    assert 0 <= place(clock, first) <= place(clock, last) <= 100


def test_each_duration_that_a_policy_may_have_is_on_the_scale_and_the_clocks_do_not_meet() -> None:
    assert place(Clock.DUE, -30 * 86_400) == 0
    assert place(Clock.SIGN, 30 * 86_400) == pytest.approx(100)
    assert place(Clock.DUE, 30 * 86_400) + 4 < place(Clock.SIGN, 0)
    assert place(Clock.DUE, 45 * 60) == pytest.approx(
        (place(Clock.DUE, 30 * 60) + place(Clock.DUE, 60 * 60)) / 2
    )


# --- what is drawn


def test_a_level_that_asks_at_each_miss_has_its_call_after_the_carers_time() -> None:
    drawn = pins(bar("high"))
    assert list(drawn) == ["remind_before", "remind_again", "late", "last_call", "call", "ceiling"]
    assert drawn["call"] == pytest.approx(place(Clock.DUE, 90 * 60), abs=0.01)
    assert drawn["ceiling"] == pytest.approx(place(Clock.SIGN, 86_400), abs=0.01)
    assert [looks for looks, _, width in bar("high").parts if width] == [
        "reminds",
        "asks",
        "calls",
        "calls",
    ]
    said = [words for _, words in bar("high").sentences]
    assert said == [
        "First reminder 30 minutes before the check-in is due.",
        "Second reminder 15 minutes after it was due.",
        "Late after 30 minutes. We ask the carer. If there is none, we call adults.",
        "We ask the child once more, 45 minutes before we call adults.",
        "The carer has 1 hour to answer. We call adults 1 hour 30 minutes after it was due.",
        "If nobody takes it, we call the next one every 15 minutes.",
        "We call adults at the latest 1 day after we last heard from the child.",
    ]


def test_a_level_that_weighs_has_the_latest_moments_alone() -> None:
    drawn = pins(bar("mid"))
    assert "call" not in drawn
    assert drawn["carer"] == pytest.approx(place(Clock.SIGN, 18 * 3600), abs=0.01)
    assert bar("mid").sentences[-1] == (
        "phone",
        "If nobody takes it, we call the next one every 30 minutes.",
    )


def test_what_is_typed_is_drawn_and_nonsense_leaves_its_mark_where_it_was() -> None:
    later = pins(bar("mid", grace="2"))
    assert later["late"] == pytest.approx(place(Clock.DUE, 2 * 3600), abs=0.01)
    for nonsense in ("", "soon", "-1", "0", "99999999"):
        assert pins(bar("mid", grace=nonsense)) == pins(bar("mid"))
    assert "last_call_late" not in pins(bar("mid", last_call=""))
    shapes = {
        "asks": {"habit.used": "no"},
        "at_once": {"habit.used": "no", "asks_carer": "no"},
        "weighs": {},
    }
    for shape, typed in shapes.items():
        base = editing.typed_of(SHIPPED)
        changed = base | {f"mid.{key}": value for key, value in typed.items()}
        assert level_of(changed, base, "mid").shape == Shape(shape)
    assert "carer" not in pins(bar("mid", asks_carer="no"))
    assert pins(bar("mid", after_misses="1")).keys().isdisjoint({"carer", "call"})


def test_in_a_language_from_the_right_the_bar_runs_from_the_right() -> None:
    english, arabic = bar("high"), bar("high", "ar")
    for code, x in pins(english).items():
        assert pins(arabic)[code] == pytest.approx(100 - x, abs=0.02)
    for (looks, x, width), (_, turned, same) in zip(english.parts, arabic.parts, strict=True):
        assert turned == pytest.approx(100 - x - width, abs=0.02), looks
        assert same == width


# --- the pages


async def test_each_level_is_a_bar_with_its_sentences_and_a_way_to_change_it(cast: Cast) -> None:
    ines, tom = cast.client_as("ines"), cast.client_as("tom")
    page = (await ines.get("/desk/policies")).text
    assert page.count('<figure class="silence">') == 3
    assert "Late after 1 hour" in page
    assert "/desk/policies/replay" in page
    for tier in ("high", "mid", "low"):
        assert f'href="/desk/policies/new?level={tier}#{tier}"' in page
    to_read = (await tom.get("/desk/policies")).text
    assert to_read.count('<figure class="silence">') == 3
    assert "/desk/policies/new" not in to_read
    assert "data-silence" not in to_read


async def test_the_form_opens_the_level_that_was_asked_for_with_its_bar_first(cast: Cast) -> None:
    ines = cast.client_as("ines")
    page = (await ines.get("/desk/policies/new?level=mid")).text
    opened = re.findall(r'<details class="field fold level" id="(\w+)" open>', page)
    assert opened == ["mid"]
    part = page[page.index('id="mid" open') : page.index('id="low"')]
    assert part.index("data-silence") < part.index('name="mid.grace"')
    names = re.findall(r'<input id="mid\.([\w.]+)"', part)
    assert names[:6] == [
        "remind_before",
        "remind_again",
        "grace",
        "carer_window",
        "habit.ask_before",
        "ceiling",
    ]
    assert part.index("See what would have happened") < part.index("The other numbers")
    usual = (await ines.get("/desk/policies/new?level=nowhere")).text
    assert re.findall(r'id="(\w+)" open>', usual) == ["high"]


async def test_the_grace_of_the_medium_level_is_changed_by_its_number_alone(cast: Cast) -> None:
    ines, typed = cast.client_as("ines"), editing.typed_of(EACH_MISS)
    typed |= {"mid.grace": "2", "mid.grace.unit": "h"}
    looked = await ines.post("/desk/policies/look", data=typed)
    assert looked.status_code == 200
    assert "Late, after it was due" in looked.text
    again = await ines.post("/desk/policies/look", data=typed | {"back": "1"})
    assert 'name="mid.grace" value="2"' in again.text
    at = f'data-pin="late" x="{round(place(Clock.DUE, 7200), 2)}%"'
    assert again.text.count(at) == 2, "of the medium level, and of the low one"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        (
            {"mid.remind_again": "3", "mid.remind_again.unit": "h"},
            "mid.remind_again",
            "The second reminder cannot come after the check-in is late.",
        ),
        (
            {"mid.ceiling": "90", "mid.ceiling.unit": "m"},
            "mid.ceiling",
            "The longest silence must leave time to be late, and then for the carer to answer.",
        ),
    ],
)
async def test_a_number_out_of_its_bounds_comes_back_in_its_level_with_the_words_of_the_handle(
    cast: Cast, typed: dict[str, str], field: str, sentence: str
) -> None:
    sent = editing.typed_of(EACH_MISS) | typed
    answer = await cast.client_as("ines").post("/desk/policies/look", data=sent)
    assert answer.status_code == 422
    assert f'id="{field}-error">{sentence}' in answer.text
    assert re.findall(r'id="(\w+)" open>', answer.text) == ["mid"]
    assert f'name="{field}" value="{typed[field]}"' in answer.text
    assert f'"words":"{sentence}'.replace('"', "&#34;") in answer.text, "the handle says the same"


def test_the_points_of_the_scale_go_up() -> None:
    for points in SCALE.values():
        assert list(points) == sorted(points)
        assert len({at for _, at in points}) == len(points)


def test_each_policy_that_ships_as_a_file_has_a_name_for_people() -> None:
    assert {file.stem for file in FOLDER.glob("*.toml")} == set(NAMES)


def test_a_policy_that_ships_as_a_file_has_its_bars() -> None:
    simple = merged({"mid": {"habit": None, "asks_carer": False}})
    drawn = pins(bar("mid", content=simple))
    assert "call" not in drawn
    assert "carer" not in drawn
