"""Requests to a second person, over the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.approvals import actions as approvals
from server.approvals.models import Approval
from server.approvals.rules import State, What
from server.desk.approvals.access import approval_for
from server.errors import Conflict
from server.people.access import now_of, visitor_of
from server.watch.wire import Words
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class ApprovalOut(msgspec.Struct):
    """A request. `content` is what was asked, frozen: the body of the request that was held back.
    `why`: a code, where it was overtaken. Without a right to the child it has no content."""

    id: UUID
    what: What
    child_id: UUID
    subject_id: UUID
    content: dict[str, Any]
    asked_by: UUID
    asked_at: datetime
    state: State
    why: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    words: str | None
    may_answer: bool


class AnswerRequest(msgspec.Struct):
    """What the second person says, and why, if they want to."""

    answer: Literal["yes", "no"]
    words: Words | None = None


async def show(request: Request) -> Response:
    """What is asked."""
    reading = await approval_for(request)
    out = _out(reading.approval, may_answer=reading.may_answer, sees_child=reading.sees_child)
    return json_answer(out)


async def answer(request: Request) -> Response:
    """Yes or no. On yes it is done at once, if it still fits: `state` says so."""
    payload = await json_body(request, AnswerRequest)
    reading = await approval_for(request)
    settled = await approvals.decide(
        await visitor_of(request),
        reading.approval.id,
        is_yes=payload.answer == "yes",
        words=payload.words,
        now=now_of(request),
    )
    return json_answer(_out(settled, may_answer=False, sees_child=reading.sees_child))


async def take_back(request: Request) -> Response:
    """The person who asked does not want it any more."""
    reading = await approval_for(request)
    await approvals.take_back(await visitor_of(request), reading.approval.id, now_of(request))
    return Response(status_code=204)


def _out(approval: Approval, *, may_answer: bool, sees_child: bool) -> ApprovalOut:
    return ApprovalOut(
        id=approval.id,
        what=What(approval.what),
        child_id=approval.child_id,
        subject_id=approval.subject_id,
        content=approval.content if sees_child else {},
        asked_by=approval.asked_by,
        asked_at=approval.asked_at,
        state=State(approval.state),
        why=approval.why,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
        words=approval.words,
        may_answer=may_answer,
    )


_APPROVAL = "/api/v1/approvals/{approval_id:uuid}"

routes = [
    api("GET", _APPROVAL, show, "A request to a second person", gives={200: ApprovalOut}),
    api(
        "POST",
        f"{_APPROVAL}/answer",
        answer,
        "Say yes or no as the second person",
        takes=AnswerRequest,
        gives={200: ApprovalOut},
        problems=(Conflict,),
    ),
    api(
        "DELETE",
        _APPROVAL,
        take_back,
        "Take back what one asked a second person",
        gives={204: None},
        problems=(Conflict,),
    ),
]
