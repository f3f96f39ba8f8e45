"""Checking in for a child: an adult enters the child's answer, and it is marked so."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4, uuid5

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.checkin.actions import record
from server.checkin.rules import LONGEST_NOTE, Answer, Want
from server.errors import IdReused, Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, desk_child, now_of, staff_of
from server.people.desk_forms import back_to, strongest
from server.people.models import Person
from server.people.rules import Action, Role, may
from server.people.words import entered, form_fault
from server.policy.levels import Way
from server.web.rendering import language_of, page
from server.web.requests import form_body

MOODS = (N_("Awful"), N_("Bad"), N_("So-so"), N_("Good"), N_("Great"))


async def check_in(request: Request) -> Response:
    """The form for a child without a phone: an adult enters the child's answer, and it is marked
    so."""
    child, roles = await desk_child(request, Action.CHECK_IN_FOR)
    return await _check_in_page(request, child.id, roles)


async def record_for(request: Request) -> Response:
    """The answer of a child, given by an adult."""
    child, roles = await desk_child(request, Action.CHECK_IN_FOR)
    visitor, form, now = await staff_of(request), await form_body(request), now_of(request)
    try:
        answer = _answer_of(form, now)
        await record(visitor, strongest(roles, visitor), child.id, answer, now)
    except IdReused:
        pass  # The same form again: it was noted the first time.
    except WaymarkError as fault:
        return await _check_in_page(request, child.id, roles, form=form, fault=fault)
    return back_to(child.id, roles, "check-in")


def _answer_of(form: FormData, now: datetime) -> Answer:
    mood, want, note = entered(form, "mood"), entered(form, "want"), entered(form, "note")
    if mood and mood not in set("12345"):
        raise Refused(N_("Choose one of the five faces, or none."), field="mood")
    if want and want not in set(Want):
        raise Refused(N_("Choose what the child wants."), field="want")
    try:
        id_ = UUID(entered(form, "id"))
    except ValueError:
        id_ = uuid4()
    told = entered(form, "told")
    return Answer(
        # The same sent twice is one answer, and a second thought in the same form is another.
        id=uuid5(id_, "\n".join([mood, want, told, note])),
        said_at=now,
        mood=int(mood) if mood else None,
        note=note or None,
        want=Want(want or Want.NOTHING),
        way=Way.VOICE if told == Way.VOICE else Way.CARER,
    )


async def _check_in_page(
    request: Request,
    child_id: UUID,
    roles: Roles,
    *,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    given = {"id": str(uuid4()), "mood": "", "note": "", "want": Want.NOTHING.value, "told": ""}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context = {
        "child": await Person.get(id=child_id),
        "path": f"/desk/children/{child_id}",
        "given": given,
        "has_page": may(roles, Action.HISTORY_SEE),
        "moods": _moods(language),
        "is_carer": strongest(roles, await staff_of(request)) is Role.CARER,
        "longest": LONGEST_NOTE,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/check_in.html", context, status=status)


def _moods(language: str) -> Sequence[tuple[str, str]]:
    return [(str(number), gettext(language, word)) for number, word in enumerate(MOODS, 1)]


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(f"{_CHILD}/check-in", check_in, methods=["GET"]),
    Route(f"{_CHILD}/check-in", record_for, methods=["POST"]),
]
