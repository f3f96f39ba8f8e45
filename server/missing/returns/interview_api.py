"""The return interview over the wire: its answers, and the reasons that may be used."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict
from server.missing.returns import interview, interview_actions
from server.missing.search.models import Episode, ReturnInterview
from server.missing.search.paths import episode_for
from server.people.access import Roles, child_for, nothing_here, now_of, visitor_of
from server.people.rules import Action, Role
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

Text = Annotated[str, msgspec.Meta(max_length=interview.LONGEST)]
Codes = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=20)]


class InterviewRequest(msgspec.Struct):
    """All answers by the names of their questions: a text, or the codes that were chosen. `base` is
    the version that the writer saw; 0 where there was none. `is_held`: the interview took place;
    `is_refused`: the child did not want it; we record that and offer it again; with `ends_offers`,
    once the child has said no twice, a day apart, we do not offer it again."""

    base: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    answers: Annotated[dict[str, Text | Codes], msgspec.Meta(max_length=60)]
    is_held: bool = False
    is_refused: bool = False
    ends_offers: bool = False


class InterviewOut(msgspec.Struct):
    """The interview, as much as the reader may see. Version 0: nothing is written yet."""

    version: int
    answers: dict[str, Any]
    held_at: datetime | None
    made_at: datetime | None


class ReasonOut(msgspec.Struct):
    """One of the reasons. A goal or step that came of it has its `id` as `reason_id`."""

    id: UUID
    kind: Literal["push", "pull", "stop"]
    code: str


class ReasonsOut(msgspec.Struct):
    """Why the child left, in one episode: codes of what pushed them away (`push`) and what drew
    them (`pull`); in their words what would have to change so that they stay (`stop`). `each` has
    an id for each of them, the code of `stop` is empty. Only the child reads `own`, what they
    wanted to have written down, and none of the rest."""

    episode_id: UUID
    opened_at: datetime
    found_at: datetime | None
    push: list[str]
    pull: list[str]
    stop: str
    each: list[ReasonOut]
    may_be_used: bool
    own: str


class ReturnReasonsOut(msgspec.Struct):
    """For the review after a return, the newest first: what the child says may be used, as much as
    the reader may see. Of each interview the child reads only whether it may be used."""

    reasons: list[ReasonsOut]


async def show(request: Request) -> Response:
    """The interview. The child reads their own words, but not while they are missing again."""
    episode, roles = await episode_for(request, Action.EPISODE_SEE)
    if Role.CHILD in roles and await _is_away(episode.child_id):
        raise nothing_here()
    return json_answer(await _out(episode, roles))


async def _is_away(child_id: UUID) -> bool:
    """While a child is missing, a stranger may have their phone; after an earlier return too."""
    return await Episode.exists(child_id=child_id, found_at__isnull=True)


async def put(request: Request) -> Response:
    """The next version of it."""
    payload = await json_body(request, InterviewRequest)
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    visitor, now = await visitor_of(request), now_of(request)
    try:
        await interview_actions.save(visitor, episode.id, payload.base, payload.answers, now)
    except Conflict as fault:
        answers = interview.seen_by(roles, fault.content.get("answers", {}))
        raise fault.shown({"answers": answers} if fault.content else {}) from None
    if payload.is_held:
        await interview_actions.hold(visitor, episode.id, now)
    elif payload.is_refused:
        await interview_actions.refused(visitor, episode.id, now)
    if payload.ends_offers:
        await interview_actions.end_offers(visitor, episode.id, now)
    return json_answer(await _out(episode, roles))


async def _out(episode: Episode, roles: Roles) -> InterviewOut:
    row = await interview_actions.latest(episode.id)
    if row is None:
        return InterviewOut(0, {}, None, None)
    seen = interview.seen_by(roles, row.answers)
    return InterviewOut(row.version, seen, row.held_at, row.made_at)


async def reasons(request: Request) -> Response:
    """Why the child left, for the person who prepares the review with them."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.EPISODE_SEE)
    talks = await interview_actions.held_talks(child.id)
    if Role.CHILD in roles:
        is_away = await _is_away(child.id)
        entries = [] if is_away else [_to_the_child(episode, row) for episode, row in talks]
    else:
        entries = [_to_adults(episode, row, roles) for episode, row in talks]
        entries = [entry for entry in entries if entry.each]
    return json_answer(ReturnReasonsOut(entries))


def _to_the_child(episode: Episode, row: ReturnInterview) -> ReasonsOut:
    entry = _empty(episode, row)
    entry.own = str(row.answers.get("own", ""))
    return entry


def _to_adults(episode: Episode, row: ReturnInterview, roles: Roles) -> ReasonsOut:
    entry, read = _empty(episode, row), interview.reasons(roles, row.answers)
    entry.push, entry.pull, entry.stop = read.push, read.pull, read.stop
    entry.each = [
        *(_reason(episode, "push", code) for code in read.push),
        *(_reason(episode, "pull", code) for code in read.pull),
        *([_reason(episode, "stop", "")] if read.stop else []),
    ]
    return entry


def _empty(episode: Episode, row: ReturnInterview) -> ReasonsOut:
    is_used = interview.may_be_used(row.answers)
    return ReasonsOut(episode.id, episode.opened_at, episode.found_at, [], [], "", [], is_used, "")


def _reason(episode: Episode, kind: Literal["push", "pull", "stop"], code: str) -> ReasonOut:
    return ReasonOut(interview_actions.reason_id(episode.id, kind, code), kind, code)


_CHILD = "/api/v1/children/{child_id:uuid}"
_INTERVIEW = f"{_CHILD}/episodes/{{episode_id:uuid}}/interview"

routes = [
    api("GET", _INTERVIEW, show, "The return interview", gives={200: InterviewOut}),
    api(
        "PUT",
        _INTERVIEW,
        put,
        "Write down the return interview",
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
