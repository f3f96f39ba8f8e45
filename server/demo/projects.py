"""The life projects of the demo: two that read like real ones, said by both voices over four weeks.

Made through the same action as everything that a phone sends. Mia's is agreed, with promises that
adults kept and one that is late; Noor's has just begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.demo.cast import CAST, data, id_of
from server.people.models import Child, Person
from server.people.rules import Role
from server.plan.actions import take
from server.plan.changes.batch import Author
from server.plan.models import LifeProject
from server.plan.rules import Said

# An entity, its short name, and its fields.
Statement = tuple[str, str, dict[str, Any]]
_THINGS = UUID("6b0f5d0a-6a3e-4b0e-8c7f-2f4a54c0a911")


@dataclass
class _Pen:
    """Writes one child's project. A thing has a short name; a field with a value is changed as by a
    person who had seen it."""

    child: Child
    people: dict[str, tuple[Person, Role]]
    begin: datetime
    said: int = 0

    def __post_init__(self) -> None:
        self._bases: dict[tuple[str, str], str] = {}

    def id_of(self, name: str) -> str:
        """The id of a thing; the project itself is `project`."""
        if name == "project":
            return str(self.child.id)
        return str(uuid5(_THINGS, f"{self.child.id}:{name}"))

    def on(self, days: int) -> str:
        """The date so many days after the beginning."""
        return (self.begin.date() + timedelta(days=days)).isoformat()

    def meant(self, value: Any) -> Any:
        """What a value of the file stands for."""
        kind, _, name = value.partition(" ") if isinstance(value, str) else ("", "", "")
        if kind == "thing":
            return self.id_of(name)
        if kind == "person":
            return str(id_of(name))
        return self.on(int(name)) if kind == "day" else value

    async def write(self, who: str, days: float, statements: Sequence[Statement]) -> None:
        """A person says things, so many days after the beginning: (entity, name, fields)."""
        person, role = self.people[who]
        now = self.begin + timedelta(days=days)
        actor = Actor(person.id, role, person.agency_id)
        changes = [change for each in statements for change in self._changes(each, now)]
        author = Author(actor=actor, roles=frozenset({role}))
        for result in await take(author, self.child, changes, now):
            assert result.fault is None, f"{result.fault!r} of the demo's own"

    async def agree(self, who: str, days: float, **how: Any) -> None:
        """A person signs the current text."""
        stands = await LifeProject.get(child_id=self.child.id)
        fields = {"revision": stands.revision, "decision": "agree", "method": "tap", **how}
        await self.write(who, days, [("agreement", f"agreement of {who}", fields)])

    def _changes(self, statement: Statement, now: datetime) -> list[Said]:
        entity, name, values = statement
        fields = {field: self.meant(value) for field, value in values.items()}
        if entity == "life_project" or (name, "*") in self._bases:
            return [
                self._change(entity, name, field, value, now) for field, value in fields.items()
            ]
        made = self._change(entity, name, "*", fields, now)
        for field in fields:
            self._bases[name, field] = made.id
        return [made]

    def _change(self, entity: str, name: str, field: str, value: Any, now: datetime) -> Said:
        self.said += 1
        id_ = str(uuid5(_THINGS, f"{self.child.id}:change {self.said}"))
        base = self._bases.get((name, field))
        self._bases[name, field] = id_
        return Said(id_, entity, self.id_of(name), field, base, value, now)


async def write_projects(now: datetime, history: timedelta) -> None:
    """Both projects; the history ends now."""
    begin, roles = now - history, {adult.name: adult.role for adult in CAST.adults}
    for name, turns in data("projects").items():
        speakers = {turn["who"]: roles.get(turn["who"], Role.CHILD) for turn in turns}
        people = {who: (await Person.get(id=id_of(who)), role) for who, role in speakers.items()}
        pen = _Pen(await Child.get(id=id_of(name)), people, begin)
        for turn in turns:
            if "agrees" in turn:
                await pen.agree(turn["who"], turn["day"], **turn["agrees"])
            else:
                await pen.write(turn["who"], turn["day"], turn["says"])
