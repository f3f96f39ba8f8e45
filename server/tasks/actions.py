"""Setting, settling and dropping dues, and what happens to them as time passes."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F
from tortoise.functions import Max

from server.audit.actions import SYSTEM, Actor
from server.audit.models import Entry
from server.clock import known_zone
from server.notify.actions import Saying, queue, tell_operators, withdraw
from server.notify.rules import Kind as Message
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.storage import bulk
from server.storage.db import as_id, write
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7
from server.tasks import rules
from server.tasks.models import Task
from server.tasks.rules import Call, Ending, Kind, Reach, Setting, State, To
from server.web.live import announce

# What open pages hear when it is another person's turn.
TOPIC = "due"
# The ticker has failed a due whose next step is this far past.
LOST_AFTER = timedelta(minutes=2)
# A message about a due has no use once the next one about it is out.
SAYS_FOR = timedelta(days=1)


def is_as(row: Task, setting: Setting) -> bool:
    """Whether the row already says the same."""
    return (row.owner_id, row.owner_role, row.due_at, row.zone, row.since_id) == (
        setting.owner_id,
        setting.owner_role,
        setting.due_at,
        setting.zone,
        setting.since_id,
    )


async def set_due(actor: Actor, child: Child, setting: Setting, now: datetime) -> None:
    """Set this due; it replaces one of the same subject that says otherwise."""
    await settle_and_set(actor, child, [], [setting], now)


async def done(actor: Actor, due: Task, now: datetime, *, by: UUID | None = None) -> None:
    """It has happened: nobody is told any more. Twice is once."""
    await settle(actor, [(due, Ending(State.DONE, "done", by))], now)


async def drop(actor: Actor, due: Task, why: str, now: datetime, *, by: UUID | None = None) -> None:
    """Nobody has to do it any more. Twice is once."""
    await settle(actor, [(due, Ending(State.DROPPED, why, by))], now)


async def open_dues(child_id: UUID) -> list[Task]:
    """What is open about a child, the oldest first."""
    return await Task.filter(child_id=child_id, state=State.OPEN).order_by("due_at", "id")


async def settle_and_set(
    actor: Actor,
    child: Child,
    endings: Sequence[tuple[Task, Ending]],
    settings: Sequence[Setting],
    now: datetime,
) -> None:
    """End these and set those, all in one transaction; a due that is already set so is left."""
    if not endings and not settings:
        return
    async with write():
        await settle(actor, endings, now)
        subjects = {wanted.subject_id for wanted in settings}
        held = {
            (row.kind, row.subject_id): row
            for row in await Task.filter(subject_id__in=list(subjects), state=State.OPEN)
        }
        new, moved = [], []
        for setting in settings:
            row = held.get((setting.kind.value, setting.subject_id))
            if row is not None and is_as(row, setting):
                continue
            new.append(setting)
            if row is not None:
                moved.append((row, Ending(State.DROPPED, "moved")))
        await settle(actor, moved, now)
        await _insert(actor, child, new, now)


async def _insert(actor: Actor, child: Child, new: Sequence[Setting], now: datetime) -> None:
    if not new:
        return
    turns = await _turns({wanted.subject_id for wanted in new})
    rows = []
    for setting in new:
        due = Task(
            id=uuid7(),
            agency_id=child.agency_id,
            child_id=child.id,
            kind=setting.kind.value,
            subject_id=setting.subject_id,
            turn=turns.get((setting.kind.value, setting.subject_id), -1) + 1,
            owner_id=setting.owner_id,
            owner_role=setting.owner_role,
            due_at=setting.due_at,
            zone=setting.zone,
            set_at=now,
            since_id=setting.since_id,
        )
        due.next_action_at = due.speaks_at()
        rows.append({name: getattr(due, name) for name in _COLUMNS})
    await bulk.insert(Task, rows)
    made = [(row["id"], child.id, child.agency_id, "set", None) for row in rows]
    await _enter(actor, made, now)
    await announce(child.agency_id, TOPIC)


_COLUMNS = (
    "id agency_id child_id kind subject_id turn owner_id owner_role due_at zone set_at since_id"
    " state told next_action_at version"
).split()


async def _turns(subjects: Collection[UUID]) -> dict[tuple[str, UUID], int]:
    """The last turn of each subject."""
    rows = (
        await Task.filter(subject_id__in=list(subjects))
        .annotate(last=Max("turn"))
        .group_by("kind", "subject_id")
        .values_list("kind", "subject_id", "last")
    )
    return {(kind, as_id(subject)): last for kind, subject, last in rows}


async def settle(actor: Actor, endings: Sequence[tuple[Task, Ending]], now: datetime) -> None:
    """End these, and withdraw the messages about them. One that has ended already stays as it
    ended."""
    if not endings:
        return
    async with write():
        # By their state, not by their version: telling a person meanwhile changes the version, and
        # must not stop this.
        held = Task.filter(id__in=[due.id for due, _ in endings], state=State.OPEN)
        still_open = {row.id for row in await held.order_by("id").select_for_update()}
        by_ending: dict[Ending, list[Task]] = {}
        for due, ending in endings:
            if due.id in still_open:
                by_ending.setdefault(ending, []).append(due)
        ended: list[_Entered] = []
        for ending, rows in by_ending.items():
            await Task.filter(id__in=[due.id for due in rows]).update(
                state=ending.state,
                next_action_at=None,
                settled_at=now,
                settled_by=ending.by,
                why=ending.why,
                version=F("version") + 1,
            )
            ended += [
                (due.id, due.child_id, due.agency_id, ending.state.value, ending.why)
                for due in rows
            ]
        await withdraw([entered[0] for entered in ended], "settled", now)
        await _enter(actor, ended, now)
        await _announce(entered[2] for entered in ended)


async def _announce(agencies: Iterable[UUID]) -> None:
    for agency_id in sorted(set(agencies)):
        await announce(agency_id, TOPIC)


_Entered = tuple[UUID, UUID, UUID, str, str | None]


async def _enter(actor: Actor, what: Iterable[_Entered], now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "at": now,
            "agency_id": agency_id,
            "who_id": actor.id,
            "who_role": actor.role,
            "what": f"due:{verb}",
            "child_id": child_id,
            "about_kind": "due",
            "about_id": due_id,
            "names": [],
            "why": why,
        }
        for due_id, child_id, agency_id, verb, why in what
    ]
    await bulk.insert(Entry, rows)


# --- what time does


async def self_audit(now: datetime) -> list[UUID]:
    """Open dues whose next step is long overdue: the ticker has failed them. The database itself
    refuses an open one without any next step."""
    lost = Task.filter(state=State.OPEN, next_action_at__lt=now - LOST_AFTER)
    return [as_id(row) for row in await lost.values_list("id", flat=True)]


async def _go_on(due: Sequence[Task], now: datetime) -> None:
    """Tell the people who are due by now."""
    if any(known_zone(row.zone).key != row.zone for row in due):
        # The mornings are those of UTC until the zone is fixed.
        await tell_operators("due:zone", now)
    resting = {row.child_id for row in due if row.kind not in rules.NEVER_RESTS}
    left = await _left(resting)
    reach = await reach_of(due, now)
    moved: list[tuple[Task, rules.Due, tuple[Call, ...]]] = []
    for row in due:
        if _rests(row, left):
            moved.append((row, row.slice(), ()))
        else:
            moved.append((row, *rules.advance(row.slice(), row.terms(), reach[row.id], now)))
    rows = [
        {
            "id": row.id,
            "told": after.told,
            "next_action_at": _acts_at(row, after, _rests(row, left), now),
            "version": row.version,
        }
        for row, after, _ in moved
    ]
    written = {as_id(key) for key in await bulk.update(Task, rows, guard="version")}
    ours = [(row, calls) for row, _, calls in moved if row.id in written and calls]
    await _say(ours, now)
    told = [(row.id, row.child_id, row.agency_id, "told", row.kind) for row, _ in ours]
    await _enter(SYSTEM, told, now)
    # People told that something is over have a turn from now on.
    await _announce(row.agency_id for row, _ in ours)


TASKS = DueRows("due", Task, _go_on, at_once=200)


def _acts_at(row: Task, after: rules.Due, is_left: bool, now: datetime) -> datetime | None:
    return now + rules.REST if is_left else rules.next_at(after, row.terms())


def _rests(row: Task, left: Collection[UUID]) -> bool:
    return row.child_id in left and row.kind not in rules.NEVER_RESTS


async def _left(children: Collection[UUID]) -> set[UUID]:
    """The children whose placement has ended: nobody is asked about them."""
    gone = Child.filter(id__in=list(children), left_at__isnull=False)
    return {as_id(id_) for id_ in await gone.values_list("id", flat=True)}


async def _say(moved: Sequence[tuple[Task, tuple[Call, ...]]], now: datetime) -> None:
    roles = await _roles({row.child_id for row, _ in moved}, now)
    sayings: list[Saying] = []
    for row, calls in moved:
        # After our server was down several are true at once. Everyone is told once: by the last.
        number_by_person = {person: call.number for call in calls for person in call.people}
        if row.owner_role != Role.CHILD and not number_by_person.keys() - {row.child_id}:
            # An adult must answer for this child, and none does. Telling the child is not enough.
            await tell_operators("due:nobody", now)
        for person, number in number_by_person.items():
            role = roles.get((row.child_id, person))
            sayings.append(_saying(row, person, role, number, now))
    await queue(sayings, now)


def _saying(row: Task, person: UUID, role: str | None, number: int, now: datetime) -> Saying:
    is_child = person == row.child_id
    quiet = {
        "from": f"{rules.QUIET_FROM:%H:%M}",
        "until": f"{rules.QUIET_UNTIL:%H:%M}",
        "zone": row.zone,
    }
    # A carer has no page about the child at the desk; the promise is in the app. A deputy without a
    # tie may open nothing about the child: their page says what to do.
    is_in_app = is_child or role == Role.CARER
    about = f"/desk/children/{row.child_id}" if role else f"/desk/dues/{row.id}"
    if row.kind in rules.OF_AN_EPISODE:
        about = f"/desk/episodes/{row.subject_id}"
    elif row.kind in rules.OF_A_SHIFT:
        about = f"/desk/handovers/{row.subject_id}"
    path = "/app/" if is_in_app else about
    return Saying(
        kind=Message.DUE_CHILD if is_child else Message.DUE,
        agency_id=row.agency_id,
        subject_kind="due",
        subject_id=row.id,
        person_id=person,
        turn=number,
        child_id=row.child_id,
        urgency="high" if row.kind in rules.URGENT else "normal",
        expires_at=now + SAYS_FOR,
        data={"path": path, **({"quiet": quiet} if is_child else {})},
    )


# --- who is told


OnDuty = Callable[[Collection[UUID], datetime], Awaitable[Mapping[UUID, set[UUID]]]]


async def _nobody(_agencies: Collection[UUID], _now: datetime) -> Mapping[UUID, set[UUID]]:
    return {}


_on_duty: OnDuty = _nobody


def use_on_duty(on_duty: OnDuty) -> None:
    """Tell this room who is on duty, by agency: the rota is in a room above. They stand in for the
    supervisors of a child who has none, and for the owner of a clock who is not there."""
    global _on_duty
    _on_duty = on_duty


@dataclass(frozen=True, slots=True)
class Instead:
    """Who to ask, by name: the due's owner, and people who can give their deputy access."""

    owners: list[str]
    can_tie: list[str]


async def told_instead(
    child_id: UUID, person_id: UUID, now: datetime, *, due: Task | None = None
) -> Instead | None:
    """For a deputy without a tie to the child, who is told of this due, or of what the child's
    caseworkers are called for. None for everyone else."""
    tied, deputies = await _tied({child_id}, now)
    by_role = tied.get(child_id, {})
    stand_ins = frozenset(by_role.get(Role.CASEWORKER, ()))
    if due is not None and due.owner_id is not None:
        stand_ins = _owners(due, by_role)
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


async def reach_of(due: Sequence[Task], now: datetime) -> dict[UUID, Reach]:
    """The people to tell for each of these, by the due's id. Nobody whose tie has ended, nobody
    disabled. A clock without its owner goes to the caseworkers, without them to the supervisors,
    without these to the people on duty; without anyone, To.OWNER is empty."""
    tied, deputies = await _tied({row.child_id for row in due}, now)
    duty = await _on_duty({row.agency_id for row in due}, now)
    able = await _able(row.owner_id for row in due if row.kind in rules.OF_A_SHIFT)
    return {
        row.id: _reach(
            row,
            tied.get(row.child_id, {}),
            frozenset(duty.get(row.agency_id, ())),
            deputies,
            able,
        )
        for row in due
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
    workers = frozenset(tied.get(Role.CASEWORKER, ()))
    supervisors = frozenset(tied.get(Role.SUPERVISOR, ()))
    owners = able & {row.owner_id} if row.kind in rules.OF_A_SHIFT else _owners(row, tied)
    # A clock whose owner is not there goes to the next person who answers for this child. Where
    # there is none either, `_say` calls the last resort.
    instead = workers or supervisors or duty
    if rules.goes_round(Kind(row.kind), row.owner_role):
        # A complaint reaches nobody it may be about, and nobody the child did not choose; only
        # people who stand in for a supervisor are added.
        instead = duty - workers if row.owner_role == Role.SUPERVISOR else frozenset()
    owners = owners or instead
    stand_ins = owners if row.owner_id is not None else workers
    return {
        To.OWNER: owners,
        To.CASEWORKER: workers or instead,
        To.DEPUTY: frozenset(deputies[stand_in] for stand_in in stand_ins if stand_in in deputies),
        To.SUPERVISOR: supervisors or duty,
        To.CHILD: frozenset({row.child_id}),
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


async def _roles(children: Collection[UUID], now: datetime) -> dict[tuple[UUID, UUID], str]:
    """The roles of people for these children; of several, carer counts least."""
    tied, _ = await _tied(children, now)
    roles: dict[tuple[UUID, UUID], str] = {}
    for child_id, by_role in tied.items():
        for role, people in by_role.items():
            for person in people:
                if roles.get((child_id, person), Role.CARER) == Role.CARER:
                    roles[child_id, person] = role
    return roles
