"""What is asked of a screen of the phone: each answers with what is wrong, and with nothing if all
is well. They leave the screen as it was, so that all may be asked of it one after the other."""

from __future__ import annotations

from collections.abc import Callable

from tests.axe import violations
from tests.pwa.conftest import Phone

MAIN_TARGET = 72
TARGET = 44

IS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LARGER = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('html { font-size: 225% !important }');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
AS_BEFORE = "() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1); }"
SMALL = """([least, main]) => [...document.querySelectorAll('button, a:not(.skip), summary, input')]
  .map((one) => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.width > 0)
  .filter(([box, one]) => Math.min(box.width, box.height) < least - 0.5
    || (one.matches('.act .main') && box.height < main))
  .map(([, one]) => one.innerText || one.outerHTML)"""
# What a keyboard can reach, and where it is now.
REACHABLE = """() => {
  const all = [...document.querySelectorAll('button, a[href], input, textarea, select, summary')];
  window.all = all.filter((one) => !one.disabled && one.checkVisibility());
  return window.all.length;
}"""
FOCUSED = """() => {
  const here = document.activeElement;
  const style = getComputedStyle(here);
  const box = here.getBoundingClientRect();
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
  const on = document.elementFromPoint(box.left + box.width / 2, y);
  return {
    number: window.all.indexOf(here),
    words: (here.innerText || here.id || here.tagName).slice(0, 60),
    isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    isCovered: !(here === on || here.contains(on) || on?.contains(here)),
  };
}"""

Look = Callable[[Phone], list[str]]


def sized(phone: Phone, width: int, height: int) -> None:
    """The phone with a screen of that size."""
    phone.page.set_viewport_size({"width": width, "height": height})
    assert phone.page.evaluate("[innerWidth, innerHeight]") == [width, height]


def is_sideways(phone: Phone) -> bool:
    """Whether it scrolls sideways."""
    overflows: bool = phone.page.evaluate(IS_SIDEWAYS)
    return overflows


def by_axe(phone: Phone) -> list[str]:
    """Each rule of axe that is broken, with the first place."""
    return [f"{rule}: {html}" for rule, html in violations(phone.page)]


def narrow(phone: Phone) -> list[str]:
    """On 320 pixels: sideways, and what is too small for a finger."""
    sized(phone, 320, 568)
    wrong = ["sideways on 320 pixels"] if is_sideways(phone) else []
    return wrong + [f"small: {one}" for one in phone.page.evaluate(SMALL, [TARGET, MAIN_TARGET])]


def large(phone: Phone) -> list[str]:
    """In letters of twice the size."""
    sized(phone, 360, 740)
    phone.page.evaluate(LARGER)
    wrong = ["sideways at twice the size"] if is_sideways(phone) else []
    phone.page.evaluate(AS_BEFORE)
    return wrong


def by_keys(phone: Phone) -> list[str]:
    """What a reader of the screen cannot name, and what the keyboard does not come to, or comes to
    unseen. Begins where the focus is."""
    return [f"no name: {role}" for role in nameless(phone)] + unreachable(phone)


def unreachable(phone: Phone) -> list[str]:
    """What of a screen the keyboard does not come to, or comes to unseen."""
    page = phone.page
    count, reached, wrong = page.evaluate(REACHABLE), set(), []
    # A field for a day or a time has a stop for each part of it.
    for _ in range(count + 16):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here["number"] < 0 or here["number"] in reached:
            continue
        reached.add(here["number"])
        if not here["isSeen"]:
            wrong.append(f"{here['words']!r} shows no focus")
        if here["isCovered"]:
            wrong.append(f"{here['words']!r} is covered")
        if len(reached) == count:
            break
    if len(reached) < count:
        wrong.append(f"{len(reached)} of {count}")
    return wrong


def nameless(phone: Phone) -> list[str]:
    """What a screen reader meets and cannot name."""
    nodes = phone.devtools().send("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value")
        named = {"button", "link", "textbox", "img", "heading", "Date", "navigation"}
        if not node.get("ignored") and role in named and not node.get("name", {}).get("value"):
            found.append(str(role))
    return found
