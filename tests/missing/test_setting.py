"""The clocks of a search, as an agency sets them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.errors import Conflict, Refused
from server.missing.search import setting, terms
from server.missing.search.clocks import clocks_of
from server.missing.search.models import ClocksVersion, Episode
from server.missing.search.opening import Saying, open_episode
from server.missing.search.rules import DEFAULT
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import together

PAGE = "/desk/policies/search"


@pytest.mark.parametrize("name", list(terms.ALL))
def test_each_number_changes_itself_and_nothing_else(name: str) -> None:
    before = terms.shown(DEFAULT)
    after = terms.shown(terms.changed(DEFAULT, {name: "1"}))
    assert after == before | {name: 1}
    with pytest.raises(Refused) as fault:
        terms.changed(DEFAULT, {name: "0"})
    assert fault.value.field == name


@pytest.mark.parametrize(
    ("name", "text"),
    [("high_decide", "1441"), ("interview", "73"), ("review", "x"), ("report", "1e3")],
)
def test_what_guidance_bounds_nobody_goes_beyond(name: str, text: str) -> None:
    with pytest.raises(Refused) as fault:
        terms.changed(DEFAULT, {name: text})
    assert fault.value.field == name


async def test_new_numbers_hold_for_searches_that_begin_from_then_on(cast: Cast) -> None:
    now, ines = cast.clock(), cast.actor("ines")
    before, _ = await open_episode(ines, cast.mia.id, uuid4(), Saying(now), now)
    made = await setting.set_clocks(
        ines, cast.agency.id, 0, {"interview": "24"}, "We are near.", now
    )
    assert made is not None
    after, _ = await open_episode(ines, cast.noor.id, uuid4(), Saying(now), now)
    assert (before.clocks_version, after.clocks_version) == (0, 1)
    for episode, hours in ((before, 72), (after, 24)):
        held = await Episode.get(id=episode.id)
        clocks, _ = await clocks_of(held.agency_id, held.clocks_version)
        assert clocks.interview == timedelta(hours=hours)


async def test_two_who_set_them_at_once_are_told_of_each_other(cast: Cast) -> None:
    both = await together(
        *(
            setting.set_clocks(
                cast.actor("ines"), cast.agency.id, 0, {"interview": hours}, "Why", cast.clock()
            )
            for hours in ("24", "48")
        )
    )
    assert sum(isinstance(one, Conflict) for one in both) == 1
    assert await ClocksVersion.all().count() == 1


async def test_a_supervisor_sets_them_at_the_desk_with_a_reason(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(PAGE)).text
        assert 'value="72"' in page
        refused = await browser.post(PAGE, data={"base": "0", "interview": "48", "why": ""})
        assert refused.status_code == 422
        assert 'value="48"' in refused.text
        done = await browser.post(PAGE, data={"base": "0", "interview": "48", "why": "Closer."})
        page = (await browser.get(done.headers["location"])).text
        assert "Closer." in page
        late = await browser.post(PAGE, data={"base": "0", "interview": "24", "why": "Again."})
        assert late.status_code == 409
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(PAGE)).text
        assert "readonly" in page
        assert (await browser.post(PAGE, data={"base": "1"})).status_code == 403
