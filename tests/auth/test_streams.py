"""A stream of news ends with the right to it: at once where a person ends that, else in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from server.audit.actions import SYSTEM
from server.auth import actions as doors
from server.auth import pairing
from server.auth.models import Session
from server.auth.rules import Ended
from server.auth.second_factor import factors
from server.people.offboarding import Takers
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.offboarding.actions import leave
from server.storage.db import write
from server.web import live
from server.web.live import announce
from tests.cast import Cast

# Well under the time after which a stream asks by itself, and well over what an event takes.
AT_ONCE_S = 3.0


@pytest_asyncio.fixture
async def hearing(cast: Cast) -> AsyncIterator[None]:
    await live.open_live()
    yield
    await live.close_live()


@pytest.fixture
def asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.live.CHECK_S", 0.1)


@pytest.fixture
def never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that only what is announced ends a stream."""
    monkeypatch.setattr("server.web.live.CHECK_S", 600.0)


class Stream:
    """What a browser hears that has a page open."""

    def __init__(self, cast: Cast, name: str, path: str) -> None:
        self._cast, self._name, self._path = cast, name, path
        self.heard: list[str] = []
        self.status = 0
        self._began = asyncio.Event()

    async def run(self) -> None:
        headers = [(b"authorization", f"Bearer {self._cast.tokens[self._name]}".encode())]
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost:8000"), *headers],
            "scheme": "http",
            "server": ("localhost", 8000),
            "client": ("203.0.113.7", 50000),
            "root_path": "",
        }
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            text = message.get("body", b"").decode()
            self.heard += [line[7:] for line in text.splitlines() if line.startswith("event: ")]
            if "resync" in self.heard or self.status >= 400:
                self._began.set()

        await self._cast.app(scope, receive, send)

    async def began(self) -> None:
        async with asyncio.timeout(10):
            await self._began.wait()


@asynccontextmanager
async def listening(cast: Cast, name: str, path: str) -> AsyncIterator[asyncio.Task[None]]:
    stream = Stream(cast, name, path)
    task = asyncio.create_task(stream.run())
    try:
        await stream.began()
        assert stream.status == 200
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def ended(task: asyncio.Task[None]) -> bool:
    done, _ = await asyncio.wait({task}, timeout=AT_ONCE_S)
    return bool(done)


async def goes_on(task: asyncio.Task[None]) -> bool:
    done, _ = await asyncio.wait({task}, timeout=0.5)
    return not done


def project(cast: Cast, child: str) -> str:
    return f"/api/v1/children/{cast.persons[child].id}/project/live"


pytestmark = pytest.mark.usefixtures("hearing")


@pytest.mark.usefixtures("never_asks")
async def test_a_tie_that_is_ended_ends_the_stream_of_the_project_at_once(cast: Cast) -> None:
    async with (
        listening(cast, "ada", project(cast, "noor")) as ada,
        listening(cast, "tom", project(cast, "noor")) as tom,
    ):
        tie = cast.ties["noor", "ada"]
        await end_tie(cast.actor("ines"), cast.children["noor"], tie, cast.clock())
        assert await ended(ada)
        assert await goes_on(tom), "nobody else's"


@pytest.mark.usefixtures("never_asks")
async def test_a_phone_that_is_blocked_ends_its_stream_at_once(cast: Cast) -> None:
    async with (
        listening(cast, "mia", "/api/v1/project/live") as mia,
        listening(cast, "noor", "/api/v1/project/live") as noor,
    ):
        async with write():
            await pairing.shut(cast.actor("tom"), cast.devices["mia"], Ended.SHUT_OUT, cast.clock())
        assert await ended(mia)
        assert await goes_on(noor)


@pytest.mark.usefixtures("never_asks")
@pytest.mark.parametrize("how", ["sign_out", "elsewhere", "second_key", "disabled"])
async def test_a_session_that_is_ended_ends_its_streams_at_once(cast: Cast, how: str) -> None:
    session = await Session.filter(person_id=cast.eve.id).order_by("-made_at").first()
    assert session is not None
    async with (
        listening(cast, "eve", "/desk/live") as eve,
        listening(cast, "tom", "/desk/live") as tom,
    ):
        if how == "sign_out":
            await doors.sign_out(cast.actor("eve"), session.id, cast.clock())
        elif how == "elsewhere":
            await doors.end_session(cast.actor("eve"), session.id, cast.clock())
        elif how == "second_key":
            await factors.reset(cast.actor("root"), cast.eve, "seen", cast.clock())
        else:
            await doors.disable_person(
                cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock()
            )
        assert await ended(eve)
        assert await goes_on(tom)


@pytest.mark.usefixtures("never_asks")
async def test_another_session_of_the_same_person_goes_on(cast: Cast) -> None:
    first = await Session.filter(person_id=cast.tom.id).order_by("-made_at").first()
    assert first is not None
    async with listening(cast, "tom", "/desk/live") as before:
        await cast.new_token("tom")
        async with listening(cast, "tom", "/desk/live") as other:
            await doors.sign_out(cast.actor("tom"), first.id, cast.clock())
            assert await ended(before)
            assert await goes_on(other)


@pytest.mark.usefixtures("never_asks")
async def test_an_offboarded_caseworker_hears_nothing_more_of_a_project(cast: Cast) -> None:
    async with listening(cast, "tom", project(cast, "mia")) as tom:
        await leave(
            cast.actor("root"),
            cast.agency.id,
            cast.tom.id,
            Takers(everything=cast.eve.id),
            cast.clock(),
        )
        assert await ended(tom)


@pytest.mark.usefixtures("never_asks")
async def test_an_event_asks_for_the_right_and_is_not_told_without_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.live.CHECKED_S", 0.0)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(
            person_id=cast.ada.id, role=Role.GUARDIAN, until_at=cast.clock() + timedelta(minutes=1)
        ),
        cast.clock(),
    )
    stream = Stream(cast, "ada", project(cast, "mia"))
    task = asyncio.create_task(stream.run())
    await stream.began()
    cast.clock.advance(minutes=1)
    async with write():
        await announce(cast.mia.id, "project")
    assert await ended(task)
    assert "project" not in stream.heard


@pytest.mark.usefixtures("asks_often")
async def test_what_time_alone_ends_is_found_by_asking(cast: Cast) -> None:
    await cast.on_duty("eve", minutes=10)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(
            person_id=cast.ada.id, role=Role.GUARDIAN, until_at=cast.clock() + timedelta(minutes=20)
        ),
        cast.clock(),
    )
    async with (
        listening(cast, "eve", project(cast, "mia")) as eve,
        listening(cast, "ada", project(cast, "mia")) as ada,
    ):
        assert await goes_on(eve)
        cast.clock.advance(minutes=10)
        assert await ended(eve)
        assert await goes_on(ada)
        cast.clock.advance(minutes=10)
        assert await ended(ada)


@pytest.mark.usefixtures("asks_often")
async def test_an_open_page_keeps_no_session_alive(cast: Cast) -> None:
    async with listening(cast, "tom", "/desk/live") as tom:
        cast.clock.advance(hours=13)
        assert await ended(tom)
    seen = await Session.filter(person_id=cast.tom.id).order_by("-made_at").first()
    assert seen is not None
    assert seen.last_seen_at < cast.clock() - timedelta(hours=12)
