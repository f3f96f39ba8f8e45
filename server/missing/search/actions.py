"""What people enter into an episode, and what each entry changes in its clocks and its stage."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5

import msgspec

from server.alerts.actions import hold_search
from server.alerts.models import Alert, Attempt
from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.missing.search import entry_kinds, rules
from server.missing.search.attempt_lines import carry
from server.missing.search.clocks.actions import (
    ClockChange,
    clocks_of,
    move,
    open_of,
    zone_of_child,
)
from server.missing.search.clocks.effects import Standing, follow
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import ends as handover_ends
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import TOPIC, open_of_child
from server.missing.search.rules import Facts, Stage
from server.missing.search.timeline import NewEntry, append
from server.missing.search.together.reading import linked
from server.missing.search.wording import way_to_found
from server.people.events import Happening
from server.storage.db import swapped, write
from server.watch.wire import Moment, Words
from server.watch.writing import lock
from server.web.live import announce

# Clocks of phones differ; a time later than this is in the future.
EARLY = timedelta(minutes=5)
Line = Annotated[str, msgspec.Meta(max_length=500)]


class EntryRequest(msgspec.Struct):
    """What was done or learned, for the timeline. `details` by the names of its kind: an `attempt`
    has `how`, `whom`, `result`; a `place` has `where`, `known`, `who`; a `report` has `to`, `way`,
    `who`, `reference`, `level`, `pack`. `also`: other episodes, of children missing together with
    this one, whose timelines get the entry as well; allowed for an attempt, a place, a report, a
    talk or a note."""

    id: UUID
    what: Act
    at: Moment | None = None
    words: Words | None = None
    details: Annotated[dict[str, Line], msgspec.Meta(max_length=12)] = {}
    also: Annotated[list[UUID], msgspec.Meta(max_length=20)] = []


async def enter(
    actor: Actor, episode_id: UUID, entry: EntryRequest, now: datetime
) -> TimelineEntry:
    """Record one entry: what was done or learned, and when. The same id again is the same entry.

    Raises NotFound, Refused (naming the field), IdReused, Conflict `not_yet` for an entry that
    belongs to the time after the return, and `apart` where a person has said that the children are
    not together.
    """
    line = _line_of(entry, now)
    async with write():
        episode, *others = await locked_all([episode_id, *entry.also])
        whose = {"episode_id": episode.id, "what": line.what}
        existing = await first_made(TimelineEntry, entry.id, entry, **whose)
        if existing is not None:
            return existing
        await _check_fits(entry.what, episode, others)
        made = await append(actor, episode, line, now)
        await _follow(actor, episode, entry.what, made, now)
        for other in others:
            await _enter_too(actor, other, entry.what, made, now)
    return made


def _line_of(entry: EntryRequest, now: datetime) -> NewEntry:
    words, when = entry.words or None, entry.at or now
    details = entry_kinds.read(entry.what, entry.details, words)
    if when > now + EARLY:
        raise Refused(N_("This time is in the future."), field="at")
    if entry.also and entry.what not in entry_kinds.SHARED:
        raise Refused(N_("Log this for one child only."), field="also")
    about = entry.id if entry.also else None
    return NewEntry(entry.what.value, min(when, now), words, details, about, entry.id)


async def _check_fits(act: Act, episode: Episode, others: Sequence[Episode]) -> None:
    if not entry_kinds.ENTRIES[act].is_search and episode.is_open:
        raise Conflict(
            N_("You can log this after the return. First log that the child was found."),
            code="not_yet",
            see=way_to_found(episode.id),
        )
    together = {each.id for each in await linked(episode.id)} if others else set()
    if not {other.id for other in others} <= together:
        raise Conflict(
            N_("They are now marked as not missing together. Check again."), code="apart"
        )


async def _enter_too(
    actor: Actor, other: Episode, act: Act, original: TimelineEntry, now: datetime
) -> None:
    """The same entry in the timeline of another child: a line of its own, sealed there."""
    details = {
        name: value
        for name, value in original.details.items()
        if name not in entry_kinds.OF_ONE_CHILD
    }
    entry = NewEntry(
        act.value,
        original.at,
        original.words,
        details,
        about=original.id,
        id=uuid5(original.id, str(other.id)),
    )
    await _follow(actor, other, act, await append(actor, other, entry, now), now)


async def hear(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """An attempt was logged at an alert while a search is open: it is a line there too, unless the
    alert was over before the search began. After the end of the alert, when people who were called
    to it may no longer work on the search, it moves no clock."""
    if what is not Happening.TRIED or (episode := await open_of_child(child_id)) is None:
        return
    attempt = await Attempt.get(id=about)
    closed_at = (await Alert.get(id=attempt.alert_id)).closed_at
    if closed_at is not None and closed_at < episode.opened_at:
        return
    new = await carry(episode, [attempt], now)
    if closed_at is None:
        for line in new:
            await _follow(actor, episode, Act.ATTEMPT, line, now)


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
    actor: Actor, episode: Episode, act: Act, line: TimelineEntry, now: datetime
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
    effect = follow(act, line.details, standing, clocks, now)
    changed: dict[str, object] = {}
    if effect.flag is not None:
        changed["flags"] = [*episode.flags, effect.flag.value]
    if effect.decides:
        changed["decided_at"] = episode.decided_at or now
    if effect.reports:
        changed["reported_at"] = episode.reported_at or now
        if episode.is_open:  # An entry about an earlier time.
            await hold_search(actor, episode.child_id, clocks.holds, now)
    change = ClockChange(ends=effect.ends, sets=effect.sets, by=line.id)
    await apply(actor, episode, change, changed, now)
    if act is Act.HANDOVER:
        await handover_ends.noted(actor, episode.id, line.id, now)


async def apply(
    actor: Actor,
    episode: Episode,
    change: ClockChange,
    changed: Mapping[str, object],
    now: datetime,
) -> None:
    """Move the clocks, and the stage with them, in the caller's transaction."""
    running = await move(actor, episode, change, now)
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
        # The child is locked: of two people who end the last two tasks at once, one comes here.
        values["followed_up_at"] = now
        await append(actor, episode, NewEntry(entry_kinds.FOLLOWED_UP, now), now)
    same = Episode.filter(id=episode.id, version=episode.version)
    swapped(await same.update(**values, version=episode.version + 1))
    await announce(episode.agency_id, TOPIC)
