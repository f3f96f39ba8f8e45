"""What the API says about itself: an OpenAPI 3.1 document, from the routes and their payload types.

    routes = [
        api("POST", "/api/v1/pair", pair, "Pair a phone", takes=PairRequest, gives={201: Paired},
            problems=(Refused, IdReused, TooMany), is_open=True),
        api("GET", "/api/v1/me/devices", devices, "The phones of mine", gives={200: Devices}),
    ]

`api` gives a Starlette route that knows what it takes, gives and refuses, so a route that is not
described cannot be written by accident, and what is described is what answers. Every operation
names its possible problems; 401, 403 and 404 come by themselves where there is a session and a
child, as do 400, 413, 415 and 422 where there is a body.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from server.errors import (
    Denied,
    Malformed,
    NotFound,
    Refused,
    TooLarge,
    Unauthenticated,
    WaymarkError,
    WrongType,
)
from server.i18n import N_
from server.web.responses import PROBLEM_TYPE, json_answer

Handler = Callable[[Request], Awaitable[Response]]
Payload = Any  # A msgspec.Struct type, or another type that msgspec knows.

_MEANINGS = {
    200: "Done",
    201: "Made",
    204: "Done; the answer is empty",
    400: "The request cannot be read",
    401: "Nobody is signed in (`unauthenticated`), the phone was blocked (`revoked`), or the code"
    " of a second key is missing (`code_needed`) or does not count (`code_wrong`), or a password"
    " that was handed over has ended (`password_over`)",
    403: "A tie, or a role, without this right; or a browser has to show first who uses it"
    " (`proof_needed`, at the page `to`), or a second key has to be set up (`key_needed`)"
    ", or a password chosen in place of one that was handed over (`password_needed`)",
    404: "This does not exist, or the caller has no access to it",
    409: "This has just changed, the id is in use with other content (`id_reused`), or a second"
    " person was asked and nothing is done yet (`second_person_needed`)",
    413: "The request is too large",
    415: "Wrong type of content",
    422: "A value does not fit, or a rule forbids it; `field` names it",
    429: "Too many wrong tries; `retry_after_s` says how long to wait",
    503: "A part that is needed is not responding; nothing was written",
}


class Problem(msgspec.Struct, omit_defaults=True):
    """An RFC 9457 problem document. `code` is stable; `detail` is a sentence for people.
    `approval`: the request to a second person, with `second_person_needed`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | msgspec.UnsetType = msgspec.UNSET
    retry_after_s: int | msgspec.UnsetType = msgspec.UNSET
    approval: UUID | msgspec.UnsetType = msgspec.UNSET


class Call(msgspec.Struct, frozen=True):
    """One operation of the API, as the document describes it."""

    method: str
    summary: str
    takes: Payload | None
    gives: Mapping[int, Payload | None]
    problems: frozenset[int]
    is_open: bool
    query: Mapping[str, Payload]
    headers: Mapping[str, str]
    media_type: str
    takes_media: tuple[str, ...]


class ApiRoute(Route):
    """A route of the API and what is said about it.

    What the handler raises goes straight to `Faults`. The framework's own route would catch it on
    the way, which is for pages that show a form again.
    """

    call: Call

    def __init__(self, path: str, handler: Handler, *, methods: list[str], name: str) -> None:
        super().__init__(path, handler, methods=methods, name=name)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await handler(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


def api(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    takes: Payload | None = None,
    gives: Mapping[int, Payload | None],
    problems: Iterable[type[WaymarkError]] = (),
    is_open: bool = False,
    query: Mapping[str, Payload] | None = None,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
    takes_media: Iterable[str] = (),
) -> ApiRoute:
    """A described route. `gives` maps each status to its payload type, to a tuple of them where a
    reader may get less than another, or to None where there is no body.

    `takes_media` names the kinds of content where the body is a file by itself and no JSON.
    `is_open`: no session is needed. `query` maps names to types: `int`, `str`, `UUID`, `datetime`.
    """
    assert path.startswith("/api/v1/"), "the API has one root"
    route = ApiRoute(path, handler, methods=[method], name=f"{method} {path}")
    call = Call(
        method=method,
        summary=summary,
        takes=takes,
        gives=dict(gives),
        problems=frozenset(kind.status for kind in problems),
        is_open=is_open,
        query=dict(query or {}),
        headers=dict(headers or {}),
        media_type=media_type,
        takes_media=tuple(takes_media),
    )
    route.call = replace(call, problems=call.problems | _usual_problems(path, call))
    return route


def _usual_problems(path: str, call: Call) -> set[int]:
    """The problems that come by themselves: with a session, a path, a query or a body."""
    kinds: list[type[WaymarkError]] = []
    if not call.is_open:
        kinds += [Unauthenticated, Denied, NotFound]
    if "{" in path:
        kinds += [NotFound]
    if call.query:
        kinds += [Refused]
    if call.takes is not None:
        kinds += [Malformed, TooLarge, WrongType, Refused]
    if call.takes_media:
        kinds += [TooLarge, WrongType, Refused]
    return {kind.status for kind in kinds}


def document(routes: Iterable[BaseRoute], *, server_url: str) -> dict[str, Any]:
    """The whole OpenAPI document of these routes."""
    described = [route for route in routes if isinstance(route, ApiRoute)]
    schemas, components = msgspec.json.schema_components(
        _types(described), ref_template="#/components/schemas/{name}"
    )
    _without_nul([*schemas, components])
    by_type = dict(zip(map(_key, _types(described)), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in described:
        path = re.sub(r":\w+}", "}", route.path)
        paths.setdefault(path, {})[route.call.method.lower()] = _operation(route, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Waymark",
            "version": "1",
            "description": "Times are RFC 3339 in UTC with `Z`. Ids are UUIDs, made by the client "
            "wherever the client creates the thing: repeating a request changes nothing and "
            "returns the first answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "s"},
            },
        },
    }


def _without_nul(schema: Any) -> None:
    """Say of every free text that it contains no NUL: no database can store one."""
    if isinstance(schema, list):
        for part in schema:
            _without_nul(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "string" and not _NARROWER & schema.keys():
            schema["pattern"] = r"^[^\u0000]*$"
        for part in schema.values():
            _without_nul(part)


_NARROWER = {"format", "enum", "const", "pattern"}


def openapi_route() -> ApiRoute:
    """The route that answers with the document of its application. Made once."""

    async def answer(request: Request) -> Response:
        state = request.app.state
        if not hasattr(state, "openapi"):
            url = state.settings.public_url
            state.openapi = document(request.app.routes, server_url=url)
        return json_answer(state.openapi, headers={"cache-control": "no-cache"})

    return api(
        "GET",
        "/api/v1/openapi.json",
        answer,
        "This document",
        gives={200: dict[str, Any]},
        is_open=True,
    )


def _types(routes: Iterable[ApiRoute]) -> list[Payload]:
    """Every payload type once, Problem first."""
    payload_by_key: dict[str, Payload] = {_key(Problem): Problem}
    for route in routes:
        call = route.call
        given = [payload for kind in call.gives.values() for payload in _each(kind)]
        for payload in (call.takes, *given, *call.query.values()):
            if payload is not None:
                payload_by_key[_key(payload)] = payload
    return list(payload_by_key.values())


def _each(kind: Payload | None) -> tuple[Payload | None, ...]:
    """The types of an answer: several where its reader may get less."""
    return kind if isinstance(kind, tuple) else (kind,)


def _key(payload: Payload) -> str:
    return repr(payload)


def _operation(route: ApiRoute, by_type: Mapping[str, Any]) -> dict[str, Any]:
    call = route.call
    responses = {
        str(status): _answer(call, status, kind, by_type) for status, kind in call.gives.items()
    }
    for status in sorted(call.problems):
        responses[str(status)] = {
            "description": _MEANINGS.get(status, "A problem"),
            "content": {PROBLEM_TYPE: {"schema": by_type[_key(Problem)]}},
        }
    operation: dict[str, Any] = {
        "operationId": _operation_id(call.method, route.path),
        "summary": call.summary,
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(call, by_type),
            *_headers(call),
        ],
        "responses": responses,
        "security": [] if call.is_open else [{"bearer": []}, {"cookie": []}],
    }
    if call.takes is not None:
        content = {"application/json": {"schema": by_type[_key(call.takes)]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif call.takes_media:
        as_it_is = {"schema": {"type": "string", "format": "binary"}}
        files = dict.fromkeys(call.takes_media, as_it_is)
        operation["requestBody"] = {"required": True, "content": files}
    return operation


def _answer(
    call: Call, status: int, kind: Payload | None, by_type: Mapping[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _MEANINGS.get(status, "Done")}
    if kind is not None:
        schemas = [by_type[_key(payload)] for payload in _each(kind)]
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        described["content"] = {call.media_type: {"schema": schema}}
    return described


def _operation_id(method: str, path: str) -> str:
    words = re.findall(r"[a-z_]+", re.sub(r":\w+}", "}", path.removeprefix("/api/v1")).lower())
    return "_".join([method.lower(), *words])


_PATH_TYPES: Mapping[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "str": {"type": "string", "minLength": 1},
}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH_TYPES[kind or "str"]}
        for name, kind in re.findall(r"{(\w+)(?::(\w+))?}", route.path)
    ]


def _query_parameters(call: Call, by_type: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": by_type[_key(kind)]}
        for name, kind in call.query.items()
    ]


def _headers(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in call.headers.items()
    ]


def query_of(request: Request, **kinds: Payload) -> Mapping[str, Any]:
    """The query's values by name, each as its type; None where one is not given.

    Raises Refused that names the parameter.
    """
    value_by_name: dict[str, Any] = dict.fromkeys(kinds)
    for name, kind in kinds.items():
        text = request.query_params.get(name)
        if text is None:
            continue
        try:
            value_by_name[name] = msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError:
            raise Refused(N_("“{field}” is not valid."), field=name) from None
    return value_by_name
