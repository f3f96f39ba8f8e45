"""What a life project makes somebody's turn, as it is said over the wire and as time passes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.models import Message
from server.people.models import Child, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.tasks import telling
from server.tasks.models import Task
from tests.cast import Cast
from tests.plan.said import Phone


class App(Phone):
    """An app over days: whoever works at a desk signs in anew."""

    async def send(self, *changes: dict[str, Any]) -> httpx2.Response:
        if self.name != self.child:
            await self.cast.new_token(self.name)
            self.own_client = None
        return await super().send(*changes)


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return App(cast, "mia")


@pytest.fixture
def tom(cast: Cast) -> Phone:
    return App(cast, "tom")


async def a_step(by: Phone, owner: str | None, due_on: str | None, **fields: Any) -> str:
    """A step of a new goal; its id."""
    area = by.make("area", kind="education")
    goal = by.make("goal", area_id=area["entity_id"])
    owner_id = str(by.cast.persons[owner].id) if owner else None
    said = {"goal_id": goal["entity_id"], "text": "Ask", "owner_id": owner_id, "due_on": due_on}
    step = by.make("step", **said, **fields)
    assert await by.sync(area, goal, step) == ["applied"] * 3
    by.heard.append(step)
    return str(step["entity_id"])


async def change(by: Phone, step: str, **fields: Any) -> None:
    """This person changes these fields of a step, having seen what was there."""
    await by.sync()
    said = []
    for name, value in fields.items():
        known = [
            one["id"]
            for one in by.heard
            if one["entity_id"] == step
            and (one["field"] == name or (one["field"] == "*" and name in one["value"]))
        ]
        said.append(by.say("step", step, name, value, base=known[-1] if known else None))
    results = await by.sync(*said)
    assert set(results) == {"applied"}, results
    by.heard += said


async def rows(kind: str | None = None) -> Sequence[Task]:
    """Every due there ever was, the oldest turn first."""
    return await (Task.filter(kind=kind) if kind else Task.all()).order_by("turn", "id")


async def the_open(kind: str | None = None) -> Task:
    """The one that is open, of this kind where it is said."""
    return await (Task.filter(kind=kind) if kind else Task.all()).get(state="open")


async def told(cast: Cast, name: str) -> list[Message]:
    """What was said to somebody about dues."""
    person = cast.persons[name]
    return await Message.filter(person_id=person.id, subject_kind="due").order_by("id")


async def pass_time(cast: Cast, **how_far: float) -> None:
    """Time passes, hour by hour."""
    end = cast.clock() + timedelta(**how_far)
    while cast.clock() < end:
        cast.clock.set(min(cast.clock() + timedelta(hours=1), end))
        await telling.TASKS.tick(cast.clock())


# --- steps


async def test_a_step_with_a_day_and_an_owner_is_a_due_until_the_end_of_that_day(
    tom: Phone,
) -> None:
    step = await a_step(tom, "tom", "2026-03-05")
    due = await the_open()
    assert (due.kind, str(due.subject_id), due.turn) == ("step", step, 0)
    assert (due.owner_id, due.owner_role, due.zone) == (
        tom.cast.tom.id,
        "caseworker",
        "Europe/Paris",
    )
    assert due.due_at == datetime(2026, 3, 5, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("owner", "due_on", "more"),
    [
        (None, "2026-03-05", {}),
        ("tom", None, {}),
        ("tom", "2026-03-05", {"status": "done"}),
        ("tom", "2026-03-05", {"status": "not_done"}),
    ],
)
async def test_without_a_day_an_owner_or_anything_to_do_there_is_none(
    tom: Phone, owner: str | None, due_on: str | None, more: dict[str, Any]
) -> None:
    await a_step(tom, owner, due_on, **more)
    assert await rows() == []


async def test_an_overdue_promise_reminds_its_owner_then_tells_the_supervisor_daily(
    tom: Phone,
) -> None:
    cast = tom.cast
    await a_step(tom, "tom", "2026-03-03")
    await pass_time(cast, days=1, hours=19)
    assert await told(cast, "tom") == []
    await pass_time(cast, hours=1)
    [first] = await told(cast, "tom")
    assert first.queued_at == datetime(2026, 3, 4, 8, tzinfo=UTC), "nine in Paris"
    assert first.data["path"].startswith("/desk/dues/")
    await pass_time(cast, days=1)
    assert (len(await told(cast, "tom")), len(await told(cast, "ines"))) == (2, 0)
    await pass_time(cast, days=1)
    assert (len(await told(cast, "tom")), len(await told(cast, "ines"))) == (3, 1)
    await pass_time(cast, days=5)
    assert (len(await told(cast, "tom")), len(await told(cast, "ines"))) == (8, 6)
    assert await told(cast, "mia") == await told(cast, "sam") == []
    assert await Entry.filter(what="due:told").count() == 8


async def test_done_settles_and_takes_back_what_has_not_gone_out(tom: Phone) -> None:
    cast = tom.cast
    step = await a_step(tom, "tom", "2026-03-03")
    await pass_time(cast, days=2)
    await change(tom, step, status="done")
    [due] = await rows()
    assert (due.state, due.why, due.next_action_at, due.settled_at) == (
        "done",
        "done",
        None,
        cast.clock(),
    )
    assert {one.state for one in await told(cast, "tom")} == {"withdrawn"}
    await pass_time(cast, days=4)
    assert len(await told(cast, "tom")) == 1
    await change(tom, step, status="open")
    assert [one.turn for one in await rows()] == [0, 1]
    await pass_time(cast, days=1)
    assert len(await told(cast, "tom")) == 2, "what is open again is said again"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "not_done"}, "not_done"),
        ({"text": " "}, "gone"),
        ({"due_on": None}, "gone"),
        ({"owner_id": None}, "gone"),
    ],
)
async def test_what_nobody_has_to_do_any_more_is_dropped(
    tom: Phone, fields: dict[str, Any], why: str
) -> None:
    step = await a_step(tom, "tom", "2026-03-03")
    await change(tom, step, **fields)
    [due] = await rows()
    assert (due.state, due.why, due.next_action_at) == ("dropped", why, None)


async def test_another_day_or_owner_is_another_turn_and_the_old_one_stays_on_record(
    tom: Phone,
) -> None:
    cast = tom.cast
    step = await a_step(tom, "tom", "2026-03-03")
    await pass_time(cast, days=2)
    await change(tom, step, due_on="2026-03-10")
    old, new = await rows()
    assert (old.state, old.why) == ("dropped", "moved")
    assert (new.turn, new.state, new.told) == (1, "open", -1)
    await change(tom, step, owner_id=str(cast.mia.id))
    last = await the_open()
    assert (last.turn, last.owner_role) == (2, "child")
    await change(tom, step, text="Refresh")
    assert (await the_open()).id == last.id, "what says the same goes on"


async def test_a_childs_own_step_reminds_the_child_alone(mia: Phone) -> None:
    cast = mia.cast
    await a_step(mia, "mia", "2026-03-05")
    await pass_time(cast, days=30)
    said = await told(cast, "mia")
    assert len(said) == 4
    assert said[0].queued_at == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert {one.kind for one in said} == {"due_child"}
    assert {one.data["path"] for one in said} == {"/app/"}
    assert await Message.filter(subject_kind="due").count() == 4
    assert not await Message.filter(kind__in=["alert", "due"]).exists()


async def test_the_caseworker_who_leads_the_plan_does_what_the_agency_promised(tom: Phone) -> None:
    cast = tom.cast
    step = await a_step(tom, None, "2026-03-03")
    await change(tom, step, owner_id=str(cast.agency.id))
    assert (await the_open()).owner_id is None
    await pass_time(cast, days=2)
    assert len(await told(cast, "tom")) == 1


async def test_an_owner_who_left_is_passed_by(tom: Phone) -> None:
    cast = tom.cast
    await a_step(tom, "tom", "2026-03-03")
    await Tie.filter(id=cast.ties["mia", "tom"]).update(until_at=cast.clock())
    await pass_time(cast, days=2)
    assert await told(cast, "tom") == []
    assert len(await told(cast, "ines")) == 1


async def test_a_goal_that_rests_leaves_nobodys_turn(tom: Phone) -> None:
    await a_step(tom, "tom", "2026-03-03")
    goal = (await tom.project())["areas"][0]["goals"][0]["id"]
    paused = tom.say("goal", goal, "lifecycle", "on-hold")
    assert await tom.sync(paused) == ["applied"]
    assert (await rows())[0].state == "dropped"
    await tom.sync(tom.say("goal", goal, "lifecycle", "active", base=paused["id"]))
    assert (await the_open()).turn == 1


async def test_a_step_that_comes_again_is_done_for_its_time_and_due_for_the_next(
    tom: Phone,
) -> None:
    cast = tom.cast
    step = await a_step(tom, "tom", "2026-03-03", repeats="weekly")

    async def days() -> list[tuple[str, str]]:
        return [(f"{one.due_at:%d.%m. %H}", one.state) for one in await rows()]

    await change(tom, step, status="done")
    assert await days() == [("03.03. 23", "done"), ("10.03. 23", "open")]
    await change(tom, step, text="Ask once more")
    assert len(await days()) == 2
    # Two weeks are missed; done late, it is done for all the times that have passed.
    await pass_time(cast, days=16)
    await change(tom, step, status="done")
    assert (await days())[1:] == [("10.03. 23", "done"), ("24.03. 23", "open")]
    await change(tom, step, repeats="none")
    assert (await days())[-1] == ("24.03. 23", "done")


async def test_a_step_that_comes_at_other_times_from_now_on_is_due_at_the_next_of_them(
    tom: Phone,
) -> None:
    step = await a_step(tom, "tom", "2026-03-03", repeats="weekly")
    await change(tom, step, status="done")
    await change(tom, step, due_on="2026-03-05")
    assert (await the_open()).due_at == datetime(2026, 3, 5, 23, tzinfo=UTC)
    await change(tom, step, due_on="2026-02-05", repeats="monthly")
    assert (await the_open()).due_at == datetime(2026, 3, 5, 23, tzinfo=UTC)


async def test_the_31st_is_the_last_day_of_a_shorter_month_and_the_31st_again(tom: Phone) -> None:
    step = await a_step(tom, "tom", "2026-03-31", repeats="monthly")
    for _ in range(2):
        await change(tom, step, status="done")
    # In summer the day ends at 22:00 UTC.
    assert [f"{one.due_at:%d.%m.}" for one in await rows()] == ["31.03.", "30.04.", "31.05."]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_day_that_nobody_means_breaks_nothing(tom: Phone, day: str) -> None:
    await a_step(tom, "tom", day)
    review = tom.make("review", kind="planned", due_on=day)
    ends = tom.say("life_project", str(tom.cast.mia.id), "ends_on", day)
    assert await tom.sync(review, ends) == ["applied"] * 2
    await pass_time(tom.cast, days=1)
    assert len(await rows()) == 3


async def test_a_silly_day_of_a_step_that_comes_again_breaks_nothing(tom: Phone) -> None:
    for repeats in ("weekly", "monthly"):
        for day in ("0001-01-01", "9999-12-31"):
            step = await a_step(tom, "tom", day, repeats=repeats)
            await change(tom, step, status="done")
    coming = [one.due_at for one in await rows() if one.state == "open" and one.turn]
    assert min(coming) == datetime(2026, 3, 2, 23, tzinfo=UTC), "the first is a Monday, as today"


# --- talking


async def test_a_childs_message_that_nobody_answers_reaches_the_deputy_and_the_supervisor(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    eve = await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.SUPERVISOR),
        cast.clock(),
    )
    assert eve
    assert await mia.sync(mia.make("message", text="Are you there?")) == ["applied"]
    await telling.TASKS.tick(cast.clock())
    assert len(await told(cast, "tom")) == 1, "at once"
    await pass_time(cast, hours=23)
    assert len(await told(cast, "tom")) == 1
    await pass_time(cast, hours=1)
    # Ines is Tom's deputy.
    assert (len(await told(cast, "tom")), len(await told(cast, "ines"))) == (2, 1)
    assert await told(cast, "eve") == []
    await pass_time(cast, hours=24)
    assert len(await told(cast, "eve")) == 1
    await pass_time(cast, days=3)
    assert len(await told(cast, "eve")) == 4, "daily, without end"
    assert await told(cast, "mia") == []


async def test_the_clock_runs_from_the_first_message_and_any_adult_in_the_thread_ends_it(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    first = mia.make("message", text="Hello?")
    await mia.sync(first)
    cast.clock.advance(hours=5)
    await mia.sync(mia.make("message", text="Hello??"), mia.make("message", text="???"))
    due = await the_open()
    assert str(due.subject_id) == first["entity_id"]
    assert due.due_at == cast.clock() + timedelta(hours=19)
    await App(cast, "ines").sync(tom.make("message", text="I am here."))
    [answered] = await rows()
    assert (answered.state, answered.why) == ("done", "answered")
    await tom.sync(tom.make("message", text="So am I."))
    assert len(await rows()) == 1, "what an adult says asks nobody for anything"
    await mia.sync(mia.make("message", text="Good."))
    assert len(await rows()) == 2


async def test_a_phone_whose_clock_is_wrong_by_a_year_asks_for_an_answer_in_time(
    mia: Phone,
) -> None:
    cast = mia.cast
    message = mia.make("message", text="Hello?")
    message["said_at"] = "2031-01-01T00:00:00Z"
    await mia.sync(message)
    await mia.sync(message)
    assert (await the_open()).due_at == cast.clock() + timedelta(hours=24)


# --- ends and reviews


async def test_a_project_does_not_end_in_silence(tom: Phone) -> None:
    cast = tom.cast
    ends = tom.say("life_project", str(cast.mia.id), "ends_on", "2026-05-01")
    await tom.sync(ends)
    due = await the_open()
    assert (due.kind, due.owner_id, due.owner_role) == ("end", None, "caseworker")
    assert due.due_at == datetime(2026, 4, 1, 22, tzinfo=UTC)
    cast.clock.set(datetime(2026, 4, 2, 6, 59, tzinfo=UTC))
    await telling.TASKS.tick(cast.clock())
    assert await told(cast, "tom") == []
    await pass_time(cast, minutes=1)
    assert len(await told(cast, "tom")) == 1
    await pass_time(cast, days=14)
    assert len(await told(cast, "ines")) == 1
    await tom.sync(tom.say("life_project", str(cast.mia.id), "closing", "She is of age."))
    assert (await rows())[0].state == "dropped"


async def test_a_review_asks_the_caseworker_and_reminds_the_child_three_days_before(
    tom: Phone,
) -> None:
    cast = tom.cast
    review = tom.make("review", kind="routine", due_on="2026-03-20")
    await tom.sync(review)
    await pass_time(cast, days=16)
    [said] = await told(cast, "mia")
    assert said.queued_at == datetime(2026, 3, 17, 8, tzinfo=UTC)
    assert len(await told(cast, "tom")) == 1
    held = tom.say("review", review["entity_id"], "held_on", "2026-03-19")
    await tom.sync(held)
    [due] = await rows("review")
    assert (due.state, str(due.settled_by)) == ("done", held["id"])


async def test_a_review_without_a_day_is_nobodys_turn(tom: Phone) -> None:
    review = tom.make("review", kind="planned")
    await tom.sync(review)
    assert await rows() == []
    due_on = tom.say("review", review["entity_id"], "due_on", "2026-03-20")
    await tom.sync(due_on)
    assert (await the_open()).kind == "review"
    await tom.sync(tom.say("review", review["entity_id"], "due_on", None, base=due_on["id"]))
    assert (await rows())[0].state == "dropped"


async def test_a_complaint_asks_only_its_recipient_until_they_answer(
    mia: Phone,
) -> None:
    cast = mia.cast
    complaint = mia.make("complaint", text="Nobody listens.", to="supervisor")
    assert await mia.sync(complaint) == ["applied"]
    due = await the_open("answer")
    assert (due.kind, due.owner_id, due.owner_role) == ("answer", None, "supervisor")
    assert due.due_at == datetime(2026, 3, 9, 23, tzinfo=UTC), "a week, where no day is named"
    await pass_time(cast, days=1)
    [first] = await told(cast, "ines")
    assert first.queued_at == datetime(2026, 3, 3, 8, tzinfo=UTC)
    await pass_time(cast, days=9)
    assert len(await told(cast, "ines")) == 4, "the next morning, and once it is over every day"
    assert await told(cast, "tom") == await told(cast, "sam") == []
    ines = App(cast, "ines")
    page = f"/api/v1/children/{cast.mia.id}/dues"
    for name, seen in (("ines", 2), ("tom", 0), ("sam", 0)):
        await cast.new_token(name)
        answer = await cast.client_as(name).get(page)
        assert len(answer.json()["dues"]) == seen, name
    named = ines.say("complaint", complaint["entity_id"], "answer_due", "2026-03-20")
    blank = ines.say("complaint", complaint["entity_id"], "answer", " ")
    await ines.sync(named, blank)
    assert (await the_open("answer")).due_at == datetime(2026, 3, 20, 23, tzinfo=UTC)
    said = ines.say("complaint", complaint["entity_id"], "answer", "I do.", base=blank["id"])
    assert await ines.sync(said) == ["applied"]
    assert [(one.state, one.why) for one in await rows("answer")] == [
        ("dropped", "moved"),
        ("done", "answered"),
    ]


# --- bad weather


async def test_one_late_tick_tells_everyone_once(mia: Phone) -> None:
    cast = mia.cast
    await mia.sync(mia.make("message", text="Hello?"))
    cast.clock.advance(days=9)
    await telling.TASKS.tick(cast.clock())
    assert len(await told(cast, "tom")) == len(await told(cast, "ines")) == 1
    assert await telling.TASKS.tick(cast.clock()) == 0


async def test_nobody_is_asked_about_a_child_who_has_left_until_it_is_back(mia: Phone) -> None:
    cast = mia.cast
    await mia.sync(mia.make("message", text="Hello?"))
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    await pass_time(cast, days=3)
    assert await told(cast, "tom") == []
    assert await telling.self_audit(cast.clock()) == []
    await Child.filter(id=cast.mia.id).update(left_at=None)
    await pass_time(cast, days=1)
    assert len(await told(cast, "tom")) >= 1


async def test_a_batch_that_is_rolled_back_leaves_no_due(tom: Phone) -> None:
    cast = tom.cast
    other = tom.make("step", goal_id=str(cast.mia.id), text="x", due_on="2026-03-03")
    assert await tom.sync(other) == ["not_there"]
    assert await rows() == []
