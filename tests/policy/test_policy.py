"""A policy is data: read and checked; and the policy of each miss is the table below."""

import copy
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.errors import Refused
from server.policy import model, parser
from server.policy.levels import Does, Evidence
from server.policy.model import Around, QuietHours, Tier
from server.simulation.commands import read_policy

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AT_EACH_MISS = parser.read(model.EACH_MISS)
LEVELS = model.EACH_MISS["high"]["evidence"]
HABIT = {"leaves": 0.006, "ask": 0.02, "page": 0.2, "ask_again": "6h", "ask_before": "12h"}

# The published table, column by column: before, again, grace, the carer's time, then each rung,
# the lapse, the decision, the hold by a carer's "seen", and the ceiling.
TABLE = {
    Tier.HIGH: ("30m 15m 30m 15m", "15m 30m 1h", "6h 24h"),
    Tier.MID: ("1h 30m 1h 45m", "30m 1h 4h", "- 36h"),
    Tier.LOW: ("2h 1h 2h 3h", "1h 4h 24h", "- 72h"),
}


def span(text: str) -> timedelta | None:
    units = {"m": MINUTE, "h": HOUR}
    return None if text == "-" else int(text[:-1]) * units[text[-1]]


@pytest.mark.parametrize("tier", Tier)
def test_the_policy_of_each_miss_equals_its_table(tier: Tier) -> None:
    round_, ladder, limits = ([span(word) for word in part.split()] for part in TABLE[tier])
    steps, climbs = AT_EACH_MISS.tiers[tier].steps, AT_EACH_MISS.tiers[tier].ladder
    assert [steps.remind_before, steps.remind_again, steps.grace, steps.carer_window] == round_
    assert [climbs.each, climbs.lapse, climbs.decide] == ladder
    held = steps.levels.holds_for if steps.levels.carer is Does.HOLDS else None
    assert [held, steps.ceiling] == limits
    assert steps.after_pass == {"high": 15, "mid": 20, "low": 30}[tier] * MINUTE
    assert steps.levels.school is steps.levels.carer
    assert steps.levels.does(Evidence.CHILD) is steps.levels.professional is Does.SETTLES
    assert steps.levels.app_seen is Does.NOTHING
    assert [rung.value for rung in climbs.rungs] == (
        "caseworker deputy on_duty manager last_resort".split()
    )
    by_day = (time(8), time(22)) if tier is Tier.LOW else (time(0), time(0))
    assert (steps.carer_from, steps.carer_until) == by_day


def test_children_are_not_reminded_at_night_by_default() -> None:
    assert AT_EACH_MISS.quiet == QuietHours(time(22), time(7))


@pytest.mark.parametrize(
    ("quiet", "inside", "outside"),
    [
        (QuietHours(time(22), time(7)), ["22:00", "23:59", "00:00", "06:59"], ["07:00", "21:59"]),
        (QuietHours(time(13), time(14)), ["13:00", "13:59"], ["12:59", "14:00", "00:00"]),
        (QuietHours(time(7), time(7)), [], ["06:59", "07:00", "19:00"]),
    ],
)
def test_quiet_hours_run_over_midnight_too(
    quiet: QuietHours, inside: list[str], outside: list[str]
) -> None:
    assert all(quiet.holds(time.fromisoformat(at)) for at in inside)
    assert not any(quiet.holds(time.fromisoformat(at)) for at in outside)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("weekend", {}, "weekend"),
        ("quiet", None, "quiet"),
        ("quiet", ["22:00"], "quiet"),
        ("quiet.from", "10 pm", "quiet.from"),
        ("quiet.until", None, "quiet.until"),
        ("quiet.zone", "UTC", "quiet.zone"),
        ("high", None, "high"),
        ("mid", "1h", "mid"),
        ("low.patience", "1h", "low.patience"),
        ("high.remind_before", None, "high.remind_before"),
        ("high.remind_again", "0m", "high.remind_again"),
        ("high.remind_again", "31m", "high.remind_again"),
        ("mid.grace", 60, "mid.grace"),
        ("mid.grace", "-1h", "mid.grace"),
        ("mid.grace", "1.5h", "mid.grace"),
        ("mid.grace", "1h30m", "mid.grace"),
        ("mid.grace", True, "mid.grace"),
        ("low.carer_window", "soon", "low.carer_window"),
        ("low.carer_from", "8:00", "low.carer_from"),
        ("low.carer_until", "24:00", "low.carer_until"),
        ("low.carer_from", "22:30", "low.carer_until"),
        ("high.seen_holds", "6h", "high.seen_holds"),
        ("high.evidence", "all", "high.evidence"),
        ("high.evidence", {**LEVELS, "aunt": "holds"}, "high.evidence.aunt"),
        ("high.evidence", {**LEVELS, "carer": "perhaps"}, "high.evidence.carer"),
        ("high.evidence", {**LEVELS, "carer": ["holds"]}, "high.evidence.carer"),
        ("high.evidence", {**LEVELS, "holds_for": "0h"}, "high.evidence.holds_for"),
        ("high.evidence", {**LEVELS, "softens_for": None}, "high.evidence.softens_for"),
        ("high.evidence", {**LEVELS, "sms": "perhaps"}, "high.evidence.sms"),
        (
            "high.evidence",
            {**LEVELS, "card": "nothing", "app_seen": "softens"},
            "high.evidence.app_seen",
        ),
        ("high.evidence", {**LEVELS, "app_seen": "settles"}, "high.evidence.app_seen"),
        ("high.evidence", {**LEVELS, "sms": "vouches"}, "high.evidence.sms"),
        ("high.evidence", {**LEVELS, "professional": "vouches"}, "high.evidence.professional"),
        ("high.evidence", {**LEVELS, "carer": "vouches"}, "high.evidence.carer"),
        ("high.evidence", {**LEVELS, "app_seen": "holds"}, "high.evidence.app_seen"),
        (
            "high.evidence",
            {**LEVELS, "school": "nothing", "app_seen": "softens"},
            "high.evidence.app_seen",
        ),
        ("high.evidence", {**LEVELS, "professional": "softens"}, "high.evidence.school"),
        (
            "high.evidence",
            {**LEVELS, "professional": "holds", "carer": "settles"},
            "high.evidence.carer",
        ),
        ("high.ceiling", "44m", "high.ceiling"),
        ("high.ceiling", "never", "high.ceiling"),
        ("low.ceiling", "31d", "low.ceiling"),
        ("low.ceiling", "9999999d", "low.ceiling"),
        ("high.rungs", [], "high.rungs"),
        ("high.rungs", "caseworker", "high.rungs"),
        ("high.rungs", ["police"], "high.rungs"),
        ("high.rungs", [["caseworker"]], "high.rungs"),
        ("high.rungs", [None], "high.rungs"),
        ("high.each", "", "high.each"),
        ("high.lapse", None, "high.lapse"),
        ("high.decide", "later", "high.decide"),
        ("mid.asks_carer", "often", "mid.asks_carer"),
        ("mid.habit", "yes", "mid.habit"),
        ("mid.habit", {**HABIT, "score": 5}, "mid.habit.score"),
        ("mid.habit", {**HABIT, "leaves": 0}, "mid.habit.leaves"),
        ("mid.habit", {**HABIT, "leaves": 0.9}, "mid.habit.leaves"),
        ("mid.habit", {**HABIT, "leaves": True}, "mid.habit.leaves"),
        ("mid.habit", {**HABIT, "page": "0.2"}, "mid.habit.page"),
        ("mid.habit", {**HABIT, "page": float("nan")}, "mid.habit.page"),
        ("mid.habit", {**HABIT, "page": 0.01}, "mid.habit.ask"),
        ("mid.habit", {**HABIT, "ask_again": "5m"}, "mid.habit.ask_again"),
        ("mid.habit", {**HABIT, "silent_phone": 1}, "mid.habit.silent_phone"),
        ("mid.habit", {**HABIT, "ask_before": "soon"}, "mid.habit.ask_before"),
        ("milestones", "never", "milestones"),
        ("milestones.moon", {}, "milestones.moon"),
        ("milestones.hearing", "3d", "milestones.hearing"),
        ("milestones.hearing.until", "3d", "milestones.hearing.until"),
        ("milestones.hearing.tier", "low", "milestones.hearing.tier"),
        ("milestones.hearing.tier", ["high"], "milestones.hearing.tier"),
        ("milestones.hearing.before", "31d", "milestones.hearing.before"),
        ("milestones.turning_18.after", "never", "milestones.turning_18.after"),
        ("milestones.transfer.tier", "mid", "milestones.transfer.tier"),
        ("milestones.transfer.after", "71h", "milestones.transfer.after"),
        ("milestones.return.after", "2d", "milestones.return.after"),
    ],
)
def test_nonsense_is_refused_and_named(path: str, value: Any, field: str) -> None:
    data = copy.deepcopy(model.EACH_MISS)
    *above, key = path.split(".")
    table: Any = data
    for name in above:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value
    with pytest.raises(Refused) as refused:
        parser.read(data)
    assert refused.value.field == field
    assert refused.value.code == "invalid"


def test_a_policy_of_an_earlier_release_has_the_windows_that_were_before_it() -> None:
    old = copy.deepcopy(model.EACH_MISS)
    del old["milestones"]
    day = timedelta(days=1)
    assert parser.read(old).milestones == parser.read(parser.filled(old)).milestones
    assert parser.read(old).milestones == {
        "hearing": Around(Tier.HIGH, day, 3 * day),
        "refusal": Around(Tier.HIGH, 0 * day, 3 * day),
        "transfer": Around(Tier.HIGH, 2 * day, 3 * day),
        "return": Around(Tier.HIGH, 0 * day, 3 * day),
        "turning_18": Around(Tier.HIGH, 14 * day, day),
    }


def test_a_file_names_only_the_windows_that_are_different() -> None:
    own = {"milestones": {"hearing": {"tier": "mid", "before": "never"}}}
    found = parser.read(parser.filled(own)).milestones
    assert found["hearing"] == Around(Tier.MID, timedelta(0), timedelta(days=3))
    assert found["refusal"] == AT_EACH_MISS.milestones["refusal"]
    assert parser.read({**model.EACH_MISS, **own}).milestones == found


@pytest.mark.parametrize("value", ["never", None])
def test_a_policy_may_never_ask_for_a_decision(value: Any) -> None:
    data = copy.deepcopy(model.EACH_MISS)
    data["high"]["decide"] = value
    assert parser.read(data).tiers[Tier.HIGH].ladder.decide is None


@pytest.mark.parametrize(
    ("said", "does", "holds_for"),
    [("never", Does.SETTLES, 6), (None, Does.SETTLES, 6), ("3h", Does.HOLDS, 3)],
)
@pytest.mark.parametrize("tier", Tier)
def test_a_policy_of_an_earlier_release_counts_the_word_of_a_carer_as_it_did(
    tier: Tier, said: Any, does: Does, holds_for: int
) -> None:
    old = copy.deepcopy(model.EACH_MISS)
    del old[tier]["evidence"]
    old[tier]["seen_holds"] = said
    levels = parser.read(parser.filled(old)).tiers[tier].steps.levels
    assert (levels.carer, levels.school) == (does, does)
    assert (levels.professional, levels.app_seen) == (Does.SETTLES, Does.NOTHING)
    assert levels.holds_for == holds_for * HOUR


def test_a_tier_that_is_no_table_is_refused_by_its_name() -> None:
    with pytest.raises(Refused) as refused:
        parser.read(parser.filled({"high": "6h"}))
    assert refused.value.field == "high"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("15m", 900), ("4h", 14_400), ("2d", 172_800), ("15 m", 900)],
)
def test_durations_are_written_as_people_write_them(text: str, expected: int) -> None:
    data = copy.deepcopy(model.EACH_MISS)
    data["high"]["each"] = text
    assert parser.read(data).tiers[Tier.HIGH].ladder.each.total_seconds() == expected


@pytest.mark.parametrize("tier", Tier)
def test_a_ladder_survives_being_frozen_into_an_alert(tier: Tier) -> None:
    ladder = AT_EACH_MISS.tiers[tier].ladder
    assert model.ladder_from_data(model.ladder_as_data(ladder)) == ladder
    data = {**model.ladder_as_data(ladder), "decide_s": None}
    endless = model.ladder_from_data(data)
    assert endless.decide is None
    assert model.ladder_as_data(endless) == data


@pytest.mark.parametrize(
    "file", sorted(Path("policies").glob("*.toml")), ids=lambda file: file.stem
)
def test_every_policy_file_that_ships_can_be_read(file: Path) -> None:
    assert read_policy(file) != parser.read(model.SHIPPED)


def test_the_file_of_each_miss_is_the_policy_of_each_miss() -> None:
    assert read_policy(Path("policies/each-miss.toml")) == AT_EACH_MISS


def test_a_policy_of_an_earlier_release_asks_the_carer_at_each_miss() -> None:
    data = copy.deepcopy(model.EACH_MISS)
    for tier in Tier:
        del data[tier]["habit"], data[tier]["asks_carer"], data[tier]["evidence"]
    assert parser.read(data) == AT_EACH_MISS
