"""An episode over the wire, as much as the reader may see."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.missing.search.models import Episode
from server.missing.search.paths import others_for
from server.missing.search.rules import Stage
from server.missing.search.together.reading import linked, offered
from server.missing.search.view import Reader, Told, View, Who, names_of, others_in, view
from server.people.access import Roles, may_read, now_of, visitor_of
from server.people.rules import Action, may
from server.tasks.ways import way_for
from server.web.responses import json_answer


class OtherOut(msgspec.Struct):
    """Another child: missing together with this one, or perhaps. Ids and name are there for readers
    who may see that child."""

    episode_id: UUID | None
    child_id: UUID | None
    name: str | None
    is_open: bool
    opened_at: datetime


class OwnerOut(msgspec.Struct):
    """Whose turn it is: the role, and who that is now."""

    role: str
    people: list[dict[str, Any]]


class ClockOut(msgspec.Struct):
    """A step that must happen by a time. `href`: the page of the desk on which the
    reader can do it, if they may."""

    what: str
    due_at: datetime
    is_over: bool
    owner: OwnerOut
    href: str | None


class WhoOut(msgspec.Struct):
    """The person who entered it; without a name it was Waymark itself."""

    id: UUID | None
    name: str | None
    role: str


class LineOut(msgspec.Struct):
    """One line of the timeline: when it happened, when it was entered, what, and who entered it."""

    id: UUID
    at: datetime
    received_at: datetime
    what: str
    who: WhoOut
    words: str | None
    details: dict[str, Any]
    about_id: UUID | None


class FoundOut(msgspec.Struct):
    """When and where a person saw the child, who that was, and how the child was."""

    at: datetime | None
    where: str | None
    by: str | None
    condition: str | None


class EpisodeOut(msgspec.Struct):
    """One time of being missing, as much as the reader may see."""

    id: UUID
    child_id: UUID
    stage: Stage
    opened_at: datetime
    said_at: datetime
    why: str | None
    last_seen: dict[str, Any] | None
    flags: list[str]
    decided_at: datetime | None
    reported_at: datetime | None
    found_at: datetime | None
    found: FoundOut | None
    followed_up_at: datetime | None
    clocks: list[ClockOut]
    timeline: list[LineOut]
    together: list[OtherOut]
    together_offered: list[OtherOut]  # Of one home and time: a person confirms it.


class BegunOut(msgspec.Struct):
    """That the child is looked for, and how far that is, for a person who may not read of it."""

    id: UUID
    stage: Stage
    opened_at: datetime


WRITTEN = (EpisodeOut, BegunOut)


class EpisodesOut(msgspec.Struct):
    """Every time the child was missing, the newest first."""

    episodes: list[EpisodeOut]


async def one_out(request: Request, episode: Episode, roles: Roles) -> EpisodeOut:
    """One episode."""
    return (await outs(request, [episode], roles))[0]


async def answer(request: Request, episode: Episode, *, status: int = 200) -> Response:
    """The episode after a write, if the writer may read it now: a call ends with the search."""
    roles = await may_read(request, episode.child_id, Action.EPISODE_SEE, by_call=episode.is_open)
    if roles is not None:
        return json_answer(await one_out(request, episode, roles), status=status)
    begun = BegunOut(episode.id, Stage(episode.stage), episode.opened_at)
    return json_answer(begun, status=status)


async def outs(request: Request, episodes: list[Episode], roles: Roles) -> list[EpisodeOut]:
    """Each of them, with those who are missing together as far as the visitor may see them."""
    visitor = await visitor_of(request)
    reads = Reader(roles, visitor.person_id).reads_all
    held = {episode.id: await linked(episode.id) if reads else [] for episode in episodes}
    asked = {
        episode.id: await offered(episode)
        if episode.is_open and may(roles, Action.EPISODE_WORK)
        else []
        for episode in episodes
    }
    others = [other for some in (*held.values(), *asked.values()) for other in some]
    children = {other.child_id for other in others} | (
        await others_in(episodes) if reads else set()
    )
    visible_names = await names_of(await others_for(request, children))
    seen = await view(episodes, roles, visitor.person_id, now_of(request), visible_names)
    return [
        _out(
            episode_view,
            roles,
            [_other(other, visible_names) for other in held[episode_view.episode.id]],
            [_other(other, visible_names) for other in asked[episode_view.episode.id]],
        )
        for episode_view in seen
    ]


def _other(episode: Episode, visible_names: Mapping[UUID, str]) -> OtherOut:
    is_known = episode.child_id in visible_names
    return OtherOut(
        episode.id if is_known else None,
        episode.child_id if is_known else None,
        visible_names.get(episode.child_id),
        episode.is_open,
        episode.opened_at,
    )


def _out(seen: View, roles: Roles, together: list[OtherOut], offered: list[OtherOut]) -> EpisodeOut:
    episode, reads, is_child = seen.episode, seen.reader.reads_all, seen.reader.is_child
    return EpisodeOut(
        id=episode.id,
        child_id=episode.child_id,
        stage=Stage(episode.stage),
        opened_at=episode.opened_at,
        said_at=episode.said_at,
        why=episode.why if reads else None,
        last_seen=episode.last_seen if reads else None,
        flags=episode.flags if reads else [],
        decided_at=episode.decided_at if reads or is_child else None,
        reported_at=episode.reported_at if reads or is_child else None,
        found_at=episode.found_at,
        found=_found(episode.found) if reads and episode.found is not None else None,
        followed_up_at=episode.followed_up_at,
        clocks=[
            ClockOut(
                clock.what.value,
                clock.due_at,
                clock.is_over,
                OwnerOut(clock.role, [{"id": who.id, "name": who.name} for who in clock.people]),
                way_for(roles, clock.what, episode.child_id, subject_id=episode.id),
            )
            for clock in seen.clocks
        ],
        timeline=[_line(line) for line in seen.timeline],
        together=together,
        together_offered=offered,
    )


def _found(stored: Mapping[str, Any]) -> FoundOut:
    """As it is stored, with the time as every time of the API."""
    at = stored.get("at")
    moment = datetime.fromisoformat(at).astimezone(UTC) if at else None
    return FoundOut(moment, stored.get("where"), stored.get("by"), stored.get("condition"))


def _line(line: Told) -> LineOut:
    return LineOut(
        line.id,
        line.at,
        line.received_at,
        line.what,
        _who(line.who),
        line.words,
        line.details,
        line.about_id,
    )


def _who(who: Who) -> WhoOut:
    return WhoOut(who.id, who.name, who.role)
