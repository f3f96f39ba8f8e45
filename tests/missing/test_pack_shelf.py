"""Grab packs with whoever is on duty: who may take which, until when, and what each leaves."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.missing.profile import actions
from server.missing.profile.fields import CHILD_SAYS
from server.missing.profile.models import PackCarry
from server.people import actions as people
from server.people.rules import Role
from server.people.ties import end_tie
from server.rota.models import FixedShift
from server.watch.watch_alerts import close_alert, open_missing
from tests.cast import Cast

WHY = "On duty tonight, the road to the lake has no network"
FIELDS = {"hair": "black, to the shoulder", "own_call_first": "Joy from my class"}


async def prepared(cast: Cast, *names: str) -> None:
    for name in names or ("mia", "noor"):
        child = cast.children[name]
        own = {key: text for key, text in FIELDS.items() if key in CHILD_SAYS}
        rest = {key: text for key, text in FIELDS.items() if key not in CHILD_SAYS}
        now, tom = cast.clock(), cast.actor("tom")
        await actions.put(cast.actor(name), child, [Role.CHILD], base=0, given=own, now=now)
        await actions.put(tom, child, [Role.CASEWORKER], base=1, given=rest, now=now)


async def shelf(cast: Cast, who: str) -> Any:
    async with cast.client_as(who) as client:
        answer = await client.get("/api/v1/packs")
        assert answer.status_code == 200, answer.text
        return answer.json()


async def states(cast: Cast, who: str) -> dict[str, str]:
    found = (await shelf(cast, who))["packs"]
    return {one["name"].split()[0].lower(): one["state"] for one in found}


async def take(cast: Cast, who: str, child: str = "mia", **said: Any) -> Any:
    body = {"id": str(uuid4()), **said}
    async with cast.client_as(who) as client:
        return await client.post(
            f"/api/v1/children/{cast.children[child].id}/pack/checkouts", json=body
        )


async def get(cast: Cast, who: str, rest: str, child: str = "mia") -> Any:
    async with cast.client_as(who) as client:
        return await client.get(f"/api/v1/children/{cast.children[child].id}/pack{rest}")


async def alerted(cast: Cast, child: str = "mia") -> Alert:
    await open_missing(cast.actor("tom"), cast.children[child].id, None, cast.clock())
    return await Alert.get(child_id=cast.children[child].id, closed_at__isnull=True)


async def looks(cast: Cast, child: str = "mia") -> list[str]:
    held = Entry.filter(child_id=cast.children[child].id, what__startswith="look")
    return [one.what for one in await held.order_by("id")]


def moment(said: str) -> datetime:
    return datetime.fromisoformat(said)


# --- who, and until when


async def test_the_person_on_duty_by_the_rota_has_every_childs_pack_until_the_shift_ends(
    cast: Cast,
) -> None:
    await prepared(cast)
    await cast.on_duty("eve", hours=3)
    found = await shelf(cast, "eve")
    assert moment(found["until_at"]) == cast.clock() + timedelta(hours=3)
    assert moment(found["server_time"]) == cast.clock()
    assert await states(cast, "eve") == {"mia": "sealed", "noor": "sealed"}


async def test_an_assigned_person_who_is_not_on_duty_has_no_packs(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("eve")
    assert (await shelf(cast, "tom"))["until_at"] is None
    assert await states(cast, "tom") == {}
    refused = await take(cast, "tom", why=WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_on_duty")
    assert not await PackCarry.all().exists()
    assert await looks(cast) == []


async def test_where_no_rota_is_planned_those_who_are_tied_are_on_duty_for_their_own(
    cast: Cast,
) -> None:
    await prepared(cast)
    assert await states(cast, "tom") == {"mia": "sealed", "noor": "sealed"}
    assert await states(cast, "eve") == {}
    until = moment((await shelf(cast, "tom"))["until_at"])
    assert until == cast.clock() + timedelta(hours=12)


@pytest.mark.parametrize("who", ["sam", "ada", "root", "uwe"])
async def test_nobody_else_is_ever_on_duty(cast: Cast, who: str) -> None:
    await prepared(cast)
    found = await shelf(cast, who)
    assert [one for one in found["packs"] if one["name"] != "Lia Marchetti"] == []
    assert (await take(cast, who, why=WHY)).status_code in (403, 404)


async def test_a_child_has_no_shelf(cast: Cast) -> None:
    async with cast.client_as("mia") as client:
        assert (await client.get("/api/v1/packs")).status_code == 404


async def test_it_is_never_for_longer_than_a_day_of_work_nor_than_the_session(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("tom", days=3)
    began = cast.clock()
    cast.clock.advance(hours=1)
    await take(cast, "tom", why=WHY)
    # The session began when the cast came in, and ends after twelve hours.
    assert moment((await shelf(cast, "tom"))["until_at"]) == began + timedelta(hours=12)


# --- the seal


async def test_a_sealed_pack_goes_along_for_a_reason_alone_and_the_child_can_read_it(
    cast: Cast,
) -> None:
    await prepared(cast)
    await cast.on_duty("tom", hours=3)
    refused = await take(cast, "tom")
    assert (refused.status_code, refused.json()["code"]) == (403, "reason_needed")
    assert (await take(cast, "tom", why="x")).status_code == 422
    assert await states(cast, "tom") == {"mia": "sealed", "noor": "sealed"}
    taken = await take(cast, "tom", why=WHY)
    assert taken.status_code == 200
    assert moment(taken.json()["until_at"]) == cast.clock() + timedelta(hours=3)
    assert await states(cast, "tom") == {"mia": "carried", "noor": "sealed"}
    async with cast.client_as("mia") as client:
        (look,) = (await client.get("/api/v1/looks")).json()["looks"]
    assert (look["who"]["name"], look["why"]) == ("Tom Verhoeven", WHY)
    assert look["what"] == "What we keep in case you go missing, saved on their phone"


async def test_of_a_sealed_pack_nothing_is_told_but_that_it_is_there(cast: Cast) -> None:
    await prepared(cast, "mia")
    await cast.on_duty("tom")
    (one,) = (await shelf(cast, "tom"))["packs"]
    assert (one["sha"], one["photo"], one["pages"], one["until_at"]) == (None, None, [], None)
    assert "black" not in str(one)


async def test_while_adults_are_alerted_the_duty_is_the_reason(cast: Cast) -> None:
    await prepared(cast)
    alert = await alerted(cast)
    await cast.on_duty("eve")
    assert await states(cast, "eve") == {"mia": "open", "noor": "sealed"}
    assert (await take(cast, "eve")).status_code == 200
    assert await states(cast, "eve") == {"mia": "carried", "noor": "sealed"}
    # Whoever holds the child's phone reads of a look at the page.
    async with cast.client_as("mia") as client:
        told = (await client.get("/api/v1/looks")).json()["looks"]
    assert {(one["what"], one["why"]) for one in told} == {("Your page", "They were on duty.")}
    await close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "At the door", cast.clock())
    assert await states(cast, "eve") == {"mia": "sealed", "noor": "sealed"}
    assert (await get(cast, "eve", "")).json()["code"] == "reason_needed"


async def test_what_the_phone_fetches_again_is_no_other_look(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("eve", hours=10)
    await take(cast, "eve", why=WHY)
    before = await looks(cast)
    assert before.count("look:carried:pack") == 1
    for _ in range(4):
        cast.clock.advance(minutes=50)
        assert await states(cast, "eve") == {"mia": "carried", "noor": "sealed"}
        for rest in ("", ".pdf?language=fr", ".txt?language=en"):
            assert (await get(cast, "eve", rest)).status_code == 200
        assert (await take(cast, "eve")).status_code == 200
    assert await looks(cast) == before


async def test_a_phone_that_asks_by_itself_looks_at_nobody_whose_pack_is_sealed(
    cast: Cast,
) -> None:
    await prepared(cast)
    await cast.on_duty("eve")
    async with cast.client_as("eve") as client:
        found = (await client.get("/api/v1/packs?sealed=no")).json()
        assert (found["packs"], found["until_at"] is None) == ([], False)
        assert await looks(cast) + await looks(cast, "noor") == []
        await alerted(cast)
        (one,) = (await client.get("/api/v1/packs?sealed=no")).json()["packs"]
        assert (one["name"], one["state"]) == ("Mia Castellane", "open")
        assert (await client.get("/api/v1/packs?sealed=perhaps")).status_code == 422
    assert await looks(cast, "noor") == []
    assert await states(cast, "eve") == {"mia": "open", "noor": "sealed"}
    assert await looks(cast, "noor") == ["look:pack:read"]


async def test_the_same_again_and_at_once_is_one(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("tom")
    id_ = str(uuid4())
    answers = await asyncio.gather(
        *(take(cast, "tom", id=id_, why=WHY) for _ in range(3)),
        *(take(cast, "tom", why=WHY) for _ in range(2)),
    )
    assert {one.status_code for one in answers} == {200}
    assert await PackCarry.all().count() == 1
    assert (await looks(cast)).count("look:carried:pack") == 1
    made = (await PackCarry.get()).id
    reused = await take(cast, "tom", "noor", id=str(made), why=WHY)
    assert (reused.status_code, reused.json()["code"]) == (409, "id_reused")


async def test_in_another_session_of_the_same_duty_the_reason_holds_and_is_another_look(
    cast: Cast,
) -> None:
    await prepared(cast)
    await cast.on_duty("tom")
    await take(cast, "tom", why=WHY)
    await cast.new_token("tom")
    assert await states(cast, "tom") == {"mia": "open", "noor": "sealed"}
    assert (await get(cast, "tom", "")).status_code == 403
    assert (await take(cast, "tom")).status_code == 200
    assert (await looks(cast)).count("look:carried:pack") == 2


# --- the end


async def test_when_the_duty_ends_nothing_of_it_is_left(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("eve", hours=1)
    await take(cast, "eve", why=WHY)
    cast.clock.advance(minutes=61)
    assert await shelf(cast, "eve") | {"server_time": ""} == {
        "until_at": None,
        "server_time": "",
        "packs": [],
    }
    assert (await get(cast, "eve", "")).status_code == 404


async def test_a_person_who_hands_over_early_no_longer_has_packs_and_the_next_person_says_why(
    cast: Cast,
) -> None:
    await prepared(cast)
    await cast.on_duty("tom", hours=8)
    await take(cast, "tom", why=WHY)
    await FixedShift.filter(person_id=cast.tom.id).update(until_at=cast.clock())
    await cast.on_duty("ines", hours=8)
    assert (await shelf(cast, "tom"))["until_at"] is None
    assert (await get(cast, "tom", "")).json()["code"] == "reason_needed"
    assert await states(cast, "ines") == {"mia": "sealed", "noor": "sealed"}
    assert (await take(cast, "ines")).json()["code"] == "reason_needed"


async def test_the_next_duty_needs_another_reason(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("tom", hours=1)
    await take(cast, "tom", why=WHY)
    cast.clock.advance(hours=24)
    await cast.new_token("tom")
    await cast.on_duty("tom", hours=1)
    assert await states(cast, "tom") == {"mia": "sealed", "noor": "sealed"}


async def test_what_was_put_down_is_sealed_again_and_twice_is_once(cast: Cast) -> None:
    await prepared(cast)
    await cast.on_duty("tom")
    id_ = str(uuid4())
    await take(cast, "tom", id=id_, why=WHY)
    async with cast.client_as("tom") as client:
        for _ in range(2):
            answer = await client.delete(f"/api/v1/children/{cast.mia.id}/pack/checkouts")
            assert answer.status_code == 204
    assert await Entry.filter(child_id=cast.mia.id, what="pack:put_down").count() == 1
    assert await states(cast, "tom") == {"mia": "sealed", "noor": "sealed"}
    # An answer that got lost, asked for again, takes nothing along that was put down since.
    assert (await take(cast, "tom", id=id_, why=WHY)).json()["is_carried"] is False


async def test_a_tie_that_ends_takes_it_away(cast: Cast) -> None:
    await prepared(cast)
    await take(cast, "ines", why=WHY)
    child = cast.children["mia"]
    await end_tie(SYSTEM, child, cast.ties["mia", "ines"], cast.clock())
    assert await states(cast, "ines") == {"noor": "sealed"}
    assert (await get(cast, "ines", "")).status_code == 404


# --- what is there


async def test_the_digest_changes_with_the_pack_and_not_with_time(cast: Cast) -> None:
    await prepared(cast, "mia")
    await alerted(cast)
    await take(cast, "tom")
    first = (await shelf(cast, "tom"))["packs"][0]
    cast.clock.advance(minutes=40)
    assert (await shelf(cast, "tom"))["packs"][0]["sha"] == first["sha"]
    await actions.put(
        cast.actor("ines"),
        cast.children["mia"],
        [Role.SUPERVISOR],
        base=2,
        given={"hair": "red"},
        now=cast.clock(),
    )
    assert (await shelf(cast, "tom"))["packs"][0]["sha"] != first["sha"]


async def test_the_pages_are_in_the_language_of_the_agency_and_of_the_person_on_duty(
    cast: Cast,
) -> None:
    await prepared(cast, "mia")
    await people.set_language(SYSTEM, cast.tom.id, "fr", cast.clock())
    await take(cast, "tom", why=WHY)
    (one,) = (await shelf(cast, "tom"))["packs"]
    assert [page["language"] for page in one["pages"]] == ["en", "fr"]
    async with cast.client_as("tom") as client:
        for page in one["pages"]:
            made = await client.get(page["pdf"])
            assert made.content.startswith(b"%PDF")
            plain = await client.get(page["text"])
            assert plain.headers["content-type"] == "text/plain; charset=utf-8"
            assert "black, to the shoulder" in plain.text
            assert "Mia Castellane" in plain.text
        assert (await client.get(one["path"])).json()["fields"] == FIELDS


async def test_the_plain_text_shortens_nothing(cast: Cast) -> None:
    long = "A long story of where she goes. " * 100
    child = cast.children["mia"]
    await actions.put(
        cast.actor("tom"),
        child,
        [Role.CASEWORKER],
        base=0,
        given={"places_often": long.strip()},
        now=cast.clock(),
    )
    await take(cast, "tom", why=WHY)
    assert long.strip() in (await get(cast, "tom", ".txt")).text


async def test_a_child_without_a_pack_is_on_the_shelf_once_adults_are_alerted(cast: Cast) -> None:
    await prepared(cast, "noor")
    assert await states(cast, "tom") == {"noor": "sealed"}
    await alerted(cast)
    assert await states(cast, "tom") == {"mia": "open", "noor": "sealed"}
