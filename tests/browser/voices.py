"""Child and caseworker at a real server, each with a phone and a language of their own."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator

from server.i18n import gettext
from tests.pwa.conftest import LOCALES, Phone
from tests.pwa.double import Double


class Voice:
    """Somebody with a phone, and the words of the app in their language."""

    def __init__(self, phone: Phone, language: str) -> None:
        self.phone, self.page, self.language = phone, phone.page, language

    def says(self, text: str, **values: str) -> str:
        """A sentence of the app as this person reads it."""
        return gettext(self.language, text, **values)

    def tap(self, text: str, **values: str) -> None:
        """The button with just these words."""
        self.page.get_by_role("button", name=self.says(text, **values), exact=True).click()

    def sees(self, text: str, ms: float = 10_000) -> Locator:
        """Waits until these words are there."""
        found = self.page.get_by_text(text).first
        found.wait_for(timeout=ms)
        return found

    def project(self) -> None:
        """The path."""
        self.page.locator(".tabs button").nth(1).click()
        self.page.wait_for_selector(".land")

    def talk(self) -> None:
        """The thread."""
        self.page.locator(".tabs button").nth(2).click()
        self.page.wait_for_selector(".composer")

    def opens_goal(self, words: str) -> None:
        """A goal on the path."""
        self.project()
        self.page.locator(".goal", has_text=words).first.click()
        self.page.wait_for_selector(".voices")

    def writes(self, name: str, words: str) -> None:
        """Fills one field of the goal that is open."""
        self.page.locator(".row", has_text=self.says(name)).first.click()
        self.page.locator("textarea").fill(words)
        self.tap("Save")
        self.page.wait_for_selector(".voices")

    def wants(self, area: str, words: str) -> None:
        """Says a new goal, the last three questions left open."""
        self.project()
        self.tap("Something I want")
        self.tap(area)
        self.tap("Next")
        self.page.locator("textarea").fill(words)
        self.tap("Next")
        for _ in range(3):
            self.page.locator("main > .second").click()
        self.page.wait_for_selector(".land")

    def pairs(self, link: str) -> None:
        """Comes in by a link, through the three screens."""
        self.page.goto(link)
        self.page.wait_for_selector("h1")
        for _ in range(4):
            self.page.locator(".main").click()
        self.page.wait_for_selector(".faces")
        self.phone.is_controlled()

    def signs_in(self, name: str, password: str) -> None:
        """Fills the form of the desk."""
        self.page.fill("[name=name]", name)
        self.page.fill("[name=password]", password)
        self.page.locator("form[action='/sign-in'] button").click()


def phone_of(chromium: Browser, url: str, language: str) -> tuple[Voice, BrowserContext]:
    """A fresh phone that speaks a language."""
    context = chromium.new_context(
        viewport={"width": 360, "height": 740},
        locale=LOCALES[language],
        timezone_id="Europe/Lisbon",
        has_touch=True,
    )
    context.set_default_timeout(10_000)
    phone = Phone(context.new_page(), context, Double(url=url, files={}))
    return Voice(phone, language), context


def child_at(chromium: Browser, demo: dict[str, Any], name: str = "noor") -> Voice:
    """A child who pairs with the link of the demo, which works once. Noor reads Arabic."""
    voice, _ = phone_of(chromium, demo["url"], "ar" if name == "noor" else "en")
    voice.pairs(demo["children"][name]["link"])
    return voice


def worker_at(chromium: Browser, demo: dict[str, Any], name: str = "tom") -> Voice:
    """Somebody of the staff, who signs in at the desk and follows the link to Noor's project."""
    voice, _ = phone_of(chromium, demo["url"], "en")
    page = voice.page
    page.goto(f"{demo['url']}/")
    voice.signs_in(name, demo["staff"][name]["password"])
    page.wait_for_url("**/desk/**")
    page.goto(f"{demo['url']}/app/#with={demo['children']['noor']['id']}")
    page.wait_for_selector(".land")
    voice.phone.is_controlled()
    return voice
