"""The phones of the rig do as the app's outbox: the same id until it is confirmed, in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.cluster.history import History, of_kind, read
from tests.cluster.phones import Phone

THANKS = {"id": "x", "received_at": "2026-03-02T18:00:00Z", "next_due_at": "2026-03-02T18:01:00Z"}


class Server:
    """Answers each request as it was told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.asked: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append((await request.json())["id"])
        status, body, headers = self.answers.pop(0) if self.answers else (201, THANKS, {})
        if status == 0:
            assert request.transport is not None
            request.transport.close()
        return web.json_response(body, status=status or 500, headers=headers)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    taking = Server()
    app = web.Application()
    app.router.add_post("/api/v1/check-ins", taking.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    yield taking, f"http://127.0.0.1:{port}"
    await runner.cleanup()


@pytest_asyncio.fixture
async def phone(server: tuple[Server, str], tmp_path: Path) -> AsyncIterator[Phone]:
    history = History(tmp_path / "history.jsonl")
    async with aiohttp.ClientSession() as client:
        yield Phone("mia", "token", server[1], client, history, random.Random(1))
    history.close()


@pytest.mark.parametrize("failing", [(503, {}, {}), (500, {}, {}), (429, {}, {}), (0, {}, {})])
async def test_what_was_not_confirmed_goes_again_under_the_same_id(
    server: tuple[Server, str], phone: Phone, failing: tuple[int, Any, dict[str, str]]
) -> None:
    taking, _ = server
    taking.answers = [failing]
    phone.tap()
    phone.tap()
    wait = await phone._flush()
    assert wait is not None
    assert 1.5 <= wait <= 2.5
    assert len(phone.outbox) == 2
    assert await phone._flush() is None
    first, again, second = taking.asked
    assert first == again != second
    assert not phone.outbox


async def test_it_waits_longer_after_each_failure_and_as_long_as_the_server_says(
    server: tuple[Server, str], phone: Phone
) -> None:
    taking, _ = server
    taking.answers = [(503, {}, {})] * 3 + [(503, {}, {"Retry-After": "900"})]
    phone.tap()
    waits = [await phone._flush() for _ in range(4)]
    assert None not in waits
    assert waits == sorted(waits)  # type: ignore[type-var]
    assert waits[3] == 900


async def test_what_is_refused_for_good_leaves_the_outbox_and_is_in_the_history(
    server: tuple[Server, str], phone: Phone, tmp_path: Path
) -> None:
    taking, _ = server
    taking.answers = [(422, {"code": "invalid"}, {}), (409, {"code": "id_reused"}, {})]
    phone.tap()
    phone.tap()
    assert await phone._flush() is None
    answered = [*of_kind(read(tmp_path / "history.jsonl"), "answered")]
    assert [event["status"] for event in answered] == [422, 409]


async def test_a_conflict_that_passes_is_tried_again(
    server: tuple[Server, str], phone: Phone
) -> None:
    taking, _ = server
    taking.answers = [(409, {"code": "conflict"}, {})]
    phone.tap()
    assert await phone._flush() is not None
    assert len(phone.outbox) == 1
