"""Your second key: an app with codes, passkeys, recovery codes, and how many of them are left."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth.codes import address, in_groups
from server.auth.models import Credential, Passkey, Totp
from server.auth.redirects import back, qr, site_for, to
from server.auth.second_factor import factors, passkeys
from server.auth.second_factor.factors import KEYS_PAGE
from server.auth.second_factor.reauthentication import fresh
from server.auth.second_factor.remembered_device import remember
from server.errors import Conflict, Refused, TooMany, WaymarkError
from server.people.access import Visitor, now_of, staff_of
from server.people.words import entered, form_fault
from server.web.rendering import language_of, page
from server.web.requests import form_body
from server.web.responses import json_answer

APP_PAGE = f"{KEYS_PAGE}/app"


async def keys(request: Request) -> Response:
    """What you have, and what you can add."""
    return await _keys_page(request, await staff_of(request))


async def begin_app(request: Request) -> Response:
    """Make a secret for an app; nothing counts yet."""
    await staff_of(request)
    next_ = entered(await form_body(request), "next")
    visitor = await fresh(request, back=_with_next(KEYS_PAGE, next_))
    await factors.begin_app(visitor.person_id, now_of(request))
    return to(_with_next(APP_PAGE, next_))


async def show_app(request: Request) -> Response:
    """The secret, as a picture and as text, until the first code."""
    next_ = request.query_params.get("next", "")
    visitor = await fresh(request)
    return await _app_page(request, visitor, next_)


async def confirm_app(request: Request) -> Response:
    """The first code. Recovery codes come with it, shown this once."""
    await staff_of(request)
    form = await form_body(request)
    next_ = entered(form, "next")
    visitor = await fresh(request, back=_with_next(APP_PAGE, next_))
    try:
        codes = await factors.confirm_app(
            visitor, visitor.person_id, entered(form, "code"), now_of(request)
        )
    except (Refused, TooMany) as fault:
        return await _app_page(request, visitor, next_, fault)
    except Conflict as fault:
        return await _keys_page(request, visitor, fault)
    return _codes_page(request, codes, next_) if codes else to(_saved(next_))


async def remove_app(request: Request) -> Response:
    """Codes of the app stop working."""
    visitor = await fresh(request, back=KEYS_PAGE)
    try:
        await factors.remove_app(visitor, visitor.person_id, now_of(request))
    except Refused as fault:
        return await _keys_page(request, visitor, fault)
    return to(f"{KEYS_PAGE}?saved=removed")


async def renew_codes(request: Request) -> Response:
    """Ten new recovery codes."""
    visitor = await fresh(request, back=KEYS_PAGE)
    try:
        codes = await factors.renew_codes(visitor, visitor.person_id, now_of(request))
    except Refused as fault:
        return await _keys_page(request, visitor, fault)
    return _codes_page(request, codes, "")


async def ask_passkey(request: Request) -> Response:
    """What a device needs to know to make a key for this place."""
    visitor = await fresh(request, back=KEYS_PAGE)
    name = await _sign_in_name(visitor)
    options = await passkeys.to_register(
        visitor.person_id, name, site_for(request), visitor.session_id, now_of(request)
    )
    return json_answer(options)


async def add_passkey(request: Request) -> Response:
    """The device has made one."""
    await staff_of(request)
    form = await form_body(request)
    next_ = entered(form, "next")
    visitor = await fresh(request, back=_with_next(KEYS_PAGE, next_))
    try:
        codes = await passkeys.register(
            visitor,
            entered(form, "credential"),
            entered(form, "name"),
            site_for(request),
            now_of(request),
        )
    except Refused as fault:
        return await _keys_page(request, visitor, fault)
    answer = _codes_page(request, codes, next_) if codes else to(_saved(next_))
    remember(request, answer, visitor.session_id)
    return answer


async def remove_passkey(request: Request) -> Response:
    """One passkey less."""
    visitor = await fresh(request, back=KEYS_PAGE)
    passkey_id = request.path_params["passkey_id"]
    try:
        await passkeys.remove(visitor, visitor.person_id, passkey_id, now_of(request))
    except Refused as fault:
        return await _keys_page(request, visitor, fault)
    return to(f"{KEYS_PAGE}?saved=removed")


async def _sign_in_name(visitor: Visitor) -> str:
    credential = await Credential.get_or_none(person_id=visitor.person_id)
    return credential.name if credential else ""


async def _keys_page(
    request: Request, visitor: Visitor, fault: WaymarkError | None = None
) -> Response:
    person_id = visitor.person_id
    context: dict[str, Any] = {
        "app": await Totp.get_or_none(person_id=person_id, confirmed_at__isnull=False),
        "passkeys": await Passkey.filter(person_id=person_id).order_by("made_at", "id"),
        "has_passkeys": passkeys.site_of(request.app.state.settings) is not None,
        "has_second": await factors.has_second(person_id),
        "codes_left": await factors.remaining(person_id),
        "next": request.query_params.get("next", ""),
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language_of(request)) if fault else None,
        "now": now_of(request),
    }
    status = fault.status if fault else 200
    return page(request, "auth/second_factor/second_keys.html", context, status=status)


async def _app_page(
    request: Request, visitor: Visitor, next_: str, fault: WaymarkError | None = None
) -> Response:
    waiting = await factors.begun(visitor.person_id)
    if waiting is None:
        return to(_with_next(KEYS_PAGE, next_))
    name = await _sign_in_name(visitor)
    issuer = request.app.state.settings.display_name
    context = {
        "qr": qr(address(waiting.secret, name, issuer)),
        "secret": in_groups(waiting.secret),
        "next": next_,
        "error": form_fault(fault, language_of(request)) if fault else None,
    }
    return page(
        request, "auth/second_factor/app_key.html", context, status=fault.status if fault else 200
    )


def _codes_page(request: Request, codes: list[str], next_: str) -> Response:
    context = {
        "codes": [in_groups(code, 5) for code in codes],
        "on": back(next_, f"{KEYS_PAGE}?saved=codes"),
        "has_next": bool(next_),
    }
    return page(request, "auth/second_factor/recovery_codes.html", context, status=201)


def _saved(next_: str) -> str:
    return back(next_, f"{KEYS_PAGE}?saved=added")


def _with_next(path: str, next_: str) -> str:
    return f"{path}?next={quote(next_)}" if next_ else path


routes = [
    Route(KEYS_PAGE, keys, methods=["GET"]),
    Route(f"{APP_PAGE}/begin", begin_app, methods=["POST"]),
    Route(APP_PAGE, show_app, methods=["GET"]),
    Route(APP_PAGE, confirm_app, methods=["POST"]),
    Route(f"{APP_PAGE}/remove", remove_app, methods=["POST"]),
    Route(f"{KEYS_PAGE}/passkeys/options", ask_passkey, methods=["POST"]),
    Route(f"{KEYS_PAGE}/passkeys", add_passkey, methods=["POST"]),
    Route(f"{KEYS_PAGE}/passkeys/{{passkey_id:uuid}}/remove", remove_passkey, methods=["POST"]),
    Route(f"{KEYS_PAGE}/codes", renew_codes, methods=["POST"]),
]
