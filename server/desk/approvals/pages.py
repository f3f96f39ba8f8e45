"""A request to a second person: what is asked and why, who is asked, and yes or no in one tap."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.approvals import actions as approvals
from server.approvals.models import Approval
from server.approvals.rules import State, What
from server.desk.approvals.access import Reading, approval_for
from server.desk.approvals.words import MEANWHILE, QUESTIONS, YES, facts_of, outcome_of
from server.errors import Conflict, Refused
from server.i18n import N_, gettext
from server.people.access import now_of, staff_of
from server.people.desk_forms import words_of
from server.people.models import Person
from server.people.words import FormFault, entered, form_fault
from server.tasks.models import Task
from server.tasks.rules import Kind
from server.tasks.rules import State as TaskState
from server.tasks.turns import turns_of
from server.watch.absence.models import AbsenceRequest
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """What is asked, or what has become of it."""
    return await _page(request, await approval_for(request))


async def answer(request: Request) -> Response:
    """Yes or no."""
    reading, form = await approval_for(request), await form_body(request)
    visitor, now = await staff_of(request), now_of(request)
    given = entered(form, "answer")
    try:
        if given not in ("yes", "no"):
            raise Refused(N_("Choose yes or no."), field="answer")
        words = words_of(form)
        await approvals.decide(
            visitor, reading.approval.id, is_yes=given == "yes", words=words, now=now
        )
    except (Conflict, Refused) as fault:
        error = form_fault(fault, language_of(request))
        return await _page(request, await approval_for(request), error, fault.status, form=form)
    return _again(reading.approval)


async def take_back(request: Request) -> Response:
    """The person who asked does not want it any more."""
    reading = await approval_for(request)
    visitor, now = await staff_of(request), now_of(request)
    try:
        await approvals.take_back(visitor, reading.approval.id, now)
    except Conflict as fault:
        error = form_fault(fault, language_of(request))
        return await _page(request, await approval_for(request), error, fault.status)
    return _again(reading.approval)


def _again(approval: Approval) -> Response:
    return RedirectResponse(f"/desk/approvals/{approval.id}", status_code=303)


async def _page(
    request: Request,
    reading: Reading,
    error: FormFault | None = None,
    status: int = 200,
    *,
    form: Any = None,
) -> Response:
    approval, language, now = reading.approval, language_of(request), now_of(request)
    zone, what = zone_of(request), What(approval.what)
    names = await _names(approval)
    context: dict[str, Any] = {
        "approval": approval,
        "is_asker": reading.is_asker,
        "may_answer": reading.may_answer,
        "is_open": approval.state == State.WAITING,
        "sees_child": reading.sees_child,
        "outcome": outcome_of(approval, names, language, zone, now),
        "error": error,
        "given": entered(form, "words") if form is not None else "",
        "now": now,
    }
    if reading.sees_child:
        context |= {
            "child": names[approval.child_id],
            "asker": names.get(approval.asked_by, ""),
            "asked": when(language, approval.asked_at, zone, now),
            "question": gettext(language, QUESTIONS[what], name=names[approval.child_id]),
            "facts": facts_of(approval, language, zone, now),
            "words": approval.content.get("words"),
            **await _by_child(approval, names),
            "yes": gettext(language, YES[what]),
            "meanwhile": gettext(language, MEANWHILE[what]),
            "people": await _asked(approval, request),
            "alert": approval.subject_id if what is What.CLOSE else None,
        }
    return page(request, "desk/approval.html", context, status=status)


async def _by_child(approval: Approval, names: Mapping[object, str]) -> dict[str, Any]:
    """Whose words these are: of an absence that the child asked for, the child's. Their request has
    the signs beside it that something may be wrong."""
    asked = AbsenceRequest.filter(id=approval.subject_id, child_id=approval.child_id)
    if What(approval.what) is not What.ABSENCE or not await asked.exists():
        return {"speaker": names.get(approval.asked_by, ""), "request_path": None}
    path = f"/desk/children/{approval.child_id}/absences/{approval.subject_id}"
    return {"speaker": names[approval.child_id], "request_path": path}


async def _names(approval: Approval) -> dict[object, str]:
    ids = [approval.child_id, approval.asked_by, approval.decided_by]
    people = Person.filter(id__in=[id_ for id_ in ids if id_ is not None])
    return {id_: name for id_, name in await people.values_list("id", "name")}


async def _asked(approval: Approval, request: Request) -> list[str]:
    """The people whose turn it is, by name."""
    task = await Task.get_or_none(kind=Kind.APPROVAL, subject_id=approval.id, state=TaskState.OPEN)
    if task is None:
        return []
    people: frozenset[UUID] = (await turns_of([task], now_of(request)))[task.id]
    rows = Person.filter(id__in=list(people))
    return sorted(await rows.values_list("name", flat=True))  # type: ignore[arg-type]


_APPROVAL = "/desk/approvals/{approval_id:uuid}"

routes = [
    Route(_APPROVAL, show, methods=["GET"]),
    Route(f"{_APPROVAL}/answer", answer, methods=["POST"]),
    Route(f"{_APPROVAL}/back", take_back, methods=["POST"]),
]
