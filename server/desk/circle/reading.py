"""Everyone around a child, as the rows say. Reads rows, and writes none."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.causes import ladder_for
from server.alerts.climbing import CALLING
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.recipients import policy_of, reach_of
from server.desk.circle.rules import (
    Absence,
    Around,
    Doubt,
    Place,
    in_order,
    places_of,
    turns_of,
)
from server.notify.contact_routes import NOWHERE, Ways, ways_of, wishes_of
from server.notify.models import Message
from server.notify.rules import PUSH
from server.people.access import Roles
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Action, Role, may
from server.policy.model import Rung, Tier
from server.rota.calendar import Rota, on_duty_at, stand_in
from server.rota.duty import INSTANT, rotas_of
from server.storage.db import as_id
from server.watch.models import Watch
from server.watch.trusted.contacts import LIVE
from server.watch.trusted.models import Trusted
from server.witnesses.reading import of_child

# A home may give all of its staff a tie: more of them would help nobody.
MOST_CARERS, MOST_OTHERS = 40, 60


class Circle(msgspec.Struct, frozen=True):
    """Everyone around the child, in order, and the names of the persons. `alert_id`: the oldest
    open alert. `is_cut`: there are more carers than a page shows."""

    people: tuple[Around, ...]
    names: Mapping[UUID, str]
    alert_id: UUID | None
    is_cut: bool = False


async def circle_of(child: Child, roles: Roles, now: datetime) -> Circle:
    """Those around this child that a reader with these roles may see. Who can be called, who is
    away and who cannot be reached is for readers who see the ties."""
    ties = await _ties(child, now)
    alerts = await Alert.filter(child_id=child.id, closed_at__isnull=True).order_by("opened_at")
    others: dict[Place, set[UUID]] = {}
    turns: dict[UUID, int] = {}
    rota = Rota()
    if may(roles, Action.TIES_SEE):
        rota = (await rotas_of([child.agency_id], now, now + INSTANT))[child.agency_id]
        turns = await _turns(child, now)
        others = await _others(child, ties, rota, now)
        others[Place.CALLED] = await _called([alert.id for alert in alerts])
    places = places_of([(tie.person_id, tie.role) for tie in ties], others)
    people = await Person.filter(id__in=list(places), disabled_at__isnull=True)
    names = {person.id: person.name for person in people}
    adults = [
        Around(
            id=person,
            name=name,
            places=places[person],
            turn=turns.get(person),
            is_called=person in others.get(Place.CALLED, ()),
            absence=_absence(rota, person, now),
        )
        for person, name in names.items()
    ]
    if may(roles, Action.TIES_SEE):
        adults = await _with_doubts(adults, now)
    others_named = [*await _trusted(child, roles), *await _witnesses(child, roles, now)]
    everyone = in_order([*adults, *await _things(child, roles), *others_named])
    is_cut = sum(tie.role == Role.CARER for tie in ties) == MOST_CARERS
    return Circle(tuple(everyone), names, alerts[0].id if alerts else None, is_cut)


async def _ties(child: Child, now: datetime) -> list[Tie]:
    """The valid ties; those of the people who answer for the child are never cut off."""
    held = Tie.filter(Tie.standing_at(now), child_id=child.id).order_by("from_at", "id")
    carers = await held.filter(role=Role.CARER).limit(MOST_CARERS)
    return [*await held.exclude(role=Role.CARER).limit(MOST_OTHERS), *carers]


async def _turns(child: Child, now: datetime) -> dict[UUID, int]:
    """In which step each person is called about a silence; empty where nobody watches."""
    watch = await Watch.get_or_none(child_id=child.id)
    if watch is None or child.left_at is not None:
        return {}
    policy, _ = await policy_of(child.agency_id)
    rungs = ladder_for(Cause.SILENCE, policy, Tier(watch.tier)).rungs
    reach = (await reach_of({child.id: child.agency_id}, now))[child.id]
    return turns_of([rung for rung in rungs if rung is not Rung.LAST_RESORT], reach)


async def _others(
    child: Child, ties: Collection[Tie], rota: Rota, now: datetime
) -> dict[Place, set[UUID]]:
    """The deputies of the caseworkers, the people on duty, and the covers of those on leave."""
    if child.left_at is not None:
        return {}
    workers = [tie.person_id for tie in ties if tie.role == Role.CASEWORKER]
    deputies = Person.filter(id__in=workers, deputy_id__isnull=False)
    called = {as_id(id_) for id_ in await deputies.values_list("deputy_id", flat=True)}
    on_duty = set(on_duty_at(rota, now))
    professional = {tie.person_id for tie in ties if tie.role in (Role.CASEWORKER, Role.SUPERVISOR)}
    covers = {stand_in(rota, person, now) for person in professional | called | on_duty}
    return {
        Place.DEPUTY: called,
        Place.ON_DUTY: on_duty,
        Place.COVER: {cover for cover in covers if cover is not None}
        - professional
        - called
        - on_duty,
    }


async def _called(alerts: Collection[UUID]) -> set[UUID]:
    """Everyone the ladder has called about these alerts by a message that a channel took."""
    if not alerts:
        return set()
    kinds = [kind.value for kind in CALLING]
    calls = Message.filter(
        subject_id__in=list(alerts), kind__in=kinds, state="done", person_id__isnull=False
    )
    return {as_id(id_) for id_ in await calls.distinct().values_list("person_id", flat=True)}


def _absence(rota: Rota, person: UUID, now: datetime) -> Absence | None:
    leave = next(
        (leave for leave in rota.leaves if leave.who == person and leave.begin <= now < leave.end),
        None,
    )
    return None if leave is None else Absence(leave.end, stand_in(rota, person, now))


async def _with_doubts(adults: Collection[Around], now: datetime) -> list[Around]:
    ways = await ways_of([adult.id for adult in adults], now)
    return [replace(adult, doubt=_doubt(ways.get(adult.id, NOWHERE))) for adult in adults]


def _doubt(ways: Ways) -> Doubt | None:
    if not ways.proven:
        return Doubt.NO_ADDRESS
    return Doubt.UNSEEN if ways.is_unseen and ways.proven == (PUSH,) else None


async def _things(child: Child, roles: Roles) -> list[Around]:
    """The home and the school: no persons, and they can be called."""
    things = []
    home = await Home.get_or_none(id=child.home_id) if child.home_id else None
    if home is not None:
        doubt = Doubt.NO_NUMBER if not home.phone and may(roles, Action.TIES_SEE) else None
        things.append(Around(id=home.id, name=home.name, places=(Place.HOME,), doubt=doubt))
    wish = (await wishes_of([child.id])).get(child.id) if may(roles, Action.RHYTHM_SEE) else None
    if wish is not None and wish.school:
        things.append(Around(id=child.id, name="", places=(Place.SCHOOL,)))
    return things


async def _trusted(child: Child, roles: Roles) -> list[Around]:
    """The people the child named, for those who decide about them."""
    if not may(roles, Action.TRUSTED_DECIDE):
        return []
    rows = await Trusted.filter(child_id=child.id, state__in=LIVE).order_by("named_at")
    return [
        Around(
            id=row.id,
            name=row.name,
            places=(Place.TRUSTED,),
            doubt=None if row.state == "yes" else Doubt.UNASKED,
        )
        for row in rows
    ]


async def _witnesses(child: Child, roles: Roles, now: datetime) -> list[Around]:
    """Schools, clubs and people who say whether the child came, for those who arrange it."""
    if not may(roles, Action.WITNESS_ARRANGE):
        return []
    return [
        Around(
            id=seat.witness_id,
            name=seat.witness.name,
            places=(Place(seat.witness.kind),),
            is_witness=True,
        )
        for seat in await of_child(child.id, now)
    ]
