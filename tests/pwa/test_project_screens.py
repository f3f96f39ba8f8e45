"""Every screen of the project, empty and full, for everyone who may open it: readable, reachable by
keyboard and by ear, never sideways. A screen that is not in the table fails the first test here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pwa import looks
from tests.pwa.book import ADA, INES, MIA, OTHERS, SAM, TOM, everything
from tests.pwa.conftest import Phone, Phones
from tests.pwa.double import COOKIE, Double
from tests.pwa.talks import talks

pytestmark = pytest.mark.browser

PLAN = Path(__file__).parents[2] / "pwa" / "src" / "plan"


@dataclass(frozen=True)
class Scene:
    """One state of a screen. In `about`, "{goal}" is the id of that thing; `do` is what is done on
    the screen before it is looked at."""

    about: Mapping[str, str] = field(default_factory=dict)
    do: Callable[[Page], Any] | None = None


def _edit(entity: str, id_: str, name: str, **more: str) -> Scene:
    return Scene({"entity": entity, "id": id_, "field": name, **more})


def _unfold(page: Page) -> None:
    for fold in page.locator("details:not([open]) > summary").all()[:1]:
        fold.click()


def _long_words(page: Page) -> None:
    page.locator("textarea").first.fill("a" * 300)


def _drawn(page: Page) -> None:
    page.locator("[aria-labelledby=how] button").nth(1).click()
    page.wait_for_selector(".pad")


def _pictures(page: Page) -> None:
    page.locator("[aria-labelledby=how] button").nth(2).click()
    page.locator(".pictures button").first.click()


def _reached(page: Page) -> None:
    page.locator(".option").first.click()
    page.wait_for_selector("#closely")


def _own_words(page: Page) -> None:
    page.locator("section.field > .second").last.click()
    page.locator("section.field .voice").first.wait_for()


def _named(page: Page) -> None:
    page.locator("#trusted-name").fill("Aunt Rosa with a very long name that goes on and on")
    page.locator("#trusted-reach").fill("+33 6 12 34 56 78")
    page.locator("form .second").click()
    page.locator(".entry").first.wait_for()


def _tapped(page: Page) -> None:
    page.locator(".person button").first.click()
    page.locator("#chosen").wait_for()


def _ending(page: Page) -> None:
    page.locator(".card .plain").last.click()
    page.locator(".card .strong").wait_for()


def _other_times(page: Page) -> None:
    page.locator("main > .second").click()
    page.locator(".times .quiet").last.click()
    page.locator("[role=status] p").first.wait_for()


def _asks_to_be_away(page: Page) -> None:
    page.locator("main > .second").click()
    page.locator(".times button").last.click()
    page.locator(".dates").last.wait_for()


AT = "2026-01-02T12:00:00.000Z"
PROJECT = ("life_project", MIA)
GOAL, STEP = ("goal", "{goal}"), ("step", "{next}")

# Every screen of the tables in places.tsx and seldom.tsx by its name there, with what makes it look
# different.
SCENES: dict[str, list[Scene]] = {
    "children": [Scene()],
    "project": [
        Scene(),
        Scene(do=lambda page: page.locator(".path ~ button, .quiet").last.focus()),
    ],
    "goal": [
        Scene({"id": "{goal}"}, _unfold),
        Scene({"id": "{friends}"}),
        Scene({"id": "{papers}"}),
    ],
    "step": [
        Scene({"id": f"{{{n}}}"}, _unfold) for n in ("next", "missed", "late", "tom", "agency")
    ],
    "edit": [
        _edit(*GOAL, "child_words"),
        _edit(*GOAL, "why", mode="third"),
        _edit(*GOAL, "target_on"),
        _edit(*GOAL, "lifecycle"),
        _edit(*GOAL, "achievement"),
        _edit("area", "{training}", "importance"),
        _edit(*PROJECT, "option"),
        _edit(*PROJECT, "countries"),
        _edit(*STEP, "owner_id"),
        _edit(*STEP, "reason"),
        _edit("review", "{held}", "rating"),
    ],
    "new-goal": [
        Scene(),
        Scene({"q": "1"}, _long_words),
        Scene({"q": "2"}),
        Scene({"q": "4"}),
        Scene({"q": "1", "reason": "{reason}"}),
    ],
    "new-step": [
        *(Scene({"goal": "{goal}", "q": q}) for q in "012"),
        Scene({"goal": "{goal}", "q": "1", "reason": "{reason}"}),
    ],
    "difference": [
        Scene({"entity": "goal", "id": "{goal}", "field": "why"}),
        Scene({"entity": "step", "id": "{tom}", "field": "due_on"}),
        Scene({"entity": "goal", "id": "{goal}", "field": "child_words"}),
    ],
    "agree": [
        Scene(),
        Scene({"q": "how", "decision": "agree", "revision": "{revision}"}),
        Scene({"q": "how", "decision": "disagree", "revision": "{revision}"}, _drawn),
        Scene({"q": "how", "decision": "in_part", "revision": "{revision}"}, _pictures),
        Scene({"q": "how", "decision": "in_part", "revision": "1"}),
        Scene({"q": "witness"}),
        Scene({"q": "after"}),
    ],
    "talk": [Scene(), Scene(do=_long_words)],
    "houses": [Scene()],
    "house": [Scene({"kind": kind}) for kind in ("good", "worry", "dream")],
    "story": [Scene()],
    "plan": [Scene(do=_unfold)],
    "review": [Scene({"id": "{review}"}, _unfold), Scene({"id": "{held}"}, _own_words)],
    "outcome": [
        Scene({"id": "{held}", "goal": "{goal}"}, _reached),
        Scene({"id": "{held}", "q": "next"}),
    ],
    "new-review": [Scene()],
    "complaint": [Scene()],
    "moments": [Scene()],
    "then": [
        Scene({"revision": "{signed}", "at": AT}, _unfold),
        Scene({"revision": "3", "at": AT}),
    ],
    "compare": [
        Scene({"from": "3", "at": AT}),
        Scene({"from": "3", "to": "{revision}", "at": AT}),
    ],
    "came-of": [Scene()],
    "take": [Scene()],
    "wall": [Scene()],
    "rhythm": [Scene(), Scene(do=_other_times)],
    "school": [Scene()],
    "lock-text": [Scene()],
    "away": [Scene(), Scene(do=_asks_to_be_away)],
    "happened": [Scene()],
    "asked": [Scene()],
    "ask": [Scene()],
    "around": [Scene(), Scene(do=_tapped)],
    "trusted": [Scene(), Scene(do=_named)],
    "advocate": [Scene(), Scene(do=_ending)],
    "if-missing": [Scene()],
    "packs": [Scene()],
}
# Screens for those who work with children alone.
OF_STAFF = {"children", "packs"}
# A screen of the phone's own, which is found below More.
OF_MORE = {
    *("rhythm", "school", "lock-text", "away", "happened", "asked", "ask", "trusted", "advocate"),
    *("if-missing", "packs", "around"),
}

GO = """async ([place, about]) => {
  history.pushState({ place, about, depth: 1 }, '', '/app/');
  dispatchEvent(new PopStateEvent('popstate', { state: history.state }));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let n = 0; n < 3; n += 1) await frame();
}"""


def screens() -> list[str]:
    """The names in the app's own two tables of screens."""
    tables = [
        (PLAN / file).read_text(encoding="utf-8").split(f"const {name}", 1)[1].split("};", 1)[0]
        for file, name in (("places.tsx", "FIRST"), ("seldom.tsx", "SCREENS"))
    ]
    return re.findall(r'^  "?([a-z][\w-]*)"?: \w+,$', "\n".join(tables), re.MULTILINE)


def test_no_screen_of_the_project_is_missing_from_these_tests() -> None:
    assert len(screens()) >= 17
    assert sorted(SCENES) == sorted(screens())


def come_in(phone: Phone, double: Double, who: str) -> None:
    """A child by pairing; everyone else with the session of the desk, by the link to Mia's."""
    double.person = who
    if who == MIA:
        phone.pair()
    else:
        phone.context.add_cookies([{"name": COOKIE, "value": who, "url": double.url}])
        phone.page.goto(f"{double.url}/app/#with={MIA}")
    phone.page.wait_for_selector("h1, .faces")
    phone.page.locator(".tabs button").nth(1).click()
    phone.page.wait_for_selector(".land")


def fill(double: Double) -> dict[str, str]:
    """A full project, with a guardian and a carer who promised something."""
    double.book.people |= {id_: OTHERS[id_] for id_ in (ADA, SAM)}
    ids = everything(double.book, double.language)
    for who in (ADA, SAM):
        made = {"goal_id": ids["friends"], "text": "x " * 40, "owner_id": who, "status": "open"}
        ids[who] = double.book.make(TOM, "step", **made)
    double.book.is_due("step", ids["late"], TOM, days=-3, told=(INES,))
    double.book.is_due("step", ids["next"], MIA, days=1)
    double.advocates = [
        {
            "id": ADA,
            "person_id": ADA,
            "name": "Ruth with a very long name that goes on and on",
            "from_at": AT,
            "until_at": AT,
            "has_joined": False,
            "tells_alerts": True,
        }
    ]
    double.reasons, double.own_talks = talks(double.language)
    ids["reason"] = double.reasons[0]["each"][0]["id"]
    double.book.make(TOM, "step", goal_id=ids["goal"], text="x", reason_id=ids["reason"])
    state = double.book.state
    return ids | {"revision": str(state.revision), "signed": str(state.signed_revision)}


def visit(phone: Phone, double: Double, *, who: str = MIA, is_full: bool = True) -> Iterator[str]:
    """Every screen in turn that is there for this person, in each of its states."""
    ids = fill(double) if is_full else {}
    come_in(phone, double, who)
    page = phone.page
    if is_full:
        page.wait_for_selector(".path")
    if is_full and who == MIA:
        page.wait_for_selector(".whose .row")
    # Until the number of the text is known here, nobody can agree.
    page.wait_for_timeout(400)
    not_there = OF_STAFF if who == MIA else OF_MORE - OF_STAFF
    for place, scenes in SCENES.items():
        if place in not_there:
            continue
        for number, scene in enumerate(scenes if is_full else scenes[:1]):
            about = {name: _id(ids, text) for name, text in scene.about.items()}
            page.evaluate(GO, [place, about])
            page.locator("#title").wait_for()
            if scene.do is not None and is_full and who == MIA:
                scene.do(page)
            yield f"{place} {number}"


def _id(ids: Mapping[str, str], text: str) -> str:
    return ids.get(text[1:-1], "nothing") if text.startswith("{") else text


NAMES = {MIA: "child", TOM: "caseworker", ADA: "guardian", SAM: "carer"}


def by_keys(phone: Phone) -> list[str]:
    looks.sized(phone, 360, 568)
    phone.page.evaluate("document.getElementById('title').focus()")
    return looks.by_keys(phone)


AXE, NARROW, LARGE, KEYS = looks.by_axe, looks.narrow, looks.large, by_keys
# Who looks, in which language and scheme, and what is asked of each screen.
Way = tuple[str, str, str, tuple[looks.Look, ...]]
FULL: list[Way] = [
    (MIA, "en", "light", (AXE, NARROW, LARGE, KEYS)),
    (MIA, "ar", "dark", (AXE, NARROW, LARGE)),
    (MIA, "fr", "light", (NARROW,)),
    (TOM, "ar", "light", (AXE, LARGE)),
    (TOM, "en", "light", (LARGE, KEYS)),
    (ADA, "en", "dark", (AXE,)),
    (SAM, "fr", "light", (AXE,)),
]
EMPTY: list[Way] = [
    (MIA, "en", "dark", (AXE, NARROW)),
    (MIA, "ar", "light", (AXE, NARROW)),
    (MIA, "fr", "light", (NARROW,)),
    (TOM, "en", "light", (AXE,)),
    (TOM, "ar", "dark", (AXE,)),
]


def each(ways: list[Way]) -> Any:
    """A case for each, with a name that tells."""
    ids = [f"{NAMES[who]}-{language}-{scheme}" for who, language, scheme, _ in ways]
    return pytest.mark.parametrize("way", ways, ids=ids)


def faults(phones: Phones, double: Double, way: Way, *, is_full: bool) -> dict[str, list[str]]:
    """What is wrong with each screen."""
    who, language, scheme, asked = way
    phone = phones(language=language, scheme=scheme)
    found = {}
    for name in visit(phone, double, who=who, is_full=is_full):
        if wrong := [fault for look in asked for fault in look(phone)]:
            found[name] = wrong
        looks.sized(phone, 360, 740)
    return found


@each(FULL)
def test_nothing_is_wrong_with_any_screen_of_the_project(
    phones: Phones, double: Double, way: Way
) -> None:
    assert faults(phones, double, way, is_full=True) == {}


@each(EMPTY)
def test_nothing_is_wrong_where_nothing_was_said_yet(
    phones: Phones, double: Double, way: Way
) -> None:
    assert faults(phones, double, way, is_full=False) == {}


ARRIVED = "document.activeElement?.id === 'title' && document.querySelectorAll('h1').length === 1"


def test_every_screen_begins_at_its_heading_and_belongs_to_a_tab(
    phone: Phone, double: Double
) -> None:
    ids = fill(double)
    come_in(phone, double, MIA)
    page = phone.page
    more = page.locator(".tabs button").last.inner_text()
    for place, scenes in SCENES.items():
        if place in OF_STAFF:
            continue
        about = {name: _id(ids, text) for name, text in scenes[0].about.items()}
        page.evaluate(GO, ["more", {}])
        page.evaluate(GO, [place, about])
        assert page.evaluate(ARRIVED), place
        tab = page.locator(".tabs [aria-current=page]").inner_text()
        assert (tab == more) == (place in OF_MORE), place


def test_a_project_can_be_made_with_the_keyboard_alone(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.project()
    page = phone.page

    def press(words: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            said = page.evaluate("document.activeElement.innerText ?? ''")
            if said.strip() == words:
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"No way leads to {words!r}.")

    press("Something I want")
    assert page.evaluate("document.activeElement.id") == "title"
    press("Health")
    press("Next")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.tagName") != "TEXTAREA":
        page.keyboard.press("Tab")
    page.keyboard.type("Sleep well")
    press("Next")
    for _ in range(3):
        press("I don't know yet")
    page.wait_for_selector(".goal")
    expect(page.locator(".goal")).to_contain_text("Sleep well", use_inner_text=True)


def test_the_heading_takes_the_focus_before_anybody_can_write(phone: Phone, double: Double) -> None:
    phone.pair()
    phone.project()
    page = phone.page
    page.get_by_role("button", name="Something I want").click()
    page.get_by_role("button", name="Health").click()
    # Whoever is quickest of all: in the field as soon as it is there, and at the first letter.
    page.evaluate(
        """
        window.stayed = new Promise(done => {
            new MutationObserver((_, watching) => {
                const field = document.querySelector("textarea");
                if (!field) return;
                watching.disconnect();
                field.focus();
                let frames = 0;
                const look = () => (frames += 1) < 30
                    ? requestAnimationFrame(look) : done(document.activeElement === field);
                look();
            }).observe(document.body, {childList: true, subtree: true});
        });
        null;
        """
    )
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("window.stayed")
