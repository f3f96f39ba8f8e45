"""The way over a provider of sign-in in a real Chromium, and every page of it looked at by axe.

The provider is at another site than the application, so cookies travel as they would anywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from server.auth.models import Identity, Session
from server.auth.oidc import account_linking, role_mapping
from server.settings import Provider as Known
from tests.axe import violations_of
from tests.browser.opened import ON_SQLITE, chromium, desk
from tests.cast import Cast
from tests.desk import scenes
from tests.doubles.oidc import CLIENT, SECRET, Provider

pytestmark = pytest.mark.browser

ROLES = {
    "caseworker": ["workers", "CN=workers,OU=house"],
    "supervisor": ["leads"],
    "administrator": ["admins"],
}


@dataclass
class Stage:
    """The application at `localhost`, the provider at `127.0.0.1`, and a browser."""

    url: str
    house: Provider
    known: Known
    browser: Browser


@asynccontextmanager
async def staged(cast: Cast) -> AsyncIterator[Stage]:
    with Provider(cast.clock) as house:
        async with scenes.serving(cast) as served, chromium() as browser:
            url = served.replace("127.0.0.1", "localhost")
            known = Known(
                name="house",
                issuer=house.issuer,
                agency_id=cast.agency.id,
                client_id=CLIENT,
                secret=SECRET,
            )
            cast.app.state.settings = replace(cast.settings, public_url=url, oidc={"house": known})
            terms = role_mapping.Terms(
                label="the House of Lisbon",
                claim="groups",
                roles=ROLES,
                strong=["mfa"],
                adds_people=False,
            )
            await role_mapping.change_terms(cast.actor("root"), known, terms, cast.clock())
            house.shows_page = True
            yield Stage(url, house, known, browser)


async def there_and_back(page: Page) -> None:
    await expect(page.get_by_role("heading", name="The house")).to_be_visible()
    await page.get_by_role("button", name="It is me").click()


@ON_SQLITE
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_tom_comes_for_the_first_time_and_again_and_shows_who_he_is(
    cast: Cast, script: bool
) -> None:
    code = None
    async with staged(cast) as stage:
        code = await account_linking.welcome(
            cast.actor("root"), stage.known, cast.tom, cast.clock()
        )
        context = await stage.browser.new_context(java_script_enabled=script)
        page = await context.new_page()
        await page.goto(f"{stage.url}/desk/rounds")
        await page.get_by_role("link", name="Sign in with the House of Lisbon").click()
        await there_and_back(page)
        await page.get_by_label("Code from your administrator").fill(code)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{stage.url}/desk/rounds")
        # Out, and in again: by keys, and without a code.
        await page.goto(f"{stage.url}/desk/settings")
        await page.locator("#main").get_by_role("button", name="Sign out").click()
        await page.get_by_role("link", name="Sign in with the House of Lisbon").press("Enter")
        await there_and_back(page)
        await page.wait_for_url(f"{stage.url}/desk/")
        assert stage.house.asked[-1]["prompt"] == "login"
        # And once more before what is sealed.
        cast.clock.advance(minutes=11)
        await page.goto(f"{stage.url}/desk/again?next=/desk/settings/sessions")
        await page.get_by_role("link", name="Use my organisation's account").click()
        await there_and_back(page)
        await page.wait_for_url(f"{stage.url}/desk/settings/sessions")
        await expect(page.get_by_text("with your organisation's account")).to_be_visible()
        cookies = {one["name"]: one for one in await context.cookies(stage.url)}
        assert {cookies[name]["sameSite"] for name in ("s", "o")} == {"Lax"}
        assert cookies["s"]["httpOnly"]
        assert cookies["o"]["httpOnly"]
    session = await Session.filter(person_id=cast.tom.id, provider="house").order_by("-id").first()
    assert session is not None
    assert session.proved_at == cast.clock()


@ON_SQLITE
async def test_what_another_site_begins_ends_in_nobodys_session(cast: Cast) -> None:
    """Eve sends Tom her own way back: his browser does not take it."""
    async with staged(cast) as stage:
        await account_linking.tie(
            cast.actor("root"), stage.known, cast.eve, "tom-there", cast.clock()
        )
        hers = await (await stage.browser.new_context()).new_page()
        await hers.goto(f"{stage.url}/sign-in/with/house")
        # She says there who she is, and stops before her browser is back here.
        async with httpx2.AsyncClient() as net:
            back = (await net.post(hers.url)).headers["location"]
        context = await stage.browser.new_context()
        his = await context.new_page()
        await his.goto(back)
        await expect(his.get_by_role("heading", name="That did not work")).to_be_visible()
        assert "s" not in {one["name"] for one in await context.cookies(stage.url)}


async def pages(cast: Cast, stage: Stage, **how: Any) -> AsyncIterator[tuple[str, Page]]:
    """Every page of the way, in turn."""
    stage.house.shows_page = False
    await Identity.all().delete()
    await account_linking.tie(cast.actor("root"), stage.known, cast.tom, "tom-there", cast.clock())
    tied = Identity.filter(person_id=cast.tom.id)
    await tied.update(unheeded="none", used_at=cast.clock())
    await account_linking.tie(
        cast.actor("root"), stage.known, cast.ines, "ines-there", cast.clock()
    )
    await Identity.filter(person_id=cast.ines.id).update(unheeded="carer")
    root = await desk(cast, stage.browser, stage.url, "root", **how)
    await root.goto(f"{stage.url}/desk/people/accounts")
    yield "accounts", root
    await root.locator("#main details summary").first.click()
    yield "accounts, open", root
    await root.goto(f"{stage.url}/desk/people/accounts")
    row = root.locator(".row", has_text="Eve Thackeray")
    await row.get_by_role("button").click()
    yield "code for a colleague", root
    tom = await desk(cast, stage.browser, stage.url, "tom", **how)
    await tom.goto(f"{stage.url}/desk/settings/accounts")
    yield "own accounts", tom
    await tom.goto(f"{stage.url}/desk/again?next=/desk/settings")
    yield "again", tom
    await tom.context.clear_cookies()
    await tom.goto(f"{stage.url}/")
    yield "sign in", tom
    stage.house.denies = "access_denied"
    await tom.goto(f"{stage.url}/sign-in/with/house")
    yield "broken off", tom
    stage.house.denies = ""
    stage.house.account = replace(stage.house.account, subject="new-there")
    await tom.goto(f"{stage.url}/sign-in/with/house")
    yield "first time", tom
    stage.house.account = replace(stage.house.account, subject="tom-there")


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_axe_finds_nothing_in_either_scheme_and_nothing_goes_sideways(
    cast: Cast, language: str
) -> None:
    found: dict[str, Any] = {}
    async with staged(cast) as stage:
        how = {"language": language, "width": 360, "height": 740}
        async for name, page in pages(cast, stage, **how):
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                if violations := await violations_of(page):
                    found[f"{name}, {scheme}"] = violations
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[f"{name}, sideways"] = True
    assert found == {}
