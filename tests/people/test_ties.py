"""Ties, the rota, looks, and what never leaves a child alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import IdReused, Refused
from server.people.models import Tie
from server.people.rules import ALLOWED, IN_NEED, PROFESSIONAL, STAFF, Role, may_hold
from server.people.ties import AddTie, add_tie, end_tie
from server.watch.watch_alerts import open_missing
from tests.cast import Cast


async def test_a_caseworker_sees_who_is_tied(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        answer = await tom.get(f"/api/v1/children/{cast.noor.id}/ties")
    ties = {(tie["person"]["name"], tie["role"]) for tie in answer.json()["ties"]}
    assert ties == {
        ("Tom Verhoeven", "caseworker"),
        ("Ines Quintanar", "supervisor"),
        ("Ada Brzezinska", "guardian"),
    }


async def test_a_supervisor_assigns_a_caseworker_and_the_same_id_changes_nothing(
    cast: Cast,
) -> None:
    path = f"/api/v1/children/{cast.mia.id}/ties"
    body = {"id": str(uuid4()), "person_id": str(cast.eve.id), "role": "caseworker"}
    async with cast.client_as("ines") as ines, cast.client_as("eve") as eve:
        assert (await eve.get(path)).status_code == 404
        first = await ines.post(path, json=body)
        assert first.status_code == 201, first.text
        again = await ines.post(path, json=body)
        assert (again.status_code, again.json()) == (200, first.json())
        other = await ines.post(path, json=body | {"role": "carer"})
        assert (other.status_code, other.json()["code"]) == (409, "id_reused")
        assert (await eve.get(path)).status_code == 200


async def test_an_id_of_another_childs_tie_is_reused(cast: Cast) -> None:
    with pytest.raises(IdReused):
        await add_tie(
            SYSTEM,
            cast.children["noor"],
            AddTie(person_id=cast.sam.id, role=Role.CARER, id=cast.ties["mia", "sam"]),
            cast.clock(),
        )


async def test_the_last_caseworker_stays(cast: Cast) -> None:
    path = f"/api/v1/children/{cast.mia.id}/ties/{cast.ties['mia', 'tom']}"
    async with cast.client_as("ines") as ines:
        answer = await ines.delete(path)
        assert (answer.status_code, answer.json()["code"]) == (422, "last_caseworker")
        await add_tie(
            SYSTEM,
            cast.children["mia"],
            AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
            cast.clock(),
        )
        assert (await ines.delete(path)).status_code == 204
        # Twice: the first end stands.
        ended = (await Tie.get(id=cast.ties["mia", "tom"])).until_at
        cast.clock.advance(minutes=1)
        assert (await ines.delete(path)).status_code == 204
    assert (await Tie.get(id=cast.ties["mia", "tom"])).until_at == ended


async def test_a_caseworker_whose_tie_runs_out_does_not_count(cast: Cast) -> None:
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(
            person_id=cast.eve.id, role=Role.CASEWORKER, until_at=cast.clock() + timedelta(days=1)
        ),
        cast.clock(),
    )
    with pytest.raises(Refused):
        await end_tie(SYSTEM, cast.children["mia"], cast.ties["mia", "tom"], cast.clock())


async def test_two_who_end_the_last_two_ties_at_once_leave_one(cast: Cast) -> None:
    tie = await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
        cast.clock(),
    )
    ends = [
        end_tie(SYSTEM, cast.children["mia"], id_, cast.clock())
        for id_ in (tie.id, cast.ties["mia", "tom"])
    ]
    outcomes = await asyncio.gather(*ends, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused", "Tie"]


async def test_a_tie_of_another_child_or_agency_is_not_there(cast: Cast) -> None:
    async with cast.client_as("ines") as ines, cast.client_as("uwe") as uwe:
        path = f"/api/v1/children/{cast.mia.id}/ties"
        assert (await ines.delete(f"{path}/{cast.ties['noor', 'ada']}")).status_code == 404
        assert (await ines.delete(f"{path}/{uuid4()}")).status_code == 404
        assert (await uwe.get(path)).status_code == 404
        body = {"id": str(uuid4()), "person_id": str(cast.uwe.id), "role": "caseworker"}
        assert (await ines.post(path, json=body)).status_code == 422


@pytest.mark.parametrize("tie", list(Role))
@pytest.mark.parametrize("role", list(Role))
def test_who_may_hold_which_tie(role: Role, tie: Role) -> None:
    allowed = may_hold(role, tie)
    none = {Role.ADMINISTRATOR, Role.CHILD, Role.OVERSIGHT, *IN_NEED}
    if none & {role, tie}:
        assert not allowed
    elif Role.ADVOCATE in (role, tie):
        assert allowed is (role is tie)
    elif tie in PROFESSIONAL:
        assert allowed is (role in PROFESSIONAL)
    else:
        assert allowed is (role in STAFF)


async def test_an_administrator_cannot_let_themselves_in(cast: Cast) -> None:
    body = {"id": str(uuid4()), "person_id": str(cast.root.id), "role": "supervisor"}
    async with cast.client_as("root") as root:
        answer = await root.post(f"/api/v1/children/{cast.mia.id}/ties", json=body)
        assert answer.status_code == 422
        assert (await root.get(f"/api/v1/children/{cast.mia.id}/looks")).status_code == 404


async def test_the_person_on_duty_gets_in_for_that_time_and_the_child_can_read_it(
    cast: Cast,
) -> None:
    path = f"/api/v1/children/{cast.mia.id}/devices"
    async with cast.client_as("eve") as eve, cast.client_as("mia") as mia:
        assert (await eve.get(path)).status_code == 404
        assert (await mia.get("/api/v1/looks")).json() == {"looks": []}
        await cast.on_duty("eve", hours=1)
        assert (await eve.get(path)).status_code == 200
        # On duty is a supervisor: no invitation, no check-in for the child.
        assert (await eve.get(f"/desk/children/{cast.mia.id}/invite")).status_code == 403
        assert (await eve.get(f"/api/v1/children/{cast.lia.id}/devices")).status_code == 404
        (look,) = (await mia.get("/api/v1/looks")).json()["looks"]
        assert look.pop("id")
        assert look == {
            "at": "2026-03-02T12:00:00Z",
            "who": {"id": str(cast.eve.id), "name": "Eve Thackeray", "role": "caseworker"},
            "what": "Your phones",
            "why": "They were on duty.",
            "code": "look:devices:see",
        }
        cast.clock.advance(hours=1)
        assert (await eve.get(path)).status_code == 404


async def test_who_has_a_tie_looks_by_it_and_not_for_being_on_duty(cast: Cast) -> None:
    await cast.on_duty("ines")
    async with cast.client_as("ines") as ines:
        await ines.get(f"/api/v1/children/{cast.mia.id}/devices")
        await ines.get("/api/v1/children")
    entry = await Entry.get(what__startswith="look")
    assert (entry.what, entry.why) == ("look:devices:see", None)


async def test_a_board_that_refreshes_is_one_look_an_hour(cast: Cast) -> None:
    await cast.on_duty("eve", hours=3)
    async with cast.client_as("eve") as eve:
        for _ in range(3):
            children = (await eve.get("/api/v1/children")).json()["children"]
            assert {child["id"] for child in children} == {str(cast.mia.id), str(cast.noor.id)}
        assert await Entry.filter(what__startswith="look", child_id=cast.mia.id).count() == 1
        cast.clock.advance(hours=1)
        await eve.get("/api/v1/children")
    assert await Entry.filter(what__startswith="look", child_id=cast.mia.id).count() == 2


async def test_the_phone_does_not_tell_the_child_that_an_adult_looked_at_an_alert(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await cast.on_duty("eve")
    async with cast.client_as("eve") as eve, cast.client_as("mia") as mia:
        assert (await eve.get(f"/api/v1/alerts/{alert.id}")).status_code == 200
        assert (await eve.get("/api/v1/alerts")).status_code == 200
        answer = await mia.get("/api/v1/looks")
        assert "alert" not in answer.text.lower()
        assert {look["code"] for look in answer.json()["looks"]} == {"look:child:see"}
        theirs = (await eve.get(f"/api/v1/children/{cast.mia.id}/looks")).json()["looks"]
    assert "look:alert:see" in {look["code"] for look in theirs}


async def test_looks_are_read_in_the_readers_language(cast: Cast) -> None:
    await cast.on_duty("eve")
    async with cast.client_as("eve") as eve, cast.client_as("tom") as tom:
        await eve.get(f"/api/v1/children/{cast.noor.id}/devices")
        await tom.patch("/api/v1/me", json={"language": "fr"})
        (look,) = (await tom.get(f"/api/v1/children/{cast.noor.id}/looks")).json()["looks"]
    assert look["code"] == "look:devices:see"


async def test_an_entry_never_holds_a_value(cast: Cast) -> None:
    async for entry in Entry.all():
        for name in entry.names:
            assert name.islower()
            assert " " not in name


def test_a_child_reads_who_looked_and_changes_no_tie() -> None:
    assert "looks:see" in ALLOWED[Role.CHILD]
    assert not {"ties:see", "ties:change"} & ALLOWED[Role.CHILD]
