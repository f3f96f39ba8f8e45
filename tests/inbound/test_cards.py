"""A card and a PIN at the front desk: copied, guessed, lost, of another home."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from server.alerts.actions import acknowledge
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.models import Entry
from server.auth.models import Guess, Session
from server.checkin.models import CheckIn
from server.errors import Refused
from server.inbound import cards
from server.inbound.models import Card, FrontDesk, Inbound
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Child, Home, Tie
from server.roll_calls.actions import add_worker
from server.storage.db import fetch
from server.watch.models import Watch
from server.watch.watch_alerts import close_alert
from tests.cast import SURNAMES, Cast
from tests.races import no_fault, together

PIN = "4829"


async def a_card(cast: Cast, name: str = "mia", pin: str = PIN) -> Card:
    return await cards.make(cast.actor("tom"), cast.children[name], pin, cast.clock())


class Desk:
    """The device in the home of Mia, and Noor beside her."""

    def __init__(self, cast: Cast, browser: httpx2.AsyncClient) -> None:
        self.cast = cast
        self.browser = browser

    async def say(
        self, card: str, pin: str = PIN, want: str = "nothing", id_: str = ""
    ) -> httpx2.Response:
        said = {"card": card, "pin": pin, "want": want, "id": id_ or str(uuid4())}
        return await self.browser.post("/front", data=said)


async def a_desk(cast: Cast) -> Desk:
    """Sam sets one up."""
    await Child.filter(id__in=[cast.mia.id, cast.noor.id]).update(home_id=cast.home.id)
    browser = cast.browser_as("sam")
    opened = await browser.post("/desk/front", data={"home_id": str(cast.home.id)})
    assert (opened.status_code, opened.headers["location"]) == (303, "/front")
    browser.cookies.clear()
    browser.cookies.set("front", opened.cookies["front"])
    return Desk(cast, browser)


async def test_setting_up_a_front_desk_signs_out_the_person_who_set_it_up(cast: Cast) -> None:
    await a_desk(cast)
    async with cast.browser_as("sam") as browser:
        assert (await browser.get("/desk/front")).status_code == 303
    assert await Session.filter(person_id=cast.sam.id, ended_why="signed_out").count() == 1
    assert await Entry.filter(what="front_desk:open", who_id=cast.sam.id).count() == 1


async def test_the_desk_shows_nobody_and_opens_nothing_else(cast: Cast) -> None:
    desk = await a_desk(cast)
    page = (await desk.browser.get("/front")).text
    assert not any(name in page for name in ("Mia", "Noor", "Waymark", *SURNAMES))
    assert (await desk.browser.get("/desk/")).status_code == 303
    assert (await desk.browser.get(f"/desk/children/{cast.mia.id}")).status_code == 303
    assert (await desk.browser.get("/api/v1/me")).status_code == 401


async def test_several_children_check_in_one_after_the_other(cast: Cast) -> None:
    desk = await a_desk(cast)
    mine, hers = await a_card(cast), await a_card(cast, "noor", "739105")
    page = str(uuid4())
    assert (await desk.say(mine.code, id_=page)).headers["location"] == "/front?done=1"
    # The browser went back to the page before: the next child's answer is no repeat.
    assert (await desk.say(hers.code, "739105", id_=page)).status_code == 303
    kept = await CheckIn.all().order_by("received_at", "id")
    assert {(one.child_id, one.by_way) for one in kept} == {
        (cast.mia.id, "card"),
        (cast.noor.id, "card"),
    }


async def test_a_scanner_may_type_the_whole_address_of_the_picture(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    url = f"http://localhost:8000/front?card={card.code}"
    assert card.code in (await desk.browser.get(f"/front?card={card.code}")).text
    assert (await desk.say(url)).status_code == 303
    assert (await desk.say(f"{card.code[:5].lower()} {card.code[5:]}")).status_code == 303


async def test_help_at_the_desk_calls_adults(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await desk.say(card.code, want="help")
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_a_copied_card_is_worth_nothing_without_its_pin(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    wrong = await desk.say(card.code, "7391")
    unknown = await desk.say("0000000000", "7391")
    assert wrong.status_code == unknown.status_code == 422
    sentence = "This card and PIN don&#39;t match. Try again, or ask an adult."
    assert sentence in wrong.text
    assert sentence in unknown.text
    assert not await CheckIn.all().exists()
    assert await Entry.filter(what="card:wrong_pin", child_id=cast.mia.id).count() == 1


async def test_five_wrong_pins_make_one_wait_and_ten_lock_the_card(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    for _ in range(5):
        assert (await desk.say(card.code, "7391")).status_code == 422
    waits = await desk.say(card.code)
    assert waits.status_code == 429
    assert "Try again in 15 minutes." in waits.text
    cast.clock.set(cast.clock() + timedelta(minutes=16))
    for _ in range(5):
        await desk.say(card.code, "7391")
    cast.clock.set(cast.clock() + timedelta(minutes=16))
    locked = await desk.say(card.code)
    assert locked.status_code == 422
    assert "This card is locked: too many wrong PINs. Ask an adult for a new one." in (locked.text)
    assert (await Card.get(id=card.id)).locked_at is not None
    [told] = await Message.filter(kind=Kind.DUE, child_id=cast.mia.id)
    assert told.person_id == cast.tom.id
    new = await a_card(cast, pin="9174")
    assert (await desk.say(new.code, "9174")).status_code == 303


async def wait_for_it(desk: Desk, card: Card, wrong: int = 5) -> None:
    for _ in range(wrong):
        assert (await desk.say(card.code, "7391", "help")).status_code == 422


@pytest.mark.parametrize("pin", [PIN, "7391", "", "\x00"])
async def test_help_is_heard_after_the_limit_whether_the_pin_is_right_or_wrong(
    cast: Cast, pin: str
) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await wait_for_it(desk, card)
    before = dict(await Card.get(id=card.id)), await Guess.all().count()
    watch = dict(await Watch.get(child_id=cast.mia.id))
    answer = await desk.say(card.code, pin, "help")
    assert (answer.status_code, answer.headers["location"]) == (303, "/front?done=1")
    alert = await Alert.get(child_id=cast.mia.id)
    assert (alert.cause, alert.reason) == ("help", "card_help")
    # It settles nothing, tells nothing of the PIN, and leaves the limit as it was.
    assert (dict(await Card.get(id=card.id)), await Guess.all().count()) == before
    assert dict(await Watch.get(child_id=cast.mia.id)) == watch
    assert not await CheckIn.all().exists()
    assert (await desk.say(card.code)).status_code == 429
    kept = await Inbound.get(child_id=cast.mia.id)
    assert (kept.channel, kept.what) == ("card", "help")
    whole = Entry.filter(child_id=cast.mia.id, what__startswith="card:").order_by("id")
    entries = [entry.what for entry in await whole]
    assert entries == ["card:make", *["card:wrong_pin"] * 5, "card:help"]


async def test_adults_read_that_the_pin_was_not_checked(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await wait_for_it(desk, card)
    waits = await desk.say(card.code)
    assert "“I need help now” works without a PIN." in waits.text
    await desk.say(card.code, want="help")
    alert = await Alert.get(child_id=cast.mia.id)
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        for path in ("/desk/", f"/desk/alerts/{alert.id}", f"/desk/children/{cast.mia.id}"):
            shown = (await browser.get(path)).text
            assert "ith this card, PIN not checked" in shown, path


async def test_a_locked_card_calls_for_help_and_for_nothing_else(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    for _ in range(2):
        await wait_for_it(desk, card)
        cast.clock.set(cast.clock() + timedelta(minutes=16))
    assert (await Card.get(id=card.id)).locked_at is not None
    locked = await desk.say(card.code)
    assert locked.status_code == 422
    assert "“I need help now” works without a PIN." in locked.text
    assert (await desk.say(card.code, want="talk")).status_code == 422
    assert (await desk.say(card.code, want="help")).status_code == 303
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1
    assert not await CheckIn.all().exists()


async def test_a_flood_of_help_by_a_stolen_card_is_one_call_a_minute(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await wait_for_it(desk, card)
    page = str(uuid4())
    found = await together(*(desk.say(card.code, want="help", id_=page) for _ in range(4)))
    no_fault(found)
    for _ in range(20):
        assert (await desk.say(card.code, want="help")).status_code == 303
    assert await Inbound.filter(channel="card").count() == 1
    assert await Alert.all().count() == 1
    assert await Entry.filter(what="card:help").count() == 1
    cast.clock.set(cast.clock() + timedelta(minutes=1))
    assert (await desk.say(card.code, want="help")).status_code == 303
    assert await Inbound.filter(channel="card").count() == 2


async def test_a_call_by_card_after_an_adult_did_something_is_heard_at_once(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await wait_for_it(desk, card)
    await desk.say(card.code, want="help")
    first = await Alert.get(child_id=cast.mia.id)
    tom = cast.actor("tom")
    cast.clock.set(cast.clock() + timedelta(seconds=10))
    await acknowledge(tom, first.id, cast.clock())
    cast.clock.set(cast.clock() + timedelta(seconds=10))
    await desk.say(card.code, want="help")
    assert (await Alert.get(id=first.id)).misses == 2
    await close_alert(tom, first.id, Outcome.SPOKE, None, cast.clock(), misses=2)
    await desk.say(card.code, want="help")
    [again] = await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True)
    assert (again.id != first.id, again.reason) == (True, "card_help")


async def test_an_alert_by_card_says_so_until_the_child_says_it_in_person(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    await wait_for_it(desk, card)
    await desk.say(card.code, want="help")
    cast.clock.set(cast.clock() + timedelta(minutes=16))
    assert (await desk.say(card.code, want="help")).status_code == 303
    assert (await Alert.get(child_id=cast.mia.id)).reason == "said_help"
    assert await CheckIn.filter(child_id=cast.mia.id, want="help").count() == 1


async def test_help_at_the_desk_of_another_home_is_heard_with_its_pin(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    other = await Home.create(
        agency_id=cast.agency.id, name="Elsewhere", zone="UTC", made_at=cast.clock()
    )
    await Child.filter(id=cast.mia.id).update(home_id=other.id)
    assert (await desk.say(card.code, "7391", "help")).status_code == 422
    assert (await desk.say(card.code, want="talk")).status_code == 422
    assert not await Alert.all().exists()
    assert (await desk.say(card.code, want="help")).status_code == 303
    assert (await Alert.get(child_id=cast.mia.id)).reason == "said_help"


async def test_made_up_cards_close_the_device_for_nobody_who_has_one(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    for n in range(30):
        assert (await desk.say(f"{n:010}", "7391")).status_code == 422
    assert (await desk.say("9999999999", "7391")).status_code == 429
    assert (await desk.say(card.code)).status_code == 303


async def test_guesses_at_once_are_all_counted(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    found = await together(*(desk.say(card.code, f"{7390 + n}") for n in range(6)))
    no_fault(found)
    assert sorted(one.status_code for one in found) == [422, 422, 422, 422, 422, 429]
    assert (await Card.get(id=card.id)).wrong == 5


async def test_a_right_pin_forgets_the_wrong_ones_before_it(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    for _ in range(3):
        for _ in range(4):
            assert (await desk.say(card.code, "7391")).status_code == 422
        cast.clock.set(cast.clock() + timedelta(minutes=16))
        assert (await desk.say(card.code)).status_code == 303
    assert (await Card.get(id=card.id)).locked_at is None


async def test_a_card_of_another_home_tells_the_child_to_ask_an_adult(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    other = await Home.create(
        agency_id=cast.agency.id, name="Elsewhere", zone="UTC", made_at=cast.clock()
    )
    await Child.filter(id=cast.mia.id).update(home_id=other.id)
    said = await desk.say(card.code)
    assert said.status_code == 422
    assert "This card is for another home. Ask an adult." in said.text


async def test_an_old_card_ends_with_the_new_one_and_with_a_word(cast: Cast) -> None:
    desk, old = await a_desk(cast), await a_card(cast)
    new = await a_card(cast)
    assert (await desk.say(old.code)).status_code == 422
    assert (await desk.say(new.code)).status_code == 303
    await cards.end(cast.actor("tom"), cast.mia.id, cast.clock())
    assert (await desk.say(new.code)).status_code == 422


@pytest.mark.parametrize("pin", ["1234", "0000", "12", "abcd", "", "123456789"])
async def test_a_pin_that_everybody_tries_first_is_not_taken(cast: Cast, pin: str) -> None:
    with pytest.raises(Refused) as fault:
        await a_card(cast, pin=pin)
    assert fault.value.field == "pin"


async def test_neither_code_nor_pin_stands_in_the_database(cast: Cast) -> None:
    card = await a_card(cast)
    rows = str(await fetch("SELECT * FROM card"))
    assert card.code not in rows
    assert f"'{PIN}'" not in rows


async def test_a_device_that_is_ended_over_or_a_stranger_says_so(cast: Cast) -> None:
    desk, card = await a_desk(cast), await a_card(cast)
    async with cast.client(headers={"accept": "text/html"}) as stranger:
        assert (await stranger.get("/front")).status_code == 401
    row = await FrontDesk.get()
    await cards.end_desk(cast.actor("sam"), row.id, cast.clock())
    await cards.end_desk(cast.actor("sam"), row.id, cast.clock())
    said = await desk.say(card.code)
    assert said.status_code == 401
    assert "Ask an adult." in said.text
    assert not await CheckIn.all().exists()


async def test_only_who_cares_for_a_child_of_the_home_sets_up_a_desk(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(home_id=cast.home.id)
    for name in ("eve", "root"):
        async with cast.browser_as(name) as browser:
            answer = await browser.post("/desk/front", data={"home_id": str(cast.home.id)})
        assert answer.status_code == 404
    assert not await FrontDesk.all().exists()


async def test_who_works_in_the_home_and_a_supervisor_set_one_up_from_its_page(cast: Cast) -> None:
    await add_worker(cast.actor("root"), cast.home.id, cast.eve.id, cast.clock())
    path = f"/desk/front?home={cast.home.id}"
    async with cast.browser_as("eve") as browser:
        assert path in (await browser.get(f"/desk/homes/{cast.home.id}/roll-call")).text
    await Tie.filter(person_id=cast.ines.id).delete()
    ways = (("eve", "/desk/front"), ("eve", path), ("ines", path))
    for at, (name, way) in enumerate(ways):
        await cast.new_token(name)
        async with cast.browser_as(name) as browser:
            assert "Make this device a front desk" in (await browser.get(way)).text, way
            answer = await browser.post("/desk/front", data={"home_id": str(cast.home.id)})
        assert answer.status_code == 303, name
        assert await FrontDesk.all().count() == at + 1


async def test_an_administrator_sees_and_ends_a_lost_device_and_sets_up_none(cast: Cast) -> None:
    desk = await a_desk(cast)
    row, path = await FrontDesk.get(), f"/desk/front?home={cast.home.id}"
    async with cast.browser_as("root") as browser:
        home = await browser.get(f"/desk/people/homes/{cast.home.id}/roll-call")
        assert f'href="{path}"' in home.text
        page = (await browser.get(path)).text
        assert "The house" in page
        assert "Make this device a front desk" not in page
        assert "A supervisor or a person who works in the home can set one up." in page
        refused = await browser.post("/desk/front", data={"home_id": str(cast.home.id)})
        assert refused.status_code == 404
        ended = await browser.post(f"/desk/front/{row.id}/end?home={cast.home.id}")
        assert ended.headers["location"] == path
        assert (await browser.get("/desk/front?home=nonsense")).status_code == 404
    assert (await desk.browser.get("/front")).status_code == 401
    async with cast.browser_as("eve") as browser:
        assert (await browser.get(path)).status_code == 404


async def test_the_caseworker_makes_and_prints_a_card(cast: Cast) -> None:
    page = f"/desk/children/{cast.mia.id}/without-app"
    async with cast.browser_as("tom") as tom:
        refused = await tom.post(f"{page}/card", data={"pin": "1234"})
        assert refused.status_code == 422
        made = await tom.post(f"{page}/card", data={"pin": PIN})
        assert made.headers["location"] == f"{page}/card"
        printed = (await tom.get(f"{page}/card")).text
        card = await Card.get(child_id=cast.mia.id)
        assert f"{card.code[:5]} {card.code[5:]}" in printed
        assert "<svg" in printed
        assert (await tom.post(f"{page}/card/end", data={})).status_code == 303
        assert (await tom.get(f"{page}/card")).headers["location"] == page


async def test_words_are_agreed_on_the_desk_and_faults_stand_at_their_question(
    cast: Cast,
) -> None:
    page = f"/desk/children/{cast.mia.id}/without-app"
    said = {"number": "+33612345678", "ok": "sun", "help": "blue", "replies": "yes"}
    async with cast.browser_as("tom") as tom:
        wrong = await tom.post(f"{page}/words", data={**said, "help": "Sun"})
        assert wrong.status_code == 422
        assert 'id="help-error"' in wrong.text
        assert (await tom.post(f"{page}/words", data=said)).status_code == 303
        shown = (await tom.get(page)).text
        assert "+33755550000" in shown
        assert 'value="blue"' in shown
        assert (await tom.post(f"{page}/words/end", data={})).status_code == 303
