"""By which policy an agency calls, and who is on which rung. Reads rows, and writes none."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from server.alerts.ladder import Reachable, people_on
from server.notify.contact_routes import HAS_A_WAY
from server.notify.last_resort.reading import with_last_resort
from server.people.models import Person, Tie
from server.people.rules import Role
from server.policy.model import Policy as PolicyRules
from server.policy.model import Rung
from server.policy.versions import as_written, in_force
from server.rota.calendar import Rota, on_duty_at, stand_in
from server.rota.duty import INSTANT, rotas_of
from server.storage.db import among, among_many, as_id, fetch


async def policy_of(agency_id: UUID) -> tuple[PolicyRules, int]:
    """The current policy of an agency, by what its weeks made of it where it adapts and learns, and
    its version; 0 is the default that ships."""
    rules, row = await as_written(agency_id)
    version = row.version if row is not None else 0
    return await in_force(rules, row), version


async def reach_of(children: Mapping[UUID, UUID], now: datetime) -> dict[UUID, Reachable]:
    """The people on each rung, for each of these children (child → agency). Nobody disabled; the
    cover, for a person on leave."""
    rotas = await rotas_of(set(children.values()), now, now + INSTANT)
    rungs_by_child = await _by_ties(children, now)
    covered = await with_last_resort(set(children.values()))
    on_duty = {agency: on_duty_at(rota, now) for agency, rota in rotas.items()}
    for child, agency in children.items():
        rungs_by_child[child][Rung.ON_DUTY] = set(on_duty[agency])
    return {
        child: _stood_in(reach, rotas[children[child]], now, ends=children[child] in covered)
        for child, reach in rungs_by_child.items()
    }


async def reaches_anyone(
    child_id: UUID, agency_id: UUID, rungs: Iterable[Rung], channels: Iterable[str], now: datetime
) -> bool:
    """Whether a message about this child would reach a person on one of these rungs, by an address
    that counts and one of these channels; or a last resort."""
    reachable = (await reach_of({child_id: agency_id}, now))[child_id]
    reach = reachable.on(*rungs)
    if Rung.LAST_RESORT in reachable.there:
        return True
    people = {person for rung in rungs for person in people_on(rung, reach)}
    sql = f"SELECT 1 FROM person p WHERE p.id {among()} AND {HAS_A_WAY.format(any=among('$2'))}"  # noqa: S608
    return bool(people and await fetch(f"{sql} LIMIT 1", [list(people), list(channels)]))


_Rungs = dict[Rung, set[UUID]]


async def _by_ties(children: Mapping[UUID, UUID], now: datetime) -> dict[UUID, _Rungs]:
    read = await fetch(_TIES.format(any=among_many()), [list(children), now])
    rows = [
        (as_id(row["child_id"]), row["role"], as_id(row["person_id"]), row["deputy_id"])
        for row in read
    ]
    deputies = {as_id(deputy) for _, _, _, deputy in rows if deputy is not None}
    working = Person.filter(id__in=list(deputies), disabled_at__isnull=True)
    able = set(await working.values_list("id", flat=True)) if deputies else set()
    rungs_by_child: dict[UUID, _Rungs] = {
        child: {Rung.CASEWORKER: set(), Rung.DEPUTY: set(), Rung.MANAGER: set()}
        for child in children
    }
    for child_id, role, person_id, deputy_id in rows:
        if role == Role.SUPERVISOR:
            rungs_by_child[child_id][Rung.MANAGER].add(person_id)
            continue
        rungs_by_child[child_id][Rung.CASEWORKER].add(person_id)
        if deputy_id is not None and as_id(deputy_id) in able:
            rungs_by_child[child_id][Rung.DEPUTY].add(as_id(deputy_id))
    return rungs_by_child


# Each batch of late children asks, and the ORM takes as long over the rows as the database.
_TIES = f"""
SELECT t.child_id, t.role, t.person_id, p.deputy_id FROM tie t JOIN person p ON p.id = t.person_id
WHERE t.child_id {{any}} AND t.role IN ('{Role.CASEWORKER.value}', '{Role.SUPERVISOR.value}')
AND t.from_at <= $2 AND (t.until_at IS NULL OR t.until_at > $2) AND p.disabled_at IS NULL
"""  # noqa: S608 (names of our own)


def _stood_in(reach: _Rungs, rota: Rota, now: datetime, *, ends: bool) -> Reachable:
    """`ends`: the agency has a last resort, its own or the installation's."""
    there: _Rungs = reach
    away: _Rungs = {}
    if rota.leaves:
        there = {}
        for rung, people in reach.items():
            covers = {who: stand_in(rota, who, now) for who in people}
            there[rung] = {other for other in covers.values() if other is not None}
            away[rung] = {who for who, other in covers.items() if other is None}
    if ends:
        there[Rung.LAST_RESORT] = set()
    return Reachable(there, away if any(away.values()) else {})


async def reach_of_worker(agency_id: UUID, worker_id: UUID, now: datetime) -> Reachable:
    """The people who would be on each rung for a child of this caseworker alone. The manager is any
    supervisor of a child of theirs."""
    worker = await Person.get(id=worker_id, agency_id=agency_id).prefetch_related("deputy")
    deputy: Person | None = worker.deputy
    is_able = deputy is not None and deputy.disabled_at is None
    rota = (await rotas_of([agency_id], now, now + INSTANT))[agency_id]
    rungs: _Rungs = {
        Rung.CASEWORKER: {worker.id},
        Rung.DEPUTY: {deputy.id} if deputy is not None and is_able else set(),
        Rung.ON_DUTY: set(on_duty_at(rota, now)),
        Rung.MANAGER: await _supervisors_of(worker.id, now),
    }
    ends = agency_id in await with_last_resort([agency_id])
    return _stood_in(rungs, rota, now, ends=ends)


async def _supervisors_of(worker_id: UUID, now: datetime) -> set[UUID]:
    standing = Tie.filter(Tie.standing_at(now))
    children = standing.filter(person_id=worker_id, role=Role.CASEWORKER)
    held = standing.filter(
        child_id__in=await children.values_list("child_id", flat=True),
        role=Role.SUPERVISOR,
        person__disabled_at__isnull=True,
    )
    return {as_id(id_) for id_ in await held.values_list("person_id", flat=True)}
