"""A child who is missing, or came back, goes to another agency: the search goes on there.

Nothing in it starts over. Timeline and clocks stay as they are. From now on, new clocks are those
of the agency that looks for the child, and we ask its rota who has the search.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.audit.actions import SYSTEM, Actor
from server.missing.profile import mark_actions
from server.missing.profile.actions import current
from server.missing.profile.fields import Part
from server.missing.profile.models import PackCarry, PackMark, PackOpening
from server.missing.search import entry_kinds
from server.missing.search.clocks.actions import clocks_of
from server.missing.search.handover import ends as handover_ends
from server.missing.search.models import Episode, MissingTogether, SearchHandover
from server.missing.search.timeline import NewEntry, append
from server.missing.search.together.reading import linked
from server.people.models import Child


async def with_whom(child_id: UUID) -> list[UUID]:
    """The children missing together with this one. To part them, lock all of them."""
    episodes = await Episode.filter(child_id=child_id, found_at__isnull=True)
    child_ids = {other.child_id for episode in episodes for other in await linked(episode.id)}
    return sorted(child_ids)


async def part(actor: Actor, child: Child, now: datetime) -> None:
    """Part the searches, in the transaction that moved the rows. The caller has locked these
    children."""
    held = Episode.filter(child_id=child.id, followed_up_at__isnull=True)
    for episode in await held.order_by("opened_at", "id"):
        await _one(actor, child, episode, now)
    # Copies on the phones of those on duty there, and packs that a reason had opened for them.
    await PackCarry.filter(child_id=child.id, put_down_at__isnull=True).update(put_down_at=now)
    await PackOpening.filter(child_id=child.id, until_at__gt=now).update(until_at=now)
    await _mark_anew(child)


async def _one(actor: Actor, child: Child, episode: Episode, now: datetime) -> None:
    rows = SearchHandover.filter(
        episode_id=episode.id, done_at__isnull=True, dropped_at__isnull=True
    )
    await handover_ends.drop(SYSTEM, await rows, "transfer", now)
    _, version = await clocks_of(child.agency_id)
    await Episode.filter(id=episode.id).update(clocks_version=version, shift_at=None, on_shift=None)
    await append(actor, episode, NewEntry(entry_kinds.MOVED, now), now)
    others = await linked(episode.id)
    await _no_more_together(actor, episode, others, now)


async def _no_more_together(
    actor: Actor, episode: Episode, others: Sequence[Episode], now: datetime
) -> None:
    """Two agencies look for them now; those who look for the other child know where to ask."""
    details = {"with": str(episode.child_id), "episode": str(episode.id)}
    for other in others:
        if other.is_open:
            await append(
                SYSTEM, other, NewEntry(entry_kinds.OTHER_MOVED, now, details=details), now
            )
    held = MissingTogether.filter(Q(episode_id=episode.id) | Q(other_id=episode.id))
    await held.filter(ended_at__isnull=True).update(ended_at=now, ended_by=actor.id)


async def _mark_anew(child: Child) -> None:
    """What packs have in common is searched within one agency: mark this one again."""
    await PackMark.filter(child_id=child.id).delete()
    stands = await current(child.id, Part.BEFORE)
    if stands.number:
        await mark_actions.put(child, stands.number, stands.fields)
