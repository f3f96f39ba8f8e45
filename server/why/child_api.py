"""What happened while the child was silent, over the API: for the child's own session alone."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.clock import known_zone
from server.errors import Refused
from server.people.access import now_of, own_child, visitor_of
from server.people.models import Person
from server.people.rules import Action
from server.web.openapi import api, query_of
from server.web.responses import json_answer
from server.why.child_story import Story, stories
from server.why.child_wording import sentence
from server.why.finding import own_names

# Where a page begins: microseconds since 1970. To a phone it is a word that it hands back.
Cursor = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,17}$")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class StepOut(msgspec.Struct):
    """One thing that happened, in the child's words. `code` is stable. A question about it names
    its `id`."""

    id: UUID
    at: datetime
    code: str
    text: str


class StoryOut(msgspec.Struct):
    """A check-in that was late. `is_over` false: what adults did is told later."""

    id: UUID
    due_at: datetime
    is_over: bool
    steps: list[StepOut]


class WhyOut(msgspec.Struct):
    """The late check-ins of the last four weeks, the newest first. `next`: where the next part
    begins; null: this was the last. A part may be empty and lead further."""

    stories: list[StoryOut]
    next: str | None


async def why(request: Request) -> Response:
    """What we did while I was silent, and why."""
    text = query_of(request, before=Cursor)["before"]
    child, _ = await own_child(request, Action.RECORD_EXPLAIN)
    visitor, now = await visitor_of(request), now_of(request)
    before = _EPOCH + int(text) * _INSTANT if text is not None else None
    told, further = await stories(child, now, before=before)
    name = await own_names(_people_in(told), child.agency_id)
    zone = known_zone((await Person.get(id=child.id)).zone)
    out = [
        StoryOut(
            story.id,
            story.due_at,
            story.is_over,
            [
                StepOut(
                    step.id,
                    step.at,
                    step.code,
                    sentence(step, story.due_at, visitor.language, zone, name),
                )
                for step in story.steps
            ],
        )
        for story in told
    ]
    return json_answer(WhyOut(out, _cursor(further)))


def _people_in(told: list[Story]) -> set[UUID]:
    return {step.who for story in told for step in story.steps if step.who is not None}


def _cursor(at: datetime | None) -> str | None:
    return str((at - _EPOCH) // _INSTANT) if at is not None else None


routes = [
    api(
        "GET",
        "/api/v1/why",
        why,
        "What you did while I was silent, and why",
        gives={200: WhyOut},
        query={"before": Cursor},
        problems=(Refused,),
    )
]
