"""Why tells by which numbers adults were called, also where a budget of false alarms moved them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.policy.adapting import AS_WRITTEN, STEP, as_data
from server.policy.model import SHIPPED, Tier, over
from server.policy.models import BudgetWeek, Policy, week_id
from server.why import asked, changes
from server.why.events import around
from tests.cast import Cast


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_it_says_when_the_numbers_moved_and_which_held_before(cast: Cast) -> None:
    begin = cast.clock() + timedelta(hours=1)
    now = begin + timedelta(hours=2)
    data = over(SHIPPED, {"budget": {"adapt": "within_limits"}})
    row = {"agency_id": cast.agency.id, "version": 1}
    await Policy.create(**row, content=data, made_at=begin)
    moved = {**AS_WRITTEN, Tier.MID: STEP}
    week = {"children": {}, "calls": {}, "closings": {}, "answered": 0}
    figures = {"pages": 4, "rate": 9.0}
    factors = {"before": as_data(AS_WRITTEN), "after": as_data(moved)}
    made = {"ends_at": now, "made_at": now, "state": "adapted", "figures": figures}
    id_ = week_id(cast.agency.id, now)
    await BudgetWeek.create(id=id_, **row, **week, **made, **factors)
    versions = await asked.policies_of(cast.agency.id, around(now))
    pages = []
    for at in (begin, now):
        doubt = asked.at_time(versions, at).rules.tiers[Tier.MID].steps.doubt
        assert doubt is not None
        pages.append(doubt.page)
    assert pages == [0.8, pytest.approx(0.8 * STEP)]
    events = [event for event in changes.of_policies(versions) if event.at == now]
    assert [(event.code, event.values["week"]) for event in events] == [("policy.adapted", now)]
