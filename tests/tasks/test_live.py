"""The whole way: a ticker, a worker and phones that take push, over days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from server.notify.models import Message
from server.notify.wording import neutral
from server.tasks.models import Task
from server.watch.models import Watch
from tests.cast import SURNAMES
from tests.plan.said import change
from tests.walks.stage import Stage


async def say(stage: Stage, name: str, words: str) -> None:
    """A message in Mia's thread."""
    said = change(stage.clock(), "message", str(uuid4()), "*", {"text": words})
    path = "/api/v1" if name == "mia" else f"/api/v1/children/{stage.cast.mia.id}"
    answer = await stage.call(name, "POST", f"{path}/sync", {"cursor": None, "changes": [said]})
    assert answer["results"][0]["status"] == "applied"


async def dues(stage: Stage, name: str) -> list[dict[str, Any]]:
    answer = await stage.call(name, "GET", "/api/v1/dues")
    found: list[dict[str, Any]] = answer["dues"]
    return found


async def test_a_childs_message_that_nobody_answers_reaches_ines(stage: Stage) -> None:
    await Watch.all().delete()  # Nobody is late meanwhile.
    await stage.subscribe("mia", "tom", "ines")
    await say(stage, "mia", "Are you there?")
    desk = f"/desk/dues/{(await Task.get(kind='reply')).id}"
    await stage.until(hours=23, minutes=59)
    assert stage.paths("tom") == [desk], "Tom heard of it at once"
    assert stage.shown("ines") == []
    [mine] = await dues(stage, "tom")
    assert (mine["kind"], mine["is_over"]) == ("reply", False)
    assert await dues(stage, "ines") == []

    await stage.until(minutes=1)
    assert stage.paths("ines") == [desk]
    assert (await dues(stage, "ines"))[0]["is_over"]

    await stage.until(days=3)
    assert len(stage.shown("ines")) == 4
    for push in stage.shown("ines"):
        assert push.json["notification"]["body"] == neutral("en")
        assert not [name for name in (*SURNAMES, "Are you there") if name in str(push.json)]

    await say(stage, "ines", "I am here.")
    assert await dues(stage, "ines") == await dues(stage, "tom") == []
    before = len(stage.shown("tom")), len(stage.shown("ines"))
    await stage.until(days=3)
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == before
    assert stage.shown("mia") == []


async def test_any_number_of_tickers_tells_everyone_once(stage: Stage) -> None:
    await stage.subscribe("tom")
    await say(stage, "mia", "Hello?")
    others = [stage.another_ticker() for _ in range(2)]
    for _ in range(2):
        for one in (stage.ticker, *others):
            await one.tick()
            await one.send()
    assert len(stage.shown("tom")) == 1
    assert (await Task.get()).told == 0


async def test_health_and_the_watchdog_hear_of_a_due_that_nobody_moves(stage: Stage) -> None:
    await say(stage, "mia", "Hello?")
    await stage.beat()
    answer = await stage.send("tom", "GET", "/health")
    assert answer.json()["oldest_due_s"] == 0
    behind = stage.clock() - timedelta(minutes=3)
    await Task.all().update(next_action_at=behind)
    answer = await stage.send("tom", "GET", "/health")
    assert answer.json()["oldest_due_s"] == 180
    assert answer.status_code == 503
    await stage.ticker.audit()
    assert "audit:due_without_next_step" in [
        (message.data or {}).get("fault") for message in await _operators()
    ]


async def _operators() -> list[Message]:
    return await Message.filter(kind="operators")
