""" "I have a question about this": asked on the phone, answered at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import Conflict
from server.notify.models import Message
from server.people.models import Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.questions import actions
from server.questions.models import RecordQuestion
from server.questions.rules import MOST_WAITING, AskedOf, may_read
from server.records.transfer import acceptance
from server.records.transfer import actions as transfers
from server.records.transfer.acceptance import Acceptance
from server.records.transfer.actions import Offer
from server.storage.db import fetch
from server.tasks import telling
from server.tasks.models import Task
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together
from tests.records.made import a_code

WORDS = "Why did you look at my page at night?"
API = "/api/v1/record-questions"


def body(cast: Cast, **more: Any) -> dict[str, Any]:
    """A question about a look."""
    about = {"kind": "look", "id": "7", "at": cast.clock().isoformat(), "shown": "Tom, your page"}
    return {"id": str(uuid4()), "about": about, "words": WORDS, **more}


async def asked(cast: Cast, name: str = "mia", **more: Any) -> UUID:
    said = body(cast, **more)
    async with cast.client_as(name) as phone:
        answer = await phone.post(API, json=said)
        assert answer.status_code == 201, answer.text
    return UUID(said["id"])


async def mine(cast: Cast, name: str = "mia") -> list[dict[str, Any]]:
    async with cast.client_as(name) as phone:
        found: list[dict[str, Any]] = (await phone.get(API)).json()["questions"]
    return found


def page_of(cast: Cast, question: UUID | None = None) -> str:
    path = f"/desk/children/{cast.mia.id}/questions"
    return path if question is None else f"{path}/{question}"


async def until_morning(cast: Cast) -> None:
    """Workers hear of a question in the morning after it."""
    cast.clock.advance(hours=21)
    await telling.TASKS.tick(cast.clock())


async def test_a_question_is_a_task_with_a_link_and_its_answer_stands_beside_the_entry(
    cast: Cast,
) -> None:
    id_ = await asked(cast)
    [task] = await Task.filter(kind="question")
    assert (task.subject_id, task.owner_role, task.state) == (id_, "caseworker", "open")
    [waiting] = await mine(cast)
    assert (waiting["words"], waiting["answer"], waiting["to"]) == (WORDS, None, "caseworker")
    assert waiting["answer_by"] == "2026-03-05T23:00:00Z", "the end of the third day in Paris"
    await until_morning(cast)
    assert await Message.filter(kind="due", person_id=cast.tom.id).count() == 1
    async with at_desk(cast, "tom") as browser:
        assert (
            "Answer 1 question about the record"
            in (await browser.get(f"/desk/children/{cast.mia.id}")).text
        )
        onward = (await browser.get(f"/desk/dues/{task.id}")).headers["location"]
        assert onward == page_of(cast, id_)
        page = (await browser.get(onward)).text
        assert WORDS in page
        assert "Tom, your page" in page
        sent = await browser.post(onward, data={"answer": "You had not answered at 18:00."})
        assert sent.status_code == 303
        assert "You had not answered at 18:00." in (await browser.get(page_of(cast))).text
    [answered] = await mine(cast)
    assert answered["answer"] == "You had not answered at 18:00."
    assert answered["answered_by"] == "Tom Verhoeven"
    assert answered["about"]["id"] == "7"
    assert (await Task.get(id=task.id)).state == "done"
    async with cast.client_as("mia") as phone:
        assert (await phone.get("/api/v1/me")).json()["answered_at"] == answered["answered_at"]


async def test_the_phone_hears_that_there_is_something_new_and_nothing_of_what(cast: Cast) -> None:
    id_ = await asked(cast)
    await actions.answer(cast.actor("tom"), cast.children["mia"], id_, "It was late.", cast.clock())
    [news] = await Message.filter(kind="news_child", person_id=cast.mia.id)
    assert (news.data or {})["path"] == "/app/"
    assert "late" not in str(news.data)


async def test_the_same_id_is_the_same_question_and_never_another_one(cast: Cast) -> None:
    said = body(cast)
    async with cast.client_as("mia") as phone:
        codes = [(await phone.post(API, json=said)).status_code for _ in range(3)]
        other = await phone.post(API, json={**said, "words": "Something else"})
    assert codes == [201, 200, 200]
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    async with cast.client_as("noor") as phone:
        assert (await phone.post(API, json=said)).status_code == 409
    assert await RecordQuestion.all().count() == await Task.filter(kind="question").count() == 1
    assert len(await mine(cast)) == 1
    assert await mine(cast, "noor") == []


async def test_the_child_may_ask_again_and_reads_who_can_be_asked(cast: Cast) -> None:
    first = await asked(cast)
    await actions.answer(cast.actor("tom"), cast.children["mia"], first, "Because.", cast.clock())
    cast.clock.advance(minutes=1)
    await asked(cast, words="Why so?")
    assert [one["words"] for one in await mine(cast)] == ["Why so?", WORDS]
    async with cast.client_as("mia") as phone:
        to = (await phone.get(API)).json()["to"]
    assert to == [
        {"to": "caseworker", "names": ["Tom Verhoeven"]},
        {"to": "supervisor", "names": ["Ines Quintanar"]},
    ]


async def test_a_question_past_the_caseworker_is_for_the_supervisor_alone(cast: Cast) -> None:
    id_ = await asked(cast, to="supervisor")
    [task] = await Task.filter(kind="question")
    assert task.owner_role == "supervisor"
    await until_morning(cast)
    told = await Message.filter(kind="due").values_list("person_id", flat=True)
    assert list(told) == [cast.ines.id]
    async with at_desk(cast, "tom") as browser:
        assert (await browser.get(page_of(cast, id_))).status_code == 404
        assert (await browser.post(page_of(cast, id_), data={"answer": "x"})).status_code == 404
        assert WORDS not in (await browser.get(page_of(cast))).text
        assert (
            "question about the record"
            not in (await browser.get(f"/desk/children/{cast.mia.id}")).text
        )
        dues = (await browser.get(f"/api/v1/children/{cast.mia.id}/dues")).json()["dues"]
        assert "question" not in [due["kind"] for due in dues]
    async with at_desk(cast, "ines") as browser:
        assert WORDS in (await browser.get(page_of(cast))).text
        assert (await browser.get(f"/desk/dues/{task.id}")).headers["location"] == page_of(
            cast, id_
        )
        done = await browser.post(page_of(cast, id_), data={"answer": "I asked Tom."})
        assert done.status_code == 303
    assert (await mine(cast))[0]["answered_by"] == "Ines Quintanar"


async def test_nobody_hears_the_routed_question_later_than_the_supervisor(cast: Cast) -> None:
    await asked(cast, to="supervisor")
    for _ in range(8):
        cast.clock.advance(days=1)
        await telling.TASKS.tick(cast.clock())
    told = await Message.filter(kind="due").values_list("person_id", flat=True)
    assert set(told) == {cast.ines.id}


async def test_a_late_answer_is_a_late_task_and_then_the_supervisor_hears_of_it(
    cast: Cast,
) -> None:
    await asked(cast)
    await telling.TASKS.tick(cast.clock())
    cast.clock.advance(days=3, hours=22)
    await telling.TASKS.tick(cast.clock())
    told = {*await Message.filter(kind="due").values_list("person_id", flat=True)}
    assert told == {cast.tom.id, cast.ines.id}, "Ines is Tom's deputy"
    async with at_desk(cast, "tom") as browser:
        assert "The answer was due" in (await browser.get(page_of(cast))).text
        dues = (await browser.get("/api/v1/dues")).json()["dues"]
    assert [(due["kind"], due["is_over"]) for due in dues] == [("question", True)]


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 2_001])
async def test_no_words_or_too_many_are_refused_by_name(cast: Cast, words: str) -> None:
    async with cast.client_as("mia") as phone:
        answer = await phone.post(API, json=body(cast, words=words))
    assert answer.status_code in (400, 422)
    assert not await RecordQuestion.exists()


async def test_so_many_may_wait_and_no_more_also_at_once(cast: Cast) -> None:
    async with cast.client_as("mia") as phone:

        async def ask() -> int:
            return (await phone.post(API, json=body(cast))).status_code

        for _ in range(MOST_WAITING - 2):
            assert await ask() == 201
        codes = await together(*(ask() for _ in range(6)))
    assert sorted(codes) == [201, 201, 422, 422, 422, 422]
    first = await RecordQuestion.all().order_by("asked_at").first()
    assert first is not None
    now = cast.clock()
    await actions.answer(cast.actor("tom"), cast.children["mia"], first.id, "Yes.", now)
    await asked(cast)


async def test_the_first_answer_counts_and_the_words_of_the_second_are_not_lost(
    cast: Cast,
) -> None:
    id_ = await asked(cast)
    async with at_desk(cast, "tom") as browser:
        for _ in range(2):
            again = await browser.post(page_of(cast, id_), data={"answer": "It was late."})
            assert again.status_code == 303
    async with at_desk(cast, "ines") as browser:
        second = await browser.post(page_of(cast, id_), data={"answer": "I looked it up."})
        assert second.status_code == 409
        assert "It was late." in second.text
        assert "I looked it up." in second.text
        empty = await browser.post(page_of(cast, await asked(cast)), data={"answer": " "})
        assert empty.status_code == 422
        assert "Write an answer for the child." in empty.text
    assert await Message.filter(kind="news_child").count() == 1


async def test_two_who_answer_at_once_leave_one_answer(cast: Cast) -> None:
    id_, mia, now = await asked(cast), cast.children["mia"], cast.clock()
    found = await together(
        *(
            actions.answer(cast.actor(name), mia, id_, f"By {name}.", now)
            for name in ("tom", "ines")
        )
    )
    no_fault(found, Conflict)
    assert sum(isinstance(one, Conflict) for one in found) == 1
    assert await Entry.filter(what="record:answer").count() == 1


async def test_after_the_caseworker_has_changed_the_new_one_answers(cast: Cast) -> None:
    id_ = await asked(cast)
    cast.clock.advance(minutes=1)
    await Tie.filter(id=cast.ties["mia", "tom"]).update(until_at=cast.clock())
    tie = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), cast.children["mia"], tie, cast.clock())
    await until_morning(cast)
    assert await Message.filter(kind="due", person_id=cast.eve.id).exists()
    async with at_desk(cast, "tom") as browser:
        assert (await browser.get(page_of(cast, id_))).status_code == 404
    async with at_desk(cast, "eve") as browser:
        done = await browser.post(page_of(cast, id_), data={"answer": "I am new here."})
        assert done.status_code == 303


async def test_questions_go_along_to_another_agency(cast: Cast) -> None:
    id_ = await asked(cast)
    code = await a_code(cast, "uwe")
    now = cast.clock()
    made = await transfers.offer(
        cast.actor("ines"), cast.children["mia"], code, Offer("She moves."), id=uuid4(), now=now
    )
    await acceptance.accept(cast.actor("uwe"), made.id, Acceptance(cast.persons["uwe"].id), now)
    async with at_desk(cast, "uwe") as browser:
        assert WORDS in (await browser.get(page_of(cast, id_))).text
    async with at_desk(cast, "ines") as browser:
        assert (await browser.get(page_of(cast, id_))).status_code == 404


async def test_the_desk_words_a_look_anew_and_shows_other_entries_as_the_phone_did(
    cast: Cast,
) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.get(f"/desk/children/{cast.mia.id}/people")
    async with cast.client_as("mia") as phone:
        look = (await phone.get("/api/v1/looks")).json()["looks"][0]
    about = {"kind": "look", "id": look["id"], "at": look["at"], "shown": look["what"]}
    first = await asked(cast, about=about)
    # An id that a look of another child has, and one that is none at all.
    for wrong in ("999999999999999999", "not a number"):
        await asked(cast, about={**about, "id": wrong})
    own = {"kind": "change", "id": f"{uuid4()} due_on", "at": look["at"], "shown": "Tom\nBy Friday"}
    second = await asked(cast, about=own)
    step = {"kind": "why", "id": str(uuid4()), "at": look["at"], "shown": "We reminded you."}
    third = await asked(cast, about=step)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(page_of(cast, first))).text
        assert "Looked at the people around the child" in page
        assert "Tom Verhoeven" in page
        assert "By Friday" in (await browser.get(page_of(cast, second))).text
        assert "We reminded you." in (await browser.get(page_of(cast, third))).text
        # The list shows what the phone showed: there may be many, and looking each up takes long.
        listed = (await browser.get(page_of(cast))).text
        for shown in (look["what"], "By Friday", "We reminded you."):
            assert shown in listed
        assert "Looked at the people around the child" not in listed


async def test_answered_ones_come_a_page_at_a_time_to_the_desk_and_to_the_phone(
    cast: Cast,
) -> None:
    for n in range(55):
        id_ = await asked(cast, words=f"Number {n}?")
        cast.clock.advance(seconds=1)
        now = cast.clock()
        await actions.answer(cast.actor("tom"), cast.children["mia"], id_, f"Answer {n}", now)
    async with at_desk(cast, "tom") as browser:
        first = (await browser.get(page_of(cast))).text
        assert "Number 54?" in first
        assert "Number 34?" not in first
        last = (await browser.get(f"{page_of(cast)}?page=3")).text
        assert "Number 0?" in last
        assert (await browser.get(f"{page_of(cast)}?page=99")).status_code == 200
    async with cast.client_as("mia") as phone:
        part = (await phone.get(API)).json()
        rest = (await phone.get(f"{API}?before={part['next']}")).json()
    assert [len(part["questions"]), len(rest["questions"]), rest["next"]] == [50, 5, None]


async def test_nothing_of_it_stands_readable_in_the_rows(cast: Cast) -> None:
    id_ = await asked(cast)
    now = cast.clock()
    await actions.answer(cast.actor("tom"), cast.children["mia"], id_, "It was late.", now)
    [row] = await fetch("SELECT shown, words, answer FROM record_question", [])
    assert not any(word in str(row) for word in ("night", "late", "Tom"))


async def test_a_question_from_a_phone_whose_clock_is_wrong_counts_from_its_arrival(
    cast: Cast,
) -> None:
    about = {"kind": "look", "id": "7", "at": "1970-01-01T00:00:00Z", "shown": ""}
    id_ = await asked(cast, about=about)
    row = await RecordQuestion.get(id=id_)
    assert timedelta(days=3) < row.due_at - row.asked_at <= timedelta(days=4)


@given(st.frozensets(st.sampled_from(sorted(Role))))
def test_what_went_past_the_caseworker_is_read_by_supervisors_and_nobody_else(
    roles: frozenset[Role],
) -> None:
    assert may_read(AskedOf.SUPERVISOR, roles) == (Role.SUPERVISOR in roles)
    if may_read(AskedOf.SUPERVISOR, roles):
        assert may_read(AskedOf.CASEWORKER, roles)
