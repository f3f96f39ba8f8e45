"""Passkeys in a real Chromium, with an authenticator of its own (WebAuthn over CDP)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import BrowserContext, Page, expect

from server.auth.models import Passkey, Session
from tests.browser.opened import ON_SQLITE, chromium
from tests.cast import Cast, password_of
from tests.desk import scenes

pytestmark = pytest.mark.browser

KEYS = "/desk/settings/second-key"


async def phone(context: BrowserContext) -> tuple[Page, Any, str]:
    """A page of a device with an authenticator and a finger; a session of CDP; its id there."""
    page = await context.new_page()
    cdp = await context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page, cdp, made["authenticatorId"]


async def by_password(page: Page, url: str, name: str) -> None:
    await page.goto(f"{url}/")
    await page.get_by_label("Your sign-in name").fill(name)
    await page.get_by_label("Your password").fill(password_of(name))
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(f"{url}/desk/")


async def add_passkey(page: Page, url: str) -> None:
    await page.goto(f"{url}{KEYS}")
    await page.get_by_label("Name of this device").fill("My phone")
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def at_home(cast: Cast, served: str) -> str:
    """The address under a name, as passkeys need it; the application knows that one as its own."""
    url = served.replace("127.0.0.1", "localhost")
    cast.app.state.settings = replace(cast.settings, public_url=url)
    return url


@ON_SQLITE
async def test_tom_adds_a_passkey_and_comes_back_with_one_tap(cast: Cast) -> None:
    async with scenes.serving(cast) as served, chromium() as browser:
        url = at_home(cast, served)
        context = await browser.new_context()
        page, cdp, device = await phone(context)
        await by_password(page, url, "tom")
        await add_passkey(page, url)
        kept = await cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})
        assert len(kept["credentials"]) == await Passkey.filter(person_id=cast.tom.id).count() == 1
        await page.goto(f"{url}{KEYS}")
        await expect(page.locator("p.strong", has_text="My phone")).to_be_visible()
        # Signed out, the passkey alone opens the door.
        await page.goto(f"{url}/desk/settings/sessions")
        await page.locator("#main").get_by_role("button", name="Sign out", exact=True).click()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await page.wait_for_url(f"{url}/desk/")
        # And beside the password, where that was typed.
        await page.goto(f"{url}/desk/settings/sessions")
        await page.locator("#main").get_by_role("button", name="Sign out", exact=True).click()
        await page.get_by_label("Your sign-in name").fill("tom")
        await page.get_by_label("Your password").fill(password_of("tom"))
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("button", name="Use my passkey").click()
        await page.wait_for_url(f"{url}/desk/")
    assert await Session.filter(person_id=cast.tom.id, browser="Chrome", system="Linux").exists()


@ON_SQLITE
async def test_at_night_an_alert_opens_with_one_tap_and_closes_soon(cast: Cast) -> None:
    alert = f"/desk/alerts/{uuid4()}"
    async with scenes.serving(cast) as served, chromium() as browser:
        url = at_home(cast, served)
        context = await browser.new_context(viewport={"width": 360, "height": 740})
        page, _, _ = await phone(context)
        await by_password(page, url, "tom")
        await add_passkey(page, url)
        cast.clock.advance(days=2)
        await page.goto(url + alert)
        await page.get_by_role("button", name="Open it with my passkey").click()
        await page.wait_for_url(url + alert)
        cast.clock.advance(minutes=15)
        await page.goto(url + alert)
        await expect(page.get_by_role("button", name="Open it with my passkey")).to_be_visible()


@ON_SQLITE
async def test_a_device_that_does_not_know_its_person_says_so_and_other_ways_stay(
    cast: Cast,
) -> None:
    async with scenes.serving(cast) as served, chromium() as browser:
        url = at_home(cast, served)
        context = await browser.new_context()
        page, cdp, device = await phone(context)
        await by_password(page, url, "tom")
        await add_passkey(page, url)
        await cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False}
        )
        await page.goto(f"{url}/desk/settings/sessions")
        await page.locator("#main").get_by_role("button", name="Sign out", exact=True).click()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("did not answer")
        await expect(page.get_by_label("Your password")).to_be_visible()


@ON_SQLITE
async def test_without_a_script_no_passkey_is_offered_and_the_password_remains(cast: Cast) -> None:
    async with scenes.serving(cast) as served, chromium() as browser:
        url = at_home(cast, served)
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{url}/")
        await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
        await by_password(page, url, "tom")
        await page.goto(f"{url}{KEYS}")
        await expect(page.get_by_role("button", name="Set up an app")).to_be_visible()
        await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
