"""How many push messages one process hands to a push service on loopback.

Our channel against bare `webpush` + `aiohttp`: the same subscriptions, as many side by side, and
the same receiver in a process of its own, which answers 201 and does nothing else. They run in
turn, pair by pair, so that whatever else the machine does falls on both. Ours checks the origin,
the keys and the size, fills the payload up and reads the answer; it also signs once in four hours
where the bare one signs each message.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from webpush import WebPush
from webpush.types import WebPushSubscription

from server.notify.channels.push import Push
from server.notify.channels.vapid import new_key
from server.notify.rules import Result
from tests.bench.wire_times import listening
from tests.doubles.web_push import Receiver
from tests.notify.envelopes import envelope

PAIRS = 7
MESSAGES = 600
SIDE_BY_SIDE = 32
TO_REACH = 0.60

Send = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Reading:
    """One run: messages a second by the clock on the wall, and CPU time per message."""

    per_second: float
    cpu_us: float


async def _run(send: Send, messages: int) -> Reading:
    async def one_of_many(first: int) -> None:
        for number in range(first, messages, SIDE_BY_SIDE):
            await send(number)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one_of_many(first) for first in range(SIDE_BY_SIDE)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Reading(messages / wall, cpu / messages * 1e6)


async def _measure(origin: str, pairs: int, messages: int) -> list[tuple[Reading, Reading]]:
    key, people = new_key(), [Receiver() for _ in range(50)]
    sent = [envelope(address=f"{origin}/push/{n}", keys=p.keys) for n, p in enumerate(people)]
    library = WebPush(
        private_key=key.private_pem, public_key=key.public_pem, subscriber="ops@example.org"
    )
    known = [
        WebPushSubscription.model_validate({"endpoint": e.address, "keys": e.keys}) for e in sent
    ]
    said = {"title": sent[0].title, "body": sent[0].body, "navigate": sent[0].url, "tag": "a1"}
    push = Push(
        key, subject="ops@example.org", allowed_origins=(origin,), clock=lambda: datetime.now(UTC)
    )
    async with push, aiohttp.ClientSession() as session:

        async def ours(number: int) -> None:
            outcome = await push.send(sent[number % len(sent)])
            assert outcome.result is Result.ACCEPTED, outcome

        async def bare(number: int) -> None:
            made = library.get(said, known[number % len(known)], ttl=60)
            headers: Any = made.headers
            address = sent[number % len(sent)].address
            async with session.post(address, data=made.encrypted, headers=headers) as answer:
                assert answer.status == 201

        await _run(ours, messages)
        await _run(bare, messages)
        found = []
        for turn in range(pairs):
            # Each goes first every other time.
            first, second = (ours, bare) if turn % 2 == 0 else (bare, ours)
            one, other = await _run(first, messages), await _run(second, messages)
            found.append((one, other) if turn % 2 == 0 else (other, one))
        return found


def measure(pairs: int = PAIRS, messages: int = MESSAGES) -> dict[str, Any]:
    """The figure: medians, the ratio of each pair, and what was to be reached."""
    with listening() as wire:
        found = asyncio.run(_measure(wire.origin, pairs, messages))
    ratios = [ours.per_second / bare.per_second for ours, bare in found]
    return {
        "what": "push messages handed to a push service on loopback, one process",
        "unit": "messages/s",
        "ours": round(statistics.median(ours.per_second for ours, _ in found)),
        "bare": round(statistics.median(bare.per_second for _, bare in found)),
        "ours_cpu_us": round(statistics.median(ours.cpu_us for ours, _ in found)),
        "bare_cpu_us": round(statistics.median(bare.cpu_us for _, bare in found)),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "to_reach": TO_REACH,
        "is_reached": statistics.median(ratios) >= TO_REACH,
        "pairs": pairs,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
