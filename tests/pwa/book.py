"""A life project in memory, for the double: the server's own pure rules, without its database."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from server.errors import WaymarkError
from server.people.rules import Role
from server.plan import shape, view
from server.plan.feed import Reader
from server.plan.rules import Said, check_there
from server.plan.state import Row, State
from tests.pwa.days import day

MIA = "00000000-0000-4000-8000-000000000001"
TOM = "00000000-0000-4000-8000-000000000002"
INES = "00000000-0000-4000-8000-000000000003"
ADA = "00000000-0000-4000-8000-000000000004"
SAM = "00000000-0000-4000-8000-000000000005"
NOOR = "00000000-0000-4000-8000-000000000006"
AGENCY = "00000000-0000-4000-8000-0000000000aa"
PEOPLE = {
    MIA: {"id": MIA, "role": "child", "name": "Mia"},
    TOM: {"id": TOM, "role": "caseworker", "name": "Tom"},
    INES: {"id": INES, "role": "supervisor", "name": "Ines"},
    AGENCY: {"id": AGENCY, "role": "agency", "name": "The agency"},
}
# Whom not every child has, and another child.
OTHERS = {
    NOOR: {"id": NOOR, "role": "child", "name": "Noor"},
    ADA: {"id": ADA, "role": "guardian", "name": "Ada"},
    SAM: {"id": SAM, "role": "carer", "name": "Sam"},
}


def _z(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Book:
    """Every change, in the order in which it came; what stands is the fold of them."""

    child: str = MIA
    state: State = field(init=False)
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Texts that are refused, with code and sentence."""
    lose_answers: int = 0
    dues: list[dict[str, Any]] = field(default_factory=list)
    """What is somebody's turn, as the server tells it."""
    people: dict[str, dict[str, str]] = field(default_factory=lambda: dict(PEOPLE))

    def __post_init__(self) -> None:
        self.state = State(self.child)

    def role_of(self, who: str) -> str:
        """What somebody is."""
        return (self.people | OTHERS)[who]["role"]

    def sync(self, session: str, who: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the server answers to a batch of this session."""
        self.batches.append(len(body["changes"]))
        results = [self._take(session, who, change) for change in body["changes"]]
        after = int(body["cursor"] or 0)
        changes = [row for by, row in self.rows[after:] if by != session]
        role = Role(self.role_of(who))
        if role is not Role.CHILD:
            reader = Reader(UUID(who), frozenset({role}), view.document(self.state))
            changes = [row for row in changes if reader.may_see(row)]
        return {"results": results, "changes": changes, "cursor": str(len(self.rows))}

    def project(self, revision: int | None = None) -> dict[str, Any]:
        """The project as it stands, or as it was."""
        state = self.state
        if revision is not None:
            state = State(self.child)
            for _, row in self.rows:
                before = deepcopy(state)
                state.take(self._row(row))
                if state.revision > revision:
                    state = before
                    break
        shown = view.named(view.document(state), self.people)
        child = {name: (self.people | OTHERS)[self.child][name] for name in ("id", "name")}
        return shown | {"child": child, "people": list(self.people.values())}

    def _take(self, session: str, who: str, change: dict[str, Any]) -> dict[str, Any]:
        known = next((row for _, row in self.rows if row["id"] == change["id"]), None)
        if known is not None:
            return {
                "id": change["id"],
                "status": "known",
                "received_at": known["received_at"],
                "revision": known["revision"],
            }
        for text, (code, detail) in self.problems.items():
            if text in str(change["value"]):
                problem = {"code": code, "detail": detail, "status": 422}
                return {"id": change["id"], "status": "refused", "problem": problem}
        try:
            value = shape.read_value(change["entity"], change["field"], change["value"])
            said = Said(**{**change, "value": value, "said_at": _moment(change["said_at"])})
            check_there(said, value, self.state)
        except WaymarkError as fault:
            problem = {"code": fault.code, "detail": str(fault.detail), "status": fault.status}
            return {"id": change["id"], "status": "refused", "problem": problem}
        who_ = {"id": who, "role": self.role_of(who)}
        row = change | {"value": value, "received_at": _z(datetime.now(UTC)), "who": who_}
        status = self.state.take(self._row(row)).value
        revision = self.state.revision
        self.rows.append((session, row | {"revision": revision}))
        told = {"received_at": row["received_at"], "revision": revision}
        return {"id": change["id"], "status": status, **told}

    def _row(self, change: dict[str, Any]) -> Row:
        owner = change["value"]
        if change["field"] == "*" and isinstance(owner, dict):
            owner = owner.get("owner_id")
        is_owner = change["entity"] == "step" and change["field"] in ("*", "owner_id")
        known = self.people.get(owner) if is_owner and isinstance(owner, str) else None
        return Row(
            id=change["id"],
            entity=change["entity"],
            entity_id=change["entity_id"],
            field=change["field"],
            base=change["base"],
            value=change["value"],
            said_at=_moment(change["said_at"]),
            received_at=_moment(change["received_at"]),
            who=change["who"]["id"],
            role=Role(change["who"]["role"]).value,
            owner_role=known and known["role"],
        )

    def history(self, after: int, limit: int) -> dict[str, Any]:
        """Every change, the oldest first, with the number of the project after it."""
        page = self.rows[after : after + limit]
        return {"changes": [row for _, row in page], "cursor": str(after + len(page))}

    def is_due(
        self,
        kind: str,
        subject: str,
        owner: str,
        *,
        days: float,
        told: tuple[str, ...] = (),
    ) -> None:
        """Something is somebody's turn, due in so many days."""
        at = datetime.now(UTC) + timedelta(days=days)
        whose = [{"id": id_, "name": PEOPLE[id_]["name"]} for id_ in (owner, *told)]
        self.dues.append(
            {
                "id": str(uuid4()),
                "kind": kind,
                "subject_id": subject,
                "child": {"id": MIA, "name": "Mia"},
                "owner_role": PEOPLE[owner]["role"],
                "due_at": _z(at),
                "is_over": days <= 0,
                "is_mine": owner == MIA,
                "whose": whose,
            }
        )

    def say(
        self,
        who: str,
        entity: str,
        entity_id: str,
        name: str,
        value: Any,
        *,
        base: str | None = None,
        days_ago: float = 0,
    ) -> str:
        """Somebody elsewhere says something; the id of the change."""
        change = {
            "id": str(uuid4()),
            "entity": entity,
            "entity_id": entity_id,
            "field": name,
            "base": base,
            "value": value,
            "said_at": _z(datetime.now(UTC) - timedelta(days=days_ago)),
        }
        result = self._take(f"elsewhere-{who}", who, change)
        assert result["status"] in ("applied", "kept_beside"), result
        return str(change["id"])

    def make(self, who: str, entity: str, *, days_ago: float = 0, **value: Any) -> str:
        """Somebody elsewhere makes a thing; its id."""
        id_ = str(uuid4())
        self.say(who, entity, id_, "*", value, days_ago=days_ago)
        return id_

    def standing(self, entity: str, entity_id: str, name: str) -> Any:
        """What counts in a field."""
        return self.state.value(entity, entity_id, name)

    def things(self, entity: str) -> list[str]:
        """The ids of the things of a kind."""
        return self.state.things(entity)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


WORDS = {
    "en": {
        "summary": "I want to stay in Paris, finish school and become a cook like my uncle.",
        "child": "I want to go to the cooking school in the rue Médéric.",
        "worker": "Mia is enrolled at the hotel school for September.",
        "why": "When I cook I forget everything else.",
        "friend": "Find people to play football with",
        "papers": "To know if I can stay",
        "done": "Visit the school on its open day",
        "tomdone": "Write to the school and ask for a place",
        "missed": "Bring a French book for evenings",
        "reason": "The library was closed. I will bring one on Tuesday.",
        "late": "Ask the lawyer when the hearing is",
        "next": "Write down three dishes that I can cook",
        "tom": "Come with me to the talk with the headmistress",
        "agency": "Pay for the bus pass from December on",
    },
    "ar": {
        "summary": "أريد أن أبقى في باريس وأن أنهي المدرسة وأصبح طباخة مثل عمي.",
        "child": "أريد أن أذهب إلى مدرسة الطبخ في شارع ميديريك.",
        "worker": "ميا مسجلة في مدرسة الفندقة لشهر سبتمبر.",
        "why": "عندما أطبخ أنسى كل شيء آخر.",
        "friend": "أن أجد من ألعب معهم كرة القدم",
        "papers": "أن أعرف إن كان بإمكاني البقاء",
        "done": "زيارة المدرسة في يومها المفتوح",
        "tomdone": "الكتابة إلى المدرسة وطلب مكان",
        "missed": "إحضار كتاب فرنسي للمساء",
        "reason": "كانت المكتبة مغلقة. سأحضره يوم الثلاثاء.",
        "late": "سؤال المحامي عن موعد الجلسة",
        "next": "كتابة ثلاثة أطباق أستطيع طبخها",
        "tom": "المجيء معي إلى الحديث مع المديرة",
        "agency": "دفع ثمن بطاقة الحافلة من ديسمبر",
    },
}


def a_project(book: Book, language: str = "en") -> dict[str, str]:
    """A project that reads like a real one: done, missed, late and coming, by child and adults."""
    words = WORDS.get(language, WORDS["en"])
    ids: dict[str, str] = {}
    book.say(MIA, "life_project", MIA, "summary", words["summary"], days_ago=60)
    book.say(TOM, "life_project", MIA, "ends_on", day(200), days_ago=60)
    for kind in ("training", "social", "legal"):
        ids[kind] = book.make(TOM, "area", kind=kind, importance=4, days_ago=60)
    ids["goal"] = book.make(
        MIA,
        "goal",
        days_ago=58,
        area_id=ids["training"],
        child_words=words["child"],
        why=words["why"],
        target_on=day(150),
        lifecycle="active",
    )
    book.say(TOM, "goal", ids["goal"], "worker_words", words["worker"], days_ago=57)
    ids["friends"] = book.make(MIA, "goal", area_id=ids["social"], child_words=words["friend"])
    ids["papers"] = book.make(MIA, "goal", area_id=ids["legal"], child_words=words["papers"])
    goal = ids["goal"]
    steps: list[tuple[str, str, str, str, int, str]] = [
        ("done", MIA, goal, "done", -30, ""),
        ("tomdone", TOM, goal, "done", -25, ""),
        ("missed", TOM, goal, "not_done", -9, words["reason"]),
        ("late", TOM, ids["papers"], "open", -3, ""),
        ("next", MIA, goal, "open", 1, ""),
        ("tom", TOM, goal, "open", 6, ""),
        ("agency", AGENCY, ids["friends"], "open", 12, ""),
    ]
    for name, owner, of, _, due, _ in steps:
        ids[name] = book.make(
            TOM,
            "step",
            days_ago=50,
            goal_id=of,
            text=words[name],
            owner_id=owner,
            due_on=day(due),
            status="open",
        )
    for who in (MIA, TOM):
        book.make(
            who,
            "agreement",
            days_ago=45,
            revision=book.state.revision,
            decision="agree",
            method="tap",
        )
    for name, owner, _, status, due, reason in steps:
        if status != "open":
            made = book.state.made["step", ids[name]].id
            book.say(owner, "step", ids[name], "status", status, base=made, days_ago=-due - 1)
        if reason:
            book.say(owner, "step", ids[name], "reason", reason, days_ago=-due - 1)
    ids["review"] = book.make(TOM, "review", kind="planned", due_on=day(20))
    return ids


def everything(book: Book, language: str = "en") -> dict[str, str]:
    """The same with everything in it that a screen may have to show, the longest words too."""
    ids = a_project(book, language)
    words = WORDS.get(language, WORDS["en"])
    goal = ids["goal"]
    base = book.state.made["goal", goal].id
    book.say(MIA, "goal", goal, "why", words["summary"], base=base)
    book.say(TOM, "goal", goal, "why", words["worker"] + " https://example.org/" + "a" * 60)
    made = book.state.made["step", ids["tom"]].id
    book.say(MIA, "step", ids["tom"], "due_on", day(7), base=made)
    book.say(TOM, "step", ids["tom"], "due_on", day(8), base=made)
    book.say(MIA, "goal", ids["friends"], "not_mine", True)
    book.say(TOM, "life_project", MIA, "situation", words["worker"])
    book.say(TOM, "life_project", MIA, "countries", ["FR", words["friend"]])
    book.say(MIA, "life_project", MIA, "option", "stay")
    for text in (words["late"], "Hello! " * 9 + "https://example.org/" + "a" * 60):
        book.make(TOM, "message", text=text)
    book.make(MIA, "message", text=words["next"])
    for kind, is_shown in (("good", True), ("worry", False), ("dream", True)):
        ids[kind] = book.make(MIA, "house", kind=kind, text=words["child"], is_shown=is_shown)
    ids["complaint"] = book.make(MIA, "complaint", text=words["reason"], to="supervisor")
    book.say(INES, "complaint", ids["complaint"], "answer", words["tomdone"])
    book.make(MIA, "complaint", text=words["late"], to="supervisor", answer_due=day(9))
    ids["held"] = book.make(TOM, "review", kind="return", due_on=day(-20))
    for who, name, value in (
        (TOM, "held_on", day(-20)),
        (TOM, "outcomes", words["worker"]),
        (MIA, "rating", 4),
    ):
        book.say(who, "review", ids["held"], name, value)
    value = {"revision": book.state.revision, "decision": "in_part", "comment": words["agency"]}
    book.make(TOM, "agreement", **value)
    return ids
