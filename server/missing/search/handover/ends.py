"""What ends a person's part in a search handover. The caller has locked the child."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor
from server.missing.search.models import SearchHandover
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import OF_A_SHIFT, Ending
from server.tasks.rules import State as DueState

OUT, IN = "out", "in"


async def noted(actor: Actor, episode_id: UUID, line_id: UUID, now: datetime) -> None:
    """A person who leaves has written the note. Where several leave at that moment, one note is
    enough."""
    held = SearchHandover.filter(episode_id=episode_id, part=OUT, done_at__isnull=True)
    rows = await held.filter(dropped_at__isnull=True)
    moments = {row.at for row in rows if row.person_id == actor.id}
    await _done(actor, [row for row in rows if row.at in moments], line_id, now)


async def read(actor: Actor, row: SearchHandover, line_id: UUID, now: datetime) -> None:
    """A person who has the search now has read its state. We ask none of the others who came at
    that moment any longer, but each of them may still confirm."""
    await _done(actor, [row], line_id, now)
    held = SearchHandover.filter(
        episode_id=row.episode_id, part=IN, at=row.at, done_at__isnull=True
    )
    await drop(actor, await held.filter(dropped_at__isnull=True), "read", now)


async def over(actor: Actor, episode_id: UUID, now: datetime) -> None:
    """The child was seen: there is nothing to pass on."""
    held = SearchHandover.filter(
        episode_id=episode_id, done_at__isnull=True, dropped_at__isnull=True
    )
    await drop(actor, await held, "found", now)


async def drop(actor: Actor, rows: Sequence[SearchHandover], why: str, now: datetime) -> None:
    """We no longer ask these people."""
    ids = [row.id for row in rows]
    if ids:
        await SearchHandover.filter(id__in=ids).update(dropped_at=now)
        await _settle(actor, ids, Ending(DueState.DROPPED, why), now)


async def _done(actor: Actor, rows: Sequence[SearchHandover], line_id: UUID, now: datetime) -> None:
    ids = [row.id for row in rows]
    if ids:
        await SearchHandover.filter(id__in=ids).update(done_at=now, line_id=line_id)
        await _settle(actor, ids, Ending(DueState.DONE, "done", line_id), now)


async def _settle(actor: Actor, ids: Sequence[UUID], ending: Ending, now: datetime) -> None:
    held = Task.filter(subject_id__in=list(ids), kind__in=list(OF_A_SHIFT), state=DueState.OPEN)
    await dues.settle(actor, [(due, ending) for due in await held], now)
