"""A sign-in, and showing again who one is, leave one token in a browser: the newest."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2

from server.audit.models import Entry
from server.auth.models import Session
from server.auth.sessions import open_session
from tests.auth.test_pairing import code_for, pair
from tests.auth.test_passkeys import alert_path, come_in, stranger, with_passkey
from tests.auth.test_second_key import FROM_PAGE, password_first, sessions_of
from tests.cast import Cast, password_of
from tests.races import no_fault, together

KEYS = "/desk/settings/second-key"
AGAIN = "/desk/again"


def browser(cast: Cast, token: str | None = None) -> httpx2.AsyncClient:
    """A browser that sends this token, whatever the answers to others were."""
    headers = FROM_PAGE if token is None else FROM_PAGE | {"cookie": f"s={token}"}
    return cast.client(headers=headers)


async def signed_in(cast: Cast, name: str) -> str:
    """That person signs in, in a browser of their own: the token it has."""
    async with browser(cast) as fresh:
        await password_first(cast, fresh, name)
        return str(fresh.cookies["s"])


async def is_in(cast: Cast, token: str) -> bool:
    async with browser(cast, token) as there:
        return (await there.get("/desk/settings")).status_code == 200


async def prove(cast: Cast, token: str, name: str = "tom") -> str | None:
    """Show again who one is, with this token: the one that came back, if one did."""
    async with browser(cast, token) as there:
        answer = await there.post(AGAIN, data={"next": KEYS, "password": password_of(name)})
        assert answer.headers["location"] == KEYS
        return answer.cookies.get("s")


async def asks_again(cast: Cast, token: str) -> bool:
    """Whether this token is led to show again who it is of."""
    async with browser(cast, token) as there:
        answer = await there.post(f"{KEYS}/app/begin", data={"next": ""})
        return bool(answer.headers["location"].startswith(AGAIN))


async def test_a_sign_in_ends_the_session_that_the_same_browser_had(cast: Cast) -> None:
    elsewhere = await signed_in(cast, "tom")
    async with browser(cast) as shared:
        await password_first(cast, shared, "tom")
        first = str(shared.cookies["s"])
        await password_first(cast, shared, "tom")
        second = str(shared.cookies["s"])
        assert [await is_in(cast, token) for token in (first, second)] == [False, True]
        # A colleague at the same desk: hers takes the place of his.
        await password_first(cast, shared, "ines")
        assert [await is_in(cast, second), await is_in(cast, shared.cookies["s"])] == [False, True]
    assert await is_in(cast, elsewhere)
    assert await is_in(cast, cast.tokens["tom"])
    assert await Session.filter(ended_why="anew").count() == 2
    assert await Entry.filter(what="session:end", why="anew").count() == 2


async def test_a_wrong_password_ends_nothing(cast: Cast) -> None:
    token = await signed_in(cast, "tom")
    async with browser(cast, token) as there:
        await there.post("/sign-in", data={"name": "tom", "password": "wrong", "next": ""})
    assert await is_in(cast, token)


async def test_two_sign_ins_at_once_in_one_browser_both_lead_in(cast: Cast) -> None:
    token = await signed_in(cast, "tom")

    async def come() -> str:
        async with browser(cast, token) as tab:
            answer = await password_first(cast, tab, "tom")
            assert answer.status_code == 303
            return str(answer.cookies["s"])

    tokens = await together(come(), come())
    no_fault(tokens)
    assert [await is_in(cast, each) for each in (token, *tokens)] == [False, True, True]
    assert await Entry.filter(what="session:end", why="anew").count() == 1


async def test_a_childs_phone_stays_signed_in_when_staff_sign_in_on_it(cast: Cast) -> None:
    async with cast.client(headers=FROM_PAGE) as phone:
        assert (await pair(phone, await code_for(cast, "mia"), uuid4(), cookie=True)).is_success
        token = str(phone.cookies["s"])
        await password_first(cast, phone, "tom")
    headers = {"authorization": f"Bearer {token}"}
    async with cast.client(headers=headers) as mia:
        assert (await mia.get("/api/v1/me")).status_code == 200


async def test_pairing_in_the_browser_of_a_colleague_ends_that_session(cast: Cast) -> None:
    async with cast.client(headers=FROM_PAGE) as shared:
        await password_first(cast, shared, "tom")
        token = str(shared.cookies["s"])
        assert (await pair(shared, await code_for(cast, "mia"), uuid4(), cookie=True)).is_success
    assert not await is_in(cast, token)
    assert await is_in(cast, cast.tokens["tom"])


async def test_a_device_stays_known_by_its_passkey_over_a_sign_in_in_the_same_browser(
    cast: Cast,
) -> None:
    device, path = await with_passkey(cast, "tom"), f"/?next={alert_path()}"
    async with stranger(cast) as phone:
        await come_in(phone, device)
        await come_in(phone, device)
        cast.clock.advance(days=1)
        assert "One tap" in (await phone.get(path)).text


async def test_showing_again_who_one_is_gives_a_new_token_and_the_old_one_ends(
    cast: Cast,
) -> None:
    token = await signed_in(cast, "tom")
    before = await sessions_of(cast.tom.id)
    cast.clock.advance(minutes=11)
    renewed = await prove(cast, token)
    assert renewed is not None
    assert renewed != token
    assert not await asks_again(cast, renewed)
    assert not await is_in(cast, token)
    assert await is_in(cast, renewed)
    # It is the same session: streams and what it was asked go on.
    assert await sessions_of(cast.tom.id) == before
    assert renewed not in str(await Session.filter(person_id=cast.tom.id).values())
    # And once more.
    cast.clock.advance(minutes=11)
    assert await asks_again(cast, renewed)
    third = await prove(cast, renewed)
    assert third not in (None, token, renewed)
    assert not await asks_again(cast, str(third))
    assert not await is_in(cast, renewed)


async def test_where_the_answer_got_lost_the_old_token_opens_what_it_did(cast: Cast) -> None:
    token = await signed_in(cast, "tom")
    cast.clock.advance(minutes=11)
    lost = await prove(cast, token)
    assert await is_in(cast, token)
    # The proof is for the new one alone.
    assert await asks_again(cast, token)
    assert await prove(cast, token) == lost
    assert not await asks_again(cast, str(lost))


async def test_two_tabs_that_show_it_at_once_have_one_token(cast: Cast) -> None:
    token = await signed_in(cast, "tom")
    cast.clock.advance(minutes=11)
    tokens: list[Any] = await together(prove(cast, token), prove(cast, token))
    no_fault(tokens)
    assert len({*tokens}) == 1
    used = await together(*(is_in(cast, tokens[0]) for _ in range(3)))
    assert used == [True, True, True]
    assert not await asks_again(cast, tokens[0])
    assert not await is_in(cast, token)


async def test_a_session_that_ended_is_not_opened_by_its_new_token(cast: Cast) -> None:
    token = await signed_in(cast, "tom")
    renewed = await prove(cast, token)
    async with browser(cast, token) as there:
        await there.post("/sign-out", data={"x": "1"})
    assert not await is_in(cast, str(renewed))


async def test_a_sign_in_ends_a_session_whose_new_token_was_never_used(cast: Cast) -> None:
    token = await signed_in(cast, "tom")
    renewed = str(await prove(cast, token))
    async with browser(cast, renewed) as there:
        await password_first(cast, there, "tom")
    assert not await is_in(cast, token)
    assert not await is_in(cast, renewed)


async def test_a_program_keeps_the_token_that_it_sends_itself(cast: Cast) -> None:
    token, _ = await open_session(cast.tom, now=cast.clock())
    cast.clock.advance(minutes=11)
    headers = FROM_PAGE | {"authorization": f"Bearer {token}"}
    async with cast.client(headers=headers) as program:
        said = {"next": KEYS, "password": password_of("tom")}
        assert (await program.post(AGAIN, data=said)).headers["location"] == KEYS
        begun = await program.post(f"{KEYS}/app/begin", data={"next": ""})
        assert begun.headers["location"] == f"{KEYS}/app"
