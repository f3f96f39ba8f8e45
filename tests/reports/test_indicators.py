"""The indicators: every time counts, no small number is told, and none can be worked out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import actions, opening
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.opening import Saying
from server.people.models import Person
from server.reports.indicators import (
    FEWEST,
    Case,
    ends_of,
    indicators,
    parts,
    quarter_of,
    showable,
    wait,
)
from tests.cast import Cast
from tests.desk.walking import answer, at_desk

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
H = timedelta(hours=1)


def case(n: int = 0, child: UUID | None = None, **more: Any) -> Case:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC) + n * timedelta(days=1)
    usual: dict[str, Any] = {
        "opened_at": at,
        "answered_at": at - 3 * H,
        "told_at": at,
        "reported_at": at + H,
        "found_at": at + 5 * H,
        "offered_at": at + 20 * H,
        "held_at": None,
    }
    return Case(child or uuid4(), **(usual | more))


# --- pure


@given(st.integers(2, 9998), st.integers(1, 4))
def test_a_quarter_begins_where_the_one_before_ends(year: int, quarter: int) -> None:
    first, after = ends_of(year, quarter)
    assert quarter_of(first) == (year, quarter)
    assert quarter_of(after - timedelta(days=1)) == (year, quarter)
    assert quarter_of(after) != (year, quarter)
    assert 90 <= (after - first).days <= 92


@pytest.mark.parametrize(("year", "quarter"), [(2026, 0), (2026, 5), (0, 1), (9999, 4), (1, 1)])
def test_there_is_no_such_quarter(year: int, quarter: int) -> None:
    with pytest.raises(ValueError, match="no such quarter"):
        ends_of(year, quarter)


@given(st.integers(0, 40), st.integers(0, 40))
def test_neither_a_small_number_nor_a_small_rest_is_told(n: int, left: int) -> None:
    shown = showable(n, n + left)
    assert (shown is None) == (0 < n < FEWEST or 0 < left < FEWEST)
    assert shown in (None, n)


@given(st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 30), min_size=1))
def test_from_the_whole_and_the_parts_that_are_told_no_small_part_follows(
    counts: dict[str, int],
) -> None:
    shown = parts(counts)
    assert all(n is None or n == counts[name] for name, n in shown.items())
    assert all(n is None or n == 0 or n >= FEWEST for n in shown.values())
    hidden = [name for name, n in shown.items() if n is None]
    told = [name for name, n in shown.items() if n]
    # One alone is left out only where there is nothing else, and so nothing to subtract from.
    assert len(hidden) != 1 or not told


def test_spans_are_the_middle_and_the_ninth_of_ten() -> None:
    spans = [n * H for n in range(1, 11)]
    assert (wait(spans).median, wait(spans).ninth) == (6 * H, 9 * H)
    assert wait(spans[:4]).median is None
    assert wait([*spans[:4], None]).median is None
    assert (wait(spans[:5]).median, wait(spans[:5]).ninth) == (3 * H, None)


def test_every_time_counts_from_the_last_answer() -> None:
    cases = [case(n) for n in range(10)]
    found = indicators(cases, {}, NOW)
    assert (found.episodes, found.children, found.again) == (10, 10, 0)
    assert found.to_told.median == 3 * H
    assert found.to_report.median == 4 * H
    assert found.to_found.ninth == 8 * H
    assert (found.found, found.offered, found.held) == (10, 10, 0)


def test_a_child_who_never_answered_counts_and_makes_no_span() -> None:
    found = indicators([case(n, answered_at=None) for n in range(6)], {}, NOW)
    assert found.episodes == 6
    assert found.to_told.median is None


def test_a_talk_that_came_late_or_is_not_due_yet_is_none_in_time() -> None:
    late = [case(n, offered_at=case(n).opened_at + 100 * H) for n in range(5)]
    in_time = [case(n + 10) for n in range(5)]
    fresh = [case(50, found_at=NOW - H, offered_at=None)] * 5
    found = indicators([*late, *in_time, *fresh], {}, NOW)
    assert (found.found, found.offered) == (10, 5)


def test_a_talk_that_was_held_without_an_offer_was_offered() -> None:
    held = [case(n, offered_at=None, held_at=case(n).opened_at + 30 * H) for n in range(5)]
    found = indicators(held, {}, NOW)
    assert (found.offered, found.held) == (5, 5)


def test_a_child_that_goes_again_and_again_is_one_child() -> None:
    child = uuid4()
    cases = [*(case(n, child) for n in range(3)), *(case(n) for n in range(10))]
    found = indicators(cases, {}, NOW)
    # Two times more than children tell of one child, so the children are not said.
    assert (found.episodes, found.children, found.again) == (13, None, None)


# --- from the rows


async def away(cast: Cast, name: str, *, found: bool) -> None:
    now, child = cast.clock(), cast.children[name]
    episode, _ = await opening.open_episode(cast.actor("tom"), child.id, uuid4(), Saying(now), now)
    later = cast.clock.advance(hours=2)
    await actions.enter(
        cast.actor("tom"),
        episode.id,
        EntryRequest(uuid4(), Act.REPORT, at=later, details={"to": "police", "way": "phone"}),
        later,
    )
    if not found:
        return
    seen = cast.clock.advance(hours=2)
    what = Found(seen, "At home", "Sam", "Well.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, seen)
    offered = cast.clock.advance(hours=10)
    await actions.enter(
        cast.actor("tom"),
        episode.id,
        EntryRequest(
            uuid4(),
            Act.INTERVIEW_OFFERED,
            at=offered,
            details={"answer": "accepted", "who": "Rosa"},
        ),
        offered,
    )


async def read(cast: Cast, name: str = "ines", query: str = "") -> Any:
    await cast.new_token(name)  # Days have passed since they signed in.
    async with cast.client_as(name) as client:
        answered = await client.get(f"/api/v1/indicators{query}")
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_a_quarter_is_counted_from_the_rows(cast: Cast) -> None:
    for _ in range(5):
        await answer(cast, "mia")
        cast.clock.advance(hours=1)
        await away(cast, "mia", found=True)
        cast.clock.advance(days=4)
    told = await read(cast)
    assert told["quarter"] == "2026-1"
    assert told["episodes"] == 5
    assert told["to_told"] == {"median": 60, "ninth_of_ten": None}
    assert told["to_report"]["median"] == 180
    assert told["to_found"]["median"] == 300
    assert told["interviews_due"] == told["interviews_offered_in_time"] == 5
    assert told["interviews_held_in_time"] == 0
    before = await read(cast, query="?quarter=2025-4")
    assert before["episodes"] == 0


async def test_one_child_alone_is_told_of_by_nothing(cast: Cast) -> None:
    await answer(cast, "mia")
    await away(cast, "mia", found=True)
    cast.clock.advance(days=4)
    told = await read(cast)
    numbers = [told["episodes"], told["children"], told["missing_again"]]
    assert numbers == [None, None, None]
    assert told["to_found"] == {"median": None, "ninth_of_ten": None}
    assert told["interviews_due"] is None


async def test_a_silence_that_ended_as_known_elsewhere_is_counted(cast: Cast) -> None:
    now = cast.clock()
    for n in range(6):
        await Alert.create(
            agency_id=cast.agency.id,
            child_id=cast.mia.id,
            cause="silence",
            tier="mid",
            opened_at=now - timedelta(days=n + 1),
            noticed_at=now - timedelta(days=n + 1),
            reason="silent",
            ladder={},
            state="closed",
            closed_at=now,
            outcome=Outcome.KNOWN_ELSEWHERE.value,
        )
    told = await read(cast)
    assert told["alerts_by_outcome"]["known_elsewhere"] == 6
    assert told["alerts_by_outcome"]["seen"] == 0


async def test_another_agency_is_not_counted(cast: Cast) -> None:
    await away(cast, "mia", found=False)
    await Person.filter(id=cast.persons["uwe"].id).update(role="supervisor")
    told = await read(cast, "uwe")
    assert told["episodes"] == 0


async def test_the_page_and_the_file_say_the_same(cast: Cast) -> None:
    for _ in range(5):
        await answer(cast, "mia")
        await away(cast, "mia", found=True)
        cast.clock.advance(days=4)
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get("/desk/indicators?quarter=2026-1")).text
        file = await browser.get("/desk/indicators.csv?quarter=2026-1")
    assert "too few" in page
    assert "Until the child was seen" in page
    assert "Mia" not in page
    assert "This quarter is not over yet." in page
    rows = dict(line.split(",") for line in file.text.splitlines())
    assert rows["episodes"] == "5"
    assert rows["children"] == ""
    assert rows["to_found.median"] == "240"
    assert file.headers["content-disposition"] == 'attachment; filename="2026-1.csv"'


async def test_from_a_quarter_one_goes_to_those_beside_it(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        now = (await browser.get("/desk/indicators")).text
        before = (await browser.get("/desk/indicators?quarter=2025-4")).text
        far = (await browser.get("/desk/indicators?quarter=2024-2")).text
    assert "1 January 2026 to 31 March 2026" in now
    assert "quarter=2025-4" in now
    assert "Next quarter" not in now
    assert "1 October 2025 to 31 December 2025" in before
    assert "No search for a missing child began in this quarter." in before
    assert "too few" not in before
    assert "This quarter is not over yet." not in before
    assert "quarter=2025-3" in before
    assert "quarter=2026-1" in before
    assert "Previous quarter" not in far
    assert "quarter=2024-3" in far


@pytest.mark.parametrize("quarter", ["2026-5", "2026", "26-1", "x", "9999-4", "0000-1", "2026-1x"])
async def test_what_is_no_quarter_is_said(cast: Cast, quarter: str) -> None:
    async with cast.client_as("ines") as client:
        answered = await client.get(f"/api/v1/indicators?quarter={quarter}")
    assert answered.status_code == 422
    assert answered.json()["field"] == "quarter"


def test_today_is_in_the_quarter_of_today() -> None:
    assert quarter_of(date(2026, 11, 26)) == (2026, 4)
