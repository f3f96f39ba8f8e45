"""An agency of hundred thousand children and more, for benchmarks: one of those that
`server.seeding` makes up, with a person on duty, phones, and children who are called for, late, due
or away.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from server.auth.models import Device, Session
from server.people.models import Person
from server.people.rules import Role
from server.rota.models import FixedShift
from server.security import encryption
from server.seeding import days, people
from server.seeding.plan import Plan, make
from server.storage import bulk
from server.storage.copying import copy
from server.storage.db import fetch, write
from server.storage.ids import uuid7
from server.storage.months import make_months
from server.watch.models import Watch
from tests.bench.children import moment, token_of

DAYS = 7
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is there. `called` have no alert yet: those are opened by the action."""

    agency: UUID
    supervisor: UUID
    duty: UUID
    worker: UUID  # The caseworker of the first home.
    children: Sequence[UUID]
    called: Sequence[UUID]


async def fill(many: int, *, urgent: float = 0.01, phones: int = 500, days: int = DAYS) -> Crowd:
    """An agency with so many children; the last `phones` of them have one. `urgent`: the share of
    those who are called for, and of those who are late."""
    plan = make("bench", many, days, random.Random(7), moment())
    await _write(plan)
    duty = await _on_duty(plan)
    called = await _unwell(plan, urgent)
    await _phones(plan, phones)
    await fetch("ANALYZE")
    return Crowd(plan.agency, plan.supervisor, duty, plan.workers[0], plan.children, called)


async def _write(plan: Plan) -> None:
    await make_months(plan.now - timedelta(days=plan.days + 1), plan.now)
    async with write():
        for table in (*people.tables(plan), *days.tables(plan)):
            await copy(table, lambda _: None)


async def _on_duty(plan: Plan) -> UUID:
    duty, now = uuid7(), plan.now
    person = {"id": duty, "agency_id": plan.agency, "role": Role.SUPERVISOR, "name": "duty"}
    shift = {"id": uuid7(), "agency_id": plan.agency, "person_id": duty, "from_at": now}
    async with write():
        await bulk.insert(Person, [person | {"language": "en", "zone": "UTC", "made_at": now}])
        await bulk.insert(FixedShift, [shift | {"until_at": now + timedelta(hours=24)}])
    return duty


async def _unwell(plan: Plan, urgent: float) -> list[UUID]:
    """Those who are called for, with no alert yet; as many are late, and a twentieth is due."""
    well = [id_ for place, id_ in enumerate(plan.children) if place not in plan.away]
    lot = random.Random(8)
    lot.shuffle(well)
    share = int(len(plan.children) * urgent)
    called, late = well[:share], well[share : 2 * share]
    due = well[2 * share : 2 * share + len(plan.children) // 20]
    missed = {"missed_due_at": plan.now - timedelta(hours=2)}
    missed |= {"late_at": plan.now - timedelta(hours=1)}
    for ids, standing, more in (
        (called, "alerted", missed | {"is_alerted": True}),
        (late, "late", missed),
        (due, "due", {}),
    ):
        for begin in range(0, len(ids), AT_ONCE):
            async with write():
                some = Watch.filter(child_id__in=ids[begin : begin + AT_ONCE])
                await some.update(standing=standing, **more)
    return called


async def _phones(plan: Plan, many: int) -> None:
    ids, now = plan.children[-many:], plan.now
    common = {"agency_id": plan.agency}
    seen = {"made_at": now, "last_seen_at": now}
    async with write():
        await bulk.insert(
            Device, [{"id": i, **common, "person_id": i, "paired_at": now} for i in ids]
        )
        await bulk.insert(
            Session,
            [
                {"id": uuid7(), **common, "person_id": i, "device_id": i, **seen}
                | {"token_hash": encryption.hash_token(token_of(i))}
                for i in ids
            ],
        )
