"""What was tapped at a front desk without a network arrives after the five minutes."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from server.audit.models import Entry
from server.inbound import cards
from server.inbound.models import FrontDesk
from server.roll_calls import actions
from server.watch.models import RollCallWord
from tests.cast import Cast
from tests.inbound.test_desk_roll_call import CHILDREN, PATH, a_desk, fields_of, pin_of, type_pin

LATE = f"{PATH}/late"


async def tapped(cast: Cast, after: int = 90) -> tuple[httpx2.AsyncClient, dict[str, object]]:
    """Sam opens the sheet, and taps "not here" for Noor so many seconds later, offline."""
    browser = await a_desk(cast)
    await pin_of(cast)
    await type_pin(cast, browser)
    fields = fields_of((await browser.get(PATH)).text)
    return browser, {**fields, f"word-{cast.noor.id}": "not_here", "after": str(after)}


async def test_it_counts_from_when_it_was_tapped_and_once(cast: Cast) -> None:
    browser, fields = await tapped(cast)
    opened_at = cast.clock()
    cast.clock.advance(hours=9)
    for _ in range(2):
        answer = await browser.post(LATE, data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?sent=0")
    words = {row.child_id: row for row in await RollCallWord.all()}
    assert await RollCallWord.all().count() == 2
    noor = words[cast.noor.id]
    assert (noor.word, noor.by_id) == ("not_here", cast.sam.id)
    assert noor.said_at == opened_at + timedelta(seconds=90)
    assert noor.at == cast.clock()
    # With the ticket no page opens, and a second thought needs the PIN.
    fields[f"word-{cast.noor.id}"] = "here"
    await browser.post(LATE, data=fields)
    assert await RollCallWord.all().count() == 2
    page = (await browser.get(PATH)).text
    assert not any(name in page for name in CHILDREN)


@pytest.mark.parametrize(("after", "seconds"), [("", 0), ("301", 300), ("999999999", 0), ("-5", 0)])
async def test_whatever_the_device_says_it_counts_from_its_five_minutes(
    cast: Cast, after: str, seconds: int
) -> None:
    browser, fields = await tapped(cast)
    opened_at = cast.clock()
    cast.clock.advance(hours=1)
    await browser.post(LATE, data={**fields, "after": after})
    said = {row.said_at for row in await RollCallWord.all()}
    assert said == {opened_at + timedelta(seconds=seconds)}


@pytest.mark.parametrize("how", ["forged", "a day", "left", "ended", "another device"])
async def test_nothing_else_comes_in_by_it(cast: Cast, how: str) -> None:
    browser, fields = await tapped(cast)
    status = 422
    cast.clock.advance(minutes=10)
    now = cast.clock()
    if how == "forged":
        fields["ticket"] = str(fields["ticket"])[:-3] + "AAA"
    elif how == "a day":
        cast.clock.advance(hours=24)
    elif how == "left":
        await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, now)
    elif how == "ended":
        await FrontDesk.all().update(ended_at=now)
        status = 401
    else:
        token, _ = await cards.open_desk(cast.actor("sam"), cast.home.id, now)
        browser.cookies.set("front", token)
    answer = await browser.post(LATE, data=fields)
    assert answer.status_code == status
    assert not await RollCallWord.exists()
    assert not await Entry.filter(what__startswith="roll_call:").exists()
