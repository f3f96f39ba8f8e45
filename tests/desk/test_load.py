"""The load of each worker: exact, for those who supervise, and a way to hand children over."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.audit.models import Entry
from server.desk.load import reading
from server.notify.actions import Saying, queue
from server.notify.models import Message
from server.notify.rules import Kind as Message_Kind
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.storage.db import write
from server.tasks.actions import set_task
from server.tasks.rules import Kind, Setting
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.test_board_order import scope
from tests.desk.walking import at, at_desk, run_until
from tests.races import no_fault, together


async def workers(child_id: UUID, cast: Cast) -> set[UUID]:
    held = Tie.filter(Tie.standing_at(cast.clock()), child_id=child_id, role=Role.CASEWORKER)
    return {tie.person_id for tie in await held}


async def load_of(cast: Cast, name: str, *, reader: str = "ines") -> reading.Load:
    loads = await reading.loads(scope(cast, reader))
    [load] = [load for load in loads if load.id == cast.persons[name].id]
    return load


async def a_task(cast: Cast, kind: Kind, hours: float, *, owner: UUID | None = None) -> None:
    setting = Setting(
        kind=kind,
        subject_id=uuid4(),
        owner_id=owner,
        owner_role="caseworker",
        due_at=cast.clock() + timedelta(hours=hours),
        zone="Europe/Paris",
    )
    await set_task(cast.actor("tom"), await Child.get(id=cast.mia.id), setting, cast.clock())


async def called(cast: Cast, *moments: int) -> None:
    """Tom was called so many hours ago, and the message was accepted."""
    for hours in moments:
        when = cast.clock() - timedelta(hours=hours)
        saying = Saying(
            kind=Message_Kind.ALERT,
            agency_id=cast.agency.id,
            subject_kind="alert",
            subject_id=uuid4(),
            person_id=cast.tom.id,
        )
        async with write():
            await queue([saying], when)
        await Message.filter(subject_id=saying.subject_id).update(state="done", queued_at=when)


async def hand(cast: Cast, *children: UUID, to: str = "eve", id_: UUID | None = None) -> int:
    form = {
        "id": str(id_ or uuid4()),
        "child": [str(child) for child in children],
        "to": str(cast.persons[to].id),
        "sure": "yes",
    }
    async with at_desk(cast, "ines") as browser:
        answer = await browser.post(f"/desk/load/{cast.tom.id}", data=form)
    return answer.status_code


async def test_the_numbers_are_those_of_the_children_one_supervises(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await a_task(cast, Kind.STEP, -3)
    await a_task(cast, Kind.STEP, 30)
    await a_task(cast, Kind.REVIEW, 5, owner=cast.tom.id)
    await a_task(cast, Kind.REVIEW, 24 * 30)
    await a_task(cast, Kind.ANSWER, -3)
    load = await load_of(cast, "tom")
    assert (load.children, load.alerts) == (2, 2)
    assert (load.due, load.promises) == (3, 1)
    assert (await load_of(cast, "eve")).children == 0
    await Tie.filter(person_id=cast.ines.id, child_id=cast.mia.id).update(until_at=cast.clock())
    assert (await load_of(cast, "tom")).children == 1


async def test_calls_at_night_are_counted_by_the_workers_clock_once_a_quarter(cast: Cast) -> None:
    cast.clock.set(at(12))
    await called(cast, 1, 5, 8, 8, 13, 14, 15, 24 * 15)
    # 11:00, 07:00 (not counted), 04:00 twice, 23:00, 22:00, 21:00; and before the 14 days.
    assert (await load_of(cast, "tom")).nights == 3


async def test_the_page_is_sorted_by_what_one_asks_for(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        by_name = (await browser.get("/desk/load")).text
        by_children = (await browser.get("/desk/load?sort=children")).text
        assert (await browser.get("/desk/load?sort=nonsense&page=99999999999")).status_code == 200
    assert by_name.index("Eve Thackeray") < by_name.index("Tom Verhoeven")
    assert by_children.index("Tom Verhoeven") < by_children.index("Eve Thackeray")
    assert f'href="/desk/?whose={cast.tom.id}"' in by_name
    assert "Uwe" not in by_name


async def test_the_table_keeps_its_order_on_the_way_to_a_worker_and_back(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        table = (await browser.get("/desk/load?sort=due")).text
        assert table.count("aria-sort=") == table.count('" aria-current="true">Tasks due') == 1
        assert 'aria-sort="descending"><a href="/desk/load?sort=due" aria-current="true">' in table
        way = f"/desk/load/{cast.tom.id}?sort=due"
        assert f'href="{way}"' in table
        page = (await browser.get(way)).text
        assert 'href="/desk/load?sort=due"' in page
        assert f'action="{way}"' in page
        form = {"child": [str(cast.mia.id)], "to": str(cast.eve.id)}
        sure = (await browser.post(way, data=form)).text
        assert f'href="{way}"' in sure
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]+)"', sure))
        done = (await browser.post(way, data=hidden)).headers["location"]
        after = (await browser.get(done)).text
        deep = (await browser.get(f"/desk/load/{cast.tom.id}?sort=due&at=3")).text
        odd = (await browser.get(f"/desk/load/{cast.tom.id}?sort=x&at=x")).text
    assert done.startswith(f"{way}&done=1")
    assert 'href="/desk/load?sort=due"' in after
    assert 'href="/desk/load?sort=due&amp;page=3"' in deep
    assert '<p class="back"><a href="/desk/load">' in odd


@pytest.mark.parametrize("name", ["tom", "sam", "ada", "root"])
async def test_only_supervisors_see_the_load(cast: Cast, name: str) -> None:
    async with at_desk(cast, name) as browser:
        assert (await browser.get("/desk/load")).status_code == 403
        assert (await browser.get(f"/desk/load/{cast.tom.id}")).status_code == 403
        assert "/desk/load" not in (await browser.get("/desk/")).text


async def test_the_way_from_the_board_to_handing_over_is_a_few_taps(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        assert 'href="/desk/load"' in (await browser.get("/desk/")).text
        assert f'href="/desk/load/{cast.tom.id}"' in (await browser.get("/desk/load")).text
        page = (await browser.get(f"/desk/load/{cast.tom.id}")).text
        assert "Mia Castellane" in page
        assert "Eve Thackeray (0 children)" in page
        form = {"child": [str(cast.mia.id)], "to": str(cast.eve.id)}
        sure = (await browser.post(f"/desk/load/{cast.tom.id}", data=form)).text
        assert "Hand over 1 child?" in sure
        assert await workers(cast.mia.id, cast) == {cast.tom.id}
        hidden = re.findall(r'name="(\w+)" value="([^"]+)"', sure)
        done = await browser.post(f"/desk/load/{cast.tom.id}", data=dict(hidden))
        page = (await browser.get(done.headers["location"])).text
    assert "1 child is now with Eve Thackeray" in page
    assert await workers(cast.mia.id, cast) == {cast.eve.id}


async def test_both_workers_hear_of_it_once_and_the_child_reads_it(cast: Cast) -> None:
    assert await hand(cast, cast.mia.id, cast.noor.id) == 303
    told = await Message.filter(kind="assigned").values_list("person_id", flat=True)
    assert sorted(told) == sorted([cast.tom.id, cast.eve.id])
    for child in (cast.mia, cast.noor):
        assert await workers(child.id, cast) == {cast.eve.id}
        assert await Message.filter(kind="news_child", person_id=child.id).count() == 1
        entries = await Entry.filter(child_id=child.id, what__startswith="tie:").order_by("id")
        assert [entry.what for entry in entries][-2:] == ["tie:add", "tie:end"]
        assert {entry.who_id for entry in entries[-2:]} == {cast.ines.id}


async def test_sent_twice_or_raced_it_happens_once(cast: Cast) -> None:
    id_ = uuid4()
    assert await hand(cast, cast.mia.id, id_=id_) == 303
    assert await hand(cast, cast.mia.id, id_=id_) == 303
    answers = await together(*(hand(cast, cast.noor.id, id_=id_) for _ in range(4)))
    no_fault(answers)
    for child in (cast.mia.id, cast.noor.id):
        assert await workers(child, cast) == {cast.eve.id}
        assert await Tie.filter(child_id=child, person_id=cast.eve.id).count() == 1
    assert await Message.filter(kind="assigned").count() == 2


async def test_sent_twice_to_a_worker_who_had_the_child_already_it_is_no_conflict(
    cast: Cast,
) -> None:
    id_, tie = uuid4(), AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), cast.mia, tie, cast.clock())
    assert await hand(cast, cast.mia.id, id_=id_) == 303
    assert await hand(cast, cast.mia.id, id_=id_) == 303
    assert await workers(cast.mia.id, cast) == {cast.eve.id}
    assert await hand(cast, cast.mia.id, to="ines") == 409


async def test_a_child_who_is_named_twice_is_one_child(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        form = {"child": [str(cast.mia.id)] * 3, "to": str(cast.eve.id), "sure": "yes"}
        answer = await browser.post(f"/desk/load/{cast.tom.id}", data=form)
    assert "?done=1&" in answer.headers["location"]


async def test_two_who_hand_over_to_different_workers_get_one_and_a_sentence(cast: Cast) -> None:
    answers = await asyncio.gather(
        hand(cast, cast.mia.id, to="eve"), hand(cast, cast.mia.id, to="ines")
    )
    assert sorted(answers) == [303, 409]
    assert len(await workers(cast.mia.id, cast)) == 1


async def test_a_worker_who_has_the_child_already_keeps_one_tie(cast: Cast) -> None:
    tie = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), await Child.get(id=cast.mia.id), tie, cast.clock())
    assert await hand(cast, cast.mia.id) == 303
    assert await workers(cast.mia.id, cast) == {cast.eve.id}
    assert await Tie.filter(child_id=cast.mia.id, person_id=cast.eve.id).count() == 1


async def test_what_cannot_be_handed_over_says_why_and_changes_nothing(cast: Cast) -> None:
    path, mia = f"/desk/load/{cast.tom.id}", str(cast.mia.id)
    uwe = (await Person.get(id=cast.persons["uwe"].id)).id
    refusals = [
        ({"to": str(cast.eve.id), "sure": "yes"}, 422),
        ({"child": [mia], "sure": "yes"}, 422),
        ({"child": [mia], "to": str(cast.tom.id), "sure": "yes"}, 422),
        ({"child": [mia], "to": str(cast.sam.id), "sure": "yes"}, 422),
        ({"child": [mia], "to": str(cast.root.id), "sure": "yes"}, 422),
        ({"child": [mia], "to": str(uwe), "sure": "yes"}, 422),
        ({"child": [mia], "to": "nonsense", "sure": "yes"}, 422),
        ({"child": [str(cast.lia.id)], "to": str(cast.eve.id), "sure": "yes"}, 404),
        ({"child": [str(uuid4())], "to": str(cast.eve.id), "sure": "yes"}, 404),
    ]
    async with at_desk(cast, "ines") as browser:
        for form, status in refusals:
            assert (await browser.post(path, data=form)).status_code == status, form
        assert (await browser.get(f"/desk/load/{uwe}")).status_code == 404
        assert (await browser.get(f"/desk/load/{cast.mia.id}")).status_code == 404
    assert await workers(cast.mia.id, cast) == {cast.tom.id}
    assert await Message.filter(kind="assigned").count() == 0


async def test_many_children_come_in_parts(cast: Cast) -> None:
    await scenes.crowd(cast, 60)
    async with at_desk(cast, "ines") as browser:
        first = (await browser.get(f"/desk/load/{cast.tom.id}")).text
        second = (await browser.get(f"/desk/load/{cast.tom.id}?page=2")).text
    shown = [set(re.findall(r'name="child" value="([^"]+)"', page)) for page in (first, second)]
    assert [len(part) for part in shown] == [50, 12]
    assert not shown[0] & shown[1]
