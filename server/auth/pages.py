"""The pages that sign adults in and out, and those that make a person, their password and a link to
sign in."""

from typing import Any
from uuid import UUID

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth import actions, browsers, credentials
from server.auth.api import host_of
from server.auth.browsers import read_link, send_link
from server.auth.cookies import drop_cookie
from server.auth.models import Credential
from server.auth.oidc.role_mapping import listed
from server.auth.passwords import new_password
from server.auth.redirects import (
    back,
    halfway_on,
    halfway_token,
    home,
    keep_halfway,
    keep_known,
    known_here,
    let_in,
    signed_out,
    site_for,
    to,
)
from server.auth.rules import is_alert, is_sign_in_name
from server.auth.second_factor import passkeys
from server.auth.second_factor.factors import can_tell
from server.auth.second_factor.reauthentication import fresh
from server.auth.second_factor.remembered_device import forget, known_person
from server.auth.sessions import agent_of_request, must_change
from server.errors import Refused, TooMany, Unauthenticated, WaymarkError
from server.i18n import LANGUAGES, N_
from server.people import actions as people
from server.people.access import (
    Visitor,
    agency_for,
    nothing_here,
    now_of,
    staff_of,
    visitor_or_none,
)
from server.people.models import Agency, Person
from server.people.rules import AgencyAction, Role
from server.people.words import entered, form_fault, words_for
from server.storage.db import write
from server.web.rendering import language_of, page
from server.web.requests import form_body
from server.web.responses import json_answer, page_again

ADULT_ROLES = [
    Role.CASEWORKER,
    Role.SUPERVISOR,
    Role.GUARDIAN,
    Role.CARER,
    Role.ADVOCATE,
    Role.ADMINISTRATOR,
]


# --- the sign-in page


async def front(request: Request) -> Response:
    """The sign-in page, or the home page of a person who is signed in. `again`: the sign-in page
    all the same, for a member of staff whose session will soon end."""
    visitor = await visitor_or_none(request)
    if visitor is not None:
        if not visitor.is_child and "again" in request.query_params:
            return await _sign_in_page(request, name=await _sign_in_name(visitor))
        return to(home(visitor.role, request.query_params.get("next", "")))
    chosen = request.query_params.get("language")
    if chosen in LANGUAGES:
        request.state.language = chosen
    next_ = request.query_params.get("next", "")
    is_night = is_alert(next_) and await known_person(request) is not None
    return await _sign_in_page(request, next_=next_, is_night=is_night)


async def sign_in(request: Request) -> Response:
    """A member of staff signs in."""
    form = await form_body(request)
    name, next_ = entered(form, "name"), entered(form, "next")
    password = form.get("password")
    try:
        attempt = actions.PasswordSignIn(
            name,
            password if isinstance(password, str) else "",
            host_of(request),
            agent_of_request(request),
            known_here(request),
        )
        opened = await actions.sign_in(attempt, request.app.state.passwords, now_of(request))
    except WaymarkError as fault:
        return await _sign_in_page(request, name=name, next_=next_, fault=fault)
    if isinstance(opened, actions.HalfOpened):
        return halfway_on(request, opened.token, next_)
    return await let_in(request, opened, next_)


async def ask_link(request: Request) -> Response:
    """A link past the wait, for a person who has to wait. The answer and its time are the same
    whether the name exists, waits, or has an address: the work is done after the response."""
    form = await form_body(request)
    name, next_ = entered(form, "name"), entered(form, "next")
    task = BackgroundTask(send_link, name, host_of(request), now_of(request))
    answer = page(request, "auth/link_sent.html", {"next": next_})
    answer.background = task
    return answer


async def link(request: Request) -> Response:
    """What the link opens: a button, because mail filters open links too, and it works once."""
    await read_link(request.path_params["token"], now_of(request))
    return page(request, "auth/link.html", {"token": request.path_params["token"]})


async def open_link(request: Request) -> Response:
    """This browser may sign in now, even while strangers guess: on to the sign-in."""
    token, here = request.path_params["token"], known_here(request)
    ids = await browsers.open_link(token, here, now_of(request))
    answer = to("/")
    keep_known(request, answer, ids)
    return answer


async def ask_passkey(request: Request) -> Response:
    """The challenge for this device, for a person who has a passkey for this place."""
    form = await form_body(request)
    night = await known_person(request) if is_alert(entered(form, "next")) else None
    site, now = site_for(request), now_of(request)
    token, options = await passkeys.begin_sign_in(site, host_of(request), now, person_id=night)
    answer = json_answer(options)
    keep_halfway(request, answer, token)
    return answer


async def sign_in_by_passkey(request: Request) -> Response:
    """The passkey has signed: in, without a password."""
    form = await form_body(request)
    credential, next_ = entered(form, "credential"), entered(form, "next")
    night = await known_person(request) if is_alert(next_) else None
    try:
        opened = await actions.sign_in_by_passkey(
            halfway_token(request),
            credential,
            site_for(request),
            now_of(request),
            agent=agent_of_request(request),
            at_night=night,
        )
    except (Refused, Unauthenticated) as fault:
        return await _sign_in_page(request, next_=next_, fault=fault, is_night=night is not None)
    return await let_in(request, opened, next_, has_key=night != opened.person.id)


async def sign_out(request: Request) -> Response:
    """Out, also where the session is over already."""
    visitor = await visitor_or_none(request)
    if visitor is not None:
        await actions.sign_out(visitor, visitor.session_id, now_of(request))
    answer = to("/")
    drop_cookie(request, answer)
    forget(request, answer)
    signed_out(request, answer)
    return answer


async def _sign_in_name(visitor: Visitor) -> str:
    """Empty for a person who signs in by a provider alone."""
    credential = await Credential.get_or_none(person_id=visitor.person_id)
    return credential.name if credential else ""


async def _sign_in_page(
    request: Request,
    *,
    name: str = "",
    next_: str = "",
    fault: WaymarkError | None = None,
    is_night: bool = False,
) -> Response:
    error = form_fault(fault, language_of(request)) if fault else None
    context = {
        "name": name,
        "next": next_,
        "error": error,
        "languages": LANGUAGES,
        "has_passkeys": passkeys.site_of(request.app.state.settings) is not None,
        "is_night": is_night,
        "must_wait": isinstance(fault, TooMany),
        "providers": await listed(request.app.state.settings.oidc.values()),
    }
    return page_again(request, "auth/sign_in.html", context, fault)


# --- people who sign in


async def new_person(request: Request) -> Response:
    """The form for a new person."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _person_page(request, visitor, {})


async def add_person(request: Request) -> Response:
    """A new person, with a name to sign in with and a password that is shown only this once."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    submitted = {key: entered(await form_body(request), key) for key in _PERSON_FIELDS}
    password, now = new_password(), now_of(request)
    try:
        _check_sign_in_name(submitted["sign_in_name"])
        deputy_id = _id(submitted["deputy_id"], "deputy_id")
        hashed = await credentials.hashed(password, "", request.app.state.passwords)
        async with write():
            person = await people.add_person(
                visitor,
                _agency(visitor),
                people.AddPerson(
                    role=_role(submitted["role"]),
                    name=submitted["name"],
                    language=submitted["language"],
                    zone=submitted["zone"],
                    deputy_id=deputy_id,
                ),
                now,
            )
            await credentials.store_credential(
                visitor, person, submitted["sign_in_name"], hashed, now, is_handed=True
            )
    except Refused as fault:
        return await _person_page(request, visitor, submitted, fault)
    return await _password_page(request, person, password)


async def their_password(request: Request) -> Response:
    """Whether a person has a password of their own by now, and the way to another one."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    person = await _person(visitor, request.path_params["person_id"])
    context = {
        "person": person,
        "credential": await Credential.get_or_none(person_id=person.id),
        "is_told": await can_tell(person.id, now_of(request)),
        "now": now_of(request),
    }
    return page(request, "auth/their_password.html", context)


async def reset_password(request: Request) -> Response:
    """A new password, shown only this once. Sessions opened with the old one end."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor = await fresh(request, back=request.url.path)
    person = await _person(visitor, request.path_params["person_id"])
    password = new_password()
    await credentials.set_password(
        visitor, person, password, request.app.state.passwords, now=now_of(request)
    )
    return await _password_page(request, person, password, is_reset=True)


_PERSON_FIELDS = ("name", "sign_in_name", "role", "language", "zone", "deputy_id")


async def _person_page(
    request: Request, visitor: Visitor, submitted: dict[str, str], fault: Refused | None = None
) -> Response:
    language = language_of(request)
    agency = await Agency.get(id=visitor.agency_id)
    adults = await Person.filter(agency_id=agency.id, disabled_at__isnull=True).exclude(
        role=Role.CHILD
    )
    context: dict[str, Any] = {
        "given": {"language": agency.language, "zone": agency.zone, **submitted},
        "roles": words_for(ADULT_ROLES, language),
        "people": sorted(
            ((person.id, person.name) for person in adults), key=lambda option: option[1]
        ),
        "error": form_fault(fault, language) if fault else None,
    }
    return page(request, "auth/new_person.html", context, status=422 if fault else 200)


async def _password_page(
    request: Request, person: Person, password: str, *, is_reset: bool = False
) -> Response:
    credential = await Credential.get(person_id=person.id)
    context = {
        "person": person,
        "name": credential.name,
        "until": credential.until,
        "password": password,
        "is_reset": is_reset,
        "is_told": await can_tell(person.id, now_of(request)),
        "now": now_of(request),
    }
    return page(request, "auth/password.html", context, status=201)


async def _person(visitor: Visitor, person_id: UUID) -> Person:
    person = await Person.get_or_none(id=person_id, agency_id=visitor.agency_id)
    if person is None or person.role == Role.CHILD:
        raise nothing_here()
    return person


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


def _check_sign_in_name(name: str) -> None:
    if not is_sign_in_name(name):
        raise Refused(N_("Enter a sign-in name of 1 to 64 characters."), field="sign_in_name")


def _role(value: str) -> Role:
    if value not in ADULT_ROLES:
        raise Refused(N_("Choose a role for this person."), field="role")
    return Role(value)


def _id(value: str, field: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Refused(N_("Choose a person from the list."), field=field) from None


# --- one's own password


async def own_password(request: Request) -> Response:
    """The form for another password of one's own."""
    next_ = request.query_params.get("next", "")
    return await _own_password_page(request, await staff_of(request), next_)


async def change_own_password(request: Request) -> Response:
    """Another password; all other sessions of mine end."""
    visitor = await staff_of(request)
    form = await form_body(request)
    old, new, next_ = form.get("old"), form.get("password"), entered(form, "next")
    try:
        await credentials.change_own_password(
            visitor,
            await Person.get(id=visitor.person_id),
            old if isinstance(old, str) else "",
            new if isinstance(new, str) else "",
            request.app.state.passwords,
            now=now_of(request),
        )
    except (Refused, TooMany) as fault:
        return await _own_password_page(request, visitor, next_, fault)
    return to(back(next_, "/desk/settings?saved=password"))


async def _own_password_page(
    request: Request, visitor: Visitor, next_: str, fault: WaymarkError | None = None
) -> Response:
    context = {
        "name": await _sign_in_name(visitor),
        "must_change": await must_change(visitor.session_id),
        "next": next_,
        "error": form_fault(fault, language_of(request)) if fault else None,
    }
    status = fault.status if fault else 200
    return page(request, "auth/own_password.html", context, status=status)


routes = [
    Route("/", front, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-in/link", ask_link, methods=["POST"]),
    Route("/sign-in/link/{token}", link, methods=["GET"]),
    Route("/sign-in/link/{token}", open_link, methods=["POST"]),
    Route("/sign-in/passkey/options", ask_passkey, methods=["POST"]),
    Route("/sign-in/passkey", sign_in_by_passkey, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/desk/people/new", new_person, methods=["GET"]),
    Route("/desk/people", add_person, methods=["POST"]),
    Route("/desk/people/{person_id:uuid}/password", their_password, methods=["GET"]),
    Route("/desk/people/{person_id:uuid}/password", reset_password, methods=["POST"]),
    Route("/desk/settings/password", own_password, methods=["GET"]),
    Route("/desk/settings/password", change_own_password, methods=["POST"]),
]
