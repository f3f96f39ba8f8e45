"""Passkeys: who signs in with one, and every answer that opens nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from server.auth import actions
from server.auth.models import Challenge, Passkey, Session
from server.auth.rules import KNOWN_LASTS
from server.auth.second_factor import factors
from server.auth.second_factor.passkeys import site_of
from server.people.models import Person
from tests.auth.test_second_key import FROM_PAGE, KEYS, password_first, with_app
from tests.cast import ORIGIN, Cast
from tests.doubles.authenticator import PRESENT, Authenticator, text_of
from tests.races import together


async def with_passkey(cast: Cast, name: str) -> Authenticator:
    """Somebody adds the device in their hand, on the page."""
    device = Authenticator()
    await cast.new_token(name)
    async with cast.browser_as(name) as browser:
        options = (await browser.post(f"{KEYS}/passkeys/options", data={"next": ""})).json()
        said = {"credential": device.make(options, origin=ORIGIN), "name": "My  phone"}
        made = await browser.post(f"{KEYS}/passkeys", data=said)
        assert made.status_code == 201, made.text
    return device


def stranger(cast: Cast) -> httpx2.AsyncClient:
    return cast.client(headers=FROM_PAGE)


async def asked(browser: httpx2.AsyncClient, next_: str = "") -> dict[str, Any]:
    answer = await browser.post("/sign-in/passkey/options", data={"next": next_})
    assert answer.status_code == 200
    options: dict[str, Any] = answer.json()
    return options


async def come_in(
    browser: httpx2.AsyncClient, device: Authenticator, next_: str = "", **bent: Any
) -> httpx2.Response:
    how = {"origin": ORIGIN, **bent}
    said = device.sign(await asked(browser, next_), **how)
    return await browser.post("/sign-in/passkey", data={"credential": said, "next": next_})


async def test_tom_adds_a_passkey_and_comes_in_without_a_password(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    key = await Passkey.get(person_id=cast.tom.id)
    assert (key.name, key.transports) == ("My phone", ["internal"])
    assert await factors.remaining(cast.tom.id) == 10
    async with stranger(cast) as browser:
        options = await asked(browser)
        # Whoever asks learns nobody's name and nobody's key.
        assert options["allowCredentials"] == []
        assert options["userVerification"] == "required"
        done = await come_in(browser, device, "/desk/rounds")
        assert done.headers["location"] == "/desk/rounds"
        page = (await browser.get(KEYS)).text
        assert "My phone" in page
        assert "last used" in page
    key = await Passkey.get(id=key.id)
    assert key.sign_count == device.count


async def test_a_device_is_told_neutral_names_and_makes_a_key_that_it_can_find(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        options = (await tom.post(f"{KEYS}/passkeys/options", data={"next": ""})).json()
    assert options["rp"] == {"id": "localhost", "name": "Planner"}
    assert (options["user"]["name"], options["user"]["displayName"]) == ("tom", "tom")
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["attestation"] == "none"


BENT: dict[str, dict[str, Any]] = {
    "a foreign origin": {"origin": "https://evil.example"},
    "another port": {"origin": "http://localhost:9000"},
    "another host": {"host": "evil.example"},
    "no finger": {"flags": PRESENT},
    "nobody there": {"flags": 0},
    "an old challenge": {"challenge": text_of(b"x" * 64)},
    "somebody else's handle": {"handle": b"0" * 16},
    "a counter that stands still": {"counts": False},
}


@pytest.mark.parametrize("how", BENT.values(), ids=BENT.keys())
async def test_a_forged_answer_opens_nothing(cast: Cast, how: dict[str, Any]) -> None:
    device = await with_passkey(cast, "tom")
    async with stranger(cast) as browser:
        # Once rightly, so that a counter has moved.
        assert (await come_in(browser, device)).status_code == 303
    before = await Session.all().count()
    async with stranger(cast) as browser:
        refused = await come_in(browser, device, **how)
        assert refused.status_code == 422
        assert "did not work" in refused.text
        assert "s" not in browser.cookies
    assert await Session.all().count() == before


async def test_an_answer_counts_once(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    async with stranger(cast) as browser, stranger(cast) as thief:
        said = device.sign(await asked(browser), origin=ORIGIN)
        token = browser.cookies["h"]
        assert (
            await browser.post("/sign-in/passkey", data={"credential": said})
        ).status_code == 303
        thief.cookies.set("h", token)
        again = await thief.post("/sign-in/passkey", data={"credential": said})
        assert again.status_code == 401
        # Nor in a half of the thief's own.
        await asked(thief)
        assert (await thief.post("/sign-in/passkey", data={"credential": said})).status_code == 422


async def test_a_wrong_answer_uses_the_challenge_up(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    async with stranger(cast) as browser:
        options = await asked(browser)
        forged = Authenticator(id=device.id, handle=device.handle)
        said = {"credential": forged.sign(options, origin=ORIGIN)}
        assert (await browser.post("/sign-in/passkey", data=said)).status_code == 422
        said = {"credential": device.sign(options, origin=ORIGIN)}
        assert (await browser.post("/sign-in/passkey", data=said)).status_code == 422
        # Asked anew, it opens.
        assert (await come_in(browser, device)).status_code == 303


async def test_of_two_answers_at_once_one_leads_in(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    site = site_of(cast.settings)
    assert site is not None
    async with stranger(cast) as browser:
        said = device.sign(await asked(browser), origin=ORIGIN)
        token, now = browser.cookies["h"], cast.clock()
    comes = [actions.sign_in_by_passkey(token, said, site, now) for _ in range(4)]
    opened = [one for one in await together(*comes) if isinstance(one, actions.Opened)]
    assert len(opened) == 1


async def test_a_challenge_is_old_after_five_minutes(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    async with stranger(cast) as browser:
        options = await asked(browser)
        cast.clock.advance(minutes=5)
        said = {"credential": device.sign(options, origin=ORIGIN)}
        assert (await browser.post("/sign-in/passkey", data=said)).status_code == 422
    await actions.tidy(cast.clock())
    assert await Challenge.all().count() == 0


async def test_a_challenge_for_one_thing_opens_no_other(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        options = (await tom.post("/desk/again/options", data={"next": ""})).json()
        said = {
            "credential": device.make(
                {**options, "user": {"id": "AAAA"}, "rp": {"id": "x"}}, origin=ORIGIN
            ),
            "name": "Other",
        }
        assert (await tom.post(f"{KEYS}/passkeys", data=said)).status_code == 422
    assert await Passkey.all().count() == 1


NONSENSE = (
    "",
    "x",
    "[]",
    "{}",
    '{"response": {}}',
    '{"response": {"clientDataJSON": 1}}',
    '{"response": {"clientDataJSON": "e30"}}',
    "[" * 5000,
)


@pytest.mark.parametrize("said", NONSENSE)
async def test_nonsense_is_refused_clearly(cast: Cast, said: str) -> None:
    async with stranger(cast) as browser:
        await asked(browser)
        refused = await browser.post("/sign-in/passkey", data={"credential": said, "next": ""})
        assert refused.status_code == 422
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        await tom.post(f"{KEYS}/passkeys/options", data={"next": ""})
        form = {"credential": said, "name": "Phone"}
        assert (await tom.post(f"{KEYS}/passkeys", data=form)).status_code == 422


async def test_half_an_answer_is_refused(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    for part in ("authenticatorData", "signature", "clientDataJSON"):
        async with stranger(cast) as browser:
            said = json.loads(device.sign(await asked(browser), origin=ORIGIN))
            for value in (None, "", "AAAA", 7, [1]):
                bent = {**said, "response": {**said["response"], part: value}}
                form = {"credential": json.dumps(bent)}
                assert (await browser.post("/sign-in/passkey", data=form)).status_code == 422
                await asked(browser)


async def test_a_passkey_is_a_second_half_too_but_only_ones_own(cast: Cast) -> None:
    toms, ines = await with_passkey(cast, "tom"), await with_passkey(cast, "ines")
    for device, status in ((ines, 422), (toms, 303)):
        async with stranger(cast) as browser:
            half = await password_first(cast, browser, "tom")
            assert half.headers["location"] == "/sign-in/second"
            assert "Use my passkey" in (await browser.get("/sign-in/second")).text
            options = (await browser.post("/sign-in/second/options", data={"next": ""})).json()
            assert [one["id"] for one in options["allowCredentials"]] == [text_of(toms.id)]
            said = {"credential": device.sign(options, origin=ORIGIN), "next": ""}
            assert (await browser.post("/sign-in/second", data=said)).status_code == status


async def test_a_passkey_shows_again_who_it_is_but_only_ones_own(cast: Cast) -> None:
    toms, ines = await with_passkey(cast, "tom"), await with_passkey(cast, "ines")
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        gated = await tom.post(f"{KEYS}/passkeys/options", headers={"accept": "application/json"})
        assert (gated.status_code, gated.json()["code"]) == (403, "proof_needed")
        assert gated.json()["to"] == f"/desk/again?next={KEYS}"
        for device, status in ((ines, 422), (toms, 303)):
            options = (await tom.post("/desk/again/options", data={"next": ""})).json()
            said = {"credential": device.sign(options, origin=ORIGIN), "next": KEYS}
            assert (await tom.post("/desk/again", data=said)).status_code == status
        assert (await tom.post(f"{KEYS}/passkeys/options")).status_code == 200


async def test_one_passkey_is_added_once_and_goes_for_good(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        options = (await tom.post(f"{KEYS}/passkeys/options", data={"next": ""})).json()
        assert [one["id"] for one in options["excludeCredentials"]] == [text_of(device.id)]
        said = {"credential": device.make(options, origin=ORIGIN), "name": "Again"}
        twice = await tom.post(f"{KEYS}/passkeys", data=said)
        assert twice.status_code == 422
        assert "already been added" in twice.text
        key = await Passkey.get(person_id=cast.tom.id)
        path = f"{KEYS}/passkeys/{key.id}/remove"
        assert (await tom.post(path, data={})).status_code == 303
        assert (await tom.post(path, data={})).status_code == 404
    async with stranger(cast) as browser:
        assert (await come_in(browser, device)).status_code == 422
    assert not await factors.has_second(cast.tom.id)


async def test_nobody_removes_another_persons_passkey(cast: Cast) -> None:
    await with_passkey(cast, "tom")
    key = await Passkey.get(person_id=cast.tom.id)
    async with cast.browser_as("ines") as ines:
        gone = await ines.post(f"{KEYS}/passkeys/{key.id}/remove", data={})
        assert gone.status_code == 404
    assert await Passkey.exists(id=key.id)


async def test_a_passkey_without_a_name_is_asked_for_one(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        options = (await tom.post(f"{KEYS}/passkeys/options", data={"next": ""})).json()
        said = {"credential": Authenticator().make(options, origin=ORIGIN), "name": " "}
        refused = await tom.post(f"{KEYS}/passkeys", data=said)
        assert refused.status_code == 422
        assert 'id="name-error"' in refused.text


async def test_a_person_who_left_cannot_sign_in_by_passkey(cast: Cast) -> None:
    device = await with_passkey(cast, "eve")
    await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    async with stranger(cast) as browser:
        assert (await come_in(browser, device)).status_code == 401


async def test_at_an_address_that_is_a_number_there_are_none_and_it_says_so(cast: Cast) -> None:
    cast.app.state.settings = replace(cast.settings, public_url="http://127.0.0.1:8000")
    async with cast.browser_as("tom") as tom:
        assert "only a number" in (await tom.get(KEYS)).text
        refused = await tom.post(f"{KEYS}/passkeys/options", headers={"accept": "*/*"})
        assert refused.status_code == 422
    async with stranger(cast) as browser:
        assert "passkey" not in (await browser.get("/")).text


async def test_a_network_that_asks_without_end_is_throttled(cast: Cast) -> None:
    async with stranger(cast) as browser:
        codes = [
            (await browser.post("/sign-in/passkey/options", data={"next": ""})).status_code
            for _ in range(121)
        ]
    assert codes == [200] * 120 + [429]


# --- an alert at three in the morning


def alert_path() -> str:
    return f"/desk/alerts/{uuid4()}"


async def test_an_alert_opens_with_one_tap_on_a_device_that_was_in_lately(cast: Cast) -> None:
    toms, ines, path = (
        await with_passkey(cast, "tom"),
        await with_passkey(cast, "ines"),
        alert_path(),
    )
    async with stranger(cast) as phone:
        assert (await come_in(phone, toms)).status_code == 303
        # Days later the session is long over; the message leads here.
        cast.clock.advance(days=29)
        away = await phone.get(path)
        assert away.headers["location"] == f"/?next={path}"
        page = (await phone.get(away.headers["location"])).text
        assert "One tap opens the alert." in page
        assert "Verhoeven" not in page
        options = await asked(phone, path)
        assert [one["id"] for one in options["allowCredentials"]] == [text_of(toms.id)]
        opened = await come_in(phone, toms, path)
        assert opened.headers["location"] == path
        assert (await phone.get("/desk/")).status_code == 200
        session = await Session.filter(person_id=cast.tom.id).order_by("-made_at").first()
        assert session is not None
        assert session.idle_s == 900
        # Put down, it is closed after a quarter of an hour, and after an hour in any case.
        for _ in range(4):
            cast.clock.advance(minutes=14)
            assert (await phone.get("/desk/")).status_code == 200
        cast.clock.advance(minutes=5)
        assert (await phone.get("/desk/")).status_code == 303
        # Somebody else's passkey opens an ordinary session, as anywhere.
        assert (await come_in(phone, ines, path)).status_code == 303
        other = await Session.filter(person_id=cast.ines.id).order_by("-made_at").first()
        assert other is not None
        assert other.idle_s is None


async def test_a_short_session_left_alone_is_over_after_fifteen_minutes(cast: Cast) -> None:
    device, path = await with_passkey(cast, "tom"), alert_path()
    async with stranger(cast) as phone:
        await come_in(phone, device)
        cast.clock.advance(days=1)
        await come_in(phone, device, path)
        cast.clock.advance(minutes=15)
        assert (await phone.get("/desk/")).status_code == 303


async def test_a_device_is_known_no_longer_after_a_month_or_after_signing_out(cast: Cast) -> None:
    device, path = await with_passkey(cast, "tom"), f"/?next={alert_path()}"
    for forgets in ("time", "signing out", "somebody ended it", "a cookie that is none"):
        cast.clock.advance(minutes=1)
        async with stranger(cast) as phone:
            assert (await come_in(phone, device)).status_code == 303
            session = await Session.filter(person_id=cast.tom.id).order_by("-made_at").first()
            assert session is not None
            if forgets == "time":
                cast.clock.advance(days=KNOWN_LASTS.days)
            elif forgets == "signing out":
                await phone.post("/sign-out", data={"x": "1"})
            else:
                # A session that has run out and was then ended from another device.
                phone.cookies.delete("s")
                if forgets == "a cookie that is none":
                    phone.cookies.delete("k")
                    phone.cookies.set("k", "made.up")
                else:
                    await Session.filter(id=session.id).update(
                        ended_at=cast.clock(), ended_why="elsewhere"
                    )
            page = (await phone.get(path)).text
            assert "One tap" not in page, forgets
            assert "Sign in with a passkey" in page, forgets


async def test_with_no_passkey_the_page_asks_for_the_password_as_ever(cast: Cast) -> None:
    async with stranger(cast) as phone:
        await password_first(cast, phone, "tom")
        cast.clock.advance(days=1)
        assert "One tap" not in (await phone.get(f"/?next={alert_path()}")).text


async def test_app_and_passkey_stand_beside_each_other(cast: Cast) -> None:
    device = await with_passkey(cast, "tom")
    _, codes = await with_app(cast, "tom")
    assert codes == []
    await factors.remove_app(cast.actor("tom"), cast.tom.id, cast.clock())
    assert await factors.remaining(cast.tom.id) == 10
    async with stranger(cast) as browser:
        assert (await come_in(browser, device)).status_code == 303
