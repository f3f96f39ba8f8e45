"""The talk after the return over the wire: its answers, and the reasons that may be used."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict
from server.missing.back import interview, interviewing
from server.missing.search.models import Episode
from server.missing.search.paths import episode_for
from server.openapi import api
from server.people.access import Roles, child_for, nothing_here, now_of, visitor_of
from server.people.rules import Action, Role
from server.web import json_answer, json_body

Text = Annotated[str, msgspec.Meta(max_length=interview.LONGEST)]
Codes = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=20)]


class InterviewRequest(msgspec.Struct):
    """All answers by the names of their questions: a text, or the codes that were chosen. `base` is
    the version that the writer saw; 0 where there was none. `is_held`: the talk took place;
    `is_refused`: the child did not want it, which is noted, and it is offered again."""

    base: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    answers: Annotated[dict[str, Text | Codes], msgspec.Meta(max_length=60)]
    is_held: bool = False
    is_refused: bool = False


class InterviewOut(msgspec.Struct):
    """The talk, as far as the one who asks may read it. Version 0: nothing is written yet."""

    version: int
    answers: dict[str, Any]
    held_at: datetime | None
    made_at: datetime | None


class ReasonsOut(msgspec.Struct):
    """Why the child went, as codes, in one episode."""

    episode_id: UUID
    opened_at: datetime
    found_at: datetime | None
    push: list[str]
    pull: list[str]


class ReturnReasonsOut(msgspec.Struct):
    """For the review after a return: what the child says that may be used, the newest first."""

    reasons: list[ReasonsOut]


async def show(request: Request) -> Response:
    """The talk. The child reads its own words, of a time that is over."""
    episode, roles = await episode_for(request, Action.EPISODE_SEE)
    if Role.CHILD in roles and episode.is_open:
        raise nothing_here()
    return json_answer(await _out(episode, roles))


async def put(request: Request) -> Response:
    """The next version of it."""
    said = await json_body(request, InterviewRequest)
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    visitor, now = await visitor_of(request), now_of(request)
    await interviewing.save(visitor, episode.id, said.base, said.answers, now)
    if said.is_held:
        await interviewing.hold(visitor, episode.id, now)
    elif said.is_refused:
        await interviewing.refused(visitor, episode.id, now)
    return json_answer(await _out(episode, roles))


async def _out(episode: Episode, roles: Roles) -> InterviewOut:
    row = await interviewing.latest(episode.id)
    if row is None:
        return InterviewOut(0, {}, None, None)
    seen = interview.seen_by(roles, row.answers)
    return InterviewOut(row.version, seen, row.held_at, row.made_at)


async def reasons(request: Request) -> Response:
    """Why the child went, for whoever prepares the review with it."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.EPISODE_WORK)
    found = await interviewing.reasons_of(child.id)
    return json_answer(
        ReturnReasonsOut(
            [
                ReasonsOut(one.id, one.opened_at, one.found_at, push, pull)
                for one, push, pull in found
            ]
        )
    )


_CHILD = "/api/v1/children/{child_id:uuid}"
_INTERVIEW = f"{_CHILD}/episodes/{{episode_id:uuid}}/interview"

routes = [
    api("GET", _INTERVIEW, show, "The talk after the return", gives={200: InterviewOut}),
    api(
        "PUT",
        _INTERVIEW,
        put,
        "Write down the talk after the return",
        takes=InterviewRequest,
        gives={200: InterviewOut},
        problems=(Conflict,),
    ),
    api(
        "GET",
        f"{_CHILD}/return-reasons",
        reasons,
        "Why the child went, as far as that may be used",
        gives={200: ReturnReasonsOut},
    ),
]
