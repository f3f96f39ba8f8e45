"""What a child and an advocate write to each other is theirs: nobody else reads it, and nobody else
is reminded of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.advocates import actions
from server.audit.actions import SYSTEM
from server.notify.models import Message
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.models import Quarantined
from server.plan.offboarding import quarantine
from server.plan.rules import may_read_message
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from tests.advocates.made import advocate
from tests.cast import Cast
from tests.plan.said import Phone

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


async def texts(phone: Phone) -> list[str]:
    """What this person reads in the messages."""
    answer = await phone.client.get(f"{phone.root}/project/history")
    changes = answer.json()["changes"]
    return [change["value"]["text"] for change in changes if change["entity"] == "message"]


async def replies(cast: Cast) -> set[tuple[UUID | None, str]]:
    rows = await Task.filter(child_id=cast.mia.id, kind=Kind.REPLY, state=State.OPEN)
    return {(row.owner_id, row.owner_role) for row in rows}


async def set_apart(code: str, _now: object) -> None:
    """No row may fail."""
    raise AssertionError(code)


def alone(phone: Phone, text: str, name: str = "ruth") -> dict[str, Any]:
    """Words between the child and this advocate."""
    id_ = str(phone.cast.persons[name].id)
    return phone.make("message", text=text, advocate_id=id_, is_private=True)


# --- who reads what


@given(
    roles=st.frozensets(st.sampled_from([role for role in Role if role is not Role.CHILD])),
    is_mine=st.booleans(),
    is_private=st.sampled_from([True, False, None]),
)
def test_private_words_reach_the_child_and_this_advocate_and_nobody_else(
    roles: frozenset[Role], is_mine: bool, is_private: bool | None
) -> None:
    message = {"text": "Hi", "advocate_id": "one", "is_private": is_private}
    who = "one" if is_mine else "another"
    assert may_read_message(message, "mia", frozenset({Role.CHILD}))
    is_of_thread = bool(roles & {Role.CASEWORKER, Role.SUPERVISOR}) and is_private is not True
    assert may_read_message(message, who, roles) is (is_mine or is_of_thread)


async def test_each_reads_what_is_for_them(cast: Cast, mia: Phone) -> None:
    await advocate(cast)
    tom, ines, ruth = (Phone(cast, name) for name in ("tom", "ines", "ruth"))
    thread = mia.make("message", text="To Tom")
    both = mia.make("message", text="To all", advocate_id=str(cast.ruth.id))
    assert await mia.sync(thread, alone(mia, "To Ruth"), both) == ["applied"] * 3
    assert await ruth.sync(alone(ruth, "Back to Mia")) == ["applied"]
    assert await texts(tom) == await texts(ines) == ["To Tom", "To all"]
    assert await texts(ruth) == ["To Ruth", "To all", "Back to Mia"]
    assert await texts(mia) == ["To Tom", "To Ruth", "To all", "Back to Mia"]
    for name in ("tom", "ines", "eve", "root"):
        async with cast.client_as(name) as client:
            for path in ("project", "project/history", "project/whole", "dues"):
                shown = await client.get(f"/api/v1/children/{cast.mia.id}/{path}")
                assert "To Ruth" not in shown.text
                assert "Back to Mia" not in shown.text


async def test_the_next_advocate_does_not_read_what_the_child_told_the_one_before(
    cast: Cast, mia: Phone
) -> None:
    first = await advocate(cast)
    await mia.sync(alone(mia, "To Ruth"))
    await actions.end_by_child(cast.actor("mia"), cast.children["mia"], first, cast.clock())
    await advocate(cast, "ben")
    assert await texts(Phone(cast, "ben")) == []


@pytest.mark.parametrize(
    ("who", "fields", "code"),
    [
        # Words that nobody would read, or that their writer could not read again.
        ("tom", {"advocate_id": "ruth", "is_private": True}, "not_allowed"),
        ("ines", {"advocate_id": "ruth", "is_private": True}, "not_allowed"),
        ("mia", {"is_private": True}, "not_allowed"),
        ("mia", {"advocate_id": NOBODY, "is_private": True}, "invalid"),
        ("mia", {"advocate_id": "tom", "is_private": True}, "invalid"),
        ("ruth", {}, "not_allowed"),
        ("ruth", {"advocate_id": "ben"}, "not_allowed"),
        ("ada", {"advocate_id": "ruth"}, "not_allowed"),
    ],
)
async def test_nobody_writes_what_they_could_not_read(
    cast: Cast, who: str, fields: dict[str, Any], code: str
) -> None:
    await advocate(cast)
    await advocate(cast, "ben", child="noor")
    tie = AddTie(person_id=cast.ada.id, role=Role.GUARDIAN)
    await add_tie(SYSTEM, cast.children["mia"], tie, cast.clock())
    phone, named = Phone(cast, who), fields.get("advocate_id")
    if named in cast.persons:
        fields = {**fields, "advocate_id": str(cast.persons[named].id)}
    assert await phone.sync(phone.make("message", text="Hi", **fields)) == [code]


async def test_words_for_an_advocate_who_has_just_ended_come_back_and_go_nowhere_else(
    cast: Cast, mia: Phone
) -> None:
    id_ = await advocate(cast)
    written = alone(mia, "To Ruth")
    await end_tie(SYSTEM, cast.children["mia"], id_, cast.clock())
    assert await mia.sync(written) == ["invalid"]
    assert await texts(Phone(cast, "tom")) == []


# --- who is reminded


async def test_each_lane_has_a_reply_clock_of_its_own(cast: Cast, mia: Phone) -> None:
    await advocate(cast)
    tom, ruth = Phone(cast, "tom"), Phone(cast, "ruth")
    await mia.sync(alone(mia, "To Ruth"))
    assert await replies(cast) == {(cast.ruth.id, "advocate")}
    await mia.sync(mia.make("message", text="To Tom"), alone(mia, "More"))
    assert await replies(cast) == {(cast.ruth.id, "advocate"), (None, "caseworker")}
    # An advocate's words relieve nobody of answering, and nobody's answer relieves them.
    await ruth.sync(ruth.make("message", text="To all", advocate_id=str(cast.ruth.id)))
    assert await replies(cast) == {(None, "caseworker")}
    await mia.sync(alone(mia, "Again"))
    await tom.sync(tom.make("message", text="Yes?"))
    assert await replies(cast) == {(cast.ruth.id, "advocate")}


async def test_nobody_but_the_advocate_hears_of_it_however_long_it_waits(
    cast: Cast, mia: Phone
) -> None:
    await advocate(cast)
    await mia.sync(alone(mia, "To Ruth"))
    [task] = await Task.filter(kind=Kind.REPLY)
    for _ in range(4):
        cast.clock.advance(hours=30)
        await telling.TASKS.go_through(cast.clock(), set_apart)
    told = Message.filter(subject_id=task.id).values_list("person_id", flat=True)
    assert set(await told) == {cast.ruth.id}
    for name in ("tom", "ines"):
        await cast.new_token(name)
        async with cast.client_as(name) as client:
            dues = await client.get(f"/api/v1/children/{cast.mia.id}/dues")
        assert str(task.id) not in dues.text
    await cast.new_token("ruth")
    async with cast.browser_as("ruth") as browser:
        led = await browser.get(f"/desk/dues/{task.id}")
    assert led.headers["location"] == f"/desk/children/{cast.mia.id}/project#talk"


@pytest.mark.parametrize("how", ["by the child", "by the agency", "by time"])
async def test_nobody_waits_for_an_advocate_who_is_gone(cast: Cast, mia: Phone, how: str) -> None:
    id_ = await advocate(cast)
    await mia.sync(alone(mia, "To Ruth"))
    child = cast.children["mia"]
    if how == "by the child":
        await actions.end_by_child(cast.actor("mia"), child, id_, cast.clock())
    elif how == "by the agency":
        await end_tie(cast.actor("ines"), child, id_, cast.clock())
    else:
        cast.clock.advance(days=181)
        await actions.ADVOCACIES.go_through(cast.clock(), set_apart)
    assert await replies(cast) == set()


# --- a meeting, and words over an ended tie


async def test_an_advocate_asks_for_a_meeting_and_changes_nothing_else(cast: Cast) -> None:
    await advocate(cast)
    mia, ruth = Phone(cast, "mia"), Phone(cast, "ruth")
    area = mia.make("area", kind="education")
    await mia.sync(area)
    asked = ruth.make("review", kind="planned", due_on="2026-04-01")
    assert await ruth.sync(asked) == ["applied"]
    for refused in (
        ruth.make("review", kind="planned", outcomes="All is well"),
        ruth.make("area", kind="health"),
        ruth.make("goal", area_id=area["entity_id"], worker_words="To rest"),
        ruth.make("agreement", revision=0, decision="agree"),
        ruth.make("complaint", text="x", to="supervisor"),
        ruth.say("review", asked["entity_id"], "held_on", "2026-04-01"),
    ):
        assert await ruth.sync(refused) == ["not_allowed"]


async def test_private_words_over_an_ended_tie_are_decided_about_unread(cast: Cast) -> None:
    id_ = await advocate(cast)
    await end_tie(SYSTEM, cast.children["mia"], id_, cast.clock())
    cast.clock.advance(minutes=1)
    ruth = Phone(cast, "ruth")
    assert await ruth.sync(alone(ruth, "Too late")) == ["quarantined"]
    [row] = await Quarantined.all()
    to_tom = await quarantine.waiting(cast.mia.id, frozenset({Role.CASEWORKER}))
    to_ines = await quarantine.waiting(cast.mia.id, frozenset({Role.SUPERVISOR}))
    assert (to_tom.kept, [kept.said for kept in to_ines.kept]) == ([], [None])
    path = f"/api/v1/children/{cast.mia.id}/quarantine"
    async with cast.client_as("ines") as client:
        assert "Too late" not in (await client.get(path)).text
        await client.post(f"{path}/{row.id}", json={"let_in": True})
    assert await texts(Phone(cast, "mia")) == ["Too late"]
    assert await texts(Phone(cast, "tom")) == []
