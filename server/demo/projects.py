"""The life projects of the demo: two that read like real ones, said by both voices over four weeks.

Made through the same action as everything that a phone sends. Mia's is agreed, with promises that
adults kept and one that is late; Noor's has just begun.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.people.models import Child, Person
from server.people.rules import Role
from server.plan.actions import take
from server.plan.changes.batch import Author
from server.plan.models import LifeProject
from server.plan.rules import Said

IdOf = Callable[[str], UUID]
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

    async def write(
        self, who: str, days: float, *statements: tuple[str, str, dict[str, Any]]
    ) -> None:
        """A person says things, so many days after the beginning: (entity, name, fields)."""
        person, role = self.people[who]
        now = self.begin + timedelta(days=days)
        actor = Actor(person.id, role, person.agency_id)
        changes = [change for thing in statements for change in self._changes(thing, now)]
        author = Author(actor=actor, roles=frozenset({role}))
        for result in await take(author, self.child, changes, now):
            assert result.fault is None, f"{result.fault!r} of the demo's own"

    async def agree(self, who: str, days: float, **how: Any) -> None:
        """A person signs the current text."""
        stands = await LifeProject.get(child_id=self.child.id)
        fields = {"revision": stands.revision, "decision": "agree", "method": "tap", **how}
        await self.write(who, days, ("agreement", f"agreement of {who}", fields))

    def _changes(self, thing: tuple[str, str, dict[str, Any]], now: datetime) -> list[Said]:
        entity, name, fields = thing
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


async def write_projects(id_of: IdOf, now: datetime, history: timedelta) -> None:
    """Both projects. `id_of` gives the ids of the cast; the history ends now."""
    begin = now - history
    await _mia(await _pen(id_of, "mia", begin, {"tom": Role.CASEWORKER, "sam": Role.CARER}), id_of)
    roles = {"tom": Role.CASEWORKER, "ada": Role.GUARDIAN}
    await _noor(await _pen(id_of, "noor", begin, roles), id_of)


async def _pen(id_of: IdOf, name: str, begin: datetime, others: dict[str, Role]) -> _Pen:
    roles = {name: Role.CHILD, **others}
    people = {who: (await Person.get(id=id_of(who)), role) for who, role in roles.items()}
    return _Pen(await Child.get(id=id_of(name)), people, begin)


async def _mia(pen: _Pen, id_of: IdOf) -> None:
    on = pen.on
    area = {name: pen.id_of(name) for name in ("school", "family", "friends", "home", "papers")}
    goal = {name: pen.id_of(name) for name in ("nurse", "sister", "football", "room", "card")}
    await pen.write(
        "mia",
        1,
        ("house", "good", {"kind": "good", "text": "Le foot du mercredi. Sam qui cuisine."}),
        ("house", "worry", {"kind": "worry", "text": "Que ma sœur ne sache pas où je suis."}),
        ("house", "dream", {"kind": "dream", "text": "Être infirmière, avoir ma clé à moi."}),
        ("house", "good", {"is_shown": True}),
        ("house", "dream", {"is_shown": True}),
    )
    await pen.write(
        "mia",
        3,
        (
            "life_project",
            "project",
            {"summary": "Je veux finir le collège, devenir infirmière et revoir ma sœur."},
        ),
        ("area", "school", {"kind": "education", "importance": 5, "now": "Ça va, sauf les maths."}),
        ("area", "family", {"kind": "family", "importance": 5, "now": "Elle me manque."}),
        ("area", "friends", {"kind": "social", "importance": 4}),
        (
            "goal",
            "nurse",
            {
                "area_id": area["school"],
                "child_words": "Devenir infirmière",
                "why": "Parce qu'une infirmière m'a aidée.",
            },
        ),
        (
            "goal",
            "sister",
            {"area_id": area["family"], "child_words": "Parler à ma sœur chaque semaine"},
        ),
        ("goal", "football", {"area_id": area["friends"], "child_words": "Jouer dans l'équipe"}),
        ("area", "home", {"kind": "housing"}),
        (
            "goal",
            "room",
            {"area_id": area["home"], "child_words": "Une chambre à moi", "lifecycle": "proposed"},
        ),
    )
    await pen.write(
        "tom",
        5,
        (
            "life_project",
            "project",
            {
                "situation": "Scolarisée en troisième. Le titre de séjour se demande à 16 ans ; la protection court jusqu'à la majorité.",
                "ends_on": on(200),
                "countries": ["France"],
                "option": "stay",
                "plan_b": "Contrat jeune majeur après 18 ans.",
            },
        ),
        ("area", "home", {"now": "Une chambre à deux."}),
        ("area", "papers", {"kind": "legal"}),
        (
            "goal",
            "nurse",
            {
                "worker_words": "Stage d'observation à l'hôpital, puis le lycée",
                "success_sign": "Une place en seconde ST2S",
                "target_on": on(180),
                "lifecycle": "active",
            },
        ),
        (
            "goal",
            "card",
            {
                "area_id": area["papers"],
                "worker_words": "Le dossier prêt avant ses seize ans",
                "lifecycle": "active",
            },
        ),
        (
            "step",
            "hospital",
            {
                "goal_id": goal["nurse"],
                "text": "Appeler l'hôpital pour le stage",
                "owner_id": str(id_of("tom")),
                "due_on": on(12),
                "status": "open",
            },
        ),
        (
            "step",
            "maths",
            {
                "goal_id": goal["nurse"],
                "text": "Trouver quelqu'un pour les maths",
                "owner_id": str(id_of("harbour")),
                "due_on": on(20),
                "status": "open",
            },
        ),
        (
            "step",
            "calls",
            {
                "goal_id": goal["sister"],
                "text": "Payer un forfait pour appeler ma sœur",
                "owner_id": str(id_of("tom")),
                "due_on": on(9),
                "status": "open",
            },
        ),
        (
            "step",
            "shoes",
            {
                "goal_id": goal["football"],
                "text": "Acheter des chaussures de foot",
                "owner_id": str(id_of("sam")),
                "due_on": on(14),
                "status": "open",
            },
        ),
    )
    await pen.write(
        "mia",
        6,
        (
            "step",
            "letter",
            {
                "goal_id": goal["nurse"],
                "text": "Écrire ma lettre pour le stage",
                "owner_id": str(id_of("mia")),
                "due_on": on(16),
                "status": "open",
            },
        ),
        (
            "step",
            "training",
            {
                "goal_id": goal["football"],
                "text": "Aller à l'entraînement le mercredi",
                "owner_id": str(id_of("mia")),
                "status": "open",
                "repeats": "weekly",
            },
        ),
    )
    for who in ("tom", "mia"):
        await pen.agree(who, 7, language="fr", explained=True, copy_given=True)
    await pen.write("tom", 9, ("step", "calls", {"status": "done"}))
    await pen.write("tom", 11, ("step", "hospital", {"status": "done"}))
    await pen.write(
        "sam",
        15,
        (
            "step",
            "shoes",
            {"status": "not_done", "reason": "Pas sa pointure, on y retourne samedi."},
        ),
    )
    await pen.write("mia", 15, ("step", "letter", {"status": "done"}))
    await pen.write("mia", 16, ("message", "m1", {"text": "Tom, j'ai fini ma lettre !"}))
    await pen.write("tom", 16.2, ("message", "m2", {"text": "Bravo. Je la porte lundi."}))
    await pen.write("tom", 18, ("review", "first", {"kind": "routine", "due_on": on(42)}))


async def _noor(pen: _Pen, id_of: IdOf) -> None:
    on = pen.on
    goal = {name: pen.id_of(name) for name in ("portuguese", "brother")}
    await pen.write(
        "noor",
        27.4,
        ("house", "good", {"kind": "good", "text": "الغرفة هادئة."}),
        ("house", "worry", {"kind": "worry", "text": "موعد يوم الخميس."}),
        ("house", "dream", {"kind": "dream", "text": "أن أدرس الهندسة وأن أجد أخي."}),
        ("house", "dream", {"is_shown": True}),
        ("life_project", "project", {"summary": "أريد أن أتعلم البرتغالية وأن أجد أخي."}),
        ("area", "language", {"kind": "language", "importance": 5}),
        ("area", "family", {"kind": "family", "importance": 5}),
        (
            "goal",
            "portuguese",
            {"area_id": pen.id_of("language"), "child_words": "أن أتكلم البرتغالية"},
        ),
        ("goal", "brother", {"area_id": pen.id_of("family"), "child_words": "أن أجد أخي"}),
    )
    await pen.write(
        "tom",
        27.6,
        (
            "life_project",
            "project",
            {"ends_on": on(120), "countries": ["Portugal"], "option": "undecided"},
        ),
        (
            "goal",
            "portuguese",
            {"worker_words": "A course from next week on", "target_on": on(118)},
        ),
        (
            "step",
            "course",
            {
                "goal_id": goal["portuguese"],
                "text": "Find a place in the course",
                "owner_id": str(id_of("harbour")),
                "due_on": on(35),
                "status": "open",
            },
        ),
        (
            "step",
            "tracing",
            {
                "goal_id": goal["brother"],
                "text": "Ask the Red Cross to look for him",
                "owner_id": str(id_of("tom")),
                "due_on": on(31),
                "status": "open",
            },
        ),
    )
    await pen.write(
        "ada",
        27.7,
        (
            "step",
            "hearing",
            {
                "goal_id": goal["brother"],
                "text": "Go with Noor to the appointment",
                "owner_id": str(id_of("ada")),
                "due_on": on(30),
                "status": "open",
            },
        ),
    )
    await pen.write(
        "noor",
        27.8,
        (
            "step",
            "words",
            {
                "goal_id": goal["portuguese"],
                "text": "عشر كلمات كل يوم",
                "owner_id": str(id_of("noor")),
                "status": "open",
            },
        ),
    )
