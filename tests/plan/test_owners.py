"""A field of the child's own belongs to the child alone, however an adult comes to it."""

from __future__ import annotations

from typing import Any

import pytest

from server.audit.actions import SYSTEM
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan import shape
from server.plan.changes.stored import _folds
from server.plan.models import Change, Quarantined
from server.plan.owners import BESIDE, CHILDS_OWN, MAKERS, OWNERS, Who
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_sync import a_goal, with_a_guardian

CHILDS = sorted(CHILDS_OWN)
SAYS: dict[str, Any] = {"child_words": "What an adult says", "not_mine": True, "rating": 1}


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


async def a_thing(mia: Phone, entity: str) -> str:
    """A goal, or a meeting."""
    if entity == "goal":
        return (await a_goal(mia))["goal"]
    review = mia.make("review", kind="routine")
    assert await mia.sync(review) == ["applied"]
    return str(review["entity_id"])


async def adults(mia: Phone) -> list[Phone]:
    return [Phone(mia.cast, "tom"), await with_a_guardian(mia), Phone(mia.cast, "ines")]


async def stands(mia: Phone, entity: str, id_: str, name: str) -> Any:
    shown = await mia.project()
    goals = [goal for area in shown["areas"] for goal in area["goals"]]
    things = goals if entity == "goal" else shown["reviews"]
    return next(one for one in things if one["id"] == id_)[name]


@pytest.mark.parametrize(("entity", "name"), CHILDS, ids=lambda part: part)
async def test_no_adult_changes_what_the_child_says_in_a_field_of_their_own(
    mia: Phone, entity: str, name: str
) -> None:
    id_ = await a_thing(mia, entity)
    own = mia.say(entity, id_, name, {"child_words": "Mine", "not_mine": False, "rating": 4}[name])
    assert await mia.sync(own) == ["applied"]
    for adult in await adults(mia):
        await adult.sync()
        for base in (own["id"], None):
            answer = await adult.send(adult.say(entity, id_, name, SAYS[name], base=base))
            (result,) = answer.json()["results"]
            assert (result["status"], result["problem"]["code"]) == ("refused", "not_allowed")
            assert result["problem"]["field"] == name
        taken_away = adult.say(entity, id_, name, None, base=own["id"])
        about = {"entity": entity, "entity_id": id_, "field": name}
        chosen = adult.make("choice", **about, value=SAYS[name], saw=[own["id"]])
        assert await adult.sync(taken_away, chosen) == ["not_allowed"] * 2
    assert await stands(mia, entity, id_, name) == own["value"]


@pytest.mark.parametrize(("entity", "name"), CHILDS, ids=lambda part: part)
async def test_no_adult_makes_a_thing_with_the_childs_words_in_it(
    mia: Phone, entity: str, name: str
) -> None:
    ids = await a_goal(mia)
    fields = {"area_id": ids["area"]} if entity == "goal" else {"kind": "routine"}
    for adult in (Phone(mia.cast, "tom"), await with_a_guardian(mia)):
        answer = await adult.send(adult.make(entity, **fields, **{name: SAYS[name]}))
        (result,) = answer.json()["results"]
        assert (result["status"], result["problem"]["code"]) == ("refused", "not_allowed")
        assert result["problem"]["field"] == name


async def test_an_adult_who_makes_a_goal_says_it_in_their_own_field(mia: Phone) -> None:
    ids, tom = await a_goal(mia), Phone(mia.cast, "tom")
    goal = tom.make("goal", area_id=ids["area"], worker_words="A place at the school of nursing")
    assert await tom.sync(goal) == ["applied"]
    own = mia.say("goal", goal["entity_id"], "child_words", "I want to be a nurse")
    assert await mia.sync(own) == ["applied"]
    assert await stands(mia, "goal", goal["entity_id"], "child_words") == "I want to be a nurse"


async def test_an_empty_field_that_an_adult_sends_along_is_no_voice_beside_the_childs(
    mia: Phone,
) -> None:
    ids, tom = await a_goal(mia), Phone(mia.cast, "tom")
    goal = tom.make("goal", area_id=ids["area"], worker_words="A place", child_words=None)
    assert await tom.sync(goal) == ["applied"]
    assert await tom.sync(goal) == ["known"]
    # The child had not seen it: an empty voice of the adult's would have been a difference.
    own = mia.say("goal", goal["entity_id"], "child_words", "I want to be a nurse")
    assert await mia.sync(own) == ["applied"]
    assert await stands(mia, "goal", goal["entity_id"], "child_words") == "I want to be a nurse"
    assert (await mia.project())["differences"] == []


async def test_words_from_before_the_rule_stay_and_the_child_alone_decides_about_them(
    mia: Phone,
) -> None:
    ids, tom = await a_goal(mia), Phone(mia.cast, "tom")
    # As an adult's phone could say it before.
    theirs = tom.say("goal", ids["goal"], "worker_words", "Nurse")
    assert await tom.sync(theirs) == ["applied"]
    await Change.filter(id=theirs["id"]).update(field="child_words")
    _folds.clear()
    own = mia.say("goal", ids["goal"], "child_words", "I want to be a nurse")
    assert await mia.sync(own) == ["kept_beside"]
    about = {"entity": "goal", "entity_id": ids["goal"], "field": "child_words"}
    chosen = about | {"value": "Nurse", "saw": [theirs["id"], own["id"]]}
    assert await tom.sync(tom.make("choice", **chosen)) == ["not_allowed"]
    chosen["value"] = "I want to be a nurse"
    assert await mia.sync(mia.make("choice", **chosen)) == ["applied"]
    assert await stands(mia, "goal", ids["goal"], "child_words") == "I want to be a nurse"


async def test_over_an_ended_tie_it_is_kept_but_never_let_in(mia: Phone) -> None:
    cast, ids = mia.cast, await a_goal(mia, child_words="Mine")
    tie = await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.ada.id, role=Role.GUARDIAN),
        cast.clock(),
    )
    await end_tie(SYSTEM, cast.children["mia"], tie.id, cast.clock())
    cast.clock.advance(minutes=1)
    ada = Phone(cast, "ada")
    said = ada.say("goal", ids["goal"], "child_words", "What Ada says")
    made = ada.make("goal", area_id=ids["area"], child_words="What Ada says")
    assert await ada.sync(said, made) == ["quarantined"] * 2
    for change in (said, made):
        path = f"/api/v1/children/{cast.mia.id}/quarantine/{change['id']}"
        async with cast.client_as("tom") as tom:
            refused = await tom.post(path, json={"let_in": True})
            assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
            assert refused.json()["field"] == "child_words"
            # It still waits, and can be left out.
            assert (await tom.post(path, json={"let_in": False})).status_code == 200
    assert await Quarantined.filter(is_let_in=False).count() == 2
    assert await stands(mia, "goal", ids["goal"], "child_words") == "Mine"


# --- the table itself


def test_every_field_has_an_owner_and_nothing_else_has() -> None:
    assert OWNERS.keys() == {(one, name) for one, names in shape.FIELDS.items() for name in names}
    assert MAKERS.keys() == shape.FIELDS.keys()


def test_the_fields_that_the_contract_promises_to_the_child_are_the_childs() -> None:
    assert {("goal", "child_words"), ("goal", "not_mine"), ("review", "rating")} <= CHILDS_OWN
    for entity, name in CHILDS_OWN:
        assert OWNERS[entity, name].make is Who.CHILD
        beside = OWNERS[entity, BESIDE[entity, name]]
        assert Who.CHILD not in (beside.make, beside.change), "adults have a field beside it"
