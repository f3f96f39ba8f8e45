"""Strangers who guess keep nobody out who can show where they come from, and guess no faster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from server.auth import actions, browsers, credentials
from server.auth.models import Guess, RememberedDevice
from server.auth.passwords import Passwords
from server.auth.rules import (
    BROWSER_GUESSES,
    BROWSER_LASTS,
    LINK_LASTS,
    LINK_SPACING,
    LINKS_AN_HOUR,
    PASSWORD_BY_NAME,
    PASSWORD_BY_NETWORK,
)
from server.errors import NotFound
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.notify.rules import Kind
from tests.auth.test_passkeys import come_in, with_passkey
from tests.auth.test_second_key import code_of, with_app
from tests.cast import ORIGIN, Cast, password_of
from tests.notify.test_worker import send
from tests.races import no_fault, together
from tests.walks.stage import Stage

MAIL = "tom@example.org"


def browser_at(cast: Cast, network: str = "198.51.100.9") -> httpx2.AsyncClient:
    """A browser without a cookie, in that network."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(cast.app, client=(network, 50000)),
        base_url=ORIGIN,
        headers={"accept": "text/html", "sec-fetch-site": "same-origin"},
    )


async def come(browser: httpx2.AsyncClient, name: str = "tom", said: str = "") -> httpx2.Response:
    data = {"name": name, "password": said or password_of(name), "next": ""}
    return await browser.post("/sign-in", data=data)


async def lock(cast: Cast, name: str = "tom") -> None:
    """Ten wrong passwords from ten networks."""
    for number in range(PASSWORD_BY_NAME.tries):
        async with browser_at(cast, f"192.0.2.{number + 1}") as stranger:
            assert (await come(stranger, name, "a guess")).status_code == 401


@asynccontextmanager
async def known(cast: Cast, name: str = "tom") -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which that person has signed in, and out again."""
    async with browser_at(cast) as browser:
        assert (await come(browser, name)).status_code == 303
        await browser.post("/sign-out")
        assert "s" not in browser.cookies
        yield browser


async def with_mail(stage: Stage, name: str = "tom", address: str = MAIL) -> None:
    actor, person = stage.cast.actor(name), stage.cast.persons[name]
    await add_address(actor, person.id, AddAddress(channel="email", value=address), stage.clock())


async def link_in(stage: Stage, address: str = MAIL) -> str:
    await send(stage)
    text = "\n".join(stage.mails_to(address)[-1].read())
    found = re.search(r"(/sign-in/link/\S+)", text)
    assert found is not None
    return found[1]


async def test_ten_guesses_from_ten_networks_keep_a_new_browser_out_and_say_what_to_do(
    cast: Cast,
) -> None:
    await lock(cast)
    async with browser_at(cast) as tom:
        answer = await come(tom)
        assert answer.status_code == 429
        assert "in 15 minutes" in answer.text
        assert "We can send you a link" in answer.text
        assert 'action="/sign-in/link"' in answer.text


async def test_tom_can_sign_in_from_a_known_browser_while_strangers_guess(cast: Cast) -> None:
    async with known(cast) as tom:
        await lock(cast)
        assert (await come(tom)).status_code == 303
        # The same night, again and again.
        cast.clock.advance(minutes=20)
        await lock(cast)
        await tom.post("/sign-out")
        assert (await come(tom)).status_code == 303


async def test_nor_does_a_network_that_is_full_of_guesses_keep_it_out(cast: Cast) -> None:
    async with known(cast) as tom:
        async with browser_at(cast) as neighbour:
            for number in range(PASSWORD_BY_NETWORK.tries):
                await come(neighbour, f"n{number}", "a guess")
            assert (await come(neighbour, "ines")).status_code == 429
        assert (await come(tom)).status_code == 303


async def test_it_is_known_to_tom_alone(cast: Cast) -> None:
    async with known(cast) as browser:
        await lock(cast, "ines")
        assert (await come(browser, "ines")).status_code == 429
        assert (await come(browser, "nobody", "a guess")).status_code == 401


async def test_several_are_known_at_one_desk(cast: Cast) -> None:
    async with known(cast) as desk:
        assert (await come(desk, "ines")).status_code == 303
        await lock(cast)
        await lock(cast, "ines")
        assert (await come(desk)).status_code == 303
        assert (await come(desk, "ines")).status_code == 303
    assert await RememberedDevice.all().count() == 2


async def test_a_stolen_cookie_has_ten_guesses_and_is_a_stranger_then(cast: Cast) -> None:
    async with known(cast) as thief:
        await lock(cast)
        for _ in range(BROWSER_GUESSES):
            assert (await come(thief, said="a guess")).status_code == 401
        assert (await come(thief)).status_code == 429
        cast.clock.advance(days=1)
        await actions.tidy(cast.clock())
        await lock(cast)
        assert (await come(thief)).status_code == 429


async def test_its_guesses_at_once_are_each_counted(cast: Cast) -> None:
    async with known(cast) as thief:
        await lock(cast)
        answers = await asyncio.gather(
            *(come(thief, said="a guess") for _ in range(BROWSER_GUESSES + 5))
        )
    codes = [answer.status_code for answer in answers]
    assert (codes.count(401), codes.count(429)) == (BROWSER_GUESSES, 5)


async def test_a_copied_cookie_ends_with_the_next_sign_in(cast: Cast) -> None:
    async with known(cast) as tom, browser_at(cast) as thief:
        thief.cookies.set("b", tom.cookies["b"])
        assert (await come(tom)).status_code == 303
        await lock(cast)
        assert (await come(thief, said="a guess")).status_code == 429


async def test_typing_errors_of_tom_do_not_add_up(cast: Cast) -> None:
    async with known(cast) as tom:
        for _ in range(3):
            for _ in range(5):
                assert (await come(tom, said="a typo")).status_code == 401
            assert (await come(tom)).status_code == 303


@pytest.mark.parametrize("cookie", ["", "nonsense", "a.b.c", "=" * 3000])
async def test_a_forged_cookie_is_none(cast: Cast, cookie: str) -> None:
    await lock(cast)
    async with browser_at(cast) as stranger:
        stranger.cookies.set("b", cookie)
        assert (await come(stranger)).status_code == 429


async def test_it_is_known_for_half_a_year_and_not_beyond_another_password(cast: Cast) -> None:
    async with known(cast) as tom:
        cast.clock.advance(days=179)
        await lock(cast)
        assert (await come(tom)).status_code == 303
        passwords = Passwords(time_cost=1, memory_cost=8, parallelism=1)
        word = "quite another word"
        await credentials.set_password(
            cast.actor("root"), cast.tom, word, passwords, now=cast.clock()
        )
        cast.clock.advance(minutes=20)
        await lock(cast)
        assert (await come(tom, said=word)).status_code == 429
    cast.clock.advance(seconds=BROWSER_LASTS.total_seconds())
    await actions.tidy(cast.clock())
    assert await RememberedDevice.all().count() == 0


async def test_a_passkey_opens_while_the_password_waits(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    await lock(cast)
    async with browser_at(cast) as tom:
        assert (await come(tom)).status_code == 429
        assert (await come_in(tom, device)).status_code == 303


# --- the link


async def test_a_link_lets_one_browser_past_the_wait_and_the_password_is_asked_for(
    stage: Stage,
) -> None:
    await with_mail(stage)
    await lock(stage.cast)
    async with browser_at(stage.cast) as tom, browser_at(stage.cast) as other:
        asked = await tom.post("/sign-in/link", data={"name": " TOM ", "next": "/desk/rounds"})
        assert asked.status_code == 200
        assert "Check your messages" in asked.text
        link = await link_in(stage)
        # A filter that opens links uses nothing up.
        assert "Go to sign in" in (await other.get(link)).text
        opened = await tom.post(link)
        assert opened.headers["location"] == "/"
        assert "s" not in tom.cookies
        assert (await come(tom, said="a guess")).status_code == 401
        assert (await come(tom)).status_code == 303
        # Once.
        assert (await other.post(link)).status_code == 404
        assert (await other.get(link)).status_code == 404
        assert (await come(other)).status_code == 429


async def test_of_two_who_open_a_link_at_once_one_is_heard(stage: Stage) -> None:
    await with_mail(stage)
    await lock(stage.cast)
    await browsers.send_link("tom", "198.51.100.9", stage.clock())
    token = (await link_in(stage)).rsplit("/", 1)[1]
    found = await together(*(browsers.open_link(token, [], stage.clock()) for _ in range(4)))
    no_fault(found, NotFound)
    assert sum(isinstance(one, list) for one in found) == 1


async def test_a_link_has_ten_guesses_too(stage: Stage) -> None:
    await with_mail(stage)
    await lock(stage.cast)
    async with browser_at(stage.cast) as thief:
        await thief.post("/sign-in/link", data={"name": "tom"})
        await thief.post(await link_in(stage))
        for _ in range(BROWSER_GUESSES):
            assert (await come(thief, said="a guess")).status_code == 401
        assert (await come(thief)).status_code == 429


async def test_a_link_is_over_after_half_an_hour(stage: Stage) -> None:
    await with_mail(stage)
    await lock(stage.cast)
    async with browser_at(stage.cast) as tom:
        await tom.post("/sign-in/link", data={"name": "tom"})
        link = await link_in(stage)
        stage.clock.advance(seconds=LINK_LASTS.total_seconds() + 1)
        late = await tom.get(link)
        assert late.status_code == 404
        assert "no longer works" in late.text


async def test_the_answer_tells_nothing_of_whose_name_it_is(stage: Stage) -> None:
    await with_mail(stage)
    await with_mail(stage, "ines", "ines@example.org")
    await lock(stage.cast)
    said = set()
    async with browser_at(stage.cast) as stranger:
        # Locked; not locked; unknown; a child; without an address; nothing.
        for name in ("tom", "ines", "nobody", "mia", "eve", ""):
            answer = await stranger.post("/sign-in/link", data={"name": name})
            said.add((answer.status_code, answer.text))
    assert len(said) == 1
    assert await Message.filter(kind=Kind.UNLOCK).count() == 1
    assert await RememberedDevice.filter(by_link=True).count() == 1


async def test_what_is_to_be_done_is_done_behind_the_answer(stage: Stage) -> None:
    """So its time says nothing either: not whether the name exists, nor whether it waits."""
    await with_mail(stage)
    await lock(stage.cast)
    at_answer: list[int] = []

    async def counting(scope, receive, send):
        async def send_on(message):
            if message["type"] == "http.response.body":
                at_answer.append(await RememberedDevice.all().count())
            await send(message)

        await stage.cast.app(scope, receive, send_on)

    transport = httpx2.ASGITransport(counting, client=("198.51.100.9", 50000))
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as tom:
        await tom.post("/sign-in/link", data={"name": "tom"})
    assert set(at_answer) == {0}
    assert await RememberedDevice.all().count() == 1


async def test_a_mailbox_is_not_filled_by_strangers(stage: Stage) -> None:
    await with_mail(stage)
    await lock(stage.cast)
    sent = 0
    for _ in range(14):
        await together(
            *(browsers.send_link("tom", "198.51.100.9", stage.clock()) for _ in range(3))
        )
        sent = await Message.filter(kind=Kind.UNLOCK).count()
        stage.clock.advance(minutes=1)
    assert sent == -(-14 // (LINK_SPACING.total_seconds() // 60)) == LINKS_AN_HOUR
    await lock_again(stage)
    await browsers.send_link("tom", "198.51.100.9", stage.clock())
    assert await Message.filter(kind=Kind.UNLOCK).count() == LINKS_AN_HOUR


async def lock_again(stage: Stage) -> None:
    stage.clock.advance(minutes=16)
    await lock(stage.cast)


async def test_none_is_sent_to_an_address_that_never_answered(stage: Stage) -> None:
    actor, tom = stage.cast.actor("tom"), stage.cast.tom
    await add_address(
        actor, tom.id, AddAddress(channel="email", value=MAIL, is_proven=False), stage.clock()
    )
    await lock(stage.cast)
    await browsers.send_link("tom", "198.51.100.9", stage.clock())
    assert await Message.filter(kind=Kind.UNLOCK).count() == 0


# --- what else could be used up by others


async def test_who_has_found_out_the_password_does_not_keep_tom_from_his_second_key(
    cast: Cast,
) -> None:
    secret, _ = await with_app(cast, "tom")
    cast.clock.advance(minutes=1)
    async with browser_at(cast) as tom, browser_at(cast, "192.0.2.99") as thief:
        await come(tom)
        code = {"code": code_of(cast, secret), "next": ""}
        assert (await tom.post("/sign-in/second", data=code)).status_code == 303
        await tom.post("/sign-out")
        await come(thief)
        statuses = [
            (await thief.post("/sign-in/second", data={"code": "000000"})).status_code
            for _ in range(7)
        ]
        assert statuses == [422] * 5 + [429] * 2
        cast.clock.advance(minutes=1)
        assert (await come(tom)).status_code == 303
        code = {"code": code_of(cast, secret), "next": ""}
        assert (await tom.post("/sign-in/second", data=code)).status_code == 303


async def test_a_link_gives_no_extra_guesses_at_the_second_key(stage: Stage) -> None:
    cast = stage.cast
    secret, _ = await with_app(cast, "tom")
    await with_mail(stage)
    cast.clock.advance(minutes=1)
    await lock(cast)
    async with browser_at(cast) as thief:
        await thief.post("/sign-in/link", data={"name": "tom"})
        await thief.post(await link_in(stage))
        await come(thief)
        statuses = [
            (await thief.post("/sign-in/second", data={"code": "000000"})).status_code
            for _ in range(7)
        ]
    assert statuses == [422] * 5 + [429] * 2
    assert secret


async def test_a_signed_in_person_can_confirm_their_identity_while_strangers_guess(
    cast: Cast,
) -> None:
    await lock(cast)
    async with cast.browser_as("tom") as tom:
        said = {"password": password_of("tom"), "next": "/desk/settings"}
        assert (await tom.post("/desk/again", data=said)).status_code == 303
        # A session that was taken over guesses as slowly as ever.
        wrong = {"password": "a guess", "next": ""}
        statuses = [(await tom.post("/desk/again", data=wrong)).status_code for _ in range(12)]
        assert statuses == [422] * PASSWORD_BY_NAME.tries + [429] * 2


async def test_a_native_client_is_known_by_what_it_was_given(cast: Cast) -> None:
    async with cast.client() as phone:
        said = {"name": "tom", "password": password_of("tom")}
        first = (await phone.post("/api/v1/sessions", json=said)).json()
        await lock(cast)
        assert (await phone.post("/api/v1/sessions", json=said)).status_code == 429
        said["known"] = first["known"]
        again = await phone.post("/api/v1/sessions", json=said)
        assert again.status_code == 201
        assert again.json()["known"] != first["known"]
        # The one before is used up.
        assert (await phone.post("/api/v1/sessions", json=said)).status_code == 429


async def test_nothing_is_guessed_where_a_browser_is_known(cast: Cast) -> None:
    """Its tries are no guesses of others at this name."""
    async with known(cast) as tom:
        before = await Guess.all().count()
        await come(tom, said="a typo")
        assert await Guess.all().count() == before
