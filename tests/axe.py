"""What axe finds on a page, asked so that it costs little: a document reads the checker once."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright import async_api, sync_api

# With `preload` it reads style sheets again as inline ones: our own policy forbids that. Without
# `resultTypes` it also hands over each thing that passed, which takes as long as to look.
OPTIONS = {
    "runOnly": [
        "wcag2a",
        "wcag2aa",
        "wcag21a",
        "wcag21aa",
        "wcag22aa",
        "wcag2aaa",
        "best-practice",
    ],
    # What is too pale for one is too pale for the other, and to look takes half of the time.
    "rules": {"color-contrast-enhanced": {"enabled": True}, "color-contrast": {"enabled": False}},
    "preload": False,
    "resultTypes": ["violations"],
}
IS_THERE = "Boolean(window.axe)"
# The rule and the first place of each: the rest of what it says is large, and nobody reads it.
RUN = """async (options) => (await axe.run(document, options)).violations
    .map(({id, nodes}) => [id, nodes[0].html])"""

Violations = list[list[str]]


def violations(page: sync_api.Page) -> Violations:
    """The rule and the first place of each violation."""
    if not page.evaluate(IS_THERE):
        page.evaluate(AXE_SCRIPT)
    found: Violations = page.evaluate(RUN, OPTIONS)
    return found


async def violations_of(page: async_api.Page) -> Violations:
    """The same on a page of the other kind of Playwright."""
    if not await page.evaluate(IS_THERE):
        await page.evaluate(AXE_SCRIPT)
    found: Violations = await page.evaluate(RUN, OPTIONS)
    return found
