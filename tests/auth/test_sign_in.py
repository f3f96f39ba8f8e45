"""Signing in: the same sentence and the same work for every refusal, guesses counted in rows."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx2
import pytest

from server.audit.models import Entry
from server.auth import actions, credentials
from server.auth.models import Credential, Guess, Session
from server.auth.passwords import Passwords, new_password
from server.auth.rules import PASSWORD_BY_NAME, PASSWORD_BY_NETWORK
from server.errors import Refused, Unavailable
from server.people.actions import AddPerson, add_person
from server.people.models import Person, Tie
from server.people.rules import Role
from tests.cast import Cast, password_of


async def sign_in(client: httpx2.AsyncClient, name: str, password: str) -> httpx2.Response:
    return await client.post("/api/v1/sessions", json={"name": name, "password": password})


class CountedPasswords(Passwords):
    """Counts how often argon2 ran, which is what takes the time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def _matches(self, stored: str, password: str) -> bool:
        self.verified += 1
        return super()._matches(stored, password)


@pytest.fixture
def passwords() -> CountedPasswords:
    return CountedPasswords()


async def test_a_caseworker_signs_in_on_a_native_client(cast: Cast) -> None:
    async with cast.client() as stranger:
        answer = await sign_in(stranger, " TOM ", password_of("tom"))
        assert answer.status_code == 201
        assert answer.json()["person"]["id"] == str(cast.tom.id)
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        assert (await stranger.get("/api/v1/me", headers=headers)).status_code == 200
        assert (await stranger.delete("/api/v1/sessions", headers=headers)).status_code == 204
        assert (await stranger.get("/api/v1/me", headers=headers)).status_code == 401
    assert await Entry.filter(what="session:open", who_id=cast.tom.id).count() == 1


async def test_every_refusal_says_the_same_after_the_same_work(
    cast: Cast, passwords: CountedPasswords
) -> None:
    await actions.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    await passwords.warm()
    tries = [
        ("tom", "not the password"),
        ("nobody", "not the password"),
        ("eve", password_of("eve")),
        ("mia", "not the password"),
        ("", ""),
    ]
    said = set()
    async with cast.client() as stranger:
        for name, password in tries:
            before = passwords.verified
            answer = await sign_in(stranger, name, password)
            assert passwords.verified == before + 1, name
            said.add((answer.status_code, answer.text))
    assert len(said) == 1
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_guesses_at_one_name_are_throttled_and_it_says_until_when(cast: Cast) -> None:
    async with cast.client() as stranger:
        for _ in range(PASSWORD_BY_NAME.tries):
            assert (await sign_in(stranger, "tom", "a guess")).status_code == 401
        cast.clock.advance(minutes=5)
        refused = await sign_in(stranger, "Tom", password_of("tom"))
        assert refused.status_code == 429
        assert refused.json()["retry_after_s"] == 600
        assert "10 minutes" in refused.json()["detail"]
        # Others sign in as ever, and who is in stays in.
        assert (await sign_in(stranger, "ines", password_of("ines"))).status_code == 201
    async with cast.client_as("tom") as tom:
        assert (await tom.get("/api/v1/me")).status_code == 200
    cast.clock.advance(minutes=10)
    async with cast.client() as stranger:
        assert (await sign_in(stranger, "tom", password_of("tom"))).status_code == 201


async def test_an_unknown_name_is_throttled_just_the_same(cast: Cast) -> None:
    async with cast.client() as stranger:
        codes = [
            (await sign_in(stranger, "nobody", "a guess")).status_code
            for _ in range(PASSWORD_BY_NAME.tries + 1)
        ]
    assert codes == [401] * PASSWORD_BY_NAME.tries + [429]


async def test_guesses_at_once_are_all_counted(cast: Cast) -> None:
    async with cast.client() as stranger:
        answers = await asyncio.gather(
            *(sign_in(stranger, "tom", "a guess") for _ in range(PASSWORD_BY_NAME.tries + 5))
        )
    codes = [answer.status_code for answer in answers]
    assert codes.count(401) == PASSWORD_BY_NAME.tries
    assert codes.count(429) == 5


async def test_a_network_that_guesses_many_names_is_throttled_and_check_ins_are_not(
    cast: Cast,
) -> None:
    async with cast.client() as stranger:
        for number in range(PASSWORD_BY_NETWORK.tries):
            assert (await sign_in(stranger, f"n{number}", "a guess")).status_code == 401
        assert (await sign_in(stranger, "tom", password_of("tom"))).status_code == 429
    async with cast.client_as("mia") as mia:
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "want": "help"}
        assert (await mia.post("/api/v1/check-ins", json=said)).status_code == 201


async def test_a_right_password_leaves_no_guess(cast: Cast) -> None:
    before = await Guess.all().count()
    async with cast.client() as stranger:
        for _ in range(PASSWORD_BY_NAME.tries + 2):
            assert (await sign_in(stranger, "tom", password_of("tom"))).status_code == 201
    assert await Guess.all().count() == before


async def test_guesses_are_thrown_away_after_a_day(cast: Cast) -> None:
    async with cast.client() as stranger:
        await sign_in(stranger, "tom", "a guess")
    assert await Guess.all().count() == 2
    cast.clock.advance(hours=25)
    await actions.tidy(cast.clock())
    assert await Guess.all().count() == 0


async def test_no_row_holds_a_name_or_an_address(cast: Cast) -> None:
    async with cast.client() as stranger:
        await sign_in(stranger, "tom", "a guess")
    keys = await Guess.all().values_list("key", flat=True)
    assert all(len(str(key)) == 64 for key in keys)


async def test_a_person_disabled_in_mid_session_is_signed_out(cast: Cast) -> None:
    async with cast.client_as("eve") as eve, cast.browser_as("root") as root:
        assert (await eve.get("/api/v1/me")).status_code == 200
        done = await root.post(f"/desk/people/{cast.eve.id}/leaving", data={"everything": ""})
        assert done.status_code == 303
        answer = await eve.get("/api/v1/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert await Session.filter(person_id=cast.eve.id, ended_at__isnull=True).count() == 0


async def test_nobody_leaves_a_child_without_a_caseworker(cast: Cast) -> None:
    async with cast.browser_as("root") as root, cast.client_as("tom") as tom:
        answer = await root.post(f"/desk/people/{cast.tom.id}/leaving", data={"everything": ""})
        assert answer.status_code == 422
        assert "without a caseworker" in answer.text
        assert (await tom.get("/api/v1/me")).status_code == 200
    ties = await Tie.filter(person_id=cast.tom.id, until_at__isnull=True).count()
    assert ties == 2


async def test_a_password_made_with_other_parameters_is_made_anew(cast: Cast) -> None:
    other = Passwords(time_cost=2, memory_cost=8, parallelism=1)
    await credentials.set_password(
        cast.actor("root"), cast.tom, password_of("tom"), other, now=cast.clock()
    )
    before = (await Credential.get(person_id=cast.tom.id)).password_hash
    async with cast.client() as stranger:
        assert (await sign_in(stranger, "tom", password_of("tom"))).status_code == 201
    assert (await Credential.get(person_id=cast.tom.id)).password_hash != before


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "tomtomtomtomtom", "x" * 300])
async def test_a_weak_password_is_refused(
    cast: Cast, passwords: CountedPasswords, password: str
) -> None:
    with pytest.raises(Refused):
        await credentials.set_password(
            cast.actor("root"), cast.tom, password, passwords, now=cast.clock()
        )


async def test_a_new_password_ends_all_other_sessions(cast: Cast) -> None:
    new = new_password()
    async with cast.browser_as("tom") as browser, cast.client() as stranger:
        other = (await sign_in(stranger, "tom", password_of("tom"))).json()["token"]
        wrong = await browser.post(
            "/desk/settings/password", data={"old": "wrong", "password": new}
        )
        assert wrong.status_code == 422
        done = await browser.post(
            "/desk/settings/password", data={"old": password_of("tom"), "password": new}
        )
        assert done.status_code == 303
        headers = {"authorization": f"Bearer {other}", "accept": "*/*"}
        assert (await stranger.get("/api/v1/me", headers=headers)).status_code == 401
        assert (await browser.get("/desk/settings")).status_code == 200
        assert (await sign_in(stranger, "tom", new)).status_code == 201


async def test_two_who_take_one_sign_in_name_at_once(cast: Cast) -> None:
    people = [await a_carer(cast) for _ in range(2)]
    takes = [
        credentials.store_credential(cast.actor("root"), person, "new", "hash", cast.clock())
        for person in people
    ]
    outcomes = await asyncio.gather(*takes, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "Refused"]


async def a_carer(cast: Cast) -> Person:
    return await add_person(
        cast.actor("root"),
        cast.agency.id,
        AddPerson(role=Role.CARER, name="Somebody", language="en", zone="UTC"),
        cast.clock(),
    )


async def test_too_many_at_once_are_told_to_come_back(
    passwords: CountedPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.auth.passwords.MOST_WAITING", 1)
    first = asyncio.ensure_future(passwords.hash("one"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash("another")
    await first
