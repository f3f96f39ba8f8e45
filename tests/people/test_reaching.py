"""How one is reached: at the desk, and for native clients."""

from __future__ import annotations

import re

import pytest

from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message, Preference
from server.notify.rules import Kind
from tests.cast import Cast, password_of
from tests.copies import replace
from tests.desk.walking import at_desk

FORM = {"channel": "email", "address": "tom@example.org"}


async def code_of(cast: Cast) -> tuple[Address, str, str]:
    """The address, its code and its link, as the message holds them."""
    message = await Message.filter(kind=Kind.VERIFY).order_by("-queued_at").first()
    assert message is not None
    return await Address.get(id=message.subject_id), message.data["code"], message.data["path"]


async def test_an_address_counts_from_the_page_on_that_takes_its_code(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        made = await browser.post("/desk/settings/addresses", data=FORM)
        page = (await browser.get(made.headers["location"])).text
        assert "Enter the code below when it arrives." in page
        assert "we do not use it" in page
        assert "A code is waiting to be sent there." in page
        assert "We sent" not in page
        address, code, _ = await code_of(cast)
        path = f"/desk/settings/addresses/{address.id}/code"
        wrong = await browser.post(path, data={"code": "nonsense"})
        assert wrong.status_code == 422
        assert "That code is wrong." in wrong.text
        assert wrong.text.count('id="code-error"') == 1
        done = await browser.post(path, data={"code": code})
        page = (await browser.get(done.headers["location"])).text
    assert "Address confirmed." in page
    assert "we do not use it" not in page


@pytest.mark.parametrize(
    ("state", "says", "says_not"),
    [
        ("done", "We sent a code there.", "We could not send"),
        ("withheld", "We could not send the code.", "We sent a code"),
        ("failed", "We could not send the code.", "We sent a code"),
    ],
)
async def test_the_page_says_what_became_of_the_code(
    cast: Cast, state: str, says: str, says_not: str
) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/addresses", data=FORM)
        await Message.filter(kind=Kind.VERIFY).update(state=state)
        page = (await browser.get("/desk/settings")).text
    assert says in page
    assert says_not not in page


async def test_a_channel_that_is_closed_is_not_offered(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/addresses", data=FORM)
        address, *_ = await code_of(cast)
        cast.app.state.settings = replace(cast.settings, smtp_url=None)
        page = (await browser.get("/desk/settings")).text
        refused = await browser.post("/desk/settings/addresses", data=FORM)
    assert 'name="address"' not in page
    assert "This server sends messages to browsers alone." in page
    assert f"{address.id}/again" not in page, "no code goes there either"
    assert refused.status_code == 422
    assert "This server cannot send email. Ask IT support." in refused.text
    async with at_desk(cast, "root") as browser:
        page = (await browser.get("/desk/people/last-resort")).text
    assert 'name="address"' not in page
    assert "This server sends messages to browsers alone." in page


async def test_the_one_channel_that_is_open_needs_no_choice(cast: Cast) -> None:
    only = replace(cast.settings, smtp_url=None, channels={"sms": "json://x/{address}"})
    cast.app.state.settings = only
    async with at_desk(cast, "tom") as browser:
        assert 'type="email"' not in (await browser.get("/desk/settings")).text
        await browser.post("/desk/settings/addresses", data={"address": "+33600000002"})
    assert (await Address.get(person_id=cast.tom.id)).channel == "sms"


async def test_no_code_is_spoken_of_for_an_address_that_is_confirmed(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/addresses", data=FORM)
        address, code, _ = await code_of(cast)
        await browser.post(f"/desk/settings/addresses/{address.id}/code", data={"code": code})
        for path in ("addresses", f"addresses/{address.id}/again"):
            answer = await browser.post(f"/desk/settings/{path}", data=FORM)
            page = (await browser.get(answer.headers["location"])).text
            assert "This address is in the list already, and confirmed." in page
            assert "Enter the code" not in page


async def test_a_machine_that_looks_at_the_link_confirms_nothing(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/addresses", data=FORM)
    address, _, link = await code_of(cast)
    async with cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
        asked = await stranger.get(link)
        assert "Do messages reach you here?" in asked.text
        assert "aymark" not in asked.text.replace("/static/", "")
        assert (await Address.get(id=address.id)).verified_at is None
        for _ in range(2):
            answer = await stranger.post(link, data={})
            assert "Messages reach you here." in answer.text
        cast.clock.advance(minutes=31)
        over = await stranger.get(link)
    assert over.status_code == 404
    assert "This link has expired" in over.text
    assert (await Address.get(id=address.id)).verified_at is not None


async def test_the_button_for_another_code_sends_one(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.post("/desk/settings/addresses", data=FORM)
        address, *_ = await code_of(cast)
        cast.clock.advance(minutes=2)
        for _ in range(2):
            again = await browser.post(f"/desk/settings/addresses/{address.id}/again", data={})
            assert again.status_code == 303
    assert await Message.filter(kind=Kind.VERIFY).count() == 2


async def both_ways(cast: Cast, name: str = "tom") -> None:
    actor, person = cast.actor(name), cast.persons[name]
    keys = {"p256dh": "x", "auth": "y"}
    await add_address(
        actor,
        person.id,
        AddAddress(channel="push", value="https://p.example/1", keys=keys),
        cast.clock(),
    )
    await add_address(
        actor, person.id, AddAddress(channel="email", value="tom@example.org"), cast.clock()
    )


async def test_a_button_pressed_twice_moves_a_way_once(cast: Cast) -> None:
    await both_ways(cast)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/settings")).text
        order = re.search(r'name="order" value="([^"]+)"', page)
        assert order is not None
        assert order[1] == "email push"
        for _ in range(2):
            moved = await browser.post("/desk/settings/order", data={"order": order[1]})
            assert moved.status_code == 303
        page = (await browser.get("/desk/settings")).text
    assert page.index("1. Email") < page.index("2. Push notification")


async def test_quiet_hours_are_kept_and_a_wrong_one_is_said_where_it_stands(cast: Cast) -> None:
    night = {"quiet_from": "22:00", "quiet_until": "07:00"}
    async with at_desk(cast, "tom") as browser:
        assert (await browser.post("/desk/settings/quiet", data=night)).status_code == 303
        page = (await browser.get("/desk/settings")).text
        assert 'value="22:00"' in page
        wrong = await browser.post("/desk/settings/quiet", data={"quiet_from": "22:00"})
        assert wrong.status_code == 422
        assert "Enter both, or leave both empty." in wrong.text
        bad = await browser.post("/desk/settings/quiet", data={"quiet_from": "late"})
        assert "Enter a time such as 22:00." in bad.text
        await browser.post("/desk/settings/quiet", data={"quiet_from": "", "quiet_until": ""})
    assert (await Preference.get(id=cast.tom.id)).quiet_from is None


async def test_a_native_client_says_it_in_one_request(cast: Cast) -> None:
    await both_ways(cast)
    said = {"order": ["email", "push"], "quiet_from": "22:30:00", "quiet_until": "06:00:00"}
    async with cast.client_as("tom") as client:
        for _ in range(2):
            answer = await client.put("/api/v1/me/reaching", json=said)
            assert answer.status_code == 200
        found = (await client.get("/api/v1/me/reaching")).json()
        refused = await client.put("/api/v1/me/reaching", json={"order": ["sms"]})
    assert found["order"] == ["email", "push"]
    assert (found["quiet_from"], found["quiet_until"]) == ("22:30:00", "06:00:00")
    assert [one["address"] for one in found["addresses"]] == [None, "tom@example.org"]
    assert all(one["verified_at"] for one in found["addresses"])
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("name", ["mia"])
async def test_a_child_has_nothing_to_order(cast: Cast, name: str) -> None:
    async with cast.client_as(name) as client:
        assert (await client.get("/api/v1/me/reaching")).status_code == 404


async def test_administrators_see_the_people_we_are_not_sure_to_reach(cast: Cast) -> None:
    for name in ("tom", "ines", "ada", "sam", "eve"):
        await both_ways(cast, name)
    # A browser that asked for pushes has answered by that; a mailbox has not.
    await Address.filter(person_id=cast.eve.id, channel="push").delete()
    await Address.filter(person_id=cast.eve.id).update(verified_at=None)
    async with at_desk(cast, "root") as browser:
        page = (await browser.get("/desk/people")).text
    assert page.count("no address is confirmed") == 2  # Eve's have not, and Root has none.


async def test_an_address_is_added_or_removed_only_by_a_person_who_lately_showed_who_they_are(
    cast: Cast,
) -> None:
    async with cast.browser_as("tom") as tom:
        await tom.post("/desk/settings/addresses", data=FORM)
        address = await Address.get(person_id=cast.tom.id)
        drop = f"/desk/settings/addresses/{address.id}/drop"
        assert drop in (await tom.get("/desk/settings")).text
        cast.clock.advance(minutes=11)
        page = (await tom.get("/desk/settings")).text
        assert drop not in page
        assert "confirm that it is you" in page
        way = "/desk/again?next=/desk/settings%23addresses"
        assert f'href="{way}"' in page
        again = (await tom.get(f"/desk/settings?correct={address.id}")).text
        assert f"/desk/again?next=/desk/settings%3Fcorrect%3D{address.id}%23address" in again
        # A page that was open for long.
        other = {**FORM, "address": "elsewhere@example.org"}
        for path, form in (("/desk/settings/addresses", other), (drop, {})):
            assert (await tom.post(path, data=form)).headers["location"] == way
        # Nor by the way of the pushes.
        assert (await tom.delete(f"/api/v1/push-subscriptions/{address.id}")).status_code == 404
        assert await Address.filter(person_id=cast.tom.id, dropped_at__isnull=True).count() == 1
        # The code that was sent before is entered without it.
        asked = {"next": "/desk/settings#addresses", "password": password_of("tom")}
        proved = await tom.post("/desk/again", data=asked)
        assert proved.headers["location"] == "/desk/settings#addresses"
        tom.cookies.clear()
        tom.cookies.set("s", proved.cookies["s"])
        assert (await tom.post(drop, data={})).headers["location"] == "/desk/settings?saved=address"


async def test_alarms_in_a_browser_and_a_code_that_was_sent_need_no_fresh_proof(
    cast: Cast,
) -> None:
    async with cast.browser_as("tom") as tom:
        await tom.post("/desk/settings/addresses", data=FORM)
        address = await Address.get(person_id=cast.tom.id)
        cast.clock.advance(minutes=11)
        path = f"/desk/settings/addresses/{address.id}"
        assert (await tom.post(f"{path}/again", data={})).status_code == 303
        assert (await tom.post(f"{path}/code", data={"code": "000000"})).status_code == 422
        phone = await tom.post(
            "/desk/settings/quiet", data={"quiet_from": "22:00", "quiet_until": "07:00"}
        )
        assert phone.status_code == 303
