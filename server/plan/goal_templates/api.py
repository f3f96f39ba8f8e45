"""What an agency offers, for phones: only a few ideas for a goal and its steps.

Where the day of birth is known, templates for another age are left out; else all are offered, with
their ages.
"""

from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.clock import known_zone
from server.i18n.languages import Language
from server.people.access import child_for, now_of, own_child, visitor_of
from server.people.rules import Action
from server.plan.goal_templates.actions import offer_of
from server.plan.goal_templates.rules import age_on, fits_age
from server.plan.models import Template
from server.web.openapi import ApiRoute, api, query_of
from server.web.requests import header
from server.web.responses import json_answer

Age = Annotated[int, msgspec.Meta(ge=0, le=25)]


Owner = Literal["child", "caseworker", "agency", "guardian", "carer"]


class StepOut(msgspec.Struct):
    """A step of a template: the role that it is for, and the days until it would be due."""

    text: str
    who: Owner | None
    days: int | None


class TemplateOut(msgspec.Struct):
    """A goal in the words of a child, and steps; ages are whole years, both included."""

    id: UUID
    kind: str
    language: Language | None
    age_from: Age | None
    age_to: Age | None
    words: str
    why: str | None
    success_sign: str | None
    steps: list[StepOut]


class TemplatesOut(msgspec.Struct):
    """What is offered now."""

    templates: list[TemplateOut]


async def templates(request: Request) -> Response:
    """The agency's offers for the child: all, or those in one language and in none of ours."""
    language = query_of(request, language=Language)["language"]
    named = request.path_params.get("child_id")
    if named is None:
        child, _ = await own_child(request, Action.TEMPLATES_SEE)
    else:
        child, _ = await child_for(request, named, Action.TEMPLATES_SEE)
    zone = known_zone((await visitor_of(request)).zone)
    age = age_on(child.birthday, now_of(request).astimezone(zone).date())
    rows = Template.filter(agency_id=child.agency_id, retired_at__isnull=True)
    offered = [
        _out(row)
        for row in await rows.order_by("made_at", "id")
        if language is None or row.language in (language, None)
        if fits_age(row.age_from, row.age_to, age)
    ]
    return _answer(request, TemplatesOut(offered))


def _out(row: Template) -> TemplateOut:
    return msgspec.convert({"id": row.id, **asdict(offer_of(row))}, TemplateOut)


def _answer(request: Request, payload: TemplatesOut) -> Response:
    """Asked again with the tag of the answer before, it costs a few bytes.

    No browser may store it by itself, as with all our answers: an agency's offers reveal what this
    app is for. An app keeps it sealed, with its tag.
    """
    tag = f'"{sha256(msgspec.json.encode(payload)).hexdigest()[:24]}"'
    if tag in header(request.scope, b"if-none-match"):
        return Response(status_code=304, headers={"etag": tag})
    return json_answer(payload, headers={"etag": tag})


def _described(path: str, summary: str) -> ApiRoute:
    return api(
        "GET",
        f"/api/v1{path}",
        templates,
        summary,
        gives={200: TemplatesOut, 304: None},
        query={"language": Language},
        headers={"if-none-match": "the `etag` of an answer that is kept"},
    )


routes = [
    _described("/project/templates", "What the agency offers for a goal"),
    _described(
        "/children/{child_id:uuid}/project/templates",
        "What the agency offers for a goal, of a child",
    ),
]
