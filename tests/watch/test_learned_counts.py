"""Whose words of a week came true is counted by the database, and by what is known a week later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.ladder import Cause, Outcome
from server.clock import known_zone
from server.people.models import Agency
from server.policy.learned import Cell, Counts, Source, as_data, from_data, of_source
from server.policy.model import SHIPPED, Tier, over
from server.policy.roll_call import Word
from server.policy.slots import slot
from server.policy.versions import as_written, in_force
from server.roll_calls.models import RollCall
from server.watch.budgets.truths import counts_of_week
from server.watch.carer.models import Question
from server.watch.models import RollCallWord, Round, Watch
from server.watch.watch_alerts import close_alert, open_missing
from tests.cast import Cast
from tests.watch.test_budgets import FIRST, WEEK, adopted, call, weeks_of, went_on

HOUR = timedelta(hours=1)
END = FIRST + WEEK
# A Wednesday evening of the week that is counted at `END`.
SAID = FIRST - timedelta(days=4, hours=10)


async def roll_call(cast: Cast, at: datetime) -> RollCall:
    home, agency = cast.home.id, cast.agency.id
    times = {"due_at": at, "asked_at": at, "zone": "Europe/Paris"}
    return await RollCall.create(id=uuid4(), home_id=home, agency_id=agency, **times)


async def says(
    cast: Cast, word: Word, at: datetime = SAID, call_: RollCall | None = None, by: str = "sam"
) -> None:
    of = call_ or await roll_call(cast, at)
    child, person = cast.mia.id, cast.actor(by).id
    await RollCallWord.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        roll_call_id=of.id,
        child_id=child,
        word=word.value,
        said_at=at,
        at=at,
        by_id=person,
    )


async def home(cast: Cast) -> Counts:
    return of_source(await counts_of_week(cast.agency.id, END), Source.HOME)


async def test_where_nobody_was_called_the_child_was_there(cast: Cast) -> None:
    await says(cast, Word.HERE)
    await says(cast, Word.NOT_HERE, SAID + HOUR)
    await says(cast, Word.EXCUSED, SAID + 2 * HOUR)
    by_cell = await counts_of_week(cast.agency.id, END)
    zone = known_zone((await Watch.get(child_id=cast.mia.id)).zone)
    assert of_source(by_cell, Source.HOME) == Counts(2, 1)
    assert by_cell[Cell(Source.HOME, Tier.MID, slot(SAID, zone))].there >= 1


async def test_only_the_week_before_the_last_is_known(cast: Cast) -> None:
    for at in (END - 2 * WEEK, END - WEEK + timedelta(seconds=1)):
        await says(cast, Word.HERE, at)
    assert await home(cast) == Counts()
    await says(cast, Word.HERE, END - WEEK)
    assert await home(cast) == Counts(1)


async def test_the_last_word_of_a_roll_call_counts(cast: Cast) -> None:
    of = await roll_call(cast, SAID)
    await says(cast, Word.NOT_HERE, SAID, of)
    await says(cast, Word.HERE, SAID + timedelta(minutes=5), of, by="tom")
    assert await home(cast) == Counts(1, 0)


@pytest.mark.parametrize(
    ("hours", "ended", "counts"),
    [
        (3, Outcome.SEEN, Counts(1, 1)),
        (3, Outcome.MISSING, Counts(0, 0, 1, 0)),
        (12, Outcome.MISSING, Counts()),  # Nobody knows when the child left.
        (40, Outcome.MISSING, Counts(1, 1)),  # So long before, they were there.
        (3, Outcome.LATE_ANSWER, Counts(1, 1)),  # They answered within the hour.
        (-0.5, Outcome.SEEN, Counts()),  # The home knew by then.
    ],
)
async def test_what_adults_found_tells_of_the_words_before(
    cast: Cast, hours: float, ended: Outcome, counts: Counts
) -> None:
    await says(cast, Word.NOT_HERE)
    await call(cast, SAID + hours * HOUR, outcome=ended.value)
    assert await home(cast) == counts


async def test_an_alert_that_is_open_or_was_answered_late_tells_nothing(cast: Cast) -> None:
    await says(cast, Word.HERE)
    late: dict[str, Any] = {"outcome": Outcome.LATE_ANSWER.value, "closed_at": SAID + 12 * HOUR}
    await call(cast, SAID + 3 * HOUR, **late)
    assert await home(cast) == Counts()
    await says(cast, Word.HERE, SAID - 2 * timedelta(days=1))
    await call(cast, SAID - timedelta(days=1), closed_at=None)
    assert await home(cast) == Counts()


async def test_while_a_child_is_looked_for_no_word_counts(cast: Cast) -> None:
    found: dict[str, Any] = {"outcome": Outcome.SEEN.value, "closed_at": SAID + 9 * HOUR}
    await call(cast, SAID - HOUR, cause=Cause.MISSING.value, **found)
    await says(cast, Word.NOT_HERE)
    assert await home(cast) == Counts()


@pytest.mark.parametrize(
    ("hours", "ended", "counts"),
    [
        (0.1, Outcome.SEEN, Counts(0, 0, 1, 0)),
        (0.1, None, Counts(0, 0, 1, 0)),  # They are still looked for.
        (12, Outcome.SEEN, Counts()),
        (0.1, Outcome.KNOWN_ELSEWHERE, Counts(1, 1)),
    ],
)
async def test_a_report_without_an_alert_tells_of_the_words_before_it(
    cast: Cast, hours: float, ended: Outcome | None, counts: Counts
) -> None:
    await says(cast, Word.NOT_HERE)
    at = SAID + hours * HOUR
    how: dict[str, Any] = {"closed_at": None}
    if ended is not None:
        how = {"closed_at": at + 40 * HOUR, "outcome": ended.value}
    await call(cast, at, cause=Cause.MISSING.value, **how)
    assert await home(cast) == counts


async def test_a_silence_that_became_a_search_was_no_false_alarm(cast: Cast) -> None:
    """The home says "not here", adults are called, the child is reported, and found two days
    later."""
    await says(cast, Word.NOT_HERE)
    silence = await call(cast, SAID + 3 * HOUR, closed_at=None)
    tom = cast.actor("tom")
    reported = await open_missing(tom, cast.mia.id, "Not in bed.", SAID + 10 * HOUR)
    await close_alert(tom, reported.id, Outcome.SEEN, None, SAID + 50 * HOUR)
    await silence.refresh_from_db()
    assert silence.outcome == Outcome.MISSING
    assert await home(cast) == Counts(0, 0, 1, 0)


async def test_rounds_and_carers_are_counted_too(cast: Cast) -> None:
    for at, state in (
        (SAID, "answered"),
        (SAID + HOUR, "answered_late"),
        (SAID + 2 * HOUR, "seen"),
        (SAID + 5 * HOUR, "late"),
    ):
        await Round.create(
            id=uuid4(),
            child_id=cast.mia.id,
            opens_at=at - HOUR,
            due_at=at,
            late_at=at + HOUR,
            state=state,
            settled_at=at + timedelta(minutes=30) if state != "late" else None,
        )
    # Of a question to two people the first answer counts; another one nobody answered; the last one
    # was answered after the child had been seen.
    for hour, answer, due in (
        (0, "seen", 5),
        (0, "not_seen", 5),
        (1, "not_seen", 5),
        (2, None, 5),
        (3, "seen", 2),
    ):
        await Question.create(
            id=uuid4(),
            agency_id=cast.agency.id,
            child_id=cast.mia.id,
            person_id=cast.tom.id,
            about_due_at=SAID + due * HOUR,
            asked_at=SAID + hour * HOUR,
            expires_at=SAID + 24 * HOUR,
            answered_at=SAID + (hour + (answer == "seen") / 2 + 1) * HOUR if answer else None,
            answer=answer,
        )
    by_cell = await counts_of_week(cast.agency.id, END)
    # Of a round that an adult settled before it was late, nobody knows what the child would do.
    assert of_source(by_cell, Source.CHILD) == Counts(2, 1)
    assert of_source(by_cell, Source.CARER) == Counts(2, 2)


async def test_other_agencies_have_counts_of_their_own(cast: Cast) -> None:
    await says(cast, Word.HERE)
    other = await Agency.create(name="Quay", zone="Europe/Paris", made_at=FIRST)
    assert await counts_of_week(other.id, END) == {}


async def test_each_week_adds_to_those_before_and_the_policy_that_learns_goes_by_them(
    cast: Cast,
) -> None:
    words = {"here": 0.05, "not_here": 100}
    data = over(SHIPPED, {"budget": {"learns": True}, "roll_call": {"day": words, "night": words}})
    await adopted(cast, data)
    for day in range(5):
        for minute in range(30):
            await says(cast, Word.NOT_HERE, SAID + timedelta(days=day - 2, minutes=minute))
    await went_on(cast, END + WEEK + HOUR)
    weeks = await weeks_of(cast)
    counts = [of_source(from_data(week.told), Source.HOME) for week in weeks]
    assert counts[0] == Counts()
    assert counts[1].there == pytest.approx(150)
    assert 140 < counts[2].there < 150
    rules, row = await as_written(cast.agency.id)
    now = await in_force(rules, row)
    evening = SAID.astimezone(known_zone("Europe/Paris"))
    assert now.roll_call.ratio(Word.NOT_HERE, evening, "mid") < 6
    assert rules.roll_call.ratio(Word.NOT_HERE, evening, "mid") == 100
    assert as_data(from_data(weeks[-1].told)) == weeks[-1].told
