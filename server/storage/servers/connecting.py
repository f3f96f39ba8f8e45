"""A connection to the server that takes writes, out of all that the address names.

The driver tries several hosts one after the other, all within one time limit: a host that has
vanished without a word uses all of it, and the next one is never tried. So we ask all at once, and
take the first that is what we look for.
"""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any, cast

import asyncpg
import msgspec

# For one host: to connect, to sign in, and to say whether it takes writes.
CONNECT_S = 3.0
# The host that was right the last time is asked this much earlier than the others.
HEAD_START_S = 0.3
# A connection on which nothing comes back is over after 8 seconds: the system's own limits are two
# hours where we only listen, and a quarter of an hour where we have sent something.
_LINE = {
    "TCP_KEEPIDLE": 3,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 8000,
}
# What a connection of its own takes from the credentials of the pool.
_OWN = {
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl",
    "timeout",
    "server_settings",
    "target_session_attrs",
}


class NoServer(OSError):
    """None of the servers can be reached, or none of them is what we look for."""


class Place(msgspec.Struct, frozen=True):
    """One server of those that the address names."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def places_of(credentials: Mapping[str, Any]) -> list[Place]:
    """All servers that these credentials name."""
    hosts, ports = credentials.get("host"), credentials.get("port")
    hosts = hosts if isinstance(hosts, list) else [hosts]
    ports = ports if isinstance(ports, list) else [ports] * len(hosts)
    return [Place(host, port) for host, port in zip(hosts, ports, strict=True)]


async def connect(credentials: Mapping[str, Any], **more: Any) -> asyncpg.Connection:
    """A connection apart from any pool. Raises OSError and the errors of the driver."""
    how = {name: credentials[name] for name in _OWN & credentials.keys()} | more
    return (await connect_to_one(places_of(how), how))[0]


async def connect_to_one(
    places: Sequence[Place], how: Mapping[str, Any], *, first: Place | None = None
) -> tuple[asyncpg.Connection, Place]:
    """Connect to the first of these that answers and is what `how` looks for; `first` is asked
    before the others. `how` is what the driver takes."""
    if len(places) == 1:
        return await connect_there(places[0], how), places[0]
    asked = [
        asyncio.create_task(_in_turn(place, how, 0 if first in (None, place) else HEAD_START_S))
        for place in places
    ]
    waiting, soonest = set(asked), None
    try:
        while waiting and soonest is None:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            soonest = next((task for task in done if task.exception() is None), None)
    finally:
        for task in asked:
            if task is not soonest:
                task.cancel()
                task.add_done_callback(_hang_up)
    if soonest is None:
        raise _why(asked)
    return soonest.result()


async def _in_turn(
    place: Place, how: Mapping[str, Any], after_s: float
) -> tuple[asyncpg.Connection, Place]:
    await asyncio.sleep(after_s)
    return await connect_there(place, how), place


def _hang_up(task: asyncio.Task[tuple[asyncpg.Connection, Place]]) -> None:
    """End the connection of one that came second."""
    if not task.cancelled() and task.exception() is None:
        task.result()[0].terminate()


def _why(asked: Sequence[asyncio.Task[Any]]) -> Exception:
    """The fault that says most: a wrong password more than a host that is away."""
    faults = [fault for task in asked if (fault := task.exception()) is not None]
    for fault in faults:
        # The second kind is a fault of the settings, such as a root certificate that is not there.
        if isinstance(fault, asyncpg.PostgresError | asyncpg.InterfaceError):
            return cast(Exception, fault)
    return NoServer("; ".join(type(fault).__name__ for fault in faults))


async def connect_there(place: Place, how: Mapping[str, Any]) -> asyncpg.Connection:
    """Connect to this server, if it is what `how` looks for."""
    to = {"timeout": CONNECT_S} | dict(how) | {"host": place.host, "port": place.port}
    try:
        connection = await asyncpg.connect(**to)
    except asyncpg.TargetServerAttributeNotMatched as fault:
        raise NoServer("it takes no writes") from fault
    _limit_silence(connection)
    return connection


def _limit_silence(connection: asyncpg.Connection) -> None:
    """Let the system end the connection soon after its host has vanished. Every statement has a
    limit besides (suspecting.py); this one is for connections that only listen, or lie idle."""
    line = connection._transport.get_extra_info("socket")
    if line is None or line.family not in (socket.AF_INET, socket.AF_INET6):
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _LINE.items():
        # Not every system has them all.
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
