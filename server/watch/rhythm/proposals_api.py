"""Changing the rhythm over the API: the current one, its summary, proposing, agreeing.

Children ask about themselves; everyone else with a tie names the child.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.alerts.recipients import reaches_anyone
from server.errors import Conflict, IdReused, Refused
from server.i18n import gettext
from server.people.access import child_for, nothing_here, now_of, own_child, visitor_of
from server.people.models import Child, Person
from server.people.rules import Action, Role
from server.watch.machine.standing import Terms
from server.watch.models import Watch
from server.watch.rhythm import proposals, summary
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.models import Proposal
from server.watch.rhythm.proposals import ProposalRequest
from server.watch.rhythm.rules import Season
from server.watch.rhythm.seasons_api import SeasonOut, season_out
from server.watch.watch_state import WatchState
from server.watch.wire import RhythmIn, Words, Zone
from server.watch.writing import ended
from server.web.openapi import api
from server.web.rendering import language_of
from server.web.requests import json_body
from server.web.responses import json_answer

# The number of proposals in a response, the newest first.
MOST = 20


class SumOut(msgspec.Struct):
    """An answer is due at one moment; without it, a person is told by another one at the latest.
    `from_at`: if the rhythm has a window, the answer may come at any time from then to `due_at`.
    `is_told`: a message would reach one; else nobody should promise it."""

    due_at: datetime
    told_by: datetime
    from_at: datetime | None
    is_told: bool


class ByOut(msgspec.Struct):
    """A person by name."""

    id: UUID
    name: str


class ProposalOut(msgspec.Struct):
    """A proposed rhythm; with `first` and `last` for these days only. `state`: open, agreed,
    declined, recalled, replaced or ended. `sums`: while it is open, what it would mean."""

    id: UUID
    rhythm: dict[str, Any]
    zone: str
    first: date | None
    last: date | None
    words: str | None
    by: ByOut
    made_at: datetime
    state: str
    decided_at: datetime | None
    decided_by: ByOut | None
    answer: str | None
    sums: list[SumOut]


class ProposalsOut(msgspec.Struct):
    """The current rhythm and its summary, other times agreed for some days, and the proposals, the
    newest first. `version` names the rhythm: a later agreement says which one the person saw."""

    rhythm: dict[str, Any]
    zone: str
    version: str
    sums: list[SumOut]
    seasons: list[SeasonOut]
    proposals: list[ProposalOut]


class LookRequest(msgspec.Struct):
    """A rhythm, for good or for some days, to preview."""

    rhythm: RhythmIn
    zone: Zone | None = None
    first: date | None = None
    last: date | None = None


class LookOut(msgspec.Struct):
    """What the rhythm would mean; `problem` says why it is not possible."""

    sums: list[SumOut]
    problem: str | None


class AgreeRequest(msgspec.Struct):
    """The rhythm that was current when the person agreed, by its `version`."""

    version: Annotated[str, msgspec.Meta(max_length=64)]


class DeclineRequest(msgspec.Struct):
    """The words of a refusal."""

    words: Words | None = None


async def _child(request: Request, action: Action) -> tuple[Child, frozenset[Role]]:
    if "child_id" in request.path_params:
        return await child_for(request, request.path_params["child_id"], action)
    return await own_child(request, action)


async def show(request: Request) -> Response:
    """The current rhythm, and the proposals."""
    child, _ = await _child(request, Action.RHYTHM_SEE)
    watch, now = await Watch.get_or_none(child_id=child.id), now_of(request)
    if watch is None:
        raise nothing_here()
    case = await summary.case_of(child.id, now)
    rows = await Proposal.filter(child_id=child.id).order_by("-made_at", "-id").limit(MOST)
    return json_answer(
        ProposalsOut(
            rhythm=watch.rhythm,
            zone=watch.zone,
            version=rhythms.version(rhythms.read(watch.rhythm), watch.zone),
            sums=await _sums(request, case, case.terms) if case is not None else [],
            seasons=[season_out(row) for row in await summary.coming_seasons(child.id, now)],
            proposals=await _listed(request, rows, case),
        )
    )


async def look(request: Request) -> Response:
    """Preview a rhythm. It changes nothing."""
    payload = await json_body(request, LookRequest)
    child, _ = await _child(request, Action.RHYTHM_PROPOSE)
    now, language = now_of(request), language_of(request)
    case = await summary.case_of(child.id, now)
    if case is None:
        raise ended() if await Watch.exists(child_id=child.id) else nothing_here()
    try:
        days = proposals.days_of(payload.first, payload.last)
        terms = proposals.as_proposed(case, payload.rhythm, payload.zone, days, now)
    except Refused as fault:
        if fault.code not in ("too_slow", "taken"):
            raise
        return json_answer(LookOut([], gettext(language, fault.detail)))
    sums = await _sums(request, case, terms, terms.seasons[-1] if days else None)
    return json_answer(LookOut(sums, None))


async def propose(request: Request) -> Response:
    """Propose another rhythm."""
    payload = await json_body(request, ProposalRequest)
    child, roles = await _child(request, Action.RHYTHM_PROPOSE)
    now = now_of(request)
    role = next(role for role in (Role.CHILD, Role.CASEWORKER, Role.SUPERVISOR) if role in roles)
    visitor = await visitor_of(request)
    made = await proposals.propose(visitor, role, child.id, payload, now)
    return await _one(request, made, status=201)


async def agree(request: Request) -> Response:
    """Agree to a proposal: it holds from the next check-in on."""
    payload = await json_body(request, AgreeRequest)
    child, _ = await _child(request, Action.RHYTHM_AGREE)
    visitor, id_, now = await visitor_of(request), _id(request), now_of(request)
    try:
        agreed = await proposals.agree(visitor, child.id, id_, payload.version, now)
    except Conflict as fault:
        raise fault.shown(fault.content) from None
    return await _one(request, agreed)


async def decline(request: Request) -> Response:
    """Answer a proposal otherwise: the rhythm stays as it is."""
    payload = await json_body(request, DeclineRequest)
    child, _ = await _child(request, Action.RHYTHM_AGREE)
    visitor, id_, now = await visitor_of(request), _id(request), now_of(request)
    declined = await proposals.decline(visitor, child.id, id_, payload.words, now)
    return await _one(request, declined)


async def take_back(request: Request) -> Response:
    """Take back what one proposed: everything stays as it is."""
    child, _ = await _child(request, Action.RHYTHM_PROPOSE)
    visitor, now = await visitor_of(request), now_of(request)
    taken = await proposals.take_back(visitor, child.id, _id(request), now)
    return await _one(request, taken)


def _id(request: Request) -> UUID:
    proposal_id: UUID = request.path_params["proposal_id"]
    return proposal_id


async def _one(request: Request, row: Proposal, *, status: int = 200) -> Response:
    case = await summary.case_of(row.child_id, now_of(request))
    return json_answer((await _listed(request, [row], case))[0], status=status)


async def _listed(
    request: Request, rows: Sequence[Proposal], case: WatchState | None
) -> list[ProposalOut]:
    now = now_of(request)
    is_told = case is not None and await _is_told(request, case)
    people = {row.by_id for row in rows} | {row.decided_by for row in rows if row.decided_by}
    names = {
        person.id: ByOut(person.id, person.name)
        for person in await Person.filter(id__in=list(people))
    }
    return [
        ProposalOut(
            id=row.id,
            rhythm=row.rhythm,
            zone=row.zone,
            first=row.first_day,
            last=row.last_day,
            words=row.words,
            by=names[row.by_id],
            made_at=row.made_at,
            state=row.state,
            decided_at=row.decided_at,
            decided_by=names.get(row.decided_by) if row.decided_by else None,
            answer=row.answer,
            sums=_wire(summary.sums_of(case, row, now), is_told=is_told)
            if case and row.state == "open"
            else [],
        )
        for row in rows
    ]


async def _sums(
    request: Request, case: WatchState, terms: Terms, season: Season | None = None
) -> list[SumOut]:
    is_told = await _is_told(request, case)
    return _wire(summary.sums(terms, now_of(request), season), is_told=is_told)


async def _is_told(request: Request, case: WatchState) -> bool:
    rungs = case.policy.tiers[case.terms.tier].ladder.rungs
    child, agency = case.watch.child_id, case.watch.agency_id
    return await reaches_anyone(child, agency, rungs, request.app.state.channels, now_of(request))


def _wire(sums: Sequence[summary.Sum], *, is_told: bool) -> list[SumOut]:
    return [SumOut(entry.due_at, entry.told_by, entry.begin, is_told) for entry in sums]


_OWN, _CHILD = "/api/v1/rhythm", "/api/v1/children/{child_id:uuid}/rhythm"
_PROPOSAL = f"{_CHILD}/proposals/{{proposal_id:uuid}}"

routes = [
    route
    for path in (_OWN, _CHILD)
    for route in (
        api(
            "GET",
            f"{path}/proposals",
            show,
            "The rhythm, and what was proposed",
            gives={200: ProposalsOut},
        ),
        api(
            "POST",
            f"{path}/proposals",
            propose,
            "Propose another rhythm",
            takes=ProposalRequest,
            gives={201: ProposalOut},
            problems=(Conflict, IdReused),
        ),
        api(
            "POST",
            f"{path}/preview",
            look,
            "What a rhythm would come to",
            takes=LookRequest,
            gives={200: LookOut},
            problems=(Conflict,),
        ),
        api(
            "DELETE",
            f"{path}/proposals/{{proposal_id:uuid}}",
            take_back,
            "Take back what one proposed",
            gives={200: ProposalOut},
            problems=(Conflict,),
        ),
    )
] + [
    api(
        "POST",
        f"{_PROPOSAL}/agree",
        agree,
        "Agree to a proposed rhythm",
        takes=AgreeRequest,
        gives={200: ProposalOut},
        problems=(Conflict,),
    ),
    api(
        "POST",
        f"{_PROPOSAL}/decline",
        decline,
        "Answer a proposed rhythm otherwise",
        takes=DeclineRequest,
        gives={200: ProposalOut},
        problems=(Conflict,),
    ),
]
