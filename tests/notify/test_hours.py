"""Quiet hours and school hours: when a child's messages wait, and for how long. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.child.hours import (
    QUIET,
    SCHOOL,
    Hours,
    School,
    held,
    read_school,
    released,
    school_data,
    why_held,
)
from server.watch.reminders.fair_chance import BEFORE, ENOUGH, fair_chance

PARIS = ZoneInfo("Europe/Paris")
NIGHT = (time(22), time(7))
LESSONS = School({day: (time(8), time(15, 30)) for day in range(5)})
HOURS = Hours("Europe/Paris", NIGHT, LESSONS)


def at(text: str) -> datetime:
    """A moment by the clock in Paris; the 2nd of March 2026 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "why", "ends"),
    [
        ("2026-03-02T13:00", SCHOOL, "2026-03-02T15:30"),
        ("2026-03-02T08:00", SCHOOL, "2026-03-02T15:30"),
        ("2026-03-02T15:30", None, None),
        ("2026-03-02T07:30", None, None),
        ("2026-03-02T23:00", QUIET, "2026-03-03T07:00"),
        ("2026-03-02T03:00", QUIET, "2026-03-02T07:00"),
        ("2026-03-07T13:00", None, None),  # Saturday.
        ("2026-03-28T23:30", QUIET, "2026-03-29T07:00"),  # The night of one hour less.
    ],
)
def test_a_message_waits_for_the_end_of_the_hours_it_falls_into(
    moment: str, why: str | None, ends: str | None
) -> None:
    waits = held(HOURS, at(moment))
    assert (waits and waits.why) == why
    assert (waits and waits.end) == (ends and at(ends))


def test_hours_that_meet_are_waited_for_together() -> None:
    early = School({0: (time(7), time(15, 30))})
    waits = held(Hours("Europe/Paris", NIGHT, early), at("2026-03-02T06:00"))
    assert waits is not None
    assert (waits.begin, waits.end) == (at("2026-03-01T22:00"), at("2026-03-02T15:30"))


def test_in_the_holidays_there_are_no_school_hours() -> None:
    off = School(LESSONS.days, (date(2026, 3, 3), date(2026, 3, 4)))
    hours = Hours("Europe/Paris", None, off)
    noons = [at(f"2026-03-0{day}T12:00") for day in range(2, 6)]
    assert [why_held(hours, noon) for noon in noons] == [SCHOOL, None, None, SCHOOL]


times = st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None))
moments = st.integers(0, 60 * 24 * 800).map(
    lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(minutes=1)
)
schools = st.dictionaries(
    st.integers(0, 6),
    st.tuples(times, times).filter(lambda each: each[0] < each[1]),
).map(School)
hours = st.builds(
    Hours,
    st.sampled_from(["Europe/Paris", "UTC", "America/Nuuk", "Asia/Kathmandu"]),
    st.none() | st.tuples(times, times),
    st.none() | schools,
)


@given(hours, moments)
def test_nothing_goes_out_before_its_time_and_what_waits_ends(
    some: Hours, moment: datetime
) -> None:
    going = released(some, moment)
    assert moment <= going <= moment + timedelta(days=2)
    if why_held(some, moment) is None:
        assert going == moment
    elif going < moment + timedelta(days=1):
        assert why_held(some, going) is None


@pytest.mark.slow
@given(schools)
def test_school_hours_are_read_as_they_were_stored(school: School) -> None:
    assert read_school(school_data(school)) == (school if school.days else None)


@given(
    hours,
    moments,
    st.lists(st.integers(0, 200), min_size=3, max_size=3),
    st.integers(1, 400),
    st.integers(0, 300),
)
def test_a_child_gets_a_reminder_in_time_or_one_more(
    some: Hours, due: datetime, waits: list[int], grace: int, opens_before: int
) -> None:
    minute = timedelta(minutes=1)
    opens, late = due - opens_before * minute, due + grace * minute
    before = max(opens, due - waits[0] * minute)
    reminders = [before, due, min(due + waits[2] * minute, late)]
    fair = fair_chance(some, opens, reminders, late)
    going = [(each, released(some, each)) for each in reminders]
    if any(when == each or when <= late - ENOUGH for each, when in going):
        assert fair is None
        return
    if fair is None:
        # Only in hours of the night is a child left alone.
        assert all(why_held(some, each) == QUIET for each in reminders[1:])
        return
    assert opens <= fair.at <= late
    assert fair.gives_way == (why_held(some, fair.at) == SCHOOL)


def test_a_reminder_that_would_come_too_late_comes_before_the_hours() -> None:
    """Due at 08:45, an hour for it; the first reminder would be at 08:15, school begins at 08:00
    and ends at 15:30."""
    opens, due, late = (at(f"2026-03-02T{hour}") for hour in ("06:45", "08:45", "09:45"))
    reminders = [at("2026-03-02T08:15"), due, at("2026-03-02T09:15")]
    fair = fair_chance(Hours("Europe/Paris", None, LESSONS), opens, reminders, late)
    assert fair is not None
    assert (fair.at, fair.gives_way) == (at("2026-03-02T08:00") - BEFORE, False)


def test_where_no_answer_counts_before_the_hours_one_reminder_comes_within_them() -> None:
    opens, due, late = (at(f"2026-03-02T{hour}") for hour in ("11:00", "13:00", "15:00"))
    reminders = [at("2026-03-02T12:00"), due, at("2026-03-02T13:30")]
    fair = fair_chance(HOURS, opens, reminders, late)
    assert fair is not None
    assert (fair.at, fair.gives_way) == (due, True)
