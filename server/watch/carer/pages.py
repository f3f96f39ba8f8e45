"""The carer's question: one tap, without signing in.

The link works once, shows a stranger no name, and opens nothing else. Reading the page answers
nothing: a mail server or a messenger may open links before a person does, and must not say "seen".
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.clock import known_zone
from server.errors import NotFound, Refused
from server.i18n import supported_language
from server.notify.devices import reached_of
from server.notify.push_health import UNREACHED
from server.people.access import now_of, visitor_or_none
from server.people.models import Agency, Child, Person
from server.people.words import entered
from server.storage.db import as_id
from server.watch.carer import questions
from server.watch.carer.asked import is_of_home
from server.watch.carer.messages import asked_together
from server.watch.carer.models import Question
from server.watch.forecast import Foreseen, Then, as_it_stands, if_not_seen, in_words
from server.watch.models import Watch
from server.watch.wording import initials, when
from server.web.rendering import UTC_ZONE, page
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """The question, or that it was answered, or that it is over."""
    question = await _question(request)
    if question is None:
        return _closed(request)
    return await _question_page(request, question)


async def answer(request: Request) -> Response:
    """Seen, or not seen. A second tap changes nothing, and shows the answer to the first."""
    question, reply = await _question(request), entered(await form_body(request), "answer")
    if question is None:
        return _closed(request)
    if reply in ("seen", "not_seen"):
        try:
            await questions.answer_question(question.id, reply, now_of(request))
        except Refused as fault:
            return _closed(request, fault)
    return RedirectResponse(request.url.path, status_code=303)


async def show_all(request: Request) -> Response:
    """The questions of one message, each with two buttons and a clock of its own."""
    question = await _question(request)
    if question is None:
        return _closed(request)
    asked_questions = await asked_together(question)
    if len(asked_questions) == 1:
        return RedirectResponse(f"/q/{request.path_params['token']}", status_code=303)
    return await _together_page(request, question, asked_questions)


async def answer_one(request: Request) -> Response:
    """Seen, or not seen, about one of them. The others stay as they are."""
    question, form = await _question(request), await form_body(request)
    if question is None:
        return _closed(request)
    which, reply = entered(form, "question"), entered(form, "answer")
    for asked in await asked_together(question):
        if str(asked.id) == which and reply in ("seen", "not_seen"):
            try:
                await questions.answer_question(asked.id, reply, now_of(request))
            except Refused as fault:
                return _closed(request, fault)
    return RedirectResponse(f"{request.url.path}#q-{which[:36]}", status_code=303)


def _closed(request: Request, fault: Refused | None = None) -> Response:
    is_passed_on = fault is not None and fault.detail == questions.PASSED_ON
    return _page(request, {"state": "over", "is_passed_on": is_passed_on}, status=404)


async def _question(request: Request) -> Question | None:
    try:
        id_ = questions.read_question(request.path_params["token"], now_of(request))
    except NotFound:
        return None
    return await Question.get_or_none(id=id_)


async def _question_page(request: Request, question: Question) -> Response:
    """In the carer's language, by the child's local clock, under the agency's neutral name."""
    carer = await Person.get(id=question.person_id)
    about = await _about(question, carer.language, now_of(request))
    who = await _who(request, question)
    return _page(request, {**await _frame(question, carer), **about, **who})


async def _who(request: Request, question: Question) -> dict[str, Any]:
    """The child's name, for the person asked once they have signed in. Anyone else with the link
    reads only the first letters, and those only where a home is asked: its people have to
    know which of its children is meant."""
    is_named = await _is_theirs(request, question)
    if not is_named and not await is_of_home(question, now_of(request)):
        return {"who": "", "named": False}
    child = await Child.get(id=question.child_id)
    others = Child.filter(home_id=child.home_id, left_at__isnull=True).exclude(id=child.id)
    ids = [child.id, *await others.order_by("id").values_list("id", flat=True)]
    named = {
        person.id: person.name for person in await Person.filter(id__in=ids).only("id", "name")
    }
    # Those of one home, so that no two children have the same letters where it can be helped.
    letters = initials([named[as_id(id_)] for id_ in ids])[0]
    return {"who": named[child.id] if is_named else letters, "named": is_named}


async def _is_theirs(request: Request, question: Question) -> bool:
    visitor = await visitor_or_none(request)
    return visitor is not None and visitor.person_id == question.person_id


async def _together_page(
    request: Request, question: Question, asked_questions: Sequence[Question]
) -> Response:
    """The same for several children. Only the signed-in carer sees full names. Anyone else with the
    link sees the first letters, which are enough for a person who lives there."""
    carer, now = await Person.get(id=question.person_id), now_of(request)
    is_carer = await _is_theirs(request, question)
    ids = [asked.child_id for asked in asked_questions]
    named = {child.id: child.name for child in await Person.filter(id__in=ids)}
    names = [named[id_] for id_ in ids]
    lines = [
        {"id": asked.id, "name": name, **await _about(asked, carer.language, now)}
        for asked, name in zip(asked_questions, names if is_carer else initials(names), strict=True)
    ]
    lines.sort(key=lambda line: (line["state"] != "ask", line["name"].casefold()))
    waiting = sum(line["state"] == "ask" for line in lines)
    context = {
        **await _frame(question, carer),
        "lines": lines,
        "waiting": waiting,
        "named": is_carer,
    }
    return _page(request, context, template="watch/carer/questions.html")


async def _frame(question: Question, carer: Person) -> dict[str, Any]:
    agency = await Agency.get(id=question.agency_id)
    name = {"display_name": agency.display_name} if agency.display_name else {}
    return {"language": supported_language(carer.language), **name}


async def _about(question: Question, language: str, now: datetime) -> dict[str, Any]:
    """The facts about one question."""
    watch = await Watch.get_or_none(child_id=question.child_id)
    zone = known_zone(watch.zone) if watch is not None else UTC_ZONE
    missed_due_at = watch.missed_due_at if watch is not None else None
    called_at = watch.called_at if watch is not None and question.answer is None else None
    return {
        "state": question.answer or "ask",
        "has_come": not question.still_waits(missed_due_at),
        "then": await _then(question, watch, language, zone, now),
        "due": when(language, question.about_due_at, zone, now),
        "called_at": when(language, called_at, zone, now) if called_at is not None else "",
        "silent_since": await _silent_since(question, language, zone, now),
    }


async def _silent_since(
    question: Question, language: str, zone: ZoneInfo, now: datetime
) -> str | None:
    """Since when the phone has shown none of our reminders; None if it shows them, or we do not
    know."""
    push = (await reached_of([question.child_id], now)).get(question.child_id)
    if push is None or push.health not in UNREACHED:
        return None
    since = push.silent_since or push.seen_at
    return when(language, since, zone, now) if since is not None else None


async def _then(
    question: Question, watch: Watch | None, language: str, zone: ZoneInfo, now: datetime
) -> list[str]:
    """What follows from "not seen", before the carer taps and after."""
    is_answered = question.answer is not None
    if not is_answered:
        seen = await if_not_seen(question.child_id, now)
    elif await _is_called(question):
        seen = Foreseen(Then.KNOWN)
    else:
        seen = as_it_stands(watch)
    return in_words(seen, language, zone, now, to_carer=True, is_answered=is_answered)


async def _is_called(question: Question) -> bool:
    """Whether adults had been called about this child when the carer answered, or have been since;
    also if that alert is closed by now."""
    stood = Alert.filter(child_id=question.child_id, cause=Cause.SILENCE.value)
    if await stood.filter(closed_at__isnull=True).exists():
        return True
    return question.answered_at is not None and (
        await stood.filter(closed_at__gte=question.answered_at).exists()
    )


def _page(
    request: Request,
    context: dict[str, Any],
    *,
    template: str = "watch/carer/question.html",
    status: int = 200,
) -> Response:
    known_name = {"display_name": request.app.state.settings.display_name}
    return page(request, template, {**known_name, **context}, status=status)


routes = [
    Route("/q/{token}", show, methods=["GET"]),
    Route("/q/{token}", answer, methods=["POST"]),
    Route("/q/{token}/together", show_all, methods=["GET"]),
    Route("/q/{token}/together", answer_one, methods=["POST"]),
]
