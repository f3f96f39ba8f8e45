"""Who is called for what, and how long each has."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.causes import first_wait_ends, ladder_for
from server.alerts.ladder import Cause
from server.desk.policies import form
from server.policy import model, parser
from server.policy.model import Rung, Tier
from tests.copies import replace

AT_EACH_MISS = parser.read(model.EACH_MISS)
PARIS = ZoneInfo("Europe/Paris")


def local(text: str, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize("tier", Tier)
def test_silence_climbs_the_ladder_of_the_tier(tier: Tier) -> None:
    assert ladder_for(Cause.SILENCE, AT_EACH_MISS, tier) is AT_EACH_MISS.tiers[tier].ladder


@pytest.mark.parametrize("tier", Tier)
def test_help_calls_the_caseworker_and_everyone_on_duty_together(tier: Tier) -> None:
    ladder = ladder_for(Cause.HELP, AT_EACH_MISS, tier)
    high = AT_EACH_MISS.tiers[Tier.HIGH].ladder
    later = (Rung.DEPUTY, Rung.MANAGER, Rung.LAST_RESORT)
    assert ladder.rungs == (Rung.CASEWORKER_AND_ON_DUTY, *later)
    assert (ladder.each, ladder.lapse, ladder.decide) == (high.each, high.lapse, high.decide)


def test_a_child_thought_missing_starts_at_the_top() -> None:
    ladder = ladder_for(Cause.MISSING, AT_EACH_MISS, Tier.LOW)
    assert ladder.rungs == (Rung.EVERYONE, Rung.LAST_RESORT)
    assert ladder.each == timedelta(minutes=15)


@given(
    st.lists(st.sampled_from(list(Rung)), min_size=1, max_size=8),
    st.sampled_from(list(Cause)),
    st.sampled_from(list(Tier)),
)
def test_every_ladder_ends_at_the_last_resort_whatever_policy_is_stored(
    rungs: list[Rung], cause: Cause, tier: Tier
) -> None:
    stored = {each.value: {"rungs": [rung.value for rung in rungs]} for each in Tier}
    for content in (parser.filled(stored), parser.merged(stored)):
        made = ladder_for(cause, parser.read(content), tier)
        assert made.rungs[-1] is Rung.LAST_RESORT
        # A ladder that an earlier release froze goes on as it was, and ends there.
        frozen = {**model.ladder_as_data(made), "rungs": [rung.value for rung in rungs]}
        thawed = model.ladder_from_data(frozen).rungs
        assert (thawed[: len(rungs)], thawed[-1]) == (tuple(rungs), Rung.LAST_RESORT)
        # The form keeps what was chosen before it.
        typed = form.typed_of(content)
        if Rung.LAST_RESORT not in rungs and len(rungs) <= form.MOST_RUNGS:
            assert form.read(typed, content)[tier]["rungs"] == content[tier]["rungs"]


@pytest.mark.parametrize("cause", [Cause.HELP, Cause.MISSING])
def test_help_ends_at_the_last_resort_whatever_the_policy_says(cause: Cause) -> None:
    high = AT_EACH_MISS.tiers[Tier.HIGH]
    for rungs in [(Rung.DEPUTY,), (Rung.LAST_RESORT, Rung.DEPUTY, Rung.DEPUTY), tuple(Rung)]:
        ladder = replace(high.ladder, rungs=rungs)
        tiers = {**AT_EACH_MISS.tiers, Tier.HIGH: replace(high, ladder=ladder)}
        made = ladder_for(cause, replace(AT_EACH_MISS, tiers=tiers), Tier.MID)
        assert made.rungs[-1] is Rung.LAST_RESORT
        assert len(set(made.rungs)) == len(made.rungs)


def test_a_wish_to_talk_goes_to_the_caseworker_then_to_the_deputy() -> None:
    ladder = ladder_for(Cause.TALK, AT_EACH_MISS, Tier.HIGH)
    assert ladder.rungs[:2] == (Rung.CASEWORKER, Rung.DEPUTY)
    assert ladder.each == timedelta(hours=4)
    assert ladder.decide is None


@pytest.mark.parametrize(
    ("wished", "deputy"),
    [
        ("2026-03-02T10:00", "2026-03-02T14:00"),
        ("2026-03-02T16:00", "2026-03-02T20:00"),
        ("2026-03-02T19:00", "2026-03-03T11:00"),
        ("2026-03-02T20:00", "2026-03-03T12:00"),
        ("2026-03-02T23:30", "2026-03-03T12:00"),
        ("2026-03-02T03:00", "2026-03-02T12:00"),
        ("2026-03-28T18:00", "2026-03-29T10:00"),  # The clocks go forward in between.
    ],
)
def test_only_the_day_counts_for_a_wish_to_talk(wished: str, deputy: str) -> None:
    ladder = ladder_for(Cause.TALK, AT_EACH_MISS, Tier.MID)
    assert first_wait_ends(Cause.TALK, ladder, PARIS, local(wished)) == local(deputy)


def test_a_day_that_a_zone_leaves_out_counts_once() -> None:
    apia = ZoneInfo("Pacific/Apia")  # 29 December 2011 was followed by the 31st.
    ladder = ladder_for(Cause.TALK, AT_EACH_MISS, Tier.MID)
    ends = first_wait_ends(Cause.TALK, ladder, apia, local("2011-12-29T19:00", apia))
    assert ends == local("2011-12-31T11:00", apia)
    slow = replace(ladder, each=timedelta(hours=14))
    ends = first_wait_ends(Cause.TALK, slow, apia, local("2011-12-29T19:00", apia))
    assert ends == local("2012-01-01T09:00", apia)


def test_every_other_cause_waits_day_and_night_alike() -> None:
    ladder = ladder_for(Cause.HELP, AT_EACH_MISS, Tier.MID)
    night = local("2026-03-02T03:00")
    assert first_wait_ends(Cause.HELP, ladder, PARIS, night) == night + timedelta(minutes=15)
