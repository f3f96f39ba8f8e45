"""What a phone asks: who says whether I came. And the address at which a school hands in its
register by itself."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.audit.actions import Actor
from server.people.access import nothing_here, now_of, own_child
from server.people.rules import Action
from server.security import encryption
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer
from server.witnesses import lists, reading, rules
from server.witnesses.models import Witness, WitnessChild
from server.witnesses.register import MOST_LINES, Line

_Short = Annotated[str, msgspec.Meta(max_length=200)]


class AgreedOut(msgspec.Struct):
    """Weekdays, time and last day."""

    days: list[int]
    at: str
    until: date | None


class WitnessOut(msgspec.Struct):
    """Who says whether I came: on which weekdays (0 is Monday), at what time and up to which day,
    and under which name they know me. `kind`: school, club, mentor, lawyer or other. `before`: what
    was agreed before the change of `changed_at`, for 30 days."""

    id: UUID
    kind: str
    name: str
    days: list[int]
    at: str
    until: date | None
    known_as: str
    before: AgreedOut | None
    changed_at: datetime | None


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
    now = now_of(request)
    seats = await reading.of_child(child.id, now)
    return json_answer(WitnessesOut([_witness(seat, now) for seat in seats]))


def _witness(seat: WitnessChild, now: datetime) -> WitnessOut:
    witness, before = seat.witness, reading.before_change(seat, now)
    return WitnessOut(
        seat.witness_id,
        witness.kind,
        witness.name,
        list(witness.days),
        witness.at,
        witness.until_on,
        seat.known_as,
        AgreedOut(list(before.days), before.at, before.until) if before is not None else None,
        witness.changed_at if before is not None else None,
    )


async def take_register(request: Request) -> Response:
    """The register of today, from a program of the school."""
    now, hashed = now_of(request), encryption.hash_token(request.path_params["register"])
    witness = await Witness.get_or_none(register_hash=hashed, ended_at__isnull=True)
    if witness is None:
        raise nothing_here()
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
