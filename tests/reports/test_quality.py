"""The figures that an agency can publish: counted from rows, and no rate of a small number."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts import actions as alerts
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.clock import offsets
from server.people.actions import AddChild, add_child
from server.people.models import Child, Home
from server.policy.model import Tier
from server.reports import quality, quality_curves, quality_rows
from server.reports.quality import Called, Living, Rounds, Tally
from server.reports.quality_rows import EVERYTHING, Read
from server.storage import bulk
from server.watch import actions as watch
from server.watch import ticking
from server.watch.models import Round, Watch
from server.watch.rhythm.rules import Rhythm
from tests.cast import SURNAMES, Cast
from tests.desk import scenes
from tests.reports.test_patterns import a_round
from tests.walks.crowd import crowd

HOUR = timedelta(hours=1)


DAY = date(2026, 3, 1)
HILL, LAKE, LONE = UUID(int=1), UUID(int=2), UUID(int=3)


def call(outcome: Outcome | None, day: date = DAY) -> Called:
    """One alert."""
    return Called("mid", outcome, HOUR, 2 * HOUR, 20 * HOUR, day)


def tally(outcomes: list[Outcome | None], children: int, days: float = 60) -> Tally:
    """Children who were watched for so long, and the alerts about them."""
    total = Tally()
    for _ in range(children):
        total.add_child(timedelta(days=days))
    for outcome in outcomes:
        total.add(call(outcome))
    return total


def living(*children: str, days: float = 60, **missed: tuple[int, int]) -> Living:
    """A home of these children; `missed` and asked by hour: `h23=(8, 8)`. All of them missed."""
    shifts: dict[tuple[int, int], Rounds] = {}
    for hour, (misses, asked) in missed.items():
        rounds = shifts.setdefault(quality.shift_of(int(hour[1:])), Rounds())
        rounds.add(asked, misses, children if misses else ())
    return Living(len(children), len(children) * timedelta(days=days), 5, shifts)


def test_what_ended_with_a_child_gone_is_real_and_the_rest_was_for_nothing() -> None:
    outcomes = [Outcome.MISSING, Outcome.DURESS, Outcome.SEEN, Outcome.SPOKE, Outcome.LATE_ANSWER]
    seen = tally([*outcomes, None], 5).figures()
    assert (seen.alerts, seen.open, seen.real, seen.false) == (6, 1, 2, 3)
    assert seen.precision == 0.4
    assert seen.false_per_month is not None
    assert round(seen.false_per_month, 3) == round(3 / seen.months, 3)
    assert seen.to_take == HOUR
    assert seen.to_contact is None, "two were reached: too few"


def test_small_numbers_are_no_rates() -> None:
    seen = tally([Outcome.SEEN] * 4, 4, days=400).figures()
    assert (seen.false, seen.false_per_month, seen.precision) == (4, None, None)
    assert (seen.to_take, seen.to_contact, seen.delay) == (None, None, None)
    assert Tally().figures().months == 0


def test_agreed_absences_are_not_watched_and_count_once() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)

    def day(number: int) -> datetime:
        return begin + timedelta(days=number)

    pauses = [(day(2), day(5)), (day(4), day(6)), (day(9), day(20)), (day(-4), day(1))]
    assert quality.watched(begin, day(10), pauses) == timedelta(days=4)
    assert quality.watched(day(3), begin, []) == timedelta(0)


def test_a_home_where_misses_cluster_stands_out_and_comes_first() -> None:
    lake, lone = living("c", "d", h9=(1, 9)), living("e")
    lake.together = 0
    homes: dict[UUID | None, Living] = {LAKE: lake, LONE: lone, HILL: living("a", "b", h9=(10, 12))}
    hill, rest = quality.places(homes)
    assert (hill.home, hill.misses, hill.together, hill.stands_out) == (HILL, 10, 5, True)
    assert (rest.home, rest.misses, rest.together, rest.stands_out) == (LAKE, 1, 0, False)


def test_a_home_without_others_beside_it_is_compared_with_nothing() -> None:
    [only] = quality.places({HILL: living("a", "b", h9=(9, 9))})
    assert (only.elsewhere, only.stands_out) == (None, False)


def test_a_shift_at_which_several_children_miss_stands_out_beside_the_other_hours() -> None:
    home = living("a", "b", h23=(8, 8), h9=(2, 20))
    [place] = quality.places({HILL: home, None: living("d", h23=(1, 1))})
    early, night = place.shifts
    assert (early.begin, early.asked, early.misses) == (6, 20, 2)
    assert (early.share, early.stands_out) == (0.1, False)
    assert (night.begin, night.end, night.asked, night.misses) == (22, 6, 8, 8)
    assert (night.share, night.at_other_hours, night.stands_out) == (1.0, 0.1, True)


def test_where_one_child_alone_misses_it_is_not_the_shift_and_few_are_no_share() -> None:
    home = living("a", "b", h9=(0, 9), h15=(9, 9))
    home.shifts[quality.shift_of(15)].children = {"a"}
    late = quality.places({HILL: home})[0].shifts[1]
    assert (late.begin, late.share, late.stands_out) == (14, 1.0, False)
    [few] = quality.places({HILL: living("a", "b", h5=(4, 4))})[0].shifts
    assert (few.begin, few.share, few.at_other_hours, few.stands_out) == (22, None, None, False)
    assert [quality.shift_of(hour) for hour in (5, 6, 14, 21, 22)] == [
        (22, 6),
        (6, 14),
        (14, 22),
        (14, 22),
        (22, 6),
    ]


def test_the_curves_count_whole_weeks_up_to_today() -> None:
    weeks = quality_curves.weeks(date(2026, 3, 1), date(2026, 3, 20))
    for outcome, day in ((Outcome.SEEN, 6), (Outcome.MISSING, 19), (None, 19), (Outcome.SEEN, 2)):
        quality_curves.add(weeks, call(outcome, date(2026, 3, day)))
    first, last = weeks
    assert (first.begin, first.alerts, first.false) == (date(2026, 3, 6), 1, 1)
    assert (last.begin, last.end, last.alerts, last.false) == (first.end, date(2026, 3, 20), 2, 0)


def test_a_curve_begins_at_zero_and_keeps_within_its_frame() -> None:
    drawn = quality_curves.curve([0, 4, 2])
    assert drawn is not None
    assert drawn.points == "4,36 60,4 116,20"
    assert (drawn.first, drawn.last, drawn.most) == (0, 2, 4)
    flat = quality_curves.curve([0, 0])
    assert flat is not None
    assert flat.points == "4,36 116,36"
    assert quality_curves.curve([3]) is None


async def watched_child(cast: Cast) -> None:
    said = AddChild(name="Child", language="en", zone="Europe/Paris", caseworker_id=cast.tom.id)
    child = await add_child(SYSTEM, cast.agency.id, said, cast.clock())
    agreed = watch.Beginning(Tier.MID, Rhythm((time(18),)), said.zone)
    await watch.begin(SYSTEM, child, agreed, cast.clock())


async def test_the_page_draws_curves_only_of_enough_children(cast: Cast) -> None:
    async with cast.browser_as("ines") as ines:
        assert 'class="curves"' not in (await ines.get("/desk/quality")).text
        for _ in range(quality.FEWEST):
            await watched_child(cast)
        cast.clock.advance(minutes=5)
        page = (await ines.get("/desk/quality")).text
    assert page.count("<polyline") == 3
    assert page.index('class="curves"') < page.index("Months of watch")
    assert page.split("Week by week")[1].count('<th scope="row">') == 13


async def test_the_page_and_the_file_say_what_happened_and_name_nobody(cast: Cast) -> None:
    for _ in range(100):
        cast.clock.advance(hours=1)
        await ticking.WATCHES.tick(cast.clock())
    [first, *_] = await Alert.filter(agency_id=cast.agency.id)
    for name in ("tom", "ines"):
        await cast.new_token(name)
    tom, cast_tom = cast.client_as("tom"), cast.actor("tom")
    await alerts.acknowledge(cast_tom, first.id, cast.clock())
    await alerts.close(cast_tom, first.id, Outcome.LATE_ANSWER, None, cast.clock())
    shown = await tom.get("/desk/quality")
    assert shown.status_code == 200
    assert "too few" in shown.text
    assert "Is it the place?" not in shown.text
    assert "Is it the place?" in (await cast.client_as("ines").get("/desk/quality")).text
    file = await tom.get("/desk/quality.csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert (rows[0]["children"], rows[0]["false"], rows[0]["precision"]) == ("2", "1", "")
    assert {row["by"] for row in rows[1:]} == {"By watch level", "By language", "By phone"}
    assert all(row["alerts"] == "" for row in rows[1:]), "of a small group not even a count"
    assert not any(name in file.text for name in SURNAMES)


async def test_the_homes_are_counted_by_the_clock_of_each_child(cast: Cast) -> None:
    """Two homes in two zones, over a night in which the clocks change; figures by hand."""
    cast.clock.set(datetime(2026, 4, 10, 12, tzinfo=UTC))
    more = await scenes.crowd(cast, 6)
    await Round.all().delete()
    lake = await Home.create(
        agency_id=cast.agency.id, name="Lake", zone="Asia/Tokyo", made_at=cast.clock()
    )
    long_ago = cast.clock() - timedelta(days=200)
    homes = {id_: cast.home.id if number < 3 else lake.id for number, id_ in enumerate(more)}
    random, rows = Random(1), []  # noqa: S311
    expected: dict[tuple[UUID, int], list[int]] = {}
    days: dict[tuple[UUID, date], set[UUID]] = {}
    for id_, home_id in homes.items():
        zone = "Asia/Tokyo" if home_id == lake.id else "Europe/Paris"
        await Child.filter(id=id_).update(home_id=home_id, placed_at=long_ago)
        await Watch.filter(child_id=id_).update(zone=zone)
        for day in range(1, 60):
            local = datetime.combine(date(2026, 4, 10) - day * timedelta(days=1), time())
            due_at = local.replace(hour=random.choice([1, 3, 9, 21, 22]), tzinfo=ZoneInfo(zone))
            due_at = due_at.astimezone(UTC)
            is_missed = random.random() < 0.4
            state = random.choice(quality.MISSED) if is_missed else "answered"
            rows.append(a_round(id_, due_at, state))
            hour = due_at.astimezone(ZoneInfo(zone)).hour
            counts = expected.setdefault((home_id, quality.shift_of(hour)[0]), [0, 0])
            counts[0] += 1
            counts[1] += is_missed
            if is_missed:
                days.setdefault((home_id, due_at.date()), set()).add(id_)
    await bulk.insert(Round, rows)
    report = await quality_rows.read(cast.agency.id, cast.clock())
    counted = {
        (id_, hours[0]): [rounds.asked, rounds.misses]
        for id_, home in report.homes.items()
        for hours, rounds in home.shifts.items()
        if id_ is not None
    }
    assert counted == expected
    for id_ in (cast.home.id, lake.id):
        together = sum(len(who) > 1 for (home, _), who in days.items() if home == id_)
        assert report.homes[id_].together == together
    assert sum(week.misses for week in report.weeks) == sum(n for _, n in expected.values())


async def test_many_homes_come_in_parts(cast: Cast) -> None:
    ids = await crowd(cast, 2 * 30)
    for number in range(30):
        home = await Home.create(
            agency_id=cast.agency.id, name=f"Home {number}", zone="UTC", made_at=cast.clock()
        )
        await Child.filter(id__in=ids[number::30]).update(home_id=home.id)
    cast.clock.advance(minutes=5)
    async with cast.browser_as("ines") as ines:
        pages = [(await ines.get(f"/desk/quality?page={page}")).text for page in (1, 2, "x")]
    shown = [re.findall(r'<th [^>]*class="leads">.*?(Home \d+)', page) for page in pages]
    assert len({*shown[0], *shown[1]}) == len(shown[0]) + len(shown[1]) == 30
    assert shown[2] == shown[0]
    assert 'href="/desk/quality?page=2"' in pages[0]
    assert ["Share that was real" in page for page in pages] == [True, False, True]
    assert 'href="/desk/quality"' in pages[1]


async def test_what_a_page_does_not_show_is_not_read_and_the_rest_is_the_same(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(40):
        cast.clock.advance(hours=1)
        await ticking.WATCHES.tick(cast.clock())
    caplog.set_level("DEBUG", logger="tortoise.db_client")
    reports, counts = [], []
    for what in (EVERYTHING, {Read.FIGURES}, {Read.FIGURES, Read.WEEKS}, {Read.HOMES}):
        caplog.clear()
        reports.append(await quality_rows.read(cast.agency.id, cast.clock(), frozenset(what)))
        counts.append(len(caplog.records))
    whole, figures, weeks, homes = reports
    assert whole.all.alerts > 0
    # Two statements a week count the check-ins, and three for each thousand children the alerts.
    assert counts[0] - counts[2] == len(whole.weeks)
    assert counts[2] - counts[1] == len(whole.weeks) + 1
    assert counts[0] - counts[3] == 3
    assert figures.all == weeks.all == whole.all
    assert (figures.levels, figures.phones) == (whole.levels, whole.phones)
    assert weeks.weeks == whole.weeks
    assert homes.homes == whole.homes
    assert quality.places(homes.homes) == quality.places(whole.homes)


@given(
    st.sampled_from(["Europe/Paris", "Asia/Tokyo", "Africa/Casablanca", "Australia/Lord_Howe"]),
    st.integers(0, 3650).map(lambda day: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day)),
    st.integers(1, 100 * 24 * 60),
    st.floats(0, 1, exclude_max=True),
)
def test_the_spans_of_a_clock_cover_the_time_and_tell_its_hour(
    name: str, begin: datetime, minutes: int, place: float
) -> None:
    zone, end = ZoneInfo(name), begin + timedelta(minutes=minutes)
    spans = offsets(zone, begin, end)
    assert (spans[0][0], spans[-1][1]) == (begin, end)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    at = begin + place * (end - begin)
    [offset] = [offset for since, until, offset in spans if since <= at < until]
    # The change itself is found to the second.
    near = min(abs(at - edge) for since, until, _ in spans for edge in (since, until))
    assert at.astimezone(zone).utcoffset() == offset or near < timedelta(seconds=1)
