"""The list of a day, for people without an account: by a link, behind a PIN.

No cookie and no script: what opened it travels in the form. No page here says who asked for the
list, or why.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.audit.actions import Actor
from server.errors import NotFound, Refused, TooMany, WaymarkError
from server.i18n import supported_language
from server.people.access import now_of
from server.people.words import entered, form_fault
from server.policy.roll_call import Word
from server.web.rendering import page
from server.web.requests import form_body
from server.web.responses import page_again
from server.witnesses import lists, reading
from server.witnesses.models import WitnessList
from server.witnesses.words import WORDS, says

_PREFIX = "word-"


async def ask(request: Request) -> Response:
    """The question for the PIN. Opening the link says nothing and shows nothing."""
    try:
        sheet = await lists.read(request.path_params["list_token"], now_of(request))
    except NotFound:
        return _over(request)
    return _pin_page(request, sheet)


async def fill_in(request: Request) -> Response:
    """A PIN opens the list; then what is said of each child is kept. A page sent twice is once."""
    now, form = now_of(request), await form_body(request)
    try:
        sheet = await lists.read(request.path_params["list_token"], now, also_ended=True)
    except NotFound:
        return _over(request)
    words, is_over = _words(form), sheet.witness.ended_at is not None
    if is_over and Word.NOT_HERE not in words.values():
        return _over(request)
    proof = entered(form, "proof")
    if not lists.is_opened(sheet, proof, now):
        try:
            if not entered(form, "pin"):
                raise lists.closed(sheet)
            proof = await lists.open_with(sheet, entered(form, "pin"), now)
        except (Refused, TooMany) as fault:
            return _pin_page(request, sheet, words, fault)
    context: dict[str, Any] = {"proof": proof, "sent": False}
    if is_over or entered(form, "send") == "yes":
        actor = Actor(None, "witness", sheet.agency_id)
        try:
            kept = await lists.record(actor, sheet.id, lists.Form(_id(form), words), now)
        except NotFound:
            return _over(request)
        if kept.is_over:
            return _over(request, kept)
        context = {**context, "sent": True, "kept": kept}
        sheet, words = kept.sheet, {}
    return await _list_page(request, sheet, {**context, "tapped": words})


def _words(form: FormData) -> dict[UUID, Word]:
    """What was tapped, by seat. Nonsense is left out: an unsaid child stays unsaid."""
    words = {}
    for key, value in form.multi_items():
        if key.startswith(_PREFIX) and isinstance(value, str) and value in WORDS:
            try:
                words[UUID(key.removeprefix(_PREFIX))] = Word(value)
            except ValueError:
                continue
    return words


def _id(form: FormData) -> UUID:
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


def _context(request: Request, sheet: WitnessList) -> dict[str, Any]:
    return {
        "display_name": request.app.state.settings.display_name,
        "language": supported_language(sheet.witness.language),
        "zone": reading.zone_of(sheet.witness),
        "now": now_of(request),
    }


def _over(request: Request, kept: lists.Kept | None = None) -> Response:
    own = {} if kept is None else _context(request, kept.sheet)
    name = request.app.state.settings.display_name
    context = {**own, "display_name": name, "state": "over", "kept": kept}
    return page(request, "witnesses/list.html", context, status=404)


def _pin_page(
    request: Request,
    sheet: WitnessList,
    tapped: Mapping[UUID, Word] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    context = _context(request, sheet)
    error = form_fault(fault, context["language"]) if fault is not None else None
    own = {"state": "pin", "tapped": tapped or {}, "error": error}
    return page_again(request, "witnesses/list.html", {**context, **own}, fault)


async def _list_page(request: Request, sheet: WitnessList, own: Mapping[str, Any]) -> Response:
    context, now = _context(request, sheet), now_of(request)
    lines = await reading.lines_of(sheet, now)
    tapped: Mapping[UUID, Word] = own["tapped"]
    # After the names were read: one who joined in this moment is not shown for the PIN before.
    sheet = await WitnessList.get(id=sheet.id).prefetch_related("witness")
    if not lists.is_opened(sheet, own["proof"], now):
        return _pin_page(request, sheet, tapped, lists.closed(sheet))
    whole = {
        **context,
        **own,
        "state": "list",
        "id": str(uuid4()),
        "rows": [(line, tapped.get(line.seat_id, line.word)) for line in lines],
        "missing": sum(line.word is None for line in lines),
        "words": says(WORDS, context["language"]),
    }
    return page(request, "witnesses/list.html", whole)


routes = [
    Route("/list/{list_token}", ask, methods=["GET"]),
    Route("/list/{list_token}", fill_in, methods=["POST"]),
]
