"""The database is lost while it stores: the same id, sent again, gets the answer of the first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts.models import Alert
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.rules import Answer
from server.checkin.slow_lane import SlowLane
from server.errors import Unclear
from server.security.encryption import hash_token
from server.storage.db import fetch, write
from server.web.listening import CHANNEL, connect
from tests.cast import Cast
from tests.doubles.line import Line
from tests.fixtures import Database


@pytest.fixture
def line(postgres: Any) -> Iterator[Line]:
    line = Line(postgres.port).start()
    yield line
    line.stop()


@pytest.fixture
def migrated(reused: Any, line: Line, postgres: Any) -> Iterator[Database]:
    """Everything that the test opens goes by the line. SQLite has none."""
    url = reused.take().replace(f":{postgres.port}/", f":{line.port}/")
    yield Database(url, "postgres")
    reused.give_back()


def said(id_: UUID, cast: Cast, **more: str) -> dict[str, str]:
    return {"id": str(id_), "said_at": cast.clock().isoformat(), **more}


async def send(cast: Cast, body: dict[str, str]) -> httpx2.Response:
    return await cast.client_as("mia").post("/api/v1/check-ins", json=body)


@pytest.mark.parametrize("want", ["nothing", "help"])
async def test_an_answer_whose_storing_was_unclear_counts_once(
    cast: Cast, line: Line, want: str
) -> None:
    body = said(uuid4(), cast, want=want)
    line.lose(b"COMMIT")
    lost = await send(cast, body)
    assert line.lost == 1
    assert (lost.status_code, lost.json()["code"]) == (503, "unclear")
    assert lost.headers["retry-after"] == "2"
    assert "Nothing was saved" not in lost.text
    again = await send(cast, body)
    assert again.status_code == 200
    assert again.json()["id"] == body["id"]
    assert (await send(cast, body)).json() == again.json()
    assert await CheckIn.filter(id=body["id"]).count() == 1
    assert await Alert.all().count() == (1 if want == "help" else 0)


async def test_an_answer_that_the_fast_lane_lost_counts_once(cast: Cast, line: Line) -> None:
    lane, slow = FastLane(cast.clock), SlowLane(cast.clock)
    cast.app.state.lanes = (lane, slow)
    await lane.open()
    body = said(id_ := uuid4(), cast)
    # The id as it travels with the values: what comes back is the row.
    line.lose(id_.bytes)
    lost = await send(cast, body)
    assert (lost.status_code, line.lost) == (503, 1)
    again = await send(cast, body)
    assert (again.status_code, again.json()["id"]) == (200, body["id"])
    assert await CheckIn.filter(id=id_).count() == 1
    await slow.close()
    await lane.close()


@pytest.mark.parametrize("word", [b"pg_notify", b"COMMIT"])
async def test_boards_hear_of_a_tap_also_where_the_announcement_is_lost_once(
    cast: Cast, line: Line, migrated: Database, word: bytes
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listening = await connect(migrated.url)
    await listening.add_listener(CHANNEL, lambda *about: heard.put_nowait(about[-1]))
    lane = FastLane(cast.clock)
    await lane.open()
    answer = Answer(uuid4(), cast.clock())
    assert await lane.take(hash_token(cast.tokens["mia"]), None, answer) is not None
    line.lose(word)
    said = f"{cast.mia.agency_id} watch"
    assert await asyncio.wait_for(heard.get(), 20) == said
    if word == b"COMMIT":  # It was stored, and only we could not know: they hear it once more.
        assert await asyncio.wait_for(heard.get(), 20) == said
    assert line.lost == 1
    await lane.close()
    listening.terminate()


async def test_only_a_lost_commit_is_unclear(db: Database, line: Line) -> None:
    await fetch("CREATE TEMP TABLE IF NOT EXISTS nothing (id int)")
    line.lose(b"COMMIT")
    with pytest.raises(Unclear):
        async with write():
            await fetch("SELECT 1")
    with pytest.raises(ZeroDivisionError):
        async with write():
            raise ZeroDivisionError
    async with write():
        assert await fetch("SELECT 1 AS one") == [{"one": 1}]


async def test_health_says_that_the_database_is_away_and_why_in_a_code(
    cast: Cast, line: Line
) -> None:
    line.lose(b"beat")
    answer = await cast.client().get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"], body["database"]) == (503, "failing", "away")
    assert body["reason"] == "ConnectionDoesNotExistError"
    assert (await cast.client().get("/health")).json()["database"] == "ok"
