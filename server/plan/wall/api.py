"""The page to hang up in the API: what may go on it, and choosing."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.people.access import child_for, not_yours, now_of, own_child, visitor_of
from server.people.models import Agency, Child
from server.people.rules import Action, Role
from server.plan import view
from server.plan.changes import batch
from server.plan.models import LifeProject
from server.plan.state import State
from server.plan.wall import actions
from server.plan.wall.reading import Group, Reader, groups
from server.plan.wall.rules import Asked, Choice, Names, may_choose, names_of
from server.web.openapi import api
from server.web.rendering import language_of
from server.web.requests import json_body
from server.web.responses import json_answer

_MOST = 200
Ids = Annotated[list[UUID], msgspec.Meta(max_length=_MOST)]
NamesOnPage = Literal["first", "full", "none"]


class ThingOut(msgspec.Struct):
    """One thing: `on` the page or not; `says`: why it is not, where a person decided that.
    `may_change`: whether the reader may decide otherwise."""

    id: UUID
    text: str
    note: str
    on: bool
    says: str
    may_change: bool


class GroupOut(msgspec.Struct):
    """Things of one kind, the nearest first; `more`: a sentence about those that are not listed."""

    title: str
    things: list[ThingOut]
    more: str


class WallOut(msgspec.Struct):
    """What may go on the page to hang up, and how people are called on it."""

    groups: list[GroupOut]
    names: NamesOnPage
    may_choose: bool


class WallIn(msgspec.Struct):
    """Things to put on the page, and to leave out. What is in neither list stays as it is."""

    on: Ids = []
    off: Ids = []
    names: NamesOnPage | None = None


async def wall(request: Request) -> Response:
    """What may go on the page, and what is on it."""
    child, roles = await child_of(request)
    return json_answer(await _out(request, child, roles))


async def choose(request: Request) -> Response:
    """Put things on the page, or leave them out."""
    child, roles = await child_of(request)
    if not may_choose(roles):
        raise not_yours()
    payload = await json_body(request, WallIn)
    asked = Asked(
        frozenset(map(str, payload.on)),
        frozenset(map(str, payload.off)),
        Names(payload.names) if payload.names else None,
    )
    await actions.choose(await visitor_of(request), child, asked, now_of(request))
    return json_answer(await _out(request, child, roles))


async def child_of(request: Request) -> tuple[Child, frozenset[Role]]:
    """The child in the path, or whose session it is; a carer has no paper of the project."""
    named = request.path_params.get("child_id")
    if named is None:
        return await own_child(request, Action.PROJECT_SEE)
    child, roles = await child_for(request, named, Action.PROJECT_SEE)
    if roles <= {Role.CARER}:
        raise not_yours()
    return child, roles


async def groups_for(
    request: Request, child: Child, roles: frozenset[Role]
) -> tuple[list[Group], Choice | None]:
    """What may go on the page, for this reader, and what was chosen."""
    visitor = await visitor_of(request)
    stored = await LifeProject.get_or_none(child_id=child.id)
    shown = (stored.shown if stored else None) or view.document(State(str(child.id)))
    codes = frozenset(role.value for role in roles)
    seen = view.for_reader(shown, str(visitor.person_id), codes)
    agency = await Agency.get(id=child.agency_id)
    people = await batch.people_of(child, agency, now_of(request))
    seen["child"] = people[str(child.id)]
    reader = Reader(visitor.is_child, roles, people, language_of(request))
    choice = stored.wall if stored else None
    return groups(seen, choice, reader), choice


async def _out(request: Request, child: Child, roles: frozenset[Role]) -> WallOut:
    listed, choice = await groups_for(request, child, roles)
    return WallOut(
        [
            GroupOut(
                group.title,
                [
                    ThingOut(
                        UUID(line.id), line.text, line.note, line.is_on, line.says, line.may_turn
                    )
                    for line in group.lines
                ],
                group.more,
            )
            for group in listed
        ],
        names_of(choice).value,
        may_choose(roles),
    )


def _both(method: str, handler: Any, summary: str, **how: Any) -> list[Any]:
    return [
        api(method, "/api/v1/project/wall", handler, summary, **how),
        api(
            method,
            "/api/v1/children/{child_id:uuid}/project/wall",
            handler,
            f"{summary}, of a child",
            **how,
        ),
    ]


routes = [
    *_both("GET", wall, "What may go on the page to hang up", gives={200: WallOut}),
    *_both("PUT", choose, "Choose what goes on that page", takes=WallIn, gives={200: WallOut}),
]
