"""What is asked of a page that is open: each answers with what is wrong, and with nothing if all is
well. They leave the page as it was, so that all may be asked of it one after the other."""

from __future__ import annotations

from playwright.async_api import CDPSession, Page

from server import i18n
from tests.axe import violations_of

IS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
# Letters further apart, as a reader may set them (WCAG 1.4.12), and back.
SPACED = """() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}"""
UNSPACED = "() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1) }"
# Words that their box does not show; those for readers alone have a box of one pixel. What a
# picture shortens, the table beside it has whole.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && !one.closest('svg, [aria-hidden="true"]'))
    .filter((one) => one.innerText?.trim())
    .filter((one) => {
        const style = getComputedStyle(one)
        const hides = (how) => how === 'hidden' || how === 'clip'
        const isCut = (hides(style.overflowX) && one.scrollWidth > one.clientWidth + 1)
            || (hides(style.overflowY) && one.scrollHeight > one.clientHeight + 1)
        return style.clipPath === 'none' && isCut
    })
    .map((one) => one.outerHTML.slice(0, 90))"""
# Links inside a sentence or a table are as high as its line; those that stand alone are as high as
# a finger. So are the labels of what is chosen.
SMALL = """() => [...document.querySelectorAll(
    'button, .button, summary, select, input:not([type=hidden], [type=radio],'
    + '[type=checkbox]), .choice, .faces label, .top a, .low a, .tabs a,'
    + '.crumbs a, .back a, .foot a, .name a')]
    .filter((one) => one.checkVisibility())
    .filter((one) => !one.closest('details:not([open]) ul'))
    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .filter(([, box]) => Math.min(box.width, box.height) < 43.5)
    .map(([html]) => html)"""
SAID = """() => [...document.querySelectorAll('main, header, title')].flatMap((one) => {
    const all = document.createTreeWalker(one, NodeFilter.SHOW_TEXT)
    const found = []
    while (all.nextNode())
        if (!all.currentNode.parentElement.closest('.said'))
            found.push(all.currentNode.data.trim())
    return found
})"""
LETTERS = {1: {"standard": 16, "fixed": 13}, 2: {"standard": 32, "fixed": 26}}


async def sized(page: Page, width: int, height: int) -> None:
    """The page as it is in a window of that size."""
    await page.set_viewport_size({"width": width, "height": height})
    assert await page.evaluate("[innerWidth, innerHeight]") == [width, height]


async def lettered(page: Page, devtools: CDPSession, size: int) -> None:
    """The page as a browser shows it whose reader has set letters of so many times the size."""
    letters = LETTERS[size]
    await devtools.send("Page.setFontSizes", {"fontSizes": letters})
    # A width in "em" goes by the letters of the browser, whatever the page makes of them.
    shown = "(letters) => matchMedia(`(width: ${innerWidth / letters}em)`).matches"
    assert await page.evaluate(shown, letters["standard"])


async def by_axe(page: Page) -> list[str]:
    """Each rule of axe that is broken, with the first place."""
    return [f"{rule}: {html}" for rule, html in await violations_of(page)]


async def in_english(page: Page, language: str) -> list[str]:
    """What a page says in English that the catalog has in the reader's language. Some pages speak
    that of a child instead, and say so."""
    if await page.evaluate("document.documentElement.lang") != language:
        return []
    return [
        f"in English: {text}"
        for text in await page.evaluate(SAID)
        if " " in text and i18n.gettext(language, text) != text
    ]


async def sideways(page: Page) -> list[str]:
    """Whether it scrolls sideways; also where a reader has set the letters further apart, and then
    what words are cut off."""
    wrong = ["sideways"] if await page.evaluate(IS_SIDEWAYS) else []
    await page.evaluate(SPACED)
    if await page.evaluate(IS_SIDEWAYS):
        wrong.append("sideways, with letters further apart")
    wrong += await cut_off(page)
    await page.evaluate(UNSPACED)
    return wrong


async def cut_off(page: Page) -> list[str]:
    """The words that do not fit into their box."""
    return [f"cut off: {html}" for html in await page.evaluate(CUT_OFF)]


async def small(page: Page) -> list[str]:
    """What is too small for a finger."""
    return [f"small: {html}" for html in await page.evaluate(SMALL)]
