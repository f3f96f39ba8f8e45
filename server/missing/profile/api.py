"""The grab pack over the wire: sealed, versioned, and on one page."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from server.clock import known_zone
from server.errors import Conflict, IdReused, NotFound, Refused
from server.i18n import N_
from server.i18n.languages import Language
from server.missing.profile import actions, paper, reading, rules
from server.missing.profile.access import (
    Seen,
    check_browser,
    pack_of,
    part_for,
    readable,
    unsealed,
)
from server.missing.profile.actions import Version
from server.missing.profile.fields import FIELDS
from server.missing.profile.models import PackPhoto
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.profile.wire import (
    AtTheTimeOut,
    CheckRequest,
    NowRequest,
    OpenOut,
    OpenRequest,
    PackOut,
    PackRequest,
    WrittenOut,
)
from server.people.access import child_for, not_yours, now_of, visitor_of
from server.people.models import Child
from server.people.rules import Action
from server.web.openapi import api, query_of
from server.web.rendering import language_of
from server.web.requests import json_body
from server.web.responses import json_answer


async def show(request: Request) -> Response:
    """The pack: the whole, or the child's own words."""
    asked = query_of(request, **{"for": For})["for"]
    seen = await pack_of(request)
    if not seen.sees_whole:
        return json_answer(await reading.part(seen.child, await part_for(request, seen)))
    child = await unsealed(request)
    copy = Copy(asked or Copy.POLICE)
    return json_answer(await reading.whole(child, copy, await _reader(request), now_of(request)))


async def _reader(request: Request, language: str | None = None) -> Reader:
    visitor = await visitor_of(request)
    return Reader(language or language_of(request), known_zone(visitor.zone))


async def put(request: Request) -> Response:
    """The next version."""
    seen = await pack_of(request)
    roles = frozenset(seen.roles)
    if not rules.written_by(roles):
        raise not_yours()
    visitor, now = await visitor_of(request), now_of(request)
    payload, shown = await json_body(request, PackRequest), await readable(request, seen)
    try:
        stands = await actions.put(
            visitor, seen.child, roles, base=payload.base or 0, given=payload.fields, now=now
        )
    except Conflict as fault:
        raise actions.conflict_for(fault, shown) from None
    if seen.own_fields:
        return json_answer(await reading.part(seen.child, seen.own_fields))
    return await _written(seen.child, stands, shown, payload.fields)


async def _written(
    child: Child, stands: Version, shown: Collection[str], given: Mapping[str, Any]
) -> Response:
    """The pack after a write, where it is open to the writer; else what they wrote themselves."""
    if shown:
        return json_answer(await reading.written(child, stands))
    fields = {name: text for name, text in stands.fields.items() if given.get(name) == text}
    return json_answer(WrittenOut(stands.number, stands.made_at, fields))


async def put_now(request: Request) -> Response:
    """What happened, as far as it is known."""
    child = await unsealed(request)
    visitor, now = await visitor_of(request), now_of(request)
    payload = await json_body(request, NowRequest)
    since = await reading.open_since(child.id)
    if since is None:
        raise nobody_looks()
    try:
        await actions.put_now(
            visitor, child, since, base=payload.base or 0, given=payload.fields, now=now
        )
    except Conflict as fault:
        raise actions.conflict_for(fault, FIELDS) from None
    reader = await _reader(request)
    return json_answer(await reading.at_the_time(child, Copy.POLICE, reader, now))


def nobody_looks() -> Conflict:
    """The questions at the time are asked at the time."""
    return Conflict(
        N_("No alert is open about this child. First say that you think they are missing."),
        code="not_open",
    )


async def check(request: Request) -> Response:
    """Nothing has changed."""
    seen = Seen(*await child_for(request, request.path_params["child_id"], Action.PACK_CHANGE))
    visitor, now = await visitor_of(request), now_of(request)
    payload, shown = await json_body(request, CheckRequest), await readable(request, seen)
    try:
        await actions.check(visitor, seen.child, version=payload.version, id=payload.id, now=now)
    except Conflict as fault:
        raise actions.conflict_for(fault, shown) from None
    return await _written(seen.child, await actions.current(seen.child.id), shown, {})


async def open_it(request: Request) -> Response:
    """Say why, for some minutes."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.PACK_CHANGE)
    visitor, now = await visitor_of(request), now_of(request)
    await check_browser(request, child)
    payload = await json_body(request, OpenRequest)
    row = await actions.say_why(
        visitor, child, session_id=visitor.session_id, why=payload.why, id=payload.id, now=now
    )
    return json_answer(OpenOut(row.until_at))


async def on_paper(request: Request) -> Response:
    """The one page."""
    child, copy, reader = await _asked(request)
    made = await paper.pdf(child, copy, reader, now_of(request))
    # Inline, since a phone opens what it can show. The file name identifies no person.
    headers = {"content-disposition": 'inline; filename="pack.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


async def as_text(request: Request) -> Response:
    """The same page as plain text, unabridged, for a device that cannot show a PDF."""
    child, copy, reader = await _asked(request)
    made = await paper.text(child, copy, reader, now_of(request))
    return Response(made, media_type="text/plain")


async def _asked(request: Request) -> tuple[Child, Copy, Reader]:
    """Which copy of the page, in which language. A carer gets what the home knows, and no other."""
    asked = query_of(request, language=Language, **{"for": For})
    seen = await pack_of(request)
    if seen.sees_whole:
        child, copy = await unsealed(request), Copy(asked["for"] or Copy.POLICE)
    elif seen.is_of_home and asked["for"] in (None, Copy.HOME):
        await part_for(request, seen)
        child, copy = seen.child, Copy.HOME
    else:
        raise not_yours()
    return child, copy, await _reader(request, asked["language"])


async def photo(request: Request) -> Response:
    """A photo, for a reader who may read the pack now."""
    size = query_of(request, size=Size)["size"] or "page"
    child = await unsealed(request)
    row = await PackPhoto.get_or_none(id=request.path_params["photo_id"], child_id=child.id)
    raw = None if row is None else getattr(row, size)
    if raw is None:
        raise NotFound(N_("This photo does not exist."))
    return Response(raw, media_type="image/jpeg", headers={"cache-control": "no-store"})


For = Literal["police", "partner", "home"]
Size = Literal["page", "thumb"]
_REASON = {"X-Waymark-Reason": "Why it is opened while no alert is open; UTF-8, percent-encoded"}
_CHILD = "/api/v1/children/{child_id:uuid}"
_PACK = f"{_CHILD}/pack"

routes: list[Any] = [
    api(
        "GET",
        _PACK,
        show,
        "The grab pack",
        gives={200: PackOut},
        problems=(Refused,),
        query={"for": For},
        headers=_REASON,
    ),
    api(
        "PUT",
        _PACK,
        put,
        "The next version of the grab pack",
        takes=PackRequest,
        gives={200: (PackOut, WrittenOut)},
        problems=(Conflict,),
    ),
    api(
        "PUT",
        f"{_PACK}/now",
        put_now,
        "What happened, for the grab pack",
        takes=NowRequest,
        gives={200: AtTheTimeOut},
        problems=(Conflict,),
        headers=_REASON,
    ),
    api(
        "POST",
        f"{_PACK}/check",
        check,
        "The grab pack was looked through",
        takes=CheckRequest,
        gives={200: (PackOut, WrittenOut)},
        problems=(Conflict, IdReused),
    ),
    api(
        "POST",
        f"{_PACK}/open",
        open_it,
        "Say why the grab pack is opened",
        takes=OpenRequest,
        gives={200: OpenOut},
        problems=(IdReused,),
    ),
    api(
        "GET",
        f"{_CHILD}/pack.pdf",
        on_paper,
        "The grab pack on one page",
        gives={200: None},
        problems=(Refused,),
        query={"language": Language, "for": For},
        headers=_REASON,
        media_type="application/pdf",
    ),
    api(
        "GET",
        f"{_CHILD}/pack.txt",
        as_text,
        "The grab pack as plain text",
        gives={200: None},
        problems=(Refused,),
        query={"language": Language, "for": For},
        headers=_REASON,
        media_type="text/plain",
    ),
    api(
        "GET",
        f"{_PACK}/photos/{{photo_id:uuid}}",
        photo,
        "A photo of the grab pack",
        gives={200: None},
        problems=(Refused,),
        query={"size": Size},
        headers=_REASON,
        media_type="image/jpeg",
    ),
]
