"""School hours: the child or a caseworker sets them, and reads what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from server.audit.models import Entry
from server.notify.models import Preference
from server.notify.preferences import set_school
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import no_fault, together
from tests.watch.test_reminder_hours import LESSONS, at

# Mia (mid tier): the reminders are an hour before, at due, and half an hour after; late after one.
WEEK = [{"day": day, "from": "08:00:00", "until": "15:30:00"} for day in range(5)]
HOLIDAYS = {"first": "2026-04-10", "last": "2026-04-20"}
OWN = "/api/v1/me/hours"


async def ask(cast: Cast, name: str, method: str, path: str, body: Any = None) -> Any:
    async with cast.client_as(name) as client:
        return await client.request(method, path, json=body)


def stamp(hour: int, minute: int = 0, day: int = 3) -> str:
    return at(hour, minute, day).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("due", "remind_at", "is_silent"),
    [
        # Late at 16:00: the first reminder is the one at the end of school.
        ("15:00", stamp(15, 30), False),
        # Late at 13:00, and school ends at 15:30: one in school, without a sound.
        ("12:00", stamp(12), True),
        # Open from 07:00, late at 10:00: one before school.
        ("09:00", stamp(7, 45), False),
    ],
)
async def test_before_they_are_set_the_child_reads_what_they_come_to(
    cast: Cast, due: str, remind_at: str, is_silent: bool
) -> None:
    tom, rhythm = cast.actor("tom"), {"at": [due]}
    await agreements.set_rhythm(tom, cast.mia.id, rhythm, "Europe/Paris", cast.clock())
    cast.clock.set(at(20, day=2))
    seen = await ask(cast, "mia", "POST", f"{OWN}/preview", {"days": WEEK})
    [each] = seen.json()["in_school"]
    assert each["due_at"] == stamp(int(due[:2]))
    assert (each["remind_at"], each["is_silent"]) == (remind_at, is_silent)
    # The habit of the level decides when Sam is asked; never before the round is late.
    assert each["then_at"] >= stamp(int(due[:2]) + 1)
    assert each["asks"].startswith("Sam")
    assert not await Preference.filter(id=cast.mia.id).exists()


async def test_a_rule_that_comes_once_a_month_or_less_often_is_seen(cast: Cast) -> None:
    """Beside 18:00 every day. The 15th of March 2026 is a Sunday, that of April in the holidays."""
    monthly, first = "FREQ=MONTHLY;BYMONTHDAY=15", "FREQ=MONTHLY;BYDAY=1TU"
    yearly = "DTSTART;VALUE=DATE:20260202\nRRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=3"
    tom = cast.actor("tom")
    wanted = {"days": WEEK, "holidays": HOLIDAYS}
    for rule, due_at in (
        (monthly, "2026-05-15T08:00:00Z"),
        (first, "2026-03-03T09:00:00Z"),
        (yearly, "2027-02-03T09:00:00Z"),
    ):
        rhythm = {"at": ["10:00", "18:00"], "rrule": {"10:00": rule}}
        await agreements.set_rhythm(tom, cast.mia.id, rhythm, "Europe/Paris", cast.clock())
        seen = await ask(cast, "mia", "POST", f"{OWN}/preview", wanted)
        dues = [each["due_at"] for each in seen.json()["in_school"]]
        assert dues[:1] == [due_at], (rule, dues)


async def test_a_check_in_outside_of_school_is_not_mentioned(cast: Cast) -> None:
    seen = await ask(cast, "mia", "POST", f"{OWN}/preview", {"days": WEEK})
    assert seen.json()["in_school"] == []


async def test_they_are_kept_sealed_and_the_phone_says_until_when_reminders_wait(
    cast: Cast,
) -> None:
    wanted = {"days": WEEK, "holidays": HOLIDAYS}
    kept = (await ask(cast, "mia", "PUT", OWN, wanted)).json()
    assert (kept["days"], kept["holidays"]) == (WEEK, HOLIDAYS)
    # It is 13:00 on a Monday in Paris.
    waits = {"until": stamp(15, 30, day=2), "why": "school_hours"}
    assert kept["waits"] == waits
    assert (await ask(cast, "mia", "GET", "/api/v1/me")).json()["waits"] == waits
    assert (await ask(cast, "tom", "GET", "/api/v1/me")).json().get("waits") is None
    entry = await Entry.get(what="wish:school")
    assert (entry.child_id, entry.who_id, entry.names) == (cast.mia.id, cast.mia.id, [])
    none = (await ask(cast, "mia", "PUT", OWN, {"days": []})).json()
    assert (none["days"], none["waits"]) == ([], None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"days": [{**WEEK[0], "until": "07:00:00"}]}, "days"),
        ({"days": [{**WEEK[0], "from": "06:00:00", "until": "19:00:00"}]}, "days"),
        ({"days": [WEEK[0], WEEK[0]]}, "days"),
        ({"days": WEEK, "holidays": {**HOLIDAYS, "last": "2026-04-01"}}, "holidays"),
        ({"days": WEEK, "holidays": {**HOLIDAYS, "last": "2026-12-01"}}, "holidays"),
    ],
)
async def test_hours_that_make_no_sense_are_refused(
    cast: Cast, body: dict[str, Any], field: str
) -> None:
    for path, method in ((OWN, "PUT"), (f"{OWN}/preview", "POST")):
        refused = await ask(cast, "mia", method, path, body)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert not await Preference.filter(id=cast.mia.id, school__isnull=False).exists()


async def test_set_by_both_in_one_moment_they_are_set_once(cast: Cast) -> None:
    now, actors = cast.clock(), [cast.actor("mia"), cast.actor("tom")]
    no_fault(await together(*(set_school(who, cast.mia.id, LESSONS, now) for who in actors)))
    assert await Entry.filter(what="wish:school").count() == 1


async def test_a_caseworker_sets_them_at_the_desk(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    form = {"from_0": "08:00", "until_0": "15:30", "from_4": "08:00", "until_4": "13:00"}
    async with cast.browser_as("tom") as browser:
        wrong = await browser.post(f"{path}/school", data={**form, "until_4": "", "first": "x"})
        assert wrong.status_code == 422
        assert "A school day needs a start and an end." in wrong.text
        assert 'value="15:30"' in wrong.text
        early = await browser.post(f"{path}/school", data={**form, "until_4": "07:00"})
        assert "School must end after it begins, on the same day." in early.text
        saved = await browser.post(f"{path}/school", data=form)
        assert saved.headers["location"] == f"{path}/plan?done=school"
        plan = (await browser.get(f"{path}/plan")).text
        assert "Monday: 08:00 to 15:30" in plan
        assert "Friday: 08:00 to 13:00" in plan
        page = (await browser.get(f"{path}/school")).text
        assert 'value="13:00"' in page
    assert [day["day"] for day in (await ask(cast, "mia", "GET", OWN)).json()["days"]] == [0, 4]
