"""Of every kind of due an adult hears, whoever is missing around a child.

A clock falls back to the caseworker, then to the people on duty, then to the last resort.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.missing.search.rules import OWNERS
from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.people.models import Person, Tie
from server.rota.duty import on_duty
from server.tasks import actions as dues
from server.tasks import reach, telling
from server.tasks.models import Task
from server.tasks.rules import OF_A_SHIFT, STRATEGY, Kind, Setting
from tests.cast import Cast
from tests.tasks.test_actions import seen

# By kind, whose each is where it is set: by role, or by a person who may have gone since.
CASEWORKERS = (
    Kind.REPLY,
    Kind.END,
    Kind.REVIEW,
    Kind.RHYTHM,
    Kind.ABSENCE,
    Kind.PACK,
    Kind.AWAY,
    Kind.QUESTION,
)
PROMISED_BY = ("caseworker", "supervisor", "administrator", "agency", "guardian", "carer")
EVERY = [
    *((kind, role.value) for kind, role in OWNERS.items()),
    *((kind, "caseworker") for kind in CASEWORKERS),
    *((Kind.STEP, role) for role in PROMISED_BY),
    (Kind.ANSWER, "supervisor"),
    (Kind.ANSWER, "guardian"),
    (Kind.REVIEW, "supervisor"),
    (Kind.REVIEW, "guardian"),
    (Kind.QUESTION, "supervisor"),
    (Kind.TRANSFER, "caseworker"),
    (Kind.AWAY_REVIEW, "supervisor"),
    (Kind.FLAG, "caseworker"),
    (Kind.FLAG, "on_duty"),
    (Kind.APPROVAL, "supervisor"),
    (Kind.ADVOCATE_WISH, "caseworker"),
    (Kind.ADVOCATE_ENDS, "caseworker"),
    *((kind, "duty") for kind in sorted(OF_A_SHIFT)),
]
# Told to those alone whom it is for: not to the caseworker, whom it may be about.
COMPLAINTS = {one for one in EVERY if one[0] is Kind.ANSWER or one == (Kind.REVIEW, "supervisor")}
COMPLAINTS |= {(Kind.REVIEW, "guardian"), (Kind.QUESTION, "supervisor")}
BY_NAME = {Kind.STEP, Kind.TRANSFER, *OF_A_SHIFT}


@pytest.fixture(autouse=True)
def _a_last_resort(cast: Cast) -> Iterator[None]:
    set_last_resorts(1)
    reach.use_on_duty(on_duty)
    yield
    set_last_resorts(0)


def test_every_kind_is_walked() -> None:
    assert {kind for kind, _ in EVERY} == set(Kind)


async def only(cast: Cast, *names: str) -> None:
    """Nobody but these has a tie to Mia, and nobody stands in for them."""
    kept = [cast.persons[name].id for name in names]
    await Tie.filter(child_id=cast.mia.id).exclude(person_id__in=kept).update(until_at=cast.clock())
    await Person.all().update(deputy_id=None)


async def stand_all(cast: Cast) -> dict[UUID, tuple[Kind, str]]:
    """One due of each kind, due in an hour: of an owner who has gone, where it has one by name."""
    about: dict[UUID, tuple[Kind, str]] = {}
    for kind, role in EVERY:
        gone = cast.persons["root"].id if kind in BY_NAME and role != "agency" else None
        setting = Setting(
            kind=kind,
            subject_id=uuid4(),
            owner_id=gone,
            owner_role=role,
            due_at=cast.clock() + timedelta(hours=1),
            zone="Europe/Paris",
        )
        about[setting.subject_id] = (kind, role)
        await dues.set_task(cast.actor("tom"), cast.mia, setting, cast.clock())
    await Person.filter(id=cast.persons["root"].id).update(disabled_at=cast.clock())
    return about


async def days_pass(cast: Cast) -> None:
    """Two days are enough for each of them to speak once to the first whom it is for."""
    for _ in range(2):
        cast.clock.advance(days=1)
        await telling.TASKS.tick(cast.clock())


async def heard(cast: Cast, name: str, about: dict[UUID, tuple[Kind, str]]) -> set[object]:
    said = Message.filter(person_id=cast.persons[name].id, subject_kind="due")
    of = await Task.filter(id__in=[one.subject_id for one in await said])
    return {about[one.subject_id] for one in of}


async def operators() -> int:
    return await Message.filter(kind="operators", last_resort=0).count()


async def test_with_only_a_caseworker_they_hear_of_every_clock(cast: Cast) -> None:
    await only(cast, "tom")
    about = await stand_all(cast)
    await days_pass(cast)
    assert await heard(cast, "tom", about) == set(EVERY) - COMPLAINTS
    assert await operators(), "of the complaints, which are for nobody who is there"
    assert not await Message.filter(person_id=cast.eve.id).exists()


async def test_with_nobody_but_the_person_on_duty_they_hear_of_every_clock(cast: Cast) -> None:
    await only(cast)
    await cast.on_duty("eve", days=5)
    about = await stand_all(cast)
    await days_pass(cast)
    # A guardian whom a child has chosen has no substitute.
    for_a_guardian = {one for one in COMPLAINTS if one[1] == "guardian"}
    assert await heard(cast, "eve", about) == set(EVERY) - for_a_guardian
    assert await operators()


async def test_with_nobody_at_all_the_last_resort_hears_of_each(cast: Cast) -> None:
    """It is told once an hour that there are such: one after the other, to see that it is each."""
    await only(cast)
    about = await stand_all(cast)
    await Task.filter(state="open").update(next_action_at=cast.clock() + timedelta(days=900))
    silent = []
    for subject, one in about.items():
        before = await operators()
        due = await Task.get(subject_id=subject)
        await Task.filter(id=due.id).update(next_action_at=cast.clock())
        cast.clock.advance(days=2)
        await telling.TASKS.tick_one(due.id, cast.clock())
        await Task.filter(id=due.id).delete()
        if await operators() == before:
            silent.append(one)
    assert not silent


async def test_the_person_on_duty_hears_of_no_complaint_about_them(cast: Cast) -> None:
    """Tom is the caseworker, and on duty: a complaint that goes round him goes round him there."""
    await only(cast, "tom")
    await cast.on_duty("tom", days=5)
    about = await stand_all(cast)
    await days_pass(cast)
    assert await heard(cast, "tom", about) == set(EVERY) - COMPLAINTS


async def test_the_clocks_of_a_search_name_whose_turn_it_is_without_a_supervisor(
    cast: Cast,
) -> None:
    await only(cast, "tom")
    about = await stand_all(cast)
    whose = {
        about[UUID(one["subject_id"])][0]: [who["name"] for who in one["whose"]]
        for one in await seen(cast, "tom", "mia")
    }
    clocks = {Kind.DECISION, Kind.BRING_BACK, Kind.RETURN_INTERVIEW, *STRATEGY}
    assert {kind: whose[kind] for kind in clocks} == {key: ["Tom Verhoeven"] for key in clocks}
