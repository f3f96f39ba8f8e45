"""A child goes to another agency: offered, accepted or refused, and never without somebody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise import Tortoise

from server.alerts.models import Alert
from server.audit import actions as audit
from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.i18n import gettext
from server.missing.account.account import account
from server.missing.search import timeline
from server.missing.search.models import Episode, TimelineEntry
from server.notify.models import Message
from server.notify.rules import Kind
from server.people import actions as people
from server.people.finding.scope import Scope
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.plan.models import Change, LifeProject
from server.records.transfer import acceptance, actions, move_rows, package, reception
from server.records.transfer.models import Reception, Transfer
from server.reports import patterns
from server.reports.indicator_rows import cases_of
from server.reports.patterns_rows import patterns_of
from server.storage.db import connection
from server.tasks.models import Task
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState
from server.watch.models import Watch
from server.witnesses import reading
from server.witnesses.models import Witness
from tests.cast import SURNAMES, Cast
from tests.missing.test_episodes import opened as opened_missing
from tests.missing.test_together import both_missing
from tests.missing.test_together import linked as linked_together
from tests.plan.said import Phone
from tests.races import no_fault, together
from tests.witnesses.school import arrange

# A restore refuses where another program is connected.
pytestmark = pytest.mark.alone

API = "/api/v1"


async def send(cast: Cast, name: str, path: str, body: dict[str, Any] | None = None) -> Any:
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        return await client.post(f"{API}{path}", json=body)


async def get(cast: Cast, name: str, path: str) -> Any:
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        return await client.get(f"{API}{path}")


async def code_of(cast: Cast, name: str = "uwe") -> str:
    answer = await send(cast, name, "/receptions", {"id": str(uuid4())})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


def offer_of(code: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "code": code,
        "why": "The school is there, and so is her aunt.",
        "child_says": "I want to, if I can keep my phone.",
        "withheld": [
            {"what": "The new address", "whom": "her uncle", "because": "fear"},
        ],
        **more,
    }


async def offered(cast: Cast, child: str = "mia", name: str = "tom", **more: Any) -> dict[str, Any]:
    body = offer_of(await code_of(cast), **more)
    answer = await send(cast, name, f"/children/{cast.children[child].id}/transfers", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def accept(cast: Cast, made: dict[str, Any], **more: Any) -> Any:
    body = {"caseworker_id": str(cast.persons["uwe"].id), **more}
    return await send(cast, "uwe", f"/transfers/{made['id']}/accept", body)


async def accepted(cast: Cast, child: str = "mia", **more: Any) -> dict[str, Any]:
    made = await offered(cast, child)
    answer = await accept(cast, made, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def check_in(cast: Cast, child: str = "mia", **more: Any) -> Any:
    body = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mood": 4, **more}
    async with cast.client_as(child) as phone:
        return await phone.post(f"{API}/check-ins", json=body)


# --- the code, and the offer


async def test_a_code_names_an_agency_and_is_good_once(cast: Cast) -> None:
    code = await code_of(cast)
    body = offer_of(f" {code[:4].lower()}-{code[4:]} ")
    answer = await send(cast, "tom", f"/children/{cast.mia.id}/transfers", body)
    assert (answer.status_code, answer.json()["to_agency"]) == (201, "Lantern")
    again = await send(cast, "tom", f"/children/{cast.noor.id}/transfers", offer_of(code))
    assert (again.status_code, again.json()["code"]) == (404, "code_wrong")


async def test_a_code_ends_after_seven_days_and_when_another_one_is_made(cast: Cast) -> None:
    first = await code_of(cast)
    second = await code_of(cast)
    path = f"/children/{cast.mia.id}/transfers"
    assert (await send(cast, "tom", path, offer_of(first))).status_code == 404
    cast.clock.advance(days=7)
    assert (await send(cast, "tom", path, offer_of(second))).status_code == 404
    assert await Transfer.all().count() == 0


async def test_guesses_at_codes_are_counted(cast: Cast) -> None:
    path = f"/children/{cast.mia.id}/transfers"
    for _ in range(10):
        assert (await send(cast, "tom", path, offer_of("AAAAAAAA"))).status_code == 404
    answer = await send(cast, "tom", path, offer_of(await code_of(cast)))
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")


async def test_nobody_hands_over_to_their_own_agency(cast: Cast) -> None:
    answer = await send(
        cast, "tom", f"/children/{cast.mia.id}/transfers", offer_of(await code_of(cast, "ines"))
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "code")


@pytest.mark.parametrize("name", ["sam", "ada", "eve", "root"])
async def test_only_those_who_change_the_placement_offer_a_child(cast: Cast, name: str) -> None:
    code = await code_of(cast)
    child = cast.noor if name == "ada" else cast.mia
    answer = await send(cast, name, f"/children/{child.id}/transfers", offer_of(code))
    assert answer.status_code in (403, 404)
    assert await Transfer.all().count() == 0


@pytest.mark.parametrize("name", ["sam", "ada", "root", "mia"])
async def test_only_those_who_work_with_children_take_one_over(cast: Cast, name: str) -> None:
    answer = await send(cast, name, "/receptions", {"id": str(uuid4())})
    assert answer.status_code in (403, 404)


async def test_the_same_offer_twice_is_one_and_another_beside_it_is_refused(cast: Cast) -> None:
    body = offer_of(await code_of(cast))
    path = f"/children/{cast.mia.id}/transfers"
    first, second = await send(cast, "tom", path, body), await send(cast, "tom", path, body)
    assert (first.status_code, second.status_code) == (201, 201)
    other = await send(cast, "ines", path, offer_of(await code_of(cast)))
    assert (other.status_code, other.json()["code"]) == (409, "offered")
    reused = await send(cast, "tom", path, {**body, "why": "Something else."})
    assert (reused.status_code, reused.json()["code"]) == (409, "id_reused")


async def test_the_same_code_and_the_same_offer_twice_at_once_are_one(cast: Cast) -> None:
    id_, now = uuid4(), cast.clock()
    made = await together(*(reception.receive(cast.actor("uwe"), id_, now) for _ in range(4)))
    no_fault(made)
    assert len({one.code for one in made}) == 1
    said, child = actions.Offer("Her aunt lives there."), cast.children["mia"]
    offer = uuid4()
    found = await together(
        *(
            actions.offer(cast.actor("tom"), child, made[0].code, said, id=offer, now=now)
            for _ in range(4)
        )
    )
    no_fault(found)
    assert {one.id for one in found} == {offer}
    assert await Transfer.all().count() == 1
    assert await Message.filter(kind=Kind.TRANSFER).count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"why": "  "}, "why"),
        ({"withheld": [{"what": "x", "whom": " ", "because": "fear"}]}, "withheld"),
        ({"withheld": [{"what": "x", "whom": "y", "because": "law"}] * 21}, "withheld"),
    ],
)
async def test_an_offer_says_why_and_whole_lines(
    cast: Cast, more: dict[str, Any], field: str
) -> None:
    body = offer_of(await code_of(cast), **more)
    answer = await send(cast, "tom", f"/children/{cast.mia.id}/transfers", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_everything_stays_until_the_other_agency_says_yes(cast: Cast) -> None:
    await offered(cast)
    assert (await get(cast, "tom", f"/children/{cast.mia.id}/project")).status_code == 200
    assert (await get(cast, "uwe", f"/children/{cast.mia.id}/project")).status_code == 404
    assert (await check_in(cast)).status_code == 201
    [kept] = await CheckIn.filter(child_id=cast.mia.id)
    assert kept.agency_id == cast.agency.id


async def test_another_agency_that_is_asked_reads_only_the_cover_and_a_stranger_reads_nothing(
    cast: Cast,
) -> None:
    made = await offered(cast, "noor")
    seen = (await get(cast, "uwe", f"/transfers/{made['id']}")).json()
    assert (seen["cover"]["name"], seen["cover"]["language"]) == ("Noor Haddadin", "ar")
    assert seen["withheld"][0]["because"] == "fear"
    assert seen["package_at"] is None
    for name, path in (("uwe", "/package"), ("eve", ""), ("root", ""), ("ada", "")):
        answer = await get(cast, name, f"/transfers/{made['id']}{path}")
        assert answer.status_code == 404, (name, path)
    assert (await get(cast, "eve", "/transfers")).json() == {"transfers": []}


async def test_the_caseworker_who_asked_is_reminded_until_there_is_an_answer(cast: Cast) -> None:
    made = await offered(cast)
    due = await Task.get(kind=DueKind.TRANSFER, state=DueState.OPEN)
    assert (due.owner_id, due.due_at - due.set_at) == (cast.tom.id, timedelta(days=1))
    await send(cast, "tom", f"/transfers/{made['id']}/take-back")
    assert not await Task.filter(kind=DueKind.TRANSFER, state=DueState.OPEN).exists()


async def test_it_is_more_pressing_while_the_child_is_missing(cast: Cast) -> None:
    await opened_missing(cast)
    await offered(cast)
    due = await Task.get(kind=DueKind.TRANSFER, state=DueState.OPEN)
    assert due.due_at - due.set_at == timedelta(hours=2)
    [said] = await Message.filter(kind=Kind.TRANSFER)
    assert (said.person_id, said.urgency) == (cast.persons["uwe"].id, "high")


# --- no


async def test_a_refusal_says_why_and_changes_nothing(cast: Cast) -> None:
    made = await offered(cast)
    path = f"/transfers/{made['id']}/refuse"
    assert (await send(cast, "uwe", path, {"why": " "})).status_code == 422
    answer = await send(cast, "uwe", path, {"why": "No place before June."})
    assert answer.json()["state"] == "refused"
    seen = (await get(cast, "tom", f"/transfers/{made['id']}")).json()
    assert (seen["state"], seen["decision"]) == ("refused", "No place before June.")
    assert seen["decided_by"] == "Uwe Brandvold"
    assert (await Child.get(id=cast.mia.id)).agency_id == cast.agency.id
    told = await Message.filter(kind=Kind.TRANSFER, turn=1).values_list("person_id", flat=True)
    assert set(told) == {cast.tom.id, cast.ines.id}
    late = await accept(cast, made)
    assert (late.status_code, late.json()["code"]) == (409, "decided")


async def test_what_was_taken_back_is_nobodys_to_accept(cast: Cast) -> None:
    made = await offered(cast)
    path = f"/transfers/{made['id']}/take-back"
    assert (await send(cast, "uwe", path)).status_code == 404
    for _ in range(2):
        answer = await send(cast, "tom", path)
        assert (answer.status_code, answer.json()["state"]) == (200, "taken_back")
    assert (await accept(cast, made)).status_code == 404
    again = await offered(cast)
    assert again["state"] == "offered"


# --- yes


async def test_the_yes_moves_the_child_and_its_people_change_in_one_moment(cast: Cast) -> None:
    made = await accepted(cast)
    assert made["state"] == "accepted"
    held = await Tie.filter(child_id=cast.mia.id).order_by("from_at", "id")
    now = cast.clock()
    standing = [(tie.person_id, tie.role) for tie in held if tie.until_at is None]
    assert standing == [(cast.persons["uwe"].id, Role.CASEWORKER)]
    assert {tie.until_at for tie in held if tie.until_at is not None} == {now}
    assert (await get(cast, "uwe", f"/children/{cast.mia.id}/project")).status_code == 200
    for name in ("tom", "ines", "sam"):
        assert (await get(cast, name, f"/children/{cast.mia.id}/project")).status_code == 404


async def test_every_row_of_the_child_is_with_the_new_agency_but_for_the_record(cast: Cast) -> None:
    episode = await opened_missing(cast)
    phone = Phone(cast, "mia")
    area = phone.make("area", kind="education", name="School")
    await phone.sync(area)
    await check_in(cast)
    entries = await Entry.filter(child_id=cast.mia.id).count()
    await accepted(cast)
    for model in (*move_rows.by_child(), *move_rows.BY_PERSON):
        field = "person_id" if model in move_rows.BY_PERSON else "child_id"
        left = model.filter(**{field: cast.mia.id, "agency_id": cast.agency.id})
        assert await left.count() == 0, model.__name__
    assert (await Episode.get(id=episode["id"])).agency_id == cast.other_agency.id
    assert (await LifeProject.get(child_id=cast.mia.id)).agency_id == cast.other_agency.id
    of_before = Entry.filter(child_id=cast.mia.id, agency_id=cast.agency.id)
    assert await of_before.count() >= entries
    await audit.seal(cast.clock())
    assert await audit.verify() is None
    assert await timeline.verify() is None


async def test_a_school_of_the_former_agency_is_asked_about_the_child_no_more(cast: Cast) -> None:
    shared, alone = await arrange(cast, "mia", "noor"), await arrange(cast, "mia")
    await accepted(cast)
    now = cast.clock()
    assert await reading.children_of(shared.witness.id, now) == {cast.noor.id}
    assert await reading.of_child(cast.mia.id, now) == []
    ended = {witness.id for witness in await Witness.filter(ended_at__isnull=False)}
    assert ended == {alone.witness.id}


async def test_nothing_of_another_child_moves(cast: Cast) -> None:
    await accepted(cast)
    assert (await Child.get(id=cast.noor.id)).agency_id == cast.agency.id
    assert (await Watch.get(child_id=cast.noor.id)).agency_id == cast.agency.id
    assert (await get(cast, "tom", f"/children/{cast.noor.id}/project")).status_code == 200
    assert (await get(cast, "uwe", f"/children/{cast.noor.id}/project")).status_code == 404


async def test_every_table_of_an_agency_moves_or_is_listed_as_an_exception(cast: Cast) -> None:
    of_an_agency = {
        model.__name__
        for model in Tortoise.apps["server"].values()
        if "agency_id" in model._meta.fields_map
    }
    of_a_child = {model.__name__ for model in move_rows.by_child()}
    named = {
        one.__name__ for one in (*move_rows.STAYS, *move_rows.BY_PERSON, *move_rows.BY_EPISODE)
    }
    # What is about people, homes and rules of an agency, whoever its children are.
    of_the_house = {
        *("ClocksVersion DefinitionsVersion Drill Duty FixedShift FrontDesk Handover".split()),
        *("BudgetWeek Home HomeWorker Identity Leave RollCall Witness WitnessList".split()),
        *("Intake Policy ProviderTerms Reception OidcFlow DutyShift Template Welcome".split()),
    }
    ended = {"MissingTogether"}
    moved = of_a_child | {"Child", "Person"}
    assert of_an_agency - moved - named - of_the_house - ended == set()
    assert (named | of_the_house | ended) - of_an_agency == set()


async def test_the_phone_stays_in_and_what_it_says_arrives_with_the_new_agency(cast: Cast) -> None:
    await accepted(cast)
    answer = await check_in(cast, note="The new room is loud.")
    assert answer.status_code == 201
    [kept] = await CheckIn.filter(child_id=cast.mia.id)
    assert kept.agency_id == cast.other_agency.id
    async with cast.client_as("mia") as phone:
        me = (await phone.get(f"{API}/me")).json()
    assert me["display_name"] == "Diary"


async def test_the_child_reads_in_its_language_who_is_there_now(cast: Cast) -> None:
    await accepted(cast, "noor")
    shown = await Phone(cast, "noor", child="noor").project()
    hello = gettext("ar", acceptance.HELLO)
    [said] = await Change.filter(child_id=cast.noor.id, entity="message")
    assert said.value == {"text": hello} or hello in str(said.value)
    assert hello != acceptance.HELLO
    assert "Uwe Brandvold" in {one["name"] for one in shown["people"]}
    news = await Message.filter(person_id=cast.noor.id, kind=Kind.NEWS_CHILD).count()
    assert news >= 1


async def test_words_of_ones_own_greet_the_child(cast: Cast) -> None:
    await accepted(cast, hello="Hello Mia, I am Uwe. I like chess.")
    [said] = await Change.filter(child_id=cast.mia.id, entity="message")
    assert "I like chess." in str(said.value)
    assert said.who_id == cast.persons["uwe"].id


async def test_promises_of_those_before_are_promises_of_the_new_ones(cast: Cast) -> None:
    tom = Phone(cast, "tom")
    area = tom.make("area", kind="education", name="School")
    goal = tom.make("goal", area_id=area["entity_id"], worker_words="A class")
    steps = [
        tom.make(
            "step",
            goal_id=goal["entity_id"],
            text=text,
            owner_id=str(owner),
            due_on="2026-04-01",
        )
        for text, owner in (
            ("Call the school", cast.tom.id),
            ("Pay for the bus", cast.agency.id),
            ("Get up", cast.mia.id),
        )
    ]
    await tom.sync(area, goal, *steps)
    await accepted(cast)
    shown = await Phone(cast, "mia").project()
    [there] = [goal["steps"] for area in shown["areas"] for goal in area["goals"]]
    owners = {one["text"]: one["owner_id"] for one in there}
    assert owners == {
        "Call the school": str(cast.persons["uwe"].id),
        "Pay for the bus": str(cast.other_agency.id),
        "Get up": str(cast.mia.id),
    }
    dues = await Task.filter(child_id=cast.mia.id, kind=DueKind.STEP, state=DueState.OPEN)
    assert {one.owner_role for one in dues} == {"caseworker", "agency", "child"}
    assert cast.tom.id not in {one.owner_id for one in dues}


async def test_what_a_worker_of_before_wrote_without_a_network_is_kept(cast: Cast) -> None:
    tom = Phone(cast, "tom")
    said = tom.make("area", kind="health", name="Glasses")
    await accepted(cast)
    assert await tom.sync(said) == ["quarantined"]
    answer = await get(cast, "uwe", f"/children/{cast.mia.id}/quarantine")
    [kept] = answer.json()["changes"]
    assert kept["who"]["id"] == str(cast.tom.id)


async def test_what_went_along_can_be_read_and_checked_on_both_sides(cast: Cast) -> None:
    made = await accepted(cast)
    found = {}
    for name in ("uwe", "tom", "ines"):
        answer = await get(cast, name, f"/transfers/{made['id']}/package")
        assert answer.status_code == 200, name
        found[name] = answer.json()
    assert found["uwe"] == found["tom"] == found["ines"]
    assert found["tom"]["is_whole"] is True
    document = json.loads(found["tom"]["package"])
    assert (document["from"], document["to"]) == ("Harbour", "Lantern")
    assert document["withheld"] == [
        {"what": "The new address", "whom": "her uncle", "because": "fear"}
    ]
    assert document["safety_plan"]["tier"] == "mid"
    assert {one["name"] for one in document["people"]} == {
        "Tom Verhoeven",
        "Ines Quintanar",
        "Sam Oyelaran",
    }
    looks = await Entry.filter(child_id=cast.mia.id, what="look:package").count()
    assert looks == 3
    assert (await get(cast, "sam", f"/transfers/{made['id']}/package")).status_code == 404


async def test_a_package_that_was_changed_is_told(cast: Cast) -> None:
    made = await accepted(cast)
    row = await Transfer.get(id=made["id"])
    assert package.is_whole(row)
    assert row.package is not None
    row.package = row.package.replace("Mia", "Pia")
    assert not package.is_whole(row)
    row = await Transfer.get(id=made["id"])
    assert row.manifest is not None
    row.manifest["to_agency_id"] = str(uuid4())
    assert not package.is_whole(row)


async def test_the_package_is_sealed_where_it_is_kept(cast: Cast) -> None:
    await accepted(cast)
    rows = await connection().execute_query_dict("SELECT * FROM transfer")
    assert not [name for name in SURNAMES if name in str(rows)]
    assert "aunt" not in str(rows)


# --- while something runs


async def test_an_open_search_goes_on_with_its_clocks(cast: Cast) -> None:
    episode = await opened_missing(cast)
    before = {
        (one.kind, one.due_at)
        for one in await Task.filter(child_id=cast.mia.id, state=DueState.OPEN)
    }
    cast.clock.advance(minutes=20)
    await accepted(cast)
    row = await Episode.get(id=episode["id"])
    assert row.is_open
    assert [one.what for one in await TimelineEntry.filter(episode_id=row.id).order_by("number")][
        -1
    ] == ("moved")
    after = await Task.filter(child_id=cast.mia.id, state=DueState.OPEN)
    kept = {(one.kind, one.due_at) for one in after}
    assert before - kept == set()
    assert {one.agency_id for one in after} == {cast.other_agency.id}
    path = f"/children/{cast.mia.id}/episodes/{episode['id']}"
    assert (await get(cast, "uwe", path)).status_code == 200
    assert (await get(cast, "tom", path)).status_code == 404


async def test_an_open_alert_calls_those_who_have_the_child_now(cast: Cast) -> None:
    await opened_missing(cast)
    alert = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    await send(cast, "tom", f"/alerts/{alert.id}/acknowledge")
    await accepted(cast)
    alert = await Alert.get(id=alert.id)
    assert (alert.agency_id, alert.acknowledged_by) == (cast.other_agency.id, None)
    assert alert.next_action_at is not None
    assert alert.next_action_at <= cast.clock()
    waiting = Message.filter(child_id=cast.mia.id, state="waiting").exclude(kind=Kind.TRANSFER)
    told = set(await waiting.values_list("person_id", flat=True))
    assert cast.tom.id not in told
    assert cast.ines.id not in told


async def test_a_child_that_is_missing_together_with_another_is_looked_for_by_both(
    cast: Cast,
) -> None:
    mia, noor = await linked_together(cast)
    await accepted(cast)
    last = await TimelineEntry.filter(episode_id=noor.id).order_by("-number").first()
    assert last is not None
    assert (last.what, last.details["episode"]) == ("other_moved", str(mia.id))
    seen = (await get(cast, "tom", f"/children/{cast.noor.id}/episodes/{noor.id}")).json()
    assert seen["together"] == []
    assert await timeline.verify() is None


async def test_two_are_missing_and_both_go_at_once(cast: Cast) -> None:
    await both_missing(cast)
    first, second = await offered(cast, "mia"), await offered(cast, "noor")
    found = await together(
        *(
            acceptance.accept(
                cast.actor("uwe"),
                UUID(one["id"]),
                acceptance.Acceptance(cast.persons["uwe"].id),
                cast.clock(),
            )
            for one in (first, second)
        )
    )
    no_fault(found)
    moved = await Child.filter(agency_id=cast.other_agency.id).values_list("id", flat=True)
    assert {cast.mia.id, cast.noor.id} <= set(moved)


async def test_the_yes_twice_at_once_is_one(cast: Cast) -> None:
    made = await offered(cast)
    said = acceptance.Acceptance(cast.persons["uwe"].id)
    found = await together(
        *(
            acceptance.accept(cast.actor("uwe"), UUID(made["id"]), said, cast.clock())
            for _ in range(3)
        )
    )
    no_fault(found)
    assert await Tie.filter(child_id=cast.mia.id, person_id=cast.persons["uwe"].id).count() == 1
    assert await Change.filter(child_id=cast.mia.id, entity="message").count() == 1


async def test_a_check_in_in_that_second_is_kept_by_one_of_both(cast: Cast) -> None:
    made = await offered(cast)
    said = acceptance.Acceptance(cast.persons["uwe"].id)
    answers = await together(
        acceptance.accept(cast.actor("uwe"), UUID(made["id"]), said, cast.clock()),
        *(check_in(cast) for _ in range(3)),
    )
    no_fault(answers)
    assert [one.status_code for one in answers[1:]] == [201, 201, 201]
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 3


async def test_a_child_goes_on_to_a_third_place_and_back(cast: Cast) -> None:
    await accepted(cast)
    code = await code_of(cast, "ines")
    answer = await send(
        cast, "uwe", f"/children/{cast.mia.id}/transfers", offer_of(code, withheld=[])
    )
    assert answer.status_code == 201, answer.text
    body = {"caseworker_id": str(cast.tom.id), "supervisor_id": str(cast.ines.id)}
    back = await send(cast, "ines", f"/transfers/{answer.json()['id']}/accept", body)
    assert back.json()["state"] == "accepted", back.text
    assert (await Child.get(id=cast.mia.id)).agency_id == cast.agency.id
    assert (await get(cast, "tom", f"/children/{cast.mia.id}/project")).status_code == 200
    assert (await get(cast, "uwe", f"/children/{cast.mia.id}/project")).status_code == 404


async def test_a_transfer_says_what_it_did_and_nothing_of_today(cast: Cast) -> None:
    refused = await offered(cast)
    await send(cast, "uwe", f"/transfers/{refused['id']}/refuse", {"why": "We are full."})
    made = await accepted(cast)
    body = {"why": "moved", "at": cast.clock().isoformat()}
    assert (
        await send(cast, "uwe", f"/children/{cast.mia.id}/placement/end", body)
    ).status_code == 200
    texts = []
    for name, one in (("tom", made), ("uwe", refused)):
        await cast.new_token(name)
        texts.append((await cast.browser_as(name).get(f"/desk/transfers/{one['id']}")).text)
    assert "moved to" in texts[0]
    assert "has looked after" not in texts[0]
    assert "That changed nothing for" in texts[1]


async def test_a_placement_that_has_ended_goes_along_as_it_is(cast: Cast) -> None:
    answer = await send(
        cast,
        "tom",
        f"/children/{cast.mia.id}/placement/end",
        {"why": "moved", "at": cast.clock().isoformat()},
    )
    assert answer.status_code == 200, answer.text
    await accepted(cast)
    child = await Child.get(id=cast.mia.id)
    assert (child.agency_id, child.left_at is not None) == (cast.other_agency.id, True)


async def test_a_person_who_cannot_take_the_child_is_refused_and_nothing_moves(cast: Cast) -> None:
    made = await offered(cast)
    for wrong in (cast.tom.id, cast.lia.id, uuid4()):
        answer = await accept(cast, made, caseworker_id=str(wrong))
        assert answer.status_code in (404, 422), answer.text
    answer = await accept(cast, made, home_id=str(cast.home.id))
    assert (answer.status_code, answer.json()["field"]) == (422, "home_id")
    assert (await Child.get(id=cast.mia.id)).agency_id == cast.agency.id
    assert (await Transfer.get(id=made["id"])).state == "offered"


async def test_the_child_reads_who_looked_before_and_after(cast: Cast) -> None:
    await cast.on_duty("eve")
    await get(cast, "eve", f"/children/{cast.mia.id}/project")
    made = await accepted(cast)
    await get(cast, "tom", f"/transfers/{made['id']}/package")
    async with cast.client_as("mia") as phone:
        looks = (await phone.get(f"{API}/looks")).json()["looks"]
    names = {one["who"]["name"] for one in looks if one["who"]}
    assert {"Eve Thackeray", "Tom Verhoeven"} <= names


async def test_the_account_on_paper_says_who_was_there_when(cast: Cast) -> None:
    begin = cast.clock()
    cast.clock.advance(hours=1)
    await accepted(cast)
    facts = await account(cast.mia.id, begin, cast.clock() + timedelta(hours=1), "en")
    said = [(fact.what, fact.who) for fact in facts]
    for one in (
        ("Request to another agency to take over", "Tom Verhoeven"),
        ("Another agency took over", "Uwe Brandvold"),
        ("No longer assigned to the child", "Sam Oyelaran"),
        ("Assigned to the child", "Uwe Brandvold"),
    ):
        assert said.count(one) == 1, said


async def test_a_search_counts_where_the_child_was_when_it_began(cast: Cast) -> None:
    begin = cast.clock() - timedelta(days=1)
    await opened_missing(cast)
    cast.clock.advance(hours=1)
    await accepted(cast)
    end = cast.clock() + timedelta(days=1)
    [here] = await cases_of(cast.agency.id, begin, end)
    assert here.child_id == cast.mia.id
    assert await cases_of(cast.other_agency.id, begin, end) == []


async def test_a_home_and_its_hours_are_held_to_what_was_there_alone(cast: Cast) -> None:
    now = cast.clock()
    for days in range(1, patterns.FEWEST + 1):
        at = now - timedelta(days=days)
        await Tie.filter(child_id=cast.mia.id).update(from_at=now - timedelta(days=90))
        await Episode.create(
            id=uuid4(),
            agency_id=cast.agency.id,
            child_id=cast.mia.id,
            home_id=cast.home.id,
            opened_at=at,
            said_at=at,
            opened_role="caseworker",
            tier="mid",
            stage="found",
            found_at=at,
        )
    duty = Scope(cast.eve.id, cast.agency.id, now, is_on_duty=True)
    before = await patterns_of(duty)
    assert [one.home_id for one in before if isinstance(one, patterns.Cluster)] == [cast.home.id]
    assert any(isinstance(one, patterns.Hours) for one in before)
    await accepted(cast)
    there = Scope(cast.uwe.id, cast.other_agency.id, cast.clock(), is_on_duty=True)
    # How often the child was missing is its own, and goes along.
    [often] = await patterns_of(there)
    assert isinstance(often, patterns.Often)
    assert often.child_id == cast.mia.id


async def test_a_supervisor_there_may_answer_and_is_tied(cast: Cast) -> None:
    kim = await people.add_person(
        cast.actor("uwe"),
        cast.other_agency.id,
        people.AddPerson(role=Role.SUPERVISOR, name="Kim", language="en", zone="Europe/Rome"),
        cast.clock(),
    )
    cast.persons["kim"] = kim
    made = await offered(cast)
    body = {"caseworker_id": str(cast.persons["uwe"].id), "supervisor_id": str(kim.id)}
    answer = await send(cast, "kim", f"/transfers/{made['id']}/accept", body)
    assert answer.json()["state"] == "accepted", answer.text
    roles = await Tie.filter(child_id=cast.mia.id, person_id=kim.id).values_list("role", flat=True)
    assert list(roles) == [Role.SUPERVISOR]


async def page_of(cast: Cast, name: str, path: str) -> str:
    await cast.new_token(name)
    answer = await cast.client_as(name).get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


NO_SUPERVISOR = "has no supervisor. If something is late, we tell the caseworker"


async def test_who_takes_a_child_over_without_a_supervisor_is_told_so(cast: Cast) -> None:
    made = await offered(cast)
    page = f"/desk/transfers/{made['id']}"
    assert "Without a supervisor, anything late goes to" in await page_of(cast, "uwe", page)
    assert NO_SUPERVISOR not in await page_of(cast, "tom", page)
    await accept(cast, made)
    assert NO_SUPERVISOR in await page_of(cast, "uwe", page)
    assert NO_SUPERVISOR in await page_of(cast, "uwe", f"/desk/children/{cast.mia.id}")
    assert NO_SUPERVISOR not in await page_of(cast, "tom", page), "it is not their child any more"


async def test_a_child_with_a_supervisor_has_no_such_line(cast: Cast) -> None:
    assert NO_SUPERVISOR not in await page_of(cast, "tom", f"/desk/children/{cast.mia.id}")


async def test_without_a_supervisor_the_clocks_of_a_search_are_the_caseworkers(cast: Cast) -> None:
    await opened_missing(cast, "tom")
    await accepted(cast)
    answer = await get(cast, "uwe", f"/children/{cast.mia.id}/dues")
    whose = {one["kind"]: [who["name"] for who in one["whose"]] for one in answer.json()["dues"]}
    assert whose["decision"] == whose["strategy_24h"] == ["Uwe Brandvold"]


async def test_a_code_says_nothing_where_it_is_kept(cast: Cast) -> None:
    code = await code_of(cast)
    rows = await connection().execute_query_dict("SELECT * FROM reception")
    assert code not in str(rows)
    assert (await Reception.get()).code == code
    assert await Agency.all().count() == 2
    assert await Person.filter(id=cast.mia.id).exists()
