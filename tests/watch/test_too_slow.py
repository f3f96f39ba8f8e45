"""Check-in times that are too far apart: which level refuses them, by what, and what to choose."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.desk.policies import form as editing
from server.errors import Refused
from server.i18n import LANGUAGES, gettext
from server.policy import parser as policies
from server.policy.model import SHIPPED, Tier
from server.watch.machine.rounds import lasts_too_long
from server.watch.models import Watch
from server.watch.rhythm import agreements, rules, too_slow
from tests.cast import Cast

POLICY = policies.read(SHIPPED)
EVERY_SECOND_WEEK = {"at": ["18:00"], "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"}
ONCE_A_MONTH = {"at": ["18:00"], "rrule": "FREQ=MONTHLY;BYDAY=1MO"}


def said(data: dict[str, Any], tier: Tier, language: str = "en") -> str:
    fault = too_slow.for_times(rules.read(data), tier, POLICY.tiers[tier].steps)
    return gettext(language, fault.detail, **fault.extra)


def test_times_by_a_rule_alone_are_refused_with_the_level_its_number_and_what_to_choose() -> None:
    assert said(EVERY_SECOND_WEEK, Tier.MID) == (
        "Up to 14 days would pass between two of these check-ins. The medium watch level allows 1"
        " day 10 hrs: its longest silence (1 day 12 hrs), less the time until we call adults. Keep"
        " these, and add times on days of the week."
    )
    assert said(ONCE_A_MONTH, Tier.LOW).startswith(
        "Up to 35 days would pass between two of these check-ins. The low watch level allows"
    )
    assert said({"at": ["18:00"], "days": [0]}, Tier.HIGH).endswith(
        "less the time until we call adults. Add a time or a day in between."
    )


@pytest.mark.parametrize("tier", list(Tier))
def test_each_level_has_its_sentences_in_each_language(tier: Tier) -> None:
    steps = POLICY.tiers[tier].steps
    rhythm = rules.read(ONCE_A_MONTH)
    faults = [
        too_slow.for_times(rhythm, tier, steps),
        too_slow.for_times(rules.read({"at": ["18:00"], "days": [0]}), tier, steps),
        too_slow.for_level(rhythm, tier, steps),
        too_slow.for_season(timedelta(days=9), tier, steps),
    ]
    for language in LANGUAGES:
        sentences = {gettext(language, fault.detail, **fault.extra) for fault in faults}
        assert len(sentences) == len(faults)
        assert not any("{" in sentence for sentence in sentences)
    assert {fault.code for fault in faults} == {"too_slow"}


@given(st.sampled_from(list(Tier)), st.sets(st.integers(0, 6), min_size=1), st.integers(1, 6))
def test_what_a_level_says_that_it_allows_is_what_it_lets_pass(
    tier: Tier, days: set[int], times: int
) -> None:
    at = [f"{hour * 4:02}:00" for hour in range(times)]
    rhythm = rules.read({"at": at, "days": sorted(days)})
    steps = POLICY.tiers[tier].steps
    extra = too_slow.for_times(rhythm, tier, steps).extra
    assert (extra["gap"] > extra["most"]) is lasts_too_long(rules.longest_gap(rhythm), steps)


async def test_a_caseworker_and_the_api_are_told_the_same(cast: Cast) -> None:
    with pytest.raises(Refused) as told:
        await agreements.set_rhythm(
            cast.actor("tom"), cast.mia.id, EVERY_SECOND_WEEK, "Europe/Paris", cast.clock()
        )
    assert (told.value.code, told.value.field) == ("too_slow", "rhythm")
    answer = await cast.client_as("tom").put(
        f"/api/v1/children/{cast.mia.id}/rhythm",
        json={"rhythm": EVERY_SECOND_WEEK, "zone": "Europe/Paris"},
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["detail"].startswith("Up to 14 days would pass")
    assert problem["gap"] == "P14D"


async def test_children_with_times_too_far_apart_for_new_numbers_are_counted_in_the_database(
    cast: Cast,
) -> None:
    """Two children of one agency; what another agency agreed, or what is over, does not count."""
    watches = {watch.child_id: watch for watch in await Watch.filter(agency_id=cast.agency.id)}
    assert len(watches) == 2
    tighter = copy.deepcopy(SHIPPED)
    for tier in Tier:
        tighter[tier]["ceiling"] = "12h"
    watched = await too_slow.how_watched(cast.agency.id)
    assert sum(children for _, _, children in watched) == 2
    assert too_slow.too_slow_for(policies.read(tighter), watched) == 2
    assert too_slow.too_slow_for(POLICY, watched) < 2
    await Watch.filter(child_id=cast.mia.id).update(next_action_at=None, due_at=None)
    watched = await too_slow.how_watched(cast.agency.id)
    assert too_slow.too_slow_for(policies.read(tighter), watched) == 1


async def test_the_page_that_looks_back_says_how_many_children_have_such_times(cast: Cast) -> None:
    typed = editing.typed_of(SHIPPED)
    typed |= {f"{tier}.ceiling": "12" for tier in Tier}
    cast.clock.advance(hours=1)
    looked = await cast.client_as("ines").post("/desk/policies/look", data=typed)
    assert looked.status_code == 200, looked.text
    assert "2 children have check-in times too far apart for your numbers." in looked.text
