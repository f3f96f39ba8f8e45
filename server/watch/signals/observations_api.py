"""Observations over the API: adults who see the child note them, adults responsible read them."""

from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, IdReused, NotFound, Refused
from server.people.access import child_for, looked, now_of, visitor_of
from server.people.desk_forms import strongest
from server.people.models import Person
from server.people.rules import Action, Role
from server.watch.signals import observations
from server.watch.signals.models import Observation
from server.watch.signals.observations import ObservationRequest
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class ObservationOut(msgspec.Struct):
    """An observation as it was noted. `by` is the name of the adult who noted it."""

    id: UUID
    sign: str
    at: datetime
    by: str
    by_role: Role
    words: str | None


class ObservationsOut(msgspec.Struct):
    """The latest first; what was taken back is not among them."""

    observations: list[ObservationOut]


async def note(request: Request) -> Response:
    """An adult noticed a warning sign."""
    payload = await json_body(request, ObservationRequest)
    child, roles = await child_for(
        request, request.path_params["child_id"], Action.OBSERVATION_NOTE
    )
    visitor, now = await visitor_of(request), now_of(request)
    made = await observations.note(visitor, child, strongest(roles, visitor), payload, now)
    names = {visitor.person_id: (await Person.get(id=visitor.person_id)).name}
    return json_answer(_out(made, names), status=201)


async def take_back(request: Request) -> Response:
    """It was a mistake."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.OBSERVATION_NOTE)
    visitor, id_ = await visitor_of(request), request.path_params["observation_id"]
    await observations.take_back(visitor, child, id_, now_of(request))
    return Response(status_code=204)


async def observations_of(request: Request) -> Response:
    """What adults noticed about a child."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.OBSERVATION_SEE)
    visitor, now = await visitor_of(request), now_of(request)
    await looked(visitor, [child.id], f"look:{Action.OBSERVATION_SEE}", now)
    rows = await observations.noticed(child.id)
    people = await Person.filter(id__in=[row.by_id for row in rows])
    names = {person.id: person.name for person in people}
    return json_answer(ObservationsOut([_out(row, names) for row in rows]))


def _out(row: Observation, names: dict[UUID, str]) -> ObservationOut:
    name, role = names.get(row.by_id, ""), Role(row.by_role)
    return ObservationOut(row.id, row.sign, row.at, name, role, row.words)


_PATH = "/api/v1/children/{child_id:uuid}/observations"

routes = [
    api(
        "GET",
        _PATH,
        observations_of,
        "What adults noticed about a child",
        gives={200: ObservationsOut},
    ),
    api(
        "POST",
        _PATH,
        note,
        "Note a warning sign",
        takes=ObservationRequest,
        gives={201: ObservationOut},
        problems=(IdReused, Refused),
    ),
    api(
        "DELETE",
        f"{_PATH}/{{observation_id:uuid}}",
        take_back,
        "Take back what one noted by mistake",
        gives={204: None},
        problems=(Conflict, NotFound),
    ),
]
