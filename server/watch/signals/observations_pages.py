""" "I noticed something": one page, a tap for each sign, and a way back from a wrong one.

An adult sees what they noted themselves in the last hour, and nothing of other people.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.i18n import N_, gettext
from server.people.access import Roles, desk_child, now_of, staff_of
from server.people.desk_forms import LONGEST_WORDS, strongest, words_of
from server.people.models import Child, Person
from server.people.rules import Action, may
from server.people.words import entered, form_fault
from server.watch.signals import observations
from server.watch.signals.models import Observation
from server.watch.signals.observations import TAKE_BACK_WITHIN, ObservationRequest
from server.watch.signals.warning_signs import GROUPS, SIGNS
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """The signs to note, and those the visitor has just noted."""
    child, roles = await desk_child(request, Action.OBSERVATION_NOTE)
    return await _page(request, child, roles)


async def note(request: Request) -> Response:
    """The tap."""
    child, roles = await desk_child(request, Action.OBSERVATION_NOTE)
    form, now = await form_body(request), now_of(request)
    try:
        visitor = await staff_of(request)
        asked = ObservationRequest(_id_of(form), entered(form, "sign"), words_of(form))
        await observations.note(visitor, child, strongest(roles, visitor), asked, now)
    except WaymarkError as fault:
        return await _page(request, child, roles, form, fault)
    return _again(child)


async def take_back(request: Request) -> Response:
    """It was a mistake."""
    child, _ = await desk_child(request, Action.OBSERVATION_NOTE)
    id_ = request.path_params["observation_id"]
    await observations.take_back(await staff_of(request), child, id_, now_of(request))
    return _again(child)


def _again(child: Child) -> Response:
    return RedirectResponse(f"/desk/children/{child.id}/observation", status_code=303)


def _id_of(form: FormData) -> UUID:
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        raise Refused(N_("“{field}” is not valid here."), field="id") from None


async def _page(
    request: Request,
    child: Child,
    roles: Roles,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    visitor = await staff_of(request)
    path = f"/desk/children/{child.id}"
    context = {
        "child": await Person.get(id=child.id),
        "path": path,
        "home": path if may(roles, Action.HISTORY_SEE) else "/desk/",
        "groups": [
            (gettext(language, title), [(code, gettext(language, words)) for code, words in signs])
            for title, signs in GROUPS
        ],
        "mine": [
            (
                observation.id,
                gettext(language, SIGNS[observation.sign]),
                when(language, observation.at, zone, now),
            )
            for observation in await _mine(child, visitor.person_id, now)
        ],
        "id": uuid4(),
        "words": entered(form, "words")[:LONGEST_WORDS] if form is not None else "",
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "watch/signals/observation.html", context, status=status)


async def _mine(child: Child, person_id: UUID, now: datetime) -> Sequence[Observation]:
    """What this reader noted, and could still take back."""
    mine = Observation.filter(child_id=child.id, by_id=person_id, taken_back_at__isnull=True)
    return await mine.filter(at__gte=now - TAKE_BACK_WITHIN).order_by("-at", "-id")


_PATH = "/desk/children/{child_id:uuid}/observation"

routes = [
    Route(_PATH, show, methods=["GET"]),
    Route(_PATH, note, methods=["POST"]),
    Route(f"{_PATH}/{{observation_id:uuid}}/back", take_back, methods=["POST"]),
]
