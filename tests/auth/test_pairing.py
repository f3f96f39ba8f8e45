"""Pairing: once, lost answers, wrong secrets, races, and who may make a code."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.audit.models import Entry
from server.auth import pairing
from server.auth.models import Device, Guess, Invite
from server.auth.rules import PAIR_BY_NETWORK, WRONG_SECRETS
from tests.cast import Cast


async def code_for(cast: Cast, name: str = "mia", by: str = "tom") -> str:
    """A new code of a caseworker."""
    made = await pairing.invite(cast.actor(by), cast.persons[name], now=cast.clock())
    return made.code


async def pair(
    client: httpx2.AsyncClient, code: str, device: UUID | None = None, **more: Any
) -> httpx2.Response:
    """Try a code on a device."""
    body = {"code": code, "device": {"id": str(device or uuid4()), "label": "Blue"}, **more}
    return await client.post("/api/v1/pair", json=body)


def other_secret(code: str) -> str:
    """The same invitation with a wrong secret."""
    return code[:3] + ("00000" if code[3:] != "00000" else "11111")


async def test_a_code_pairs_a_phone_once(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        answer = await pair(phone, code)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["person"] == {
            "id": str(cast.mia.id),
            "name": "Mia Castellane",
            "role": "child",
            "language": "en",
        }
        assert body["child"] == {"id": str(cast.mia.id), "name": "Mia Castellane"}
        headers = {"authorization": f"Bearer {body['token']}"}
        me = await phone.get("/api/v1/me", headers=headers)
        assert me.status_code == 200
        again = await pair(phone, code)
    assert (again.status_code, again.json()["code"]) == (404, "code_wrong")


async def test_a_code_is_read_as_people_type_it(cast: Cast) -> None:
    code = await code_for(cast)
    typed = f" {code[:4].lower()}-{code[4:].replace('0', 'o').replace('1', 'l')} "
    async with cast.client() as phone:
        assert (await pair(phone, typed)).status_code == 201


async def test_with_cookie_the_token_comes_as_the_cookie_alone(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        answer = await pair(phone, code, cookie=True)
        assert answer.status_code == 201
        assert "token" not in answer.json()
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("s=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "aymark" not in str(answer.headers).lower()
        assert (await phone.get("/api/v1/me")).status_code == 200


async def test_a_lost_answer_may_be_asked_for_again_by_the_same_device(cast: Cast) -> None:
    code, device = await code_for(cast), uuid4()
    async with cast.client() as phone:
        first = (await pair(phone, code, device)).json()["token"]
        cast.clock.advance(minutes=14)
        second = (await pair(phone, code, device)).json()["token"]
        assert second != first
        old = await phone.get("/api/v1/me", headers={"authorization": f"Bearer {first}"})
        assert (old.status_code, old.json()["code"]) == (401, "revoked")
        new = await phone.get("/api/v1/me", headers={"authorization": f"Bearer {second}"})
        assert new.status_code == 200
        cast.clock.advance(minutes=2)
        assert (await pair(phone, code, device)).status_code == 404
    assert await Device.filter(id=device).count() == 1


async def test_another_device_cannot_use_a_lost_answer(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        assert (await pair(phone, code, uuid4())).status_code == 201
        assert (await pair(phone, code, uuid4())).status_code == 404


async def test_a_code_works_for_24_hours(cast: Cast) -> None:
    code = await code_for(cast)
    cast.clock.advance(hours=24, seconds=-1)
    async with cast.client() as phone:
        assert (await pair(phone, code)).status_code == 201
        code = await code_for(cast)
        cast.clock.advance(hours=24)
        assert (await pair(phone, code)).status_code == 404
    assert (await Invite.get(name=code[:3], used_at__isnull=True)).ended_why == "expired"


async def test_five_wrong_secrets_burn_a_code(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        for _ in range(WRONG_SECRETS):
            wrong = await pair(phone, other_secret(code))
            assert wrong.json()["code"] == "code_wrong"
        burned = await pair(phone, code)
        assert burned.status_code == 404
        assert burned.json()["detail"] == wrong.json()["detail"]
    assert (await Invite.get(name=code[:3])).ended_why == "burned"


async def test_four_wrong_secrets_do_not(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        for _ in range(WRONG_SECRETS - 1):
            await pair(phone, other_secret(code))
        assert (await pair(phone, code)).status_code == 201


async def test_guesses_at_once_burn_it_as_well(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        await asyncio.gather(*(pair(phone, other_secret(code)) for _ in range(8)))
        assert (await pair(phone, code)).status_code == 404


async def test_two_phones_at_once_get_one_place(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        answers = await asyncio.gather(*(pair(phone, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404]


async def test_the_same_phone_twice_at_once_is_in(cast: Cast) -> None:
    code, device = await code_for(cast), uuid4()
    async with cast.client() as phone:
        answers = await asyncio.gather(*(pair(phone, code, device) for _ in range(2)))
        assert [answer.status_code for answer in answers] == [201, 201]
        codes = []
        for answer in answers:
            headers = {"authorization": f"Bearer {answer.json()['token']}"}
            codes.append((await phone.get("/api/v1/me", headers=headers)).status_code)
    assert sorted(codes) == [200, 401]


async def test_a_new_invitation_ends_the_old_one(cast: Cast) -> None:
    old = await code_for(cast)
    new = await code_for(cast)
    async with cast.client() as phone:
        assert (await pair(phone, old)).status_code == 404
        assert (await pair(phone, new)).status_code == 201


async def test_the_phone_of_another_child_keeps_its_id(cast: Cast) -> None:
    code = await code_for(cast, "noor")
    async with cast.client() as phone:
        taken = await pair(phone, code, cast.devices["mia"])
        assert (taken.status_code, taken.json()["code"]) == (409, "id_reused")
        # The code is not used up by it.
        assert (await pair(phone, code)).status_code == 201
    async with cast.client_as("mia") as mia:
        assert (await mia.get("/api/v1/me")).status_code == 200


async def test_guessing_is_throttled_by_network_and_never_touches_check_ins(cast: Cast) -> None:
    code = await code_for(cast)
    async with cast.client() as phone:
        for _ in range(PAIR_BY_NETWORK.tries):
            assert (await pair(phone, "ZZZZZZZZ")).status_code == 404
        refused = await pair(phone, code)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
        assert refused.json()["retry_after_s"] == 15 * 60
        assert refused.headers["retry-after"] == str(15 * 60)
        assert "15 minutes" in refused.json()["detail"]
    async with cast.client_as("mia") as mia:
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat()}
        assert (await mia.post("/api/v1/check-ins", json=said)).status_code == 201
    cast.clock.advance(minutes=15)
    async with cast.client() as phone:
        assert (await pair(phone, code)).status_code == 201


async def test_a_right_code_leaves_no_guess(cast: Cast) -> None:
    before = await Guess.all().count()
    async with cast.client() as phone:
        await pair(phone, await code_for(cast))
    assert await Guess.all().count() == before


@pytest.mark.parametrize("code", ["", "ABC", "ABCDEFGHJ", "ABC-🙂", "'; --", "A" * 64])
async def test_what_is_no_code_is_refused_clearly(cast: Cast, code: str) -> None:
    async with cast.client() as phone:
        answer = await pair(phone, code)
    assert answer.status_code == (404 if code else 422)
    assert answer.json()["field"] == "code"


async def test_a_paired_phone_makes_a_code_for_another_of_the_same_child(cast: Cast) -> None:
    async with cast.client_as("mia") as mia:
        made = await mia.post("/api/v1/me/codes")
        assert made.status_code == 201
        body = made.json()
        assert body["link"] == f"http://localhost:8000/app/#pair={body['code']}"
        assert body["expires_at"] == "2026-03-02T12:15:00Z"
        cast.clock.advance(minutes=1)
        answer = await pair(mia, body["code"])
        assert answer.json()["person"]["id"] == str(cast.mia.id)
        devices = (await mia.get("/api/v1/me/devices")).json()["devices"]
    assert [device["current"] for device in devices] == [False, True]


async def test_such_a_code_is_over_after_15_minutes(cast: Cast) -> None:
    async with cast.client_as("mia") as mia:
        code = (await mia.post("/api/v1/me/codes")).json()["code"]
        cast.clock.advance(minutes=15)
        assert (await pair(mia, code)).status_code == 404


async def test_staff_have_no_device_to_make_a_code_from(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        assert (await tom.post("/api/v1/me/codes")).status_code == 403


async def test_pairing_again_lets_a_phone_in_that_was_shut_out(cast: Cast) -> None:
    device = cast.devices["mia"]
    await pairing.shut_out(cast.actor("tom"), await Device.get(id=device), cast.clock())
    async with cast.client() as phone:
        answer = await pair(phone, await code_for(cast), device)
        assert answer.status_code == 201
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        assert (await phone.get("/api/v1/me", headers=headers)).status_code == 200


async def test_the_record_tells_who_invited_and_what_was_paired(cast: Cast) -> None:
    device = uuid4()
    async with cast.client() as phone:
        await pair(phone, await code_for(cast), device)
    made = await Entry.filter(what="invite:make", who_id=cast.tom.id).count()
    paired = await Entry.filter(what="device:pair", about_id=device, child_id=cast.mia.id).count()
    assert (made, paired) == (1, 1)


async def test_no_row_holds_the_code_or_the_token(cast: Cast) -> None:
    code = await code_for(cast)
    row = await Invite.get(name=code[:3], ended_at__isnull=True)
    assert code[3:] not in row.secret_hash
    assert len(row.secret_hash) == 64
