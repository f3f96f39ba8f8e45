"""Ties and looks, for phones and native clients."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, NotFound, Refused
from server.i18n import N_
from server.people import ties as verbs
from server.people.access import (
    child_for,
    child_for_ties,
    is_alerted,
    now_of,
    own_child,
    visitor_of,
)
from server.people.looks.log import looks_at
from server.people.models import Child, Person, Tie
from server.people.rules import Action, Role
from server.people.ties import AddTie
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class WhoOut(msgspec.Struct):
    """A person, as readers with the right see them."""

    id: UUID
    name: str
    role: str


class TieOut(msgspec.Struct):
    """A tie between a person and a child; without an end it is valid until a person ends it."""

    id: UUID
    person: WhoOut
    role: Role
    from_at: datetime
    until_at: datetime | None


class TiesOut(msgspec.Struct):
    """The ties that are not over."""

    ties: list[TieOut]


class TieRequest(AddTie, frozen=True, kw_only=True):
    """A new tie. The client makes the id: the same one again changes nothing."""

    id: UUID


class LookOut(msgspec.Struct):
    """Who looked at what. `what` and `why` are in the reader's words, `code` is stable. A question
    about it names its `id`."""

    id: str
    at: datetime
    who: WhoOut | None
    what: str
    why: str | None
    code: str


class LooksOut(msgspec.Struct):
    """The latest looks, newest first."""

    looks: list[LookOut]


async def ties(request: Request) -> Response:
    """The people with a tie to the child."""
    child = await child_for_ties(request, request.path_params["child_id"], Action.TIES_SEE)
    held = await Tie.filter(Tie.ending_after(now_of(request)), child_id=child.id).order_by(
        "from_at", "id"
    )
    people = await _people([tie.person_id for tie in held])
    return json_answer(TiesOut([_tie_out(tie, people[tie.person_id]) for tie in held]))


async def add_tie(request: Request) -> Response:
    """Add a tie to the child."""
    child = await child_for_ties(request, request.path_params["child_id"], Action.TIES_CHANGE)
    payload = await json_body(request, TieRequest)
    if payload.role is Role.ADVOCATE:
        raise Refused(N_("Invite an advocate on the child's page."), field="role")
    existed = await Tie.exists(id=payload.id)
    tie = await verbs.add_tie(await visitor_of(request), child, payload, now_of(request))
    person = await Person.get(id=tie.person_id)
    return json_answer(_tie_out(tie, person), status=200 if existed else 201)


async def end_tie(request: Request) -> Response:
    """End the tie now."""
    child = await child_for_ties(request, request.path_params["child_id"], Action.TIES_CHANGE)
    visitor, tie_id = await visitor_of(request), request.path_params["tie_id"]
    await verbs.end_tie(visitor, child, tie_id, now_of(request))
    return Response(status_code=204)


async def my_looks(request: Request) -> Response:
    """Who looked at what is written about the child who asks."""
    child, _ = await own_child(request, Action.LOOKS_SEE)
    return await _looks(request, child)


async def looks(request: Request) -> Response:
    """Who looked at what is written about a child."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.LOOKS_SEE)
    return await _looks(request, child)


async def _looks(request: Request, child: Child) -> Response:
    visitor = await visitor_of(request)
    entries = await looks_at(
        child.id,
        visitor.language,
        is_child=visitor.is_child,
        is_alerted=visitor.is_child and await is_alerted(child.id),
    )
    return json_answer(
        LooksOut(
            [
                LookOut(
                    id=str(look.id),
                    at=look.at,
                    who=WhoOut(look.who.id, look.who.name, look.role) if look.who else None,
                    what=look.what,
                    why=look.why,
                    code=look.code,
                )
                for look in entries
            ]
        )
    )


async def _people(ids: list[UUID]) -> dict[UUID, Person]:
    return {person.id: person for person in await Person.filter(id__in=ids)}


def _tie_out(tie: Tie, person: Person) -> TieOut:
    return TieOut(
        id=tie.id,
        person=WhoOut(person.id, person.name, person.role),
        role=tie.role,
        from_at=tie.from_at,
        until_at=tie.until_at,
    )


_CHILD = "/api/v1/children/{child_id:uuid}"

routes = [
    api("GET", f"{_CHILD}/ties", ties, "Who is tied to a child", gives={200: TiesOut}),
    api(
        "POST",
        f"{_CHILD}/ties",
        add_tie,
        "Assign a person to a child",
        takes=TieRequest,
        gives={201: TieOut, 200: TieOut},
        problems=(Refused, IdReused),
    ),
    api(
        "DELETE",
        f"{_CHILD}/ties/{{tie_id:uuid}}",
        end_tie,
        "End a tie",
        gives={204: None},
        problems=(NotFound, Refused),
    ),
    api("GET", "/api/v1/looks", my_looks, "Who looked at what is about me", gives={200: LooksOut}),
    api("GET", f"{_CHILD}/looks", looks, "Who looked", gives={200: LooksOut}),
]
