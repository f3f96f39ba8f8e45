"""The desk's pages of what a child asked about the record: the list, and one with its answer."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, Refused, WaymarkError
from server.people.access import Roles, desk_child, nothing_here, now_of, visitor_of
from server.people.models import Child, Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.questions import actions, reading
from server.questions.entries import as_shown, asked_about
from server.questions.models import RecordQuestion
from server.tasks.rules import Kind
from server.tasks.turns import until
from server.web.rendering import language_of, page
from server.web.requests import form_body, page_number


async def show_all(request: Request) -> Response:
    """What waits for an answer, then what has one, a page at a time."""
    child, roles = await desk_child(request, Action.RECORD_ANSWER)
    number = page_number(request)
    waiting = await reading.unanswered(child.id, roles)
    answered, pages = await reading.answered(child.id, roles, number)
    language, now = language_of(request), now_of(request)
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "waiting": [as_shown(row, language) for row in waiting],
        "answered": [as_shown(row, language) for row in answered],
        "names": await reading.names(answered),
        "until": lambda at: until(Kind.QUESTION, at),
        "number": min(number, pages),
        "pages": pages,
        "now": now,
    }
    return page(request, "questions/questions.html", context)


async def show(request: Request) -> Response:
    """One question, with its answer, or where it is written."""
    child, roles = await desk_child(request, Action.RECORD_ANSWER)
    return await _page(request, child, await _question(request, child, roles))


async def answer(request: Request) -> Response:
    """The answer, which the child reads."""
    child, roles = await desk_child(request, Action.RECORD_ANSWER)
    question = await _question(request, child, roles)
    words = entered(await form_body(request), "answer")
    visitor, now = await visitor_of(request), now_of(request)
    try:
        await actions.answer(visitor, child, question.id, words, now)
    except (Refused, Conflict) as fault:
        question = await _question(request, child, roles)
        return await _page(request, child, question, words, fault)
    return RedirectResponse(f"/desk/children/{child.id}/questions", status_code=303)


async def _question(request: Request, child: Child, roles: Roles) -> RecordQuestion:
    asked: UUID = request.path_params["record_question_id"]
    question = await reading.readable(child.id, asked, roles)
    if question is None:
        raise nothing_here()
    return question


async def _page(
    request: Request,
    child: Child,
    question: RecordQuestion,
    words: str = "",
    fault: WaymarkError | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "asked": await asked_about(child, question, language, now),
        "names": await reading.names([question]),
        "until": lambda at: until(Kind.QUESTION, at),
        "words": words,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "questions/question.html", context, status=status)


_PATH = "/desk/children/{child_id:uuid}/questions"

routes = [
    Route(_PATH, show_all, methods=["GET"]),
    Route(f"{_PATH}/{{record_question_id:uuid}}", show, methods=["GET"]),
    Route(f"{_PATH}/{{record_question_id:uuid}}", answer, methods=["POST"]),
]
