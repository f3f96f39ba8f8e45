"""What the document of the API promised and a later one keeps no longer: pure.

A phone that was built for the older one goes on where each path is still there, takes all that it
took, and answers with all that it answered, of the same types. More is no breach: a path, an answer
with a field more, a request with a field more that may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")
# Of what a request may hold: a limit that must not be lower, or not be higher, than it was.
_AT_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_AT_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")


# An answer to who may not read what they wrote to. Before, they got it all: that promise is broken
# with intent, and to everyone else it is kept.
_RECEIPTS = frozenset(
    f"#/components/schemas/{name}" for name in ("BegunOut", "CalledOut", "WrittenOut")
)


def broken(old: Schema, new: Schema) -> list[str]:
    """One line for each promise of the older document that the newer one breaks."""
    lines = []
    for path, item in old["paths"].items():
        for method in (name for name in _METHODS if name in item):
            where = f"{method.upper()} {path}"
            later = new["paths"].get(path, {}).get(method)
            if later is None:
                lines.append(f"{where}: is there no longer")
                continue
            both = Both(old, new)
            both.operation(item[method], later, where)
            lines += both.lines
    return lines


@dataclass
class Both:
    """The two documents, and what was found in one operation."""

    old: Schema
    new: Schema
    lines: list[str] = field(default_factory=list)
    # What was found of two named types; nothing yet while they are being looked at.
    _known: dict[tuple[str, str, bool], list[str]] = field(default_factory=dict)

    def operation(self, old: Schema, new: Schema, where: str) -> None:
        self._parameters(old, new, where)
        self._request(old.get("requestBody"), new.get("requestBody"), where)
        for status, answer in old["responses"].items():
            if not status.startswith("2"):
                # Which problems there are is no promise: a phone has to take any of them.
                continue
            later = new["responses"].get(status)
            if later is None:
                self.lines.append(f"{where}: does not answer {status} any longer")
                continue
            self._bodies(answer, later, f"{where} {status}", is_request=False)

    def _parameters(self, old: Schema, new: Schema, where: str) -> None:
        def named(operation: Schema) -> dict[tuple[str, str], Schema]:
            return {(each["in"], each["name"]): each for each in operation.get("parameters", [])}

        before, after = named(old), named(new)
        for key, parameter in before.items():
            if key not in after:
                self.lines.append(f"{where}: takes no {key[1]} any longer")
            else:
                at = f"{where} ?{key[1]}"
                self._same(parameter["schema"], after[key]["schema"], at, is_request=True)
        for key, parameter in after.items():
            was_needed = before.get(key, {}).get("required", False)
            if parameter.get("required") and not was_needed:
                self.lines.append(f"{where}: {key[1]} must be there now")

    def _request(self, old: Schema | None, new: Schema | None, where: str) -> None:
        if new is not None and new.get("required") and not (old or {}).get("required"):
            self.lines.append(f"{where}: must have a body now")
        if old is not None and new is None:
            self.lines.append(f"{where}: takes no body any longer")
        if old is not None and new is not None:
            self._bodies(old, new, where, is_request=True)

    def _bodies(self, old: Schema, new: Schema, where: str, *, is_request: bool) -> None:
        for kind, content in old.get("content", {}).items():
            later = new.get("content", {}).get(kind)
            if later is None:
                self.lines.append(f"{where}: no {kind} any longer")
            elif "schema" in content and "schema" in later:
                self._same(content["schema"], later["schema"], where, is_request=is_request)

    def _same(self, old: Schema, new: Schema, where: str, *, is_request: bool) -> None:
        key = (old.get("$ref", ""), new.get("$ref", ""), is_request)
        if not all(key[:2]):
            self.lines += self._differ(old, new, where, is_request=is_request)
            return
        if key not in self._known:
            self._known[key] = []
            self._known[key] = self._differ(old, new, where, is_request=is_request)
        self.lines += self._known[key]

    def _differ(self, old: Schema, new: Schema, where: str, *, is_request: bool) -> list[str]:
        before, after = _variants(self.old, old), _variants(self.new, new)
        # A request may be any of those that it could be; an answer is one of those that it was.
        each, among = (before, after) if is_request else (after, before)
        found = []
        for one in each:
            tries = []
            for other in [other for other in among if _kind(one) & _kind(other)] or among:
                inner = Both(self.old, self.new, _known=self._known)
                pair = (one, other) if is_request else (other, one)
                inner._one(*pair, where, is_request=is_request)
                tries.append(inner.lines)
            found += min(tries, key=len)
        return found

    def _one(self, old: Schema, new: Schema, where: str, *, is_request: bool) -> None:
        narrow, wide = (old, new) if is_request else (new, old)
        if not _kind(narrow) <= _kind(wide):
            were, are = sorted(_kind(old)), sorted(_kind(new))
            self.lines.append(f"{where}: was {', '.join(were)} and is {', '.join(are)}")
            return
        if old.get("format") != new.get("format"):
            self.lines.append(f"{where}: format {old.get('format')} is {new.get('format')}")
        if is_request:
            self._limits(old, new, where)
        self._properties(old, new, where, is_request=is_request)
        for name in ("items", "additionalProperties"):
            if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
                self._same(old[name], new[name], f"{where}[]", is_request=is_request)
            elif is_request and isinstance(old.get(name), dict) and new.get(name) is False:
                self.lines.append(f"{where}: takes no {name} any longer")

    def _limits(self, old: Schema, new: Schema, where: str) -> None:
        for name in _AT_MOST:
            if name in new and (name not in old or new[name] < old[name]):
                self.lines.append(f"{where}: {name} was {old.get(name)} and is {new[name]}")
        for name in _AT_LEAST:
            if name in new and (name not in old or new[name] > old[name]):
                self.lines.append(f"{where}: {name} was {old.get(name)} and is {new[name]}")
        if new.get("pattern") not in (None, old.get("pattern")):
            self.lines.append(f"{where}: another pattern")
        if "enum" in new:
            gone = {*map(str, old.get("enum", ["other words"]))} - {*map(str, new["enum"])}
            self.lines += [f"{where}: takes no {word} any longer" for word in sorted(gone)]

    def _properties(self, old: Schema, new: Schema, where: str, *, is_request: bool) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name not in after:
                self.lines.append(f"{where}.{name}: is there no longer")
            else:
                self._same(schema, after[name], f"{where}.{name}", is_request=is_request)
        needed, needed_now = {*old.get("required", ())}, {*new.get("required", ())}
        if is_request:
            self.lines += [f"{where}.{n}: must be there now" for n in sorted(needed_now - needed)]
        else:
            self.lines += [
                f"{where}.{n}: may be left out now"
                for n in sorted((needed - needed_now) & after.keys())
            ]


def _variants(document: Schema, schema: Schema) -> list[Schema]:
    """What it may be, each without a reference; all but receipts, where there is anything else."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return _variants(document, document["components"]["schemas"][name])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            parts = [part for part in schema[union] if part.get("$ref") not in _RECEIPTS]
            return [each for part in parts for each in _variants(document, part)]
    return [schema]


def _kind(schema: Schema) -> set[str]:
    """The JSON types that it may have; all of them where it does not say."""
    if "enum" in schema or "const" in schema:
        return {_type_of(each) for each in schema.get("enum", [schema.get("const")])}
    kind = schema.get("type")
    if kind is None:
        return {"null", "boolean", "integer", "number", "string", "array", "object"}
    return {kind} if isinstance(kind, str) else {*kind}


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value), "object")
