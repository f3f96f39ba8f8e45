"""What a page keeps apart from its own direction: names and typed words, no sentence of ours."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

from server.i18n import apart
from server.missing.search.models import Episode
from server.people.actions import set_language
from tests.cast import Cast
from tests.desk.test_ways import crawl, stage
from tests.desk.walking import at_desk

# A sentence of ours has its values between these, where they run the other way.
BEGINS = "\u2068"
# What we put together is apart from the page, as a name is: between tags of `bdi`, or with `dir`.
OWN_DIRECTION = re.compile(
    r'<(bdi|p|blockquote|span)( [^>]*dir="auto"[^>]*)?>(.*?)</\1>', re.DOTALL
)


def kept_apart(page: str) -> list[str]:
    """The texts of a page that run as their first letter does."""
    return [
        unescape(re.sub("<[^>]*>", "", text))
        for tag, direction, text in OWN_DIRECTION.findall(page)
        if tag == "bdi" or direction
    ]


def test_the_guard_knows_a_sentence_that_begins_with_a_name() -> None:
    sentence = f"{apart('ar', 'Tom')} أغلق التنبيه."
    assert sentence.startswith(BEGINS)
    for page in (f"<bdi>{sentence}</bdi>", f'<p class="said" dir="auto">{sentence}</p>'):
        assert kept_apart(page) == [sentence]
    assert kept_apart(f"<p>{sentence}</p>") == []


async def test_no_sentence_of_ours_runs_as_the_name_in_it_does(cast: Cast) -> None:
    await stage(cast)
    await set_language(cast.actor("tom"), cast.tom.id, "ar", cast.clock())
    pages = (await crawl(cast, "tom")).pages
    episode = await Episode.get(child_id=cast.mia.id)
    async with at_desk(cast, "tom") as browser:
        found = {"id": str(uuid4()), "ago": "now", "by": "Sam", "where": "Station", "words": "Ok."}
        await browser.post(f"/desk/episodes/{episode.id}/found", data=found)
        for path in (
            f"/desk/episodes/{episode.id}",
            "/desk/searches",
            f"/desk/children/{cast.mia.id}/why",
            f"/desk/children/{cast.mia.id}/why?all=1",
            f"/desk/children/{cast.mia.id}/pack",
        ):
            pages[path] = (await browser.get(path)).text
    assert any(BEGINS in page for page in pages.values())
    kept = [(path, text) for path, page in pages.items() for text in kept_apart(page)]
    assert [(path, text) for path, text in kept if BEGINS in text] == []
