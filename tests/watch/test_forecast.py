"""What the page of a sighting says will happen, happens: for this child, at this moment."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta

import pytest

from server.alerts.models import Alert
from server.clock import known_zone
from server.people.rules import Leaving
from server.placements import actions
from server.policy.model import SHIPPED
from server.policy.models import Policy
from server.watch.forecast import Foreseen, Then, if_not_seen, in_words
from server.watch.models import Watch
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.desk.walking import PARIS, at, at_desk, run_until

MOMENTS = [at(15), at(16, 30), at(17, 30), at(18, 5), at(18, 30), at(19, 5), at(20), at(23, 30)]
FROM_THE_RULES = (Then.CALLED, Then.ASKED, Then.LATER, Then.NOTHING)


async def each_tier(cast: Cast, tier: str) -> None:
    await Watch.filter(child_id=cast.mia.id).update(tier=tier)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.strftime("%H%M"))
@pytest.mark.parametrize("tier", ["high", "mid", "low"])
async def test_what_is_said_before_the_tap_is_what_the_tap_does(
    cast: Cast, tier: str, moment: datetime
) -> None:
    # As the policy ships, where a silence is weighed.
    await Policy.create(
        agency_id=cast.agency.id, version=1, content=copy.deepcopy(SHIPPED), made_at=at(0)
    )
    await each_tier(cast, tier)
    await run_until(cast, moment)
    was_alerted = await Alert.exists(child_id=cast.mia.id)
    seen = await if_not_seen(cast.mia.id, cast.clock())
    says = in_words(seen, "en", known_zone(cast.ines.zone), cast.clock())
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}/sighting")).text
        for sentence in says:
            assert sentence in page
        assert "calls the caseworker" not in page
        await browser.post(f"/desk/children/{cast.mia.id}/sighting", data={"answer": "not_seen"})
    watch = await Watch.get(child_id=cast.mia.id)
    if was_alerted:
        assert seen == Foreseen(Then.KNOWN)
        return
    assert seen.then in FROM_THE_RULES
    assert await Alert.exists(child_id=cast.mia.id) == (seen.then is Then.CALLED)
    if seen.then in (Then.ASKED, Then.LATER):
        assert (watch.ask_at, watch.alarm_at) == (seen.asked_at, seen.called_at)
    if seen.then is Then.NOTHING:
        assert watch.due_at == seen.due_at
        assert "call nobody" in says[0]


async def test_in_the_high_tier_a_late_child_who_is_not_seen_is_called_about_at_once(
    cast: Cast,
) -> None:
    await each_tier(cast, "high")
    await run_until(cast, at(18, 35))
    seen = await if_not_seen(cast.mia.id, cast.clock())
    assert in_words(seen, "en", PARIS, cast.clock())[0] == (
        "If you answer “Could not find”, we call adults at once."
    )


async def test_where_adults_have_been_called_it_says_so(cast: Cast) -> None:
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    seen = await if_not_seen(cast.mia.id, cast.clock())
    assert seen == Foreseen(Then.KNOWN)
    assert in_words(seen, "en", PARIS, cast.clock()) == [
        "An alert is open already. We add “Could not find” to it."
    ]


async def test_where_nobody_is_asked_any_more_it_promises_nothing(cast: Cast) -> None:
    now = cast.clock.advance(minutes=1)
    await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)
    cast.clock.advance(minutes=1)
    seen = await if_not_seen(cast.mia.id, cast.clock())
    assert seen.then is Then.OVER
    assert "call nobody" in in_words(seen, "en", PARIS, cast.clock())[0]


async def test_the_carer_is_told_that_it_is_they_who_are_asked_again(cast: Cast) -> None:
    now = cast.clock()
    hour = timedelta(hours=1)
    seen = Foreseen(Then.ASKED, asked_at=now + hour, called_at=now + 3 * hour)
    to_carer = in_words(seen, "en", PARIS, now, to_carer=True)
    to_others = in_words(seen, "en", PARIS, now)
    assert to_carer[1].startswith("We ask you again at ")
    assert to_others[1].startswith("We ask the carer again at ")
