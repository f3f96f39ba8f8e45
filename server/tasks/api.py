"""Whose turn it is, for phones and native clients."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.people.access import Roles, child_for, now_of, visitor_of
from server.people.children_access import children_for
from server.people.models import Child, Person
from server.people.rules import Action
from server.storage.parts import QUERY, part_after
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.tasks.turns import Turns, seen_by, turns_of
from server.tasks.ways import way_for
from server.web.openapi import api, query_of
from server.web.responses import json_answer


class PersonOut(msgspec.Struct):
    """A person by name."""

    id: UUID
    name: str


class DueOut(msgspec.Struct):
    """Something that must happen by a time: `step`, `reply`, `end`, `review`, `answer`, `rhythm` or
    `question`. `subject_id` is the step, the message, the child, the review, the complaint, the
    proposal or the question about the record; `owner_role` is the owner's role for the child, or
    `agency`. `whose` lists the people whose turn it is: the owner, and those who were told that it
    is over. `href`: the page of the desk on which the caller can do it, if they may."""

    id: UUID
    kind: str
    subject_id: UUID
    child: PersonOut
    owner_role: str
    due_at: datetime
    is_over: bool
    is_mine: bool
    whose: list[PersonOut]
    href: str | None


class DuesOut(msgspec.Struct):
    """What is open, the oldest first. `next`: where there is more, the `after` of the next part."""

    dues: list[DueOut]
    next: UUID | None = None


async def my_tasks(request: Request) -> Response:
    """The caller's turns, about all children."""
    visitor, now = await visitor_of(request), now_of(request)
    asked = query_of(request, **QUERY)
    children = await children_for(request, Action.PROJECT_SEE)
    # Nobody is asked about a child who has left.
    here = Child.filter(id__in=list(children), left_at__isnull=True)
    open_ = Task.filter(child_id__in=await here.values_list("id", flat=True), state=State.OPEN)
    turns: dict[UUID, frozenset[UUID]] = {}

    async def mine(tasks: list[Task]) -> list[Task]:
        turns.update(await turns_of(tasks, now))
        return [task for task in tasks if visitor.person_id in turns[task.id]]

    after, limit = asked["after"], asked["limit"]
    tasks, following = await part_after(open_, "due_at", after, limit, mine)
    part = await listed(tasks, turns, visitor.person_id, children, now)
    part.next = following
    return json_answer(part)


async def tasks_of_child(request: Request) -> Response:
    """Everything about a child that is anyone's turn, as far as the caller may see it."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.PROJECT_SEE)
    visitor, now = await visitor_of(request), now_of(request)
    seen, turns = await seen_by(child, visitor.person_id, frozenset(roles), now)
    return json_answer(await listed(seen, turns, visitor.person_id, {child.id: roles}, now))


async def listed(
    tasks: Sequence[Task],
    turns: Turns,
    me: UUID,
    roles_by_child: Mapping[UUID, Roles],
    now: datetime,
) -> DuesOut:
    """These tasks for the API, with the names of those whose turn it is."""
    ids = {task.child_id for task in tasks}.union(*(turns[task.id] for task in tasks))
    people = {
        person.id: PersonOut(person.id, person.name)
        for person in await Person.filter(id__in=list(ids))
    }
    return DuesOut(
        [
            DueOut(
                task.id,
                task.kind,
                task.subject_id,
                people[task.child_id],
                task.owner_role,
                task.due_at,
                task.slice().is_over(now),
                me in turns[task.id],
                sorted((people[id_] for id_ in turns[task.id]), key=lambda who: who.name),
                way_for(
                    roles_by_child[task.child_id],
                    Kind(task.kind),
                    task.child_id,
                    subject_id=task.subject_id,
                ),
            )
            for task in tasks
        ]
    )


routes = [
    api(
        "GET",
        "/api/v1/dues",
        my_tasks,
        "What is my turn",
        query=QUERY,
        gives={200: DuesOut},
    ),
    api(
        "GET",
        "/api/v1/children/{child_id:uuid}/dues",
        tasks_of_child,
        "Whose turn it is, about a child",
        gives={200: DuesOut},
    ),
]
