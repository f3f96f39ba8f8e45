"""The agreed sign on the desk: agree on it, practise it, and read what it has said.

All pages are behind `fresh`: the reader has just shown who they are, so a desk left open tells
nobody anything.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.alerts.ladder import Cause
from server.auth.second_factor.reauthentication import fresh
from server.checkin import shared_question
from server.checkin.duress import agreed_sign, rules
from server.checkin.duress.models import DuressHeard, DuressSign
from server.checkin.models import CheckIn
from server.checkin.reading import said_before
from server.desk.alert_api import alert_for
from server.errors import Conflict, Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, Visitor, desk_child, looked, nothing_here, now_of
from server.people.models import Child, Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.watch.absence.models import AbsenceRequest
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

# The two ways, as children see them on their phone.
WAYS: Mapping[str, str] = {
    "a": N_("The large button: “I'm OK”, or “Send” after a face"),
    "b": N_("The line “Check-in” under it"),
}


async def _passed(request: Request) -> tuple[Visitor, Child, Roles]:
    """The visitor, who may agree on signs with this child and has just shown who they are."""
    child, roles = await desk_child(request, Action.SIGN_AGREE)
    visitor = await fresh(request, back=_path(child))
    return visitor, child, roles


def _path(child: Child) -> str:
    return f"/desk/children/{child.id}/sign"


async def show(request: Request) -> Response:
    """What is agreed, and whether it was heard."""
    visitor, child, _ = await _passed(request)
    await looked(visitor, [child.id], f"look:{Action.SIGN_AGREE}", now_of(request))
    return await _page(request, child)


async def agree(request: Request) -> Response:
    """This means it from now on."""
    visitor, child, _ = await _passed(request)
    form = await form_body(request)
    try:
        sign = rules.agreed(entered(form, "mark") or None, entered(form, "word"))
        await agreed_sign.agree(visitor, child, sign, now_of(request))
    except Refused as fault:
        given = {"mark": entered(form, "mark"), "word": entered(form, "word")}
        return await _page(request, child, given, fault)
    return _back(child)


async def end(request: Request) -> Response:
    """Nothing is agreed any more."""
    visitor, child, _ = await _passed(request)
    await agreed_sign.end(visitor, child, now_of(request))
    return _back(child)


async def practise(request: Request) -> Response:
    """Together, with the phone in hand."""
    visitor, child, _ = await _passed(request)
    return await _tried(request, child, agreed_sign.practise(visitor, child, now_of(request)))


async def call(request: Request) -> Response:
    """The sign came during practice, and was meant."""
    visitor, child, _ = await _passed(request)
    await agreed_sign.call_all_the_same(visitor, child, now_of(request))
    return _back(child)


async def agree_question(request: Request) -> Response:
    """A question that only these two can answer."""
    visitor, child, _ = await _passed(request)
    form, now = await form_body(request), now_of(request)
    question, answer = entered(form, "question"), entered(form, "answer")
    return await _tried(
        request, child, shared_question.agree(visitor, child, question, answer, now)
    )


async def ask(request: Request) -> Response:
    """The phone asks it when it is opened next."""
    visitor, child, _ = await _passed(request)
    return await _tried(request, child, shared_question.ask(visitor, child, now_of(request)))


async def _tried(request: Request, child: Child, verb: Any) -> Response:
    try:
        await verb
    except (Conflict, Refused) as fault:
        return await _page(request, child, None, fault)
    return _back(child)


def _back(child: Child) -> Response:
    return RedirectResponse(_path(child), status_code=303)


async def _page(
    request: Request,
    child: Child,
    given: Mapping[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    row = await agreed_sign.standing(child.id)
    stands = {name: value or "" for name, value in row.what.items()} if row else {}
    until = row.practise_until if row is not None else None
    context = {
        "child": await Person.get(id=child.id),
        "path": _path(child),
        "home": f"/desk/children/{child.id}",
        "sign": row,
        "ways": [(mark, gettext(language, words)) for mark, words in WAYS.items()],
        "given": given or {"mark": "", "word": "", **stands},
        "says": _says(row, language),
        "is_practising": until is not None and until > now,
        "practise_until": until,
        "practice": agreed_sign.PRACTICE,
        "heard": await agreed_sign.heard_about(child.id),
        "question": await shared_question.standing(child.id),
        "answers": await shared_question.answers(child.id),
        "shown": partial(when, language_of(request), zone=zone_of(request), now=now_of(request)),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/sign.html", context, status=status)


def _says(row: DuressSign | None, language: str) -> list[str]:
    """What is agreed, in words."""
    if row is None:
        return []
    mark, word = row.what["mark"], row.what["word"]
    says = [gettext(language, WAYS[mark])] if mark else []
    return [*says, gettext(language, N_("The word “{word}”"), word=word)] if word else says


async def sealed(request: Request) -> Response:
    """Why an alert was opened whose reason is sealed: to those who may act."""
    alert, _ = await alert_for(request, Action.ALERT_ACKNOWLEDGE)
    if alert.cause != Cause.CONCERN:
        raise nothing_here()
    visitor = await fresh(request)
    await looked(visitor, [alert.child_id], f"look:{Action.SIGN_AGREE}", now_of(request))
    heard = await DuressHeard.filter(alert_id=alert.id).order_by("at")
    ids = [entry.check_in_id for entry in heard]
    answers = await CheckIn.filter(id__in=ids)
    notes = {row.id: row.note or "" for row in answers}
    waited = {row.id: said_before(row) for row in answers}
    for row in await AbsenceRequest.filter(id__in=ids):
        notes[row.id] = row.place if row.words is None else f"{row.place}\n{row.words}"
    context = {
        "child": await Person.get(id=alert.child_id),
        "alert": alert,
        "heard": [
            (entry, notes[entry.check_in_id], waited.get(entry.check_in_id)) for entry in heard
        ],
        "says": await _said_by(heard, language_of(request)),
        "shown": partial(when, language_of(request), zone=zone_of(request), now=now_of(request)),
        "now": now_of(request),
    }
    return page(request, "desk/sealed.html", context)


async def _said_by(heard: list[DuressHeard], language: str) -> list[str]:
    """The sign as it was agreed when it was given."""
    signs = await DuressSign.filter(id__in=[entry.sign_id for entry in heard])
    return list(dict.fromkeys(words for sign in signs for words in _says(sign, language)))


_CHILD = "/desk/children/{child_id:uuid}/sign"

routes = [
    Route(_CHILD, show, methods=["GET"]),
    Route(_CHILD, agree, methods=["POST"]),
    Route(f"{_CHILD}/end", end, methods=["POST"]),
    Route(f"{_CHILD}/practise", practise, methods=["POST"]),
    Route(f"{_CHILD}/call", call, methods=["POST"]),
    Route(f"{_CHILD}/question", agree_question, methods=["POST"]),
    Route(f"{_CHILD}/ask", ask, methods=["POST"]),
    Route("/desk/alerts/{alert_id:uuid}/sealed", sealed, methods=["GET"]),
]
