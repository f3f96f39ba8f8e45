"""A child goes to another agency, over the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Conflict, NotFound, Refused, TooMany
from server.people.access import agency_for, child_for, now_of, staff_of
from server.people.rules import Action, AgencyAction
from server.records.transfer import acceptance, actions, package, reception
from server.records.transfer.acceptance import Acceptance
from server.records.transfer.access import (
    Side,
    cover_of,
    list_for,
    look_at_package,
    named,
    to_answer,
    to_take_back,
    transfer_for,
)
from server.records.transfer.actions import Offer
from server.records.transfer.models import Transfer
from server.records.transfer.rules import LONGEST, Because, State, Withheld
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer

Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class ReceptionRequest(msgspec.Struct):
    """This agency can take a child over. The code before this one ends."""

    id: UUID


class ReceptionOut(msgspec.Struct):
    """A code to tell by telephone: valid once, until `expires_at`."""

    code: str
    expires_at: datetime


class WithheldIn(msgspec.Struct):
    """A fact to be withheld from a person, and why."""

    what: Text
    whom: Text
    because: Because


class TransferRequest(msgspec.Struct):
    """Which agency is asked (by the code), why, what the child says to it, and which facts must be
    withheld from which people."""

    id: UUID
    code: Annotated[str, msgspec.Meta(max_length=64)]
    why: Text
    child_says: Text | None = None
    withheld: list[WithheldIn] = []


class RefuseRequest(msgspec.Struct):
    """Why this agency cannot take the child."""

    why: Text


class AcceptRequest(msgspec.Struct):
    """Who works with the child from now on, where they live, and the first words that they read;
    without any, a greeting in their language."""

    caseworker_id: UUID
    supervisor_id: UUID | None = None
    home_id: UUID | None = None
    hello: Text | None = None


class OpenClockOut(msgspec.Struct):
    """A step that must happen by a time."""

    kind: str
    due_at: datetime


class CoverOut(msgspec.Struct):
    """What the offer says of the child before there is an answer."""

    name: str
    language: str
    born_on: str | None
    tier: str | None
    is_missing: bool
    missing_since: datetime | None
    has_project: bool
    clocks: list[OpenClockOut]


class TransferOut(msgspec.Struct):
    """A transfer. `state`: offered, accepted, refused, taken_back. `cover` while it is offered;
    `package_at` is where to fetch what went along, once it was accepted."""

    id: UUID
    child_id: UUID
    state: State
    from_agency: str
    to_agency: str
    offered_by: str
    offered_at: datetime
    why: str
    child_says: str | None
    withheld: list[WithheldIn]
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None
    cover: CoverOut | None
    package_at: str | None


class TransfersOut(msgspec.Struct):
    """The transfers in which the visitor has a part, the latest first."""

    transfers: list[TransferOut]


class PackageOut(msgspec.Struct):
    """What went along, byte for byte; the manifest, and the signature over it. `is_whole`: they
    belong together, and the signature is ours."""

    package: str
    manifest: dict[str, Any]
    signature: str
    is_whole: bool


async def receive(request: Request) -> Response:
    """A code by which another agency can offer a child."""
    visitor = await agency_for(request, AgencyAction.CHILD_TAKE_OVER)
    payload = await json_body(request, ReceptionRequest)
    made = await reception.receive(visitor, payload.id, now_of(request))
    return json_answer(ReceptionOut(made.code, made.expires_at), status=201)


async def offer(request: Request) -> Response:
    """Ask the agency whose code it is."""
    named_id = request.path_params["child_id"]
    child, _ = await child_for(request, named_id, Action.PLACEMENT_CHANGE)
    payload = await json_body(request, TransferRequest)
    withheld = [Withheld(entry.what, entry.whom, entry.because) for entry in payload.withheld]
    made = await actions.offer(
        await staff_of(request),
        child,
        payload.code,
        Offer(payload.why, payload.child_says, withheld),
        id=payload.id,
        now=now_of(request),
    )
    return json_answer(await _out(made, Side(gives=True)), status=201)


async def list_(request: Request) -> Response:
    """All of them."""
    transfers = [await _out(row, side) for row, side in await list_for(request)]
    return json_answer(TransfersOut(transfers))


async def show(request: Request) -> Response:
    """One of them."""
    return json_answer(await _out(*await transfer_for(request)))


async def the_package(request: Request) -> Response:
    """What went along. Reading it is a look, which the child can read."""
    transfer, side = await transfer_for(request)
    await look_at_package(request, transfer, side)
    assert transfer.package is not None
    assert transfer.manifest is not None
    assert transfer.signature is not None
    return json_answer(
        PackageOut(
            transfer.package, transfer.manifest, transfer.signature, package.is_whole(transfer)
        )
    )


async def accept(request: Request) -> Response:
    """Accept: the child is with this agency from now on."""
    transfer, _ = await to_answer(request)
    payload = await json_body(request, AcceptRequest)
    done = await acceptance.accept(
        await staff_of(request),
        transfer.id,
        Acceptance(payload.caseworker_id, payload.supervisor_id, payload.home_id, payload.hello),
        now_of(request),
    )
    return json_answer(await _out(done, Side(has=True)))


async def refuse(request: Request) -> Response:
    """Refuse."""
    transfer, _ = await to_answer(request)
    payload = await json_body(request, RefuseRequest)
    done = await actions.refuse(await staff_of(request), transfer.id, payload.why, now_of(request))
    return json_answer(await _out(done, Side(decides=True)))


async def take_back(request: Request) -> Response:
    """Take the offer back."""
    transfer, side = await to_take_back(request)
    done = await actions.take_back(await staff_of(request), transfer.id, now_of(request))
    return json_answer(await _out(done, side))


async def _out(transfer: Transfer, side: Side) -> TransferOut:
    names = await named(transfer)
    cover = None
    if transfer.state == State.OFFERED:
        seen = await cover_of(transfer)
        cover = CoverOut(
            seen.name,
            seen.language,
            seen.age_from,
            seen.tier,
            seen.is_missing,
            seen.missing_since,
            seen.has_project,
            [OpenClockOut(kind, due_at) for kind, due_at in seen.clocks],
        )
    is_there = transfer.package is not None and side.reads_package
    return TransferOut(
        id=transfer.id,
        child_id=transfer.child_id,
        state=State(transfer.state),
        from_agency=names.agency,
        to_agency=names.to_agency,
        offered_by=names.of(transfer.offered_by),
        offered_at=transfer.offered_at,
        why=transfer.why,
        child_says=transfer.child_says,
        withheld=msgspec.convert(transfer.withheld, list[WithheldIn]),
        decided_at=transfer.decided_at,
        decided_by=names.of(transfer.decided_by) or None,
        decision=transfer.decision,
        cover=cover,
        package_at=f"{_ONE.format(transfer_id=transfer.id)}/package" if is_there else None,
    )


_ONE = "/api/v1/transfers/{transfer_id}"
_PATH = "/api/v1/transfers/{transfer_id:uuid}"

routes = [
    api(
        "POST",
        "/api/v1/receptions",
        receive,
        "Say that the agency can take a child over",
        takes=ReceptionRequest,
        gives={201: ReceptionOut},
        problems=(Conflict,),
    ),
    api(
        "POST",
        "/api/v1/children/{child_id:uuid}/transfers",
        offer,
        "Ask another agency to take a child over",
        takes=TransferRequest,
        gives={201: TransferOut},
        problems=(NotFound, Refused, Conflict, TooMany),
    ),
    api(
        "GET",
        "/api/v1/transfers",
        list_,
        "Hand-overs between agencies",
        gives={200: TransfersOut},
    ),
    api("GET", _PATH, show, "One transfer", gives={200: TransferOut}, problems=(NotFound,)),
    api(
        "GET",
        f"{_PATH}/package",
        the_package,
        "What went along with a child",
        gives={200: PackageOut},
        problems=(NotFound,),
    ),
    api(
        "POST",
        f"{_PATH}/accept",
        accept,
        "Take a child over",
        takes=AcceptRequest,
        gives={200: TransferOut},
        problems=(NotFound, Conflict),
    ),
    api(
        "POST",
        f"{_PATH}/refuse",
        refuse,
        "Say that it cannot be",
        takes=RefuseRequest,
        gives={200: TransferOut},
        problems=(NotFound, Conflict),
    ),
    api(
        "POST",
        f"{_PATH}/take-back",
        take_back,
        "Take back the offer",
        gives={200: TransferOut},
        problems=(NotFound, Conflict),
    ),
]
