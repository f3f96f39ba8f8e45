"""A phone that shows no reminders: who reads of it where, and in which words."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts.ladder import Outcome
from server.notify.models import Address, Message
from server.security import encryption
from server.watch import evidence, watch_alerts
from server.watch.carer.models import Question
from tests.cast import Cast
from tests.desk.walking import PARIS, answer, at, at_desk, leave_the_others_out, run_until

DAY = timedelta(days=1)
NEVER = "phone has never shown a reminder"


async def phone(cast: Cast, child: str = "mia", *, seen: bool = True, days: int = 9) -> Address:
    """Pushes are accepted, and none was shown for so many days."""
    now = cast.clock()
    return await Address.create(
        agency_id=cast.persons[child].agency_id,
        person_id=cast.persons[child].id,
        channel="push",
        value="https://push.example.org/1",
        value_index=str(uuid4()),
        device_id=cast.devices[child],
        made_at=now - 40 * DAY,
        receipts_since=now - 40 * DAY,
        last_accepted_at=now - timedelta(hours=1),
        last_seen_at=now - days * DAY if seen else None,
        unseen=8,
        unseen_since=now - days * DAY,
    )


async def page(cast: Cast, name: str, path: str) -> str:
    async with at_desk(cast, name) as browser:
        found = await browser.get(path)
    assert found.status_code == 200
    return " ".join(found.text.split())


async def facts(cast: Cast) -> evidence.Facts:
    return (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]


@pytest.mark.parametrize(
    ("seen", "words"),
    [(True, "phone has shown no reminder since Sat 21 Feb 13:00"), (False, NEVER)],
)
async def test_an_alert_says_that_the_phone_shows_nothing(
    cast: Cast, seen: bool, words: str
) -> None:
    await phone(cast, seen=seen)
    await run_until(cast, at(19, 50))
    # The service took them all: that alone would read as if the phone could be reached.
    await Message.filter(kind="remind_child").update(state="done")
    known = await facts(cast)
    assert known.alerts
    said = evidence.sentence(known, "en", PARIS, cast.clock())
    assert words[1:] in said
    assert "reachable" not in said
    path = f"/desk/alerts/{known.alerts[0].id}"
    assert words[1:] in await page(cast, "tom", path)
    await watch_alerts.close_alert(
        cast.actor("tom"), known.alerts[0].id, Outcome.SEEN, "At the door.", cast.clock()
    )
    closed = await page(cast, "tom", path)
    assert "No reminder shown since" in closed


async def test_a_reminder_that_was_refused_is_still_said_to_be_so(cast: Cast) -> None:
    await phone(cast)
    await run_until(cast, at(19, 50))
    await Message.filter(kind="remind_child").update(state="failed", why="gone")
    said = evidence.sentence(await facts(cast), "en", PARIS, cast.clock())
    assert "Reminder did not arrive" in said


async def test_the_carer_reads_that_it_may_be_the_phone_and_looks_all_the_same(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await phone(cast)
    await run_until(cast, at(19, 5))
    question = await Question.get(child_id=cast.mia.id)
    token = encryption.sign(str(question.id), "question", until=question.expires_at)
    async with cast.client(headers={"accept": "text/html", "accept-language": "en"}) as browser:
        shown = (await browser.get(f"/q/{token}")).text
    assert "peut-être que le téléphone" in shown
    assert "Mia" not in shown
    # So it is where nothing is taken for the phone; of one that works nothing is said.
    for known, is_said in (
        ({"last_failed_at": cast.clock(), "unseen": 0, "unseen_since": None}, True),
        ({"last_accepted_at": cast.clock()}, False),
    ):
        await Address.all().update(**known)
        async with cast.client(headers={"accept": "text/html"}) as browser:
            shown = (await browser.get(f"/q/{token}")).text
        assert ("peut-être que le téléphone" in shown) is is_said


async def test_the_page_of_a_child_says_quietly_when_a_reminder_last_reached_the_phone(
    cast: Cast,
) -> None:
    path = f"/desk/children/{cast.mia.id}"
    assert "reminder reached the phone" not in await page(cast, "tom", path)
    address = await phone(cast)
    assert "Phone has shown no reminder since" in await page(cast, "tom", path)
    await Address.all().update(
        unseen=0, unseen_since=None, last_seen_at=cast.clock() - timedelta(hours=2)
    )
    assert "Last reminder reached the phone 11:00." in await page(cast, "tom", path)
    await Address.all().update(last_failed_at=cast.clock())
    assert "Reminders do not reach the phone." in await page(cast, "tom", path)
    await Address.filter(id=address.id).update(dropped_at=cast.clock(), dropped_why="by_person")
    assert "phone." not in (await page(cast, "tom", path)).split("Check-ins")[0]


async def test_the_board_says_it_in_its_quiet_line_and_moves_no_row(cast: Cast) -> None:
    await run_until(cast, at(17))
    await answer(cast, "mia")
    before = await page(cast, "tom", "/desk/")
    await phone(cast)
    after = await page(cast, "tom", "/desk/")
    assert "has shown no reminder" not in before
    assert '<span class="owed">Phone has shown no reminder since' in after
    assert before.count("is-well") == after.count("is-well")


async def test_an_adult_whose_browsers_show_nothing_reads_so_on_the_board(cast: Cast) -> None:
    said = "Alarms may not reach you"
    assert said not in await page(cast, "tom", "/desk/")
    await phone(cast)
    await Address.all().update(person_id=cast.tom.id, device_id=None)
    assert said in await page(cast, "tom", "/desk/")
    assert said not in await page(cast, "ines", "/desk/")
    settings = await page(cast, "tom", "/desk/settings")
    assert "last shown 9 days ago" in settings
