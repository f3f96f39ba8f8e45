"""Breaking the glass, for native clients."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.alerts.glass.asking import Typed, ask
from server.auth.second_factor.reauthentication import fresh
from server.errors import IdReused, NotFound, Refused, TooMany
from server.people.access import agency_for
from server.people.models import Person
from server.people.rules import AgencyAction
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

Text = Annotated[str, msgspec.Meta(max_length=20_000)]


class GlassRequest(msgspec.Struct):
    """Exact full name or reference of a child who is not assigned to you, and why you must reach
    them now. `birthday` tells two children of the same name apart."""

    id: UUID
    name_or_reference: Text
    reason: Text
    birthday: date | None = None


class GlassChild(msgspec.Struct):
    """The child, by name."""

    id: UUID
    name: str


class GlassOut(msgspec.Struct):
    """The child, and until when you may act for them; null: as long as your own rights last."""

    child: GlassChild
    until: datetime | None


async def break_(request: Request) -> Response:
    """Open what an emergency needs of a child. The supervisor and the caseworker hear at once."""
    visitor = await agency_for(request, AgencyAction.GLASS_BREAK)
    if visitor.by_cookie:  # A browser, which may stand open in an office, as at the desk.
        await fresh(request, back="/desk/glass")
    payload = await json_body(request, GlassRequest)
    typed = Typed(
        id=payload.id,
        name_or_reference=payload.name_or_reference,
        reason=payload.reason,
        birthday=payload.birthday,
    )
    opened = await ask(request, visitor, typed)
    name = (await Person.get(id=opened.child_id)).name
    out = GlassOut(GlassChild(opened.child_id, name), opened.until)
    return json_answer(out, status=201)


routes = [
    api(
        "POST",
        "/api/v1/glass",
        break_,
        "Reach a child who is not assigned to you, in an emergency",
        takes=GlassRequest,
        gives={201: GlassOut},
        problems=(IdReused, NotFound, Refused, TooMany),
    ),
]
