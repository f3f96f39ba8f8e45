"""A phone that was built for the released API goes on with the one in work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.app import routes
from server.web.openapi import document
from tests.upgrades.promises import broken
from tests.upgrades.trees import Version

Schema = dict[str, Any]
DESCRIBE = """
import json
from server.app import routes
from server.web.openapi import document
print(json.dumps(document(routes(), server_url="http://localhost:8000")))
"""


@pytest.mark.slow
async def test_whatever_the_released_api_has_the_one_in_work_has_too(released: Version) -> None:
    old = json.loads(await released.python("-c", DESCRIBE))
    assert len(old["paths"]) > 100
    assert broken(old, document(routes(), server_url="http://localhost:8000")) == []


def api(
    *, takes: Schema, gives: Schema, needs: list[str] | None = None, path: str = "/api/v1/words"
) -> Schema:
    """A document with one operation. `takes` and `gives`: the properties of two named types."""

    def content(name: str) -> Schema:
        return {
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        }

    operation = {
        "parameters": [{"in": "query", "name": "at", "schema": {"type": "string"}}],
        "requestBody": {"required": True} | content("Request"),
        "responses": {"200": content("Answer"), "404": {}},
    }
    schemas = {
        "Request": {"type": "object", "properties": takes, "required": needs or []},
        "Answer": {"type": "object", "properties": gives, "required": [*gives]},
    }
    return {"paths": {path: {"post": operation}}, "components": {"schemas": schemas}}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
OR_EMPTY = {"type": ["string", "null"]}
SHORT = {"type": "string", "maxLength": 80}
ANSWER = {"$ref": "#/components/schemas/Answer"}
BEFORE = api(
    takes={"text": SHORT, "mood": NUMBER},
    gives={"id": TEXT, "parts": {"type": "array", "items": ANSWER}},
)
KEPT = {
    "a field more in the answer": {
        "gives": {"id": TEXT, "parts": {"type": "array", "items": ANSWER}, "at": TEXT}
    },
    "a field more that may be left out": {"takes": {"text": SHORT, "mood": NUMBER, "note": TEXT}},
    "a field that may be empty now": {
        "takes": {"text": SHORT, "mood": {"type": ["integer", "null"]}}
    },
    "a field that may be of another type too": {
        "takes": {"text": SHORT, "mood": {"anyOf": [NUMBER, TEXT]}}
    },
    "longer texts": {"takes": {"text": SHORT | {"maxLength": 90}, "mood": NUMBER}},
}
BROKEN = {
    "a path less": ({"path": "/api/v1/others"}, "POST /api/v1/words: is there no longer"),
    "a field of the answer less": ({"gives": {"id": TEXT}}, "200.parts: is there no longer"),
    "a field of the answer of another type": (
        {"gives": {"id": NUMBER, "parts": {"type": "array", "items": ANSWER}}},
        "200.id: was string and is integer",
    ),
    "an answer that may be empty now": (
        {"gives": {"id": OR_EMPTY, "parts": {"type": "array", "items": ANSWER}}},
        "200.id: was string and is null, string",
    ),
    "a field of the request less": ({"takes": {"text": SHORT}}, ".mood: is there no longer"),
    "a field of the request of another type": (
        {"takes": {"text": SHORT, "mood": TEXT}}, ".mood: was integer and is string"
    ),
    "a field that must be there now": ({"needs": ["mood"]}, ".mood: must be there now"),
    "shorter texts": (
        {"takes": {"text": SHORT | {"maxLength": 70}, "mood": NUMBER}},
        ".text: maxLength was 80 and is 70",
    ),
    "words that are not taken any longer": (
        {"takes": {"text": SHORT | {"enum": ["yes"]}, "mood": NUMBER}},
        ".text: takes no other words any longer",
    ),
}  # fmt: skip
_AS_BEFORE = {
    "takes": {"text": SHORT, "mood": NUMBER},
    "gives": {"id": TEXT, "parts": {"type": "array", "items": ANSWER}},
}


@pytest.mark.parametrize("what", KEPT)
def test_more_is_no_breach(what: str) -> None:
    assert broken(BEFORE, api(**_AS_BEFORE | KEPT[what])) == []


@pytest.mark.parametrize("what", BROKEN)
def test_what_an_older_phone_cannot_live_with_is_told(what: str) -> None:
    change, told = BROKEN[what]
    (line,) = broken(BEFORE, api(**_AS_BEFORE | change))
    assert told in line
