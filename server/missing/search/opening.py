"""A child is missing: a person says so in one step, and everything begins at once."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.audit.actions import Actor
from server.audit.repeats import id_reused
from server.missing.search import entry_kinds, rules
from server.missing.search.attempt_lines import carry_over, looked_in_vain
from server.missing.search.clocks.actions import ClockChange, clocks_of, move
from server.missing.search.models import Alias, Episode, TimelineEntry
from server.missing.search.rules import Flag
from server.missing.search.timeline import NewEntry, append
from server.people.events import Happening
from server.people.models import Child
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch import watch_alerts
from server.watch.models import Watch
from server.watch.writing import lock
from server.web.live import announce

TOPIC = "episode"


class Saying(msgspec.Struct, frozen=True):
    """The report of a person who misses a child. Nothing in it is required."""

    said_at: datetime
    why: str | None = None
    last_seen: Mapping[str, Any] | None = None
    flags: Collection[Flag] = ()
    is_timed: bool = True  # False: the moment of sending counts.

    def content(self) -> str:
        """The text by which we recognise the same request."""
        when = self.said_at.timestamp() if self.is_timed else None
        says = [when, self.why, self.last_seen, sorted(self.flags)]
        text = json.dumps(says, ensure_ascii=False, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


async def open_episode(
    actor: Actor, child_id: UUID, id: UUID, saying: Saying, now: datetime
) -> tuple[Episode, bool]:
    """Say "This child is missing." Everyone is called, and every clock begins; whether it is new.

    The same id again is the same. While one episode is open, another id joins it and stays its
    name: sent again after the return it opens nothing. Raises IdReused.
    """
    content = saying.content()
    async with write():
        await lock(child_id)
        alias = await Alias.get_or_none(id=id).prefetch_related("episode")
        if alias is not None:
            if alias.episode.child_id != child_id or alias.content != content:
                raise id_reused()
            return alias.episode, False
        held = await open_of_child(child_id)
        if held is not None:
            await _join(actor, held, id, saying, now)
        else:
            await _open(actor, child_id, id, saying, now)
            # Adults are called in the same transaction; the listeners to the alert find the episode
            # open.
            alert = await watch_alerts.open_missing(actor, child_id, saying.why, now)
            await Episode.filter(id=id).update(alert_id=alert.id)
        episode = held or await Episode.get(id=id)
        await Alias.create(id=id, episode_id=episode.id, content=content)
    return episode, held is None


async def open_of_child(child_id: UUID) -> Episode | None:
    """The open episode of this child."""
    return await Episode.get_or_none(child_id=child_id, found_at__isnull=True)


async def _join(actor: Actor, held: Episode, id: UUID, saying: Saying, now: datetime) -> None:
    details = {"id": str(id), **_seen(saying)}
    await append(
        actor,
        held,
        NewEntry(entry_kinds.JOINED, _said(saying, now), words=saying.why, details=details),
        now,
    )
    await announce(held.agency_id, TOPIC)


def _said(saying: Saying, now: datetime) -> datetime:
    return min(saying.said_at, now)


def _seen(saying: Saying) -> dict[str, Any]:
    return {"last_seen": dict(saying.last_seen)} if saying.last_seen else {}


async def _open(actor: Actor, child_id: UUID, id: UUID, saying: Saying, now: datetime) -> Episode:
    child = await Child.get(id=child_id).select_related("person")
    clocks, version = await clocks_of(child.agency_id)
    episode = await _first_row(actor, child, id, saying, version, now)
    details = {"flags": episode.flags, **_seen(saying)}
    opened = NewEntry(entry_kinds.OPENED, _said(saying, now), saying.why, details)
    await append(actor, episode, opened, now)
    await carry_over(episode, now)
    is_third = await _lately(child_id, now) >= rules.PATTERN
    has_flags = bool(episode.flags)
    sets = rules.opened(clocks, episode.tier, now, has_flags=has_flags, is_third=is_third)
    await move(actor, episode, ClockChange(sets=sets), now)
    await announce(child.agency_id, TOPIC)
    return episode


async def _first_row(
    actor: Actor, child: Child, id: UUID, saying: Saying, version: int, now: datetime
) -> Episode:
    watch = await Watch.get_or_none(child_id=child.id)
    flags = rules.flags_of(
        saying.flags,
        born_on=child.birthday,
        placed_at=child.placed_at,
        has_concern=await _has_concern(child.id),
        now=now,
    )
    return await Episode.create(
        id=id,
        agency_id=child.agency_id,
        child_id=child.id,
        home_id=child.home_id,
        opened_at=now,
        said_at=saying.said_at,
        opened_by=actor.id,
        opened_role=actor.role,
        why=saying.why,
        last_seen=dict(saying.last_seen) if saying.last_seen else None,
        tier=watch.tier if watch is not None else "high",
        clocks_version=version,
        flags=[flag.value for flag in flags],
        hand_at=now,
    )


async def _lately(child_id: UUID, now: datetime) -> int:
    """How often the child was missing within the days that make a pattern, this time included."""
    return await Episode.filter(child_id=child_id, opened_at__gt=now - rules.WITHIN).count()


async def _has_concern(child_id: UUID) -> bool:
    return await Alert.exists(child_id=child_id, cause=Cause.CONCERN, closed_at__isnull=True)


# --- events in rooms below


async def hear(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """Handle an alert that says a child is missing, a sign of life from a missing child, or that a
    person could not find them."""
    if what is Happening.MISSING:
        await _called(actor, child_id, about, now)
    elif what is Happening.SIGN_OF_LIFE:
        await _sign_of_life(actor, child_id, about, at, now)
    elif what is Happening.NOT_FOUND and about is not None:
        held = await open_of_child(child_id)
        if held is not None and await looked_in_vain(held, about, now):
            await announce(held.agency_id, TOPIC)


async def _called(actor: Actor, child_id: UUID, alert_id: UUID | None, now: datetime) -> None:
    """In whatever way a person says that a child is missing, it becomes an episode."""
    held = await open_of_child(child_id)
    if held is None:
        alert = await Alert.get_or_none(id=alert_id)
        saying = Saying(now, alert.words if alert is not None else None)
        held = await _open(actor, child_id, uuid7(), saying, now)
        await Alias.create(id=held.id, episode_id=held.id, content=saying.content())
    if held.alert_id is None:
        await Episode.filter(id=held.id).update(alert_id=alert_id)


async def _sign_of_life(
    actor: Actor, child_id: UUID, about: UUID | None, at: datetime, now: datetime
) -> None:
    """Put the sign into the timeline, once; it ends nothing. A sign from before the search is
    ignored."""
    held = await open_of_child(child_id)
    if (
        held is None
        or at < held.opened_at
        or await TimelineEntry.exists(episode_id=held.id, about_id=about)
    ):
        return
    await append(actor, held, NewEntry(entry_kinds.SIGN_OF_LIFE, at, about=about), now)
    await announce(held.agency_id, TOPIC)
