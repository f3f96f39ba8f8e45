"""One message a day about tasks that can wait, at the time that its person chose."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.actions import SYSTEM
from server.clock import known_zone
from server.notify.models import Message, Preference
from server.notify.preferences import set_quiet
from server.people.models import Person, Tie
from server.tasks import actions as tasks
from server.tasks.digest import set_digest
from server.tasks.digest_rules import LOW, may_wait, next_digest
from server.tasks.models import Task
from server.tasks.rules import OF_AN_EPISODE, URGENT, Kind, Setting
from server.tasks.terms import terms_of
from server.watch.models import Watch
from tests.cast import Cast
from tests.notify.test_worker import mail_of, phone_of
from tests.walks.stage import Stage

PARIS = ZoneInfo("Europe/Paris")
ROLES = ("caseworker", "supervisor", "guardian", "carer", "child", "agency")


# --- pure


@given(st.sampled_from(list(Kind)), st.sampled_from(ROLES), st.integers(0, 40))
def test_what_is_urgent_or_from_a_child_never_waits(kind: Kind, role: str, number: int) -> None:
    if may_wait(kind, terms_of(kind, role), number):
        assert kind in LOW
        assert kind not in URGENT | OF_AN_EPISODE | {Kind.REPLY, Kind.RHYTHM, Kind.ANSWER}


def test_the_speech_in_which_others_hear_of_it_does_not_wait_and_its_repeats_do() -> None:
    terms = terms_of(Kind.STEP, "caseworker")
    assert [may_wait(Kind.STEP, terms, number) for number in range(5)] == [
        True,
        True,
        False,  # Now the supervisor hears that nobody has done it.
        True,
        True,
    ]


@given(
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"]),
    st.integers(0, 6000 * 24 * 60),
)
def test_there_is_one_moment_on_each_day_also_where_the_clocks_change(
    at: time, zone_name: str, minutes: int
) -> None:
    zone, days = known_zone(zone_name), []
    now = datetime(2011, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    for _ in range(4):
        after = next_digest(at, zone, now)
        assert timedelta(0) < after - now <= timedelta(hours=50)
        days.append(after.astimezone(zone).date())
        now = after
    assert len(set(days)) == len(days)


# --- on the stage


async def promise(stage: Stage, **how: Any) -> Task:
    """A promise of Tom's to Mia, for the second of March: we speak of it the next morning."""
    values: dict[str, Any] = {
        "kind": Kind.STEP,
        "subject_id": uuid4(),
        "owner_id": stage.cast.tom.id,
        "owner_role": "caseworker",
        "due_at": datetime(2026, 3, 2, 23, tzinfo=UTC),
        "zone": "Europe/Paris",
    }
    setting = Setting(**(values | how))
    await tasks.set_task(SYSTEM, stage.cast.children["mia"], setting, stage.clock())
    return await Task.get(subject_id=setting.subject_id, state="open")


async def chooses(stage: Stage, name: str = "tom", at: time | None = time(8)) -> None:
    await set_digest(stage.cast.actor(name), stage.cast.persons[name], at, stage.clock())


async def go(stage: Stage, day: date, at: time) -> None:
    """Let the tasks speak and the messages go out until a time in Paris; no child is asked."""
    await Watch.all().delete()
    await stage.until(datetime.combine(day, at, PARIS).astimezone(UTC))


def kinds_of(messages: list[Message]) -> list[tuple[str, str, str | None]]:
    return sorted((m.kind, m.state, m.why) for m in messages)


@pytest.fixture
async def desk(stage: Stage) -> Stage:
    """Tom reads mail; nothing is due but what a test sets."""
    await mail_of(stage, "tom")
    return stage


def mails(stage: Stage) -> list[str]:
    """What Tom read, in order."""
    return [mail.message.get_content() for mail in stage.mails_to("tom@example.org")]


async def test_who_has_chosen_nothing_gets_each_message_as_ever(desk: Stage) -> None:
    await promise(desk)
    await go(desk, date(2026, 3, 3), time(9, 30))
    [text] = mails(desk)
    assert "You have something to do." in text


async def test_tasks_that_can_wait_come_as_one_message_with_their_count(desk: Stage) -> None:
    await chooses(desk)
    first, _ = await promise(desk), await promise(desk)
    await go(desk, date(2026, 3, 3), time(23))
    assert mails(desk) == []
    waiting = await Message.filter(subject_id=first.id)
    assert kinds_of(waiting) == [("due", "waiting", "digest")]
    await go(desk, date(2026, 3, 4), time(8, 30))
    [text] = mails(desk)
    assert "You have 2 things to do." in text
    assert "/desk/tasks" in text
    assert "Mia" not in text
    assert kinds_of(await Message.filter(subject_id=first.id)) == [
        ("due", "withdrawn", "in_digest")
    ]
    # Their second reminder is of the same day, and comes on the next.
    await go(desk, date(2026, 3, 5), time(7, 59))
    assert len(mails(desk)) == 1
    await go(desk, date(2026, 3, 5), time(8, 30))
    assert len(mails(desk)) == 2


async def test_a_task_that_is_done_by_then_is_not_in_it_and_nothing_is_no_message(
    desk: Stage,
) -> None:
    await chooses(desk)
    first, second = await promise(desk), await promise(desk)
    await go(desk, date(2026, 3, 3), time(12))
    await tasks.done(SYSTEM, first, desk.clock())
    await go(desk, date(2026, 3, 4), time(8, 30))
    assert ["You have 1 thing to do." in text for text in mails(desk)] == [True]
    await tasks.done(SYSTEM, second, desk.clock())
    await go(desk, date(2026, 3, 7), time(12))
    assert len(mails(desk)) == 1


async def test_what_is_urgent_and_what_a_child_waits_for_comes_at_once(desk: Stage) -> None:
    await chooses(desk)
    await promise(desk, kind=Kind.REPLY, owner_id=None, due_at=desk.clock() + timedelta(hours=24))
    await desk.beat()
    assert len(mails(desk)) == 1


async def test_a_task_that_becomes_urgent_is_told_at_once_and_not_again_in_the_message_of_the_day(
    desk: Stage,
) -> None:
    await chooses(desk, at=time(23))
    task = await promise(desk)
    await go(desk, date(2026, 3, 5), time(8, 30))
    told = len(mails(desk))
    assert told == 2, "one at 23:00 on each of two days"
    # At nine the supervisor hears of it, and so does Tom.
    await go(desk, date(2026, 3, 5), time(9, 30))
    assert len(mails(desk)) == told + 1
    await go(desk, date(2026, 3, 5), time(23, 30))
    assert len(mails(desk)) == told + 1
    assert not await Message.filter(subject_id=task.id, state="waiting", why="digest").exists()


async def test_after_our_server_was_down_there_is_one_message_with_all_of_it(desk: Stage) -> None:
    await chooses(desk)
    await promise(desk)
    await promise(desk, kind=Kind.END, due_at=datetime(2026, 3, 2, 23, tzinfo=UTC))
    await go(desk, date(2026, 3, 3), time(12))
    # The second reminder of the promise was due meanwhile as well.
    desk.clock.set(datetime(2026, 3, 4, 12, tzinfo=UTC))
    other = desk.another_ticker()
    await desk.ticker.tick()
    await other.tick()
    await desk.ticker.send()
    await other.send()
    digests = await Message.filter(kind="digest")
    assert len(digests) == 1
    assert ["You have 2 things to do." in text for text in mails(desk)] == [True]
    wish = await Preference.get(id=desk.cast.tom.id)
    assert wish.digest_next_at == datetime(2026, 3, 5, 7, tzinfo=UTC)


async def test_it_is_at_the_time_of_their_own_clock_also_when_the_clocks_change(
    desk: Stage,
) -> None:
    await Person.filter(id=desk.cast.tom.id).update(zone="Asia/Kathmandu")
    tom = await Person.get(id=desk.cast.tom.id)
    await set_digest(desk.cast.actor("tom"), tom, time(8), desk.clock())
    wish = await Preference.get(id=tom.id)
    assert wish.digest_next_at == datetime(2026, 3, 3, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize("change", ["off", "later", "gone", "unreachable"])
async def test_what_waits_is_lost_by_no_change(desk: Stage, change: str) -> None:
    await chooses(desk)
    task = await promise(desk)
    await go(desk, date(2026, 3, 3), time(12))
    if change == "off":
        await chooses(desk, at=None)
        await desk.beat()
        assert ["something to do" in text for text in mails(desk)] == [True]
    elif change == "later":
        await chooses(desk, at=time(18))
        await go(desk, date(2026, 3, 3), time(18, 30))
        assert ["You have 1 thing to do." in text for text in mails(desk)] == [True]
    elif change == "gone":
        await Person.filter(id=desk.cast.tom.id).update(disabled_at=desk.clock())
        await Tie.filter(person_id=desk.cast.tom.id).delete()
        await go(desk, date(2026, 3, 4), time(8, 30))
        [message] = await Message.filter(subject_id=task.id, person_id=desk.cast.tom.id)
        assert (message.state, message.why) == ("withheld", "person_disabled")
        assert mails(desk) == []
    else:
        # The row of the person's choice is gone, by whatever fault: an hour later it goes out.
        await Preference.filter(id=desk.cast.tom.id).delete()
        await go(desk, date(2026, 3, 4), time(9, 1))
        assert any("something to do" in text for text in mails(desk))


async def test_where_nothing_reaches_them_nothing_waits(stage: Stage) -> None:
    await chooses(stage)
    task = await promise(stage)
    await go(stage, date(2026, 3, 3), time(9, 30))
    [message] = await Message.filter(subject_id=task.id)
    assert (message.state, message.why) == ("failed", "no_address")


async def test_it_waits_for_the_end_of_quiet_hours(desk: Stage) -> None:
    await chooses(desk, at=time(6))
    tom = desk.cast.tom
    await set_quiet(desk.cast.actor("tom"), tom.id, time(22), time(7), desk.clock())
    await promise(desk)
    await go(desk, date(2026, 3, 4), time(6, 59))
    assert mails(desk) == []
    await go(desk, date(2026, 3, 4), time(7, 1))
    assert len(mails(desk)) == 1


async def test_a_lock_screen_says_what_it_always_says(stage: Stage) -> None:
    await phone_of(stage, "tom")
    await chooses(stage)
    await promise(stage)
    await go(stage, date(2026, 3, 4), time(8, 30))
    [push] = stage.shown("tom")
    assert push.json["notification"]["body"] == "You have 1 new item"
    assert stage.paths("tom") == ["/desk/tasks"]


async def test_the_time_is_chosen_in_the_settings_and_a_wrong_one_comes_back(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        for text, status, stored in (("08:00", 303, "08:00"), ("8 o'clock", 422, "08:00")):
            answer = await tom.post("/desk/settings/digest", data={"digest_at": text})
            assert answer.status_code == status
            assert (await Preference.get(id=cast.tom.id)).digest_at == stored
        assert "8 o&#39;clock" in answer.text
        assert "Enter a time such as 08:00." in answer.text
        await tom.post("/desk/settings/digest", data={"digest_at": ""})
    assert (await Preference.get(id=cast.tom.id)).digest_next_at is None


async def test_the_list_has_what_is_mine_with_a_link_and_nothing_of_others(stage: Stage) -> None:
    await promise(stage)
    await promise(stage, owner_id=None, owner_role="supervisor", kind=Kind.REVIEW)
    await stage.beat()
    cast = stage.cast
    for name, words in (("tom", "A promised step"), ("ines", "A review"), ("eve", "")):
        async with cast.browser_as(name) as browser:
            page = (await browser.get("/desk/tasks")).text
        assert page.count('href="/desk/dues/') == (1 if words else 0)
        assert words in page
    async with cast.browser_as("tom") as tom:
        assert (await tom.get("/desk/tasks?page=9")).status_code == 200
        assert (await tom.get("/desk/tasks?page=x")).status_code == 200
