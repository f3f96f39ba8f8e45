"""Paper for a project in which a field is one long run without spaces: it prints, whole."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cast import Cast
from tests.plan.pdfs import text_of, unspaced
from tests.plan.said import Phone

LONGEST = 20_000
RUNS = {
    "one letter": "W" * LONGEST,
    "an address": ("https://example.org/" + "ab/" * LONGEST)[:LONGEST],
    "emoji": "\N{GRINNING FACE}" * 5_000,
    "words": (("W" * 18 + " ") * LONGEST)[:LONGEST].strip(),
}


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_long_run_without_spaces_prints(mia: Phone, run: str, language: str) -> None:
    area = mia.make("area", kind="own", name=RUNS[run])
    assert await mia.sync(area) == ["applied"]
    answer = await mia.client.get(f"/api/v1/project.pdf?language={language}")
    assert answer.status_code == 200
    # Heads and feet of pages stand in between: each letter is there as often as it was written.
    printed, written = Counter(text_of(answer.content)), Counter(unspaced(RUNS[run]))
    assert written - printed == Counter()
