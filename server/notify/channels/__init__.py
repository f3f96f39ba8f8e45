"""The only code that talks to the outside: one file per channel, one verb, `send`.

A channel turns an Envelope into an Outcome and never raises for what happens at the other side: a
service that hangs, refuses or answers nonsense is an Outcome like any other. It writes nothing down
and logs nothing, because an address is personal data.
"""

from typing import Protocol

from server.notify.rules import Envelope, Outcome


class Channel(Protocol):
    """One way to reach people. Opened and closed once, by the program that uses it."""

    async def open(self) -> None:
        """Open what lives as long as the process: connections, threads."""

    async def close(self) -> None:
        """Close it."""

    async def send(self, envelope: Envelope) -> Outcome:
        """Try once, within a bounded time, and return the outcome."""
        raise NotImplementedError
