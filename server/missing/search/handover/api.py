"""Search handovers over the wire."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.missing.search.handover import actions as handovers
from server.missing.search.handover.ends import OUT
from server.missing.search.models import Episode, SearchHandover
from server.missing.search.paths import episode_for
from server.missing.search.summary import how_it_stands
from server.missing.search.view import names_of, view
from server.people.access import Roles, nothing_here, now_of, visitor_of
from server.people.rules import Action
from server.watch.wire import Words
from server.watch.wording import when
from server.web.openapi import api
from server.web.rendering import language_of, zone_of
from server.web.requests import json_body
from server.web.responses import json_answer


class HandoverRequest(msgspec.Struct):
    """From the person who leaves: `words` for the next person on duty. From the person who has the
    search now: only an id; it says that they have read the state of the search."""

    id: UUID
    words: Words | None = None


class HandoverOut(msgspec.Struct):
    """One person's part. `out`: their shift ends at `at`; `in`: it began then. `is_asked`: whether
    we still ask them."""

    id: UUID
    person_id: UUID
    name: str
    part: str
    at: datetime
    done_at: datetime | None
    is_asked: bool


class HandoversOut(msgspec.Struct):
    """The state of the search, in sentences of the reader's language, and each person's part, the
    latest first."""

    stands: list[str]
    handovers: list[HandoverOut]


async def list_(request: Request) -> Response:
    """Who hands the search over to which person."""
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    return json_answer(await _out(request, episode, roles))


async def say(request: Request) -> Response:
    """A note, or the word that a person has read the state of the search."""
    payload = await json_body(request, HandoverRequest)
    episode, roles = await episode_for(request, Action.EPISODE_WORK)
    visitor, now = await visitor_of(request), now_of(request)
    id_ = request.path_params["passing_id"]
    row = await SearchHandover.get_or_none(
        id=id_, episode_id=episode.id, person_id=visitor.person_id
    )
    if row is None:
        raise nothing_here()
    if row.part == OUT:
        await handovers.write_note(visitor, row.id, payload.id, payload.words, now)
    else:
        await handovers.confirm(visitor, row.id, now)
    return json_answer(await _out(request, episode, roles))


async def _out(request: Request, episode: Episode, roles: Roles) -> HandoversOut:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    visitor = await visitor_of(request)
    [seen] = await view([episode], roles, visitor.person_id, now)
    rows = await SearchHandover.filter(episode_id=episode.id).order_by("-at", "part", "id")
    names = await names_of({row.person_id for row in rows})
    return HandoversOut(
        how_it_stands(seen, language, lambda at: when(language, at, zone, now)),
        [
            HandoverOut(
                row.id,
                row.person_id,
                names.get(row.person_id, ""),
                row.part,
                row.at,
                row.done_at,
                row.done_at is None and row.dropped_at is None,
            )
            for row in rows
        ],
    )


_HANDOVERS = "/api/v1/children/{child_id:uuid}/episodes/{episode_id:uuid}/handovers"

routes = [
    api("GET", _HANDOVERS, list_, "How a search stands, and who has it", gives={200: HandoversOut}),
    api(
        "POST",
        f"{_HANDOVERS}/{{passing_id:uuid}}",
        say,
        "Write the handover, or confirm that it was read",
        takes=HandoverRequest,
        gives={200: HandoversOut},
    ),
]
