"""Sign-in through a provider: there, back, and the code that a newcomer is asked for.

The way there is a link and not a form: browsers check the redirect after a form against our
`form-action`, which allows this site alone. The link writes a row and shows nothing, so an attacker
who makes another person follow it gains nothing.
"""

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from server import logs
from server.auth import accounts
from server.auth.actions import HalfOpened
from server.auth.api import host_of
from server.auth.cookies import own_token
from server.auth.models import OidcFlow, ProviderTerms
from server.auth.oidc import flows
from server.auth.oidc.account_linking import tie_own
from server.auth.oidc.claims import Said, Untrue, authorization_url, read_claims
from server.auth.oidc.flows import Purpose
from server.auth.oidc.provider import Talk
from server.auth.oidc.role_mapping import set_up
from server.auth.redirects import (
    drop,
    halfway_on,
    keep,
    let_in,
    proved_on,
    to,
    was_signed_out,
)
from server.auth.rules import FLOW_LASTS
from server.auth.second_factor.reauthentication import fresh
from server.auth.sessions import Opened, agent_of_request
from server.errors import Refused, TooMany, Unavailable, WaymarkError
from server.i18n import N_
from server.notify.channels.provider import Unanswered
from server.people.access import Visitor, nothing_here, now_of, staff_of, visitor_or_none
from server.people.words import entered, form_fault
from server.security.encryption import new_token
from server.settings import Provider
from server.web.rendering import language_of
from server.web.requests import form_body
from server.web.responses import page_again

OWN = "/desk/settings/accounts"
AWAY = N_(
    "Your organisation's sign-in is not answering. Try again in a few minutes, or sign in"
    " another way."
)
UNTRUE = N_(
    "We could not trust the answer from your organisation's sign-in, so we stopped. Try"
    " again. If it happens again, tell your administrator."
)
BROKEN_OFF = N_("The sign-in at your organisation was not finished. Try again.")

_log = logs.get("doors")


# --- there


async def sign_in(request: Request) -> Response:
    """To the provider, and from there in. A colleague may keep this address."""
    next_ = request.query_params.get("next", "")
    return await _set_out(request, Purpose.SIGN_IN, next_)


async def again(request: Request) -> Response:
    """To the provider, to show once more that it is you."""
    visitor = await staff_of(request)
    _of_agency(request, visitor)
    next_ = request.query_params.get("next", "")
    return await _set_out(request, Purpose.AGAIN, next_, visitor)


async def tie(request: Request) -> Response:
    """To the provider, to say which account is yours."""
    _of_agency(request, await staff_of(request))
    visitor = await fresh(request, back=OWN)
    return await _set_out(request, Purpose.TIE, OWN, visitor)


async def _set_out(
    request: Request, purpose: Purpose, next_: str, visitor: Visitor | None = None
) -> Response:
    provider, now = provider_of(request), now_of(request)
    browser = _browser(request) or new_token()
    try:
        await set_up(provider)
        places = await talk_of(request).places(provider, now)
        session_id = visitor.session_id if visitor is not None else None
        start = flows.Start(provider, purpose, browser, session_id)
        secrets = await flows.begin(start, host_of(request), next_, now)
    except (Refused, TooMany) as fault:
        return _fault_page(request, provider, purpose, next_, fault)
    except (Untrue, Unanswered) as why:
        return _fault_page(request, provider, purpose, next_, _unheard(provider, why))
    there = authorization_url(
        places.authorize,
        client_id=provider.client_id,
        back=_back_here(request, provider),
        secrets=secrets,
        # After a sign-out another person may sit here, while the provider still knows the first
        # one.
        is_again=purpose is not Purpose.SIGN_IN or was_signed_out(request),
    )
    answer = to(there)
    _keep_browser(request, answer, browser)
    return answer


# --- and back


async def arrive(request: Request) -> Response:
    """Back from the provider, with a code or with a refusal."""
    provider, now = provider_of(request), now_of(request)
    asked = request.query_params
    try:
        flow = await flows.find(provider, asked.get("state", ""), _browser(request), now)
        await flows.end(flow, now)
    except Refused as fault:
        return _fault_page(request, provider, Purpose.SIGN_IN, "", fault)
    purpose, next_ = Purpose(flow.purpose), str(flow.carries["next"])
    try:
        terms = await set_up(provider)
        claims = await _heard(request, provider, terms, flow)
        return await _arrived(request, _Arrival(provider, terms, flow, claims, next_))
    except WaymarkError as fault:
        return _fault_page(request, provider, purpose, next_, fault)
    except (Untrue, Unanswered) as why:
        return _fault_page(request, provider, purpose, next_, _unheard(provider, why))


async def _heard(
    request: Request, provider: Provider, terms: ProviderTerms, flow: OidcFlow
) -> Said:
    """What the provider says of the person who came back. Raises Untrue, Unanswered, Refused."""
    asked = request.query_params
    # Who says that it speaks for another issuer does (RFC 9207).
    if asked.get("iss", provider.issuer) != provider.issuer:
        raise Untrue("another issuer")
    if "error" in asked or not asked.get("code"):
        raise Refused(BROKEN_OFF)
    claims = await talk_of(request).claims(
        provider,
        asked["code"],
        back=_back_here(request, provider),
        verifier=flow.carries["verifier"],
        nonce=flow.carries["nonce"],
        now=now_of(request),
    )
    return read_claims(claims, claim=terms.claim, strong=terms.strong)


class _Arrival(msgspec.Struct, frozen=True):
    provider: Provider
    terms: ProviderTerms
    flow: OidcFlow
    claims: Said
    next_: str


async def _arrived(request: Request, come: _Arrival) -> Response:
    if come.flow.purpose != Purpose.SIGN_IN:
        return await _arrived_inside(request, come)
    now, agent = now_of(request), agent_of_request(request)
    opened = await accounts.enter(come.provider, come.terms, come.claims, agent, now)
    if opened is not None:
        return await _on(request, opened, come.next_)
    token = new_token()
    start = flows.Start(come.provider, Purpose.WELCOME, _browser(request) or "")
    await flows.store(start, token, accounts.carried(come.claims, come.next_), now)
    answer = to(f"/sign-in/with/{come.provider.name}/code")
    _keep_welcome(request, answer, token)
    return answer


async def _arrived_inside(request: Request, come: _Arrival) -> Response:
    """In the session that set out, and in no other one."""
    visitor, now = await visitor_or_none(request), now_of(request)
    if visitor is None or visitor.session_id != come.flow.session_id:
        raise flows.over()
    if come.flow.purpose == Purpose.TIE:
        await tie_own(visitor, come.provider, come.claims, now)
        return to(f"{OWN}?saved=yes")
    token = own_token(request)
    made_at = come.flow.made_at
    renewed = await accounts.prove(visitor, token, come.provider, come.claims, made_at, now)
    return proved_on(request, renewed, come.next_)


async def _on(request: Request, opened: Opened | HalfOpened, next_: str) -> Response:
    if isinstance(opened, HalfOpened):
        return halfway_on(request, opened.token, next_)
    return await let_in(request, opened, next_)


# --- the code of a newcomer


async def welcome(request: Request) -> Response:
    """The provider knows a person new to us: ask for the administrator's code."""
    provider = provider_of(request)
    try:
        await _newcomer(request, provider)
    except Refused as fault:
        return _fault_page(request, provider, Purpose.SIGN_IN, "", fault)
    return _welcome_page(request, provider)


async def enter_code(request: Request) -> Response:
    """It is theirs, and in."""
    provider, form = provider_of(request), await form_body(request)
    try:
        flow, terms = await _newcomer(request, provider), await set_up(provider)
        opened = await accounts.enter_by_code(
            provider,
            terms,
            flow,
            entered(form, "code"),
            agent_of_request(request),
            now_of(request),
        )
    except (Refused, TooMany) as fault:
        if fault.code == "code_wrong" or isinstance(fault, TooMany):
            return _welcome_page(request, provider, fault)
        return _fault_page(request, provider, Purpose.SIGN_IN, "", fault)
    answer = await _on(request, opened, str(flow.carries["next"]))
    drop(request, answer, _welcome_name(request))
    return answer


async def _newcomer(request: Request, provider: Provider) -> OidcFlow:
    token, browser = request.cookies.get(_welcome_name(request), ""), _browser(request)
    return await flows.find(provider, token, browser, now_of(request), welcome=True)


def _welcome_page(
    request: Request, provider: Provider, fault: WaymarkError | None = None
) -> Response:
    context = {
        "provider": provider.name,
        "error": form_fault(fault, language_of(request)) if fault else None,
    }
    return page_again(request, "auth/oidc/welcome.html", context, fault)


# --- what they share


def provider_of(request: Request) -> Provider:
    """The provider in the path. Raises NotFound."""
    provider: Provider | None = request.app.state.settings.oidc.get(request.path_params["provider"])
    if provider is None:
        raise nothing_here()
    return provider


def talk_of(request: HTTPConnection) -> Talk:
    """What this process knows of the providers."""
    talk: Talk = request.app.state.providers
    return talk


def _of_agency(request: Request, visitor: Visitor) -> None:
    if provider_of(request).agency_id != visitor.agency_id:
        raise nothing_here()


def _back_here(request: HTTPConnection, provider: Provider) -> str:
    """One address for each provider, so that the answer of one is never taken for another's."""
    return f"{request.app.state.settings.public_url}/sign-in/with/{provider.name}/back"


def _unheard(provider: Provider, why: Exception) -> WaymarkError:
    """The sentence for the person. Operators read the reason in the log, without a word of the
    token."""
    code = str(why).replace(" ", "_").lower()
    if isinstance(why, Unanswered):
        _log.warning("provider_away", provider=provider.name, why=code)
        return Unavailable(AWAY, code="provider_away")
    _log.warning("provider_untrue", provider=provider.name, why=code)
    return Refused(UNTRUE, code="provider_untrue")


def _fault_page(
    request: Request, provider: Provider, purpose: Purpose, next_: str, fault: WaymarkError
) -> Response:
    context = {
        "provider": provider.name,
        "purpose": purpose.value,
        "next": next_,
        "error": form_fault(fault, language_of(request)),
    }
    return page_again(request, "auth/oidc/provider_fault.html", context, fault)


def _browser_name(request: HTTPConnection) -> str:
    return "__Host-o" if request.app.state.settings.is_https else "o"


def _welcome_name(request: HTTPConnection) -> str:
    return "__Host-w" if request.app.state.settings.is_https else "w"


def _browser(request: HTTPConnection) -> str | None:
    return request.cookies.get(_browser_name(request))


def _keep_browser(request: HTTPConnection, answer: Response, token: str) -> None:
    keep(request, answer, _browser_name(request), token, lasts=FLOW_LASTS)


def _keep_welcome(request: HTTPConnection, answer: Response, token: str) -> None:
    keep(request, answer, _welcome_name(request), token, lasts=FLOW_LASTS)
    # The page of the code has its own ten minutes.
    keep(request, answer, _browser_name(request), _browser(request) or "", lasts=FLOW_LASTS)


routes = [
    Route("/sign-in/with/{provider}", sign_in, methods=["GET"]),
    Route("/sign-in/with/{provider}/back", arrive, methods=["GET"]),
    Route("/sign-in/with/{provider}/code", welcome, methods=["GET"]),
    Route("/sign-in/with/{provider}/code", enter_code, methods=["POST"]),
    Route("/desk/again/with/{provider}", again, methods=["GET"]),
    Route(f"{OWN}/{{provider}}", tie, methods=["GET"]),
]
