"""Whose turn it is, on the page of a child."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.models import Message
from server.people import actions as people
from server.people.models import Child
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.tasks import actions as dues
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import Kind, Setting
from server.watch.watch_alerts import open_missing
from server.web import live
from tests.cast import ADULTS, Cast


async def stand(cast: Cast, kind: Kind, child: str, **days: float) -> None:
    one = Setting(
        kind=kind,
        subject_id=uuid4(),
        owner_id=None,
        owner_role="caseworker",
        due_at=cast.clock() + timedelta(**days),
        zone="Europe/Paris",
    )
    await dues.set_task(cast.actor("tom"), cast.children[child], one, cast.clock())


async def page(cast: Cast, name: str, child: str) -> str:
    answer = await cast.browser_as(name).get(f"/desk/children/{cast.persons[child].id}")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


async def test_the_page_of_a_child_says_whose_turn_it_is_and_until_when(cast: Cast) -> None:
    assert "Whose turn is it?" not in await page(cast, "tom", "mia")
    await stand(cast, Kind.REVIEW, "mia", days=3, hours=11)
    text = await page(cast, "tom", "mia")
    assert "Whose turn is it?" in text
    assert "A review" in text
    assert "Thu" in text, "what ends at midnight is of the day before"
    turns = text.split("Whose turn is it?")[1].split("</section>")[0]
    assert "Tom Verhoeven" in turns
    assert "late" not in turns
    await stand(cast, Kind.STEP, "mia", days=-1)
    turns = (await page(cast, "ines", "mia")).split("Whose turn is it?")[1].split("</section>")[0]
    assert 'A promised step</a> <span class="tag late">late</span>' in turns


async def test_a_guardian_reads_nothing_of_the_thread_there(cast: Cast) -> None:
    await stand(cast, Kind.REPLY, "noor", days=1)
    assert "An answer to a message" in await page(cast, "tom", "noor")
    assert "Whose turn is it?" not in await page(cast, "ada", "noor")


async def board(cast: Cast, name: str) -> str:
    answer = await cast.browser_as(name).get("/desk/")
    return " ".join(answer.text.split())


async def test_the_board_says_quietly_what_of_ones_own_is_late(cast: Cast) -> None:
    before = await board(cast, "tom")
    assert "is late" not in before
    await stand(cast, Kind.STEP, "mia", days=-1)
    await stand(cast, Kind.REVIEW, "mia", days=2)
    text = await board(cast, "tom")
    assert ">1 promise is late</a></span>" in text
    await stand(cast, Kind.STEP, "mia", days=-2)
    await stand(cast, Kind.REPLY, "mia", days=-2)
    assert "2 promises are late, 1 answer is late" in await board(cast, "tom")
    # It is nobody's alarm, and not the turn of whoever was not told.
    # (That promises were broken is a signal about the child, which those who answer for it see.)
    assert "promises are late" not in await board(cast, "ines")
    assert "is-now" not in text
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    assert "promises are late" not in await board(cast, "tom")


async def test_several_late_steps_of_a_search_lead_to_the_search(cast: Cast) -> None:
    episode = uuid4()
    for kind in (Kind.REPORT, Kind.KEEP_TRYING):
        step = Setting(
            kind=kind,
            subject_id=episode,
            owner_id=None,
            owner_role="caseworker",
            due_at=cast.clock() - timedelta(hours=1),
            zone="Europe/Paris",
        )
        await dues.set_task(cast.actor("tom"), cast.children["mia"], step, cast.clock())
    link = f'href="/desk/episodes/{episode}">2 steps of the search are late</a>'
    assert link in await board(cast, "tom")


async def test_whose_turn_it_is_renews_itself_without_a_look_each_time(cast: Cast) -> None:
    await cast.on_duty("eve", hours=2)
    path = f"/desk/children/{cast.mia.id}/turns"
    assert f'data-live="{path}"' in await page(cast, "tom", "mia")
    await stand(cast, Kind.REVIEW, "mia", days=3)
    looks = Entry.filter(child_id=cast.mia.id, what__startswith="look")
    before = await looks.count()
    for _ in range(5):
        answer = await cast.browser_as("eve").get(path)
        assert "A review" in answer.text
        cast.clock.advance(minutes=1)
    assert await looks.count() == before + 1
    for _ in range(5):
        assert (await cast.browser_as("tom").get(path)).status_code == 200
    assert await looks.count() == before + 1


async def test_open_pages_are_told_when_it_is_another_persons_turn(cast: Cast) -> None:
    await live.open_live()
    heard = live.subscribe(cast.agency.id)
    try:
        await stand(cast, Kind.REVIEW, "mia", days=3)
        assert await asyncio.wait_for(anext(heard), 5) == "due"
        await dues.done(cast.actor("tom"), await Task.get(), cast.clock())
        assert await asyncio.wait_for(anext(heard), 5) == "due"
    finally:
        heard.close()
        await live.close_live()


# --- a deputy without a tie


async def eve_stands_in(cast: Cast) -> Task:
    """Mia has written, nobody answered, and Tom's deputy is somebody without a tie."""
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    await stand(cast, Kind.REPLY, "mia", hours=1)
    cast.clock.advance(hours=2)
    await telling.TASKS.tick(cast.clock())
    for name in (*ADULTS, "uwe"):
        await cast.new_token(name)
    return await Task.get()


async def test_a_message_to_a_deputy_without_an_assignment_leads_to_a_page_that_says_who_to_ask(
    cast: Cast,
) -> None:
    due = await eve_stands_in(cast)
    told = {one.person_id: (one.data or {})["path"] for one in await Message.filter(kind="due")}
    assert told[cast.eve.id] == f"/desk/dues/{due.id}"
    assert told[cast.tom.id] == f"/desk/dues/{due.id}"
    answer = await cast.browser_as("eve").get(told[cast.eve.id])
    assert answer.status_code == 200
    for words in ("This is waiting for Tom Verhoeven", "Ines Quintanar", "An answer to a message"):
        assert words in answer.text
    for secret in ("Mia", "Castellane", str(cast.mia.id)):
        assert secret not in answer.text
    assert (await cast.browser_as("eve").get(f"/desk/children/{cast.mia.id}")).status_code == 404
    # Whoever may see the child is led on, and so is Eve once she stands in with a tie.
    for name in ("tom", "ines"):
        answer = await cast.browser_as(name).get(f"/desk/dues/{due.id}")
        assert answer.headers["location"] == f"/desk/children/{cast.mia.id}/project#talk"
    for name in ("root", "uwe", "sam"):
        assert (await cast.browser_as(name).get(f"/desk/dues/{due.id}")).status_code == 404
    await add_tie(
        cast.actor("ines"),
        cast.children["mia"],
        AddTie(
            person_id=cast.eve.id, role=Role.CASEWORKER, until_at=cast.clock() + timedelta(days=14)
        ),
        cast.clock(),
    )
    answer = await cast.browser_as("eve").get(f"/desk/dues/{due.id}")
    assert answer.status_code == 303


async def test_it_says_when_it_is_done(cast: Cast) -> None:
    due = await eve_stands_in(cast)
    await dues.done(cast.actor("tom"), due, cast.clock())
    answer = await cast.browser_as("eve").get(f"/desk/dues/{due.id}")
    assert "It is done" in answer.text


async def test_a_task_that_was_dropped_is_closed_and_not_called_done(cast: Cast) -> None:
    due = await eve_stands_in(cast)
    await dues.drop(cast.actor("tom"), due, "found", cast.clock())
    answer = await cast.browser_as("eve").get(f"/desk/dues/{due.id}")
    assert "This task is closed" in answer.text
    assert "It is done" not in answer.text


async def test_an_alert_that_has_called_nobody_yet_shows_the_deputy_who_to_ask(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await Alert.filter(id=alert.id).update(rung=-1)
    assert (await cast.browser_as("eve").get(f"/desk/alerts/{alert.id}")).status_code == 404
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    answer = await cast.browser_as("eve").get(f"/desk/alerts/{alert.id}")
    assert answer.status_code == 200
    assert "Tom Verhoeven" in answer.text
    assert "Mia" not in answer.text
    taken = await cast.browser_as("eve").post(f"/desk/alerts/{alert.id}/acknowledge", data={})
    assert taken.status_code == 404


async def test_an_alert_opens_to_a_new_deputy_who_is_told_of_it(cast: Cast) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())
    answer = await cast.browser_as("eve").get(f"/desk/alerts/{alert.id}")
    assert answer.status_code == 200
    assert "Mia Castellane" in answer.text
    taken = await cast.browser_as("eve").post(f"/desk/alerts/{alert.id}/acknowledge", data={})
    assert taken.status_code == 303
