"""The people a child trusts: checked at the desk, and asked by a link that shows nothing of the
child."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, NotFound, Refused, WaymarkError
from server.i18n import N_, NAMES, supported_language
from server.notify.channels.configured import typed_channels
from server.notify.rules import EMAIL
from server.notify.wording import channel_title
from server.people.access import desk_child, now_of, visitor_of
from server.people.models import Agency, Child, Person
from server.people.rules import Action
from server.people.settings_pages import check_address
from server.people.words import entered, form_fault
from server.watch.trusted import contacts
from server.watch.trusted.models import Trusted, TrustedAsk
from server.web.rendering import language_of, page
from server.web.requests import form_body


async def show(request: Request) -> Response:
    """The people the child named, and what was decided about each."""
    child, _ = await desk_child(request, Action.TRUSTED_DECIDE)
    return await _page(request, child)


async def decide(request: Request) -> Response:
    """Yes, with the way to reach the person; or no, with a reason that the child reads."""
    child, _ = await desk_child(request, Action.TRUSTED_DECIDE)
    visitor, form = await visitor_of(request), await form_body(request)
    trusted_id, now = request.path_params["trusted_id"], now_of(request)
    fields = {
        key: entered(form, key) for key in ("answer", "channel", "address", "language", "why")
    }
    try:
        if fields["answer"] == "yes":
            check_address(request, fields["channel"], fields["address"])
            contact = contacts.Contact(fields["channel"], fields["address"], fields["language"])
            await contacts.say_yes(visitor, child.id, trusted_id, contact, now)
        elif fields["answer"] == "no":
            await contacts.say_no(visitor, child.id, trusted_id, fields["why"], now)
        else:
            raise Refused(N_("Choose yes or no."), field="answer")
    except (Refused, Conflict) as fault:
        return await _page(request, child, {**fields, "of": str(trusted_id)}, fault)
    return RedirectResponse(f"/desk/children/{child.id}/trusted", status_code=303)


async def _page(
    request: Request,
    child: Child,
    fields: dict[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    rows = await Trusted.filter(child_id=child.id).exclude(state="withdrawn").order_by("named_at")
    ids = [row.decided_by for row in rows if row.decided_by is not None]
    names = typed_channels(request.app.state.settings)
    context = {
        "child": await Person.get(id=child.id),
        "rows": rows,
        "names": {person.id: person.name for person in await Person.filter(id__in=ids)},
        "channels": [(name, channel_title(name, language)) for name in names],
        "languages": list(NAMES.items()),
        "given": {"of": "", "channel": EMAIL, "address": "", "why": "", **(fields or {})},
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "watch/trusted/trusted.html", context, status=status)


# --- the link


async def show_ask(request: Request) -> Response:
    """One question, without a name. Looking answers nothing: machines look at links too."""
    try:
        question = await contacts.read_ask(request.path_params["asked"], now_of(request))
    except NotFound:
        return _ask_page(request, {"state": "over"}, status=404)
    return await _of(request, question)


async def answer(request: Request) -> Response:
    """The person's one tap. A second tap changes nothing, and shows the answer to the first."""
    reply = entered(await form_body(request), "answer")
    token, now = request.path_params["asked"], now_of(request)
    try:
        question = await contacts.read_ask(token, now)
        if reply in ("spoke", "not"):
            question = await contacts.answer(token, reply, now)
    except NotFound:
        return _ask_page(request, {"state": "over"}, status=404)
    return await _of(request, question)


async def _of(request: Request, question: TrustedAsk) -> Response:
    agency = await Agency.get(id=question.agency_id)
    name = {"display_name": agency.display_name} if agency.display_name else {}
    state = {
        "state": question.answer or "ask",
        "language": supported_language(question.trusted.language),
    }
    return _ask_page(request, {**state, **name})


def _ask_page(request: Request, context: dict[str, Any], *, status: int = 200) -> Response:
    usual = {"display_name": request.app.state.settings.display_name}
    return page(request, "watch/trusted/ask.html", {**usual, **context}, status=status)


_CHILD = "/desk/children/{child_id:uuid}/trusted"

routes = [
    Route(_CHILD, show, methods=["GET"]),
    Route(f"{_CHILD}/{{trusted_id:uuid}}", decide, methods=["POST"]),
    Route("/ask/{asked}", show_ask, methods=["GET"]),
    Route("/ask/{asked}", answer, methods=["POST"]),
]
