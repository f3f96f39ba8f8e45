"""Lines of docs/asvs that no other test of this room holds."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pyotp
import pytest
import structlog

from server import logs
from server.app import create_app
from server.auth import credentials
from server.auth.models import Credential, Totp
from server.auth.passwords import Passwords
from server.people.models import Person
from server.settings import Settings, load
from tests.auth.test_sign_in import sign_in
from tests.cast import Cast, password_of


@pytest.fixture
def lines() -> Iterator[Any]:
    """What is logged at the door, parsed; the configuration from before is put back."""
    root = logging.getLogger()
    before, out = (root.handlers[:], root.level), io.StringIO()
    logs.configure(out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def told(lines: Any, event: str) -> list[dict[str, Any]]:
    return [line for line in lines() if line["event"] == event]


async def test_what_is_refused_at_the_door_is_a_line_without_what_was_typed(
    cast: Cast, lines: Any
) -> None:
    async with cast.client() as stranger:
        await sign_in(stranger, "tom", "my dog is called Brutus")
        await sign_in(stranger, "my dog is called Brutus", "tom")
        for _ in range(11):
            await sign_in(stranger, "tom", "guess")
        await stranger.post(
            "/api/v1/pair",
            json={"code": "ABCD2345", "device": {"id": "0190b3c2-0000-7000-8000-000000000001"}},
        )
    refused = told(lines, "sign_in_refused")
    assert [(it["how"], it["person_id"]) for it in refused[:2]] == [
        ("password", str(cast.tom.id)),
        ("password", None),
    ]
    assert refused[-1]["how"] == "pair"
    [*_, waits] = told(lines, "guesses_wait")
    assert waits["door"] == "password"
    assert waits["wait_s"] > 0
    assert "Brutus" not in json.dumps(lines())


async def test_a_colleague_who_was_kept_out_is_a_line(cast: Cast, lines: Any) -> None:
    async with cast.client_as("eve") as eve:
        answer = await eve.get(f"/api/v1/children/{cast.mia.id}/project")
        assert answer.status_code == 404
    [line] = told(lines, "denied")
    assert line["person_id"] == str(cast.eve.id)
    assert line["child_id"] == str(cast.mia.id)
    assert line["request_id"] == answer.headers["x-request-id"]


async def test_signing_out_clears_what_the_browser_kept(cast: Cast) -> None:
    async with cast.browser_as("tom") as browser:
        answer = await browser.post("/sign-out")
    # Not "storage": what was written without a network, and waits there, would be lost.
    assert answer.headers["clear-site-data"] == '"cache"'


async def test_fields_of_passwords_are_hidden_and_known_to_password_managers(cast: Cast) -> None:
    async with cast.browser_as("tom") as browser:
        pages = [await browser.get("/desk/settings"), await browser.get("/desk/settings/password")]
        await browser.post("/sign-out")
        door = await browser.get("/")
    own = next(page.text for page in pages if 'name="old"' in page.text)
    assert 'autocomplete="current-password"' in door.text
    assert 'autocomplete="new-password"' in own
    for text in (door.text, own):
        fields = [part.partition(">")[0] for part in text.split("<input")[1:]]
        secret = [it for it in fields if 'name="password"' in it or 'name="old"' in it]
        assert secret
        assert [it for it in secret if 'type="password"' not in it or "onpaste" in it] == []


async def test_a_password_of_any_characters_opens_exactly_as_it_was_typed(
    cast: Cast, passwords: Passwords
) -> None:
    chosen = ' Żółć "\u0645\u0631\u062d\u0628\u0627" 🗝 <b>&amp; ' + "plumber hijack " * 10
    assert 64 < len(chosen) <= 256
    await credentials.set_password(
        cast.actor("root"), cast.tom, chosen, passwords, now=cast.clock()
    )
    async with cast.client() as stranger:
        for other in (chosen.strip(), chosen.upper(), chosen[:-1], chosen + " "):
            assert (await sign_in(stranger, "tom", other)).status_code == 401
        assert (await sign_in(stranger, "tom", chosen)).status_code == 201


async def test_a_password_opens_years_later(cast: Cast) -> None:
    cast.clock.advance(days=1100)
    async with cast.client() as stranger:
        assert (await sign_in(stranger, "tom", password_of("tom"))).status_code == 201


async def test_a_password_set_by_an_administrator_leaves_the_second_key(
    cast: Cast, passwords: Passwords
) -> None:
    now, secret = cast.clock(), pyotp.random_base32()
    await Totp.create(person_id=cast.tom.id, secret=secret, made_at=now, confirmed_at=now)
    new = "plumber-hijack-71"
    await credentials.set_password(cast.actor("root"), cast.tom, new, passwords, now=now)
    async with cast.client() as stranger:
        assert (await sign_in(stranger, "tom", new)).json()["code"] == "code_needed"


async def test_a_new_installation_has_nobody_in_it(db: Any) -> None:
    assert (await Person.all().count(), await Credential.all().count()) == (0, 0)


async def test_each_cookie_is_bound_to_https_hidden_from_scripts_and_has_its_prefix(
    cast: Cast, passwords: Passwords, settings: Settings, tmp_path: Any
) -> None:
    secure = load(
        {
            "WAYMARK_PUBLIC_URL": "https://planner.example.org",
            "WAYMARK_SECRET_KEYS": ",".join(settings.secret_keys),
            "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(settings.vapid_private_key_file),
            "WAYMARK_DATABASE_URL": settings.database_url,
        },
        tmp_path,
    )
    app = create_app(secure, clock=cast.clock, passwords=passwords)
    transport = httpx2.ASGITransport(app=app)
    address = {"base_url": "https://planner.example.org"}
    async with httpx2.AsyncClient(transport=transport, **address) as browser:
        origin = {"origin": "https://planner.example.org", "accept": "text/html"}
        form = {"name": "tom", "password": password_of("tom")}
        answers = [await browser.post("/sign-in", data=form, headers=origin)]
        home = {"home_id": str(cast.home.id)}
        answers.append(await browser.post("/desk/front", data=home, headers=origin))
    cookies = [each for answer in answers for each in answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 3
    for cookie in cookies:
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        prefix = "__Host-" if "path=/" in parts else "__Secure-"
        assert cookie.startswith(prefix), cookie
        assert {"secure", "httponly"} <= parts, cookie
        assert parts & {"samesite=lax", "samesite=strict"}, cookie
