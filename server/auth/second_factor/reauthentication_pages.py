"""The page that asks for the second key, and the page that asks a person to show again who they
are."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth import actions
from server.auth.cookies import own_token
from server.auth.models import Credential, Identity, Passkey, Totp
from server.auth.redirects import (
    halfway_token,
    known_here,
    let_in,
    proved_on,
    site_for,
    to,
)
from server.auth.second_factor import factors, passkeys
from server.auth.second_factor.passkeys import Purpose
from server.auth.second_factor.pending import find_halfway
from server.auth.sessions import agent_of_request
from server.errors import Refused, TooMany, Unauthenticated, WaymarkError
from server.people.access import Visitor, now_of, staff_of
from server.people.words import entered, form_fault
from server.web.rendering import language_of
from server.web.requests import form_body
from server.web.responses import json_answer, page_again


async def second(request: Request) -> Response:
    """After the password: what else shows that it is you."""
    next_ = request.query_params.get("next", "")
    try:
        return await _second_page(request, next_)
    except Unauthenticated:
        return to("/")


async def sign_in_second(request: Request) -> Response:
    """A code of the app, or one of the recovery codes."""
    form = await form_body(request)
    next_ = entered(form, "next")
    token, now, agent = halfway_token(request), now_of(request), agent_of_request(request)
    credential = entered(form, "credential")
    try:
        if credential:
            site = site_for(request)
            opened = await actions.sign_in_by_passkey(token, credential, site, now, agent=agent)
        else:
            code, here = entered(form, "code"), known_here(request)
            opened = await actions.sign_in_by_code(token, code, now, agent=agent, browsers=here)
    except (Refused, TooMany) as fault:
        return await _second_page(request, next_, fault)
    return await let_in(request, opened, next_, has_key=bool(credential))


async def ask_second(request: Request) -> Response:
    """The passkey challenge, for a person who knew the password."""
    now = now_of(request)
    half = await find_halfway(halfway_token(request), now)
    options = await passkeys.to_answer(
        site_for(request), half.id, Purpose.SECOND, now, person_id=half.person_id
    )
    return json_answer(options)


async def _second_page(request: Request, next_: str, fault: WaymarkError | None = None) -> Response:
    half = await find_halfway(halfway_token(request), now_of(request))
    context = {"next": next_, **await _ways(half.person_id), **_said(request, fault)}
    return page_again(request, "auth/second_factor/second.html", context, fault)


async def again(request: Request) -> Response:
    """Once more: is it you?"""
    visitor = await staff_of(request)
    return await _again_page(request, visitor, request.query_params.get("next", ""))


async def prove(request: Request) -> Response:
    """It is: back to what was about to be opened."""
    visitor = await staff_of(request)
    form, now = await form_body(request), now_of(request)
    next_, code, password = entered(form, "next"), entered(form, "code"), form.get("password")
    credential, token = entered(form, "credential"), own_token(request)
    try:
        if credential:
            site = site_for(request)
            renewed = await actions.prove_by_passkey(visitor, token, credential, site, now)
        elif isinstance(password, str):
            passwords = request.app.state.passwords
            renewed = await actions.prove_by_password(visitor, token, password, passwords, now)
        else:
            renewed = await actions.prove_by_code(visitor, token, code, now)
    except (Refused, TooMany) as fault:
        return await _again_page(request, visitor, next_, fault)
    return proved_on(request, renewed, next_)


async def ask_again(request: Request) -> Response:
    """What a passkey of one's own is to sign."""
    visitor = await staff_of(request)
    options = await passkeys.to_answer(
        site_for(request),
        visitor.session_id,
        Purpose.AGAIN,
        now_of(request),
        person_id=visitor.person_id,
    )
    return json_answer(options)


async def _again_page(
    request: Request, visitor: Visitor, next_: str, fault: WaymarkError | None = None
) -> Response:
    context = {"next": next_, **await _ways(visitor.person_id), **_said(request, fault)}
    return page_again(request, "auth/second_factor/again.html", context, fault)


async def _ways(person_id: Any) -> dict[str, Any]:
    """By what this person can show who they are."""
    has_passkey = await Passkey.exists(person_id=person_id)
    has_app = await Totp.exists(person_id=person_id, confirmed_at__isnull=False)
    return {
        "has_app": has_app,
        "has_passkey": has_passkey,
        "has_second": await factors.has_second(person_id),
        "codes_left": await factors.remaining(person_id),
        "has_password": await Credential.exists(person_id=person_id),
        "accounts": await Identity.filter(person_id=person_id).values_list("provider", flat=True),
    }


def _said(request: Request, fault: WaymarkError | None) -> dict[str, Any]:
    return {"error": form_fault(fault, language_of(request)) if fault else None}


routes = [
    Route("/sign-in/second", second, methods=["GET"]),
    Route("/sign-in/second", sign_in_second, methods=["POST"]),
    Route("/sign-in/second/options", ask_second, methods=["POST"]),
    Route("/desk/again/options", ask_again, methods=["POST"]),
    Route("/desk/again", again, methods=["GET"]),
    Route("/desk/again", prove, methods=["POST"]),
]
