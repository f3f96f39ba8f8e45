"""Who has it when: by the wall clock, over nights in which the clocks change, with people away."""

import os
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.clock import as_utc, edge_utc
from server.rota import calendar as rules
from server.rota.calendar import Duty, Gap, Handover, Leave, Rota, Shift, Slot
from tests.copies import replace

many = settings(max_examples=int(os.environ.get("WAYMARK_TEST_EXAMPLES", "60")), deadline=None)
TOM, INES, EVE, SAM = (UUID(int=n) for n in range(1, 5))
PARIS = ZoneInfo("Europe/Paris")
# Clocks that jump by an hour and by half of one, at midnight, the other way round, and never.
ZONES = (
    "Europe/Paris",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "UTC",
)
HOUR = timedelta(hours=1)
YEARS = timedelta(days=731)
WHOLE_WEEK = frozenset(range(7))

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2026, 1, 1), date(2028, 12, 31))
clock = st.integers(0, 24 * 12 - 1).map(lambda n: time(n // 12, n % 12 * 5))
staff = st.sampled_from([TOM, INES, EVE, SAM])
moments = st.integers(0, 400).map(lambda n: datetime(2026, 3, 27, tzinfo=UTC) + n * HOUR)
spans = st.tuples(moments, st.integers(1, 100)).map(lambda at: (at[0], at[0] + at[1] * HOUR))


@st.composite
def whole_days(draw: st.DrawFn) -> list[Duty]:
    """Duties that between them have every hour of the wall clock, each one once."""
    zone, first = draw(zones), draw(days)
    cuts = sorted(draw(st.sets(clock, min_size=1, max_size=4)))
    ends = [*cuts[1:], cuts[0]]
    return [
        Duty(WHOLE_WEEK, begin, end, zone, tuple(draw(st.lists(staff, min_size=1))), first)
        for begin, end in zip(cuts, ends, strict=True)
    ]


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    """Any rota of some days around a night in which clocks change."""
    duty = st.builds(
        Duty,
        st.frozensets(st.integers(0, 6)),
        clock,
        clock,
        zones,
        st.lists(staff, max_size=3).map(tuple),
        st.dates(date(2026, 3, 1), date(2026, 4, 10)),
        st.none() | st.dates(date(2026, 3, 1), date(2026, 4, 10)),
    )
    slot = st.builds(
        lambda who, at, is_open: Slot(who, at[0], None if is_open else at[1]),
        staff,
        spans,
        st.booleans(),
    )
    handover = st.builds(
        lambda at, who, to: Handover(*at, who, to), spans, st.none() | staff, staff
    )
    leave = st.builds(
        lambda who, at, cover: Leave(who, *at, cover), staff, spans, st.none() | staff
    )
    deputies = st.dictionaries(staff, staff).map(
        lambda pairs: {who: other for who, other in pairs.items() if who != other}
    )
    return draw(
        st.builds(
            Rota,
            st.lists(duty, max_size=3),
            st.lists(slot, max_size=2),
            st.lists(handover, max_size=3),
            st.lists(leave, max_size=4),
            deputies,
            st.frozensets(staff, max_size=1),
            st.booleans(),
        )
    )


BEGIN = datetime(2026, 3, 28, tzinfo=UTC)
END = BEGIN + timedelta(days=10)


# --- properties


@pytest.mark.slow
@many
@given(whole_days())
def test_what_touches_on_the_clock_leaves_no_gap_and_no_double_over_two_years(
    duties: list[Duty],
) -> None:
    rota = Rota(duties)
    begin = edge_utc(duties[0].first + timedelta(days=2), time(0), duties[0].zone)
    assert rules.gaps_between(rota, begin, begin + YEARS) == []
    # Each with a name of its own: then any overlap of two shows.
    names = [replace(one, people=(UUID(int=n),)) for n, one in enumerate(duties, start=1)]
    shifts = rules.duty_shifts_between(Rota(names), begin, begin + YEARS)
    assert shifts[0].begin == begin
    assert all(one.end == after.begin for one, after in pairwise(shifts))
    assert shifts[-1].end == begin + YEARS


@many
@given(zones, days, clock, clock)
def test_a_shift_begins_and_ends_by_the_wall_clock(
    zone: ZoneInfo, day: date, begins: time, ends: time
) -> None:
    duty = Duty(WHOLE_WEEK, begins, ends, zone, (TOM,), day, until=day + timedelta(days=1))
    found = rules.duty_shifts_between(
        Rota([duty]),
        as_utc(day, time(0), zone) - 2 * HOUR,
        as_utc(day, time(0), zone) + timedelta(days=3),
    )
    for shift in found:
        for at, wall in ((shift.begin, begins), (shift.end, ends)):
            local = at.astimezone(zone)
            # Only where the clocks skip that time, it is the jump.
            is_skipped = (at - timedelta(seconds=1)).astimezone(
                zone
            ).utcoffset() != local.utcoffset()
            assert local.time() == wall or is_skipped


@many
@given(zones, days, st.lists(clock, min_size=2, max_size=6))
def test_a_later_wall_clock_is_never_an_earlier_moment(
    zone: ZoneInfo, day: date, times: list[time]
) -> None:
    edges = [edge_utc(day, at, zone) for at in sorted(times)]
    assert edges == sorted(edges)
    assert edge_utc(day + timedelta(days=1), time(0), zone) >= edges[-1]


@many
@given(rotas(), st.lists(st.integers(0, 10 * 24 * 60 - 1)))
def test_at_every_moment_there_is_a_gap_or_a_person_on_duty_who_is_there(
    rota: Rota, looks: list[int]
) -> None:
    shifts = rules.shifts_between(rota, BEGIN, END)
    gaps = rules.gaps_between(rota, BEGIN, END)
    for at in (BEGIN + timedelta(minutes=look) for look in looks):
        has = {one.who for one in shifts if one.begin <= at < one.end}
        is_gap = any(gap.begin <= at < gap.end for gap in gaps)
        called = rules.on_duty_at(rota, at)
        assert has <= called
        assert not (has and is_gap)
        assert has or is_gap or not rota.is_always
        # Whoever is called without being there is so because nobody else is.
        assert called == has or (not has and all(_is_away(rota, who, at) for who in called))
        for who in has:
            assert not _is_away(rota, who, at)
            assert who not in rota.gone


def _is_away(rota: Rota, who: UUID, at: datetime) -> bool:
    return any(one.who == who and one.begin <= at < one.end for one in rota.leaves)


@many
@given(rotas())
def test_shifts_and_gaps_come_in_order_and_none_is_empty(rota: Rota) -> None:
    shifts = rules.shifts_between(rota, BEGIN, END)
    gaps = rules.gaps_between(rota, BEGIN, END)
    duty_shifts = rules.duty_shifts_between(rota, BEGIN, END)
    for found in (shifts, duty_shifts, gaps):
        assert all(BEGIN <= one.begin < one.end <= END for one in found)
        assert all(one.begin <= after.begin for one, after in pairwise(found))
    for who in {one.who for one in duty_shifts}:
        own = [one for one in duty_shifts if one.who == who]
        # One who goes on where they left off has not begun anew.
        assert all(one.end < after.begin for one, after in pairwise(own))


@many
@given(rotas(), st.integers(1, 239))
def test_looking_at_a_part_of_the_time_says_the_same_about_it(rota: Rota, hours: int) -> None:
    middle = BEGIN + hours * HOUR
    whole = rules.shifts_between(rota, BEGIN, END)
    parts = [
        *rules.shifts_between(rota, BEGIN, middle),
        *rules.shifts_between(rota, middle, END),
    ]
    assert sum((one.end - one.begin for one in whole), timedelta()) == sum(
        (one.end - one.begin for one in parts), timedelta()
    )
    for at in (BEGIN, middle, END - HOUR):
        assert {s.who for s in whole if s.begin <= at < s.end} == {
            s.who for s in parts if s.begin <= at < s.end
        }


@pytest.mark.slow
@many
@given(rotas(), staff, moments)
def test_nobody_stands_in_who_is_away_or_gone(rota: Rota, who: UUID, at: datetime) -> None:
    found = rules.stand_in(rota, who, at)
    if found is not None:
        assert not _is_away(rota, found, at)
        assert found not in rota.gone
        assert found == who or who in rules.covers_at(rota, found, at)
    if who not in rota.gone and not _is_away(rota, who, at):
        assert found == who


# --- by example


def night(*people: UUID, **how: object) -> Duty:
    """Nights from 18:00 to 08:00, Monday to Friday, from Monday 2 March 2026 on."""
    duty = Duty(frozenset(range(5)), time(18), time(8), PARIS, people, date(2026, 3, 2))
    return replace(duty, **how)  # type: ignore[arg-type]


def at(text: str) -> datetime:
    """A moment by the clock of Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def test_nights_go_round_week_by_week() -> None:
    rota = Rota([night(TOM, INES)])
    assert rules.on_duty_at(rota, at("2026-03-02T18:00")) == {TOM}
    assert rules.on_duty_at(rota, at("2026-03-07T07:59")) == {TOM}
    assert rules.on_duty_at(rota, at("2026-03-07T08:00")) == frozenset()
    assert rules.on_duty_at(rota, at("2026-03-09T18:00")) == {INES}
    assert rules.on_duty_at(rota, at("2026-03-16T23:00")) == {TOM}


def test_who_has_the_weeks_in_turn_hangs_on_the_monday_of_the_first_day() -> None:
    rota = Rota([night(TOM, INES, first=date(2026, 3, 5))])
    assert rules.on_duty_at(rota, at("2026-03-04T20:00")) == frozenset()
    assert rules.on_duty_at(rota, at("2026-03-05T20:00")) == {TOM}
    assert rules.on_duty_at(rota, at("2026-03-09T20:00")) == {INES}


def test_a_night_in_which_the_clocks_change_is_an_hour_shorter_or_longer() -> None:
    duty = replace(night(TOM), days=WHOLE_WEEK)
    spring = rules.duty_shifts_between(Rota([duty]), at("2026-03-28T12:00"), at("2026-03-29T12:00"))
    autumn = rules.duty_shifts_between(Rota([duty]), at("2026-10-24T12:00"), at("2026-10-25T12:00"))
    assert [one.end - one.begin for one in spring] == [13 * HOUR]
    assert [one.end - one.begin for one in autumn] == [15 * HOUR]


def test_a_hand_over_at_an_hour_that_the_clocks_skip_is_at_the_jump() -> None:
    late = replace(night(TOM), days=WHOLE_WEEK, ends=time(2, 30))
    early = replace(late, begins=time(2, 30), ends=time(3, 15), people=(INES,))
    morning = replace(late, begins=time(3, 15), ends=time(18), people=(EVE,))
    found = rules.duty_shifts_between(
        Rota([late, early, morning]), at("2026-03-28T18:00"), at("2026-03-29T18:00")
    )
    assert [(one.who, one.begin) for one in found] == [
        (TOM, at("2026-03-28T18:00")),
        (INES, at("2026-03-29T03:00")),
        (EVE, at("2026-03-29T03:15")),
    ]


def test_a_shift_is_handed_over_in_part() -> None:
    begin, end = at("2026-03-02T22:00"), at("2026-03-03T02:00")
    rota = Rota([night(TOM)], handovers=[Handover(begin, end, TOM, EVE)])
    assert rules.shifts_between(rota, at("2026-03-02T12:00"), at("2026-03-03T12:00")) == [
        Shift(TOM, at("2026-03-02T18:00"), begin),
        Shift(EVE, begin, end, TOM),
        Shift(TOM, end, at("2026-03-03T08:00")),
    ]


def test_a_shift_that_was_taken_over_can_be_handed_on() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    first = Handover(begin, end, TOM, EVE)
    second = Handover(begin, end, EVE, INES)
    rota = Rota([night(TOM)], handovers=[first, second])
    assert rules.shifts_between(rota, begin, end) == [Shift(INES, begin, end, TOM)]


def test_a_person_who_covers_may_hand_that_shift_over_too() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    rota = Rota(
        [night(TOM)],
        leaves=[Leave(TOM, begin, end, EVE)],
        handovers=[Handover(begin, end, EVE, INES)],
    )
    assert rules.on_duty_at(rota, begin) == {INES}


def test_a_handover_of_a_shift_the_person_does_not_have_changes_nothing() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    rota = Rota([night(TOM)], handovers=[Handover(begin, end, INES, EVE)])
    assert rules.on_duty_at(rota, begin) == {TOM}


def test_an_extra_person_fills_a_gap() -> None:
    begin, end = at("2026-03-07T08:00"), at("2026-03-09T18:00")
    rota = Rota([night(TOM)])
    week = (at("2026-03-02T18:00"), at("2026-03-09T18:00"))
    days_between = [gap for gap in rules.gaps_between(rota, *week) if gap.begin >= begin]
    assert days_between == [Gap(begin, end)]
    filled = replace(rota, handovers=[Handover(begin, end, None, EVE)])
    assert not [gap for gap in rules.gaps_between(filled, *week) if gap.begin >= begin]


def test_two_people_on_one_shift_both_have_it() -> None:
    rota = Rota([night(TOM), night(INES)])
    assert rules.on_duty_at(rota, at("2026-03-02T20:00")) == {TOM, INES}


def test_where_only_the_planned_hours_count_the_day_is_no_gap_but_an_empty_night_is() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-04T08:00")
    rota = Rota([night(TOM)], is_always=False)
    assert rules.gaps_between(rota, begin, end) == []
    away = replace(rota, leaves=[Leave(TOM, at("2026-03-03T12:00"), end, None)])
    assert rules.gaps_between(away, begin, end) == [
        Gap(at("2026-03-03T18:00"), end, frozenset({TOM}))
    ]


def test_leave_passes_duty_to_the_cover_then_the_deputy_and_on_if_they_are_away_too() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    away = [Leave(TOM, begin, end, EVE)]
    rota = Rota([night(TOM)], leaves=away, deputies={TOM: INES, EVE: SAM})
    assert rules.shifts_between(rota, begin, end) == [Shift(EVE, begin, end, TOM)]
    both = replace(rota, leaves=[*away, Leave(EVE, begin, end, None)])
    assert rules.on_duty_at(both, begin) == {SAM}
    left = replace(both, gone=frozenset({SAM}))
    assert rules.on_duty_at(left, begin) == {INES}


def test_where_everyone_is_on_leave_there_is_a_gap_and_they_are_called_all_the_same() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    leaves = [Leave(TOM, begin, end, INES), Leave(INES, begin, end, TOM)]
    rota = Rota([night(TOM)], leaves=leaves, deputies={TOM: INES, INES: TOM})
    assert rules.gaps_between(rota, begin, end) == [Gap(begin, end, frozenset({TOM}))]
    assert rules.on_duty_at(rota, begin) == {TOM}


def test_who_has_left_the_agency_leaves_a_gap_and_is_not_called() -> None:
    begin, end = at("2026-03-02T18:00"), at("2026-03-03T08:00")
    rota = Rota([night(TOM)], gone=frozenset({TOM}), is_always=False)
    assert rules.gaps_between(rota, begin, end) == [Gap(begin, end)]
    assert rules.on_duty_at(rota, begin) == frozenset()


def test_who_has_it_for_good_began_before_we_looked() -> None:
    begin = at("2026-03-02T18:00")
    rota = Rota(slots=[Slot(INES, begin, None)])
    assert rules.duty_shifts_between(rota, begin + HOUR, begin + 9 * HOUR) == [
        Shift(INES, begin + HOUR, begin + 9 * HOUR)
    ]


@many
@given(rotas(), st.integers(0, 239))
def test_from_a_moment_on_only_later_hours_are_gaps(rota: Rota, hours: int) -> None:
    now = BEGIN + hours * HOUR
    left = rules.gaps_from(rules.gaps_between(rota, BEGIN, END), now)
    assert left == rules.gaps_between(rota, now, END)
