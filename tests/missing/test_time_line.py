"""A search as one line of time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from server.i18n import format_moment
from server.missing.profile.from_search import search_of
from server.missing.search.opening import Saying, open_episode
from server.missing.search.pictures.time_line import WIDTH, Event, drawn
from server.people.rules import Role
from server.plan.paper.fonts import fonts
from server.watch.actions import SightingRequest, note_sighting
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.missing.test_pack import prepared
from tests.missing.test_pack_paper import FULL, ON_SQLITE, opened, pages, paper
from tests.missing.test_returns import complete
from tests.plan.pdfs import boxes, text_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
events = st.builds(
    lambda seconds, is_due: Event(NOW + timedelta(seconds=seconds), "x", is_due),
    st.integers(-40 * 86_400, 40 * 86_400),
    st.booleans(),
)


@given(st.lists(events, max_size=60))
def test_each_event_has_one_mark_in_the_order_of_time_and_on_its_side_of_now(
    given_events: list[Event],
) -> None:
    line = drawn(given_events, NOW)
    assert sorted(event.at for mark in line.marks for event in mark.events) == sorted(
        event.at for event in given_events
    )
    assert len({mark.letter for mark in line.marks}) == len(line.marks)
    for mark in line.marks:
        assert 0 <= mark.x <= WIDTH
        if all(event.at <= NOW for event in mark.events):
            assert mark.x <= line.now_x
        if all(event.at >= NOW for event in mark.events):
            assert mark.x >= line.now_x
    for is_due in (False, True):
        places = [mark.x for mark in line.marks if mark.is_due == is_due]
        assert places == sorted(places)


def test_a_search_that_has_just_begun_is_drawn() -> None:
    line = drawn([Event(NOW, "Reported")], NOW)
    assert [mark.letter for mark in line.marks] == ["A"]
    assert drawn([], NOW).marks == ()


async def test_the_page_of_a_search_draws_it_and_says_it_as_a_table(cast: Cast) -> None:
    now = cast.clock()
    seen = {"at": "2026-03-02T09:30:00Z", "where": "In the garden"}
    saying = Saying(now, None, seen, ())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), saying, now)
    cast.clock.advance(hours=1)
    async with at_desk(cast, "tom") as tom:
        page = (await tom.get(f"/desk/episodes/{episode.id}")).text
    figure = page.split('class="plot time-line"')[1].split("</figure>")[0]
    assert (
        figure.index("Last seen")
        < figure.index("Said the child is missing")
        < figure.index("· still to do")
    )
    assert figure.count("<circle") >= 1
    assert "<rect" in figure
    on_paper = figure.split('class="only-print small"')[1].split("</ul>")[0]
    assert "2 Mar 2026" in on_paper, "paper is read on another day"
    assert "today" not in on_paper


async def test_the_pack_has_the_line_while_a_search_is_on_and_partners_never(cast: Cast) -> None:
    before = text_of(await paper(cast))
    assert "Said the child is missing" not in before
    await opened(cast)
    shown = " ".join(text_of(await paper(cast)).split())
    assert "Said the child is missing" in shown
    partner = text_of(await paper(cast, "?for=partner"))
    assert "Said the child is missing" not in partner


async def test_on_the_pack_a_sighting_is_at_the_moment_it_was_and_says_when_it_was_logged(
    cast: Cast,
) -> None:
    await opened(cast)
    cast.clock.advance(hours=2)
    now = cast.clock()
    seen_at = now - timedelta(minutes=80)
    for when, place in ((seen_at, "Station"), (None, "Harbour")):
        asked = SightingRequest(uuid4(), "seen", seen_at=when, place=place)
        await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, now)
    search = await search_of(cast.mia.id, "en", ZoneInfo("Europe/Paris"))
    assert search is not None
    logged = f"(logged {format_moment('en', now, ZoneInfo('Europe/Paris'))})"
    signs = [event for event in search.events if "sign of life" in event.title]
    assert [(event.at, event.title) for event in signs] == [
        (seen_at, f"A sign of life {logged}"),
        (now, "A sign of life"),
    ]
    assert [logged in sign.text for sign in search.signs] == [True, False]


@pytest.mark.slow
@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_full_pack_stays_one_page_and_gives_up_the_line_before_its_letters(
    cast: Cast, language: str
) -> None:
    await prepared(cast, FULL)
    await opened(cast)
    made = await paper(cast, f"?language={language}")
    assert len(pages(made)) == 1
    for value in FULL.values():
        assert value in text_of(made) or value[::-1] in text_of(made)


ALONE = """#import "/missing/search/pictures/time_line.typ": time-line
#set page(width: 200mm, height: 60mm, margin: 10mm)
#set text(lang: sys.inputs.lang, dir: if sys.inputs.lang == "ar" { rtl } else { ltr })
#time-line(json(bytes(sys.inputs.line)), 180mm, 9pt, sys.inputs.lang == "ar")
"""


@pytest.mark.parametrize("x", [40, 200, 360])
def test_each_letter_stands_in_the_middle_above_its_mark_in_both_directions(x: int) -> None:
    mark = {"x": x, "letter": "H"}
    line = {"width": WIDTH, "middle": None, "marks": [mark], "key": [{"letter": "H", "text": "-"}]}
    for language, place in (("en", x), ("ar", WIDTH - x)):
        inputs = {"line": json.dumps(line), "lang": language}
        made = typst.compile(
            ALONE.encode(), root="server", format="pdf", font_paths=fonts(), sys_inputs=inputs
        )
        _, begin, _, end, _ = max(boxes(made), key=lambda box: box[-1])
        wanted = (10 + place * 180 / WIDTH) * 72 / 25.4
        assert abs((begin + end) / 2 - wanted) < 1, (language, begin, end, wanted)


async def test_the_summary_of_a_return_and_the_handover_have_the_line(cast: Cast) -> None:
    episode = await complete(cast)
    async with at_desk(cast, "tom") as tom:
        made = await tom.get(f"/desk/episodes/{episode.id}/summary.pdf")
        printed = await tom.get(f"/desk/children/{cast.mia.id}/account")
    words = " ".join(text_of(made.content).split())
    assert words.index("Said the child is missing") < words.index("The search")
    figure = printed.text.split('class="plot time-line"')[1].split("</figure>")[0]
    assert ">Found</text>" in figure
    assert "Said the child is missing" in figure
