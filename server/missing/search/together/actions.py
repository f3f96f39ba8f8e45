"""A person says who is missing together, or that they are not; and when one of them is seen, those
who look for the others are told."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import SYSTEM, Actor
from server.errors import Conflict, NotFound
from server.i18n import N_
from server.missing.search import entry_kinds, rules
from server.missing.search.actions import apply, locked_all
from server.missing.search.clocks.actions import ClockChange, clocks_of, open_of
from server.missing.search.models import Episode, MissingTogether, TimelineEntry
from server.missing.search.timeline import NewEntry, append
from server.missing.search.together.reading import away, homes_of, linked, ordered
from server.storage.db import write
from server.tasks.rules import Kind
from server.watch.models import Watch
from server.watch.writing import lock


async def link(actor: Actor, episode_id: UUID, other_id: UUID, now: datetime) -> bool:
    """They are missing together; whether that is new. Both keep their own clocks, timeline and end.

    Raises NotFound for an episode of another agency, and Conflict `not_together` where we would not
    ask: another home, or a search that was over before the other began.
    """
    async with write():
        first, second = await locked_all([episode_id, other_id])
        if first.agency_id != second.agency_id or first.child_id == second.child_id:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if await _held(first, second) is not None:
            return False
        if not await _fits(first, second):
            raise Conflict(
                N_(
                    "These two are from different homes, or their searches do not overlap."
                    " Write a note instead."
                ),
                code="not_together",
            )
        first_id, other = ordered(first.id, second.id)
        row = await MissingTogether.create(
            agency_id=first.agency_id,
            episode_id=first_id,
            other_id=other,
            made_at=now,
            made_by=actor.id,
        )
        await _say(actor, entry_kinds.TOGETHER, first, second, row.id, now)
    return True


async def unlink(actor: Actor, episode_id: UUID, other_id: UUID, now: datetime) -> bool:
    """They are not missing together after all; whether that is new. Entries made for both stay in
    both."""
    async with write():
        first, second = await locked_all([episode_id, other_id])
        row = await _held(first, second)
        if row is None:
            return False
        await MissingTogether.filter(id=row.id).update(ended_at=now, ended_by=actor.id)
        await _say(actor, entry_kinds.APART, first, second, row.id, now)
    return True


async def _held(episode: Episode, other: Episode) -> MissingTogether | None:
    first, second = ordered(episode.id, other.id)
    return await MissingTogether.get_or_none(
        episode_id=first, other_id=second, ended_at__isnull=True
    )


async def _fits(episode: Episode, other: Episode) -> bool:
    homes = await homes_of([episode, other])
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    is_one_home = homes[episode.id] is not None and homes[episode.id] == homes[other.id]
    return is_one_home and rules.may_be_together(away(episode), away(other), clocks.together)


async def _say(
    actor: Actor, what: str, episode: Episode, other: Episode, about: UUID, now: datetime
) -> None:
    for here, there in ((episode, other), (other, episode)):
        details = {"with": str(there.child_id), "episode": str(there.id)}
        await append(actor, here, NewEntry(what, now, details=details, about=about), now)


# --- one of them is seen


async def tell(episode: Episode, line_id: UUID, now: datetime, *, waits: bool) -> None:
    """A child was seen: in the searches for those who were missing with them, asking that child
    becomes a task that is due now. Twice counts once.

    `waits`: in a transaction of its own. Otherwise in the transaction of the finding, which has
    locked another child: two children found at one moment would wait for each other, so a locked
    one is left out.
    """
    for other in await linked(episode.id):
        if not other.is_open:
            continue
        if waits:
            async with write():
                await lock(other.child_id)
                await _tell_one(episode, other.id, line_id, now)
        elif await _is_free(other.child_id):
            await _tell_one(episode, other.id, line_id, now)


async def _is_free(child_id: UUID) -> bool:
    held = Watch.filter(child_id=child_id).select_for_update(skip_locked=True)
    return await held.first() is not None


async def _tell_one(episode: Episode, other_id: UUID, line_id: UUID, now: datetime) -> None:
    other = await Episode.get(id=other_id)
    if not other.is_open or await TimelineEntry.exists(episode_id=other.id, about_id=line_id):
        return
    details = {"with": str(episode.child_id), "episode": str(episode.id)}
    line = await append(
        SYSTEM, other, NewEntry(entry_kinds.OTHER_SEEN, now, details=details, about=line_id), now
    )
    held = (await open_of(other.id)).get(Kind.KEEP_TRYING)
    if held is None or held.due_at > now:
        sets = [rules.clock(Kind.KEEP_TRYING, now)]
        await apply(SYSTEM, other, ClockChange(sets=sets, by=line.id), {}, now)
