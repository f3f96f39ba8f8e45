"""Roll calls in a replay: a home is asked who is there, and its word is weighed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy import parser as policies
from server.policy.model import EACH_MISS, SHIPPED, Policy
from server.simulation.outcomes import Result
from tests.simulation.test_replay import Said, placed, run, told

TABLE = {
    "at": ["21:30", "07:45"],
    "holds_for": "12h",
    "day": {"here": 0.05, "not_here": 900},
    "night": {"here": 0.1, "not_here": 900},
}
WEIGHED = policies.read({**SHIPPED, "roll_call": TABLE})
AT_HOME = ("01T08:00", "placed", placed(home="Harbour"))


def says(answer: str, at: str = "01T08:00", until: str = "20T00:00", by: str = "home") -> Said:
    detail = {"until": f"2026-06-{until}:00Z", "by": by, "answer": answer, "after_s": 300}
    return (at, "if_asked", detail)


def asked(result: Result) -> list[str]:
    return [f"{row.at:%d %H:%M} {row.child}" for row in result.rows if row.level == "ask_home"]


def first_call(result: Result) -> datetime:
    return min(alert.told[0] for alert in result.alerts)


def test_a_home_is_asked_at_its_times_by_its_own_clock_in_one_row_for_all() -> None:
    lisbon = ("01T08:00", "placed", placed(home="Harbour", zone="Europe/Lisbon"))
    result = run(lisbon, until="02T23:00", policy=WEIGHED)
    assert asked(result) == ["01 20:30 Harbour", "02 06:45 Harbour", "02 20:30 Harbour"]


def test_without_times_or_without_a_home_nobody_is_asked() -> None:
    assert asked(run(AT_HOME, until="05T00:00", policy=policies.read(SHIPPED))) == []
    alone = ("01T08:00", "placed", placed())
    assert asked(run(alone, until="05T00:00", policy=WEIGHED)) == []


def test_a_child_who_moves_is_asked_about_where_they_live_now() -> None:
    moved = ("01T12:00", "moved", {"home": "Lindenhof"})
    result = run(AT_HOME, moved, until="01T23:00", policy=WEIGHED)
    assert asked(result) == ["01 21:30 Lindenhof"]


def test_not_here_calls_adults_also_before_a_check_in_was_missed() -> None:
    noon = ("01T08:00", "placed", placed(home="Harbour", rhythm={"at": ["12:00"]}))
    answered = ("01T12:10", "check_in", {})
    result = run(noon, says("not_here"), answered, until="01T23:00", policy=WEIGHED)
    assert told(result, but="nudge_child")[:2] == ["01 21:30 ask_home", "01 21:35 page_worker 0"]


def test_under_a_plain_policy_not_here_calls_at_once_and_here_changes_nothing() -> None:
    plain = policies.read({**EACH_MISS, "roll_call": TABLE})
    assert f"{first_call(run(AT_HOME, says('not_here'), until='01T23:00', policy=plain)):%H:%M}"
    without = run(AT_HOME, until="05T00:00", policy=policies.read(EACH_MISS))
    here = run(AT_HOME, says("here"), until="05T00:00", policy=plain)
    assert first_call(here) == first_call(without)


@pytest.mark.parametrize("answer", ["excused", "unknown"])
def test_a_word_that_weighs_nothing_changes_nothing(answer: str) -> None:
    with_word = run(AT_HOME, says(answer), until="09T00:00", policy=WEIGHED)
    without = run(AT_HOME, until="09T00:00", policy=WEIGHED)
    assert told(with_word) == told(without)


def test_here_does_not_answer_for_the_child_and_does_not_move_the_ceiling() -> None:
    result = run(AT_HOME, says("here"), until="09T00:00", policy=WEIGHED)
    ceiling = WEIGHED.tiers[policies.Tier.MID].steps.ceiling
    assert first_call(result) <= datetime.fromisoformat("2026-06-01T08:00:00Z") + ceiling


def test_an_answer_a_moment_ago_weighs_more_than_not_here() -> None:
    said = [AT_HOME, says("not_here", until="01T21:30"), ("01T21:33", "check_in", {})]
    assert run(*said, until="02T06:00", policy=WEIGHED).alerts == []


def test_a_roll_call_while_our_server_is_down_is_asked_when_it_is_back() -> None:
    down = ("01T21:00", "blind", {"until": "2026-06-01T22:15:00Z"})
    result = run(AT_HOME, down, until="02T06:00", policy=WEIGHED)
    assert asked(result) == ["01 22:15 Harbour"]


words = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["here", "not_here", "excused", "unknown"])),
    max_size=6,
)
days = st.lists(st.integers(2, 9), unique=True, max_size=6)


def _script(spoken: list[tuple[int, str]], answered: list[int]) -> list[Said]:
    said: list[Said] = [
        says(word, at=f"{day + 1:02}T20:00", until=f"{day + 2:02}T19:59") for day, word in spoken
    ]
    said += [(f"{day:02}T18:20", "check_in", {}) for day in answered]
    return sorted(said, key=lambda row: row[0])


@given(words, days, st.sampled_from(["mid", "low"]))
def test_the_word_here_makes_no_call_later_by_more_than_it_holds(
    spoken: list[tuple[int, str]], answered: list[int], tier: str
) -> None:
    here = [(day, "here") for day, word in spoken if word == "here"]
    home = ("01T08:00", "placed", placed(tier, home="Harbour"))
    with_words = run(home, *_script(here, answered), until="12T00:00", policy=WEIGHED)
    without = run(home, *_script([], answered), until="12T00:00", policy=WEIGHED)
    before = [alert.told[0] for alert in without.alerts]
    after = [alert.told[0] for alert in with_words.alerts]
    most = WEIGHED.roll_call.holds_for + timedelta(days=1)
    for moment in before:
        held = [at for at in after if moment <= at <= moment + most * max(len(here), 1)]
        answers = [day for day in answered if moment.day <= day <= moment.day + 4]
        assert held or answers or not here or moment + most * len(here) > _end()


def _end() -> datetime:
    return datetime.fromisoformat("2026-06-12T00:00:00Z")


@given(words, days, st.sampled_from(["mid", "low"]))
def test_not_here_makes_no_call_later(
    spoken: list[tuple[int, str]], answered: list[int], tier: str
) -> None:
    away = [(day, "not_here") for day, _ in spoken]
    home = ("01T08:00", "placed", placed(tier, home="Harbour"))
    with_words = run(home, *_script(away, answered), until="12T00:00", policy=WEIGHED)
    without = run(home, *_script([], answered), until="12T00:00", policy=WEIGHED)
    if without.alerts:
        assert first_call(with_words) <= first_call(without)


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"at": ["25:00"]}, "roll_call.at"),
        ({"at": "21:30"}, "roll_call.at"),
        ({"at": [f"{hour:02}:00" for hour in range(7)]}, "roll_call.at"),
        ({"at": [], "night": {"here": 0}}, "roll_call.night.here"),
        ({"at": [], "noon": {}}, "roll_call.noon"),
        ({"at": [], "holds_for": "soon"}, "roll_call.holds_for"),
        ({"day": {"perhaps": 2}}, "roll_call.day.perhaps"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_its_field(
    table: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        policies.read({**SHIPPED, "roll_call": table})
    assert refused.value.field == field


@pytest.mark.parametrize(("tier", "hours"), [("high", 6), ("mid", 12)])
def test_in_the_high_level_here_puts_a_call_off_no_longer_than_the_carers_word(
    tier: str, hours: int
) -> None:
    habit = {**SHIPPED["mid"]["habit"], "leaves": 0.5, "page": 0.7, "ask_before": "6h"}
    table = {**TABLE, "at": ["20:00"], "day": {"here": 0.0001}, "night": {"here": 0.0001}}
    tiers = {name: {**SHIPPED[name], "habit": habit, "ceiling": "72h"} for name in ("high", "mid")}
    policy = policies.read({**SHIPPED, **tiers, "roll_call": table})
    home = ("01T08:00", "placed", placed(tier, carer=False, home="Harbour"))
    without = first_call(run(home, until="05T00:00", policy=policy))
    with_word = run(home, says("here", until="01T20:30"), until="05T00:00", policy=policy)
    assert without < datetime.fromisoformat("2026-06-02T02:00:00Z")
    held = datetime.fromisoformat("2026-06-01T20:05:00Z") + timedelta(hours=hours)
    assert first_call(with_word) == held


def test_the_policy_that_ships_has_no_roll_calls_yet() -> None:
    shipped: Policy = policies.read(SHIPPED)
    assert shipped.roll_call.at == ()
