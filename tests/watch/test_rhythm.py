"""When the next check-in is due: in every zone, over every change of the clocks."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.clock import as_utc
from server.errors import Refused
from server.watch.rhythm import rules as rules
from server.watch.rhythm.rules import Rhythm, Season, Span, next_due, opens_at, window_begin
from tests.copies import replace
from tests.watch.watches import cuts, with_windows

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR_AFTER = datetime(2028, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
# Zones that do what others do not: days left out, half hours, changes at midnight or before it,
# a jump over midnight (Nuuk), two changes around a holy month (Casablanca), no change at all.
ODD = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Nuuk",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Etc/GMT+12",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Paris",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "UTC",
]
ALL = sorted(available_timezones() - {"localtime", "posixrules"})


def changes_of(zone: ZoneInfo, first: datetime = FIRST, last: datetime = LAST) -> list[datetime]:
    """The moments at which a zone changes its clocks, to the minute."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    found, day = [], first
    while day < last:
        low, high = day, day + 7 * DAY
        if offset(low) != offset(high):
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        day += 7 * DAY
    return found


def every_round(rhythm: Rhythm, zone: ZoneInfo, around: datetime) -> list[datetime]:
    """By brute force: each round in the month around a moment, in order, each once."""
    days = [around.astimezone(zone).date() + n * DAY for n in range(-10, 24)]
    return sorted(
        {as_utc(day, at, zone) for day in days if day.weekday() in rhythm.days for at in rhythm.at}
    )


times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
rhythms = st.builds(
    with_windows,
    st.sets(times, min_size=1, max_size=5),
    st.sets(st.integers(0, 6), min_size=1),
    cuts,
)
zones = st.one_of(st.sampled_from(ODD), st.sampled_from(ALL)).map(ZoneInfo)
moments = st.datetimes(
    FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC)
)


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and a moment that is likely to lie within a day of a change of its clocks."""
    zone = draw(st.sampled_from(ODD).map(ZoneInfo))
    edges = CHANGES.setdefault(zone.key, changes_of(zone))
    if not edges:
        return zone, draw(moments)
    return zone, draw(st.sampled_from(edges)) + draw(st.integers(-2000, 2000)) * MINUTE


CHANGES: dict[str, list[datetime]] = {}


@st.composite
def pauses_near(draw: st.DrawFn, moment: datetime) -> tuple[Span, ...]:
    spans = []
    for begin, length in draw(
        st.lists(st.tuples(st.integers(-3000, 3000), st.integers(1, 5000)), max_size=3)
    ):
        spans.append(Span(moment + begin * MINUTE, moment + (begin + length) * MINUTE))
    return tuple(spans)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.data(), st.one_of(near_changes(), st.tuples(zones, moments)), rhythms)
def test_the_next_round_is_the_first_one_later_and_outside_every_pause(
    data: st.DataObject, place: tuple[ZoneInfo, datetime], rhythm: Rhythm
) -> None:
    zone, after = place
    pauses = data.draw(pauses_near(after))
    due = next_due(rhythm, zone, pauses, after)
    assert due is not None
    assert due > after
    assert due.tzinfo is UTC
    assert not any(pause.holds(due) for pause in pauses)
    free = [
        moment
        for moment in every_round(rhythm, zone, after)
        if not any(pause.holds(moment) for pause in pauses)
    ]
    assert due == free[bisect_right(free, after)]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(near_changes(), rhythms)
def test_no_round_is_lost_or_comes_twice_where_clocks_change(
    place: tuple[ZoneInfo, datetime], rhythm: Rhythm
) -> None:
    zone, moment = place
    walked, after = [], moment - 4 * DAY
    while (due := next_due(rhythm, zone, (), after)) and due < moment + 4 * DAY:
        walked.append(due)
        after = due
    rounds = every_round(rhythm, zone, moment)
    assert walked == [due for due in rounds if moment - 4 * DAY < due < moment + 4 * DAY]


def test_at_every_change_of_the_clocks_of_every_zone_the_wall_shows_the_hour_that_was_agreed() -> (
    None
):
    """The changes of two years, both of each year, in every zone there is: a day has its rounds,
    each once and in order, at the hour of its wall, or as far behind the jump as it lay behind."""
    rhythm = Rhythm((time(1, 30), time(2, 30), time(18)), frozenset(range(7)))
    changes = 0
    for name in ALL:
        zone = ZoneInfo(name)
        for edge in changes_of(zone, datetime(2026, 1, 1, tzinfo=UTC), YEAR_AFTER):
            changes += 1
            walked, after = [], edge - 2 * DAY
            while (due := next_due(rhythm, zone, (), after)) and due < edge + 2 * DAY:
                assert due > after, name
                walked.append(due)
                after = due
            rounds = every_round(rhythm, zone, edge)
            assert walked == [d for d in rounds if edge - 2 * DAY < d < edge + 2 * DAY], name
            evening = [d.astimezone(zone) for d in walked if d.astimezone(zone).hour == 18]
            assert len({d.date() for d in evening}) == len(evening) >= 3, name
    assert changes > 200


def test_the_leap_day_has_its_rounds_in_every_zone_and_only_in_a_leap_year() -> None:
    rhythm = Rhythm((time(18),), frozenset(range(7)))
    for name in ALL:
        zone = ZoneInfo(name)
        for year, days in ((2027, ["02-28", "03-01"]), (2028, ["02-28", "02-29", "03-01"])):
            after, found = datetime(year, 2, 27, 12, tzinfo=zone).astimezone(UTC), []
            while len(found) <= len(days):
                due = next_due(rhythm, zone, (), after)
                assert due is not None
                found.append(f"{due.astimezone(zone):%m-%d %H:%M}")
                after = due
            assert found == ["02-27 18:00", *(f"{day} 18:00" for day in days)], name


def test_every_zone_of_the_database_has_a_round_on_every_day_of_a_year() -> None:
    evening = Rhythm((time(18),))
    for name in ALL:
        zone = ZoneInfo(name)
        after = datetime(2025, 12, 31, 20, tzinfo=UTC)
        for _ in range(30):
            due = next_due(evening, zone, (), after)
            assert due is not None
            local = due.astimezone(zone)
            assert (local.hour, local.minute) == (18, 0), name
            assert due - after <= 26 * HOUR + 10 * MINUTE, name
            after = due + 12 * DAY


def local(zone: str, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}"


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        # 02:30 is skipped in spring: the round comes as far after the jump.
        ("Europe/Paris", time(2, 30), "2026-03-28T12:00Z", "29 03:30 +0200"),
        # 02:30 comes twice in autumn: the first of the two, and only once.
        ("Europe/Paris", time(2, 30), "2026-10-24T12:00Z", "25 02:30 +0200"),
        ("Europe/Paris", time(2, 30), "2026-10-25T00:30Z", "26 02:30 +0100"),
        ("Australia/Lord_Howe", time(2, 15), "2026-10-03T03:00Z", "04 02:45 +1100"),
        # The 30th of December 2011 was left out: its round is the one of the 31st.
        ("Pacific/Apia", time(18), "2011-12-30T05:00Z", "31 18:00 +1400"),
        ("Pacific/Apia", time(18), "2011-12-31T04:00Z", "01 18:00 +1400"),
        # Nuuk leaves out the hour before midnight: 23:30 becomes 00:30 of the next day.
        ("America/Nuuk", time(23, 30), "2026-03-28T12:00Z", "29 00:30 -0100"),
    ],
)
def test_skipped_and_repeated_hours(zone: str, at: time, after: str, expected: str) -> None:
    due = next_due(Rhythm((at,)), ZoneInfo(zone), (), datetime.fromisoformat(after))
    assert due is not None
    assert local(zone, due) == expected


def test_a_round_that_the_clocks_carry_over_midnight_overtakes_none() -> None:
    nuuk = ZoneInfo("America/Nuuk")
    rhythm = Rhythm((time(0, 15), time(23, 30)))
    first = next_due(rhythm, nuuk, (), datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert first is not None
    assert local("America/Nuuk", first) == "29 00:15 -0100"
    second = next_due(rhythm, nuuk, (), first)
    assert second is not None
    assert local("America/Nuuk", second) == "29 00:30 -0100"


@settings(max_examples=200, deadline=None)
@given(st.data(), moments, st.integers(10, 86_400))
def test_a_rhythm_in_seconds_keeps_its_beat(
    data: st.DataObject, after: datetime, seconds: int
) -> None:
    pauses = data.draw(pauses_near(after))
    due = next_due(Rhythm(every=timedelta(seconds=seconds)), ZoneInfo("UTC"), pauses, after)
    assert due is not None
    assert due > after
    assert due.timestamp() % seconds == 0
    assert not any(pause.holds(due) for pause in pauses)
    earlier = due - timedelta(seconds=seconds)
    assert earlier <= after or any(pause.holds(earlier) for pause in pauses)


def test_a_pause_without_an_end_in_sight_is_not_taken_for_never() -> None:
    after = datetime(2026, 3, 1, tzinfo=UTC)
    long = (Span(after, after + 500 * DAY),)
    assert next_due(Rhythm((time(18),)), ZoneInfo("UTC"), long, after) is None


def test_a_round_opens_two_hours_before_or_half_the_gap() -> None:
    due = datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert opens_at(due, None) == due - 2 * HOUR
    assert opens_at(due, due - DAY) == due - 2 * HOUR
    assert opens_at(due, due - HOUR) == due - HOUR / 2
    assert opens_at(due, due - HOUR, due - 4 * HOUR) == due - 4 * HOUR


def test_a_span_holds_its_begin_and_not_its_end() -> None:
    begin, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    span = Span(begin, end)
    assert span.holds(begin)
    assert not span.holds(end)
    assert not span.holds(begin - MINUTE)


@settings(max_examples=100)
@given(rhythms)
def test_a_rhythm_survives_its_data(rhythm: Rhythm) -> None:
    assert rules.read(rules.as_data(rhythm)) == rhythm


def test_a_rhythm_in_seconds_survives_its_data() -> None:
    assert rules.as_data(rules.read({"every_s": 60})) == {"every_s": 60}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "rhythm.at"),
        ({"at": []}, "rhythm.at"),
        ({"at": "18:00"}, "rhythm.at"),
        ({"at": ["18:00", "18:00"]}, "rhythm.at"),
        ({"at": ["24:00"]}, "rhythm.at"),
        ({"at": ["8:00"]}, "rhythm.at"),
        ({"at": [18]}, "rhythm.at"),
        ({"at": [f"{hour:02}:00" for hour in range(13)]}, "rhythm.at"),
        ({"at": ["18:00"], "days": []}, "rhythm.days"),
        ({"at": ["18:00"], "days": [7]}, "rhythm.days"),
        ({"at": ["18:00"], "days": [True]}, "rhythm.days"),
        ({"at": ["18:00"], "days": "mon"}, "rhythm.days"),
        ({"at": ["18:00"], "weeks": 2}, "rhythm.weeks"),
        ({"every_s": 9}, "rhythm.every_s"),
        ({"every_s": 86_401}, "rhythm.every_s"),
        ({"every_s": 60.0}, "rhythm.every_s"),
        ({"every_s": True}, "rhythm.every_s"),
        ({"every_s": 60, "at": ["18:00"]}, "rhythm.every_s"),
        ({"every_s": 60, "from": {}}, "rhythm.every_s"),
        ({"at": ["18:00"], "from": ["16:00"]}, "rhythm.from"),
        ({"at": ["18:00"], "from": {"18:00": 16}}, "rhythm.from"),
        ({"at": ["18:00"], "from": {"6 pm": "16:00"}}, "rhythm.from"),
        ({"at": ["18:00"], "from": {"19:00": "16:00"}}, "rhythm.from"),
        ({"at": ["18:00"], "from": {"18:00": "18:00"}}, "rhythm.from"),
        # Over midnight, or over another time: nobody could say for which of them an answer is.
        ({"at": ["02:00"], "from": {"02:00": "22:00"}}, "rhythm.from"),
        ({"at": ["17:00", "18:00"], "from": {"18:00": "16:00"}}, "rhythm.from"),
        ({"at": ["16:00", "18:00"], "from": {"18:00": "16:00"}}, "rhythm.from"),
    ],
)
def test_nonsense_is_refused_and_named(data: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.read(data)
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../etc/passwd", "/etc/passwd", "Europe"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.read_zone(name)
    assert refused.value.field == "zone"


@pytest.mark.parametrize("name", ODD)
def test_a_zone_of_the_database_is_read(name: str) -> None:
    assert rules.read_zone(name).key == name


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        ({"at": ["18:00"]}, DAY),
        ({"at": ["08:00", "18:00"]}, 14 * HOUR),
        ({"at": ["18:00"], "days": [0]}, 7 * DAY),
        ({"at": ["18:00"], "days": [0, 1, 2, 3, 4]}, 3 * DAY),
        ({"every_s": 60}, MINUTE),
        # From the earliest answer in a window to the end of the next one.
        ({"at": ["20:00"], "from": {"20:00": "16:00"}}, 28 * HOUR),
        ({"at": ["09:00", "20:00"], "from": {"20:00": "16:00"}}, 17 * HOUR),
        ({"at": ["09:00", "20:00"], "from": {"09:00": "07:00"}}, 13 * HOUR),
        ({"at": ["20:00"], "from": {"20:00": "16:00"}, "days": [0, 3]}, 4 * DAY + 4 * HOUR),
    ],
)
def test_the_longest_gap_of_a_rhythm(data: dict[str, Any], gap: timedelta) -> None:
    assert rules.longest_gap(rules.read(data)) == gap


# --- free windows


WINDOW = rules.read({"at": ["09:00", "20:00"], "from": {"20:00": "16:00"}})


def test_a_window_begins_at_its_time_and_a_fixed_time_has_none() -> None:
    paris = ZoneInfo("Europe/Paris")
    day = date(2026, 6, 1)
    due, fixed = as_utc(day, time(20), paris), as_utc(day, time(9), paris)
    assert window_begin(WINDOW, paris, (), due) == as_utc(day, time(16), paris)
    assert window_begin(WINDOW, paris, (), fixed) is None
    assert window_begin(WINDOW, paris, (), due + MINUTE) is None
    assert window_begin(Rhythm((time(20),)), paris, (), due) is None
    # A Monday is no day of this one.
    assert window_begin(replace(WINDOW, days=frozenset({1})), paris, (), due) is None


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(near_changes(), rhythms)
def test_a_window_never_ends_before_it_begins_and_is_that_of_its_day(
    place: tuple[ZoneInfo, datetime], rhythm: Rhythm
) -> None:
    zone, moment = place
    begins = {end: begin for begin, end in rhythm.windows}
    due = next_due(rhythm, zone, (), moment)
    assert due is not None
    begin = window_begin(rhythm, zone, (), due)
    wanted = [
        as_utc(day, begins[at], zone)
        for day in (due.astimezone(zone).date() + n * DAY for n in (-1, 0, 1))
        for at in begins
        if day.weekday() in rhythm.days and as_utc(day, at, zone) == due
    ]
    assert begin == (min(*wanted, due) if wanted else None)


@pytest.mark.parametrize(
    ("day", "lasts"),
    [(date(2026, 3, 28), 4 * HOUR), (date(2026, 3, 29), 3 * HOUR), (date(2026, 10, 25), 5 * HOUR)],
)
def test_over_a_change_of_the_clocks_a_window_goes_by_the_clock_on_the_wall(
    day: date, lasts: timedelta
) -> None:
    paris = ZoneInfo("Europe/Paris")
    night = rules.read({"at": ["05:00"], "from": {"05:00": "01:00"}})
    due = as_utc(day, time(5), paris)
    begin = window_begin(night, paris, (), due)
    assert begin is not None
    assert due - begin == lasts


def test_a_window_whose_beginning_the_clocks_skip_begins_no_later_than_it_ends() -> None:
    paris = ZoneInfo("Europe/Paris")
    short = rules.read({"at": ["03:10"], "from": {"03:10": "02:30"}})
    due = as_utc(date(2026, 3, 29), time(3, 10), paris)
    assert window_begin(short, paris, (), due) == due


def test_in_a_season_its_windows_alone_count_by_its_own_clock() -> None:
    paris, lisbon = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Lisbon")
    evening = rules.read({"at": ["22:00"], "from": {"22:00": "20:00"}})
    one = rules.season(date(2026, 6, 2), date(2026, 6, 3), evening, lisbon)
    inside, outside = (
        as_utc(date(2026, 6, 2), time(22), lisbon),
        as_utc(date(2026, 6, 1), time(20), paris),
    )
    assert window_begin(WINDOW, paris, (one,), inside) == inside - 2 * HOUR
    assert window_begin(WINDOW, paris, (one,), outside) == outside - 4 * HOUR
    assert window_begin(WINDOW, paris, (one,), as_utc(date(2026, 6, 2), time(20), paris)) is None


def test_at_the_edges_of_a_season_a_silence_counts_from_the_beginning_of_a_window() -> None:
    paris, base = ZoneInfo("Europe/Paris"), Rhythm((time(18),))
    free = rules.read({"at": ["20:00"], "from": {"20:00": "16:00"}})
    one = rules.season(date(2026, 6, 10), date(2026, 6, 12), free, paris)
    assert rules.longest_gap_around(base, paris, (one,), one) == 28 * HOUR


def test_a_window_is_part_of_what_one_agrees_to() -> None:
    fixed = replace(WINDOW, windows=())
    assert rules.version(WINDOW, "Europe/Paris") != rules.version(fixed, "Europe/Paris")


# --- other times for some days


@st.composite
def seasons_near(draw: st.DrawFn, moment: datetime) -> tuple[Season, ...]:
    """Up to three, one after the other."""
    found, begin = [], moment + draw(st.integers(-4000, 2000)) * MINUTE
    for length, rest in draw(
        st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 2000)), max_size=3)
    ):
        end = begin + length * MINUTE
        found.append(Season(Span(begin, end), draw(rhythms), draw(zones)))
        begin = end + rest * MINUTE
    return tuple(found)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data(), st.one_of(near_changes(), st.tuples(zones, moments)), rhythms)
def test_in_a_season_its_rounds_alone_are_asked_for_and_outside_of_it_the_others(
    data: st.DataObject, place: tuple[ZoneInfo, datetime], rhythm: Rhythm
) -> None:
    zone, after = place
    seasons, pauses = data.draw(seasons_near(after)), data.draw(pauses_near(after))
    due = next_due(rhythm, zone, pauses, after, seasons)
    asked = {
        moment
        for moment in every_round(rhythm, zone, after)
        if not any(one.span.holds(moment) for one in seasons)
    }
    for one in seasons:
        own = every_round(one.rhythm, one.zone, after)
        asked |= {moment for moment in own if one.span.holds(moment)}
    free = sorted(one for one in asked if not any(pause.holds(one) for pause in pauses))
    assert due == free[bisect_right(free, after)]


def test_a_season_has_whole_days_by_the_clock_where_the_child_is_then() -> None:
    first, last = date(2026, 3, 28), date(2026, 3, 29)  # The clocks of Paris go forward.
    one = rules.season(first, last, Rhythm((time(20),)), ZoneInfo("Europe/Paris"))
    assert one.span == Span(
        datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("month", "longest"),
    [
        # A day of 23 hours, and at the end of it 25: from 18:00 to 20:00 it is 26 hours.
        (3, 26 * HOUR),
        (10, 26 * HOUR),
    ],
)
def test_the_longest_gap_around_a_season_is_that_at_its_edges(
    month: int, longest: timedelta
) -> None:
    paris, base = ZoneInfo("Europe/Paris"), Rhythm((time(18),))
    one = rules.season(date(2026, month, 10), date(2026, month, 12), Rhythm((time(20),)), paris)
    assert rules.longest_gap_around(base, paris, (one,), one) == longest


def test_the_longest_gap_around_a_season_counts_the_hour_that_comes_twice() -> None:
    paris, base = ZoneInfo("Europe/Paris"), Rhythm((time(18),))
    # In the night to the 25th of October the clocks of Paris go back.
    one = rules.season(date(2026, 10, 25), date(2026, 10, 26), Rhythm((time(20),)), paris)
    assert rules.longest_gap_around(base, paris, (one,), one) == 27 * HOUR


def test_the_clock_of_a_moment_is_that_of_the_season_that_holds_it() -> None:
    paris, lisbon = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Lisbon")
    one = rules.season(date(2026, 3, 10), date(2026, 3, 12), Rhythm((time(18),)), lisbon)
    assert rules.zone_at(paris, (one,), one.span.begin) is lisbon
    assert rules.zone_at(paris, (one,), one.span.end) is paris


def test_a_version_names_exactly_what_was_agreed() -> None:
    one = rules.version(Rhythm((time(18),)), "Europe/Paris")
    assert one == rules.version(rules.read({"at": ["18:00"]}), "Europe/Paris")
    assert one != rules.version(Rhythm((time(18),)), "Europe/Lisbon")
    assert one != rules.version(Rhythm((time(18),), frozenset({0})), "Europe/Paris")
