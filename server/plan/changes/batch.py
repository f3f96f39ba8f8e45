"""A batch of changes while it is taken in: what is new, what is refused, what is to be stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.audit.repeats import id_reused
from server.errors import Refused, WaymarkError
from server.i18n import N_
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.plan import shape, view
from server.plan.models import Change, Quarantined
from server.plan.rules import (
    Said,
    check_allowed,
    check_message,
    check_recorded,
    check_there,
    without_unsaid,
)
from server.plan.state import Row, State, Taken
from server.plan.triggers import Utterance
from server.security import encryption
from server.storage.db import among, as_id, fetch
from server.storage.ids import uuid7

KNOWN, REFUSED, QUARANTINED = "known", "refused", "quarantined"


class Result(msgspec.Struct, frozen=True):
    """The result of one change. `fault`: why it was refused. `received_at`: when it first arrived,
    if it is kept. `revision`: of the project after it, if it was merged."""

    id: str | None
    status: str
    fault: WaymarkError | None = None
    received_at: datetime | None = None
    revision: int | None = None


class Known(msgspec.Struct, frozen=True):
    """A change that was received: in which project, the hash of its content, and when first; the
    number of the project after it, unless it is in quarantine."""

    child_id: UUID
    digest: str
    received_at: datetime
    revision: int | None = None


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends changes: a person in a session, and their roles for the child."""

    actor: Actor
    roles: frozenset[Role]
    session_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """The person."""
        assert self.actor.id is not None
        return self.actor.id


@dataclass
class Batch:
    """A batch while it is taken in. `role`: the role of its author in it."""

    author: Author
    agency_id: UUID
    role: str
    state: State
    number: int
    known: dict[str, Known]
    owner_roles: dict[str, str]
    elsewhere: frozenset[str] = frozenset()  # Ids of things of other children.
    advocates: frozenset[str] = frozenset()  # Whose time is not over.
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def child_id(self) -> UUID:
        """The child whose project it is."""
        return UUID(self.state.child_id)

    def take(self, change: Said, now: datetime) -> Result:
        """One change: into the state and among the rows to store, or refused."""
        digest = digest_of(change)
        if change.id in self.known:
            return again(change.id, self.known[change.id], (self.child_id, digest))
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
        is_there = self.state.is_there(change.entity, change.entity_id)
        if change.field == shape.MAKING and (is_there or change.entity_id in self.elsewhere):
            raise id_reused("entity_id")
        check_there(change, value, self.state)
        if change.entity == "agreement":
            check_recorded(value, who, self.author.roles, self.owner_roles)
        if change.entity == "message":
            check_message(value, self.author.roles, self.advocates)
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
        self.put(Row(sent.id, *what, value, now, now, who, self.role, owner_role), digest_of(sent))
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


def _owner(change: Said, value: Any) -> str | None:
    """The owner that a change gives to a step."""
    if change.entity == "choice" and (value["entity"], value["field"]) == ("step", "owner_id"):
        return _text_or_none(value["value"])
    if change.entity == "step" and change.field == shape.MAKING:
        return _text_or_none(value.get("owner_id"))
    return _text_or_none(value) if (change.entity, change.field) == ("step", "owner_id") else None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


async def elsewhere(child_id: UUID, changes: Iterable[Said]) -> frozenset[str]:
    """The ids among those of new things that things of other children have. Tasks hang on them."""
    made = [UUID(change.entity_id) for change in changes if change.field == shape.MAKING]
    rows = await fetch(_ELSEWHERE.format(any=among("$2")), [child_id, made]) if made else []
    return frozenset(str(as_id(row["entity_id"])) for row in rows)


# With the field as the index over these rows has it: as a parameter it would be found in all.
_ELSEWHERE = "SELECT entity_id FROM change WHERE field = '*' AND child_id <> $1 AND entity_id {any}"


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


async def advocates_of(child_id: UUID, now: datetime) -> frozenset[str]:
    """The advocates of the child at a moment, by id."""
    held = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        role=Role.ADVOCATE,
        person__disabled_at__isnull=True,
    )
    return frozenset(str(id_) for id_ in await held.values_list("person_id", flat=True))


async def people_of(child: Child, agency: Agency, now: datetime) -> dict[str, view.Document]:
    """The owners with their names, and whether they are there now: after a tie ends, only what its
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


def digest_of(change: Said) -> str:
    """The fingerprint of what a change says: the same id with another one is refused."""
    return encryption.blind(change.content_hash())


async def hashes_of(ids: Iterable[str]) -> dict[str, Known]:
    """The ids among these that were received."""
    wanted = [UUID(id_) for id_ in ids]
    received_by_id: dict[str, Known] = {}
    kept = ("id", "child_id", "content_hash", "received_at")
    for id_, *columns in await Quarantined.filter(id__in=wanted).values_list(*kept):
        received_by_id[str(id_)] = Known(*columns)
    for id_, *columns in await Change.filter(id__in=wanted).values_list(*kept, "revision"):
        received_by_id[str(id_)] = Known(*columns)
    return received_by_id


def again(id_: str, earlier: Known, fingerprint: tuple[UUID, str]) -> Result:
    """The first answer, where it is the same change of the same child."""
    if (earlier.child_id, earlier.digest) == fingerprint:
        return Result(id_, KNOWN, received_at=earlier.received_at, revision=earlier.revision)
    return Result(id_, REFUSED, id_reused())
