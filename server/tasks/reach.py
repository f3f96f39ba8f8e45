"""Who is told of a task: its owner, or the people there in their place. Reads rows, writes none."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.people.models import Person, Tie
from server.people.rules import Role
from server.storage.db import as_id
from server.tasks import rules
from server.tasks.models import Task
from server.tasks.rules import Kind, Reach, To

OnDuty = Callable[[Collection[UUID], datetime], Awaitable[Mapping[UUID, set[UUID]]]]


async def _nobody(_agencies: Collection[UUID], _now: datetime) -> Mapping[UUID, set[UUID]]:
    return {}


_on_duty: OnDuty = _nobody


def use_on_duty(on_duty: OnDuty) -> None:
    """Tell this room who is on duty, by agency: the rota is in a room above. They stand in for the
    supervisors of a child who has none, and for the owner of a clock who is not there."""
    global _on_duty
    _on_duty = on_duty


class Instead(msgspec.Struct, frozen=True):
    """Who to ask, by name: the task's owner, and people who can give their deputy access."""

    owners: list[str]
    can_tie: list[str]


async def told_instead(
    child_id: UUID, person_id: UUID, now: datetime, *, task: Task | None = None
) -> Instead | None:
    """For a deputy without a tie to the child, who is told of this task, or of what the child's
    caseworkers are called for. None for everyone else."""
    tied, deputies = await _tied({child_id}, now)
    by_role = tied.get(child_id, {})
    stand_ins = frozenset(by_role.get(Role.CASEWORKER, ()))
    if task is not None and _is_by_owner(task):
        stand_ins = _owners(task, by_role)
    away = {worker for worker in stand_ins if deputies.get(worker) == person_id}
    if not away:
        return None
    can_tie = by_role.get(Role.SUPERVISOR.value, set())
    people = Person.filter(id__in=[*away, *can_tie])
    names = {id_: name for id_, name in await people.values_list("id", "name")}
    return Instead(
        sorted(names[worker] for worker in away),
        sorted(names[supervisor] for supervisor in can_tie),
    )


_Ties = Mapping[UUID, Mapping[str, set[UUID]]]  # By child and role: people who are not disabled.


async def reach_of(tasks: Sequence[Task], now: datetime) -> dict[UUID, Reach]:
    """The people to tell for each of these, by the task's id. Nobody whose tie has ended, nobody
    disabled. A clock without its owner goes to the caseworkers, without them to the supervisors,
    without these to the people on duty; without anyone, To.OWNER is empty."""
    tied, deputies = await _tied({row.child_id for row in tasks}, now)
    duty = await _on_duty({row.agency_id for row in tasks}, now)
    able = await _able(row.owner_id for row in tasks if row.kind in rules.OF_A_SHIFT)
    return {
        row.id: _reach(
            row,
            tied.get(row.child_id, {}),
            frozenset(duty.get(row.agency_id, ())),
            deputies,
            able,
        )
        for row in tasks
    }


async def _able(people: Iterable[UUID | None]) -> frozenset[UUID]:
    """The people among these who still work here: on the rota, they need no tie to the child."""
    held = Person.filter(
        id__in=list({person for person in people if person}), disabled_at__isnull=True
    )
    return frozenset(as_id(id_) for id_ in await held.values_list("id", flat=True))


def _reach(
    row: Task,
    tied: Mapping[str, set[UUID]],
    duty: frozenset[UUID],
    deputies: Mapping[UUID, UUID],
    able: frozenset[UUID],
) -> Reach:
    workers = frozenset(tied.get(Role.CASEWORKER, ())) - {row.but_id}
    supervisors = frozenset(tied.get(Role.SUPERVISOR, ())) - {row.but_id}
    if row.kind == Kind.APPROVAL:
        return _second_person(workers, supervisors, duty - {row.but_id})
    owners = able & {row.owner_id} if row.kind in rules.OF_A_SHIFT else _owners(row, tied)
    if row.owner_role == rules.ON_DUTY:
        owners = duty
    # A clock whose owner is not there goes to the next person who answers for this child. Where
    # there is none either, `_say` calls the last resort.
    instead = workers or supervisors or duty
    if row.kind == Kind.AWAY_REVIEW:
        # A second person looks, wherever there is one.
        instead = supervisors or duty or workers
    if rules.goes_round(Kind(row.kind), row.owner_role):
        # A complaint reaches nobody it may be about, and nobody the child did not choose; only
        # people who stand in for a supervisor are added.
        instead = duty - workers if row.owner_role == Role.SUPERVISOR else frozenset()
    owners = owners or instead
    stand_ins = owners if _is_by_owner(row) else workers
    return {
        To.OWNER: owners,
        To.CASEWORKER: workers or instead,
        To.DEPUTY: frozenset(deputies[stand_in] for stand_in in stand_ins if stand_in in deputies),
        To.SUPERVISOR: supervisors or duty,
        To.CHILD: frozenset({row.child_id}),
    }


def _is_by_owner(row: Task) -> bool:
    """Whether the deputies of its owners stand in; else it is those of the caseworkers."""
    return row.owner_id is not None or row.kind == Kind.AWAY_REVIEW


def _second_person(
    workers: frozenset[UUID], supervisors: frozenset[UUID], duty: frozenset[UUID]
) -> Reach:
    """A supervisor is asked first, else another caseworker, else the people on duty; later all of
    them. A deputy has no right to answer."""
    return {
        To.OWNER: supervisors or workers or duty,
        To.CASEWORKER: workers,
        To.SUPERVISOR: supervisors | duty,
    }


def _owners(row: Task, tied: Mapping[str, set[UUID]]) -> frozenset[UUID]:
    if row.owner_role == Role.CHILD:
        return frozenset({row.child_id})
    if row.owner_id is not None:
        everyone = frozenset[UUID]().union(*tied.values())
        return frozenset({row.owner_id}) & everyone
    # The person who leads the plan does what an agency has promised.
    role = Role.CASEWORKER if row.owner_role == "agency" else row.owner_role
    return frozenset(tied.get(role, ()))


async def _tied(
    children: Collection[UUID], now: datetime
) -> tuple[dict[UUID, dict[str, set[UUID]]], dict[UUID, UUID]]:
    rows = await Tie.filter(
        Tie.standing_at(now), child_id__in=list(children), person__disabled_at__isnull=True
    ).values_list("child_id", "person_id", "role", "person__deputy_id")
    tied: dict[UUID, dict[str, set[UUID]]] = {}
    deputies: dict[UUID, UUID] = {}
    for child_id, person_id, role, deputy_id in rows:
        tied.setdefault(child_id, {}).setdefault(Role(role).value, set()).add(person_id)
        if deputy_id is not None:
            deputies[person_id] = deputy_id
    able = await _able(deputies.values())
    return tied, {person: deputy for person, deputy in deputies.items() if deputy in able}


async def roles_of(children: Collection[UUID], now: datetime) -> dict[tuple[UUID, UUID], str]:
    """The roles of people for these children; of several, carer counts least."""
    tied, _ = await _tied(children, now)
    roles: dict[tuple[UUID, UUID], str] = {}
    for child_id, by_role in tied.items():
        for role, people in by_role.items():
            for person in people:
                if roles.get((child_id, person), Role.CARER) == Role.CARER:
                    roles[child_id, person] = role
    return roles
