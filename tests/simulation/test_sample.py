"""Of many children, a page replays a sample, and each child who had gone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.desk.policies import form as editing
from server.desk.policies import pages as policy_pages
from server.policy.model import SHIPPED
from server.simulation import history, sample
from server.watch import ticking
from tests.cast import Cast
from tests.desk import scenes

DAY = timedelta(days=1)


async def test_of_many_children_a_sample_is_chosen_and_the_same_one_each_time(cast: Cast) -> None:
    since, until = cast.clock() - DAY, cast.clock() + DAY
    whole, everyone = await sample.children_of(cast.agency.id, since, until, 10)
    assert whole == {cast.mia.id, cast.noor.id}
    assert everyone == 2
    one, everyone = await sample.children_of(cast.agency.id, since, until, 1)
    assert (len(one), everyone) == (1, 2)
    assert await sample.children_of(cast.agency.id, since, until, 1) == (one, 2)
    assert await sample.children_of(cast.agency.id, since - 9 * DAY, since, 1) == (set(), 0)


async def test_a_child_who_had_gone_is_always_in_it(cast: Cast) -> None:
    begin = cast.clock()
    for _ in range(20):
        cast.clock.advance(hours=5)
        await ticking.WATCHES.tick(cast.clock())
    since, until = begin - DAY, cast.clock()
    [chosen] = (await sample.children_of(cast.agency.id, since, until, 1))[0]
    other = ({cast.mia.id, cast.noor.id} - {chosen}).pop()
    alert = await Alert.filter(child_id=other, cause=Cause.SILENCE.value).first()
    assert alert is not None
    await Alert.filter(id=alert.id).update(
        outcome=Outcome.MISSING.value, closed_at=until, closed_by=cast.tom.id
    )
    both, _ = await sample.children_of(cast.agency.id, since, until, 1)
    assert both == {chosen, other}
    past = await history.read(cast.agency.id, since, until, 1)
    assert (past.children, past.everyone, len(past.real)) == (2, 2, 1)
    whole = await history.read(cast.agency.id, since, until)
    assert past.events == whole.events


async def test_a_page_of_a_sample_says_that_it_is_one(cast: Cast) -> None:
    cast.clock.advance(hours=1)
    since = cast.clock() - history.MONTH
    past = await history.read(cast.agency.id, since, cast.clock(), 1)
    assert (past.children, past.everyone) == (1, 2)
    assert {event.child for event in past.events} <= {str(cast.mia.id), str(cast.noor.id)}
    typed = editing.typed_of(SHIPPED) | {"mid.grace": "2"}
    looked = await cast.client_as("ines").post("/desk/policies/look", data=typed)
    assert "Calculated for 2 children" in looked.text
    assert "This is a sample" not in looked.text
    assert policy_pages.MOST_CHILDREN > 100


# Three hundred children are replayed. What is read of them is tried on both databases above.
@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_the_alerts_of_a_sample_are_said_to_be_of_these_children(cast: Cast) -> None:
    await scenes.crowd(cast, policy_pages.MOST_CHILDREN)
    cast.clock.advance(hours=1)
    typed = editing.typed_of(SHIPPED) | {"mid.grace": "2"}
    looked = await cast.client_as("ines").post("/desk/policies/look", data=typed)
    assert re.search(r"We really sent \d+ alerts? about these children\.", looked.text)
    assert "This is a sample of your 302 children" in looked.text
    assert not re.search(r"We really sent \d+ alerts?\.", looked.text)
