"""What a phone asks about entries of the record, for its own child."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import IdReused, Refused
from server.people.access import now_of, own_child, visitor_of
from server.people.rules import Action
from server.questions import reading
from server.questions.actions import ask
from server.questions.models import RecordQuestion
from server.questions.rules import AskedOf, QuestionRequest
from server.web.openapi import api, query_of
from server.web.requests import json_body
from server.web.responses import json_answer


class EntryOut(msgspec.Struct):
    """The entry that a question is about: its list, its id there, when it was, and its words."""

    kind: str
    id: str
    at: datetime
    shown: str


class QuestionOut(msgspec.Struct):
    """A question of mine. `answer_by`: until when there is to be an answer; `answer`: null until
    then."""

    id: UUID
    about: EntryOut
    words: str
    to: str
    asked_at: datetime
    answer_by: datetime
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None


class AskedOut(msgspec.Struct):
    """Who can be asked, by name. Without a name, those who stand in are asked."""

    to: AskedOf
    names: list[str]


class QuestionsOut(msgspec.Struct):
    """My questions, the newest first. `next`: where the next part begins; null: this was the
    last."""

    questions: list[QuestionOut]
    to: list[AskedOut]
    next: UUID | None


async def mine(request: Request) -> Response:
    """What I asked, and the answers."""
    before = query_of(request, before=UUID)["before"]
    child, _ = await own_child(request, Action.RECORD_ASK)
    rows, further = await reading.own(child.id, before)
    names = await reading.names(rows)
    asked = await reading.who_can_be_asked(child.id, now_of(request))
    return json_answer(
        QuestionsOut(
            [_out(row, names.get(row.answered_by) if row.answered_by else None) for row in rows],
            [AskedOut(to, list(people)) for to, people in asked.items()],
            further,
        )
    )


async def ask_about(request: Request) -> Response:
    """I have a question about this."""
    child, _ = await own_child(request, Action.RECORD_ASK)
    payload = await json_body(request, QuestionRequest)
    row, is_new = await ask(await visitor_of(request), child, payload, now_of(request))
    names = await reading.names([row])
    by = names.get(row.answered_by) if row.answered_by else None
    return json_answer(_out(row, by), status=201 if is_new else 200)


def _out(row: RecordQuestion, by: str | None) -> QuestionOut:
    return QuestionOut(
        row.id,
        EntryOut(row.about_kind, row.about_id, row.about_at, row.shown or ""),
        row.words,
        row.to_role,
        row.asked_at,
        row.due_at,
        row.answer,
        row.answered_at,
        by,
    )


_PATH = "/api/v1/record-questions"

routes = [
    api(
        "GET",
        _PATH,
        mine,
        "My questions about what is recorded about me",
        gives={200: QuestionsOut},
        query={"before": UUID},
        problems=(Refused,),
    ),
    api(
        "POST",
        _PATH,
        ask_about,
        "Ask about an entry of what is recorded about me",
        takes=QuestionRequest,
        gives={201: QuestionOut, 200: QuestionOut},
        problems=(Refused, IdReused),
    ),
]
