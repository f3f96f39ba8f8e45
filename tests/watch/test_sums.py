"""What follows from the times that child and caseworker agree to, as both read it."""

from __future__ import annotations

import copy
from datetime import datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.policy.model import SHIPPED
from server.policy.models import Policy as PolicyRow
from server.watch.machine.habit import Knowledge
from server.watch.machine.standing import Terms
from server.watch.rhythm import summary
from server.watch.rhythm.agreements import set_rhythm
from server.watch.rhythm.rules import Rhythm
from server.watch.signals.models import Observation
from tests.cast import Cast
from tests.copies import replace
from tests.desk.walking import reachable
from tests.watch.watches import STARTS, any_terms, knowledges


@pytest.mark.slow
@given(any_terms(), knowledges, st.sampled_from(STARTS))
def test_no_sum_tells_what_is_known_of_a_child_and_none_is_too_early(
    terms: Terms, knowledge: Knowledge, now: datetime
) -> None:
    if terms.rhythm.rules:
        terms = replace(terms, rhythm=Rhythm(terms.rhythm.at))
    told = summary.sums(terms, now)
    assert told == summary.sums(replace(terms, knowledge=knowledge), now)
    moment = now
    for each in told:
        truly = summary.would_be_told(terms, moment)
        assert truly is None or truly[1] <= each.told_by
        moment = each.due_at


async def test_the_child_reads_the_same_sums_before_and_after_adults_noticed_a_sign(
    cast: Cast,
) -> None:
    """With the policy that ships, which weighs a silence of the medium level."""
    now, path = cast.clock(), "/api/v1/rhythm/proposals"
    content = copy.deepcopy(SHIPPED)
    await PolicyRow.create(agency_id=cast.agency.id, version=1, content=content, made_at=now)
    often = {"at": ["08:00", "12:00", "16:00", "20:00"]}
    await set_rhythm(cast.actor("tom"), cast.mia.id, often, "UTC", now)
    case = await summary.case_of(cast.mia.id, now)
    assert case is not None
    assert case.terms.steps.doubt is not None

    async def truly() -> object:
        after = await summary.case_of(cast.mia.id, now)
        assert after is not None
        return summary.would_be_told(after.terms, now)

    await reachable(cast, "tom", channel="push")
    async with cast.client_as("mia") as child:
        before, seen = await truly(), (await child.get(path)).json()["sums"]
        await Observation.create(
            id=uuid4(),
            child_id=cast.mia.id,
            sign="packed_bag",
            by_id=cast.tom.id,
            by_role="caseworker",
            at=now,
        )
        assert await truly() != before, "else this shows nothing"
        assert (await child.get(path)).json()["sums"] == seen
    longest = now + case.terms.steps.ceiling
    assert datetime.fromisoformat(seen[0]["told_by"]) == longest
