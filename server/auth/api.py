"""Pairing, sessions and devices, for phones and native clients."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.auth import actions, browsers, pairing
from server.auth.cookies import drop_cookie, drop_others, own_token, set_cookie, sharing
from server.auth.models import Device
from server.auth.rules import MOST_BESIDE
from server.auth.sessions import Opened, agent_of_request, end_before
from server.auth.user_agents import Agent
from server.errors import (
    Conflict,
    IdReused,
    NotFound,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from server.i18n import N_
from server.people.access import Visitor, child_for, not_yours, now_of, own_child, visitor_of
from server.people.models import Person
from server.people.rules import Action, Role
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

Text = Annotated[str, msgspec.Meta(max_length=256)]


class NewDevice(msgspec.Struct):
    """The paired phone. It makes its own id, once."""

    id: UUID
    label: Annotated[str, msgspec.Meta(max_length=120)] | None = None


class PairRequest(msgspec.Struct):
    """A code and the phone it is typed on. With `cookie` the token comes only as the cookie; with
    `beside` that cookie joins those of other people who share the browser."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    device: NewDevice
    cookie: bool = False
    beside: bool = False


class PersonOut(msgspec.Struct):
    """A person, as they see themselves."""

    id: UUID
    name: str
    role: Role
    language: str


class ChildOut(msgspec.Struct):
    """A child, as they see themselves."""

    id: UUID
    name: str


class Paired(msgspec.Struct, omit_defaults=True):
    """A paired phone. `token` is missing if it came as a cookie."""

    person: PersonOut
    child: ChildOut
    token: str | msgspec.UnsetType = msgspec.UNSET


class CodeOut(msgspec.Struct):
    """A code for another device of the same person."""

    code: str
    link: str
    expires_at: datetime


class SessionRequest(msgspec.Struct):
    """A member of staff signs in. `code`: of their second key, if they have one. `known`: from the
    last response, so that strangers who guess at this name do not make them wait here."""

    name: Text
    password: Text
    code: Text | None = None
    known: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


class SessionOut(msgspec.Struct):
    """A session: the token goes into `Authorization: Bearer`. `known`: keep it, also when the
    session ends, and send it with the next sign-in. It opens nothing by itself."""

    token: str
    person: PersonOut
    known: str


class DeviceOut(msgspec.Struct):
    """A paired phone. `current`: the one that asks."""

    id: UUID
    label: str | None
    paired_at: datetime
    last_seen_at: datetime | None
    current: bool


class DevicesOut(msgspec.Struct):
    """The phones that are let in, the latest paired first."""

    devices: list[DeviceOut]


def host_of(request: Request) -> str:
    """The network address that the request came from, behind the proxies that are trusted."""
    return request.client.host if request.client else "unknown"


def person_out(person: Person) -> PersonOut:
    """A person for the answer."""
    return PersonOut(person.id, person.name, Role(person.role), person.language)


def link_to(request: Request, code: str) -> str:
    """The link of a code at this installation."""
    return pairing.link_to(request.app.state.settings.public_url, code)


async def pair(request: Request) -> Response:
    """Pair the phone with the person the code was made for."""
    payload = await json_body(request, PairRequest)
    if payload.beside and sharing(request) >= MOST_BESIDE:
        raise Refused(N_("Too many people use this phone. One of them has to sign out first."))
    opened = await pairing.pair(
        payload.code, payload.device.id, payload.device.label, host_of(request), now_of(request)
    )
    person = opened.person
    paired = Paired(person_out(person), ChildOut(person.id, person.name))
    if not payload.cookie:
        paired.token = opened.token
    answer = json_answer(paired, status=201)
    if payload.cookie:
        beside = payload.device.id if payload.beside else None
        set_cookie(request, answer, opened.token, lasts=True, beside=beside)
        if beside is None:
            await end_before(own_token(request), opened, now_of(request))
            drop_others(request, answer)
    return answer


async def make_code(request: Request) -> Response:
    """A code for another device of the same person: only a paired device can make one."""
    visitor = await visitor_of(request)
    if visitor.device_id is None:
        raise not_yours()
    made = await pairing.own_code(visitor, now_of(request))
    return json_answer(CodeOut(made.code, link_to(request, made.code), made.expires_at), status=201)


async def sign_in(request: Request) -> Response:
    """A member of staff on a native client."""
    payload = await json_body(request, SessionRequest)
    now, agent = now_of(request), agent_of_request(request)
    here = browsers.read(payload.known, now)
    attempt = actions.PasswordSignIn(payload.name, payload.password, host_of(request), agent, here)
    opened = await actions.sign_in(attempt, request.app.state.passwords, now)
    if isinstance(opened, actions.HalfOpened):
        opened = await _by_code(opened, payload.code, agent, here, now)
    browser_token = browsers.signed(await browsers.remember(opened.person.id, here, now), now)
    return json_answer(
        SessionOut(opened.token, person_out(opened.person), browser_token), status=201
    )


async def _by_code(
    half: actions.HalfOpened, code: str | None, agent: Agent, here: list[UUID], now: datetime
) -> Opened:
    if code is None:
        raise Unauthenticated(
            N_("Send the code from your second key too."), code="code_needed", field="code"
        )
    try:
        return await actions.sign_in_by_code(half.token, code, now, agent=agent, browsers=here)
    except Refused as fault:
        raise Unauthenticated(fault.detail, code=fault.code, field=fault.field) from None


async def sign_out(request: Request) -> Response:
    """End the session that calls."""
    visitor = await visitor_of(request)
    await actions.sign_out(visitor, visitor.session_id, now_of(request))
    answer = Response(status_code=204)
    if visitor.by_cookie:
        drop_cookie(request, answer)
    return answer


async def my_devices(request: Request) -> Response:
    """The phones of the child with this session."""
    child, _ = await own_child(request, Action.DEVICES_SEE)
    return await _devices(request, child.id)


async def shut_out_mine(request: Request) -> Response:
    """Block one of one's own phones; the current one too."""
    child, _ = await own_child(request, Action.DEVICES_SHUT_OUT)
    return await _shut_out(request, child.id)


async def devices(request: Request) -> Response:
    """The phones of a child."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.DEVICES_SEE)
    return await _devices(request, child.id)


async def shut_out(request: Request) -> Response:
    """Block a phone of a child."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.DEVICES_SHUT_OUT)
    return await _shut_out(request, child.id)


async def _devices(request: Request, person_id: UUID) -> Response:
    visitor = await visitor_of(request)
    paired_devices = await pairing.devices_of(person_id)
    return json_answer(DevicesOut([_device_out(device, visitor) for device in paired_devices]))


async def _shut_out(request: Request, person_id: UUID) -> Response:
    visitor = await visitor_of(request)
    device = await pairing.device_of(person_id, request.path_params["device_id"])
    await pairing.shut_out(visitor, device, now_of(request))
    answer = Response(status_code=204)
    if visitor.device_id == device.id and visitor.by_cookie:
        drop_cookie(request, answer)
    return answer


def _device_out(device: Device, visitor: Visitor) -> DeviceOut:
    return DeviceOut(
        id=device.id,
        label=device.label,
        paired_at=device.paired_at,
        last_seen_at=device.last_seen_at,
        current=device.id == visitor.device_id,
    )


_CHILD = "/api/v1/children/{child_id:uuid}"

routes = [
    api(
        "POST",
        "/api/v1/pair",
        pair,
        "Pair a phone by its code",
        takes=PairRequest,
        gives={201: Paired},
        problems=(NotFound, Conflict, IdReused, Refused, TooMany),
        is_open=True,
    ),
    api(
        "POST",
        "/api/v1/me/codes",
        make_code,
        "Make a code for another device of the same person",
        gives={201: CodeOut},
        problems=(Conflict,),
    ),
    api(
        "POST",
        "/api/v1/sessions",
        sign_in,
        "Sign in as a member of staff",
        takes=SessionRequest,
        gives={201: SessionOut},
        problems=(Unauthenticated, TooMany, Unavailable),
        is_open=True,
    ),
    api("DELETE", "/api/v1/sessions", sign_out, "End this session", gives={204: None}),
    api("GET", "/api/v1/me/devices", my_devices, "My phones", gives={200: DevicesOut}),
    api(
        "DELETE",
        "/api/v1/me/devices/{device_id:uuid}",
        shut_out_mine,
        "Block one of my phones",
        gives={204: None},
    ),
    api("GET", f"{_CHILD}/devices", devices, "The phones of a child", gives={200: DevicesOut}),
    api(
        "DELETE",
        f"{_CHILD}/devices/{{device_id:uuid}}",
        shut_out,
        "Block a child's phone",
        gives={204: None},
    ),
]
