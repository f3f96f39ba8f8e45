"""What a phone answers to the question that the child shares with the caseworker."""

from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.checkin import shared_question
from server.checkin.shared_question import LONGEST
from server.errors import IdReused, NotFound
from server.people.access import now_of, own_child, visitor_of
from server.people.rules import Action
from server.web.openapi import api
from server.web.requests import json_body


class QuestionAnswer(msgspec.Struct):
    """An answer. The id is made on the phone; sending it again changes nothing."""

    id: UUID
    words: Annotated[str, msgspec.Meta(max_length=LONGEST)]


async def answer(request: Request) -> Response:
    """Whether that was what was agreed is not said."""
    child, _ = await own_child(request, Action.CHECK_IN)
    payload = await json_body(request, QuestionAnswer)
    await shared_question.answer(
        await visitor_of(request),
        child.id,
        id_=payload.id,
        question_id=request.path_params["question_id"],
        words=payload.words,
        now=now_of(request),
    )
    return Response(status_code=204)


routes = [
    api(
        "POST",
        "/api/v1/me/questions/{question_id:uuid}",
        answer,
        "Answer the shared question",
        takes=QuestionAnswer,
        gives={204: None},
        problems=(NotFound, IdReused),
    ),
]
