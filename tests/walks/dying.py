"""A process that dies at a chosen point: started by test_kill.py, and of no other use.

    python -m tests.walks.dying POINT          settings from the environment, the clock is real

The points: `inside_tick` (everything is written and not committed), `after_tick` (an alert is
committed and nothing sent), `before_send` (the attempt is logged and nothing sent), `after_send`
(the push service has it, and nobody has noted so), `never` (one look and one pass, and a good end).
At `paused` it does not die: it has claimed and is about to send when it is stopped, like a machine
that is suspended, and goes on when the test lets it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from server.clock import utcnow
from server.notify.actions import set_last_resorts
from server.notify.channels import Channel
from server.notify.channels.configured import configured
from server.notify.models import Message
from server.notify.rules import Envelope, Outcome
from server.notify.sending.attempts import Attempt
from server.notify.worker import Worker
from server.security import encryption
from server.settings import load
from server.storage.db import close_database, open_database, write
from server.ticker import Ticker


def die() -> None:
    """As a power cut would: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """A channel of the real kind, in which the process dies before or after the send."""

    def __init__(self, real: Channel, point: str) -> None:
        self._real = real
        self._point = point

    async def open(self) -> None:
        await self._real.open()

    async def close(self) -> None:
        await self._real.close()

    async def send(self, envelope: Envelope) -> Outcome:
        if self._point == "before_send":
            die()
        outcome = await self._real.send(envelope)
        if self._point == "after_send":
            die()
        return outcome


class Pausing(Worker):
    """A worker whose process is stopped between its claim and its send."""

    async def _begin(self, messages: Sequence[Message], now: datetime) -> list[Attempt]:
        attempts = await super()._begin(messages, now)
        os.kill(os.getpid(), signal.SIGSTOP)
        return attempts


async def main(point: str) -> None:
    settings = load(dict(os.environ))
    encryption.use(encryption.Keyring(settings.secret_keys))
    set_last_resorts(len(settings.last_resort))
    await open_database(settings.database_url)
    real = configured(settings, utcnow)
    channels: Mapping[str, Channel] = {name: Deadly(one, point) for name, one in real.items()}
    for channel in channels.values():
        await channel.open()
    ticker = Ticker(settings, channels, utcnow)
    if point == "paused":
        ticker.worker.__class__ = Pausing
        await ticker.begin_beating()
    async with write():
        await ticker.tick()
        if point == "inside_tick":
            die()
    if point == "after_tick":
        die()
    while await ticker.worker.run_once():
        pass
    await ticker.stop()
    for channel in channels.values():
        await channel.close()
    await close_database()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
