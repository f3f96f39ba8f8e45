"""Thirty-three thousand children of one agency are silent at once: everything goes on."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog

from server import logs
from server.alerts.models import Alert
from server.notify.models import Message
from server.notify.sending.claims import MOST_AS_ONE
from server.people.models import Tie
from server.watch.models import Watch
from tests.test_access import MAKERS, described
from tests.walks.crowd import crowd
from tests.walks.flood import flood
from tests.walks.stage import Stage

# More than the 32,767 parameters that a statement may have; a list goes into one or fails.
MANY = 33_000
# Late in the moment of the tick, beside all the others: several batches.
FRESH = 500
LOOPS = ("tick", "send", "seal", "audit", "tidy")
# Tied to every child; the roles of the agency; tied to one child.
READERS = ("ines", "root", "sam")

Errors = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def errors() -> Iterator[Errors]:
    """What is logged as an error, parsed."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(out, logging.ERROR)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


async def _silent(stage: Stage) -> None:
    """Tom is called about Mia, and in the same message about so many like her; further ones will be
    found silent by the next tick."""
    await stage.subscribe("tom", "ines", "sam")
    await stage.ticker.tick()
    asleep = await Watch.get(child_id=stage.cast.mia.id)
    stage.clock.advance(hours=9)
    await stage.ticker.tick()
    assert await Message.filter(child_id=stage.cast.mia.id, kind="alert", state="waiting").exists()
    await flood(stage.cast.mia.id, MANY, together=uuid4())
    await crowd(stage.cast, FRESH, watched=asleep)
    only = Tie.filter(person_id=stage.cast.sam.id).exclude(child_id=stage.cast.mia.id)
    await only.delete()


async def _unsent() -> int:
    return await Message.filter(kind="alert", state__in=["waiting", "sending"]).count()


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_every_loop_goes_on_with_many_silent_children(stage: Stage, errors: Errors) -> None:
    await _silent(stage)
    assert await _unsent() > MANY
    for loop in LOOPS:
        await getattr(stage.ticker, loop)()
    assert await Alert.filter(closed_at__isnull=True).count() > MANY + FRESH
    # What shares a cause waits a moment for what may follow, and goes out as one.
    stage.clock.advance(seconds=10)
    await stage.ticker.send()
    assert await _unsent() == 0
    tags = [push.json["notification"]["tag"] for push in stage.shown("tom")]
    assert len(tags) < 10 + MANY / MOST_AS_ONE
    assert errors() == []


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_every_page_is_read_with_many_silent_children(
    stage: Stage, errors: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stream of events would go on for half an hour.
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    await _silent(stage)
    broken = []
    for who in READERS:
        for route in described(stage.cast.app.routes):
            if route.startswith("GET ") and (status := await _read(stage, who, route)) >= 500:
                broken.append(f"{who}: {route} gave {status}")
    # Nobody sends here, and whoever asks how we are is told so.
    assert broken == [f"{who}: GET /health gave 503" for who in READERS]
    assert errors() == []


async def _read(stage: Stage, who: str, route: str) -> int:
    cast, path = stage.cast, route.removeprefix("GET ")
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", str(await MAKERS[name](cast, who, path)))
    await cast.new_token(who)
    client = cast.client_as(who) if path.startswith("/api/") else cast.browser_as(who)
    async with client:
        answer = await client.get(path, headers={"x-waymark-reason": "Looking"})
    return answer.status_code
