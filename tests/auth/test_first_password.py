"""A password that another person hands over: good for some days, and for one thing."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.auth import commands, credentials
from server.auth.actions import prove_by_password
from server.auth.models import Credential
from server.auth.rules import FIRST_PASSWORD_LASTS
from server.errors import Refused
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.people.access import Visitor
from server.people.models import Agency
from tests.auth.test_second_key import FROM_PAGE, code_of, page_browser, with_app
from tests.auth.test_sign_in import sign_in
from tests.cast import Cast, password_of
from tests.races import together

OWN = "/desk/settings/password"
SHOWN = re.compile(r">([0-9a-z]{4}(?:-[0-9a-z]{4}){3})<")
CHOSEN = "plumber hijack lantern"


async def handed_over(cast: Cast, name: str) -> str:
    """The administrator makes a password for that person: what the page shows."""
    await cast.new_token("root")
    async with cast.browser_as("root") as root:
        answer = await root.post(f"/desk/people/{cast.persons[name].id}/password")
        assert answer.status_code == 201
        (password,) = SHOWN.findall(answer.text)
    return str(password)


async def come(browser: httpx2.AsyncClient, name: str, password: str) -> httpx2.Response:
    return await browser.post("/sign-in", data={"name": name, "password": password, "next": ""})


def changing(old: str, new: str = CHOSEN) -> dict[str, str]:
    return {"old": old, "password": new, "next": "/desk/rounds"}


async def test_at_the_first_sign_in_nothing_opens_but_the_form_for_a_password_of_ones_own(
    cast: Cast,
) -> None:
    password = await handed_over(cast, "tom")
    async with page_browser(cast) as tom:
        assert (await come(tom, "tom", password)).status_code == 303
        for path in ("/desk/", "/desk/me", f"/desk/children/{cast.mia.id}", "/desk/help"):
            led = await tom.get(path)
            assert led.headers["location"] == f"{OWN}?next={path}"
        refused = await tom.get("/api/v1/me", headers={"accept": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (403, "password_needed")
        page = await tom.get(f"{OWN}?next=/desk/rounds")
        assert "Choose a password of your own now" in page.text
        wrong = await tom.post(OWN, data=changing("not the one that was given"))
        assert "Choose a password of your own now" in wrong.text
        same = await tom.post(OWN, data=changing(password, password))
        assert same.status_code == 422
        assert "Choose another one" in same.text
        done = await tom.post(OWN, data=changing(password))
        assert done.headers["location"] == "/desk/rounds"
        assert (await tom.get("/desk/me")).status_code == 200
    assert (await Credential.get(person_id=cast.tom.id)).until is None
    cast.clock.advance(days=30)
    async with page_browser(cast) as tom:
        assert (await come(tom, "tom", CHOSEN)).headers["location"] == "/desk/"
        assert (await tom.get("/desk/me")).status_code == 200
        assert "Choose a password of your own now" not in (await tom.get(OWN)).text


async def test_it_ends_after_three_days_and_the_administrator_sees_it_and_makes_another(
    cast: Cast,
) -> None:
    path = f"/desk/people/{cast.tom.id}/password"
    async with cast.browser_as("root") as root:
        assert "uses a password of their own" in (await root.get(path)).text
    password = await handed_over(cast, "tom")
    async with cast.browser_as("root") as root:
        assert "has not chosen their own yet" in (await root.get(path)).text
    cast.clock.advance(seconds=FIRST_PASSWORD_LASTS.total_seconds())
    async with cast.client() as tom:
        over = await sign_in(tom, "tom", password)
        assert (over.status_code, over.json()["code"]) == (401, "password_over")
        assert "Ask your administrator or IT support" in over.json()["detail"]
        # A stranger who guesses hears nothing of it.
        assert (await sign_in(tom, "tom", "guess")).json()["code"] == "unauthenticated"
    await cast.new_token("root")
    async with cast.browser_as("root") as root:
        page = (await root.get(path)).text
        assert "ended" in page
        assert "Make a new one" in page
    another = await handed_over(cast, "tom")
    async with page_browser(cast) as tom:
        assert (await come(tom, "tom", another)).status_code == 303


async def with_address(cast: Cast, channel: str, value: str) -> None:
    new = AddAddress(channel=channel, value=value)
    await add_address(cast.actor("tom"), cast.tom.id, new, cast.clock())


async def test_a_person_whose_password_another_one_made_hears_of_it_on_every_way_of_theirs(
    cast: Cast,
) -> None:
    await with_address(cast, "email", "tom@example.org")
    await with_address(cast, "sms", "+33600000000")
    await handed_over(cast, "tom")
    told = await Message.filter(kind="doors", person_id=cast.tom.id)
    assert {row.channel for row in told} == {"email", "sms"}
    # Nothing of a child, of the password, or of who did it: others may read such a message.
    assert {row.child_id for row in told} == {None}
    assert [row.data for row in told] == [{"path": "/desk/settings/sessions"}] * 2
    entry = await Entry.get(what="credential:reset")
    assert (entry.who_id, entry.about_id, entry.names) == (cast.root.id, cast.tom.id, ["password"])


async def test_the_administrator_reads_whether_the_person_can_be_told(cast: Cast) -> None:
    path = f"/desk/people/{cast.tom.id}/password"
    async with cast.browser_as("root") as root:
        for page in (await root.get(path), await root.post(path)):
            assert "We have no address of Tom Verhoeven" in page.text
        await with_address(cast, "email", "tom@example.org")
        assert "We tell Tom Verhoeven by every address of theirs" in (await root.get(path)).text
        assert "We send Tom Verhoeven a message about it" in (await root.post(path)).text


async def test_a_password_of_ones_own_is_told_to_nobody(cast: Cast) -> None:
    passwords = cast.app.state.passwords
    await credentials.set_password(cast.actor("tom"), cast.tom, CHOSEN, passwords, now=cast.clock())
    assert not await Message.filter(kind="doors").exists()
    assert await Entry.filter(what="credential:change", about_id=cast.tom.id).exists()


async def test_a_password_made_at_the_terminal_is_told_as_well(cast: Cast) -> None:
    await with_address(cast, "email", "tom@example.org")
    reset = argparse.Namespace(who="tom", second_key=False)
    await commands._reset(reset, cast.settings, cast.clock())
    assert await Message.filter(kind="doors", person_id=cast.tom.id, channel="email").exists()
    assert (await Entry.get(what="credential:reset")).who_role == "system"


async def test_a_new_colleague_has_a_first_password_as_well(cast: Cast) -> None:
    form = {"name": "Joy A", "sign_in_name": "joy", "role": "carer", "language": "en"}
    async with cast.browser_as("root") as root:
        made = await root.post("/desk/people", data=form | {"zone": "Europe/Paris"})
    (password,) = SHOWN.findall(made.text)
    assert "At their first sign-in they choose their own" in made.text
    async with page_browser(cast) as joy:
        assert (await come(joy, "joy", password)).status_code == 303
        assert (await joy.get("/desk/me")).headers["location"] == f"{OWN}?next=/desk/me"


async def test_after_a_second_key_it_has_to_be_changed_all_the_same(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")
    password = await handed_over(cast, "tom")
    async with page_browser(cast) as tom:
        await come(tom, "tom", password)
        half = await tom.post("/sign-in/second", data={"code": code_of(cast, secret)})
        assert half.status_code == 303
        assert (await tom.get("/desk/me")).headers["location"] == f"{OWN}?next=/desk/me"


async def test_who_lacks_a_second_key_as_well_chooses_a_password_first_and_then_a_key(
    cast: Cast,
) -> None:
    await Agency.filter(id=cast.agency.id).update(second_key_from=cast.clock())
    password = await handed_over(cast, "tom")
    async with page_browser(cast) as tom:
        await come(tom, "tom", password)
        assert (await tom.get("/desk/me")).headers["location"] == f"{OWN}?next=/desk/me"
        page = await tom.get(f"{OWN}?next=/desk/me")
        assert page.status_code == 200
        assert "Choose a password of your own now" in page.text
        done = await tom.post(OWN, data=changing(password))
        assert (done.status_code, done.headers["location"]) == (303, "/desk/rounds")
        led = (await tom.get("/desk/rounds")).headers["location"]
        assert led.startswith("/desk/settings/second-key")
        assert (await tom.get(led)).status_code == 200


async def test_a_password_that_was_handed_over_does_not_show_who_one_is(cast: Cast) -> None:
    await handed_over(cast, "tom")
    handed = await Credential.get(person_id=cast.tom.id)
    assert handed.is_handed
    token = await cast.new_token("tom")
    who = {"id": cast.tom.id, "role": cast.tom.role, "agency_id": cast.agency.id}
    visitor = Visitor(**who, session_id=uuid4(), language="en", zone="UTC")
    with pytest.raises(Refused, match="Choose a password of your own first"):
        await prove_by_password(visitor, token, "any", cast.app.state.passwords, cast.clock())


async def test_what_the_release_before_changed_is_the_persons_own(cast: Cast) -> None:
    await handed_over(cast, "tom")
    cast.clock.advance(hours=1)
    own = await cast.app.state.passwords.hash(CHOSEN)
    # It knows of no end.
    mine = Credential.filter(person_id=cast.tom.id)
    await mine.update(password_hash=own, changed_at=cast.clock())
    cast.clock.advance(days=30)
    async with page_browser(cast) as tom:
        assert (await come(tom, "tom", CHOSEN)).headers["location"] == "/desk/"
        assert (await tom.get("/desk/me")).status_code == 200


async def test_a_native_client_is_led_to_it_and_can_sign_out(cast: Cast) -> None:
    password = await handed_over(cast, "tom")
    async with cast.client() as tom:
        token = (await sign_in(tom, "tom", password)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert (await tom.get("/api/v1/me", headers=headers)).status_code == 403
        assert (await tom.delete("/api/v1/sessions", headers=headers)).status_code == 204


async def test_two_tabs_that_choose_at_once_leave_one_password_of_ones_own(cast: Cast) -> None:
    password = await handed_over(cast, "tom")
    async with page_browser(cast) as tom:
        await come(tom, "tom", password)
        cookie = {"cookie": f"s={tom.cookies['s']}"}

    async def choose(new: str) -> int:
        async with cast.client(headers=FROM_PAGE | cookie) as tab:
            return (await tab.post(OWN, data=changing(password, new))).status_code

    words = [CHOSEN, "orchard kettle marble"]
    codes = await together(*(choose(word) for word in words))
    assert 303 in codes
    async with cast.client() as tom:
        opened = [(await sign_in(tom, "tom", word)).status_code for word in words]
    assert sorted(opened) == [201, 401]
    assert (await Credential.get(person_id=cast.tom.id)).until is None


async def test_an_operator_hands_one_over_and_a_person_keeps_their_own(cast: Cast) -> None:
    passwords, now = cast.app.state.passwords, cast.clock()
    await credentials.set_password(SYSTEM, cast.tom, CHOSEN, passwords, now=now)
    assert (await Credential.get(person_id=cast.tom.id)).until == now + timedelta(days=3)
    ines = cast.actor("ines")
    await credentials.set_password(ines, cast.ines, CHOSEN, passwords, now=now)
    assert (await Credential.get(person_id=cast.ines.id)).until is None


async def test_the_same_password_once_more_is_no_change(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        await tom.get("/desk/me")
        old = password_of("tom")
        answer = await tom.post(OWN, data=changing(old, old))
        assert answer.status_code == 422
