"""Several children of one carer late at once: one message, and a question about each child."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from server.alerts.models import Alert
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Person, Tie
from server.people.rules import Role
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.wording import initials
from tests.cast import SURNAMES
from tests.races import no_fault, together
from tests.walks.crowd import crowd
from tests.walks.stage import Stage
from tests.walks.test_faults import nothing_doubled
from tests.walks.test_together import DUE, MINUTE, SECOND, browser

ASKED = DUE + 60 * MINUTE
NAMES = ("Mira Oduya", "Nils Aalto", "Lou Ferrand")


async def asked(stage: Stage, *, apart: timedelta = timedelta(0)) -> list[UUID]:
    """Three of whom Sam is the carer, each due so much later than the one before."""
    children = await crowd(stage.cast, len(NAMES))
    await Watch.exclude(child_id__in=children).delete()
    for child, name in zip(children, NAMES, strict=True):
        later = children.index(child) * apart
        await Person.filter(id=child).update(name=name)
        row = await Watch.get(child_id=child)
        assert row.due_at is not None
        assert row.next_action_at is not None
        await Watch.filter(child_id=child).update(
            due_at=row.due_at + later, next_action_at=row.next_action_at + later
        )
    await stage.subscribe("sam", "tom")
    await stage.until(ASKED + later + (4 * SECOND if apart else timedelta(0)))
    return children


async def question_of(child: UUID) -> Question:
    return await Question.get(child_id=child)


async def say(stage: Stage, path: str, child: UUID, answer: str) -> None:
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        said = {"question": str((await question_of(child)).id), "answer": answer}
        assert (await anyone.post(path, data=said)).status_code == 303


@pytest.mark.parametrize("apart", [0, 20])
async def test_three_at_once_or_within_a_minute_are_one_message(stage: Stage, apart: int) -> None:
    children = await asked(stage, apart=timedelta(seconds=apart))
    [path] = stage.paths("sam")
    assert path.startswith("/q/")
    assert path.endswith("/together")
    words = str([received.json["notification"] for received in stage.shown("sam")])
    assert not any(name in words for name in (*SURNAMES, *NAMES))
    assert await Question.filter(child_id__in=children).count() == 3
    await nothing_doubled()
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        page = (await anyone.get(path)).text
    assert page.count("<button") == 6
    assert "Waymark" not in page
    for name in NAMES:
        assert name not in page
        assert f"{name[0]}. {name.split()[1][0]}." in page
    # Each has the time of its own alarm.
    for child in children:
        alarm = (await Watch.get(child_id=child)).alarm_at
        assert alarm == ASKED + 45 * MINUTE + children.index(child) * timedelta(seconds=apart)
    assert page.count("19:45") == 3


async def test_a_person_who_is_signed_in_as_the_carer_reads_the_names(stage: Stage) -> None:
    await asked(stage)
    [path] = stage.paths("sam")
    page = (await (await browser(stage, "sam")).get(path)).text
    assert all(name in page for name in NAMES)
    page = (await (await browser(stage, "tom")).get(path)).text
    assert not any(name in page for name in NAMES)


async def test_each_is_answered_by_itself_and_once(stage: Stage) -> None:
    mira, nils, lou = await asked(stage)
    [path] = stage.paths("sam")
    await say(stage, path, mira, "seen")
    await say(stage, path, mira, "not_seen")
    assert (await question_of(mira)).answer == "seen"
    assert (await Watch.get(child_id=mira)).standing == "well"
    assert (await question_of(nils)).answer is None
    assert not await Alert.exists()
    await say(stage, path, nils, "not_seen")
    [alert] = await Alert.all()
    assert (alert.child_id, alert.reason) == (nils, "not_seen")
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        page = (await anyone.get(path)).text
        assert page.count("<button") == 2
        assert "Noté\u00a0: «\u00a0Pas trouvé\u00a0». Une alerte est ouverte." in page
        # What is no answer about one of these changes nothing.
        for wrong in ({"question": "x"}, {"question": str((await question_of(lou)).id)}):
            await anyone.post(path, data=wrong)
    assert (await question_of(lou)).answer is None
    await stage.until(ASKED + 46 * MINUTE)
    assert {one.child_id for one in await Alert.all()} == {nils, lou}
    await say(stage, path, lou, "seen")
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        assert "<button" not in (await anyone.get(path)).text


async def test_two_taps_in_one_moment_count_once(stage: Stage) -> None:
    mira, *_ = await asked(stage)
    [path] = stage.paths("sam")
    no_fault(await together(*(say(stage, path, mira, "not_seen") for _ in range(4))))
    assert await Alert.filter(child_id=mira).count() == 1


async def test_fewer_than_the_policy_says_are_a_message_each(stage: Stage) -> None:
    children = await crowd(stage.cast, 2)
    await Watch.exclude(child_id__in=children).delete()
    await stage.subscribe("sam")
    await stage.until(ASKED)
    paths = stage.paths("sam")
    assert len(paths) == 2
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        alone = await anyone.get(f"{paths[0]}/together")
        assert (alone.status_code, alone.headers["location"]) == (303, paths[0])


async def test_two_carers_are_asked_each_about_their_own(stage: Stage) -> None:
    children = await crowd(stage.cast, 3)
    await Watch.exclude(child_id__in=children).delete()
    for child in children[:1]:
        await Tie.create(
            agency_id=stage.cast.agency.id,
            child_id=child,
            person_id=stage.cast.eve.id,
            role=Role.CARER,
            from_at=stage.clock(),
        )
    await stage.subscribe("sam", "eve")
    await stage.until(ASKED)
    assert [path.endswith("/together") for path in stage.paths("sam")] == [True]
    assert [path.endswith("/together") for path in stage.paths("eve")] == [False]


async def test_a_day_later_or_without_the_tie_the_link_is_over(stage: Stage) -> None:
    mira, nils, _ = await asked(stage)
    [path] = stage.paths("sam")
    await Tie.filter(child_id=mira, person_id=stage.cast.sam.id).update(until_at=stage.clock())
    async with stage.cast.client(headers={"accept": "text/html"}) as anyone:
        said = {"question": str((await question_of(mira)).id), "answer": "seen"}
        assert (await anyone.post(path, data=said)).status_code == 404
        stage.clock.advance(hours=25)
        said = {"question": str((await question_of(nils)).id), "answer": "seen"}
        assert (await anyone.post(path, data=said)).status_code == 404
        assert (await anyone.get(path)).status_code == 404
    assert not await Question.filter(answered_at__isnull=False)


async def test_a_message_about_one_of_them_is_withdrawn_by_its_answer_alone(stage: Stage) -> None:
    """The first two wait for the third; one of them answers meanwhile."""
    children = await crowd(stage.cast, 3)
    await Watch.exclude(child_id__in=children).delete()
    last = await Watch.get(child_id=children[2])
    assert last.due_at is not None
    assert last.next_action_at is not None
    later = 40 * SECOND
    await Watch.filter(child_id=children[2]).update(
        due_at=last.due_at + later, next_action_at=last.next_action_at + later
    )
    await stage.subscribe("sam")
    await stage.until(ASKED + 10 * SECOND)
    assert stage.paths("sam") == []
    first = await question_of(children[0])
    await questions.answer_question(first.id, "seen", stage.clock())
    await stage.until(ASKED + MINUTE)
    assert [path.endswith("/together") for path in stage.paths("sam")] == [True]
    states = await Message.filter(kind=Kind.ASK_CARER.value).values_list("subject_id", "state")
    assert dict(states)[first.id] == "withdrawn"
    assert sorted(state for _, state in states) == ["done", "done", "withdrawn"]


def test_first_letters_tell_those_apart_who_have_the_same() -> None:
    names = ["Mia Castellane", "Maxi von Cleve", "Lia", "Noor al Haddadin", "نور", "Mia Cox", ""]
    found = initials(names)
    assert found == ["Mia. C.", "Ma. C.", "L.", "N. H.", "ن.", "Mia. C.", ""]
