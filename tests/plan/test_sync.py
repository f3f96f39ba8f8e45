"""Two voices over the wire: what goes in, what stands, what is kept beside, what is refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.plan.changes.stored import rows_of, state_of
from server.plan.models import Change, LifeProject
from server.plan.view import document
from server.tasks.models import Task
from tests.cast import Cast
from tests.plan.said import Phone, change


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


@pytest.fixture
def tom(cast: Cast) -> Phone:
    return Phone(cast, "tom")


async def with_a_guardian(mia: Phone) -> Phone:
    """Ada, as Mia's guardian."""
    cast = mia.cast
    tie = await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.ada.id, role=Role.GUARDIAN),
        cast.clock(),
    )
    cast.ties["ada", "mia"] = tie.id
    return Phone(cast, "ada")


async def a_goal(mia: Phone, **fields: object) -> dict[str, str]:
    """An area, a goal in it, and a step; their ids."""
    area = mia.make("area", kind="education")
    goal = mia.make("goal", area_id=area["entity_id"], **fields)
    step = mia.make("step", goal_id=goal["entity_id"], text="Ask at the school")
    assert await mia.sync(area, goal, step) == ["applied"] * 3
    return {"area": area["entity_id"], "goal": goal["entity_id"], "step": step["entity_id"]}


async def test_a_project_begins_empty_and_grows_by_changes(mia: Phone, tom: Phone) -> None:
    empty = await mia.project()
    assert (empty["status"], empty["revision"], empty["areas"]) == ("getting_to_know", 0, [])
    ids = await a_goal(mia, child_words="I want to be a nurse")
    seen = await tom.project()
    assert (seen["status"], seen["revision"]) == ("draft", 3)
    (area,) = seen["areas"]
    (goal,) = area["goals"]
    (step,) = goal["steps"]
    assert goal["child_words"] == "I want to be a nurse"
    assert goal["proposed_by"] == {"id": str(mia.cast.mia.id), "role": "child"}
    assert (area["id"], goal["id"], step["id"]) == (ids["area"], ids["goal"], ids["step"])
    assert step["text"] == "Ask at the school"


async def test_what_was_seen_is_followed_and_what_was_not_is_kept_beside(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    first = mia.say("goal", ids["goal"], "why", "Because")
    assert await mia.sync(first) == ["applied"]
    await tom.sync()
    assert await tom.sync(tom.say("goal", ids["goal"], "why", "So", base=first["id"])) == [
        "applied"
    ]
    mias = mia.say("goal", ids["goal"], "why", "Because of my mother", base=first["id"])
    assert await mia.sync(mias) == ["kept_beside"]
    seen = await tom.project()
    (difference,) = seen["differences"]
    assert difference["agreed_value"] == "Because"
    assert {one["value"] for one in difference["values"]} == {"So", "Because of my mother"}
    assert seen["areas"][0]["goals"][0]["why"] == "Because"
    # Tom sees Mia's side and follows it.
    mia.cast.clock.advance(seconds=1)
    toms = tom.say("goal", ids["goal"], "why", "Because of my mother!", base=mias["id"])
    assert await tom.sync(toms) == ["applied"]
    seen = await mia.project()
    assert seen["differences"] == []
    assert seen["areas"][0]["goals"][0]["why"] == "Because of my mother!"


async def test_a_choice_that_saw_all_sides_ends_the_difference(mia: Phone, tom: Phone) -> None:
    ids = await a_goal(mia)
    one, two = (phone.say("goal", ids["goal"], "why", phone.name) for phone in (mia, tom))
    assert await mia.sync(one) == ["applied"]
    assert await tom.sync(two) == ["kept_beside"]
    about = {"entity": "goal", "entity_id": ids["goal"], "field": "why"}
    sides = [one["id"], two["id"]]
    mia.cast.clock.advance(seconds=1)
    choice = tom.make("choice", **about, value="both", saw=sides)
    assert await tom.sync(choice) == ["applied"]
    assert (await mia.project())["areas"][0]["goals"][0]["why"] == "both"
    unseen = mia.make("choice", **about, value="mine", saw=sides)
    assert await mia.sync(unseen) == ["kept_beside"]
    (difference,) = (await tom.project())["differences"]
    assert {value["value"] for value in difference["values"]} == {"both", "mine"}
    mia.cast.clock.advance(seconds=1)
    after = mia.say("goal", ids["goal"], "why", "theirs", base=choice["id"])
    assert await mia.sync(after) == ["applied"]
    assert (await tom.project())["differences"] == []


async def test_the_same_batch_again_changes_nothing(mia: Phone) -> None:
    area = mia.make("area", kind="housing")
    both = (area, mia.say("area", area["entity_id"], "now", "A bed", base=None))
    assert await mia.sync(*both) == ["applied", "applied"]
    before = await mia.project()
    assert await mia.sync(*both) == ["known", "known"]
    assert await mia.project() == before
    other = both[1] | {"value": "Two beds"}
    assert await mia.sync(other) == ["id_reused"]
    lia = Phone(mia.cast, "lia", child="lia")
    assert await lia.sync(area) == ["id_reused"]


async def test_a_thing_of_another_child_keeps_its_id_and_all_that_hangs_on_it(
    mia: Phone, tom: Phone
) -> None:
    noor = Phone(mia.cast, "noor", child="noor")
    theirs = await a_goal(noor)
    owned = noor.say("step", theirs["step"], "owner_id", str(mia.cast.tom.id))
    due = noor.say("step", theirs["step"], "due_on", "2026-04-01")
    assert await noor.sync(owned, due) == ["applied"] * 2
    project = await noor.project()
    tasks = await Task.filter(child_id=mia.cast.noor.id).order_by("id").values()
    assert [task["state"] for task in tasks if task["kind"] == "step"] == ["open"]
    own = await a_goal(mia)
    step = {"goal_id": own["goal"], "text": "Ask", "due_on": "2026-05-01"}
    step |= {"owner_id": str(mia.cast.tom.id)}
    taken = [
        mia.say("area", theirs["area"], "*", {"kind": "health"}),
        mia.say("goal", theirs["goal"], "*", {"area_id": own["area"]}),
        mia.say("step", theirs["step"], "*", step),
        mia.say("message", theirs["step"], "*", {"text": "Hello"}),
    ]
    assert await mia.sync(*taken) == ["id_reused"] * 4
    # Whoever works with both is told no more than that.
    lent = tom.say("area", theirs["area"], "*", {"kind": "health"})
    answer = (await tom.send(lent)).json()["results"][0]
    assert answer["status"] == "refused"
    assert "Noor" not in str(answer)
    assert await noor.project() == project
    assert await Task.filter(child_id=mia.cast.noor.id).order_by("id").values() == tasks
    # A kind of thing is part of its name only within one project.
    assert await mia.sync(mia.say("message", own["step"], "*", {"text": "Hello"})) == ["applied"]


async def test_what_comes_before_its_thing_or_its_base_is_not_there_and_may_come_again(
    mia: Phone,
) -> None:
    area, goal = mia.make("area", kind="health"), str(uuid4())
    making = mia.say("goal", goal, "*", {"area_id": area["entity_id"]})
    first = mia.say("goal", goal, "why", "One")
    second = mia.say("goal", goal, "why", "Two", base=first["id"])
    assert await mia.sync(second, first, making, area) == ["not_there"] * 3 + ["applied"]
    assert await mia.sync(second, making, first, second) == [
        "not_there",
        "applied",
        "applied",
        "applied",
    ]
    assert (await mia.project())["areas"][0]["goals"][0]["why"] == "Two"


async def test_one_bad_change_holds_up_no_other(mia: Phone) -> None:
    area = mia.make("area", kind="health")
    now = mia.cast.clock()
    id_ = area["entity_id"]
    bad = [
        change(now, "area", id_, "importance", 6),
        change(now, "area", id_, "now", "x" * 20_001),
        change(now, "area", id_, "now", "half \ud800"),
        change(now, "area", id_, "now", "nul \x00"),
        change(now, "area", id_, "color", "red"),
        change(now, "house_of_cards", id_, "now", "x"),
        change(now, "area", id_, "kind", None),
        change(now, "area", id_, "now", {"deep": [[[[[["x"]]]]]]}),
        {"id": "no id", "entity": "area"},
        {},
        change(now, "goal", str(uuid4()), "*", {"area_id": id_, "target_on": "2026-02-30"}),
        change(now, "life_project", str(mia.cast.noor.id), "summary", "not mine"),
    ]
    told = await mia.sync(area, *bad, mia.say("area", id_, "now", "😀 שלום <b>#let x=1"))
    assert told == ["applied"] + ["invalid"] * len(bad) + ["applied"]
    assert (await mia.project())["areas"][0]["now"] == "😀 שלום <b>#let x=1"


async def test_too_much_at_once_is_refused_as_a_whole(mia: Phone) -> None:
    many = [mia.make("area", kind="own") for _ in range(501)]
    answer = await mia.send(*many)
    assert answer.status_code == 413
    assert (await mia.project())["revision"] == 0
    assert await mia.sync(*many[:500]) == ["applied"] * 500


async def test_everyone_hears_what_others_said_and_not_what_they_sent_themselves(
    mia: Phone, tom: Phone
) -> None:
    await a_goal(mia)
    assert mia.heard == []
    await tom.sync()
    assert [one["entity"] for one in tom.heard] == ["area", "goal", "step"]
    assert tom.heard[0]["who"] == {"id": str(mia.cast.mia.id), "role": "child"}
    again = tom.cursor
    await tom.sync()
    assert (len(tom.heard), tom.cursor) == (3, again)


async def test_who_may_read_but_not_change_is_told_so_change_by_change(mia: Phone) -> None:
    ids = await a_goal(mia)
    ines = Phone(mia.cast, "ines")
    assert (
        await ines.sync(ines.make("area", kind="own"), ines.say("area", ids["area"], "now", "x"))
        == ["not_allowed"] * 2
    )
    assert await ines.sync(ines.make("message", text="I am here too")) == ["applied"]
    for stranger in ("eve", "root", "uwe"):
        assert (await Phone(mia.cast, stranger).send()).status_code == 404


async def test_a_carer_says_of_their_own_steps_whether_they_are_done(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    sam = Phone(mia.cast, "sam")
    id_ = ids["step"]
    assert await sam.sync(sam.say("step", id_, "status", "done")) == ["not_allowed"]
    owner = str(mia.cast.sam.id)
    assert await tom.sync(tom.say("step", id_, "owner_id", owner)) == ["applied"]
    said = [sam.say("step", id_, "status", "not_done"), sam.say("step", id_, "reason", "Closed")]
    assert await sam.sync(*said, sam.say("step", id_, "text", "x")) == [
        "applied",
        "applied",
        "not_allowed",
    ]
    seen = await sam.project()
    assert [step["id"] for step in seen["areas"][0]["goals"][0]["steps"]] == [id_]
    assert "why" not in seen["areas"][0]["goals"][0]
    # What it heard before the step was its own, it hears now.
    assert {one["field"] for one in sam.heard} == {"*", "owner_id"}
    assert {one["entity"] for one in sam.heard} == {"step"}


async def test_it_binds_when_child_and_worker_agreed_and_an_adult_promised(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    await tom.sync()
    sign = {"decision": "agree", "method": "tap"}
    for phone in (mia, tom):
        assert await phone.sync(phone.make("agreement", revision=3, **sign)) == ["applied"]
    assert (await mia.project())["signed_revision"] is None
    owner = str(mia.cast.tom.id)
    assert await tom.sync(tom.say("step", ids["step"], "owner_id", owner)) == ["applied"]
    assert await mia.sync(mia.make("agreement", revision=5, **sign)) == ["not_there"]
    for phone in (mia, tom):
        assert await phone.sync(phone.make("agreement", revision=4, **sign)) == ["applied"]
    seen = await mia.project()
    assert (seen["signed_revision"], seen["revision"], seen["status"]) == (4, 4, "agreed")
    assert seen["unsigned"] == []
    await mia.sync(mia.say("goal", ids["goal"], "why", "Later"))
    seen = await tom.project()
    assert seen["status"] == "draft"
    assert seen["unsigned"] == [{"entity": "goal", "entity_id": ids["goal"], "field": "why"}]
    assert (await tom.project(revision=4))["areas"][0]["goals"][0]["why"] is None


async def test_what_an_adult_wrote_down_of_the_child_binds_only_with_the_childs_own_word(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    await tom.sync(tom.say("step", ids["step"], "owner_id", str(mia.cast.tom.id)))
    of_mia = {"of_id": str(mia.cast.mia.id), "method": "witnessed", "present": "Sam"}
    said = [
        tom.make("agreement", revision=4, decision="agree", method="tap"),
        tom.make("agreement", revision=4, decision="agree", **of_mia),
    ]
    assert await tom.sync(*said) == ["applied", "applied"]
    seen = await mia.project()
    assert seen["signed_revision"] is None
    record = seen["agreements"][-1]
    assert (record["who"]["name"], record["of"]["name"]) == (
        mia.cast.tom.name,
        mia.cast.mia.name,
    )
    assert record["present"] == "Sam"
    # A record of a no takes neither the worker's own yes away nor the child's.
    assert await tom.sync(tom.make("agreement", revision=4, decision="disagree", **of_mia)) == [
        "applied"
    ]
    own = mia.make("agreement", revision=4, decision="agree", method="pictogram")
    assert await mia.sync(own) == ["applied"]
    assert (await tom.project())["signed_revision"] == 4


async def test_nobodys_agreement_is_written_down_by_a_child_or_of_a_stranger(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    await a_goal(mia)
    said = {"revision": 3, "decision": "agree"}
    of_tom = mia.make("agreement", of_id=str(cast.tom.id), method="witnessed", **said)
    assert await mia.sync(of_tom) == ["not_allowed"]
    for of_id, method in (
        (str(cast.eve.id), "witnessed"),
        (str(uuid4()), "witnessed"),
        (str(cast.mia.id), "tap"),
    ):
        record = tom.make("agreement", of_id=of_id, method=method, **said)
        assert await tom.sync(record) == ["invalid"]
    ada = await with_a_guardian(mia)
    kept = [
        tom.make("agreement", of_id=str(cast.ada.id), method="witnessed", **said),
        tom.make("agreement", of_id=str(cast.agency.id), method="witnessed", **said),
        tom.make("agreement", of_id=str(cast.tom.id), method="tap", **said),
    ]
    assert await tom.sync(*kept) == ["applied"] * 3
    of_mia = ada.make("agreement", of_id=str(cast.mia.id), method="witnessed", **said)
    assert await ada.sync(of_mia) == ["applied"]


async def test_the_child_alone_rates_a_meeting_and_lets_a_goal_go(mia: Phone, tom: Phone) -> None:
    ids = await a_goal(mia)
    review = tom.make("review", kind="routine")
    assert await tom.sync(review) == ["applied"]
    id_ = review["entity_id"]
    assert (
        await tom.sync(
            tom.say("review", id_, "rating", 5),
            tom.make("review", kind="routine", rating=5),
            tom.say("goal", ids["goal"], "not_mine", True),
            tom.make("goal", area_id=ids["area"], not_mine=True),
            tom.make("goal", area_id=ids["area"], not_mine=None),
            tom.say("review", id_, "held_on", "2026-03-02"),
        )
        == ["not_allowed"] * 4 + ["applied"] * 2
    )
    rated = mia.say("review", id_, "rating", 2)
    assert await mia.sync(rated, mia.say("goal", ids["goal"], "not_mine", True)) == ["applied"] * 2
    # What one may not say, one may not decide either.
    about = {"entity": "review", "entity_id": id_, "field": "rating"}
    for spelling in (id_, id_.replace("-", ""), id_.upper()):
        chosen = about | {"entity_id": spelling, "value": 5, "saw": [rated["id"]]}
        assert await tom.sync(tom.make("choice", **chosen)) == ["not_allowed"]


async def test_only_the_author_changes_a_complaint_and_only_its_recipients_answer_it(
    mia: Phone, tom: Phone
) -> None:
    ada, ines = await with_a_guardian(mia), Phone(mia.cast, "ines")
    complaint = mia.make("complaint", text="He never calls back", to="supervisor")
    assert await mia.sync(complaint) == ["applied"]
    id_ = complaint["entity_id"]
    for phone in (ada, tom):
        assert (
            await phone.sync(
                phone.say("complaint", id_, "text", "All is well"),
                phone.say("complaint", id_, "to", "guardian"),
                phone.say("complaint", id_, "answer", "It is settled"),
            )
            == ["not_allowed"] * 3
        )
    assert await mia.sync(mia.say("complaint", id_, "answer", "Never mind")) == ["not_allowed"]
    to_herself = ada.make("complaint", text="I wait", to="guardian")
    answered = mia.make("complaint", text="I wait", to="guardian", answer="Done")
    assert await ada.sync(to_herself) == await mia.sync(answered) == ["not_allowed"]
    day = ines.say("complaint", id_, "answer_due", "2026-03-09")
    assert await ines.sync(day, ines.say("complaint", id_, "answer", "I have asked him")) == [
        "applied",
        "applied",
    ]
    assert (await mia.project())["complaints"][0]["answer"] == "I have asked him"
    # Said to somebody else instead, the guardian sees it and may answer.
    said = mia.say("complaint", id_, "to", "guardian", base=complaint["id"])
    assert await ada.sync() == []
    assert await mia.sync(said) == ["applied"]
    assert await ada.sync() == []
    assert [one["field"] for one in ada.heard] == ["*", "answer_due", "answer", "to"]
    assert (await ada.project())["complaints"][0]["text"] == "He never calls back"
    assert await ines.sync(ines.say("complaint", id_, "answer", "x")) == ["not_allowed"]
    # Ines's phone has its words: it hears that they go to others now. Tom's never heard of it.
    assert [(one["field"], one["value"]) for one in ines.heard][-1] == ("to", "guardian")
    assert await tom.sync() == []
    assert [one for one in tom.heard if one["entity"] == "complaint"] == []


async def test_a_carer_sees_the_next_dates_and_nothing_else_of_a_meeting(
    mia: Phone, tom: Phone
) -> None:
    sam = Phone(mia.cast, "sam")
    made = mia.make("review", kind="routine", due_on="2026-03-20", kept_out="Sam")
    id_ = made["entity_id"]
    assert await mia.sync(made) == ["applied"]
    assert (
        await tom.sync(
            tom.say("review", id_, "outcomes", "A new school"),
            tom.say("review", id_, "next_on", "2026-04-20"),
            tom.say("life_project", str(mia.cast.mia.id), "ends_on", "2026-09-01"),
            tom.say("life_project", str(mia.cast.mia.id), "situation", "A hearing"),
        )
        == ["applied"] * 4
    )
    await sam.sync()
    assert [(one["field"], one["value"]) for one in sam.heard] == [
        ("*", {"kind": "routine", "due_on": "2026-03-20"}),
        ("next_on", "2026-04-20"),
        ("ends_on", "2026-09-01"),
    ]


async def test_what_both_signed_is_not_pulled_back_by_something_older(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia, why="First")
    making = (await Change.get(entity="goal", field="*")).id
    owner = str(mia.cast.tom.id)
    await tom.sync(
        tom.say("step", ids["step"], "owner_id", owner),
        tom.say("goal", ids["goal"], "why", "Signed", base=str(making)),
    )
    for phone in (mia, tom):
        await phone.sync(phone.make("agreement", revision=5, decision="agree", method="tap"))
    assert (await mia.project())["signed_revision"] == 5
    late = mia.say("goal", ids["goal"], "why", "From the train", base=str(making))
    assert await mia.sync(late) == ["kept_beside"]
    (difference,) = (await mia.project())["differences"]
    assert difference["agreed_value"] == "Signed"


async def test_a_change_over_an_ended_assignment_waits_for_the_caseworker_to_look_at_it(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    ada = await with_a_guardian(mia)
    ines = mia.cast.client_as("ines")
    child = mia.cast.mia.id
    tie = mia.cast.ties["ada", "mia"]
    said = ada.say("goal", ids["goal"], "why", "Her words")
    assert (await ines.delete(f"/api/v1/children/{child}/ties/{tie}")).status_code == 204
    mia.cast.clock.advance(minutes=1)
    assert await ada.sync(said) == ["quarantined"]
    assert await ada.sync(said) == ["known"]
    assert (await ada.client.get(f"{ada.root}/project")).status_code == 404
    assert (await mia.project())["revision"] == 3
    path = f"/api/v1/children/{child}/quarantine"
    (waiting,) = (await tom.client.get(path)).json()["changes"]
    assert (waiting["id"], waiting["said"]["value"]) == (said["id"], "Her words")
    let_in = await tom.client.post(f"{path}/{said['id']}", json={"let_in": True})
    assert let_in.json()["status"] == "applied"
    assert (await tom.client.get(path)).json() == {"changes": [], "next": None}
    assert (await mia.project())["areas"][0]["goals"][0]["why"] == "Her words"
    await mia.sync()
    assert mia.heard[-1]["who"] == {"id": str(mia.cast.ada.id), "role": "guardian"}


async def test_a_house_is_its_authors_until_it_is_shown(mia: Phone, tom: Phone) -> None:
    house = mia.make("house", kind="worry", text="The man who rings")
    assert await mia.sync(house) == ["applied"]
    await tom.sync()
    assert (tom.heard, (await tom.project())["houses"]) == ([], [])
    assert len((await mia.project())["houses"]) == 1
    touched = tom.say("house", house["entity_id"], "text", "x")
    assert await tom.sync(touched) == ["not_allowed"]
    await mia.sync(mia.say("house", house["entity_id"], "is_shown", True))
    await tom.sync()
    assert [one["field"] for one in tom.heard] == ["*", "is_shown"]
    assert (await tom.project())["houses"][0]["text"] == "The man who rings"


async def test_a_phone_that_was_shown_a_house_hears_that_it_is_shown_no_longer(
    mia: Phone, tom: Phone
) -> None:
    house = mia.make("house", kind="worry", text="The man who rings")
    shown = mia.say("house", house["entity_id"], "is_shown", True)
    await mia.sync(house, shown)
    await tom.sync()
    tom.heard.clear()
    taken_back = mia.say("house", house["entity_id"], "is_shown", False, base=shown["id"])
    later = mia.say("house", house["entity_id"], "text", "The man who rings at night")
    assert await mia.sync(taken_back, later) == ["applied", "applied"]
    await tom.sync()
    assert [(one["field"], one["value"]) for one in tom.heard] == [("is_shown", False)]
    assert (await tom.project())["houses"] == []


async def test_a_complaint_goes_round_the_worker(mia: Phone, tom: Phone) -> None:
    complaint = mia.make("complaint", text="He never calls back", to="supervisor")
    assert await mia.sync(complaint) == ["applied"]
    await tom.sync()
    assert (tom.heard, (await tom.project())["complaints"]) == ([], [])
    ines = Phone(mia.cast, "ines")
    answer = ines.say("complaint", complaint["entity_id"], "answer", "I have talked to him")
    assert await ines.sync(answer) == ["applied"]
    assert (await mia.project())["complaints"][0]["answer"] == "I have talked to him"


async def test_messages_are_for_those_in_the_thread(mia: Phone) -> None:
    await mia.sync(mia.make("message", text="Can we talk?"))
    await with_a_guardian(mia)
    heard = {}
    for name in ("tom", "ines", "ada", "sam"):
        phone = Phone(mia.cast, name)
        await phone.sync()
        heard[name] = [one["value"]["text"] for one in phone.heard]
    assert heard == {"tom": ["Can we talk?"], "ines": ["Can we talk?"], "ada": [], "sam": []}
    assert (await mia.project())["revision"] == 0


async def test_the_history_holds_every_value_that_anyone_wrote(mia: Phone, tom: Phone) -> None:
    ids = await a_goal(mia)
    written = [
        phone.say("goal", ids["goal"], "why", f"{phone.name} {number}")
        for number in range(3)
        for phone in (mia, tom)
    ]
    for phone, said in zip((mia, tom) * 3, written, strict=True):
        await phone.sync(said)
    found, cursor = [], ""
    while True:
        asked = {"after": cursor, "limit": "2"}
        page = (await tom.client.get(f"{tom.root}/project/history", params=asked)).json()
        if not page["changes"]:
            break
        found += page["changes"]
        cursor = page["cursor"]
    assert [one["value"] for one in found if one["field"] == "why"] == [
        one["value"] for one in written
    ]


async def test_what_is_stored_beside_the_rows_is_what_they_come_to(mia: Phone, tom: Phone) -> None:
    ids = await a_goal(mia)
    await tom.sync(tom.say("goal", ids["goal"], "why", "Tom"))
    mia.cast.clock.advance(minutes=1)
    await mia.sync(mia.say("goal", ids["goal"], "why", "Mia"))
    stored = await LifeProject.get(child_id=mia.cast.mia.id)
    state = await state_of(mia.cast.mia.id)
    assert document(state) == stored.shown
    assert (state.revision, len(await rows_of(mia.cast.mia.id))) == (stored.revision, 5)


async def test_a_phone_whose_clock_is_wrong_by_a_year_is_heard_all_the_same(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    for years in (-1, 1):
        when = mia.cast.clock() + timedelta(days=365 * years)
        said = change(when, "goal", ids["goal"], "why", f"{years}")
        assert await mia.sync(said) == ["applied"]
    assert (await tom.project())["areas"][0]["goals"][0]["why"] == "1"
    mia.cast.clock.advance(minutes=1)
    assert await mia.sync(mia.say("goal", ids["goal"], "why", "now")) == ["applied"]
    assert (await tom.project())["areas"][0]["goals"][0]["why"] == "now"


async def test_a_phone_with_the_changes_up_to_a_revision_has_the_project_as_it_was(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia, child_words="I want to be a nurse")
    await tom.sync()
    await tom.sync(
        tom.say("goal", ids["goal"], "worker_words", "A place at the school of nursing"),
        tom.make("message", text="Good!"),
        tom.make("house", kind="good", text="Nobody but me sees this."),
        tom.say("step", ids["step"], "status", "done"),
    )
    await mia.sync()
    numbers = [one["revision"] for one in mia.heard]
    history = (await mia.client.get("/api/v1/project/history")).json()["changes"]
    assert [one["revision"] for one in history] == [1, 2, 3, 4, 4, 6]
    assert numbers == [4, 4, 6]
    # Two numbers later, though one of them is of something that she does not see.
    assert (await mia.project(5))["areas"] == (await mia.project(4))["areas"]
    assert (await mia.project(6))["areas"][0]["goals"][0]["steps"][0]["status"] == "done"


async def test_one_hears_what_number_the_project_has_after_ones_own_change_the_first_time_and_again(
    mia: Phone,
) -> None:
    ids = await a_goal(mia)
    done = mia.say("step", ids["step"], "status", "done")
    hello = mia.make("message", text="Done!")
    for _ in range(2):
        results = (await mia.send(done, hello)).json()["results"]
        assert [one["revision"] for one in results] == [4, 4]
    bad = (await mia.send(mia.say("step", ids["step"], "status", "perhaps"))).json()["results"]
    assert "revision" not in bad[0]


async def test_a_child_asks_whose_turn_it_is_about_itself_by_its_own_id(mia: Phone) -> None:
    path = f"/api/v1/children/{mia.cast.mia.id}/dues"
    assert (await mia.client.get(path)).json()["dues"] == []
    await mia.sync(mia.make("message", text="When do we go?"))
    (due,) = (await mia.client.get(path)).json()["dues"]
    assert (due["kind"], due["owner_role"], due["is_mine"]) == ("reply", "caseworker", False)


async def test_each_result_says_when_it_arrived_the_same_each_time(mia: Phone, tom: Phone) -> None:
    cast = mia.cast
    ids = await a_goal(mia)
    first = (await tom.project())["areas"][0]["made_at"]
    mias, toms = (one.say("goal", ids["goal"], "why", one.name) for one in (mia, tom))
    wrong = mia.say("goal", ids["goal"], "color", "red")
    arrived = cast.clock.advance(seconds=5)
    results = (await mia.send(mias, wrong)).json()["results"]
    assert results[0]["received_at"] == f"{arrived:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert "received_at" not in results[1], "what is refused is not kept"
    cast.clock.advance(seconds=5)
    [kept, again] = (await tom.send(toms, toms)).json()["results"]
    assert (kept["status"], again["status"]) == ("kept_beside", "known")
    assert kept["received_at"] == again["received_at"] != first
    cast.clock.advance(seconds=5)
    [known] = (await mia.send(mias)).json()["results"]
    assert known == results[0] | {"status": "known"}
    # It is the moment that everybody else gets.
    await tom.sync()
    assert tom.heard[-1]["received_at"] == results[0]["received_at"]
