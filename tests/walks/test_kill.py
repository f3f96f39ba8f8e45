"""Real processes, killed at the worst points: one alert, at least one delivery, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.clock import known_zone
from server.notify.models import Delivery, Message, Process
from server.notify.sending.claims import LEASE
from server.people.models import Home
from server.policy.model import EACH_MISS, over
from server.roll_calls import actions
from server.roll_calls.models import RollCall
from server.storage.db import fetch
from server.watch import policy_change
from server.watch.carer.models import Question
from server.watch.models import Round, Watch
from server.watch.policy_change import Adoption
from tests.fixtures import DrivenClock
from tests.ports import free_port
from tests.walks.crowd import crowd
from tests.walks.stage import Stage

pytestmark = pytest.mark.long

POINTS = ["inside_tick", "after_tick", "before_send", "after_send"]
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> DrivenClock:
    """The cast came half a day ago by the real clock, which other processes go by."""
    return DrivenClock(datetime.now(UTC) - 12 * HOUR)


def environment(stage: Stage, **more: str) -> dict[str, str]:
    settings = stage.cast.app.state.settings
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")},
        "WAYMARK_DATABASE_URL": settings.database_url,
        "WAYMARK_SECRET_KEYS": ",".join(settings.secret_keys),
        "WAYMARK_VAR": str(settings.var),
        "WAYMARK_PUSH_ORIGINS": stage.push.origin,
        "WAYMARK_SMTP_URL": stage.relay.url,
        "WAYMARK_MAIL_FROM": "planner@example.org",
        "PYTHONPATH": os.getcwd(),
    } | more


async def run(stage: Stage, point: str) -> int:
    """The exit code of a process that looks and sends once, and dies at this point."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.walks.dying", point, env=environment(stage)
    )
    return await asyncio.wait_for(process.wait(), 60)


async def prepare(stage: Stage) -> None:
    """Mia's round became late an hour ago, and nobody has looked since."""
    await stage.only("mia")
    await stage.subscribe("tom", "sam")
    stage.push.clock = lambda: datetime.now(UTC)
    now = datetime.now(UTC)
    due = now - 3 * HOUR
    await Watch.filter(child_id=stage.cast.mia.id).update(
        due_at=due,
        opens_at=due - 2 * HOUR,
        following_due_at=now + 21 * HOUR,
        next_action_at=due - 2 * HOUR,
    )


async def lease_runs_out(stage: Stage) -> None:
    """Instead of waiting for a minute."""
    early = datetime.now(UTC) - LEASE
    await Message.filter(state="sending").update(next_action_at=early, lease_until=early)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_anywhere_there_is_one_alert_and_at_least_one_delivery(
    stage: Stage, point: str
) -> None:
    await prepare(stage)
    assert await run(stage, point) == -signal.SIGKILL
    await lease_runs_out(stage)
    assert await run(stage, "never") == 0

    [alert] = await stage.alerts("mia")
    assert alert.next_action_at is not None
    assert await Question.filter(child_id=stage.cast.mia.id).count() == 1
    assert await Round.filter(child_id=stage.cast.mia.id).count() == 1
    [call] = await Message.filter(subject_id=alert.id, person_id=stage.cast.tom.id)
    assert call.state == "done"
    got = stage.shown("tom")
    assert len(got) >= 1
    # A delivery that was doubled is the same message with the same tag: a device shows it once.
    assert {received.json["m"] for received in got} == {str(call.id)}
    assert {received.headers["topic"] for received in got} == {alert.id.hex}
    results = await Delivery.filter(message_id=call.id).values_list("result", flat=True)
    assert sorted(results)[0] == "accepted"
    if point == "after_send":
        assert len(got) > 1
        assert "unknown" in results
    if point == "inside_tick":
        assert list(results) == ["accepted"]


@pytest.mark.parametrize("point", ["inside_tick", "after_tick"])
async def test_killed_anywhere_a_home_is_asked_one_roll_call_and_hears_of_it(
    stage: Stage, point: str
) -> None:
    cast, now = stage.cast, datetime.now(UTC)
    await stage.subscribe("sam")
    stage.push.clock = lambda: datetime.now(UTC)
    await Watch.filter(next_action_at__lte=now + HOUR).update(next_action_at=now + HOUR)
    await actions.add_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    due = f"{(now - HOUR).astimezone(known_zone(cast.home.zone)):%H:%M}"
    await actions.set_times(cast.actor("root"), cast.home.id, [due], now - 2 * HOUR)
    assert await run(stage, point) == -signal.SIGKILL
    await lease_runs_out(stage)
    assert await run(stage, "never") == 0

    [call] = await RollCall.all()
    [message] = await Message.filter(subject_id=call.id)
    assert (message.kind, message.person_id, message.state) == ("roll_call", cast.sam.id, "done")
    assert {received.json["m"] for received in stage.shown("sam")} == {str(message.id)}
    assert (await Home.get(id=cast.home.id)).next_roll_call_at > now


# --- the whole server


@asynccontextmanager
async def serving(
    stage: Stage, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "serve",
        "--port",
        str(port),
        *arguments,
        env=environment(stage, WAYMARK_PUBLIC_URL=url, WAYMARK_LAST_RESORT=""),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx2.AsyncClient() as client:
            for _ in range(600):
                try:
                    await client.get(f"{url}/health")
                    break
                except httpx2.TransportError:
                    assert process.returncode is None, "the server ended at once"
                    await asyncio.sleep(0.05)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Phones:
    """Answers over the wire, and what the server said to each."""

    def __init__(self, stage: Stage, url: str) -> None:
        token = stage.cast.tokens["mia"]
        self.url = f"{url}/api/v1/check-ins"
        self.headers = {"authorization": f"Bearer {token}"}
        # More than a server answers in the tenth of a second until it sees that it is to stop.
        self.said = {str(uuid4()): datetime.now(UTC).isoformat() for _ in range(800)}
        self.thanked: set[str] = set()

    async def tap(self, client: httpx2.AsyncClient, id: str) -> None:
        body = {"id": id, "said_at": self.said[id], "note": "Hello"}
        try:
            answer = await client.post(self.url, json=body, headers=self.headers, timeout=20)
        except httpx2.TransportError:
            return
        if answer.status_code in (200, 201):
            self.thanked.add(id)

    async def tap_all(self, kill: asyncio.subprocess.Process | None, with_signal: int) -> None:
        """All of them, a few at a time; the process gets its signal in the middle."""
        gate = asyncio.Semaphore(8)
        async with httpx2.AsyncClient() as client:

            async def one(number: int, id: str) -> None:
                async with gate:
                    if number == 60 and kill is not None:
                        kill.send_signal(with_signal)
                    await self.tap(client, id)

            await asyncio.gather(*(one(n, id) for n, id in enumerate(self.said)))


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM])
async def test_no_check_in_that_was_thanked_for_is_lost_with_the_server(
    stage: Stage, with_signal: int
) -> None:
    await stage.only("mia")
    async with serving(stage, "--no-ticker") as (process, url):
        phones = Phones(stage, url)
        await phones.tap_all(process, with_signal)
        code = await asyncio.wait_for(process.wait(), 30)
        # Where all is tidied up, the server ends by the signal that it was sent.
        assert code == -with_signal
    assert 0 < len(phones.thanked) < len(phones.said)
    kept = {str(id) for id in await CheckIn.all().values_list("id", flat=True)}
    assert phones.thanked <= kept
    entries = await fetch("SELECT about_id FROM entry WHERE what = 'check_in'")
    assert {str(row["about_id"]) for row in entries} == kept
    assert len(entries) == len(kept)
    # The phones send again what nobody thanked them for.
    async with serving(stage, "--no-ticker") as (process, url):
        phones.url = f"{url}/api/v1/check-ins"
        await phones.tap_all(None, 0)
    assert phones.thanked == set(phones.said)
    assert await CheckIn.all().count() == len(phones.said)


async def test_told_to_stop_the_ticker_finishes_the_message_that_it_is_sending(
    stage: Stage,
) -> None:
    await prepare(stage)
    stage.push.fault(does="hang")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "tick", env=environment(stage)
    )
    try:
        await asyncio.to_thread(stage.push.wait, lambda: len(stage.push.log) >= 2, 30)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert process.returncode is None, "it waits for what it has begun"
        await asyncio.to_thread(stage.push.reset)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert not await Message.filter(state="sending")
    assert not await Delivery.filter(result="sending")
    assert await Alert.filter(child_id=stage.cast.mia.id).count() == 1


async def each_alone(stage: Stage) -> None:
    """The agency wants no message about fewer than a thousand children."""
    content = over(EACH_MISS, {"together": {"children": 1000}})
    adoption = Adoption(uuid4(), content, 0, "Each call alone.")
    ines = stage.cast.actor("ines")
    await policy_change.adopt(ines, stage.cast.agency.id, adoption, stage.cast.clock())


async def _until(count: Callable[[], Awaitable[int]], many: int) -> None:
    """Waits a minute at most: what follows says what is wrong."""
    for _ in range(600):
        if await count() >= many:
            return
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("as_one", [True, False], ids=["one_message", "each_alone"])
async def test_two_ticking_processes_double_nothing(stage: Stage, as_one: bool) -> None:
    """Two of the real command over one database; on SQLite over one file. Tom is called about 201
    children: as his agency wants it in one message for each moment, or about each child alone."""
    if not as_one:
        await each_alone(stage)
    await prepare(stage)
    late = await Watch.get(child_id=stage.cast.mia.id)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server",
            "tick",
            env=environment(stage),
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        await _until(lambda: Process.all().count(), 2)  # Both look from the beginning.
        await crowd(stage.cast, 200, watched=late)
        await _until(lambda: Message.filter(kind="alert", state="done").count(), 201)
        for process in processes:
            assert process.returncode is None
            process.send_signal(signal.SIGTERM)
        for process in processes:
            assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
    assert await Alert.all().count() == 201
    assert await Round.all().count() == 201
    calls = await Message.filter(kind="alert")
    assert len(calls) == 201
    pushed = [received.json["m"] for received in stage.shown("tom")]
    assert len(pushed) == len(set(pushed)) == len({call.together or call.id for call in calls})
    assert len(pushed) < 10 if as_one else len(pushed) == 201
    accepted = Delivery.filter(result="accepted", message__kind="alert")
    assert sorted(await accepted.values_list("message_id", flat=True)) == sorted(
        call.id for call in calls
    )
