"""Desk pages of a caseworker for a child who has no phone, no data, or no phone of their own:
texts, links and the card."""

from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.auth.redirects import qr
from server.errors import NotFound, WaymarkError
from server.inbound import agreements, cards, links
from server.inbound.models import Card, Texting
from server.inbound.reading import texts_of
from server.inbound.rules import LINK_LASTS, Meant
from server.notify.rules import EMAIL
from server.people.access import desk_child, now_of, staff_of
from server.people.desk_forms import id_or_new
from server.people.models import Child, Person
from server.people.rules import Action
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body

MOST_TEXTS = 20


async def show(request: Request) -> Response:
    """Texts, links and the card, on one page."""
    child, _ = await desk_child(request, Action.INVITE)
    return await _page(request, child)


def channels_of(request: Request) -> list[str]:
    """The channels by which a child can text: those with replies to us, except mail."""
    return [name for name in request.app.state.settings.inbound if name != EMAIL]


async def agree(request: Request) -> Response:
    """Save a number and words, agreed in person."""
    child, _ = await desk_child(request, Action.INVITE)
    form, channels = await form_body(request), channels_of(request)
    if not channels:
        return await _page(request, child)
    words = {what.value: entered(form, what) for what in Meant}
    try:
        asked = agreements.AgreeTexts(
            channel=channels[0],
            number=entered(form, "number"),
            words=words,
            replies=entered(form, "replies") == "yes",
        )
        await agreements.agree(await staff_of(request), child, asked, now_of(request))
    except WaymarkError as fault:
        given = {**words, "number": entered(form, "number"), "replies": entered(form, "replies")}
        return await _page(request, child, fault, given)
    return _back(child)


async def end_texts(request: Request) -> Response:
    """End texting: that number is no longer the child's."""
    child, _ = await desk_child(request, Action.INVITE)
    await agreements.end(await staff_of(request), child.id, now_of(request))
    return _back(child)


async def make_link(request: Request) -> Response:
    """Make a link to a page for any phone."""
    child, _ = await desk_child(request, Action.INVITE)
    form = await form_body(request)
    days = entered(form, "days")
    try:
        made = await links.make(
            await staff_of(request),
            child,
            int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 0,
            id_or_new(form),
            now_of(request),
        )
    except WaymarkError as fault:
        return await _page(request, child, fault)
    return RedirectResponse(f"{_path(child)}/links/{made.id}", status_code=303)


async def show_link(request: Request) -> Response:
    """Show the link, to open, send or scan."""
    child, _ = await desk_child(request, Action.INVITE)
    wanted, now = request.path_params["link_id"], now_of(request)
    matches = [link for link in await links.live(child.id, now) if link.id == wanted]
    if not matches:
        raise NotFound(links.OVER)
    url = f"{request.app.state.settings.public_url}/c/{links.token_of(matches[0])}"
    shown = {"link": matches[0], "url": url, "qr": qr(url)}
    return page(request, "inbound/show_link.html", {**await _frame(request, child), **shown})


async def end_link(request: Request) -> Response:
    """Take a link back."""
    child, _ = await desk_child(request, Action.INVITE)
    await links.end(
        await staff_of(request), child.id, request.path_params["link_id"], now_of(request)
    )
    return _back(child)


async def make_card(request: Request) -> Response:
    """Make a card, with the PIN that the child has chosen."""
    child, _ = await desk_child(request, Action.INVITE)
    form = await form_body(request)
    try:
        await cards.make(await staff_of(request), child, entered(form, "pin"), now_of(request))
    except WaymarkError as fault:
        return await _page(request, child, fault)
    return RedirectResponse(f"{_path(child)}/card", status_code=303)


async def show_card(request: Request) -> Response:
    """The card, to be printed. Nothing on it says whose it is."""
    child, _ = await desk_child(request, Action.INVITE)
    card = await Card.get_or_none(child_id=child.id, ended_at__isnull=True)
    if card is None:
        return _back(child)
    url = f"{request.app.state.settings.public_url}/front?card={card.code}"
    code = f"{card.code[:5]} {card.code[5:]}"
    return page(
        request, "inbound/card.html", {**await _frame(request, child), "code": code, "qr": qr(url)}
    )


async def end_card(request: Request) -> Response:
    """End a card that was lost or copied."""
    child, _ = await desk_child(request, Action.INVITE)
    await cards.end(await staff_of(request), child.id, now_of(request))
    return _back(child)


def _path(child: Child) -> str:
    return f"/desk/children/{child.id}/without-app"


def _back(child: Child) -> Response:
    return RedirectResponse(_path(child), status_code=303)


async def _frame(request: Request, child: Child) -> dict[str, Any]:
    return {
        "child": await Person.get(id=child.id),
        "path": _path(child),
        "now": now_of(request),
        "display_name": request.app.state.settings.display_name,
    }


async def _page(
    request: Request,
    child: Child,
    fault: WaymarkError | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    now, language = now_of(request), language_of(request)
    texting = await Texting.get_or_none(child_id=child.id, ended_at__isnull=True)
    initial = {"number": "", "replies": "yes", "ok": "", "other": "", "help": ""}
    if texting is not None:
        initial |= {**texting.words, "number": texting.number}
        initial["replies"] = "yes" if texting.replies else ""
    channels = channels_of(request)
    numbers = request.app.state.settings.inbound_numbers
    context = {
        **await _frame(request, child),
        "texting": texting,
        "has_texts": bool(channels),
        "our_number": numbers.get(channels[0]) if channels else None,
        "given": {**initial, **(given or {})},
        "links": await links.live(child.id, now),
        "card": await Card.get_or_none(child_id=child.id, ended_at__isnull=True),
        "texts": await texts_of(child.id, MOST_TEXTS),
        "days": LINK_LASTS,
        "new_id": str(uuid4()),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, "inbound/without_app.html", context, status=status)


_CHILD = "/desk/children/{child_id:uuid}/without-app"

routes = [
    Route(_CHILD, show, methods=["GET"]),
    Route(f"{_CHILD}/words", agree, methods=["POST"]),
    Route(f"{_CHILD}/words/end", end_texts, methods=["POST"]),
    Route(f"{_CHILD}/links", make_link, methods=["POST"]),
    Route(f"{_CHILD}/links/{{link_id:uuid}}", show_link, methods=["GET"]),
    Route(f"{_CHILD}/links/{{link_id:uuid}}/end", end_link, methods=["POST"]),
    Route(f"{_CHILD}/card", make_card, methods=["POST"]),
    Route(f"{_CHILD}/card", show_card, methods=["GET"]),
    Route(f"{_CHILD}/card/end", end_card, methods=["POST"]),
]
