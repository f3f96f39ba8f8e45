"""The figures that an agency can publish: counted from rows, and no rate of a small number."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from server.alerts import actions as alerts
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.people.actions import AddChild, add_child
from server.policy.model import Tier
from server.reports import quality, quality_curves
from server.reports.quality import Called, Kept
from server.watch import actions as watch
from server.watch import ticking
from server.watch.rhythm.rules import Rhythm
from tests.cast import SURNAMES, Cast

HOUR = timedelta(hours=1)


def call(child: str, outcome: Outcome | None, **more: Any) -> Called:
    """One alert."""
    spans = {"to_take": HOUR, "to_end": 2 * HOUR, "silence": 20 * HOUR} | more
    return Called(child, "mid", outcome, **spans)


def kept(*children: str, home: str = "Hill", days: float = 60) -> list[Kept]:
    """Children who were watched for so long."""
    return [Kept(one, timedelta(days=days), "en", "iPhone", home) for one in children]


def test_what_ended_with_a_child_gone_is_real_and_the_rest_was_for_nothing() -> None:
    outcomes = [Outcome.MISSING, Outcome.DURESS, Outcome.SEEN, Outcome.SPOKE, Outcome.LATE_ANSWER]
    calls = [call("a", outcome) for outcome in [*outcomes, None]]
    seen = quality.figures(calls, kept(*"abcde"))
    assert (seen.alerts, seen.open, seen.real, seen.false) == (6, 1, 2, 3)
    assert seen.precision == 0.4
    assert seen.false_per_month is not None
    assert round(seen.false_per_month, 3) == round(3 / seen.months, 3)
    assert seen.to_take == HOUR
    assert seen.to_contact is None, "two were reached: too few"


def test_small_numbers_are_no_rates() -> None:
    calls = [call("a", Outcome.SEEN) for _ in range(4)]
    seen = quality.figures(calls, kept(*"abcd", days=400))
    assert (seen.false, seen.false_per_month, seen.precision) == (4, None, None)
    assert (seen.to_take, seen.to_contact, seen.delay) == (None, None, None)
    assert quality.figures([], []).months == 0


def test_alerts_of_others_are_not_counted_in_a_group() -> None:
    calls = [call("z", Outcome.SEEN), call("a", Outcome.SEEN)]
    assert quality.figures(calls, kept("a")).alerts == 1


def test_agreed_absences_are_not_watched_and_count_once() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)

    def day(number: int) -> datetime:
        return begin + timedelta(days=number)

    pauses = [(day(2), day(5)), (day(4), day(6)), (day(9), day(20)), (day(-4), day(1))]
    assert quality.watched(begin, day(10), pauses) == timedelta(days=4)
    assert quality.watched(day(3), begin, []) == timedelta(0)


def test_a_home_where_misses_cluster_stands_out_and_one_child_alone_does_not() -> None:
    children = [*kept("a", "b"), *kept("c", "d", home="Lake"), *kept("e", home="Alone")]
    days = [date(2026, 3, number) for number in range(1, 6)]
    misses = [(child, day) for child in "ab" for day in days] + [("c", days[0]), ("z", days[0])]
    hill, lake = quality.places(children, misses)
    assert (hill.home, hill.misses, hill.together, hill.stands_out) == ("Hill", 10, 5, True)
    assert (lake.home, lake.misses, lake.together, lake.stands_out) == ("Lake", 1, 0, False)


def test_a_home_without_others_beside_it_is_compared_with_nothing() -> None:
    [only] = quality.places(kept("a", "b"), [("a", date(2026, 3, 1))] * 9)
    assert (only.elsewhere, only.stands_out) == (None, False)


def test_a_shift_at_which_several_children_miss_stands_out_beside_the_other_hours() -> None:
    children = [*kept("a", "b"), *kept("c", home="Alone"), *kept("d", home="")]
    nights = [(child, 23, True) for child in "ab" for _ in range(4)]
    days = [(child, 9, day == 0) for child in "ab" for day in range(10)]
    others = [("c", 23, True), ("d", 23, True), ("z", 23, True)]
    early, night = quality.shifts(children, [*nights, *days, *others])
    assert (early.home, early.begin, early.asked, early.misses) == ("Hill", 6, 20, 2)
    assert (early.share, early.stands_out) == (0.1, False)
    assert (night.begin, night.end, night.asked, night.misses) == (22, 6, 8, 8)
    assert (night.share, night.at_other_hours, night.stands_out) == (1.0, 0.1, True)


def test_where_one_child_alone_misses_it_is_not_the_shift_and_few_are_no_share() -> None:
    one = [("a", 15, True)] * 9 + [("b", 9, False)] * 9
    late = quality.shifts(kept("a", "b"), one)[1]
    assert (late.begin, late.share, late.stands_out) == (14, 1.0, False)
    [few] = quality.shifts(kept("a", "b"), [("a", 5, True)] * 4)
    assert (few.begin, few.share, few.at_other_hours, few.stands_out) == (22, None, None, False)
    assert [quality.shift_of(hour) for hour in (5, 6, 14, 21, 22)] == [
        (22, 6),
        (6, 14),
        (14, 22),
        (14, 22),
        (22, 6),
    ]


def test_the_curves_count_whole_weeks_up_to_today() -> None:
    since, until = date(2026, 3, 1), date(2026, 3, 20)
    calls = [
        call("a", Outcome.SEEN, day=date(2026, 3, 6)),
        call("a", Outcome.MISSING, day=date(2026, 3, 19)),
        call("a", None, day=date(2026, 3, 19)),
        call("a", Outcome.SEEN, day=date(2026, 3, 2)),
    ]
    misses = [("a", date(2026, 3, 12)), ("a", date(2026, 3, 13)), ("b", date(2026, 3, 20))]
    first, last = quality_curves.weeks(calls, misses, since, until)
    assert (first.begin, first.misses, first.alerts, first.false) == (date(2026, 3, 6), 1, 1, 1)
    assert (last.begin, last.misses, last.alerts, last.false) == (date(2026, 3, 13), 1, 2, 0)


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
