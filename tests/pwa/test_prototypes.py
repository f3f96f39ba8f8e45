"""Names that every object of a script has by itself are names like others, from anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pwa.test_merge import run_node

NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]
AT = "2026-11-27T09:30:00Z"
BY = {"id": "mia", "role": "child"}


def row(number: int, entity: str, entity_id: str, field: str, value: Any) -> dict[str, Any]:
    about = {"entity": entity, "entity_id": entity_id, "field": field, "value": value}
    return {"id": f"c{number}", "base": None, "said_at": AT, "received_at": AT, "who": BY, **about}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    values = {name: f"of {name}" for name in NAMES}
    rows = [row(0, "goal", "g1", "*", values)]
    rows += [row(1 + n, name, name, name, {name: 1}) for n, name in enumerate(NAMES)]
    goal = {"id": "g1", "by": BY, "made_at": AT, **values}
    area = {"id": "a1", "goals": [goal], **values}
    project = {"child": {"id": "mia"}, "areas": [area], "__proto__": {"late": 1}}
    signed = {f"goal g1 {name}": f"of {name}" for name in NAMES} | {"__proto__": {"late": 1}}
    asked = {"names": NAMES, "rows": rows, "project": project, "signed": signed}
    answer: dict[str, Any] = run_node("prototypes.mjs", asked)
    return answer


def test_what_the_server_says_of_such_a_field_is_kept_under_its_name(told: dict[str, Any]) -> None:
    fields = dict(told["fields"])
    for name in NAMES:
        assert fields[f"goal g1 {name}"] == f"of {name}"
        assert fields[f"{name} {name} {name}"] == {name: 1}
    known = dict(told["known"])
    for name in NAMES:
        assert known[f"area a1 {name}"] == known[f"goal g1 {name}"] == f"of {name}"


def test_a_code_that_nobody_knows_is_words_on_the_screen(told: dict[str, Any]) -> None:
    for name, spoken in zip(NAMES, told["spoken"], strict=True):
        assert all(isinstance(words, str) for words in spoken), (name, spoken)
        assert not [words for words in spoken if "[object" in words or "native code" in words]
        assert spoken[0] == name
        assert spoken[1] == "Someone"
        assert spoken[9] == f"{{{name}}}"


def test_what_lies_on_the_phone_under_such_a_name_is_kept_and_sent_as_nothing_else(
    told: dict[str, Any],
) -> None:
    held = told["held"]
    assert held.count(["check_in", "unreadable"]) == len(NAMES)
    assert ["check_in", None] in held
    kept = [json.loads(text) for text in told["kept"]]
    assert [value["kind"] for value in kept][: len(NAMES)] == NAMES
    assert all(value["body"]["__proto__"] == {"late": 1} for value in kept)
    assert told["read"] == [[None, [name]] for name in NAMES]


def test_no_other_object_has_anything_of_it(told: dict[str, Any]) -> None:
    assert told["touched"] == []
