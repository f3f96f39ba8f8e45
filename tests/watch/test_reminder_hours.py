"""School hours and quiet hours put a child's reminders off, and never the moment of an alert."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.alerts.models import Alert
from server.notify.child.hours import School
from server.notify.models import Message
from server.notify.preferences import set_school
from server.notify.rules import Kind
from server.watch import ticking
from server.watch.models import Round
from server.watch.rhythm import agreements, summary
from tests.walks.stage import Stage

# Mia (mid tier): the reminders are an hour before, at due, and half an hour after; late after one.
LESSONS = School({day: (time(8), time(15, 30)) for day in range(5)})


def at(hour: int, minute: int = 0, day: int = 3) -> datetime:
    """A moment by the clock in Paris; the 3rd of March is a Tuesday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


async def ready(stage: Stage, due: str, school: School | None = LESSONS) -> None:
    """Mia alone, with a phone, is asked once a day at this time."""
    await stage.only("mia")
    await stage.subscribe("mia")
    cast, now = stage.cast, stage.clock()
    rhythm = {"at": [due], "days": [0, 1, 2, 3, 4, 5, 6]}
    await agreements.set_rhythm(cast.actor("tom"), cast.mia.id, rhythm, "Europe/Paris", now)
    await set_school(cast.actor("mia"), cast.mia.id, school, now)
    await Message.all().delete()
    # The round of today has its answer.
    stage.clock.set(at(17, 30, day=2))
    await stage.check_in("mia")
    stage.clock.set(at(22, day=2))


async def reminders() -> list[tuple[int, str, str | None]]:
    rows = await Message.filter(kind=Kind.REMIND_CHILD.value).order_by("queued_at", "rung")
    return [(row.rung, row.state, row.why) for row in rows]


async def test_reminders_wait_for_the_end_of_school_and_then_one_comes(stage: Stage) -> None:
    """Due at 15:00, late at 16:00: all three would come in school hours but for their end."""
    await ready(stage, "15:00")
    await stage.until(at(15, 29))
    assert not stage.shown("mia")
    assert [(state, why) for _, state, why in await reminders()] == [
        ("waiting", "school_hours")
    ] * 2
    await stage.until(at(15, 31))
    assert len(stage.shown("mia")) == 1
    await stage.until(at(15, 59))
    assert len(stage.shown("mia")) == 1


async def test_an_answer_in_school_takes_back_what_waits(stage: Stage) -> None:
    await ready(stage, "15:00")
    await stage.until(at(14, 30))
    await stage.check_in("mia")
    await stage.until(at(15, 45))
    assert not stage.shown("mia")


async def test_one_reminder_breaks_school_hours_where_all_others_come_too_late(
    stage: Stage,
) -> None:
    """Due at 12:00, late at 13:00, school until 15:30: one without a sound when it is due, and one
    after school, while the round has no answer."""
    await ready(stage, "12:00")
    await stage.until(at(12, 1))
    [first] = stage.shown("mia")
    assert first.json["notification"]["silent"] is True
    await stage.until(at(15, 29))
    assert len(stage.shown("mia")) == 1
    await stage.until(at(15, 31))
    last = stage.shown("mia")[-1]
    assert (len(stage.shown("mia")), last.json["notification"]["silent"]) == (2, False)


async def test_the_child_is_reminded_before_school_where_an_answer_counts_by_then(
    stage: Stage,
) -> None:
    """Due at 09:30, open from 07:30, late at 10:30: the reminder comes at 07:45."""
    await ready(stage, "09:30")
    await stage.until(at(7, 44))
    assert not stage.shown("mia")
    await stage.until(at(7, 46))
    [first] = stage.shown("mia")
    assert first.json["notification"]["silent"] is False


HOURS: list[School | None] = [
    LESSONS,
    School({day: (time(0), time(12)) for day in range(7)}),
    School({day: (time(12), time(23, 59)) for day in range(7)}),
]


@pytest.mark.parametrize("school", HOURS)
async def test_a_child_is_late_and_adults_are_called_at_the_same_moment_for_any_hours(
    stage: Stage, school: School | None
) -> None:
    await ready(stage, "12:00", None)
    case = await summary.case_of(stage.cast.mia.id, stage.clock())
    assert case is not None
    told = summary.told_by(case.standing, case.terms, stage.clock())
    assert told is not None
    mia = stage.cast.mia.id
    await set_school(stage.cast.actor("mia"), mia, school, stage.clock())
    await stage.until(told + timedelta(minutes=1))
    alert = await Alert.get(child_id=mia)
    assert (alert.opened_at, alert.cause) == (told, "silence")
    late = await Round.filter(child_id=mia, due_at=at(12)).values_list("state", "late_at")
    assert late == [("late", at(13))]


def test_what_decides_that_a_child_is_late_knows_no_hours() -> None:
    machine = Path(ticking.__file__).parent / "machine"
    assert not [path for path in machine.glob("*.py") if "notify.child" in path.read_text()]
