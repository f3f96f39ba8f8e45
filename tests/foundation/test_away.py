"""A database that is away is a 503, a mistake of ours is a 500, and the log holds either."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server import logs
from server.storage.db import connection, fetch, write
from server.storage.engines.width import MOST
from tests.cast import Cast

Break = Callable[[], Awaitable[Any]]


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is logged as a warning or worse, parsed."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(out)
    yield lambda: [
        line for line in map(json.loads, out.getvalue().splitlines()) if line["level"] != "info"
    ]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


async def _too_few_values() -> None:
    client = connection()
    sqlite = client.capabilities.dialect == "sqlite"
    await client.execute_query("SELECT ?1, ?2" if sqlite else "SELECT $1::int + $2::int", [1])


async def _too_many_values() -> None:
    await fetch("SELECT 1", list(range(MOST + 1)))


async def _no_such_column() -> None:
    await fetch("SELECT nothing FROM beat")


async def _a_value_of_another_kind() -> None:
    # Words that a fault about a lost connection has, in a value.
    await fetch("SELECT $1::int + 1", ["the pool is closed: disk is full"])


MISTAKES = [_too_few_values, _too_many_values, _no_such_column]


async def _lost() -> None:
    async with write():
        await fetch("SELECT pg_terminate_backend(pg_backend_pid())")


async def _full() -> None:
    [row] = await fetch("PRAGMA page_count")
    await fetch(f"PRAGMA max_page_count = {row['page_count']}")
    async with write():
        for number in range(2000):
            await fetch("INSERT INTO beat (name, at) VALUES ($1, $2)", [f"{number:024}", "now"])


async def _answer(cast: Cast, broken: Break) -> httpx2.Response:
    async def route(_: Request) -> Response:
        await broken()
        return PlainTextResponse("all is well")

    cast.app.router.routes.insert(0, Route("/api/v1/broken", route))
    transport = httpx2.ASGITransport(cast.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.get("/api/v1/broken")


@pytest.mark.parametrize("broken", MISTAKES)
async def test_a_mistake_of_ours_is_a_500_that_is_logged(
    cast: Cast, lines: Any, broken: Break
) -> None:
    answer = await _answer(cast, broken)
    assert answer.status_code == 500
    assert "database" not in answer.text
    [line] = lines()
    assert (line["level"], line["event"]) == ("error", "unexpected")
    assert any(place.startswith("tests/foundation/test_away.py") for place in line["at"])


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_a_value_with_the_words_of_a_lost_connection_is_none(cast: Cast, lines: Any) -> None:
    answer = await _answer(cast, _a_value_of_another_kind)
    assert answer.status_code == 500
    assert [line["event"] for line in lines()] == ["unexpected"]


@pytest.mark.parametrize(
    ("migrated", "broken"), [("postgres", _lost), ("sqlite", _full)], indirect=["migrated"]
)
async def test_a_database_that_is_away_is_a_503_that_is_logged(
    cast: Cast, lines: Any, broken: Break
) -> None:
    answer = await _answer(cast, broken)
    assert answer.status_code == 503
    assert "Try again" in answer.json()["detail"]
    [line] = lines()
    assert (line["level"], line["event"]) == ("error", "away")
    assert line["fault"][0] == "Unavailable"
    assert len(line["fault"]) > 1
