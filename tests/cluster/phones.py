"""Phones of children who tap, fall silent and come back, and send as the app's outbox does.

The same id until the server has confirmed it; in the order in which it was said; at once after each
tap, else after a wait that doubles up to five minutes, never in step with other phones
(`pwa/src/store/sender.ts`, `outbox.ts`).
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import aiohttp

from tests.cluster.history import History

IDS = UUID("5b0f3a52-6c0c-4f6a-9d53-2c9ab0b3a1f7")
PATIENCE_S = 20.0
# `pwa/src/store/afterBackup.ts`: what came in a little before may be lost too.
MARGIN = timedelta(minutes=10)
LONGEST_WAIT_S = 300.0
# What waiting does not mend: the phone then asks the child.
FOR_GOOD = {"id_reused", "ended", "decided", "changed"}


@dataclass(frozen=True)
class Habit:
    """How often a child taps, and how often and for how long they fall silent. Seconds."""

    taps_every: float = 6.0
    silent_one_in: int = 50
    silent_for: tuple[float, float] = (90.0, 160.0)


@dataclass
class Phone:
    """One phone and its outbox."""

    child: str
    token: str
    url: str
    client: aiohttp.ClientSession
    history: History
    dice: random.Random
    habit: Habit = field(default_factory=Habit)
    outbox: deque[dict[str, Any]] = field(default_factory=deque)
    confirmed: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    _failures: int = 0
    _taps: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, ends: asyncio.Event) -> None:
        """Tap until the run ends, then send what is left."""
        await asyncio.sleep(self.dice.uniform(0, self.habit.taps_every))
        sending = asyncio.create_task(self._send())
        while not ends.is_set():
            self.tap()
            wait = self.habit.taps_every * self.dice.uniform(0.7, 1.3)
            if self.dice.randrange(self.habit.silent_one_in) == 0:
                wait = self.dice.uniform(*self.habit.silent_for)
            try:
                await asyncio.wait_for(ends.wait(), wait)
            except TimeoutError:
                continue
        while self.outbox and not sending.done():
            self._failures = 0
            self._wake.set()
            await asyncio.sleep(1)
        sending.cancel()

    def tap(self) -> None:
        """The child says that they are well."""
        self._taps += 1
        body = {
            "id": str(uuid5(IDS, f"{self.child}:{self._taps}")),
            "said_at": datetime.now(UTC).isoformat(),
            "mood": self.dice.randint(1, 5),
        }
        self.outbox.append(body)
        self.history.add("said", child=self.child, id=body["id"])
        self._failures = 0
        self._wake.set()

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.outbox:
                wait = await self._flush()
                if wait is None:
                    break
                try:
                    # The next tap, or the next sign that it might work.
                    await asyncio.wait_for(self._wake.wait(), wait)
                    self._wake.clear()
                except TimeoutError:
                    continue

    async def _flush(self) -> float | None:
        """Send in order; the seconds until the next try where it stopped."""
        while self.outbox:
            status, answer, retry_after = await self._try(self.outbox[0])
            if status in (200, 201) or _is_refused(status, answer):
                body = self.outbox.popleft()
                if status in (200, 201):
                    self.confirmed.append((body, answer["received_at"]))
                self._failures = 0
                continue
            wait = min(LONGEST_WAIT_S, 2 * 2 ** min(self._failures, 8))
            self._failures += 1
            return max(wait * (0.75 + self.dice.random() / 2), retry_after)
        return None

    async def hand_in_again(self) -> int:
        """The server shows another epoch: send again what it confirmed from then on, under the same
        ids. Returns how many."""
        head = {"authorization": f"Bearer {self.token}"}
        async with self.client.get(f"{self.url}/api/v1/me", headers=head) as response:
            since = datetime.fromisoformat((await response.json())["epoch"]["from_at"])
        lost = [
            (body, at)
            for body, at in self.confirmed
            if datetime.fromisoformat(at) >= since - MARGIN
        ]
        for body, at in lost:
            self.outbox.append(body | {"confirmed_at": at})
        for _ in range(10):
            wait = await self._flush()
            if wait is None:
                return len(lost)
            await asyncio.sleep(wait)
        raise TimeoutError("the server did not take all of it")

    async def _try(self, body: dict[str, Any]) -> tuple[int, Any, float]:
        self.history.add("sent", child=self.child, id=body["id"])
        status, answer, retry_after = 0, None, 0.0
        try:
            async with self.client.post(
                f"{self.url}/api/v1/check-ins",
                json=body,
                headers={"authorization": f"Bearer {self.token}"},
                timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
            ) as response:
                text = await response.text()
                status = response.status
                answer = json.loads(text) if "json" in response.content_type else text[:200]
                retry_after = float(response.headers.get("retry-after", 0))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
            # An answer that was cut off is none.
            status, answer = 0, type(fault).__name__
        self.history.add(
            "answered", child=self.child, id=body["id"], status=status, answer=answer
        )  # fmt: skip
        return status, answer, retry_after


def _is_refused(status: int, answer: Any) -> bool:
    """Whether the server will never take it, by the phone's own rules."""
    if status == 0 or status >= 500 or status in (401, 408, 425, 429):
        return False
    code = answer.get("code") if isinstance(answer, dict) else None
    return status != 409 or code in FOR_GOOD
