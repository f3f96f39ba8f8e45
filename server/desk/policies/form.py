"""A policy as a form, and the typed form as a policy. Pure.

The form is made from the data itself. A number that a later release adds to the policy appears here
without more work, labelled with its key until it gets better words.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from server.desk.policies.words import (
    ADAPTS,
    DOES,
    DURATION,
    SECONDS,
    UNITS,
    USED,
    in_words,
    key_of,
    label_of,
)
from server.errors import Refused
from server.i18n import N_
from server.policy.levels import OF_A_PHONE, Does
from server.policy.model import SHIPPED, Rung, Tier, ending
from server.watch.wording import TIERS

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
# So many rungs a form has room for, before the last resort, at which every ladder ends.
MOST_RUNGS = len(Rung) - 1


class Kind(StrEnum):
    """How a value of a policy is asked for."""

    SPAN = "span"
    TIME = "time"
    NUMBER = "number"
    COUNT = "count"
    SWITCH = "switch"
    CHOICE = "choice"
    RUNGS = "rungs"
    TEXT = "text"


class Field(msgspec.Struct, frozen=True):
    """One value of a policy: its place, and how the form asks for it."""

    name: str  # "high.grace": also what a fault names.
    kind: Kind
    may_be_empty: bool


# Tables that a tier may leave out, and the values their form begins with. A switch in the form says
# whether the tier has the table; it is no value of the policy.
OPTIONAL: Mapping[str, Mapping[str, Any]] = {
    "habit": {**SHIPPED["mid"]["habit"], "silent_phone": False}
}


# A list of times, typed with commas.
TIMES_OF_DAY = ("roll_call.at", "witness.at")
ADAPT = "budget.adapt"


# --- what there is


def _expanded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same with every optional table there, and whether it is used."""
    whole: dict[str, Any] = {}
    for key, value in content.items():
        if key in OPTIONAL:
            own = value if isinstance(value, Mapping) else {}
            whole[key] = {USED: isinstance(value, Mapping), **OPTIONAL[key], **own}
        else:
            whole[key] = _expanded(value) if isinstance(value, Mapping) else value
    return whole


def _collapsed(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a policy again: what is not used is not there."""
    content: dict[str, Any] = {}
    for key, value in whole.items():
        if key in OPTIONAL:
            rest = {name: setting for name, setting in value.items() if name != USED}
            content[key] = rest if value[USED] else None
        else:
            content[key] = _collapsed(value) if isinstance(value, Mapping) else value
    return content


def fields_of(content: Mapping[str, Any]) -> Iterator[Field]:
    """Every value that a form asks for, in the order of the policy."""
    for name, value in _leaves(_expanded(content)):
        yield Field(name, _kind(name, value), name in _NULLABLE)


def values_of(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value that holds, with its name, in their order."""
    whole = dict(_leaves(_expanded(content)))
    for name, value in whole.items():
        if key_of(name) == USED or whole.get(f"{name.rpartition('.')[0]}.{USED}", True):
            yield name, value


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value


# What ships empty in some tier may be left empty in every one.
_EMPTY_KEYS = {key_of(name) for name, value in _leaves(SHIPPED) if value is None}
_NULLABLE = {
    name
    for name, _ in _leaves(SHIPPED)
    if key_of(name) in _EMPTY_KEYS | {"after_pass", "last_call", "after_misses", "decide"}
}


def _kind(name: str, value: Any) -> Kind:
    if key_of(name) == "after_misses":
        return Kind.COUNT
    if name == ADAPT:
        return Kind.CHOICE
    if isinstance(value, bool):
        return Kind.SWITCH
    if isinstance(value, (int, float)):
        return Kind.NUMBER
    if _is_about_evidence(name) or _is_about_tier(name):
        return Kind.CHOICE
    if isinstance(value, list):
        return Kind.RUNGS if key_of(name) == "rungs" else Kind.TEXT
    if value is None or DURATION.fullmatch(str(value)) or value == "never":
        return Kind.SPAN
    return Kind.TIME if _TIME.fullmatch(str(value)) else Kind.TEXT


def _is_about_evidence(name: str) -> bool:
    """Whether a value says what a kind of evidence does."""
    return ".evidence." in name and not key_of(name).endswith("_for")


def _is_about_tier(name: str) -> bool:
    """Whether a value says how tight the watch is around a day."""
    return name.startswith("milestones.") and key_of(name) == "tier"


def choices_of(name: str) -> Mapping[str, str]:
    """What may be chosen, and its words: what a kind of evidence does, how tight a day is, or what
    becomes of the numbers of a week."""
    if name == ADAPT:
        return ADAPTS
    if _is_about_tier(name):
        return {tier: TIERS[tier][0] for tier in (Tier.HIGH, Tier.MID)}
    return {does: DOES[does] for does in (OF_A_PHONE if key_of(name) == "app_seen" else Does)}


# --- from the form, and to it


def typed_of(content: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds for a policy."""
    typed: dict[str, str] = {}
    values = dict(_leaves(_expanded(content)))
    for field in fields_of(content):
        value = values[field.name]
        match field.kind:
            case Kind.SPAN:
                duration_match = DURATION.fullmatch(str(value))
                typed[field.name] = duration_match[1] if duration_match else ""
                typed[f"{field.name}.unit"] = duration_match[2] if duration_match else "h"
            case Kind.RUNGS:
                before = value[:-1] if value[-1:] == [Rung.LAST_RESORT.value] else value
                for place in range(MOST_RUNGS):
                    rung = before[place] if place < len(before) else ""
                    typed[f"{field.name}.{place + 1}"] = str(rung)
            case Kind.SWITCH:
                typed[field.name] = "yes" if value else "no"
            case Kind.COUNT:
                typed[field.name] = str(value) if isinstance(value, int) else ""
            case _:
                typed[field.name] = _plain(value)
    return typed


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def read(typed: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    """The data that was typed, in the shape of `base`. Raises Refused, naming the field, for a
    value of the wrong kind. `parser.read` checks whether the whole makes sense."""
    values = {field.name: _value(field, typed) for field in fields_of(base)}
    return _collapsed(_shaped(_expanded(base), values))


def _shaped(base: Mapping[str, Any], values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    return {
        key: _shaped(value, values, f"{above}{key}.")
        if isinstance(value, Mapping)
        else values[f"{above}{key}"]
        for key, value in base.items()
    }


def _value(field: Field, typed: Mapping[str, str]) -> Any:
    text = typed.get(field.name, "").strip()
    match field.kind:
        case Kind.SPAN:
            return _span(field, text, typed.get(f"{field.name}.unit", ""))
        case Kind.RUNGS:
            return _rungs(field, typed)
        case Kind.TIME:
            time_match = _TIME.fullmatch(text)
            if time_match is None:
                raise Refused(N_("Enter a time such as 18:00."), field=field.name)
            return f"{int(time_match[1]):02}:{int(time_match[2]):02}"
        case Kind.SWITCH:
            return text == "yes"
        case Kind.CHOICE:
            if text not in choices_of(field.name):
                raise Refused(N_("Choose one from the list."), field=field.name)
            return text
        case Kind.NUMBER:
            return _number(field, text)
        case Kind.COUNT:
            return _count(field, text)
        case Kind.TEXT if field.name in TIMES_OF_DAY:
            return [at.strip() for at in text.split(",") if at.strip()]
        case Kind.TEXT:
            return text


def _span(field: Field, text: str, unit: str) -> str | None:
    if not text and field.may_be_empty:
        return None
    if not (text.isdecimal() and len(text) <= 7 and int(text) and unit in UNITS):
        raise Refused(N_("Enter a whole number above 0, and a unit."), field=field.name)
    return f"{int(text)}{unit}"


def _rungs(field: Field, typed: Mapping[str, str]) -> list[str]:
    entries = [typed.get(f"{field.name}.{place}", "").strip() for place in range(1, MOST_RUNGS + 1)]
    chosen = [rung for rung in entries if rung]
    if not chosen or not set(chosen) <= {rung.value for rung in Rung}:
        raise Refused(N_("Choose at least one to call."), field=field.name)
    return [str(rung) for rung in ending(Rung(rung) for rung in chosen)]


def _count(field: Field, text: str) -> int | None:
    if not text and field.may_be_empty:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 2):
        raise Refused(N_("Enter a whole number, or leave this empty."), field=field.name)
    return int(text)


def _number(field: Field, text: str) -> int | float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -1e9 < number < 1e9:
        raise Refused(N_("Enter a number."), field=field.name)
    return int(number) if number == int(number) else number


# --- in words


class Differs(msgspec.Struct, frozen=True):
    """One value that differs between two policies, in the reader's words."""

    name: str
    table: str
    label: str
    before: str
    after: str


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], language: str
) -> list[Differs]:
    """What differs, in the order of the form."""
    old = dict(values_of(before))
    return [
        Differs(
            name=name,
            table=name.partition(".")[0],
            label=label_of(name, language),
            before=in_words(old.get(name), language),
            after=in_words(value, language),
        )
        for name, value in values_of(after)
        if old.get(name) != value and not _is_same_span(old.get(name), value)
    ]


def _is_same_span(old: Any, other: Any) -> bool:
    """Whether 60m replaced 1h: the text changed, the value did not."""
    first, second = (DURATION.fullmatch(str(value)) for value in (old, other))
    return (
        first is not None
        and second is not None
        and int(first[1]) * SECONDS[first[2]] == int(second[1]) * SECONDS[second[2]]
    )
