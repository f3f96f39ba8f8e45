"""What the agency offers, at the desk: a list, and a form for each. They work without a script."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, Refused, WaymarkError
from server.i18n import N_, NAMES, gettext
from server.people.access import Visitor, agency_for, now_of
from server.people.rules import AgencyAction, Role
from server.people.words import ROLES, entered, form_fault
from server.plan.goal_templates import actions as template_actions
from server.plan.goal_templates import rules as template
from server.plan.goal_templates.actions import offer_of
from server.plan.goal_templates.rules import MOST_STEPS, Offer, Step
from server.plan.models import Template
from server.plan.words import AREAS
from server.web.rendering import language_of, page
from server.web.requests import form_body

DONE: Mapping[str, str] = {
    "added": N_("The template is now offered."),
    "changed": N_("Template changed. What was made from it stays as it is."),
    "retired": N_("The template is not offered any longer. What was made from it stays as it is."),
    "again": N_("The template is offered again."),
}
OWNERS: Mapping[str, str] = {
    "child": ROLES[Role.CHILD],
    "caseworker": ROLES[Role.CASEWORKER],
    "agency": N_("the agency"),
    "guardian": ROLES[Role.GUARDIAN],
    "carer": ROLES[Role.CARER],
}
_STEP = ("text", "who", "days")
_FIELDS = (
    *("kind", "language", "age_from", "age_to", "words", "why", "success_sign"),
    *(f"{name}_{number}" for number in range(1, MOST_STEPS + 1) for name in _STEP),
)


async def show(request: Request) -> Response:
    """The current offers, by area, and the retired ones."""
    visitor = await _visitor(request)
    language = language_of(request)
    query = Template.filter(agency_id=visitor.agency_id)
    # Within an area, templates in the same language are next to each other.
    rows = await query.order_by("language", "made_at", "id")
    offered = [row for row in rows if row.retired_at is None]
    code = request.query_params.get("done", "")
    context = {
        "areas": [
            (gettext(language, word), [_line(row, language) for row in offered if row.kind == kind])
            for kind, word in AREAS.items()
            if any(row.kind == kind for row in offered)
        ],
        "retired": [_line(row, language) for row in rows if row.retired_at is not None],
        "done": gettext(language, DONE[code]) if code in DONE else None,
        "now": now_of(request),
    }
    return page(request, "plan/templates.html", context)


async def new(request: Request) -> Response:
    """An empty form."""
    visitor = await _visitor(request)
    given = dict.fromkeys(_FIELDS, "") | {"language": visitor.language}
    return _form_page(request, given, id_=uuid4())


async def add(request: Request) -> Response:
    """Add a template."""
    visitor, form = await _visitor(request), await form_body(request)
    given = {name: entered(form, name) for name in _FIELDS}
    try:
        id_ = _id(form)
        offer = template.read(given)
        await template_actions.add(visitor, _agency(visitor), id_, offer, now_of(request))
    except WaymarkError as fault:
        # The next try is another form: the id of this one does not block it.
        return _form_page(request, given, id_=uuid4(), fault=fault)
    return _to("added")


async def edit(request: Request) -> Response:
    """The form with the current offer."""
    visitor = await _visitor(request)
    row = await template_actions.template_of(_agency(visitor), request.path_params["template_id"])
    given = template.typed_of(offer_of(row))
    return _form_page(request, given, edited=Edited(row, row.version))


async def change(request: Request) -> Response:
    """Change the words from now on."""
    visitor, form = await _visitor(request), await form_body(request)
    row = await template_actions.template_of(_agency(visitor), request.path_params["template_id"])
    given = {name: entered(form, name) for name in _FIELDS}
    try:
        offer, version = template.read(given), _version(form)
        await template_actions.change(
            visitor, _agency(visitor), row.id, offer, version, now=now_of(request)
        )
    except WaymarkError as fault:
        # A reader who has seen that another person was faster may go on, and then overwrites
        # knowingly.
        is_behind = isinstance(fault, Conflict)
        seen = row.version if is_behind else _version_or(form, row.version)
        meanwhile = offer_of(row) if is_behind else None
        return _form_page(request, given, edited=Edited(row, seen, meanwhile), fault=fault)
    return _to("changed")


async def retire(request: Request) -> Response:
    """Stop offering it."""
    return await _turned(request, template_actions.retire, "retired")


async def offer_again(request: Request) -> Response:
    """Offer it again."""
    return await _turned(request, template_actions.offer_again, "again")


async def _turned(request: Request, verb: Any, done: str) -> Response:
    visitor = await _visitor(request)
    now: datetime = now_of(request)
    await verb(visitor, _agency(visitor), request.path_params["template_id"], now)
    return _to(done)


async def _visitor(request: Request) -> Visitor:
    return await agency_for(request, AgencyAction.TEMPLATES_CHANGE)


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


def _id(form: FormData) -> UUID:
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        raise Refused(N_("“{field}” is not valid here."), field="id") from None


def _version(form: FormData) -> int:
    text = entered(form, "version")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(N_("“{field}” is not valid here."), field="version")
    return int(text)


def _version_or(form: FormData, other: int) -> int:
    try:
        return _version(form)
    except Refused:
        return other


def _line(row: Template, language: str) -> dict[str, Any]:
    """One template as the list has it."""
    offer = offer_of(row)
    return {
        "id": row.id,
        "words": offer.words,
        "area": gettext(language, AREAS[offer.kind]),
        "language": NAMES.get(offer.language or "", gettext(language, N_("Another language"))),
        "ages": _ages(offer, language),
        "steps": len(offer.steps),
        "retired_at": row.retired_at,
    }


def _ages(offer: Offer, language: str) -> str:
    low, high = offer.age_from, offer.age_to
    if low is not None and high is not None:
        return gettext(language, N_("ages {low} to {high}"), low=low, high=high)
    if low is not None:
        return gettext(language, N_("ages {low} and over"), low=low)
    return gettext(language, N_("ages up to {high}"), high=high) if high is not None else ""


class Edited(msgspec.Struct, frozen=True):
    """The template that a form changes, from which version, and what another person wrote
    meanwhile."""

    row: Template
    version: int
    meanwhile: Offer | None = None


def _form_page(
    request: Request,
    given: Mapping[str, str],
    *,
    id_: UUID | None = None,
    edited: Edited | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    meanwhile = edited.meanwhile if edited is not None else None
    context = {
        "given": given,
        "fields": _FIELDS,
        "id": id_,
        "row": edited.row if edited is not None else None,
        "version": edited.version if edited is not None else 0,
        "numbers": range(1, MOST_STEPS + 1),
        # Steps without a text are last and folded, so that the form stays short.
        "shown": max((n for n in range(1, MOST_STEPS + 1) if given[f"text_{n}"]), default=0),
        "kinds": [(kind, gettext(language, word)) for kind, word in AREAS.items()],
        "languages": [*NAMES.items(), ("", gettext(language, N_("Another language")))],
        "owners": [(code, gettext(language, word)) for code, word in OWNERS.items()],
        "longest": template,
        "meanwhile": _said(meanwhile) if meanwhile else "",
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "plan/template.html", context, status=status)


def _said(offer: Offer) -> str:
    """What another person has written meanwhile, to read before overwriting it."""
    steps: tuple[Step, ...] = offer.steps
    parts = [offer.words, offer.why, offer.success_sign, *(step.text for step in steps)]
    return "\n".join(part for part in parts if part)


def _to(done: str) -> RedirectResponse:
    return RedirectResponse(f"/desk/templates?done={done}", status_code=303)


_ONE = "/desk/templates/{template_id:uuid}"

routes = [
    Route("/desk/templates", show, methods=["GET"]),
    Route("/desk/templates/new", new, methods=["GET"]),
    Route("/desk/templates/new", add, methods=["POST"]),
    Route(_ONE, edit, methods=["GET"]),
    Route(_ONE, change, methods=["POST"]),
    Route(f"{_ONE}/retire", retire, methods=["POST"]),
    Route(f"{_ONE}/again", offer_again, methods=["POST"]),
]
