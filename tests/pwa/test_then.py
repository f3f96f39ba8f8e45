"""What a phone rebuilds of an earlier revision is what the server shows for that number."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.plan.state import Row, State, fold
from tests.pwa.test_merge import run_node

BEGAN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
ROLES = {"child": "child", "worker": "caseworker", "guardian": "guardian", "agency": "agency"}
PEOPLE = [{"id": id_, "role": role, "name": id_} for id_, role in ROLES.items()]
WRITERS = ("child", "worker", "guardian")
TEXTS = ("why", "barriers", "child_words", "success_sign")


class Talk:
    """People who write in a project; each sees some of the others' words and misses some."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (made-up talk, no secret)
        self.state = State("child")
        self.rows: list[tuple[Row, int]] = []
        for kind in ("education", "health"):
            self.say("worker", "area", kind, "*", None, {"kind": kind})
        self.say("child", "goal", "g0", "*", None, {"area_id": "education", "why": "Because."})
        self.say(
            "worker",
            "step",
            "s0",
            "*",
            None,
            {"goal_id": "g0", "text": "Ask.", "owner_id": "worker"},
        )

    def say(
        self, who: str, entity: str, entity_id: str, name: str, base: str | None, value: Any
    ) -> None:
        """One more row, and the number of the project after it."""
        number = len(self.rows)
        owner = value.get("owner_id") if isinstance(value, dict) else None
        if (entity, name) == ("step", "owner_id"):
            owner = value
        said = BEGAN + timedelta(minutes=number, days=self.chance.choice((0, 0, 0, 300, -40)))
        row = Row(
            f"00000000-0000-4000-8000-{self.chance.randrange(16**12):012x}",
            entity,
            entity_id,
            name,
            base,
            value,
            said,
            BEGAN + timedelta(minutes=number - number % 3),
            who,
            ROLES[who],
            ROLES.get(owner or ""),
        )
        self.state.take(row)
        self.rows.append((row, self.state.revision))

    def go_on(self) -> None:
        """Somebody says something."""
        who = self.chance.choice(WRITERS)
        what = self.chance.random()
        number = len(self.rows)
        if what < 0.1:
            self.say(who, "goal", f"g{number}", "*", None, {"area_id": "health", "why": "New."})
        elif what < 0.2:
            owner = self.chance.choice([*ROLES, None])
            made = {"goal_id": "g0", "text": "Do.", "owner_id": owner}
            self.say(who, "step", f"s{number}", "*", None, made)
        elif what < 0.3:
            # A house counts in the number, and nobody but its author has it.
            self.say(who, "house", f"h{number}", "*", None, {"kind": "good", "text": "Tea."})
        elif what < 0.5:
            self.agree()
        elif what < 0.6:
            self.decide(who)
        else:
            self.change(who)

    def agree(self) -> None:
        """An answer to what stands, or to what stood a little ago."""
        # A number that nobody ever had before the eyes, between two, is signed by nobody.
        known = sorted({after for _, after in self.rows})
        revision = known[-min(self.chance.choice((1, 1, 1, 2, 5)), len(known))]
        for who in self.chance.choice((("child", "worker"), ("worker", "child"), ("guardian",))):
            said = self.chance.choice(("agree", "agree", "agree", "in_part", "disagree"))
            value = {"revision": revision, "decision": said}
            self.say(who, "agreement", f"a{len(self.rows)}", "*", None, value)

    def decide(self, who: str) -> None:
        """A choice between the sides of a difference, or some of them."""
        open_ = list(self.state.open_fields())
        if not open_:
            return
        (entity, entity_id, name), field = self.chance.choice(open_)
        saw = [side.id for side in field.sides if self.chance.random() < 0.8]
        if saw:
            about = {"entity": entity, "entity_id": entity_id, "field": name}
            value = {**about, "value": f"chosen {len(self.rows)}", "saw": saw}
            self.say(who, "choice", f"c{len(self.rows)}", "*", None, value)

    def change(self, who: str) -> None:
        """A word on a field, after what was seen of it."""
        goal = self.chance.choice(self.state.things("goal"))
        key = ("goal", goal, self.chance.choice(TEXTS))
        if self.chance.random() < 0.2:
            key = ("step", self.chance.choice(self.state.things("step")), "owner_id")
        nodes = self.state.nodes.get(key, [])
        seen = [node for node in nodes if self.chance.random() < 0.7 or node is nodes[-1]]
        base = self.chance.choice(seen).id if seen and self.chance.random() < 0.9 else None
        value: Any = f"words {len(self.rows) % 5}"
        if key[2] == "owner_id":
            value = self.chance.choice(list(ROLES))
        self.say(who, *key, base, value)

    def upto(self, revision: int) -> State:
        """What the server shows for this number: the fold of the rows up to it."""
        return fold("child", [row for row, after in self.rows if after <= revision])


def _on_the_wire(row: Row, revision: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "entity": row.entity,
        "entity_id": row.entity_id,
        "field": row.field,
        "base": row.base,
        "value": row.value,
        "said_at": row.said_at.isoformat().replace("+00:00", "Z"),
        "received_at": row.received_at.isoformat().replace("+00:00", "Z"),
        "who": {"id": row.who, "role": row.role},
        "revision": revision,
    }


def _held(state: State, *, hidden: bool) -> dict[str, dict[str, Any]]:
    return {
        " ".join(key): {"value": field.value, "sides": len(field.sides)}
        for key, field in state.fields.items()
        if not (hidden and key[0] == "house")
    }


def _standing(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is said once: it stands nowhere, and the server keeps it apart."""
    return {key: one for key, one in found.items() if not key.startswith(("agreement ", "choice "))}


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [False, True])
def test_a_phone_rebuilds_every_revision_as_the_server_shows_it(hidden: bool) -> None:
    """Also where it does not have everything that counts in the number."""
    signed = open_ones = 0
    for seed in range(10):
        talk = Talk(seed)
        for _ in range(60):
            talk.go_on()
        rows = [
            _on_the_wire(row, after)
            for row, after in talk.rows
            if not (hidden and row.entity == "house")
        ]
        revisions = list(range(talk.state.revision + 1))
        said = {"child": "child", "people": PEOPLE, "rows": rows, "revisions": revisions}
        for revision, found in zip(revisions, run_node("then.mjs", said), strict=True):
            then = talk.upto(revision)
            assert _standing(found) == _held(then, hidden=hidden), (seed, revision)
            open_ones += len(list(then.open_fields()))
            signed += then.signed_revision is not None
    assert signed > 50
    assert open_ones > 50


def test_looking_back_through_a_long_history_takes_no_time() -> None:
    """Five thousand words on forty goals, of which half had been said by then."""
    talk = Talk(1)
    rows = [_on_the_wire(row, after) for row, after in talk.rows]
    first = len(rows)
    for number in range(5_000):
        base = rows[-40]["id"] if number >= 40 else None
        about = {"entity": "goal", "entity_id": f"g{number % 40}", "field": "why", "base": base}
        id_ = f"00000000-0000-4000-8000-{number:012x}"
        rows.append({**rows[0], **about, "id": id_, "value": number, "revision": first + number})
    said = {"child": "child", "people": PEOPLE, "rows": rows, "revisions": [first + 2_499]}
    (found,) = run_node("then.mjs", said)
    assert found["goal g19 why"]["value"] == 2_499
    assert found["goal g20 why"]["value"] == 2_460
