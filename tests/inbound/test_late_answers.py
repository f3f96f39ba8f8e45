"""What was tapped at a front desk without a network arrives after the five minutes."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from server.audit.models import Entry
from server.inbound import cards
from server.inbound.models import FrontDesk
from server.people.models import Child, Home
from server.roll_calls import actions
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord
from tests.cast import Cast
from tests.inbound.test_desk_roll_call import CHILDREN, PATH, a_desk, fields_of, pin_of, type_pin
from tests.races import no_fault, together
from tests.roll_calls.homes import latest, tick

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


async def test_a_ticket_answers_no_roll_call_that_was_asked_after_its_five_minutes(
    cast: Cast,
) -> None:
    browser, fields = await tapped(cast)
    times = ["13:30", "16:30"]
    await actions.set_times(cast.actor("root"), cast.home.id, times, cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(hours=3))
    later = await latest(cast)
    assert str(later.id) != fields["roll_call_id"]
    answer = await browser.post(LATE, data={**fields, "roll_call_id": str(later.id)})
    assert answer.status_code == 422
    assert not await RollCallWord.exists()
    # What was truly tapped comes in, as an answer to the roll call of then.
    assert (await browser.post(LATE, data=fields)).status_code == 303
    assert {str(row.roll_call_id) for row in await RollCallWord.all()} == {fields["roll_call_id"]}
    assert (await RollCall.get(id=later.id)).is_open


async def test_one_ticket_never_says_two_things_and_the_second_is_not_thanked_for(
    cast: Cast,
) -> None:
    browser, fields = await tapped(cast)
    cast.clock.advance(hours=1)
    all_here = {name: value for name, value in fields.items() if not name.startswith("word-")}
    assert (await browser.post(LATE, data=all_here)).status_code == 303
    answer = await browser.post(LATE, data=fields)
    assert answer.status_code == 422
    assert "Thank you" not in answer.text
    words = await RollCallWord.all().values_list("word", flat=True)
    assert list(words) == ["here", "here"]


async def test_the_same_late_answer_from_two_devices_at_once_is_one(cast: Cast) -> None:
    browser, fields = await tapped(cast)
    cast.clock.advance(minutes=10)
    copies = [browser.post(LATE, data=fields) for _ in range(3)]
    answers = await together(*copies)
    no_fault(answers)
    assert [answer.status_code for answer in answers] == [303] * 3
    assert await RollCallWord.all().count() == 2
    assert await Entry.filter(what="roll_call:not_here").count() == 1


@pytest.mark.parametrize("how", ["of another home", "made up", "moved since"])
async def test_of_a_child_who_does_not_live_there_a_late_answer_says_nothing(
    cast: Cast, how: str
) -> None:
    browser, fields = await tapped(cast)
    cast.clock.advance(minutes=10)
    who = cast.noor.id
    if how == "of another home":
        who = cast.lia.id
    elif how == "made up":
        who = uuid4()
    else:
        place = {"name": "Mill", "zone": "Europe/Paris", "made_at": cast.clock()}
        elsewhere = await Home.create(agency_id=cast.agency.id, **place)
        await Child.filter(id=who).update(home_id=elsewhere.id)
    answer = await browser.post(LATE, data={**fields, f"word-{who}": "not_here"})
    assert answer.headers["location"] == f"{PATH}?sent=1"
    assert not await RollCallWord.filter(child_id=who).exists()
    assert await RollCallWord.filter(child_id=cast.mia.id, word="here").exists()
    page = (await browser.get(f"{PATH}?sent=1")).text
    assert "Lia" not in page
    assert not any(name in page for name in CHILDREN)


async def test_a_permission_that_is_over_when_the_network_is_back_takes_no_other_word_along(
    cast: Cast,
) -> None:
    browser, fields = await tapped(cast)
    until = cast.clock() + timedelta(minutes=30)
    fields |= {f"word-{cast.mia.id}": "permission", f"until-{cast.mia.id}": until.isoformat()}
    cast.clock.advance(hours=1)
    # The clock of the tablet was set right in between: the seconds that it counted are nonsense.
    assert (await browser.post(LATE, data={**fields, "after": "99999999"})).status_code == 303
    words = dict(await RollCallWord.all().values_list("child_id", "word"))
    assert words == {cast.mia.id: "excused", cast.noor.id: "not_here"}


async def test_tickets_open_no_pin_and_nonsense_in_a_late_answer_is_a_sentence(cast: Cast) -> None:
    browser, fields = await tapped(cast)
    cast.clock.advance(minutes=10)
    ticket = str(fields["ticket"])
    for forged in ("", "x", "\u202e\ud55c" * 9, ticket * 400, f"{ticket}.", ticket.swapcase()):
        answer = await browser.post(LATE, data={**fields, "ticket": forged, "pin": "4829"})
        assert answer.status_code == 422, forged
    huge = [
        {"id": "9" * 100_000},
        {f"word-{uuid4()}": "y" * 100_000},
        {"roll_call_id": "z" * 100_000},
        {f"word-{cast.noor.id}": "permission", f"until-{cast.noor.id}": "2" * 100_000},
    ]
    for more in huge:
        assert (await browser.post(LATE, data={**fields, **more})).status_code in (404, 422)
    many = {f"word-{uuid4()}": "here" for _ in range(600)}
    assert 400 <= (await browser.post(LATE, data={**fields, **many})).status_code < 500
    assert not await RollCallWord.exists()
    assert "front_open" not in (await browser.post(LATE, data=fields)).cookies


async def test_a_device_that_ended_in_between_says_that_its_roll_call_did_not_arrive(
    cast: Cast,
) -> None:
    browser, fields = await tapped(cast)
    await FrontDesk.all().update(ended_at=cast.clock())
    assert (await browser.post(LATE, data=fields)).status_code == 401
    assert "Please do it again." in (await browser.get(f"{PATH}?lost=yes")).text
    assert "Please do it again." not in (await browser.get(PATH)).text
