"""The rota as a strip of two weeks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from server.people.actions import set_language
from server.rota.calendar import Gap, Shift
from server.rota.strip import Bar, Times, strip_of
from tests.cast import Cast
from tests.desk.test_rota_pages import nights

PARIS, NOW = ZoneInfo("Europe/Paris"), datetime(2026, 3, 28, 11, tzinfo=UTC)
DAYS = [date(2026, 3, 28) + timedelta(days=n) for n in range(3)]
TOM, INES = uuid4(), uuid4()
NAMES = {TOM: "Tom", INES: "Ines"}


def bars(shifts: list[Shift], gaps: list[Gap] | None = None, me: UUID = TOM) -> tuple[Bar, ...]:
    return strip_of(Times(shifts, gaps or [], NAMES, PARIS), DAYS, me=me, now=NOW).bars


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=PARIS).astimezone(UTC)


def test_a_night_is_on_both_of_its_days_and_a_gap_has_no_letter() -> None:
    shifts = [Shift(TOM, at(28, 18), at(29, 9))]
    first, second, third = bars(shifts, [Gap(at(28, 0), at(28, 18))])
    assert [(piece.begin, piece.width, piece.letter) for piece in first.pieces] == [
        (75.0, 25.0, "A"),
        (0.0, 75.0, ""),
    ]
    assert (first.pieces[0].is_mine, first.now) == (True, 50.0)
    # The clocks go forward: eight of 23 hours.
    assert [(piece.begin, piece.width) for piece in second.pieces] == [(0.0, 34.78)]
    assert (third.pieces, third.now) == ((), None)


def test_two_at_once_share_the_height_and_letters_go_by_name() -> None:
    shifts = [Shift(TOM, at(28, 0), at(28, 12)), Shift(INES, at(28, 6), at(28, 18))]
    strip = strip_of(Times(shifts, [], NAMES, PARIS), DAYS, me=TOM, now=NOW)
    assert strip.letters == (("A", "Ines"), ("B", "Tom"))
    assert strip.bars[0].lanes == 2
    assert [(piece.letter, piece.lane) for piece in strip.bars[0].pieces] == [("B", 0), ("A", 1)]


hours = st.integers(0, 80).map(lambda n: at(28, 0) + timedelta(hours=n))
shifts = st.builds(
    lambda who, begin, long: Shift(who, begin, begin + timedelta(hours=long)),
    st.sampled_from([TOM, INES]),
    hours,
    st.integers(1, 40),
)


@given(st.lists(shifts, max_size=12))
def test_no_piece_leaves_its_day_or_lies_over_another(given_shifts: list[Shift]) -> None:
    for bar in bars(given_shifts):
        ends: dict[int, float] = {}
        for piece in bar.pieces:
            assert piece.begin >= ends.get(piece.lane, 0.0) - 0.02
            ends[piece.lane] = piece.begin + piece.width
            assert ends[piece.lane] <= 100.01
            assert piece.lane < bar.lanes


async def test_the_page_of_the_rota_shows_two_weeks_at_a_glance(cast: Cast) -> None:
    async with cast.browser_as("ines") as ines:
        form = {
            "id": str(uuid4()),
            "day": ["0", "1"],
            "begins": "20:00",
            "ends": "08:00",
            "person": str(cast.tom.id),
            "first": "2026-03-02",
            "zone": "Europe/Paris",
        }
        added = await ines.post("/desk/rota/duties", data=form)
        assert added.status_code == 303, added.text
        page = (await ines.get("/desk/rota")).text
    strip = page.split('class="rota-strip"')[1].split("</figure>")[0]
    assert strip.count('class="bar-of-day"') == 14
    assert "Tom Verhoeven" in strip
    assert 'class="gap"' in strip
    for day in range(14):
        assert f'href="#d{date(2026, 3, 2) + timedelta(days=day)}"' in strip


async def test_in_arabic_the_hours_run_from_the_right(cast: Cast) -> None:
    await nights(cast, "eve")
    for language, first in (("en", "60"), ("ar", "180")):
        await set_language(cast.actor("ines"), cast.ines.id, language, cast.clock())
        async with cast.browser_as("ines") as ines:
            page = (await ines.get("/desk/rota")).text
        assert re.search(rf'x="{first}(\.0)?" y="10" text-anchor="middle">6<', page), language


async def test_a_preset_fills_days_and_hours_of_the_form(cast: Cast) -> None:
    async with cast.browser_as("ines") as ines:
        page = (await ines.get("/desk/rota/duties?preset=weekends")).text
        assert page.count('name="day"') == 7
        days = page.split("<legend>")[1].split("</fieldset>")[0]
        assert days.count(" checked>") == 2
        assert 'value="20:00"' in page
        assert (await ines.get("/desk/rota/duties?preset=%00")).status_code == 200
