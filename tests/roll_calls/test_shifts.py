"""The person on shift is asked first, and everyone else only if nobody is or they do not answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.people.actions import set_language
from server.people.models import Person
from server.roll_calls import actions
from server.roll_calls.models import HomeWorker
from server.roll_calls.rules import shift_ends
from server.roll_calls.shifts import actions as shifts
from tests.cast import Cast
from tests.roll_calls.homes import asked, furnish, latest, sent, tick

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGIN, TICK = datetime(2025, 1, 1, tzinfo=UTC), timedelta(seconds=17, microseconds=3)
PARIS = ZoneInfo("Europe/Paris")


async def on_shift(cast: Cast, name: str, hours: float = 8) -> None:
    until = cast.clock() + timedelta(hours=hours)
    await shifts.begin(cast.actor(name), cast.home.id, until, cast.clock())


def path_of(cast: Cast, page: str = "roll-call") -> str:
    return f"/desk/homes/{cast.home.id}/{page}"


async def test_the_message_goes_to_the_person_on_shift_and_after_20_minutes_to_everyone(
    cast: Cast,
) -> None:
    await furnish(cast, workers=("sam", "tom"))
    await on_shift(cast, "tom")
    await tick(cast.clock.advance(minutes=30))
    call = await latest(cast)
    assert await sent(call, cast) == [("roll_call", "tom")]
    await tick(cast.clock.advance(minutes=20))
    again = [("roll_call_again", "sam"), ("roll_call_again", "tom")]
    assert await sent(call, cast) == [("roll_call", "tom"), *again]


async def test_a_shift_that_is_over_or_of_a_disabled_person_asks_everyone(cast: Cast) -> None:
    await furnish(cast, "13:30", "14:30", workers=("sam", "tom"))
    await on_shift(cast, "tom", hours=0.5)
    await tick(cast.clock.advance(minutes=30))
    everyone = [("roll_call", "sam"), ("roll_call", "tom")]
    assert await sent(await latest(cast), cast) == everyone, "it ended by itself in this moment"
    await on_shift(cast, "tom")
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    await tick(cast.clock.advance(minutes=60))
    assert await sent(await latest(cast), cast) == [("roll_call", "sam")]


async def test_a_shift_is_the_own_one_begins_once_changes_and_ends_once(cast: Cast) -> None:
    await furnish(cast, workers=("sam", "tom"))
    now, home, sam = cast.clock(), cast.home.id, cast.actor("sam")
    for until in (now, now - MINUTE, now + 25 * HOUR):
        with pytest.raises(Refused):
            await shifts.begin(sam, home, until, now)
    for until in (now + HOUR, now + HOUR, now + 2 * HOUR):
        await shifts.begin(sam, home, until, now)
    assert (await HomeWorker.get(person_id=cast.sam.id)).on_until == now + 2 * HOUR
    assert await Entry.filter(what="home_worker:on_shift").count() == 2
    # A colleague ends one that was forgotten; a person who does not work there does not.
    for stranger in ("ines", "root", "eve"):
        with pytest.raises(NotFound):
            await shifts.begin(cast.actor(stranger), home, now + HOUR, now)
        with pytest.raises(NotFound):
            await shifts.end(cast.actor(stranger), home, cast.sam.id, now)
    for _ in range(2):
        await shifts.end(cast.actor("tom"), home, cast.sam.id, now)
    assert (await HomeWorker.get(person_id=cast.sam.id)).on_until is None
    assert await Entry.filter(what="home_worker:off_shift", who_id=cast.tom.id).count() == 1
    await shifts.begin(sam, home, now + HOUR, now)
    await actions.end_worker(cast.actor("root"), home, cast.sam.id, now)
    with pytest.raises(NotFound):
        await shifts.end(sam, home, cast.sam.id, now)
    # A person who comes back begins a shift anew.
    await actions.add_worker(cast.actor("root"), home, cast.sam.id, now)
    assert (await HomeWorker.get(person_id=cast.sam.id, until_at__isnull=True)).on_until is None


async def test_it_is_one_tap_on_the_board_and_on_the_page_where_others_read_it(cast: Cast) -> None:
    await asked(cast, workers=("sam", "tom"))
    for name in ("sam", "tom", "ines"):
        await set_language(cast.actor(name), cast.persons[name].id, "en", cast.clock())
    async with cast.browser_as("sam") as browser:
        assert "I&#39;m on shift until 21:30" in (await browser.get("/desk/")).text
        page = (await browser.get(path_of(cast))).text
        assert "Nobody has said that they are on shift. We ask everyone who works here." in page
        [end] = shift_ends(PARIS, cast.clock())
        tapped = {"until": end.isoformat(), "back": "board"}
        answer = await browser.post(path_of(cast, "shift"), data=tapped)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")
        assert "You are on shift until 21:30" in (await browser.get("/desk/")).text
        assert "My shift is over" in (await browser.get(path_of(cast))).text
        other = {"until": "other", "at": "2026-03-02T11:00"}
        refused = await browser.post(path_of(cast, "shift"), data=other)
        assert refused.status_code == 422
        assert "A shift ends within the next 24 hours." in refused.text
        assert "2026-03-02T11:00" in refused.text, "what was typed is still there"
    async with cast.browser_as("ines") as browser:
        page = (await browser.get(path_of(cast))).text
        assert "Sam Oyelaran" in page.partition("On shift")[2]
        assert "/shift" not in page
    async with cast.browser_as("tom") as browser:
        assert "The shift of Sam Oyelaran is over" in (await browser.get(path_of(cast))).text
        await browser.post(f"{path_of(cast, 'shift')}/{cast.sam.id}/end", data={"back": ""})
    assert (await HomeWorker.get(person_id=cast.sam.id)).on_until is None


@given(
    st.integers(0, 60 * 24 * 730).map(lambda minutes: BEGIN + minutes * MINUTE + TICK),
    st.sampled_from(["Europe/Paris", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]),
)
def test_each_end_of_one_tap_is_three_to_sixteen_hours_away_and_on_a_quarter(
    now: datetime, zone: str
) -> None:
    ends = shift_ends(ZoneInfo(zone), now)
    assert 1 <= len(ends) <= 2
    assert list(ends) == sorted(set(ends))
    for end in ends:
        assert 3 * HOUR <= end - now <= 16 * HOUR
        assert (end.minute % 15, end.second, end.microsecond) == (0, 0, 0)
