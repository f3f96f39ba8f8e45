"""Every page of the desk in a real Chromium, in each language: readable, reachable, never sideways.

A page is opened once for each language, and everything is asked of it then: to open it takes longer
than to ask. The pages are in parts, which run side by side.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize

from tests.browser import every, further, looks, rest
from tests.browser.keys import walked
from tests.browser.opened import ON_SQLITE, chromium, each_page
from tests.cast import Cast
from tests.desk import scenes

pytestmark = pytest.mark.browser

PARTS = 3
DESK: ViewportSize = {"width": 1280, "height": 800}
NARROW, PHONE = (320, 568), (360, 740)
# 1280 x 1024 pixels at 400 %.
FAR = (320, 256)


async def of_english(page: Page, keys_at: tuple[int, int]) -> list[str]:
    """In light, as on a desk; then on a phone, on a narrow one, and by the keys."""
    wrong = await looks.by_axe(page)
    await looks.sized(page, *PHONE)
    wrong += await looks.small(page)
    await looks.sized(page, *NARROW)
    wrong += await looks.sideways(page)
    await looks.sized(page, *keys_at)
    return wrong + await walked(page)


async def of_arabic(page: Page, _: tuple[int, int]) -> list[str]:
    """In the dark, from right to left."""
    wrong = await looks.by_axe(page) + await looks.in_english(page, "ar")
    await looks.sized(page, *NARROW)
    return wrong + await looks.sideways(page)


async def of_french(page: Page, _: tuple[int, int]) -> list[str]:
    """The longest words, also in letters of twice the size, as the settings of a browser make them:
    what goes by the width of a letter follows."""
    wrong = await looks.in_english(page, "fr")
    await looks.sized(page, *NARROW)
    wrong += await looks.sideways(page)
    await looks.sized(page, *PHONE)
    devtools = await page.context.new_cdp_session(page)
    await looks.lettered(page, devtools, 2)
    if await page.evaluate(looks.IS_SIDEWAYS):
        wrong.append("sideways in letters of twice the size")
    wrong += [f"{cut} in letters of twice the size" for cut in await looks.cut_off(page)]
    await looks.lettered(page, devtools, 1)
    await devtools.detach()
    return wrong


LOOKS = {"en": ("light", of_english), "ar": ("dark", of_arabic), "fr": ("light", of_french)}


@ON_SQLITE
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", LOOKS)
async def test_nothing_is_wrong_with_any_page(cast: Cast, language: str, part: int) -> None:
    """Half of the pages by keys on a phone, with the bar; the others far away."""
    first, more = await every.first(cast), await further.pages(cast)
    pages = [*(first | more | await rest.pages(cast)).items()][part::PARTS]
    scheme, faults_of = LOOKS[language]
    found: dict[str, Any] = {}
    async with scenes.serving(cast) as url, chromium() as browser:
        how = {"language": language, "scheme": scheme}
        async for name, page in each_page(cast, browser, url, dict(pages), **how):
            if wrong := await faults_of(page, PHONE if name in more else FAR):
                found[name] = wrong
            # The next one is opened as on a desk again.
            await page.set_viewport_size(DESK)
    assert found == {}
