"""Several children in one browser: each request is of the one that it names, or of nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.auth.models import Invite
from server.auth.rules import MOST_BESIDE
from server.checkin.models import CheckIn
from tests.auth.test_pairing import code_for, pair
from tests.cast import Cast

MIAS, NOORS = uuid4(), uuid4()


def of(phone: UUID | str) -> dict[str, str]:
    return {"x-phone": str(phone)}


@pytest.fixture
async def browser(cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    """Mia came in first; Noor came in beside her, in the same browser."""
    async with cast.client() as browser:
        first = await pair(browser, await code_for(cast, "mia"), MIAS, cookie=True)
        beside = await pair(browser, await code_for(cast, "noor"), NOORS, cookie=True, beside=True)
        assert (first.status_code, beside.status_code) == (201, 201)
        yield browser


def said(cast: Cast, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "said_at": cast.clock().isoformat(), **more}


async def who_is(browser: httpx2.AsyncClient, phone: UUID | str) -> str:
    answer = await browser.get("/api/v1/me", headers=of(phone))
    return str(answer.json()["person"]["id"] if answer.is_success else answer.json()["code"])


async def test_each_of_two_children_is_known_by_the_phone_that_a_request_names(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    for _ in range(2):  # The second time with the cookies that were renewed by the first.
        assert await who_is(browser, MIAS) == str(cast.mia.id)
        assert await who_is(browser, NOORS) == str(cast.noor.id)
    # A link and a stream can send no header, and name the phone in their address.
    answer = await browser.get(f"/api/v1/me?phone={NOORS}")
    assert answer.json()["person"]["id"] == str(cast.noor.id)
    # An app of before names nobody: it is the first one's.
    assert (await browser.get("/api/v1/me")).json()["person"]["id"] == str(cast.mia.id)


@pytest.mark.parametrize("mark", ["a", "b"])
@pytest.mark.parametrize("want", ["nothing", "help"])
async def test_an_answer_is_of_the_child_whose_phone_it_names(
    cast: Cast, browser: httpx2.AsyncClient, mark: str, want: str
) -> None:
    for phone, child in ((NOORS, cast.noor), (MIAS, cast.mia)):
        body = said(cast, mark=mark, want=want)
        answer = await browser.post("/api/v1/check-ins", json=body, headers=of(phone))
        assert answer.status_code == 201, answer.text
        kept = await CheckIn.get(id=body["id"])
        assert (kept.child_id, kept.device_id) == (child.id, phone)


@pytest.mark.parametrize("want", ["nothing", "help"])
async def test_nothing_is_taken_for_another_childs_where_the_own_cookie_is_gone(
    cast: Cast, browser: httpx2.AsyncClient, want: str
) -> None:
    browser.cookies.delete(f"s-{NOORS.hex}")
    assert await who_is(browser, NOORS) == "elsewhere"
    body = said(cast, want=want)
    answer = await browser.post("/api/v1/check-ins", json=body, headers=of(NOORS))
    assert (answer.status_code, answer.json()["code"]) == (401, "elsewhere")
    assert not await CheckIn.exists(id=body["id"])
    assert await who_is(browser, MIAS) == str(cast.mia.id)


@pytest.mark.parametrize("phone", [uuid4(), "nonsense", "0", "x" * 4000])
async def test_a_phone_that_nobody_has_opens_nothing(
    browser: httpx2.AsyncClient, phone: UUID | str
) -> None:
    assert await who_is(browser, phone) == "elsewhere"


async def test_a_native_client_that_names_another_phone_is_let_in_as_nobody(cast: Cast) -> None:
    async with cast.client_as("mia") as mia:
        assert await who_is(mia, cast.devices["mia"]) == str(cast.mia.id)
        assert await who_is(mia, cast.devices["noor"]) == "elsewhere"


async def test_one_signs_out_and_the_other_stays_in(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    assert (await browser.delete("/api/v1/sessions", headers=of(NOORS))).status_code == 204
    assert await who_is(browser, NOORS) == "elsewhere"
    assert await who_is(browser, MIAS) == str(cast.mia.id)


async def test_the_first_child_signs_out_and_the_child_who_joined_stays_signed_in(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    assert (await browser.delete("/api/v1/sessions", headers=of(MIAS))).status_code == 204
    assert await who_is(browser, NOORS) == str(cast.noor.id)
    assert (await browser.get("/api/v1/me", headers=of(MIAS))).status_code == 401


async def test_signing_out_for_another_person_ends_no_session(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    browser.cookies.delete(f"s-{NOORS.hex}")
    assert (await browser.delete("/api/v1/sessions", headers=of(NOORS))).status_code == 401
    assert await who_is(browser, MIAS) == str(cast.mia.id)


async def test_blocking_one_child_on_a_shared_phone_blocks_no_other_child(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/devices/{MIAS}"
        assert (await tom.delete(path)).status_code == 204
    assert await who_is(browser, MIAS) == "revoked"
    assert await who_is(browser, NOORS) == str(cast.noor.id)


async def test_a_phone_that_is_one_childs_alone_again_keeps_no_cookie_of_another(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    phone = uuid4()
    answer = await pair(browser, await code_for(cast, "mia"), phone, cookie=True)
    assert answer.status_code == 201
    assert [name for name in browser.cookies if name.startswith("s")] == ["s"]
    assert await who_is(browser, NOORS) == "elsewhere"
    assert await who_is(browser, phone) == str(cast.mia.id)


async def test_a_lost_answer_is_asked_for_again_beside_the_others(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    code, phone = await code_for(cast, "noor"), uuid4()
    for _ in range(2):
        answer = await pair(browser, code, phone, cookie=True, beside=True)
        assert answer.status_code == 201
        assert "token" not in answer.json()
    assert await who_is(browser, phone) == str(cast.noor.id)
    assert await who_is(browser, MIAS) == str(cast.mia.id)


async def test_too_many_on_one_phone_is_said_and_uses_no_code_up(
    cast: Cast, browser: httpx2.AsyncClient
) -> None:
    for _ in range(MOST_BESIDE - 1):
        answer = await pair(
            browser, await code_for(cast, "noor"), uuid4(), cookie=True, beside=True
        )
        assert answer.status_code == 201
    code = await code_for(cast, "noor")
    answer = await pair(browser, code, uuid4(), cookie=True, beside=True)
    assert answer.status_code == 422
    assert "sign out" in answer.json()["detail"]
    assert await Invite.exists(ended_at__isnull=True)
    async with cast.client() as another:
        assert (await pair(another, code)).status_code == 201
