"""Children, sightings, rhythms, pauses and alerts over the API, for adults who have a tie."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.desk import by_urgency
from server.desk.alert_api import WRITTEN, answer
from server.errors import Conflict, IdReused
from server.people.access import (
    Roles,
    child_for,
    nothing_here,
    now_of,
    visitor_of,
)
from server.people.children_access import children_for
from server.people.desk_forms import strongest
from server.people.models import Child, Person
from server.people.rules import Action, Role, may
from server.policy.model import Tier
from server.storage.parts import MOST, QUERY
from server.watch import actions, evidence, watch_alerts
from server.watch.actions import SightingRequest
from server.watch.children import changed
from server.watch.facts import last_heard
from server.watch.machine.standing import State as Standing
from server.watch.machine.standing import as_the_child_sees
from server.watch.models import Pause, Sighting, Watch
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements
from server.watch.rhythm.agreements import PauseRequest, TierRequest
from server.watch.rhythm.seasons_api import SeasonOut, season_out
from server.watch.rhythm.summary import coming_seasons
from server.watch.wire import RhythmIn, Words
from server.web.openapi import api, query_of
from server.web.rendering import language_of, zone_of
from server.web.requests import json_body
from server.web.responses import json_answer


class ChildOut(msgspec.Struct):
    """A child as a tied adult sees them. `standing`: `well` means that nothing is late; `heard_at`:
    when an answer came last (null: never), left out for who may not read the check-in times.
    `sentence`: what is known, for the reader. `changed`: what has changed about the child, in a few
    words, as on the board."""

    id: UUID
    name: str
    standing: Standing
    roles: list[Role]
    tier: Tier | None = None
    due_at: datetime | None = None
    missed_due_at: datetime | None = None
    answered_at: datetime | None = None
    heard_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    sentence: str | None = None
    changed: str | None = None


class LeftOut(msgspec.Struct):
    """A child whose placement has ended: we ask them nothing, and their pages can still be read."""

    id: UUID
    name: str
    left_at: datetime


class ChildrenOut(msgspec.Struct):
    """The visitor's children, the most urgent first; and, in the first part, the latest of those
    who left. `next`: where there are more children, the `after` of the next part. A child who has
    become more urgent since is in neither: the first part has them by now."""

    children: list[ChildOut]
    left: list[LeftOut]
    next: UUID | None


class SightingOut(msgspec.Struct):
    """A sighting as it was noted."""

    id: UUID
    answer: str
    at: datetime
    seen_at: datetime
    by_role: Role


class MissingRequest(msgspec.Struct):
    """Why an adult thinks that the child is missing; may be empty."""

    words: Words | None = None


class RhythmRequest(msgspec.Struct):
    """How often, on the child's clock: `{"at": ["18:00"], "days": [0, 1, 2, 3, 4, 5, 6]}`."""

    rhythm: RhythmIn
    zone: Annotated[str, msgspec.Meta(max_length=64)]


class PauseOut(msgspec.Struct):
    """A pause; `ended_at` if it was taken back. `reason` is null where it was agreed before reasons
    were asked for. `looked_at`: when a person last said that it is still so."""

    id: UUID
    from_at: datetime
    until_at: datetime
    ended_at: datetime | None
    returns: bool
    words: str | None
    reason: Reason | None
    made_at: datetime
    looked_at: datetime | None


class WatchOut(msgspec.Struct):
    """The terms of a child's watch, and the pauses and seasons that are not over. `heard_at`: when
    an answer came last; null: never."""

    tier: Tier
    tier_until_at: datetime | None
    tier_then: Tier | None
    rhythm: dict[str, Any]
    zone: str
    due_at: datetime | None
    opens_at: datetime | None
    standing: Standing
    heard_at: datetime | None
    pauses: list[PauseOut]
    seasons: list[SeasonOut]


# --- children


async def children(request: Request) -> Response:
    """The children the visitor is tied to, the most urgent first."""
    asked = query_of(request, **QUERY)
    part, following = await by_urgency.part(request, asked["after"], asked["limit"] or MOST)
    left = [] if asked["after"] is not None else await by_urgency.left(request, MOST)
    among = {*part, *left}
    # A right may have ended since they were ordered. Only who is shown is looked at.
    held = await children_for(request, Action.CHILD_SEE, also=among, among=among, by_call=True)
    roles, now = {id_: held[id_] for id_ in part if id_ in held}, now_of(request)
    watches = {w.child_id: w for w in await Watch.filter(child_id__in=list(roles))}
    names = {p.id: p.name for p in await Person.filter(id__in=list(held))}
    seeing = [id for id in watches if may(roles[id], Action.ALERT_SEE)]
    facts = await evidence.of(seeing, now)
    noticing = [id for id in watches if may(roles[id], Action.OBSERVATION_SEE)]
    says = await changed(request, noticing) if noticing else {}
    entries = [
        _child(id, names[id], roles[id], watches.get(id), facts.get(id), request)
        for id in roles
        if id in names
    ]
    for child in entries:
        child.changed = says.get(child.id)
    first = by_urgency.FIRST
    entries.sort(key=lambda child: (first[child.standing], child.missed_due_at or now, child.name))
    gone = await _gone([id_ for id_ in left if id_ in held], names)
    return json_answer(ChildrenOut(entries, gone, following))


async def _gone(ids: list[UUID], names: Mapping[UUID, str]) -> list[LeftOut]:
    rows = {child.id: child.left_at for child in await Child.filter(id__in=ids)} if ids else {}
    return [
        LeftOut(id_, names[id_], left_at)
        for id_ in ids
        if id_ in names and (left_at := rows.get(id_)) is not None
    ]


def _child(
    id: UUID,
    name: str,
    roles: frozenset[Role],
    watch: Watch | None,
    facts: evidence.Facts | None,
    request: Request,
) -> ChildOut:
    standing = _standing(watch, roles) if watch is not None else Standing.WELL
    out = ChildOut(id, name, standing, sorted(roles))
    if may(roles, Action.RHYTHM_SEE):
        out.heard_at = _heard(watch, roles) if watch is not None else None
    if watch is not None and may(roles, Action.RHYTHM_SEE) and Role.CHILD not in roles:
        out.tier, out.due_at = Tier(watch.tier), watch.due_at
        out.missed_due_at, out.answered_at = watch.missed_due_at, watch.answered_at
    if facts is not None:
        out.sentence = evidence.sentence(
            facts, language_of(request), zone_of(request), now_of(request)
        )
    return out


def _standing(watch: Watch, roles: frozenset[Role]) -> Standing:
    """What the reader may see: the person with a child's phone learns nothing of adults' acts."""
    return _of_reader(Standing(watch.standing), roles)


def _heard(watch: Watch, roles: Roles) -> datetime | None:
    """When an answer came last, for the reader: a phone tells of the child's own alone."""
    is_own = Role.CHILD in roles
    return watch.answered_at if is_own else last_heard(watch.answered_at, watch.heard_at)


def _of_reader(standing: Standing, roles: Roles) -> Standing:
    return as_the_child_sees(standing) if Role.CHILD in roles else standing


async def watch(request: Request) -> Response:
    """The terms of a child's watch."""
    child, roles = await child_for(request, request.path_params["child_id"], Action.RHYTHM_SEE)
    return await _watch(child, roles, request)


async def _watch(child: Child, roles: frozenset[Role], request: Request) -> Response:
    watch = await Watch.get_or_none(child_id=child.id)
    if watch is None:
        raise nothing_here()
    pauses = await Pause.filter(
        child_id=child.id, until_at__gt=now_of(request), ended_at__isnull=True
    ).order_by("from_at")
    return json_answer(
        WatchOut(
            tier=Tier(watch.tier),
            tier_until_at=watch.tier_until_at,
            tier_then=Tier(watch.tier_then) if watch.tier_then else None,
            rhythm=watch.rhythm,
            zone=watch.zone,
            due_at=watch.due_at,
            opens_at=watch.opens_at,
            standing=_standing(watch, roles),
            heard_at=_heard(watch, roles),
            pauses=[_pause(pause) for pause in pauses],
            seasons=[season_out(row) for row in await coming_seasons(child.id, now_of(request))],
        )
    )


async def set_rhythm(request: Request) -> Response:
    """Another rhythm, agreed with the child."""
    payload = await json_body(request, RhythmRequest)
    child, roles = await child_for(request, request.path_params["child_id"], Action.RHYTHM_AGREE)
    visitor = await visitor_of(request)
    await agreements.set_rhythm(visitor, child.id, payload.rhythm, payload.zone, now_of(request))
    return await _watch(child, roles, request)


async def set_tier(request: Request) -> Response:
    """How tight the watch is."""
    payload = await json_body(request, TierRequest)
    child, roles = await child_for(request, request.path_params["child_id"], Action.TIER_SET)
    await agreements.set_tier(await visitor_of(request), child.id, payload, now_of(request))
    return await _watch(child, roles, request)


async def pause(request: Request) -> Response:
    """An agreed absence."""
    payload = await json_body(request, PauseRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.PAUSE)
    made = await agreements.pause(await visitor_of(request), child.id, payload, now_of(request))
    return json_answer(_pause(made), status=201)


async def end_pause(request: Request) -> Response:
    """Back earlier than agreed."""
    child, _ = await child_for(request, request.path_params["child_id"], Action.PAUSE)
    visitor, pause_id = await visitor_of(request), request.path_params["pause_id"]
    await agreements.end_pause(visitor, child.id, pause_id, now_of(request))
    return Response(status_code=204)


def _pause(row: Pause) -> PauseOut:
    return PauseOut(
        row.id,
        row.from_at,
        row.until_at,
        row.ended_at,
        row.returns,
        row.words,
        Reason(row.reason) if row.reason is not None else None,
        row.made_at,
        row.looked_at,
    )


async def note_sighting(request: Request) -> Response:
    """An adult saw the child, or looked and did not find them."""
    payload = await json_body(request, SightingRequest)
    child_id, visitor = request.path_params["child_id"], await visitor_of(request)
    child, roles = await child_for(request, child_id, Action.SIGHTING_NOTE, by_call=True)
    role = strongest(roles, visitor)
    made = await actions.note_sighting(visitor, child.id, role, payload, now_of(request))
    return json_answer(_sighting(made), status=201)


def _sighting(row: Sighting) -> SightingOut:
    return SightingOut(row.id, row.answer, row.at, row.seen_at, Role(row.by_role))


async def missing(request: Request) -> Response:
    """ "I think this child is missing": everyone is called at once."""
    payload = await json_body(request, MissingRequest)
    child, _ = await child_for(request, request.path_params["child_id"], Action.EPISODE_OPEN)
    made = await watch_alerts.open_missing(
        await visitor_of(request), child.id, payload.words, now_of(request)
    )
    return await answer(request, made, status=201)


_CHILD = "/api/v1/children/{child_id:uuid}"

routes = [
    api(
        "GET",
        "/api/v1/children",
        children,
        "My children",
        query=QUERY,
        gives={200: ChildrenOut},
    ),
    api("GET", f"{_CHILD}/watch", watch, "The watch over a child", gives={200: WatchOut}),
    api(
        "PUT",
        f"{_CHILD}/rhythm",
        set_rhythm,
        "Agree another rhythm",
        takes=RhythmRequest,
        gives={200: WatchOut},
        problems=(Conflict,),
    ),
    api(
        "PUT",
        f"{_CHILD}/tier",
        set_tier,
        "Set the tier",
        takes=TierRequest,
        gives={200: WatchOut},
        problems=(Conflict,),
    ),
    api(
        "POST",
        f"{_CHILD}/pauses",
        pause,
        "Agree an absence, with its reason",
        takes=PauseRequest,
        gives={201: PauseOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "DELETE",
        f"{_CHILD}/pauses/{{pause_id:uuid}}",
        end_pause,
        "End an absence before its time",
        gives={204: None},
        problems=(Conflict,),
    ),
    api(
        "POST",
        f"{_CHILD}/sightings",
        note_sighting,
        "Note that the child was seen, or not",
        takes=SightingRequest,
        gives={201: SightingOut},
        problems=(Conflict, IdReused),
    ),
    api(
        "POST",
        f"{_CHILD}/missing",
        missing,
        "Say that the child is missing",
        takes=MissingRequest,
        gives={201: WRITTEN},
        problems=(Conflict,),
    ),
]
