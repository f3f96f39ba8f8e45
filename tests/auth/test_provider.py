"""A provider of sign-in that misbehaves: nothing that it says wrongly opens a door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from server.auth.models import Session
from server.auth.oidc.provider import AGAIN_AFTER, KEPT_FOR, Talk
from server.notify.channels import provider as channel
from server.notify.channels.provider import LONGEST, Unanswered, ask, is_safe
from server.settings import Provider as Known
from tests.auth.test_accounts import browser, come, give, house, is_in, known, there
from tests.cast import Cast
from tests.doubles.oidc import CLIENT, SECRET, Provider

__all__ = ["house", "known"]

UNTRUE, AWAY = "We could not trust", "is not answering"


async def refused(cast: Cast, says: str, status: int) -> None:
    async with browser(cast) as tom:
        answer = await come(tom)
        assert answer.status_code == status, answer.text
        assert says in answer.text
        assert "s" not in tom.cookies
    assert not await Session.filter(provider="house").exists()


def later(cast: Cast, **how: float) -> int:
    return int((cast.clock() + timedelta(**how)).timestamp())


WRONG: dict[str, Callable[[Cast], dict[str, Any]]] = {
    "another nonce": lambda cast: {"nonce": "another"},
    "no nonce": lambda cast: {"nonce": None},
    "a nonce that is no text": lambda cast: {"nonce": 7},
    "another audience": lambda cast: {"aud": "another"},
    "no audience": lambda cast: {"aud": None},
    "several audiences and nobody to whom it was given": lambda cast: {"aud": [CLIENT, "other"]},
    "given to another client": lambda cast: {"aud": [CLIENT, "other"], "azp": "other"},
    "another issuer": lambda cast: {"iss": "https://evil.example"},
    "no issuer": lambda cast: {"iss": None},
    "expired": lambda cast: {"exp": later(cast, seconds=-61)},
    "no end": lambda cast: {"exp": None},
    "an end that is no time": lambda cast: {"exp": "tomorrow"},
    "an end beyond all calendars": lambda cast: {"exp": 10**20},
    "no beginning": lambda cast: {"iat": None},
    "made in the future": lambda cast: {"iat": later(cast, minutes=5)},
    "made this morning": lambda cast: {"iat": later(cast, hours=-3)},
    "good from tomorrow on": lambda cast: {"nbf": later(cast, days=1)},
    "of another access token": lambda cast: {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "of nobody": lambda cast: {"sub": None},
    "of somebody without a name": lambda cast: {"sub": ""},
    "of a number": lambda cast: {"sub": 7},
}


@pytest.mark.parametrize("what", sorted(WRONG))
async def test_a_token_that_says_something_wrong_opens_nothing(
    cast: Cast, known: Known, house: Provider, what: str
) -> None:
    await give(cast, known, "tom")
    house.fault.claims = WRONG[what](cast)
    await refused(cast, UNTRUE, 422)


async def test_an_unsigned_token_opens_nothing(cast: Cast, known: Known, house: Provider) -> None:
    await give(cast, known, "tom")
    house.fault.algorithm = "none"
    await refused(cast, UNTRUE, 422)


@pytest.mark.parametrize("key", ["public key", "client secret"])
async def test_a_token_signed_by_what_others_know_opens_nothing(
    cast: Cast, known: Known, house: Provider, key: str
) -> None:
    await give(cast, known, "tom")
    house.fault.algorithm = "HS256"
    house.fault.hmac_key = SECRET if key == "client secret" else None
    await refused(cast, UNTRUE, 422)


async def test_a_broken_signature_opens_nothing(cast: Cast, known: Known, house: Provider) -> None:
    await give(cast, known, "tom")
    house.fault.breaks_signature = True
    await refused(cast, UNTRUE, 422)


async def test_a_key_that_is_for_something_else_signs_nothing(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    house.fault.header = {"kid": "of encryption"}
    await refused(cast, UNTRUE, 422)


async def test_a_token_may_leave_out_the_id_of_the_only_key(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    house.fault.header = {"kid": None}
    async with browser(cast) as tom:
        assert is_in(await come(tom))


async def test_another_key_is_found_by_looking_once_more(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        assert is_in(await come(tom))
        cast.clock.advance(seconds=AGAIN_AFTER.total_seconds())
        house.rotate("EC")
        assert is_in(await come(tom))
        assert house.calls.count("keys") == 2
        # And whoever sends nonsense does not make us look without end.
        house.fault.header = {"kid": "of nobody"}
        for _ in range(5):
            assert (await come(tom)).status_code == 422
        assert house.calls.count("keys") == 2
        cast.clock.advance(seconds=AGAIN_AFTER.total_seconds())
        assert (await come(tom)).status_code == 422
        assert house.calls.count("keys") == 3


async def test_what_is_known_of_a_provider_is_asked_again_after_an_hour(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        await come(tom)
        await come(tom)
        assert (house.calls.count("discovery"), house.calls.count("keys")) == (1, 1)
        cast.clock.advance(seconds=KEPT_FOR.total_seconds())
        assert is_in(await come(tom))
        assert (house.calls.count("discovery"), house.calls.count("keys")) == (2, 2)


async def test_clocks_may_differ_by_a_minute(cast: Cast, known: Known, house: Provider) -> None:
    await give(cast, known, "tom")
    house.fault.claims = {"exp": later(cast, seconds=-59), "iat": later(cast, seconds=59)}
    async with browser(cast) as tom:
        assert is_in(await come(tom))


@pytest.mark.parametrize(
    ("fault", "says", "status"),
    [
        ({"status": 500}, AWAY, 503),
        ({"status": 404}, AWAY, 503),
        ({"does": "redirect"}, AWAY, 503),
        ({"body": b"<html>"}, AWAY, 503),
        ({"body": b"[1]"}, AWAY, 503),
        ({"body": b"[" * 100_000}, AWAY, 503),
        ({"body": b'{"a": "' + b"x" * LONGEST + b'"}'}, AWAY, 503),
        ({"body": b"{}"}, UNTRUE, 422),
    ],
    ids=["500", "404", "redirect", "page", "list", "depth", "no end", "empty"],
)
@pytest.mark.parametrize("at", ["discovery", "token", "keys"])
async def test_nonsense_in_each_of_its_answers_is_one_clear_sentence(
    cast: Cast,
    known: Known,
    house: Provider,
    at: str,
    fault: dict[str, Any],
    says: str,
    status: int,
) -> None:
    await give(cast, known, "tom")
    house.fault.at = at
    for name, value in fault.items():
        setattr(house.fault, name, value)
    async with browser(cast) as tom:
        answer = await (tom.get("/sign-in/with/house") if at == "discovery" else come(tom))
        assert (answer.status_code, says in answer.text) == (status, True), answer.text
        assert 'href="/"' in answer.text
        # It is over as soon as the provider is itself again.
        house.reset()
        cast.clock.advance(seconds=AGAIN_AFTER.total_seconds())
        assert is_in(await come(tom))


async def test_a_token_that_is_none_opens_nothing(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    for body in (b'{"id_token": 7}', b'{"id_token": "a.b.c"}', b'{"id_token": "nonsense"}'):
        house.fault.at, house.fault.body = "token", body
        await refused(cast, UNTRUE, 422)


async def test_the_discovery_of_another_issuer_leads_nowhere(
    cast: Cast, known: Known, house: Provider
) -> None:
    house.fault.issuer = "https://evil.example"
    async with browser(cast) as tom:
        answer = await tom.get("/sign-in/with/house")
        assert (answer.status_code, UNTRUE in answer.text) == (422, True)


async def test_a_provider_that_hangs_is_given_up(house: Provider) -> None:
    house.fault.at, house.fault.does = "discovery", "hang"
    at = f"{house.issuer}/.well-known/openid-configuration"
    with pytest.raises(Unanswered, match="timeout"):
        await ask(at, within=timedelta(milliseconds=200))
    assert channel.WITHIN <= timedelta(seconds=10)


async def test_a_provider_that_is_away_is_said_to_be(house: Provider) -> None:
    house.do(house.end())
    with pytest.raises(Unanswered, match="unreachable"):
        await ask(house.issuer)
    house.do(house.begin())


async def test_nothing_goes_unencrypted_to_another_machine() -> None:
    assert is_safe("https://login.example.org/keys")
    assert is_safe("http://127.0.0.1:8080/keys")
    for url in (
        "http://login.example.org/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "https://user@login.example.org/",
        "https://[nonsense/",
        "https://",
    ):
        assert not is_safe(url)
        with pytest.raises(Unanswered, match="not https"):
            await ask(url)


async def test_a_person_who_cancels_at_the_provider_may_try_again(
    cast: Cast, known: Known, house: Provider
) -> None:
    house.denies = "access_denied"
    async with browser(cast) as tom:
        answer = await come(tom, "/sign-in/with/house?next=/desk/rounds")
        assert answer.status_code == 422
        assert "was not finished" in answer.text
        assert 'href="/sign-in/with/house?next=/desk/rounds"' in answer.text


async def test_a_stolen_code_is_worth_nothing_without_its_verifier(
    cast: Cast, known: Known, house: Provider
) -> None:
    """PKCE: the provider of the tests refuses it, and so must any other one."""
    await give(cast, known, "tom")
    async with browser(cast) as tom, browser(cast) as eve:
        stolen = (await there(tom)).split("code=")[1].split("&")[0]
        own = await there(eve)
        code = own.split("code=")[1].split("&")[0]
        answer = await eve.get(own.replace(code, stolen))
        assert answer.status_code == 503
        assert "s" not in eve.cookies


async def test_many_at_once_ask_for_the_keys_a_few_times_at_most(
    cast: Cast, known: Known, house: Provider
) -> None:
    talk = Talk()
    asked: list[Awaitable[Any]] = [talk.places(known, cast.clock()) for _ in range(5)]
    found = await asyncio.gather(*asked)
    assert len({one.token for one in found}) == 1
