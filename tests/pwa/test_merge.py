"""The phone merges as the server does: the shared cases, and many that nobody thought of."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.plan.merge import Node, settle

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "plan" / "cases.json"
BEGAN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
PEOPLE = ("child", "worker", "guardian")


def node(script: str) -> list[str]:
    """The command that runs a script beside this file, with the app's own files as they are."""
    own = ROOT / ".node" / "bin"
    command = shutil.which("node", path=f"{own}{os.pathsep}{os.environ['PATH']}")
    assert command, "Node is missing: `make setup`."
    return [command, str(Path(__file__).with_name(script))]


def run_node(script: str, question: Any) -> Any:
    """What a script beside this file answers."""
    done = subprocess.run(
        node(script),
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def on_the_phone(cases: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What the phone's own file makes of these cases."""
    found: list[list[dict[str, Any]]] = run_node("merge.mjs", cases)
    return found


def test_the_phone_merges_the_shared_cases_as_they_say() -> None:
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    for case, fields in zip(cases, on_the_phone(cases), strict=True):
        for wanted, found in zip(case["fields"], fields, strict=True):
            assert sorted(found["sides"]) == sorted(wanted["sides"]), case["name"]
            if len(wanted["sides"]) > 1:
                assert found["value"] == wanted["agreed"], case["name"]
            else:
                assert found["stands"] == wanted["current"], case["name"]


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def some_talk(chance: random.Random) -> list[Node]:
    """Changes and choices of one field by three people of whom each knows what it knows."""
    nodes: list[Node] = []
    known: dict[str, list[Node]] = {who: [] for who in PEOPLE}
    for number in range(chance.randint(1, 12)):
        who = chance.choice(PEOPLE)
        for other in PEOPLE:
            if chance.random() < 0.4:
                known[who] = [n for n in nodes if n in known[who] or n in known[other]]
        seen = known[who]
        field = settle(seen)
        said = BEGAN + timedelta(minutes=number, days=chance.choice((0, 0, 0, 366, -30)))
        made: dict[str, Any] = {"base": None, "saw": ()}
        if field.is_open and chance.random() < 0.5:
            made["saw"] = tuple(n.id for n in field.sides if chance.random() < 0.9)
        elif field.is_open:
            own = next((n.id for n in field.sides if n.who == who), None)
            made["base"] = own or (field.stands.id if field.stands else None)
        elif seen and chance.random() < 0.9:
            made["base"] = chance.choice(seen).id if chance.random() < 0.3 else field.stands.id  # type: ignore[union-attr]
        node = Node(
            f"00000000-0000-4000-8000-{chance.randrange(16**12):012x}",
            made["base"],
            who,
            said,
            BEGAN + timedelta(minutes=number, microseconds=chance.choice((0, 7))),
            number,
            who,
            made["saw"],
        )
        nodes.append(node)
        known[who] = [*known[who], node]
    return nodes


def row_of(node: Node) -> dict[str, Any]:
    """The change as it travels."""
    about = {"entity": "goal", "entity_id": "g", "field": "why"}
    row = {
        "id": node.id,
        "base": node.base,
        "said_at": _moment(node.said_at),
        "received_at": _moment(node.received_at),
        "who": {"id": node.who, "role": node.role},
    }
    if not node.saw:
        return row | about | {"value": node.value}
    value = about | {"value": node.value, "saw": list(node.saw)}
    return row | {"entity": "choice", "entity_id": node.id, "field": "*", "value": value}


def test_phone_and_server_agree_whatever_was_said_in_whatever_order() -> None:
    chance = random.Random(7)  # noqa: S311 (made-up talk, no secret)
    talks = [some_talk(chance) for _ in range(400)]
    signed = [chance.choice([None, *[n.id for n in nodes]]) for nodes in talks]
    cases = []
    for nodes, held in zip(talks, signed, strict=True):
        rows = [row_of(node) for node in nodes] * chance.choice((1, 2))
        chance.shuffle(rows)
        field = {"entity": "goal", "entity_id": "g", "field": "why"}
        held_by = {"goal g why": held} if held else {}
        cases.append({"rows": rows, "signed": held_by, "fields": [field]})
    open_ones = 0
    for nodes, held, (found,) in zip(talks, signed, on_the_phone(cases), strict=True):
        wanted = settle(nodes, held)
        assert found["sides"] == [side.id for side in wanted.sides], nodes
        assert found["stands"] == (wanted.stands.id if wanted.stands else None), nodes
        open_ones += wanted.is_open
    assert open_ones > 50


@pytest.mark.parametrize("count", [2_000])
def test_a_long_history_of_one_field_takes_no_time(count: int) -> None:
    rows = [
        row_of(Node(f"n{n}", f"n{n - 1}" if n else None, PEOPLE[n % 2], BEGAN, BEGAN, n))
        for n in range(count)
    ]
    field = {"entity": "goal", "entity_id": "g", "field": "why"}
    ((found,),) = on_the_phone([{"rows": rows, "fields": [field]}])
    assert found["stands"] == f"n{count - 1}"
