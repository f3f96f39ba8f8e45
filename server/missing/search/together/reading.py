"""Who is missing together: what people have said, and what we may ask them. Reads rows, and writes
none.

The code links no children by itself. Two who are away in one night need not be with each other, and
a line of a timeline is never taken away; so we offer the link, and a person confirms it with one
tap.
"""

from collections.abc import Iterable
from uuid import UUID

from tortoise.expressions import Q

from server.missing.search import rules
from server.missing.search.clocks.actions import clocks_of
from server.missing.search.models import Episode, MissingTogether
from server.missing.search.rules import Away
from server.people.models import Child


def ordered(first: UUID, other: UUID) -> tuple[UUID, UUID]:
    """The pair as its row has it."""
    return (first, other) if first < other else (other, first)


async def links_of(episode_id: UUID) -> list[MissingTogether]:
    """The links of this episode."""
    held = MissingTogether.filter(Q(episode_id=episode_id) | Q(other_id=episode_id))
    return await held.filter(ended_at__isnull=True).order_by("made_at", "id")


async def linked(episode_id: UUID) -> list[Episode]:
    """The episodes of those who are missing together with this child, or were, in the order in
    which people said so."""
    ids = [_other(row, episode_id) for row in await links_of(episode_id)]
    episodes_by_id = {episode.id: episode for episode in await Episode.filter(id__in=ids)}
    return [episodes_by_id[id_] for id_ in ids]


def _other(row: MissingTogether, episode_id: UUID) -> UUID:
    return row.other_id if row.episode_id == episode_id else row.episode_id


async def offered(episode: Episode) -> list[Episode]:
    """We ask about these children: are they missing together with this child? Only while one of
    the two is looked for."""
    clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
    lately = Q(opened_at__gte=episode.opened_at - clocks.together)
    others = Episode.filter(
        Q(found_at__isnull=True) | lately & Q(opened_at__lte=episode.opened_at + clocks.together),
        agency_id=episode.agency_id,
    ).exclude(child_id=episode.child_id)
    candidates = await others.order_by("opened_at", "id")
    homes = await homes_of([episode, *candidates])
    home, held = (
        homes[episode.id],
        {linked_episode.id for linked_episode in await linked(episode.id)},
    )
    return [
        candidate
        for candidate in candidates
        if home is not None
        and homes[candidate.id] == home
        and candidate.id not in held
        and (episode.is_open or candidate.is_open)
        and rules.may_be_together(away(episode), away(candidate), clocks.together)
    ]


def away(episode: Episode) -> Away:
    """What the rule needs of it."""
    return Away(episode.opened_at, episode.is_open)


async def homes_of(episodes: Iterable[Episode]) -> dict[UUID, UUID | None]:
    """Where each child lived when they left. An older episode does not say: there, where they live
    now."""
    held = list(episodes)
    silent = {episode.child_id for episode in held if episode.home_id is None}
    now = {child.id: child.home_id for child in await Child.filter(id__in=list(silent))}
    return {episode.id: episode.home_id or now.get(episode.child_id) for episode in held}
