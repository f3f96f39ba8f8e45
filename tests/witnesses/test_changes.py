"""The days, the time and the last day of a witness change. The child agrees first, and reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import Conflict, NotFound
from server.notify.models import Message
from server.people.models import Tie
from server.witnesses import actions, lists, reading, rules
from server.witnesses.changes import change
from server.witnesses.models import Witness, WitnessChild, WitnessList
from server.witnesses.rules import Agreed
from tests.cast import Cast
from tests.races import no_fault, together
from tests.witnesses.school import AT, WEEKDAYS, arrange, asked, latest, tick

PARIS = ZoneInfo("Europe/Paris")
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)  # A Monday, one o'clock in Paris.
OLD = Agreed(WEEKDAYS, AT)
SEEN = OLD.as_text()
TUESDAY: dict[str, Any] = {"days": ["1"], "at": "16:00", "until": "", "wants": "yes", "seen": SEEN}


def path_of(made: actions.Made) -> str:
    return f"/desk/witnesses/{made.witness.id}/days"


async def agreed(made: actions.Made) -> Agreed:
    return reading.agreed_with(await Witness.get(id=made.witness.id))


async def test_the_days_change_from_the_page_of_the_childs_witnesses(cast: Cast) -> None:
    made = await arrange(cast, "mia")
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}/witnesses")).text
        assert f'href="{path_of(made)}"' in page
        form = (await browser.get(path_of(made))).text
        assert "Agreed now: Monday to Friday at 13:30." in form
        assert "Mia Castellane knows about this and agrees" in form
        saved = await browser.post(path_of(made), data={**TUESDAY, "until": "2026-06-30"})
        assert saved.headers["location"] == f"/desk/witnesses/{made.witness.id}?done=changed"
        page = (await browser.get(saved.headers["location"])).text
        assert "Saved. We ask them on the new days." in page
        assert "30 June 2026" in page
    assert await agreed(made) == Agreed((1,), "16:00", date(2026, 6, 30))
    await tick(cast.clock.advance(minutes=30))
    assert not await WitnessList.all().exists(), "nothing is due on the old day"
    assert await Entry.filter(what="witness:change", child_id=cast.mia.id).count() == 1


async def test_until_the_child_agrees_the_old_days_hold_and_the_form_keeps_its_words(
    cast: Cast,
) -> None:
    made = await arrange(cast, "mia")
    typed = {**TUESDAY, "at": "16:05", "until": "2026-06-30"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"wants": ""}, "Ask the child first."),
        ({"days": []}, "Choose at least one day."),
        ({"at": "noon"}, "Write a time like 08:45."),
        ({"until": "2026-03-01"}, "This day is over."),
        ({"until": "2031-03-01"}, "Choose a day in the next three years."),
        ({"until": "soon"}, "Enter a date"),
    ]
    async with cast.browser_as("tom") as browser:
        for more, says in wrong:
            refused = await browser.post(path_of(made), data={**typed, **more})
            assert (refused.status_code, says in refused.text) == (422, True), more
            if "at" not in more:
                assert 'value="16:05"' in refused.text, more
    assert await agreed(made) == OLD
    await tick(cast.clock.advance(minutes=30))
    assert await WitnessList.all().count() == 1


async def test_the_child_reads_on_the_phone_what_changed_for_a_month(cast: Cast) -> None:
    made = await arrange(cast, "mia", "noor")
    async with cast.browser_as("tom") as browser:
        await browser.post(path_of(made), data={**TUESDAY, "until": "2026-06-30"})
    for name in ("mia", "noor"):
        async with cast.client_as(name) as phone:
            [told] = (await phone.get("/api/v1/witnesses")).json()["witnesses"]
        assert (told["days"], told["at"], told["until"]) == ([1], "16:00", "2026-06-30")
        assert told["before"] == {"days": [0, 1, 2, 3, 4], "at": "13:30", "until": None}
        assert told["changed_at"] is not None
    [seat] = await reading.of_child(cast.mia.id, cast.clock())
    assert reading.before_change(seat, cast.clock()) == OLD
    assert reading.before_change(seat, cast.clock() + timedelta(days=31)) is None
    seat.from_at = cast.clock() + timedelta(minutes=1)
    assert reading.before_change(seat, cast.clock()) is None, "it was so when they agreed"


async def test_the_same_form_twice_is_once_and_of_two_people_one_is_told(cast: Cast) -> None:
    made, now, tom = await arrange(cast, "mia"), cast.clock(), cast.actor("tom")
    new, other = Agreed((1,), "16:00"), Agreed((2,), "09:00")
    no_fault(await together(*(change(tom, made.witness, new, SEEN, now) for _ in range(2))))
    assert await Entry.filter(what="witness:change").count() == 1
    with pytest.raises(Conflict):
        await change(cast.actor("ines"), made.witness, other, SEEN, now)
    async with cast.browser_as("ines") as browser:
        late = await browser.post(path_of(made), data={**TUESDAY, "days": ["2"], "at": "09:00"})
        assert late.status_code == 409
        assert 'value="09:00"' in late.text, "what was typed is still there"
        assert f'value="{new.as_text()}"' in late.text
        assert "A colleague has just changed this." in late.text
    assert await agreed(made) == new
    both = await together(
        change(tom, made.witness, OLD, new.as_text(), now),
        change(tom, made.witness, other, new.as_text(), now),
    )
    assert sorted(isinstance(each, Conflict) for each in both) == [False, True]


async def test_a_list_of_today_stays_and_there_is_no_second_one(cast: Cast) -> None:
    sheet, made = await asked(cast, "mia")
    now = cast.clock()
    await change(cast.actor("tom"), made.witness, Agreed(WEEKDAYS, "16:00"), SEEN, now)
    witness = await Witness.get(id=made.witness.id)
    assert witness.next_list_at == datetime(2026, 3, 3, 15, tzinfo=UTC)
    assert await lists.of_today(witness, now) == sheet
    await tick(cast.clock.advance(hours=5))
    assert await WitnessList.all().count() == 1
    await tick(cast.clock.advance(hours=22))
    assert (await latest(made.witness)).due_at == datetime(2026, 3, 3, 15, tzinfo=UTC)


async def test_a_register_that_came_in_the_moment_of_a_change_makes_no_second_list(
    cast: Cast,
) -> None:
    made, now = await arrange(cast, "mia"), cast.clock()
    await change(cast.actor("tom"), made.witness, Agreed(WEEKDAYS, "16:00"), SEEN, now)
    sheet = await lists.of_today(made.witness, now)  # It has read the old time.
    await tick(cast.clock.advance(hours=3))
    assert await WitnessList.all().count() == 1
    assert (await WitnessList.get(id=sheet.id)).asked_at == cast.clock()


async def test_after_the_last_day_nobody_is_asked_and_the_caseworker_hears_of_it(
    cast: Cast,
) -> None:
    sheet, made = await asked(cast, "mia")
    to = Agreed(WEEKDAYS, AT, date(2026, 3, 3))
    await change(cast.actor("tom"), made.witness, to, SEEN, cast.clock())
    await tick(cast.clock.advance(hours=24))
    assert (await latest(made.witness)).due_at == sheet.due_at + timedelta(hours=24)
    midnight = datetime(2026, 3, 3, 23, tzinfo=UTC)
    assert (await Witness.get(id=made.witness.id)).next_list_at == midnight
    cast.clock.set(midnight)
    for _ in range(2):
        await tick(cast.clock())
    assert (await Witness.get(id=made.witness.id)).ended_at == midnight
    assert not await WitnessChild.filter(until_at__isnull=True).exists()
    assert await Message.filter(subject_kind="witness", person_id=cast.tom.id).count() == 1
    with pytest.raises(NotFound):
        await change(cast.actor("tom"), made.witness, OLD, to.as_text(), midnight)


async def test_nobody_changes_the_days_of_a_colleagues_child(cast: Cast) -> None:
    made = await arrange(cast, "mia", "noor")
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).delete()
    async with cast.browser_as("tom") as browser:
        page = await browser.get(path_of(made))
        assert "Colleagues have children on this list." in page.text
        assert "Noor" not in page.text
        refused = await browser.post(path_of(made), data=TUESDAY)
        assert refused.status_code == 422
    assert await agreed(made) == OLD
    async with cast.browser_as("ines") as browser:
        page = await browser.get(path_of(made))
        assert "Each child on this list knows about this and agrees" in page.text
        assert (await browser.post(path_of(made), data=TUESDAY)).status_code == 303
    told = await Message.filter(subject_kind="witness").values_list("person_id", flat=True)
    assert cast.tom.id in told, "the caseworkers hear of it"


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.none() | st.dates(date(2026, 2, 1), date(2027, 12, 31)),
    st.integers(0, 365 * 24 * 60),
)
def test_no_list_is_due_after_the_last_day(
    days: set[int], at: time, until: date | None, minutes: int
) -> None:
    after = BEGIN + timedelta(minutes=minutes)
    of_day = Agreed(tuple(sorted(days)), f"{at:%H:%M}", until)
    assert rules.agreed_of(of_day.as_data()) == of_day
    due = rules.next_list(of_day, PARIS, after)
    assert due is not None
    local = due.astimezone(PARIS)
    if until is None or local.date() <= until:
        assert after < due
        assert local.weekday() in days
    else:
        # The moment at which it ends: the first one after its last day, or at once.
        assert due == max(
            rules.ends_at(datetime(*until.timetuple()[:3], 12, tzinfo=PARIS), PARIS), after
        )
