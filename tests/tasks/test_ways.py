"""Each task is a link: it leads its owner to the page where it is done, and nobody further."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import opening
from server.missing.search.entry_kinds import ENTRIES, Act
from server.missing.search.models import Episode, SearchHandover
from server.missing.search.opening import Saying
from server.notify.models import Message
from server.people.rules import Action, Role
from server.tasks import actions as dues
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import OF_A_PROJECT, OF_A_RETURN, OF_A_SHIFT, OF_AN_EPISODE, Kind, Setting
from server.tasks.ways import WAYS, path_of, way_for
from tests.approvals.asking import a_request
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.flags.made import a_flag
from tests.questions.made import a_question
from tests.records.made import a_transfer
from tests.test_access import absence_id

CHILD, SUBJECT = UUID(int=1), UUID(int=2)
# Their pages have paths without the child.
ALONE = OF_A_SHIFT | {Kind.TRANSFER, Kind.APPROVAL}


def test_every_kind_has_a_way_and_it_names_what_it_is_about() -> None:
    assert set(WAYS) == set(Kind)
    for kind in Kind:
        path = path_of(kind, CHILD, SUBJECT)
        assert "{" not in path
        assert str(SUBJECT if kind in OF_AN_EPISODE - {Kind.PACK_UPDATE, Kind.PLAN_REVIEW}
                   else CHILD) in path or kind in ALONE  # fmt: skip


def test_an_entry_to_which_a_task_leads_ends_that_task() -> None:
    for kind, way in WAYS.items():
        if "/enter/" not in way.path:
            continue
        act = Act(way.path.partition("/enter/")[2].partition("?")[0])
        # A report ends its clocks by the person who was told.
        assert act is Act.REPORT or kind in ENTRIES[act].ends


def test_readers_who_may_not_do_it_get_no_link() -> None:
    def way(role: Role, kind: Kind) -> str | None:
        return way_for([role], kind, CHILD, subject_id=SUBJECT)

    assert way(Role.GUARDIAN, Kind.SAFE_AND_WELL) is None
    assert way(Role.GUARDIAN, Kind.STEP)
    assert way(Role.CARER, Kind.PACK) is None
    assert all(way(Role.CASEWORKER, kind) for kind in Kind)
    assert not any(way(Role.ADMINISTRATOR, kind) for kind in Kind)
    assert {one.needs for one in WAYS.values()} <= set(Action)


async def _subject(cast: Cast, kind: Kind) -> UUID:
    """What a task of this kind is about, as it comes about."""
    if kind is Kind.TRANSFER:
        return await a_transfer(cast)
    if kind is Kind.ABSENCE:
        return await absence_id(cast, None, "")
    if kind is Kind.FLAG:
        return await a_flag(cast)
    if kind is Kind.APPROVAL:
        return await a_request(cast)
    if kind is Kind.QUESTION:
        asked = await a_question(cast)
        # The question sets its own task; here each kind is set by hand.
        await Task.filter(subject_id=asked).delete()
        return asked
    if kind not in OF_AN_EPISODE | OF_A_SHIFT:
        return uuid4()
    episode = await away(cast)
    if kind in OF_A_RETURN:
        await seen(cast, episode)
    if kind not in OF_A_SHIFT:
        return episode.id
    now = cast.clock()
    part = "out" if kind is Kind.HANDOVER else "in"
    row = await SearchHandover.create(
        id=uuid4(), agency_id=cast.agency.id, episode_id=episode.id, person_id=cast.tom.id,
        part=part, at=now, made_at=now,
    )  # fmt: skip
    return row.id


async def away(cast: Cast, child: str = "mia") -> Episode:
    now, id_ = cast.clock(), cast.persons[child].id
    return (await opening.open_episode(cast.actor("tom"), id_, uuid4(), Saying(now), now))[0]


async def seen(cast: Cast, episode: Episode) -> None:
    what = Found(cast.clock(), "At home", "Tom", "Tired.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, cast.clock())


async def task_of(cast: Cast, kind: Kind, owner: str = "tom") -> Task:
    subject = await _subject(cast, kind)
    setting = Setting(
        kind=kind, subject_id=subject, owner_id=cast.persons[owner].id,
        owner_role=cast.persons[owner].role, due_at=cast.clock() + timedelta(days=1),
        zone="Europe/Paris",
    )  # fmt: skip
    await dues.set_task(cast.actor("tom"), cast.children["mia"], setting, cast.clock())
    return await Task.get(kind=kind, subject_id=subject, state="open")


@pytest.mark.slow
async def test_the_way_of_each_kind_answers_its_owner(
    cast: Cast, subtests: pytest.Subtests
) -> None:
    async with at_desk(cast, "tom") as browser:
        for kind in Kind:
            with subtests.test(kind=kind):
                task = await task_of(cast, kind)
                onward = (await browser.get(f"/desk/dues/{task.id}")).headers["location"]
                assert onward == path_of(kind, cast.mia.id, task.subject_id)
                # What stands behind "#" is for the app alone.
                page = await browser.get(onward.partition("#")[0])
                assert page.status_code == 200


async def test_a_message_leads_to_the_task_and_from_there_to_where_it_is_done(cast: Cast) -> None:
    episode = await away(cast)
    await seen(cast, episode)
    await telling.TASKS.tick(cast.clock())
    task = await Task.get(kind=Kind.SAFE_AND_WELL, state="open")
    message = await Message.get(kind="due", subject_id=task.id, person_id=cast.tom.id)
    assert (message.data or {})["path"] == f"/desk/dues/{task.id}"


async def test_once_it_is_done_the_link_leads_to_the_search_and_asks_for_nothing(
    cast: Cast,
) -> None:
    task = await task_of(cast, Kind.SAFE_AND_WELL)
    await dues.done(cast.actor("tom"), task, cast.clock())
    async with at_desk(cast, "tom") as browser:
        answer = await browser.get(f"/desk/dues/{task.id}")
    assert answer.headers["location"] == f"/desk/episodes/{task.subject_id}"


async def test_a_guardian_is_led_to_what_they_may_read(cast: Cast) -> None:
    await seen(cast, await away(cast, "noor"))
    task = await Task.get(kind=Kind.SAFE_AND_WELL)
    async with at_desk(cast, "ada") as browser:
        answer = await browser.get(f"/desk/dues/{task.id}")
        assert answer.headers["location"] == f"/desk/episodes/{task.subject_id}"
        page = (await browser.get(answer.headers["location"])).text
    assert "/enter/" not in page


async def test_a_carer_is_led_to_their_own_promise_and_to_no_other(cast: Cast) -> None:
    own, other = await task_of(cast, Kind.STEP, "sam"), await task_of(cast, Kind.STEP)
    async with at_desk(cast, "sam") as browser:
        answer = await browser.get(f"/desk/dues/{own.id}")
        assert answer.headers["location"].startswith("/app/#with=")
        assert (await browser.get(f"/desk/dues/{other.id}")).status_code == 404


async def test_strangers_get_nothing_of_a_task(cast: Cast) -> None:
    kinds = OF_A_PROJECT | {Kind.SAFE_AND_WELL, Kind.HANDOVER}
    tasks = [await task_of(cast, kind) for kind in sorted(kinds)]
    for name in ("eve", "root", "uwe"):
        async with at_desk(cast, name) as browser:
            for task in tasks:
                answer = await browser.get(f"/desk/dues/{task.id}")
                assert answer.status_code == 404, (name, task.kind)


async def test_the_page_of_a_child_and_the_api_link_each_task(cast: Cast) -> None:
    task = await task_of(cast, Kind.RHYTHM)
    way = f"/desk/children/{cast.mia.id}/rhythm"
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}")).text
        assert f'<a href="{way}">An answer about the check-in times</a>' in page
    answer = await cast.client_as("tom").get(f"/api/v1/children/{cast.mia.id}/dues")
    [row] = [one for one in answer.json()["dues"] if one["id"] == str(task.id)]
    assert row["href"] == way
