"""The life project as the fold of its changes: what is current, open, and signed. Pure.

  state = State(child_id)
  status = state.take(row)          for each row, in the order of their numbers

Nothing but the rows decides, so everyone who folds the same ones has the same project. The stored
copy (`dump`) is a short cut to the same state; tests fold anew and compare.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from server.plan import shape
from server.plan.merge import NOTHING, Field, Node, settle

Key = tuple[str, str, str]
Thing = tuple[str, str]

# A promise by one of these makes an agreement one of both sides; `agency` is the agency itself.
AUTHORITY = frozenset({"caseworker", "supervisor", "administrator", "agency"})
SIGNING = frozenset({"child", "caseworker"})


class Taken(StrEnum):
    """The result of a change that was taken in."""

    APPLIED = "applied"
    KEPT_BESIDE = "kept_beside"


class Status(StrEnum):
    """Where the project is in its life."""

    GETTING_TO_KNOW = "getting_to_know"
    DRAFT = "draft"
    PROPOSED = "proposed"
    AGREED = "agreed"
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"


class Row(msgspec.Struct, frozen=True):
    """One change as it was taken. Ids are text; `owner_role` is the role of a step's owner by this
    change: `agency`, or the person's role."""

    id: str
    entity: str
    entity_id: str
    field: str
    base: str | None
    value: Any
    said_at: datetime
    received_at: datetime
    who: str
    role: str
    owner_role: str | None = None

    @property
    def is_own_word(self) -> bool:
        """Whether an agreement is its writer's own, and not a record of another person's words."""
        return self.value.get("of_id") in (None, self.who)

    def targets(self) -> Iterator[tuple[Key, Any]]:
        """The fields that it sets, and their values."""
        if self.entity == "choice":
            choice = self.value
            yield (choice["entity"], choice["entity_id"], choice["field"]), choice["value"]
        elif self.field == shape.MAKING:
            for name, value in self.value.items():
                yield (self.entity, self.entity_id, name), value
        else:
            yield (self.entity, self.entity_id, self.field), self.value

    def node(self, value: Any) -> Node:
        """This row as a voice on one field."""
        saw = tuple(self.value["saw"]) if self.entity == "choice" else ()
        base = None if self.field == shape.MAKING else self.base
        return Node(self.id, base, self.who, self.said_at, self.received_at, value, self.role, saw)


@dataclass
class State:
    """A project while rows are taken into it."""

    child_id: str
    revision: int = 0
    made: dict[Thing, Row] = field(default_factory=dict)
    nodes: dict[Key, list[Node]] = field(default_factory=dict)
    fields: dict[Key, Field] = field(default_factory=dict)
    agreements: list[Row] = field(default_factory=list)
    owner_roles: dict[str, str] = field(default_factory=dict)  # By the change that named the owner.
    signed_revision: int | None = None
    signed: dict[Key, str] = field(default_factory=dict)
    # Earlier values, by the revision that changed them: to find the state at an earlier revision.
    _moved: list[tuple[int, Key, str | None]] = field(default_factory=list)
    _made_at: dict[Thing, int] = field(default_factory=dict)
    # Fields in which an author once had not seen the current value.
    _forked: set[Key] = field(default_factory=set)

    def is_there(self, entity: str, entity_id: str) -> bool:
        """Whether the thing was made. The project itself always is."""
        return entity == "life_project" or (entity, entity_id) in self.made

    def take(self, row: Row) -> Taken:
        """Take a row in. It must fit: its thing and its base are there."""
        before = self.revision
        if row.field == shape.MAKING and row.entity in shape.STANDS:
            self._make(row)
        if row.entity == "message":
            return Taken.APPLIED
        if row.entity == "agreement":
            self.agreements.append(row)
            self._bind(row.value["revision"])
            return Taken.APPLIED
        if row.owner_role is not None:
            self.owner_roles[row.id] = row.owner_role
        taken = Taken.APPLIED
        for key, value in row.targets():
            if self._speak(key, row.node(value), before):
                taken = Taken.KEPT_BESIDE
        return taken

    def _make(self, row: Row) -> None:
        thing = (row.entity, row.entity_id)
        self.made[thing] = row
        self.revision += 1
        self._made_at[thing] = self.revision

    def _speak(self, key: Key, node: Node, before: int) -> bool:
        """Another voice on a field; returns whether it is now one of several sides."""
        nodes = self.nodes.setdefault(key, [])
        # As long as each has seen the one before, the last one counts without a further check.
        if nodes and nodes[-1].id not in (node.base, *node.saw):
            self._forked.add(key)
        nodes.append(node)
        was = self.fields.get(key, NOTHING)
        now = Field((node,), node) if key not in self._forked else self._settle(key)
        self._put(key, was, now, before)
        return now.is_open and any(side.id == node.id for side in now.sides)

    def _settle(self, key: Key) -> Field:
        return settle(self.nodes[key], self.signed.get(key))

    def _put(self, key: Key, was: Field, now: Field, before: int) -> None:
        self.fields[key] = now
        # A making counts once, however many fields it sets.
        if was.value != now.value and self.revision == before:
            self.revision += 1
        if was.stands != now.stands:
            self._moved.append((self.revision, key, was.stands.id if was.stands else None))

    # --- agreeing

    def _bind(self, revision: int) -> None:
        """Whether this revision binds now: child and worker agreed, and an adult promised.

        Words that one person wrote down for another bind nobody, until the other person confirms
        them in a session of their own.
        """
        if self.signed_revision is not None and revision <= self.signed_revision:
            return
        last: dict[str, Row] = {}
        for row in sorted(self.agreements, key=lambda agreement: agreement.node(None).order):
            if row.value["revision"] == revision and row.is_own_word:
                last[row.who] = row
        agreed = {row.role for row in last.values() if row.value["decision"] == "agree"}
        if not agreed >= SIGNING:
            return
        stood = self.stood_at(revision)
        if not any(self._is_promised(key, node) for key, node in stood.items()):
            return
        self.signed_revision, self.signed = revision, stood
        for key in [key for key, plan_field in self.fields.items() if plan_field.is_open]:
            before = self.revision
            now = settle(self.nodes[key], stood.get(key))
            self._put(key, self.fields[key], now, before)

    def _is_promised(self, key: Key, node: str) -> bool:
        return (
            key[:1] == ("step",)
            and key[2] == "owner_id"
            and (self.owner_roles.get(node) in AUTHORITY)
        )

    def stood_at(self, revision: int) -> dict[Key, str]:
        """Which change was current in each field at a revision."""
        stood = {key: field.stands.id for key, field in self.fields.items() if field.stands}
        for moved, key, before in reversed(self._moved):
            if moved <= revision:
                break
            if before is None:
                stood.pop(key, None)
            else:
                stood[key] = before
        return stood

    # --- looking

    def value(self, entity: str, entity_id: str, name: str) -> Any:
        """The current value of a field; None where it has none."""
        return self.fields.get((entity, entity_id, name), NOTHING).value

    def things(self, entity: str) -> list[str]:
        """The ids of the things of a kind, in the order of their making."""
        return [id_ for kind, id_ in self.made if kind == entity]

    def open_fields(self) -> Iterator[tuple[Key, Field]]:
        """Every difference."""
        return ((key, field) for key, field in self.fields.items() if field.is_open)

    def unsigned(self) -> list[Key]:
        """The fields whose value differs from the last binding revision. The same words again are
        no difference."""
        return [key for key, field in self.fields.items() if self._is_new(key, field)]

    def _is_new(self, key: Key, field: Field) -> bool:
        signed = self.signed.get(key)
        if signed is None:
            return field.value is not None
        if field.stands is not None and field.stands.id == signed:
            return False
        then = next((node.value for node in self.nodes[key] if node.id == signed), None)
        return bool(field.value != then)

    def status(self) -> Status:
        """The status of the project, as far as it does not depend on the date."""
        if self.value("life_project", self.child_id, "closing") is not None:
            return Status.CLOSED
        # A meeting that an event calls for is no text yet: they still get to know each other.
        if all(entity == "review" for entity, _ in self.made):
            return Status.GETTING_TO_KNOW
        if self.signed_revision == self.revision:
            return Status.AGREED
        agreed = {row.value["revision"] for row in self.agreements}
        return Status.PROPOSED if self.revision in agreed else Status.DRAFT


def fold(child_id: str, rows: Iterable[Row]) -> State:
    """The project after these rows."""
    state = State(child_id)
    for row in rows:
        state.take(row)
    return state
