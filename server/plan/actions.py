"""Merging changes into a life project, and putting those sent over an ended tie into quarantine."""

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.clock import known_zone
from server.errors import IdReused, NotFound, Refused, WaymarkError
from server.i18n import N_
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.plan import plan_tasks, shape, triggers, view
from server.plan.goals import moved
from server.plan.models import Change, LifeProject, Quarantined
from server.plan.rules import (
    Said,
    check_allowed,
    check_recorded,
    check_there,
    speaks_as,
    without_unsaid,
)
from server.plan.state import Row, State, Taken, fold
from server.plan.triggers import Utterance
from server.security import encryption
from server.storage import bulk
from server.storage.db import after_commit, as_id, as_moment, dialect, fetch, swapped, write
from server.storage.ids import uuid7
from server.watch.actions import heard
from server.watch.signals.observations import GOAL, keep
from server.watch.writing import lock
from server.web.live import announce

KNOWN, REFUSED, QUARANTINED = "known", "refused", "quarantined"
# Projects that were open lately stay folded in memory; the stored rows decide whether they are
# valid.
_MOST_FOLDED = 64


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one change. `fault`: why it was refused. `received_at`: when it first arrived,
    if it is kept. `revision`: of the project after it, if it was merged."""

    id: str | None
    status: str
    fault: WaymarkError | None = None
    received_at: datetime | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A change that was received: in which project, the hash of its content, and when first; the
    number of the project after it, unless it is in quarantine."""

    child_id: UUID
    digest: str
    received_at: datetime
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who sends changes: a person in a session, and their roles for the child."""

    actor: Actor
    roles: frozenset[Role]
    session_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """The person."""
        assert self.actor.id is not None
        return self.actor.id


async def take(
    author: Author, child: Child, changes: Sequence[Said], now: datetime
) -> list[Result]:
    """Take changes in, in the order given; one that cannot be merged does not delay the others.

    A known id changes nothing. Everything merged is stored in one transaction, under the project's
    lock, so that a reader ahead in the numbers has not missed a change.
    """
    if not changes:
        return []
    async with write():
        speaks = author.id == child.id and any(change.entity == "message" for change in changes)
        if speaks:
            # Lock the watch before the project, in the order of the code that reports events to it.
            await lock(child.id)
        project = await _locked(child, now)
        batch = await _begin(author, project, changes)
        results = [batch.take(change, now) for change in changes]
        await _follow_complaints(batch, now)
        if batch.rows:
            await _store(author.actor, child, project, batch, now)
        if speaks:
            await _let_be_heard(child, batch, now)
    return results


async def _let_be_heard(child: Child, batch: "_Batch", now: datetime) -> None:
    """Adults who look for the child hear at once that the child wrote; the words stay in the
    talk."""
    for row in batch.rows:
        if row["entity"] == "message":
            await heard(child.id, UUID(str(row["entity_id"])), now)


Decide = Callable[[State, str], Awaitable[Utterance | None]]
DecideAll = Callable[[State], Sequence[Utterance]]


async def say_for(actor: Actor, child: Child, decide: Decide, now: datetime) -> None:
    """Write about an event in the child's project: a row like any other, under the project's lock.
    `decide` sees the state at that moment, and an id for a new thing.

    The person who did it is the author; for a person without a role for the child, and for the
    system, it is the agency. In the transaction of the event.
    """
    async with write():
        project, batch = await _begin_for(actor, child, now)
        utterance = await decide(batch.state, str(uuid7()))
        await _say(actor, child, project, batch, [utterance] if utterance is not None else [], now)


async def say_all_for(actor: Actor, child: Child, decide: DecideAll, now: datetime) -> int:
    """The same for several at once; returns how many changes were written."""
    async with write():
        project, batch = await _begin_for(actor, child, now)
        utterances = decide(batch.state)
        await _say(actor, child, project, batch, utterances, now)
    return len(utterances)


async def _begin_for(actor: Actor, child: Child, now: datetime) -> "tuple[LifeProject, _Batch]":
    project = await _locked(child, now)
    who, role = await _speaker(actor, child, now)
    speaker = Actor(who, role, child.agency_id)
    return project, await _begin(Author(actor=speaker, roles=frozenset()), project, [], role=role)


async def _say(
    actor: Actor,
    child: Child,
    project: LifeProject,
    batch: "_Batch",
    utterances: Sequence[Utterance],
    now: datetime,
) -> None:
    for utterance in utterances:
        batch.add(utterance, now)
    if batch.rows:
        await _store(actor, child, project, batch, now)


async def _speaker(actor: Actor, child: Child, now: datetime) -> tuple[UUID, str]:
    if actor.id is not None:
        held = Tie.filter(Tie.standing_at(now), child_id=child.id, person_id=actor.id)
        roles = frozenset({Role(tie.role) for tie in await held})
        if roles:
            return actor.id, speaks_as(roles).value
    return child.agency_id, "agency"


async def today_of(child_id: UUID, now: datetime) -> date:
    """Which day it is where the child is."""
    return now.astimezone(known_zone((await Person.get(id=child_id)).zone)).date()


async def state_of(child_id: UUID, *, until_revision: int | None = None) -> State:
    """The project folded from its rows: now, or at a revision."""
    return fold(str(child_id), await rows_of(child_id, until_revision=until_revision))


async def quarantine(
    author: Author, child: Child, changes: Sequence[Said], now: datetime
) -> list[Result]:
    """Keep changes sent over an ended tie for a person to look at. Nothing of them is merged."""
    role = speaks_as(author.roles)
    async with write():
        hashes = await _hashes([change.id for change in changes])
        results, rows = [], []
        for change in changes:
            digest = _digest(change)
            if change.id in hashes:
                results.append(_again(change.id, hashes[change.id], (child.id, digest)))
                continue
            hashes[change.id] = Known(child.id, digest, now)
            rows.append(_to_quarantine(author, child, role, change, digest, now))
            results.append(Result(change.id, QUARANTINED))
        # The same batch may be on its way twice.
        await bulk.insert(Quarantined, rows, skip_known=True)
        if rows:
            await note(author.actor, "project:quarantine", child_id=child.id, now=now)
    return results


async def decide(
    actor: Actor, child: Child, change_id: UUID, *, let_in: bool, now: datetime
) -> Result:
    """Merge a quarantined change, as its author's own, or leave it out for good; it is kept either
    way. Raises NotFound where there is none, Refused where it was decided otherwise."""
    async with write():
        kept = await Quarantined.get_or_none(id=change_id, child_id=child.id)
        if kept is None:
            raise NotFound(N_("This change does not exist."))
        if kept.decided_at is not None and kept.is_let_in != let_in:
            raise Refused(N_("This has already been decided."), field="id")
        result = Result(str(change_id), KNOWN, received_at=kept.received_at)
        if kept.decided_at is None:
            undecided = Quarantined.filter(id=change_id, decided_at__isnull=True)
            swapped(await undecided.update(decided_at=now, decided_by=actor.id, is_let_in=let_in))
            await note(
                actor,
                "project:let_in" if let_in else "project:left_out",
                child_id=child.id,
                about=("change", change_id),
                now=now,
            )
            if let_in:
                result = await _let_in(kept, child, now)
    return result


# --- one batch


@dataclass
class _Batch:
    """A batch while it is taken in. `role`: the role of its author in it."""

    author: Author
    agency_id: UUID
    role: str
    state: State
    number: int
    known: dict[str, Known]
    owner_roles: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def child_id(self) -> UUID:
        """The child whose project it is."""
        return UUID(self.state.child_id)

    def take(self, change: Said, now: datetime) -> Result:
        """One change: into the state and among the rows to store, or refused."""
        digest = _digest(change)
        if change.id in self.known:
            return _again(change.id, self.known[change.id], (self.child_id, digest))
        try:
            row = self._row(change, now)
        except WaymarkError as fault:
            return Result(change.id, REFUSED, fault)
        status = self.put(row, digest).value
        return Result(change.id, status, received_at=now, revision=self.state.revision)

    def put(self, row: Row, digest: str) -> Taken:
        """Take a row in, if it is allowed and fits."""
        taken = self.state.take(row)
        self.number += 1
        self.known[row.id] = Known(self.child_id, digest, row.received_at, self.state.revision)
        self.rows.append(self._stored(row, digest))
        return taken

    def _row(self, change: Said, now: datetime) -> Row:
        """The change, if it is allowed and fits. Otherwise raises the reason."""
        who = str(self.author.id)
        check_allowed(change, who, self.author.roles, self.state)
        value = shape.read_value(change.entity, change.field, change.value)
        value = without_unsaid(change, value, self.author.roles)
        if change.field == shape.MAKING and self.state.is_there(change.entity, change.entity_id):
            raise IdReused(N_("This ID is already in use."), field="entity_id")
        check_there(change, value, self.state)
        if change.entity == "agreement":
            check_recorded(value, who, self.author.roles, self.owner_roles)
        return Row(
            change.id,
            change.entity,
            change.entity_id,
            change.field,
            change.base,
            value,
            change.said_at,
            now,
            who,
            self.role,
            self._owner_role(change, value),
        )

    def add(self, utterance: Utterance, now: datetime) -> None:
        """A row that no session sent: every session gets it."""
        what = (utterance.entity, utterance.entity_id, utterance.field, utterance.base)
        sent = Said(str(uuid7()), *what, utterance.value, now)
        value = shape.read_value(utterance.entity, utterance.field, utterance.value)
        who, owner_role = str(self.author.id), self._owner_role(sent, value)
        self.put(Row(sent.id, *what, value, now, now, who, self.role, owner_role), _digest(sent))
        self.rows[-1] |= {"session_id": None, "device_id": None}

    def _owner_role(self, change: Said, value: Any) -> str | None:
        owner = _owner(change, value)
        if owner is None:
            return None
        if owner not in self.owner_roles:
            raise Refused(N_("“{field}” is not valid here."), field="owner_id")
        return self.owner_roles[owner]

    def _stored(self, row: Row, digest: str) -> dict[str, Any]:
        actor = self.author.actor
        return {
            "id": UUID(row.id),
            "agency_id": self.agency_id,
            "child_id": self.child_id,
            "number": self.number,
            "entity": row.entity,
            "entity_id": UUID(row.entity_id),
            "field": row.field,
            "base": UUID(row.base) if row.base else None,
            "value": row.value,
            "said_at": row.said_at,
            "received_at": row.received_at,
            "who_id": self.author.id,
            "who_role": row.role,
            "device_id": actor.device_id,
            "session_id": self.author.session_id,
            "owner_role": row.owner_role,
            "revision": self.state.revision,
            "content_hash": digest,
        }


async def _follow_complaints(batch: _Batch, now: datetime) -> None:
    made = [row["entity_id"] for row in batch.rows if _makes_complaint(row)]
    if not made:
        return
    today = await today_of(batch.child_id, now)
    for id_ in made:
        review = triggers.about_complaint(batch.state, str(id_), today, str(uuid7()))
        if review is not None:
            batch.add(review, now)


def _makes_complaint(row: dict[str, Any]) -> bool:
    return (row["entity"], row["field"]) == ("complaint", shape.MAKING)


def _owner(change: Said, value: Any) -> str | None:
    """The owner that a change gives to a step."""
    if change.entity == "choice" and (value["entity"], value["field"]) == ("step", "owner_id"):
        return _text_or_none(value["value"])
    if change.entity == "step" and change.field == shape.MAKING:
        return _text_or_none(value.get("owner_id"))
    return _text_or_none(value) if (change.entity, change.field) == ("step", "owner_id") else None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


async def _begin(
    author: Author, project: LifeProject, changes: Sequence[Said], *, role: str | None = None
) -> _Batch:
    return _Batch(
        author,
        project.agency_id,
        role or speaks_as(author.roles).value,
        await _folded(project),
        project.number,
        await _hashes([change.id for change in changes]),
        await owner_roles(project.child_id, project.agency_id),
    )


async def owner_roles(child_id: UUID, agency_id: UUID) -> dict[str, str]:
    """Who a step may belong to, by id: the child, everyone who has or had a tie to them, the
    agency."""
    # Of several ties of one person the latest to begin decides their role.
    tied = (
        await Tie.filter(child_id=child_id)
        .order_by("from_at", "id")
        .values_list("person_id", "role")
    )
    roles = {str(person): Role(role).value for person, role in tied}
    return roles | {str(child_id): Role.CHILD.value, str(agency_id): "agency"}


async def people_of(child: Child, agency: Agency, now: datetime) -> dict[str, view.Document]:
    """The same with their names, and whether they are there now: after a tie ends, only what its
    person said and promised stays."""
    roles = await owner_roles(child.id, agency.id)
    ids = [UUID(id_) for id_ in roles if id_ != str(agency.id)]
    names = {str(person.id): person.name for person in await Person.filter(id__in=ids)}
    names[str(agency.id)] = agency.name
    # Former agencies, which few children had, have made promises too.
    others = Tie.filter(child_id=child.id).exclude(agency_id=agency.id)
    if before := {as_id(id_) for id_ in await others.values_list("agency_id", flat=True)}:
        for former in await Agency.filter(id__in=list(before)):
            names[str(former.id)] = former.name
            roles[str(former.id)] = "agency"
    held = Tie.filter(Tie.standing_at(now), child_id=child.id, person__disabled_at__isnull=True)
    there = {str(id_) for id_ in await held.values_list("person_id", flat=True)}
    there |= {str(child.id), str(agency.id)}
    return {
        id_: {"id": id_, "role": role, "name": names[id_], "is_here": id_ in there}
        for id_, role in roles.items()
    }


async def _store(
    actor: Actor, child: Child, project: LifeProject, batch: _Batch, now: datetime
) -> None:
    await bulk.insert(Change, batch.rows)
    state = batch.state
    last_id = batch.rows[-1]["id"]
    await LifeProject.filter(child_id=child.id).update(
        number=batch.number,
        last_id=last_id,
        revision=state.revision,
        signed_revision=state.signed_revision,
        shown=view.document(state),
    )
    await plan_tasks.follow(actor, child, state, batch.rows, now)
    await keep(child.id, GOAL, moved(state), now)
    names = sorted({f"{row['entity']}.{row['field']}" for row in batch.rows})
    await note(actor, "project:change", child_id=child.id, names=names, now=now)
    await announce(child.id, "project")
    after_commit(lambda: _remember(child.id, batch.number, last_id, state))


# --- rows and their fold


async def rows_of(child_id: UUID, *, until_revision: int | None = None) -> list[Row]:
    """The changes of a project in the order of their numbers."""
    return [_row_of(record) for record in await _fetched(child_id, 0, until_revision)]


async def _fetched(
    child_id: UUID, since: int, until_revision: int | None = None
) -> list[dict[str, Any]]:
    return await fetch(
        "SELECT id, number, entity, entity_id, field, base, value, said_at, received_at, who_id,"
        " who_role, owner_role FROM change WHERE child_id = $1 AND number > $2 AND revision <= $3"
        " ORDER BY number",
        [child_id, since, 2**31 - 1 if until_revision is None else until_revision],
    )


def _row_of(record: dict[str, Any]) -> Row:
    value = record["value"]
    return Row(
        str(record["id"]),
        record["entity"],
        str(record["entity_id"]),
        record["field"],
        None if record["base"] is None else str(record["base"]),
        None if value is None else json.loads(encryption.current().open(value)),
        as_moment(record["said_at"]),
        as_moment(record["received_at"]),
        str(record["who_id"]),
        record["who_role"],
        record["owner_role"],
    )


_folds: OrderedDict[UUID, tuple[int, UUID, State]] = OrderedDict()


def _remember(child_id: UUID, number: int, last_id: UUID, state: State) -> None:
    _folds[child_id] = (number, last_id, state)
    _folds.move_to_end(child_id)
    while len(_folds) > _MOST_FOLDED:
        _folds.popitem(last=False)


async def _folded(project: LifeProject) -> State:
    """The state of a locked project. It is taken out of memory meanwhile: so a transaction that is
    rolled back leaves nothing half-folded behind."""
    number, last_id, state = _folds.pop(project.child_id, (0, None, State(str(project.child_id))))
    rows = await _fetched(project.child_id, max(number - 1, 0))
    if number:
        # Another process may have gone on; a restored backup may have gone back.
        if not rows or (rows[0]["number"], as_id(rows[0]["id"])) != (number, last_id):
            state, rows = State(str(project.child_id)), await _fetched(project.child_id, 0)
        else:
            rows = rows[1:]
    for row in rows:
        state.take(_row_of(row))
    return state


async def _locked(child: Child, now: datetime) -> LifeProject:
    """The project of the child, made where there is none, and locked until the end of this
    write."""
    made = {"child_id": child.id, "agency_id": child.agency_id, "made_at": now}
    values = {**made, "number": 0, "revision": 0}
    await bulk.insert(LifeProject, [values], skip_known=True, returning="child_id")
    held = LifeProject.filter(child_id=child.id)
    return await (held.select_for_update() if dialect() == "postgres" else held).get()


# --- ids that are known


def _digest(change: Said) -> str:
    return encryption.blind(change.content_hash())


async def _hashes(ids: Iterable[str]) -> dict[str, Known]:
    """The ids among these that were received."""
    wanted = [UUID(id_) for id_ in ids]
    received_by_id: dict[str, Known] = {}
    kept = ("id", "child_id", "content_hash", "received_at")
    for id_, *columns in await Quarantined.filter(id__in=wanted).values_list(*kept):
        received_by_id[str(id_)] = Known(*columns)
    for id_, *columns in await Change.filter(id__in=wanted).values_list(*kept, "revision"):
        received_by_id[str(id_)] = Known(*columns)
    return received_by_id


def _again(id_: str, earlier: Known, fingerprint: tuple[UUID, str]) -> Result:
    if (earlier.child_id, earlier.digest) == fingerprint:
        return Result(id_, KNOWN, received_at=earlier.received_at, revision=earlier.revision)
    return Result(id_, REFUSED, IdReused(N_("This ID is already in use.")))


# --- quarantine


def _to_quarantine(
    author: Author, child: Child, role: Role, change: Said, digest: str, now: datetime
) -> dict[str, Any]:
    body = {
        "entity": change.entity,
        "entity_id": change.entity_id,
        "field": change.field,
        "base": change.base,
        "value": change.value,
        "said_at": change.said_at.isoformat(),
    }
    return {
        "id": UUID(change.id),
        "agency_id": child.agency_id,
        "child_id": child.id,
        "who_id": author.id,
        "who_role": role.value,
        "said": body,
        "received_at": now,
        "content_hash": digest,
    }


async def _let_in(kept: Quarantined, child: Child, now: datetime) -> Result:
    body = kept.said
    change = Said(
        str(kept.id),
        body["entity"],
        body["entity_id"],
        body["field"],
        body["base"],
        body["value"],
        datetime.fromisoformat(body["said_at"]),
    )
    role = Role(kept.who_role)
    actor = Actor(kept.who_id, role, kept.agency_id)
    author = Author(actor=actor, roles=frozenset({role}))
    project = await _locked(child, now)
    batch = await _begin(author, project, [])
    result = batch.take(change, kept.received_at)
    if result.fault is not None:
        raise result.fault
    await _follow_complaints(batch, now)
    await _store(actor, child, project, batch, now)
    return result
