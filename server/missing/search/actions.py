"""What people enter into an episode, and what each entry changes in its clocks and its stage."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from server.alerts.actions import hold_search
from server.audit.actions import Actor
from server.errors import Conflict, IdReused, NotFound, Refused
from server.i18n import N_
from server.missing.search import entry_kinds, rules
from server.missing.search.clocks.actions import clocks_of, move, open_of, zone_of_child
from server.missing.search.clocks.effects import Standing, follow
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import ends as handover_ends
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import TOPIC
from server.missing.search.rules import Clock, Facts, Stage
from server.missing.search.timeline import append
from server.missing.search.together.reading import linked
from server.storage.db import swapped, write
from server.tasks.rules import Kind
from server.watch.writing import lock
from server.web.live import announce

# Clocks of phones differ; a time later than this is in the future.
EARLY = timedelta(minutes=5)


async def enter(
    actor: Actor,
    episode_id: UUID,
    act: Act,
    *,
    id: UUID,
    at: datetime | None,
    words: str | None,
    details: Mapping[str, str],
    now: datetime,
    also: Collection[UUID] = (),
) -> TimelineEntry:
    """Record one entry: what was done or learned, and when. The same id again is the same entry.
    `also`: other episodes, of children missing together with this one; the entry goes into their
    timelines as well.

    Raises NotFound, Refused (naming the field), IdReused, Conflict `not_yet` for an entry that
    belongs to the time after the return, and `apart` where a person has said that the children are
    not together.
    """
    clean, when = entry_kinds.read(act, details, words), at or now
    if when > now + EARLY:
        raise Refused(N_("This time is in the future."), field="at")
    if also and act not in entry_kinds.SHARED:
        raise Refused(N_("Log this for one child only."), field="also")
    said_id = id if also else None
    async with write():
        episode, *others = await locked_all([episode_id, *also])
        existing = await TimelineEntry.get_or_none(id=id)
        if existing is not None:
            if (
                existing.episode_id,
                existing.what,
                existing.words,
                existing.details,
                existing.about_id,
            ) != (
                episode.id,
                act.value,
                words,
                clean,
                said_id,
            ):
                raise IdReused("This ID already exists, with different content.")
            return existing
        if not entry_kinds.ENTRIES[act].is_search and episode.is_open:
            raise Conflict(
                N_("You can log this after the return. First log that the child was found."),
                code="not_yet",
            )
        if not {other_episode.id for other_episode in others} <= {
            linked_episode.id for linked_episode in await linked(episode.id)
        }:
            raise Conflict(
                N_("They are now marked as not missing together. Check again."),
                code="apart",
            )
        at = min(when, now)
        line = await append(
            actor,
            episode,
            act.value,
            id=id,
            at=at,
            now=now,
            words=words,
            details=clean,
            about=said_id,
        )
        await _follow(actor, episode, act, clean, line.id, now)
        for other in others:
            await _enter_too(actor, other, act, line, now)
    return line


async def _enter_too(
    actor: Actor, other: Episode, act: Act, original: TimelineEntry, now: datetime
) -> None:
    """The same entry in the timeline of another child: a line of its own, sealed there."""
    details = {
        name: value
        for name, value in original.details.items()
        if name not in entry_kinds.OF_ONE_CHILD
    }
    line = await append(
        actor,
        other,
        act.value,
        id=uuid5(original.id, str(other.id)),
        at=original.at,
        now=now,
        words=original.words,
        details=details,
        about=original.id,
    )
    await _follow(actor, other, act, details, line.id, now)


async def locked(episode_id: UUID) -> Episode:
    """The episode in its latest version, locked: no other transaction writes it until this one
    ends."""
    [episode] = await locked_all([episode_id])
    return episode


async def locked_all(ids: Sequence[UUID]) -> list[Episode]:
    """These episodes, each once, in the order given. All code locks their children in one order, so
    that no two transactions wait for each other."""
    wanted = list(dict.fromkeys(ids))
    held = {episode.id: episode for episode in await Episode.filter(id__in=wanted)}
    if len(held) < len(wanted):
        raise NotFound("This search does not exist.")
    for child_id in sorted({episode.child_id for episode in held.values()}):
        await lock(child_id)
    now = {episode.id: episode for episode in await Episode.filter(id__in=wanted)}
    return [now[id_] for id_ in wanted]


async def _follow(
    actor: Actor, episode: Episode, act: Act, details: Mapping[str, str], by: UUID, now: datetime
) -> None:
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    held = await open_of(episode.id)
    standing = Standing(
        tier=episode.tier,
        opened_at=episode.opened_at,
        is_open=episode.is_open,
        is_reported=episode.reported_at is not None,
        flags=frozenset(episode.flags),
        running={kind: due.due_at for kind, due in held.items()},
        zone=await zone_of_child(episode.child_id),
    )
    effect = follow(act, details, standing, clocks, now)
    changed: dict[str, object] = {}
    if effect.flag is not None:
        changed["flags"] = [*episode.flags, effect.flag.value]
    if effect.decides:
        changed["decided_at"] = episode.decided_at or now
    if effect.reports:
        changed["reported_at"] = episode.reported_at or now
        if episode.is_open:  # An entry about an earlier time.
            await hold_search(actor, episode.child_id, clocks.holds, now)
    ends, sets = effect.ends, effect.sets
    await apply(actor, episode, ends=ends, sets=sets, changed=changed, by=by, now=now)
    if act is Act.HANDOVER:
        await handover_ends.noted(actor, episode.id, by, now)


async def apply(
    actor: Actor,
    episode: Episode,
    *,
    ends: set[Kind],
    sets: list[Clock],
    changed: Mapping[str, object],
    by: UUID,
    now: datetime,
    drops: frozenset[Kind] = frozenset(),
) -> None:
    """Move the clocks, and the stage with them, in the caller's transaction."""
    running = await move(actor, episode, ends=ends, drops=drops, sets=sets, by=by, now=now)
    values = {**changed}
    reported = values.get("reported_at", episode.reported_at)
    is_found = values.get("found_at", episode.found_at) is not None
    facts = Facts(
        is_reported=reported is not None,
        is_searched=episode.reported_at is not None,
        is_found=is_found,
        open=running,
    )
    stage = rules.stage(facts)
    values["stage"] = stage.value
    if stage is Stage.FOLLOWED_UP and episode.followed_up_at is None:
        values["followed_up_at"] = now
    same = Episode.filter(id=episode.id, version=episode.version)
    swapped(await same.update(**values, version=episode.version + 1))
    await announce(episode.agency_id, TOPIC)
