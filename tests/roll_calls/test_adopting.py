"""A supervisor puts a policy with roll calls in force at the desk."""

from __future__ import annotations

import re

from server.desk.policies.form import typed_of
from server.desk.policies.pages import shipped_content
from server.people.models import Home
from server.policy.model import SHIPPED
from server.policy.models import Policy
from server.roll_calls import ticking
from server.storage.db import write
from server.watch.models import Watch
from server.watch.policy_change import look_again
from tests.cast import Cast
from tests.roll_calls.test_ticking import paris

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


async def test_roll_calls_are_kept_from_the_form_to_the_policy_and_homes_are_planned(
    cast: Cast,
) -> None:
    async with cast.browser_as("ines") as ines:
        page = await ines.get("/desk/policies/new?from=roll-calls")
        assert 'name="roll_call.at"' in page.text
        assert "Each home is asked who is there, at" in page.text
        assert "By night, “not here” multiplies the risk by" in page.text
        form = typed_of(shipped_content("roll-calls")) | {"roll_call.at": "22:15"}
        look = await ines.post("/desk/policies/look", data=form)
        assert look.status_code == 200
        assert "22:15" in look.text
        adopted = await ines.post(
            "/desk/policies", data={**dict(HIDDEN.findall(look.text)), "why": "One a night."}
        )
        assert adopted.status_code == 303
    policy = await Policy.filter(agency_id=cast.agency.id).order_by("-version").first()
    assert policy is not None
    assert policy.content["roll_call"]["at"] == ["22:15"]
    await ticking.HOMES.tick(cast.clock())
    assert (await Home.get(id=cast.home.id)).next_roll_call_at == paris(2, "22:15")


async def test_what_witnesses_weigh_is_added_to_the_numbers_that_hold(cast: Cast) -> None:
    content = {**SHIPPED, "roll_call": shipped_content("roll-calls")["roll_call"]}
    await Policy.create(agency_id=cast.agency.id, version=1, content=content, made_at=cast.clock())
    async with cast.browser_as("ines") as ines:
        policies = await ines.get("/desk/policies")
        assert "/desk/policies/new?from=witnesses&amp;level=witness#witness" in policies.text
        page = await ines.get("/desk/policies/new?from=witnesses&level=witness")
        assert 'name="witness.not_here"' in page.text
        assert 'name="roll_call.at"' in page.text
        form = typed_of({**content, **shipped_content("witnesses")}) | {"witness.not_here": "2"}
        look = await ines.post("/desk/policies/look", data=form)
        assert look.status_code == 200
        typed = {**dict(HIDDEN.findall(look.text)), "why": "The school counts well."}
        assert (await ines.post("/desk/policies", data=typed)).status_code == 303
    policy = await Policy.filter(agency_id=cast.agency.id).order_by("-version").first()
    assert policy is not None
    assert policy.content["witness"]["not_here"] == 2
    assert policy.content["roll_call"] == content["roll_call"]


async def test_after_a_change_every_watch_looks_again_part_by_part(cast: Cast) -> None:
    now = cast.clock()
    elsewhere = await Watch.exclude(agency_id=cast.agency.id).count()
    async with write():
        await look_again(cast.agency.id, now, at_once=1)
    waiting = Watch.filter(next_action_at__gt=now)
    assert await waiting.filter(agency_id=cast.agency.id).count() == 0
    assert await Watch.filter(agency_id=cast.agency.id, next_action_at=now).count() > 1
    assert await waiting.count() == elsewhere
