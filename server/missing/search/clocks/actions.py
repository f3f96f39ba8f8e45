"""The clocks of an episode as dues: set, moved and ended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.audit.actions import Actor
from server.clock import known_zone
from server.missing.search import rules
from server.missing.search.models import ClocksVersion, Episode
from server.missing.search.rules import Clock, Clocks
from server.people.models import Child
from server.tasks import actions as dues
from server.tasks.models import Task
from server.tasks.rules import OF_AN_EPISODE, Ending, Kind, Setting
from server.tasks.rules import State as DueState
from server.watch.models import Watch


async def clocks_of(agency_id: UUID, version: int | None = None) -> tuple[Clocks, int]:
    """The agency's clocks, or those of one version; the default ones where it has set none."""
    held = ClocksVersion.filter(agency_id=agency_id).order_by("-version")
    row = await (held if version is None else held.filter(version=version)).first()
    return (rules.DEFAULT, 0) if row is None else (as_clocks(row.clocks), row.version)


async def lines_of(agency_id: UUID) -> tuple[str, str]:
    """The telephone lines for a missing child of this agency, to talk and as a missing child.
    Always the present ones, also for a search that began before they were set."""
    lines = (await clocks_of(agency_id))[0].lines
    return lines.talk, lines.away


def as_clocks(data: Mapping[str, Any]) -> Clocks:
    """Clocks as they are stored: seconds by name."""
    return msgspec.convert(data, Clocks, strict=False)


def as_data(clocks: Clocks) -> dict[str, Any]:
    """Seconds by name, the reverse of `as_clocks`."""
    seconds_by_name: dict[str, Any] = msgspec.to_builtins(clocks)
    return seconds_by_name


async def open_of(episode_id: UUID) -> dict[Kind, Task]:
    """The clocks that run, by kind."""
    open_dues = Task.filter(subject_id=episode_id, state=DueState.OPEN).order_by("due_at", "id")
    return {Kind(due.kind): due for due in await open_dues if due.kind in OF_AN_EPISODE}


async def zone_of_child(child_id: UUID) -> ZoneInfo:
    """The zone of the child's clock."""
    watch = await Watch.get_or_none(child_id=child_id)
    return known_zone(watch.zone if watch is not None else "UTC")


class ClockChange(msgspec.Struct, frozen=True):
    """Clocks to end (they are done), to drop (no longer needed) and to start, and the entry that
    they follow from."""

    ends: Collection[Kind] = ()
    drops: Collection[Kind] = ()
    sets: Sequence[Clock] = ()
    by: UUID | None = None


async def move(
    actor: Actor, episode: Episode, change: ClockChange, now: datetime
) -> frozenset[Kind]:
    """Change the clocks in the caller's transaction. Returns the kinds that run then."""
    held = await open_of(episode.id)
    endings = [
        *(
            (held[kind], Ending(DueState.DONE, "done", change.by))
            for kind in change.ends
            if kind in held
        ),
        *(
            (held[kind], Ending(DueState.DROPPED, "found", change.by))
            for kind in change.drops
            if kind in held
        ),
    ]
    child, zone = await Child.get(id=episode.child_id), await zone_of_child(episode.child_id)
    settings = [
        Setting(
            kind=clock.what,
            subject_id=episode.id,
            owner_id=None,
            owner_role=clock.owner.value,
            due_at=clock.due_at,
            zone=zone.key,
            since_id=change.by,
        )
        for clock in change.sets
    ]
    await dues.settle_and_set(actor, child, endings, settings, now)
    return frozenset(await open_of(episode.id))
