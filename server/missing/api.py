"""Episodes over the wire: a child is missing, what is done, and that it was found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused
from server.missing import (
    actions,
    finding,
    handing_api,
    indicator_api,
    interview_api,
    linking,
    opening,
    patterns_api,
)
from server.missing.acts import Act
from server.missing.finding import Found
from server.missing.models import Episode
from server.missing.opening import Saying
from server.missing.paths import episode_for, others_for
from server.missing.rules import Flag, Stage
from server.missing.together import linked, offered
from server.missing.view import Reader, Told, View, Who, names_of, others_in, view
from server.openapi import api
from server.people.access import Roles, child_for, nothing_here, now_of, visitor_of
from server.people.rules import Action, Role, may
from server.watch.wire import Moment, Words
from server.web import json_answer, json_body

Line = Annotated[str, msgspec.Meta(max_length=500)]
Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class LastSeen(msgspec.Struct, omit_defaults=True):
    """When, where and by whom the child was seen last, as far as somebody knows."""

    at: Moment | None = None
    where: Line | None = None
    by: Line | None = None
    words: Words | None = None


class EpisodeRequest(msgspec.Struct):
    """ "This child is missing." The id is made by the client. `said_at` is when somebody said so on
    their phone; every clock counts from when it arrives here. Nothing but the two is needed."""

    id: UUID
    said_at: Moment
    why: Words | None = None
    last_seen: LastSeen | None = None
    flags: Annotated[list[Flag], msgspec.Meta(max_length=8)] = []


class EntryRequest(msgspec.Struct):
    """What was done or learned, for the timeline. `details` by the names of its kind: an `attempt`
    has `how`, `whom`, `result`; a `report` has `to`, `way`, `who`, `reference`, `level`, `pack`.
    `also`: other episodes, of those who are missing together with this child, in whose timelines it
    stands as well; of an attempt, a report, a talk or a note."""

    id: UUID
    what: Act
    at: Moment | None = None
    words: Words | None = None
    details: Annotated[dict[str, Line], msgspec.Meta(max_length=12)] = {}
    also: Annotated[list[UUID], msgspec.Meta(max_length=20)] = []


class FoundRequest(msgspec.Struct):
    """When, where and by whom the child was seen, face to face, and how it was."""

    id: UUID
    at: Moment
    where: Needed
    by: Needed
    condition: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class TogetherRequest(msgspec.Struct):
    """The episode of another child of the home: the two are missing together."""

    episode_id: UUID


class OtherOut(msgspec.Struct):
    """Another child: with whom it is missing, or might be. Ids and name are there for those who may
    see that child."""

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
    """Something that must happen by a time."""

    what: str
    due_at: datetime
    is_over: bool
    owner: OwnerOut


class WhoOut(msgspec.Struct):
    """Who entered it; without a name it was Waymark itself."""

    id: UUID | None
    name: str | None
    role: str


class LineOut(msgspec.Struct):
    """One line of the timeline: when it happened, when it was entered, what, by whom."""

    id: UUID
    at: datetime
    received_at: datetime
    what: str
    who: WhoOut
    words: str | None
    details: dict[str, Any]
    about_id: UUID | None


class EpisodeOut(msgspec.Struct):
    """One time of being missing, as far as the one who asks may read it."""

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
    found: dict[str, Any] | None
    followed_up_at: datetime | None
    clocks: list[ClockOut]
    timeline: list[LineOut]
    together: list[OtherOut]
    together_offered: list[OtherOut]  # Of one home and one time: a person says whether they are.


class EpisodesOut(msgspec.Struct):
    """Every time the child was missing, the newest first."""

    episodes: list[EpisodeOut]


async def open_(request: Request) -> Response:
    """A child is missing: everyone is called and every clock begins, in one step."""
    said = await json_body(request, EpisodeRequest)
    child, roles = await child_for(request, request.path_params["child_id"], Action.EPISODE_OPEN)
    seen = msgspec.to_builtins(said.last_seen) if said.last_seen is not None else None
    saying = Saying(said.said_at, said.why or None, seen or None, tuple(said.flags))
    visitor, now = await visitor_of(request), now_of(request)
    episode, is_new = await opening.open_episode(visitor, child.id, said.id, saying, now)
    return json_answer(await _one(request, episode, roles), status=201 if is_new else 200)


async def list_(request: Request) -> Response:
    """Every time the child was missing. The child itself reads of those that are over."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.EPISODE_SEE)
    held = Episode.filter(child_id=child.id)
    if Role.CHILD in roles:
        held = held.filter(found_at__isnull=False)
    episodes = await held.order_by("-opened_at", "-id")
    return json_answer(EpisodesOut(await _outs(request, episodes, roles)))


async def show(request: Request) -> Response:
    """One of them."""
    episode, roles = await episode_for(request, Action.EPISODE_SEE)
    if Role.CHILD in roles and episode.is_open:
        raise nothing_here()
    return json_answer(await _one(request, episode, roles))


async def enter(request: Request) -> Response:
    """Something was done, or learned."""
    said = await json_body(request, EntryRequest)
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    await actions.enter(
        await visitor_of(request),
        episode.id,
        said.what,
        id=said.id,
        at=said.at,
        words=said.words or None,
        details=said.details,
        now=now_of(request),
        also=await _also(request, said.also),
    )
    return json_answer(await _one(request, await Episode.get(id=episode.id), roles), status=201)


async def _also(request: Request, ids: list[UUID]) -> list[UUID]:
    """Episodes of other children on which the visitor works too."""
    for id_ in ids:
        other = await Episode.get_or_none(id=id_)
        if other is None:
            raise nothing_here()
        await child_for(request, other.child_id, Action.EPISODE_WORK)
    return ids


async def join(request: Request) -> Response:
    """Two children are missing together."""
    said = await json_body(request, TogetherRequest)
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    [other_id] = await _also(request, [said.episode_id])
    await linking.link(await visitor_of(request), episode.id, other_id, now_of(request))
    return json_answer(await _one(request, episode, roles))


async def part(request: Request) -> Response:
    """They are not missing together after all."""
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    [other_id] = await _also(request, [request.path_params["other_id"]])
    await linking.unlink(await visitor_of(request), episode.id, other_id, now_of(request))
    return json_answer(await _one(request, episode, roles))


async def found(request: Request) -> Response:
    """Somebody has seen the child."""
    said = await json_body(request, FoundRequest)
    episode, roles = await episode_for(request, Action.EPISODE_FOUND)
    what = Found(said.at, said.where, said.by, said.condition)
    visitor, now = await visitor_of(request), now_of(request)
    after = await finding.found(visitor, episode.id, said.id, what, now)
    return json_answer(await _one(request, after, roles))


async def _one(request: Request, episode: Episode, roles: Roles) -> EpisodeOut:
    return (await _outs(request, [episode], roles))[0]


async def _outs(request: Request, episodes: list[Episode], roles: Roles) -> list[EpisodeOut]:
    visitor = await visitor_of(request)
    reads = Reader(roles, visitor.person_id).reads_all
    held = {one.id: await linked(one.id) if reads else [] for one in episodes}
    asked = {
        one.id: await offered(one) if one.is_open and may(roles, Action.EPISODE_WORK) else []
        for one in episodes
    }
    others = [one for some in (*held.values(), *asked.values()) for one in some]
    children = {one.child_id for one in others} | (await others_in(episodes) if reads else set())
    known = await names_of(await others_for(request, children))
    seen = await view(episodes, roles, visitor.person_id, now_of(request), known)
    return [
        _out(
            one,
            [_other(other, known) for other in held[one.episode.id]],
            [_other(other, known) for other in asked[one.episode.id]],
        )
        for one in seen
    ]


def _other(episode: Episode, known: Mapping[UUID, str]) -> OtherOut:
    is_known = episode.child_id in known
    return OtherOut(
        episode.id if is_known else None,
        episode.child_id if is_known else None,
        known.get(episode.child_id),
        episode.is_open,
        episode.opened_at,
    )


def _out(seen: View, together: list[OtherOut], offered: list[OtherOut]) -> EpisodeOut:
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
        found=episode.found if reads else None,
        followed_up_at=episode.followed_up_at,
        clocks=[
            ClockOut(
                one.what.value,
                one.due_at,
                one.is_over,
                OwnerOut(one.role, [{"id": who.id, "name": who.name} for who in one.people]),
            )
            for one in seen.clocks
        ],
        timeline=[_line(line) for line in seen.timeline],
        together=together,
        together_offered=offered,
    )


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


_EPISODES = "/api/v1/children/{child_id:uuid}/episodes"
_EPISODE = f"{_EPISODES}/{{episode_id:uuid}}"

routes = [
    api(
        "POST",
        _EPISODES,
        open_,
        "Say that a child is missing",
        takes=EpisodeRequest,
        gives={201: EpisodeOut, 200: EpisodeOut},
        problems=(IdReused,),
    ),
    api("GET", _EPISODES, list_, "Every time a child was missing", gives={200: EpisodesOut}),
    api("GET", _EPISODE, show, "One time of being missing", gives={200: EpisodeOut}),
    api(
        "POST",
        f"{_EPISODE}/entries",
        enter,
        "Enter what was done or learned",
        takes=EntryRequest,
        gives={201: EpisodeOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "POST",
        f"{_EPISODE}/found",
        found,
        "Say that the child was found",
        takes=FoundRequest,
        gives={200: EpisodeOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "POST",
        f"{_EPISODE}/together",
        join,
        "Say that two children are missing together",
        takes=TogetherRequest,
        gives={200: EpisodeOut},
        problems=(Conflict,),
    ),
    api(
        "DELETE",
        f"{_EPISODE}/together/{{other_id:uuid}}",
        part,
        "Say that they are not missing together after all",
        gives={200: EpisodeOut},
    ),
    *interview_api.routes,
    *handing_api.routes,
    *patterns_api.routes,
    *indicator_api.routes,
]
