"""Where a child has no carer, the home is asked about them, if the policy says so."""

from __future__ import annotations

import copy
from datetime import timedelta
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.errors import Refused
from server.people.models import Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import EACH_MISS
from server.policy.models import Policy as PolicyRow
from server.roll_calls import actions
from server.roll_calls.models import HomeWorker
from server.roll_calls.shifts import actions as shifts
from server.security import encryption
from server.storage.db import write
from server.watch.carer.messages import Asking, ask
from server.watch.carer.models import Question
from server.watch.carer.questions import answer_question
from server.watch.machine.standing import Change, What
from server.watch.models import Round, Sighting, Watch
from server.watch.watch_state import load
from tests.cast import Cast
from tests.desk.test_evidence import brief
from tests.desk.walking import at, run_until
from tests.roll_calls.homes import furnish


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
    assert "no carer: the home was asked 19:00, no answer yet" in await brief(cast, "mia")
    await answer_question(question.id, "seen", cast.clock())
    seen = await Sighting.get(child_id=cast.mia.id)
    assert (seen.by_role, seen.answer) == (Role.CARER.value, "seen")
    assert not await Round.filter(child_id=cast.mia.id, state="late").exists()


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
