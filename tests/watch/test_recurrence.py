"""Days that come again: read, written, counted as the standard counts them."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.watch.rhythm import recurrence, rules
from server.watch.rhythm.recurrence import Recurrence
from server.watch.rhythm.rules import Rhythm, longest_gap, next_due
from server.watch.rhythm.wording import From, rhythm_in_words
from tests.watch.watches import recurrences, with_rules

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
TUESDAYS = "DTSTART;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
many = settings(max_examples=60, deadline=None)


def days_of(rule: Recurrence, first: date, days: int) -> list[date]:
    return [day for n in range(days) if rule.holds(day := first + n * DAY)]


@many
@given(recurrences())
def test_a_rule_survives_its_text(rule: Recurrence) -> None:
    assert recurrence.read(recurrence.as_text(rule), "rrule") == rule


@many
@given(recurrences(), st.integers(0, 3000))
def test_from_its_start_on_a_rule_comes_on_the_days_of_the_standard(
    rule: Recurrence, later: int
) -> None:
    # The library itself walks from the start, whatever day is asked for.
    first = rule.start + later * DAY
    text = recurrence.as_text(rule).splitlines()[-1]
    walked = rrulestr(text.removeprefix("RRULE:"), dtstart=datetime.combine(rule.start, time()))
    begin, end = (datetime.combine(day, time()) for day in (first, first + 400 * DAY))
    expected = [day.date() for day in walked.between(begin, end - DAY, inc=True)]
    assert days_of(rule, first, 400) == expected


@many
@given(recurrences(), st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_a_rule_has_no_beginning_and_no_end(rule: Recurrence, day: date) -> None:
    found = rule.next_from(day)
    assert day <= found < day + 400 * DAY
    assert not any(rule.holds(day + n * DAY) for n in range((found - day).days))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every Tuesday",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=1TU",
        "FREQ=WEEKLY;BYDAY=TU;BYDAY=WE",
        "FREQ=WEEKLY;INTERVAL=0;BYDAY=TU",
        "FREQ=WEEKLY;INTERVAL=13;BYDAY=TU",
        "FREQ=WEEKLY;INTERVAL=-2;BYDAY=TU",
        "FREQ=WEEKLY;BYDAY=TU;UNTIL=20260401",
        "FREQ=WEEKLY;BYDAY=TU;COUNT=3",
        "FREQ=WEEKLY;BYDAY=TU;WKST=SU",
        "FREQ=WEEKLY;BYDAY=TU;BYHOUR=3",
        "FREQ=DAILY;BYDAY=TU",
        "FREQ=DAILY;INTERVAL=32",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=5TU",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYDAY=1TU;BYMONTHDAY=1",
        "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=1",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=HOURLY",
        "FREQ=YEARLY;BYMONTHDAY=1",
        "DTSTART:20261345\nRRULE:FREQ=DAILY",
        "DTSTART:20260303T180000\nRRULE:FREQ=DAILY;INTERVAL=2",
        "DTSTART:99990101\nRRULE:FREQ=DAILY;INTERVAL=2",
        "FREQ=DAILY\nFREQ=DAILY\nFREQ=DAILY",
        "FREQ=DAILY;" + "X" * 300,
        7,
    ],
)
def test_what_is_no_rule_of_ours_is_refused(text: object) -> None:
    with pytest.raises(Refused) as refused:
        recurrence.read(text, "rhythm.rrule")
    assert refused.value.field == "rhythm.rrule"


@pytest.mark.parametrize(
    "data",
    [
        {"at": ["18:00"], "rrule": "FREQ=WEEKLY;BYDAY=TU", "days": [1]},
        {"at": ["18:00"], "rrule": {}},
        {"at": ["18:00"], "rrule": {"19:00": "FREQ=DAILY"}},
        {"at": ["18:00"], "rrule": {"later": "FREQ=DAILY"}},
        {"at": ["18:00"], "rrule": ["FREQ=DAILY"]},
        {
            "at": ["08:00", "09:00", "10:00"],
            "rrule": {
                "08:00": "FREQ=WEEKLY;INTERVAL=11;BYDAY=MO",
                "09:00": "FREQ=DAILY;INTERVAL=31",
                "10:00": "FREQ=DAILY;INTERVAL=29",
            },
        },
    ],
)
def test_a_rule_that_does_not_fit_its_times_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        rules.read(data)


@many
@given(st.lists(st.one_of(st.none(), recurrences()), max_size=3))
def test_a_rhythm_with_rules_survives_its_data(found: list[Recurrence | None]) -> None:
    rhythm = with_rules(Rhythm((time(8), time(12), time(20))), found)
    assert rules.read(rules.as_data(rhythm)) == rhythm


def test_one_rule_for_all_times_is_one_text_and_old_data_stays_as_it_was() -> None:
    every = {"at": ["12:00", "18:00"], "rrule": TUESDAYS}
    assert rules.as_data(rules.read(every)) == every
    old = {"at": ["09:00", "18:00"], "days": [0, 1], "from": {"18:00": "15:00"}}
    assert rules.as_data(rules.read(old)) == old
    assert rules.version(rules.read({"at": ["18:00"]}), "Europe/Paris") == "8a52ce225649c95a"


@many
@given(
    st.lists(recurrences(), min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 2500).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + n * DAY),
)
def test_no_silence_between_two_rounds_is_longer_than_the_longest_gap(
    found: list[Recurrence], is_daily: bool, start: datetime
) -> None:
    at = (time(8), time(12), time(20))[: len(found)]
    rhythm = Rhythm(at, rules=tuple(zip(at, found, strict=True)))
    if is_daily:
        rhythm = Rhythm((*at, time(22)), rules=rhythm.rules)
    if recurrence.period(found) > 1500:
        return
    gap, moments = longest_gap(rhythm), [start]
    for _ in range(60):
        due = next_due(rhythm, ZoneInfo("UTC"), (), moments[-1])
        assert due is not None
        moments.append(due)
    assert all(later - earlier <= gap for earlier, later in pairwise(moments[1:]))
    assert not is_daily or gap <= DAY


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        ({"at": ["18:00"], "rrule": "FREQ=WEEKLY;BYDAY=TU"}, 7 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"}, 14 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA"}, 10 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=DAILY;INTERVAL=3"}, 3 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=MONTHLY;BYDAY=1MO"}, 35 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=MONTHLY;BYMONTHDAY=1,15"}, 17 * DAY),
        ({"at": ["18:00"], "rrule": "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=1"}, 366 * DAY),
        # What comes once a month shortens no gap.
        ({"at": ["12:00", "18:00"], "rrule": {"12:00": "FREQ=MONTHLY;BYDAY=1MO"}}, DAY),
        # One week at six, the next at eight: together they are every day.
        (
            {
                "at": ["18:00", "20:00"],
                "rrule": {
                    "18:00": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR,SA,SU",
                    "20:00": "DTSTART:20240108\nFREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR,SA,SU",
                },
            },
            26 * HOUR,
        ),
    ],
)
def test_the_longest_gap_of_a_rule(data: dict[str, Any], gap: timedelta) -> None:
    assert longest_gap(rules.read(data)) == gap


def test_a_rule_goes_by_the_clock_on_the_wall_when_clocks_change() -> None:
    rhythm = rules.read({"at": ["18:00"], "rrule": TUESDAYS})
    moment, found = datetime(2026, 3, 1, tzinfo=UTC), []
    for _ in range(3):
        due = next_due(rhythm, PARIS, (), moment)
        assert due is not None
        found, moment = [*found, due.isoformat()], due
    assert found == [
        "2026-03-03T17:00:00+00:00",
        "2026-03-17T17:00:00+00:00",
        "2026-03-31T16:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"rrule": TUESDAYS}, "Every second Tuesday at 18:00, next on 17 March 2026"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO,TU"}, "Monday and Tuesday at 18:00"),
        (
            {"rrule": "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TU"},
            "Every 3 weeks on Monday and Tuesday at 18:00, next on 9 March 2026",
        ),
        ({"rrule": "FREQ=DAILY;INTERVAL=3"}, "Every 3 days at 18:00, next on 6 March 2026"),
        (
            {"rrule": "FREQ=MONTHLY;BYDAY=1MO,-1FR"},
            "Each month on the first Monday and the last Friday at 18:00, next on 27 March 2026",
        ),
        (
            {"rrule": "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15,-1", "from": {"18:00": "16:00"}},
            "Every 3 months on day 15 and the last day, any time from 16:00 to 18:00, next on"
            " 15 April 2026",
        ),
        (
            {"at": ["12:00", "18:00"], "rrule": {"12:00": "FREQ=MONTHLY;BYDAY=2WE"}},
            "Every day at 18:00. Each month on the second Wednesday at 12:00, next on"
            " 11 March 2026",
        ),
    ],
)
def test_a_rule_is_said_in_words_with_its_next_day(data: dict[str, Any], says: str) -> None:
    rhythm = rules.read({"at": ["18:00"], **data})
    # After the round of the third of March.
    since = From(datetime(2026, 3, 3, 20, tzinfo=UTC), PARIS)
    assert rhythm_in_words(rhythm, "en", since) == says
