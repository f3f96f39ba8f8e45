"""What the API of the last release promised, and what of it a newer one no longer does.

A phone that nobody updated goes by the old document: every path that it asks, every field that it
reads, every body that it sends, for 90 days and in practice for longer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
Document = dict[str, Any]

_PRINT = """
import json
from server.app import routes
from server.web.openapi import document
print(json.dumps(document(routes(), server_url="http://localhost")))
"""


def document_of(tree: Path) -> Document:
    """The document that the code in this folder makes of itself."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    made: Document = json.loads(done.stdout)
    return made


def broken_promises(old: Document, new: Document) -> list[str]:
    """One line for each thing that whoever goes by the old document would miss."""
    return [*_broken(old, new)]


def _broken(old: Document, new: Document) -> Iterator[str]:
    for path, item in old["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            name, now = f"{method.upper()} {path}", new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name} is gone"
                continue
            was = item[method]
            yield from _answers(name, was, now, (old, new))
            yield from _bodies(name, was, now, (old, new))
            yield from _parameters(name, was, now)


def _answers(name: str, was: Any, now: Any, documents: tuple[Document, Document]) -> Iterator[str]:
    for status, answer in was["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in now["responses"]:
            yield f"{name} no longer answers {status}"
            continue
        before, after = _schema(answer), _schema(now["responses"][status])
        if before is not None and after is not None:
            yield from _read(f"{name} answers", before, after, documents, set())


def _schema(part: Any) -> Any:
    return part.get("content", {}).get("application/json", {}).get("schema")


def _read(
    where: str, was: Any, now: Any, documents: tuple[Document, Document], seen: set[str]
) -> Iterator[str]:
    """What the phone reads: each field is still there, as surely and of the same kinds."""
    key = json.dumps([was, now], sort_keys=True)
    if key in seen:
        return
    seen.add(key)
    was, now = _meant(was, documents[0]), _meant(now, documents[1])
    missing = _kinds(now) - _kinds(was)
    if _kinds(was) and missing:
        yield f"{where}: may be {', '.join(sorted(missing))} now"
    if "enum" in was and "enum" in now and not {*was["enum"]} & {*now["enum"]}:
        yield f"{where}: has none of its old values"
    for field, inside in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{where}.{field} is gone"
            continue
        if field in was.get("required", []) and field not in now.get("required", []):
            yield f"{where}.{field} may be missing now"
        yield from _read(f"{where}.{field}", inside, now["properties"][field], documents, seen)
    if "items" in was and "items" in now:
        yield from _read(f"{where}[]", was["items"], now["items"], documents, seen)


def _bodies(name: str, was: Any, now: Any, documents: tuple[Document, Document]) -> Iterator[str]:
    """What the phone sends: nothing that it does not know is needed, and no field is refused."""
    before, after = _schema(was.get("requestBody", {})), _schema(now.get("requestBody", {}))
    if before is None or after is None:
        return
    before, after = _meant(before, documents[0]), _meant(after, documents[1])
    for field in after.get("required", []):
        if field not in before.get("required", []):
            yield f"{name} needs {field} now"
    closed = after.get("additionalProperties") is False
    for field in before.get("properties", {}):
        if closed and field not in after.get("properties", {}):
            yield f"{name} refuses {field} now"


def _parameters(name: str, was: Any, now: Any) -> Iterator[str]:
    known = {each["name"] for each in was.get("parameters", [])}
    for each in now.get("parameters", []):
        if each.get("required") and each["name"] not in known:
            yield f"{name} needs {each['name']} now"


def _meant(schema: Any, document: Document) -> Any:
    while isinstance(schema, dict) and "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        schema = document["components"]["schemas"][name]
    if isinstance(schema, dict):
        # `… or null`: the one that is not null says what is inside.
        for part in schema.get("anyOf", []):
            meant = _meant(part, document)
            if meant.get("type") != "null":
                return {**meant, "or_null": True} if len(schema["anyOf"]) == 2 else schema
    return schema


def _kinds(schema: Any) -> set[str]:
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else {*kinds}
    # A list of values has no type beside it.
    found |= {"string" for value in schema.get("enum", []) if isinstance(value, str)}
    return found | {"null"} if schema.get("or_null") and found else found
