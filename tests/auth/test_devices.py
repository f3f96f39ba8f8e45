"""Phones: listed, shut out, replaced; and how long a session lasts."""

from __future__ import annotations

from uuid import uuid4

from server.auth import pairing
from server.auth.models import Device, Session
from server.auth.rules import STAFF_AT_MOST, STAFF_IDLE
from server.notify.models import Address
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from tests.cast import Cast


async def test_a_caseworker_shuts_a_lost_phone_out_at_once(cast: Cast) -> None:
    path = f"/api/v1/children/{cast.mia.id}/devices"
    async with cast.client_as("tom") as tom, cast.client_as("mia") as mia:
        (device,) = (await tom.get(path)).json()["devices"]
        assert device["label"] == "Phone of mia"
        assert device["current"] is False
        assert (await tom.delete(f"{path}/{device['id']}")).status_code == 204
        out = await mia.get("/api/v1/me")
        assert (out.status_code, out.json()["code"]) == (401, "revoked")
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat()}
        answer = await mia.post("/api/v1/check-ins", json=said)
        assert (answer.status_code, answer.json()["code"]) == (401, "revoked")
        assert (await tom.get(path)).json()["devices"] == []
        # Twice is once.
        assert (await tom.delete(f"{path}/{device['id']}")).status_code == 204
    assert (await Device.get(id=device["id"])).shut_out_by == cast.tom.id


async def test_nothing_is_sent_to_a_phone_that_is_out(cast: Cast) -> None:
    address = await Address.create(
        agency_id=cast.agency.id,
        person_id=cast.mia.id,
        channel="push",
        value="https://push.example/1",
        value_index="x",
        device_id=cast.devices["mia"],
        made_at=cast.clock(),
    )
    device = await Device.get(id=cast.devices["mia"])
    await pairing.shut_out(cast.actor("tom"), device, cast.clock())
    await address.refresh_from_db()
    assert address.dropped_at is not None


async def test_a_child_shuts_out_its_own_other_phone_and_no_other_childs(cast: Cast) -> None:
    async with cast.client_as("mia") as mia, cast.client_as("noor") as noor:
        other = await mia.delete(f"/api/v1/me/devices/{cast.devices['noor']}")
        assert other.status_code == 404
        assert (await noor.get("/api/v1/me")).status_code == 200
        own = await mia.delete(f"/api/v1/me/devices/{cast.devices['mia']}")
        assert own.status_code == 204
        assert (await mia.get("/api/v1/me")).status_code == 401


async def test_replacing_shuts_every_phone_out_and_makes_a_code_in_one_step(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom, cast.client_as("mia") as mia:
        page = await tom.post(f"/desk/children/{cast.mia.id}/invite", data={"replace": "true"})
        assert page.status_code == 201
        assert (await mia.get("/api/v1/me")).json()["code"] == "revoked"


async def test_signing_out_on_a_phone_takes_it_off_the_list(cast: Cast) -> None:
    async with cast.client_as("mia") as mia, cast.client_as("tom") as tom:
        assert (await mia.delete("/api/v1/sessions")).status_code == 204
        out = await mia.get("/api/v1/me")
        assert (out.status_code, out.json()["code"]) == (401, "unauthenticated")
        path = f"/api/v1/children/{cast.mia.id}/devices"
        assert (await tom.get(path)).json()["devices"] == []


async def test_a_childs_phone_stays_in_for_years(cast: Cast) -> None:
    async with cast.client_as("mia") as mia:
        cast.clock.advance(days=800)
        assert (await mia.get("/api/v1/me")).status_code == 200


async def test_a_staff_session_ends_after_a_working_day(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        for _ in range(11):
            cast.clock.advance(hours=1)
            assert (await tom.get("/api/v1/me")).status_code == 200
        cast.clock.advance(hours=1)
        assert (await tom.get("/api/v1/me")).status_code == 401
    assert STAFF_AT_MOST.total_seconds() == 12 * 3600


async def test_a_staff_session_that_nobody_uses_ends_sooner(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        cast.clock.advance(seconds=STAFF_IDLE.total_seconds() - 1)
        assert (await tom.get("/api/v1/me")).status_code == 200
        cast.clock.advance(seconds=STAFF_IDLE.total_seconds())
        answer = await tom.get("/api/v1/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_use_is_written_down_at_most_once_a_minute(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        began = (await Session.get(person_id=cast.tom.id)).last_seen_at
        cast.clock.advance(seconds=59)
        await tom.get("/api/v1/me")
        assert (await Session.get(person_id=cast.tom.id)).last_seen_at == began
        cast.clock.advance(seconds=1)
        await tom.get("/api/v1/me")
        assert (await Session.get(person_id=cast.tom.id)).last_seen_at == cast.clock()
    async with cast.client_as("mia") as mia:
        cast.clock.advance(minutes=1)
        await mia.get("/api/v1/me")
    assert (await Device.get(id=cast.devices["mia"])).last_seen_at == cast.clock()


async def test_a_token_of_nobody_opens_nothing(cast: Cast) -> None:
    async with cast.client(headers={"authorization": "Bearer " + "x" * 43}) as nobody:
        answer = await nobody.get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_tie_that_ends_shuts_the_door_in_mid_session(cast: Cast) -> None:
    path = f"/api/v1/children/{cast.noor.id}/looks"
    async with cast.client_as("ada") as ada:
        assert (await ada.get(path)).status_code == 200
        tie = cast.ties["noor", "ada"]
        await end_tie(cast.actor("ines"), cast.children["noor"], tie, cast.clock())
        assert (await ada.get(path)).status_code == 404
        # The session itself goes on.
        assert (await ada.get("/api/v1/me")).status_code == 200


async def test_a_tie_ends_by_itself_at_its_end(cast: Cast) -> None:
    await add_tie(
        cast.actor("ines"),
        cast.children["mia"],
        AddTie(
            person_id=cast.eve.id,
            role=Role.CARER,
            until_at=cast.clock.advance(minutes=0).replace(hour=13),
        ),
        cast.clock(),
    )
    path = f"/api/v1/children/{cast.mia.id}/devices"
    async with cast.client_as("eve") as eve:
        assert (await eve.get(path)).status_code == 403
        cast.clock.advance(hours=1)
        assert (await eve.get(path)).status_code == 404


async def test_another_site_can_do_nothing_with_the_cookie(cast: Cast) -> None:
    async with cast.browser_as("mia") as mia:
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            browser = dict(mia.headers) | headers
            if "origin" in headers:
                browser.pop("sec-fetch-site")
            request = mia.build_request("DELETE", "/api/v1/sessions", headers=headers)
            if "origin" in headers:
                del request.headers["sec-fetch-site"]
            answer = await mia.send(request)
            assert answer.status_code == 403
        assert (await mia.get("/api/v1/me", headers={"accept": "*/*"})).status_code == 200
