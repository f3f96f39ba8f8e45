"""What a phone asks: who says whether I came. And the address at which a school hands in its
register by itself."""

from datetime import date
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.audit.actions import Actor
from server.errors import NotFound
from server.people.access import now_of, own_child
from server.people.rules import Action
from server.security import encryption
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer
from server.witnesses import lists, reading, rules
from server.witnesses.actions import NOWHERE
from server.witnesses.models import Witness
from server.witnesses.register import MOST_LINES, Line

_Short = Annotated[str, msgspec.Meta(max_length=200)]


class WitnessOut(msgspec.Struct):
    """Who says whether I came: on which weekdays (0 is Monday) and at what time, and under which
    name they know me. `kind`: school, club, mentor, lawyer or other."""

    id: UUID
    kind: str
    name: str
    days: list[int]
    at: str
    known_as: str


class WitnessesOut(msgspec.Struct):
    """All of them."""

    witnesses: list[WitnessOut]


class RegisterLine(msgspec.Struct):
    """One child: the name as the school has it, and here, not_here or excused."""

    name: _Short
    word: _Short


class RegisterRequest(msgspec.Struct):
    """The register of a day. The sender makes the id: the same one again changes nothing."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    day: date
    lines: Annotated[list[RegisterLine], msgspec.Meta(max_length=MOST_LINES)]


class RegisterTaken(msgspec.Struct):
    """How many children matched, and the first names that did not, or whose word we cannot read."""

    matched: int
    unknown: list[str]
    unread: list[str]


async def mine(request: Request) -> Response:
    """Who says whether I came."""
    child, _ = await own_child(request, Action.CHILD_SEE)
    seats = await reading.of_child(child.id, now_of(request))
    return json_answer(
        WitnessesOut(
            [
                WitnessOut(
                    seat.witness_id,
                    seat.witness.kind,
                    seat.witness.name,
                    list(seat.witness.days),
                    seat.witness.at,
                    seat.known_as,
                )
                for seat in seats
            ]
        )
    )


async def take_register(request: Request) -> Response:
    """The register of today, from a program of the school."""
    now, hashed = now_of(request), encryption.hash_token(request.path_params["register"])
    witness = await Witness.get_or_none(register_hash=hashed, ended_at__isnull=True)
    if witness is None:
        raise NotFound(NOWHERE)
    payload = await json_body(request, RegisterRequest)
    rules.check_day(payload.day, now.astimezone(reading.zone_of(witness)).date())
    _, matched = await lists.hand_in(
        Actor(None, "witness", witness.agency_id),
        witness,
        [Line(line.name, line.word) for line in payload.lines],
        id_=uuid5(witness.id, payload.id),
        now=now,
    )
    taken = RegisterTaken(len(matched.words), list(matched.unknown), list(matched.unread))
    return json_answer(taken)


routes = [
    api("GET", "/api/v1/witnesses", mine, "Who says whether I came", gives={200: WitnessesOut}),
    # As the webhook of gateways, no part of the API: a program of a school knows nothing else.
    Route("/inbound/register/{register}", take_register, methods=["POST"]),
]
