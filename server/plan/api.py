"""The life project in the API: reading it, and sending and receiving changes of both voices."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.audit.epochs import epoch_out
from server.clock import known_zone
from server.errors import NotFound, Refused, TooLarge
from server.i18n import N_
from server.i18n.languages import Language
from server.people.access import (
    child_for,
    looked,
    not_yours,
    nothing_here,
    now_of,
    own_child,
    still_may,
    visitor_of,
)
from server.people.looks.table import PROJECT, TALK
from server.people.models import Agency, Child, Tie
from server.people.rules import Action, Role
from server.plan import actions, export, feed, view, wire
from server.plan.changes import batch, stored
from server.plan.changes.batch import Author
from server.plan.models import LifeProject
from server.plan.offboarding import quarantine
from server.plan.paper import life_project
from server.plan.rules import MOST_CHANGES, Said
from server.plan.state import State
from server.tasks.api import listed
from server.tasks.turns import seen_by
from server.web import live
from server.web.openapi import api, query_of
from server.web.rendering import language_of
from server.web.requests import json_body
from server.web.responses import json_answer


async def project(request: Request) -> Response:
    """The project now, or at a revision."""
    revision = query_of(request, revision=Revision)["revision"]
    child, roles = await _child(request, Action.PROJECT_SEE)
    shown = await _shown(child)
    if revision is not None:
        if revision > shown["revision"]:
            raise NotFound(N_("This revision does not exist."))
        shown = view.document(await stored.state_of(child.id, until_revision=revision))
    return json_answer(await _for(request, child, roles, shown))


async def on_paper(request: Request) -> Response:
    """The project as a PDF, in the reader's language or in the one that is asked for: the page to
    hang up, then the details, or one of the two."""
    asked = query_of(request, language=Language, part=life_project.Part)
    child, roles = await _child(request, Action.PROJECT_SEE)
    if roles <= {Role.CARER}:
        raise not_yours()
    stored_project = await LifeProject.get_or_none(child_id=child.id)
    shown = await _shown(child, stored_project)
    if "summary_by" not in shown:
        # Folded by an earlier release; a paper says whose the words are.
        shown = view.document(await stored.state_of(child.id))
    shown = await _for(request, child, roles, shown)
    people = {person["id"]: person for person in shown["people"]}
    visitor = await visitor_of(request)
    made = await life_project.pdf(
        shown,
        people,
        asked["language"] or language_of(request),
        known_zone(visitor.zone),
        now_of(request),
        life_project.Print(asked["part"] or "all", stored_project.wall if stored_project else None),
    )
    # Inline, since a phone opens what it can show; the name identifies no one.
    headers = {"content-disposition": 'inline; filename="project.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


async def as_file(request: Request) -> Response:
    """All of the project that the reader may read, as one file to keep."""
    child, roles = await _child(request, Action.PROJECT_SEE)
    if roles <= {Role.CARER}:
        raise not_yours()
    visitor, now = await visitor_of(request), now_of(request)
    stored = await LifeProject.get_or_none(child_id=child.id)
    shown = await _shown(child, stored)
    seen, turns = await seen_by(child, visitor.person_id, frozenset(roles), now)
    made = export.pieces(
        child.id,
        feed.Reader(visitor.person_id, roles, shown),
        project=await _for(request, child, roles, shown),
        dues=(await listed(seen, turns, visitor.person_id, {child.id: roles}, now)).dues,
        upto=stored.number if stored else 0,
        now=now,
    )
    # The name identifies no one; and no cache on the way keeps a copy.
    headers = {"content-disposition": 'attachment; filename="project.json"'}
    return StreamingResponse(made, media_type="application/json", headers=headers)


async def sync(request: Request) -> Response:
    """Send the caller's changes, and get the others'."""
    try:
        child, roles = await _child(request, Action.PROJECT_SEE)
    except NotFound:
        return await _over_an_ended_tie(request)
    payload = await _batch(request)
    epoch = await epoch_out()
    after = wire.read_cursor(payload.cursor, epoch)
    author = await _author(request, roles)
    results = await _taken(request, author, child, payload)
    stored = await LifeProject.get_or_none(child_id=child.id)
    upto = stored.number if stored else 0
    reader = feed.Reader(author.id, roles, await _shown(child, stored))
    changes, reached = await feed.since(child.id, reader, author.session_id, after=after, upto=upto)
    await _leave_looks(request, child, changes)
    cursor = wire.cursor_of(reached, epoch)
    return json_answer({"results": results, "changes": changes, "cursor": cursor, "epoch": epoch})


async def _leave_looks(
    request: Request, child: Child, changes: Sequence[Mapping[str, Any]]
) -> None:
    """An app that got changes has looked at the project, at the talk, or at both. An app that asks
    again and gets nothing has shown nothing."""
    visitor, now = await visitor_of(request), now_of(request)
    if visitor.is_child:
        return
    is_talk = {change["entity"] == "message" for change in changes}
    for seen, what in ((False, PROJECT), (True, TALK)):
        if seen in is_talk:
            await looked(visitor, [child.id], what, now)


async def _batch(request: Request) -> wire.SyncRequest:
    payload = await json_body(request, wire.SyncRequest, is_loose=True)
    if len(payload.changes) > MOST_CHANGES:
        raise TooLarge(N_("This is too much for one request."), most=MOST_CHANGES)
    return payload


async def history(request: Request) -> Response:
    """Every change ever made."""
    asked = query_of(request, after=Cursor, limit=Limit)
    child, roles = await _child(request, Action.PROJECT_SEE)
    visitor = await visitor_of(request)
    reader = feed.Reader(visitor.person_id, roles, await _shown(child))
    epoch = await epoch_out()
    after, limit = wire.read_cursor(asked["after"], epoch), asked["limit"] or MOST_CHANGES
    changes, reached = await feed.history(child.id, reader, after=after, limit=limit)
    return json_answer({"changes": changes, "cursor": wire.cursor_of(reached, epoch)})


async def project_live(request: Request) -> Response:
    """Sends `project` whenever there is something to sync."""
    child, _ = await _child(request, Action.PROJECT_SEE)
    visitor = await visitor_of(request)
    still = partial(still_may, request, child.id, Action.PROJECT_SEE)
    return live.stream(child.id, visitor.person_id, still=still)


async def quarantined(request: Request) -> Response:
    """Changes sent over ended ties, which wait for a decision."""
    after = query_of(request, after=UUID)["after"]
    named = request.path_params["child_id"]
    child, roles = await child_for(request, named, Action.QUARANTINE_DECIDE)
    part = await quarantine.waiting(child.id, roles, after)
    changes = [
        {
            "id": kept.row.id,
            "who": {"id": str(kept.row.who_id), "role": kept.row.who_role},
            "received_at": kept.row.received_at,
            "said": kept.said,
        }
        for kept in part.kept
    ]
    return json_answer({"changes": changes, "next": part.further})


async def decide(request: Request) -> Response:
    """Merge such a change, or leave it out."""
    named = request.path_params["child_id"]
    child, roles = await child_for(request, named, Action.QUARANTINE_DECIDE)
    payload = await json_body(request, wire.DecisionIn)
    if not await quarantine.may_decide(child.id, request.path_params["change_id"], roles):
        raise nothing_here()
    result = await actions.decide(
        await visitor_of(request),
        child,
        request.path_params["change_id"],
        let_in=payload.let_in,
        now=now_of(request),
    )
    return json_answer(wire.result_out(result, language_of(request)))


# --- the caller


async def _child(request: Request, action: Action) -> tuple[Child, frozenset[Role]]:
    """The child in the path, or the child whose session it is."""
    named = request.path_params.get("child_id")
    if named is None:
        return await own_child(request, action)
    return await child_for(request, named, action)


async def _author(request: Request, roles: frozenset[Role]) -> Author:
    visitor = await visitor_of(request)
    return Author(actor=visitor, roles=roles, session_id=visitor.session_id)


async def _over_an_ended_tie(request: Request) -> Response:
    """Keep changes from a person whose tie is over, for a person to look at. A stranger finds
    nothing here."""
    visitor, child_id = await visitor_of(request), request.path_params.get("child_id")
    ended = Tie.filter(
        child_id=child_id, person_id=visitor.person_id, agency_id=visitor.agency_id
    ).filter(until_at__lte=now_of(request))
    roles = frozenset(Role(tie.role) for tie in await ended) if child_id else frozenset()
    # Any agency that has the child now gets it: nothing written before the transfer is lost.
    child = await Child.get_or_none(id=child_id) if roles else None
    if child is None:
        raise nothing_here()
    payload, author = await _batch(request), await _author(request, roles)
    read = [wire.read_change(change) for change in payload.changes]
    good = [entry for entry in read if isinstance(entry, Said)]
    taken = iter(await actions.quarantine(author, child, good, now_of(request)))
    language = language_of(request)
    results = [
        wire.result_out(next(taken) if isinstance(entry, Said) else entry, language)
        for entry in read
    ]
    epoch = await epoch_out()
    return json_answer(
        {"results": results, "changes": [], "cursor": payload.cursor, "epoch": epoch}
    )


# --- changes in


async def _taken(
    request: Request, author: Author, child: Child, payload: wire.SyncRequest
) -> list[dict[str, Any]]:
    read = [wire.read_change(change) for change in payload.changes]
    good = [entry for entry in read if isinstance(entry, Said)]
    taken = iter(await actions.take(author, child, good, now_of(request)))
    language = language_of(request)
    return [
        wire.result_out(next(taken) if isinstance(entry, Said) else entry, language)
        for entry in read
    ]


# --- the project out


async def _shown(child: Child, stored: LifeProject | None = None) -> view.Document:
    stored = stored or await LifeProject.get_or_none(child_id=child.id)
    return (stored.shown if stored else None) or view.document(State(str(child.id)))


async def _for(
    request: Request, child: Child, roles: frozenset[Role], shown: view.Document
) -> view.Document:
    visitor = await visitor_of(request)
    agency = await Agency.get(id=child.agency_id)
    people = await batch.people_of(child, agency, now_of(request))
    codes = frozenset(role.value for role in roles)
    seen = view.for_reader(shown, str(visitor.person_id), codes)
    zone = known_zone(visitor.zone)
    me = people[str(child.id)]
    return view.named(seen, people) | {
        "child": {"id": me["id"], "name": me["name"]},
        "status": view.status_on(shown, now_of(request).astimezone(zone).date()),
        "people": list(people.values()),
    }


Cursor = Annotated[str, msgspec.Meta(pattern="^[0-9]{0,18}(-[0-9a-f]{8})?$")]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST_CHANGES)]
_CHILD = "/api/v1/children/{child_id:uuid}"


def _both(method: str, path: str, handler: Any, summary: str, **how: Any) -> list[Any]:
    """The same call for the child whose session it is, and for everyone else with a tie."""
    return [
        api(method, f"/api/v1{path}", handler, summary, **how),
        api(method, f"{_CHILD}{path}", handler, f"{summary}, of a child", **how),
    ]


routes = [
    *_both(
        "GET",
        "/project",
        project,
        "The life project",
        gives={200: wire.ProjectOut},
        query={"revision": Revision},
    ),
    *_both(
        "GET",
        "/project.pdf",
        on_paper,
        "The life project on paper",
        gives={200: None},
        query={"language": Language, "part": life_project.Part},
        media_type="application/pdf",
    ),
    *_both(
        "GET",
        "/project/whole",
        as_file,
        "The whole of the project as a file",
        gives={200: wire.WholeOut},
    ),
    *_both(
        "POST",
        "/sync",
        sync,
        "Changes in and out",
        takes=wire.SyncRequest,
        gives={200: wire.SyncOut},
    ),
    *_both(
        "GET",
        "/project/history",
        history,
        "Every change ever made",
        gives={200: wire.HistoryOut},
        query={"after": Cursor, "limit": Limit},
    ),
    *_both(
        "GET",
        "/project/live",
        project_live,
        "Hear of changes",
        gives={200: None},
        media_type="text/event-stream",
    ),
    api(
        "GET",
        f"{_CHILD}/quarantine",
        quarantined,
        "Changes that came over an ended tie",
        gives={200: wire.QuarantineOut},
        query={"after": UUID},
        problems=(Refused,),
    ),
    api(
        "POST",
        f"{_CHILD}/quarantine/{{change_id:uuid}}",
        decide,
        "Let such a change in, or leave it out",
        takes=wire.DecisionIn,
        gives={200: wire.ResultOut},
    ),
]
