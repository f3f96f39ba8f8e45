"""Where a child has no carer, the home is asked about them, if the policy says so."""

from __future__ import annotations

import asyncio
import copy
from datetime import time, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.errors import Refused
from server.notify.models import Message
from server.people.models import Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import EACH_MISS, Tier
from server.policy.models import Policy as PolicyRow
from server.policy.parser import read
from server.policy.roll_call import Word
from server.roll_calls import actions
from server.roll_calls.models import HomeWorker, RollCall
from server.roll_calls.shifts import actions as shifts
from server.security import encryption
from server.storage.db import write
from server.watch.carer.messages import Asking, ask
from server.watch.carer.models import Question
from server.watch.carer.questions import answer_question
from server.watch.machine.alarms import carer_hour, weigh
from server.watch.machine.habit import Knowledge, Look
from server.watch.machine.standing import Change, Standing, Terms, What
from server.watch.machine.witnesses import answers_question
from server.watch.models import Round, Sighting, Watch
from server.watch.rhythm.rules import Rhythm
from server.watch.watch_state import load
from server.watch.witnessing import lock_watches
from tests.cast import Cast
from tests.copies import replace
from tests.desk.test_evidence import brief
from tests.desk.walking import PARIS, at, run_until
from tests.races import LOCKED_S
from tests.roll_calls.homes import furnish, latest, say, tick
from tests.simulation.test_live_equals_replay import weighing
from tests.watch.watches import DAY, HOUR, STARTS


async def asks_homes(cast: Cast) -> None:
    content = {**copy.deepcopy(EACH_MISS), "roll_call": {"instead_of_carer": True}}
    await PolicyRow.create(
        agency_id=cast.agency.id, version=1, content=content, made_at=cast.clock()
    )


async def late(cast: Cast, *, workers: tuple[str, ...] = ("ines",)) -> list[Question]:
    """Mia, who lives in the house, has missed a check-in."""
    await asks_homes(cast)
    await furnish(cast, "23:30", workers=workers)
    await run_until(cast, at(19, 5))
    return await Question.filter(child_id=cast.mia.id)


async def without_carer(cast: Cast) -> None:
    await Tie.filter(child_id=cast.mia.id, role=Role.CARER).delete()


async def test_the_home_is_asked_and_its_word_counts_as_the_carers(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    assert question.person_id == cast.ines.id
    assert "question to the home 19:00, not sent" in await brief(cast, "mia")
    await Message.filter(kind="ask_carer").update(state="done", channel="push")
    assert "the home was asked 19:00, no answer yet" in await brief(cast, "mia")
    await answer_question(question.id, "seen", cast.clock())
    seen = await Sighting.get(child_id=cast.mia.id)
    assert (seen.by_role, seen.answer) == (Role.CARER.value, "seen")
    assert not await Round.filter(child_id=cast.mia.id, state="late").exists()


async def roll_call_after(cast: Cast) -> RollCall:
    """Ten minutes later the home is asked about everyone."""
    await actions.set_times(cast.actor("root"), cast.home.id, ["19:15"], cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(minutes=10))
    return await latest(cast)


@pytest.mark.parametrize(("word", "answer"), [("here", "seen"), ("not_here", "not_seen")])
async def test_the_word_at_a_roll_call_answers_the_question_too(
    cast: Cast, word: str, answer: str
) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    call, form = await roll_call_after(cast), uuid4()
    for _ in range(2):
        await say(cast, call, {"mia": word}, by="ines", id_=form)
    answered = await answer_question(question.id, "seen", cast.clock.advance(minutes=1))
    assert (answered.answer, answered.answered_at) == (answer, cast.clock() - timedelta(minutes=1))
    assert await Alert.filter(child_id=cast.mia.id).exists() is (word == "not_here")
    assert await Round.filter(child_id=cast.mia.id, state="late").exists() is (word == "not_here")
    # Of "not here" the word itself calls adults: it does not count twice.
    assert await Sighting.filter(child_id=cast.mia.id).count() == (word == "here")


async def test_a_tap_on_the_link_waits_for_a_roll_call_of_the_same_moment(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    begun = asyncio.Event()

    async def taps() -> Question:
        await begun.wait()
        return await answer_question(question.id, "seen", cast.clock())

    tap = asyncio.create_task(taps())
    async with write():  # As a roll call does it: the watch, then the questions.
        await lock_watches([cast.mia.id])
        begun.set()
        await asyncio.wait({tap}, timeout=LOCKED_S)
        await Question.filter(id=question.id).update(answered_at=cast.clock(), answer="not_seen")
    assert (await tap).answer == "not_seen"


@pytest.mark.parametrize("word", ["unknown", "excused"])
async def test_a_word_that_says_neither_leaves_the_question_open(cast: Cast, word: str) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    await say(cast, await roll_call_after(cast), {"mia": word}, by="ines")
    assert (await Question.get(id=question.id)).answered_at is None


async def test_what_was_said_before_the_question_does_not_answer_it(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    call = await roll_call_after(cast)
    before = question.asked_at - timedelta(minutes=1)
    await RollCall.filter(id=call.id).update(due_at=before, asked_at=before)
    await say(cast, call, {"mia": "here"}, by="ines", said_at=before)
    assert (await Question.get(id=question.id)).answered_at is None


async def test_the_word_of_a_home_is_no_answer_of_the_carer(cast: Cast) -> None:
    [question] = await late(cast)
    assert question.person_id == cast.sam.id
    await say(cast, await roll_call_after(cast), {"mia": "here"}, by="ines")
    assert (await Question.get(id=question.id)).answered_at is None
    assert await Round.filter(child_id=cast.mia.id, state="late").exists()


async def test_once_adults_are_called_the_word_settles_nothing(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    await run_until(cast, at(21, 0))
    assert (await Alert.get(child_id=cast.mia.id)).closed_at is None
    await cast.new_token("ines")
    await actions.set_times(cast.actor("root"), cast.home.id, ["21:15"], cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(minutes=15))
    await say(cast, await latest(cast), {"mia": "here"}, by="ines")
    assert (await Question.get(id=question.id)).answered_at is None
    assert (await Alert.get(child_id=cast.mia.id)).closed_at is None


async def test_a_carer_goes_first(cast: Cast) -> None:
    [question] = await late(cast)
    assert question.person_id == cast.sam.id


async def test_the_link_tells_the_people_of_a_home_which_child_is_meant(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    path = f"/q/{encryption.sign(str(question.id), 'question')}"
    await cast.new_token("ines")
    for name, shown, hint in (
        (None, ">M. C.<", "This page shows no names, only first letters."),
        ("sam", ">M. C.<", "This page shows no names, only first letters."),
        ("ines", ">Mia Castellane<", ""),
    ):
        browser = cast.browser_as(name) if name else cast.client()
        async with browser:
            page = (await browser.get(path)).text
        assert shown in page, name
        assert ("Castellane" in page) is (name == "ines")
        assert hint in page
        assert ("This page shows no names" in page) is bool(hint)


async def test_who_no_longer_works_there_cannot_say_that_all_is_well(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    await actions.end_worker(cast.actor("root"), cast.home.id, cast.ines.id, cast.clock())
    with pytest.raises(Refused):
        await answer_question(question.id, "seen", cast.clock.advance(minutes=1))
    assert await Round.filter(child_id=cast.mia.id, state="late").exists()


async def test_a_home_without_staff_is_as_no_carer(cast: Cast) -> None:
    await without_carer(cast)
    assert await late(cast, workers=()) == []
    assert "no carer to ask" in await brief(cast, "mia")


async def test_once_there_is_a_carer_the_home_answers_for_them_no_more(cast: Cast) -> None:
    await without_carer(cast)
    [question] = await late(cast)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CARER),
        cast.clock(),
    )
    with pytest.raises(Refused):
        await answer_question(question.id, "seen", cast.clock() + timedelta(minutes=1))


async def asked_people(cast: Cast) -> set[str]:
    names = {person.id: name for name, person in cast.persons.items()}
    return {names[row.person_id] for row in await Question.filter(child_id=cast.mia.id)}


async def on_shift(cast: Cast, name: str, hours: int = 12) -> None:
    until = cast.clock() + timedelta(hours=hours)
    await shifts.begin(cast.actor(name), cast.home.id, until, cast.clock())


async def test_the_question_goes_first_to_the_person_on_shift(cast: Cast) -> None:
    await without_carer(cast)
    await asks_homes(cast)
    await furnish(cast, "23:30", workers=("ines", "tom", "sam"))
    await on_shift(cast, "tom")
    await run_until(cast, at(19, 5))
    assert await asked_people(cast) == {"tom"}


async def test_everyone_is_asked_if_nobody_is_on_shift(cast: Cast) -> None:
    await without_carer(cast)
    await asks_homes(cast)
    await furnish(cast, "23:30", workers=("ines", "tom"))
    await on_shift(cast, "tom", hours=1)
    await run_until(cast, at(19, 5))
    assert await asked_people(cast) == {"ines", "tom"}


async def test_the_second_message_goes_to_everyone(cast: Cast) -> None:
    await without_carer(cast)
    await asks_homes(cast)
    await furnish(cast, "23:30", workers=("ines", "tom"))
    await on_shift(cast, "tom")
    await run_until(cast, at(19, 5))
    assert await asked_people(cast) == {"tom"}
    [case] = await load([await Watch.get(child_id=cast.mia.id)], cast.clock())
    due_at = case.standing.missed_due_at
    assert due_at is not None
    change = Change(What.ASK, cast.clock(), due_at)
    async with write():
        await ask([Asking(case, change, is_first=False)], cast.clock())
    assert await asked_people(cast) == {"ines", "tom"}


async def test_only_people_of_the_agency_who_may_work_in_a_home_are_asked(cast: Cast) -> None:
    await without_carer(cast)
    await asks_homes(cast)
    await furnish(cast, "23:30", workers=("ines", "tom", "sam"))
    await Person.filter(id=cast.persons["tom"].id).update(role=Role.GUARDIAN.value)
    await Person.filter(id=cast.persons["sam"].id).update(disabled_at=cast.clock())
    await run_until(cast, at(19, 5))
    assert await asked_people(cast) == {"ines"}
    [question] = await Question.filter(child_id=cast.mia.id)
    await HomeWorker.filter(person_id=cast.ines.id).update(agency_id=uuid4())
    with pytest.raises(Refused):
        await answer_question(question.id, "seen", cast.clock())


# --- the rules: what a word answers, and while "here" holds, a home is not asked

DUE = STARTS[0]
LATE, ASKED = DUE + DAY + HOUR, DUE + DAY + 3 * HOUR


@pytest.mark.parametrize(
    ("word", "hours_late", "is_asked", "is_alerted", "answers"),
    [
        (Word.HERE, 1, False, False, True),
        (Word.HERE, 4, True, False, True),
        (Word.HERE, -1, False, False, False),
        (Word.HERE, 4, True, True, False),
        (Word.NOT_HERE, 1, False, False, False),
        (Word.NOT_HERE, 4, True, False, True),
        (Word.NOT_HERE, 1, True, False, False),
        (Word.UNKNOWN, 4, True, False, False),
        (Word.EXCUSED, 4, True, False, False),
    ],
)
def test_what_a_word_of_the_home_answers(
    word: Word, hours_late: int, *, is_asked: bool, is_alerted: bool, answers: bool
) -> None:
    late = Standing(
        DUE + 2 * DAY,
        DUE + 2 * DAY,
        None,
        0,
        DUE,
        DUE + DAY,
        LATE,
        asked_at=ASKED if is_asked else None,
        is_alerted=is_alerted,
    )
    assert answers_question(late, word, LATE + hours_late * HOUR) is answers
    on_time = replace(late, missed_due_at=None, late_at=None)
    assert not answers_question(on_time, word, LATE + hours_late * HOUR)


@given(
    here=st.integers(1, 47),
    holds=st.integers(1, 24),
    page=st.sampled_from([0.05, 0.3, 0.9]),
    away=st.booleans(),
)
def test_a_home_that_said_here_is_asked_later_and_in_time_before_a_call_that_stays_where_it_was(
    here: int, holds: int, page: float, *, away: bool
) -> None:
    now, said = DUE + 2 * DAY, DUE + here * HOUR
    looks = [Look(said, 0.05, said + holds * HOUR)]
    looks += [Look(said + HOUR / 2, 200.0)] if away else []
    steps = read(weighing(ask=0.02, page=page)).tiers[Tier.MID].steps
    terms = Terms(
        Tier.MID, steps, Rhythm((time(18),)), PARIS, (), True, Knowledge(looks=tuple(looks))
    )
    standing = Standing(now, now, None, 0, DUE, DUE + DAY, DUE + DAY + HOUR)
    carer = weigh(standing, terms, now)
    home = weigh(standing, replace(terms, asks_home=True), now)
    assert (home.alarm_at, home.alarm_why) == (carer.alarm_at, carer.alarm_why)
    assert home.ask_at is not None
    assert carer.ask_at is not None
    assert carer.alarm_at is not None
    in_time = carer_hour(terms, carer.alarm_at - steps.carer_window)
    assert carer.ask_at <= home.ask_at <= max(carer.ask_at, in_time)
    if away or said + holds * HOUR <= now:
        assert home.ask_at == carer.ask_at
