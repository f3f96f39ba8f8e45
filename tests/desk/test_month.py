"""The last 28 days of a child, a face a day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from server.desk.child.month import DAYS, Rows, last_days, told_of
from server.watch import ticking
from tests.cast import Cast
from tests.desk.walking import at_desk

PARIS, NOW = ZoneInfo("Europe/Paris"), datetime(2026, 3, 30, 11, tzinfo=UTC)
moments = st.integers(0, 27 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))


@given(
    st.lists(st.tuples(moments, st.none() | st.integers(1, 5))),
    st.lists(st.tuples(moments, st.sampled_from(["answered", "late", "answered_late", "seen"]))),
)
def test_each_answer_and_each_miss_is_on_one_day(
    answers: list[tuple[datetime, int | None]], rounds: list[tuple[datetime, str]]
) -> None:
    days = last_days(NOW, PARIS)
    told = told_of(Rows(answers, rounds), days, PARIS, NOW)
    assert len(days) == len(told) == DAYS
    missed = [state for _, state in rounds if state == "late"]
    assert sum(day.missed for day in told.values()) == len(missed)
    assert {day for day, there in told.items() if there.is_answered} == {
        at.astimezone(PARIS).date() for at, _ in answers
    }


def test_the_last_face_of_a_day_counts_and_an_answer_without_one_takes_none_away() -> None:
    morning, evening = datetime(2026, 3, 29, 7, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC)
    answers = [(morning, 2), (morning + timedelta(hours=5), None), (evening, 4)]
    pauses = [(datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 3, 22, tzinfo=UTC))]
    told = told_of(Rows(answers[:2], [], pauses), last_days(NOW, PARIS), PARIS, NOW)
    assert told[date(2026, 3, 29)].mood == 2
    assert [day.day for day, there in told.items() if there.is_away] == [20, 21]
    # 23:00 in Paris is still the same day, and 21:00 of winter time is 22:00.
    assert told_of(Rows(answers), [date(2026, 3, 29)], PARIS, NOW)[date(2026, 3, 29)].mood == 4


async def test_the_page_of_a_child_shows_faces_and_misses_and_says_them(cast: Cast) -> None:
    async with cast.client_as("mia") as mia:
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mood": 4}
        assert (await mia.post("/api/v1/check-ins", json=said)).status_code == 201
    for _ in range(40):
        cast.clock.advance(hours=1)
        await ticking.WATCHES.tick(cast.clock())
    await cast.new_token("tom")
    async with at_desk(cast, "tom") as tom:
        page = (await tom.get(f"/desk/children/{cast.mia.id}")).text
    month = page.split('class="month"')[1].split("</ol>")[0]
    assert month.count("<li") == DAYS
    heads = re.findall(r"<span>(\w+)</span>", page.split('class="weekdays"')[1].split("</p>")[0])
    assert len(set(heads)) == 7
    first, *_ = re.findall(r'title="(\w+),', month)
    assert first.startswith(heads[0])
    assert "Monday, 2 March 2026: Good and 1 check-in missed" in month
    assert "#mood-4" in month
    assert "Sunday, 1 March 2026: nothing was due" in month
