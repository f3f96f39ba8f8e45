"""Freeing the claims of a dead process, so that its messages go out within seconds of its death.

A claim is a lease of a minute (worker.py). A process that sends also has a row that it counts up; a
process that sees another's number stop takes its claims back. A process that was only paused finds
them gone when it goes on, and sends none of them: the worker asks before each send.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from server import logs
from server.clock import monotonic
from server.notify.heartbeats import AT_ONCE_S, EVERY_S, Look, look
from server.notify.models import Message, Process
from server.storage.db import dialect, fetch, write
from server.storage.engines.beating import Beating

log = logs.get("notify")

Seconds = Callable[[], float]

_FREE = """
UPDATE message SET next_action_at = $2, lease_until = NULL, leased_by = NULL WHERE leased_by = $1
AND id IN (SELECT id FROM message WHERE next_action_at IS NOT NULL AND state = 'sending'
AND leased_by = $1 ORDER BY id {lock}) RETURNING id
"""


def beating(url: str, name: str) -> Beating:
    """The heartbeat of the process that claims under this name."""
    id_ = UUID(name)  # Nothing else gets into the statement.
    return Beating(url, lambda number: _beat(id_, number), every_s=EVERY_S)


def _beat(id_: UUID, number: int) -> str:
    return (
        f"INSERT INTO process (id, beats) VALUES ('{id_}', {number})"  # noqa: S608 (our own id)
        " ON CONFLICT (id) DO UPDATE SET beats = excluded.beats"
    )


async def free_dead(
    own: str, before: Look | None, now: datetime, *, seconds: Seconds = monotonic
) -> Look | None:
    """Look once, and free the claims of processes that have died; returns what the next look needs.

    None where this look allows no conclusion: the next one starts again.
    """
    rows = await Process.exclude(id=own).values_list("id", "beats")
    latest = look(before, dict(rows), seconds())
    if not latest.silent:
        return latest
    began = seconds()
    async with write():
        if seconds() - began > AT_ONCE_S:
            return None
        for name, beats in latest.silent.items():
            await _free(name, beats, now)
    return latest


async def _free(name: str, beats: int, now: datetime) -> None:
    """Only if it has not counted on in this very moment."""
    dead = await fetch(
        "DELETE FROM process WHERE id = $1 AND beats = $2 RETURNING id", [name, beats]
    )
    if not dead:
        return
    lock = "FOR NO KEY UPDATE" if dialect() == "postgres" else ""
    freed = await fetch(_FREE.format(lock=lock), [name, now])
    log.warning("worker.process_died", freed=len(freed))


async def leave(own: str) -> None:
    """This process ends normally: its row goes, unless it still has claims that others must free
    once it stops beating."""
    async with write():
        if not await Message.filter(
            leased_by=own, state="sending", next_action_at__isnull=False
        ).exists():
            await Process.filter(id=own).delete()
