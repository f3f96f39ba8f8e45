"""What a life project is made of: its things, their fields, and the values of each field. Pure.

The names are those of docs/reference/fields.md. Phones store them and the values for years, so both
may be added to and never changed. A value here is JSON: dates and ids are text in their one
spelling.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from server.errors import Refused
from server.i18n import N_

LONGEST_TEXT = 20_000
MOST_COUNTRIES = 20
MOST_SIDES = 50
MAKING = "*"

# The areas of CM/Rec(2007)9, and those that practice adds (docs/reference/practice.md).
AREAS = (
    "housing health education language training work social personal culture family legal safety"
    " money independence own"
).split()
LIFECYCLES = (
    "proposed planned accepted active on-hold completed cancelled entered-in-error rejected"
).split()
ACHIEVEMENTS = (
    "in-progress improving worsening no-change achieved sustaining not-achieved no-progress"
    " not-attainable"
).split()
REVIEWS = ("routine planned return transfer decision turning_17_half complaint new_worker").split()

Read = Callable[[Any], Any]


class _Wrong(ValueError):
    """A value of the wrong kind."""


def _text() -> Read:
    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or not _can_be_kept(value):
            raise _Wrong
        return value

    return read


def _can_be_kept(text: str) -> bool:
    """Whether both databases can store it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _one_of(*codes: str) -> Read:
    def read(value: Any) -> str:
        if value not in codes or not isinstance(value, str):
            raise _Wrong
        return value

    return read


def _whole(low: int, high: int) -> Read:
    def read(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _Wrong
        return value

    return read


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong
    return value


def _date(value: Any) -> str:
    # A week and its day, which Python reads too, would differ from the text on the phone that wrote
    # it.
    if not isinstance(value, str) or date.fromisoformat(value).isoformat() != value:
        raise _Wrong
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong
    return str(UUID(value))


def _list(read: Read, most: int) -> Read:
    def read_all(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise _Wrong
        return [read(entry) for entry in value]

    return read_all


def _anything(value: Any) -> Any:
    return value


# `reason_id`: the reason the child gave for going that led to this. Readers of reasons know it.
FIELDS: Mapping[str, Mapping[str, Read]] = {
    "life_project": {
        "summary": _text(),
        "situation": _text(),
        "ends_on": _date,
        "countries": _list(_text(), MOST_COUNTRIES),
        "option": _one_of("stay", "reunify", "return", "relocate", "undecided"),
        "plan_b": _text(),
        "closing": _text(),
    },
    "area": {
        "kind": _one_of(*AREAS),
        "name": _text(),
        "importance": _whole(1, 5),
        "now": _text(),
    },
    "goal": {
        "area_id": _id,
        "child_words": _text(),
        "worker_words": _text(),
        "why": _text(),
        "success_sign": _text(),
        "target_on": _date,
        "lifecycle": _one_of(*LIFECYCLES),
        "achievement": _one_of(*ACHIEVEMENTS),
        "barriers": _text(),
        "not_mine": _truth,
        "reason_id": _id,
    },
    "step": {
        "goal_id": _id,
        "text": _text(),
        "owner_id": _id,
        "due_on": _date,
        "status": _one_of("open", "done", "not_done"),
        "reason": _text(),
        "repeats": _one_of("none", "weekly", "monthly"),
        # Why another day was chosen; `reason` says why it was not done.
        "moved_why": _text(),
        "reason_id": _id,
    },
    # `advocate_id`: this advocate reads it too; `is_private`: nobody else does but the child.
    "message": {"text": _text(), "advocate_id": _id, "is_private": _truth},
    "agreement": {
        "revision": _whole(0, 2**31 - 1),
        "decision": _one_of("agree", "in_part", "disagree"),
        "comment": _text(),
        "method": _one_of("tap", "drawn", "pictogram", "voice", "witnessed"),
        "language": _text(),
        "interpreter": _text(),
        "explained": _truth,
        "copy_given": _truth,
        "drawing": _text(),
        # The speaker, where a person wrote down another's words; and who was there.
        "of_id": _id,
        "present": _text(),
    },
    "choice": {
        "entity": _text(),
        "entity_id": _id,
        "field": _text(),
        "value": _anything,
        "saw": _list(_id, MOST_SIDES),
    },
    "review": {
        "kind": _one_of(*REVIEWS),
        "about": _id,
        "due_on": _date,
        "held_on": _date,
        "how_heard": _text(),
        "kept_out": _text(),
        "outcomes": _text(),
        "next_on": _date,
        "rating": _whole(1, 5),
        # The meeting at which this day was chosen.
        "after_id": _id,
    },
    "house": {
        "kind": _one_of("good", "worry", "dream"),
        "text": _text(),
        "is_shown": _truth,
    },
    "complaint": {
        "text": _text(),
        "to": _one_of("supervisor", "guardian"),
        "answer_due": _date,
        "answer": _text(),
    },
}
# Required when a thing is made, and never removed later.
NEEDED: Mapping[str, frozenset[str]] = {
    "life_project": frozenset(),
    "area": frozenset({"kind"}),
    "goal": frozenset({"area_id"}),
    "step": frozenset({"goal_id", "text"}),
    "message": frozenset({"text"}),
    "agreement": frozenset({"revision", "decision"}),
    "choice": frozenset({"entity", "entity_id", "field", "saw"}),
    "review": frozenset({"kind"}),
    "house": frozenset({"kind", "text"}),
    "complaint": frozenset({"text", "to"}),
}
# Said once: another one answers it, and nothing changes it.
SAID_ONCE = frozenset({"message", "agreement", "choice"})
# In the project itself, so that its revision counts it.
STANDS = frozenset(FIELDS) - SAID_ONCE
# The parent of a thing, which has to be there before it.
HANGS_ON: Mapping[tuple[str, str], str] = {
    ("goal", "area_id"): "area",
    ("step", "goal_id"): "goal",
    ("review", "about"): "complaint",
}


def read_value(entity: str, field: str, value: Any) -> Any:
    """The value in its one spelling. Raises Refused, code `invalid`, which names the field."""
    fields = FIELDS.get(entity)
    if fields is None:
        raise _invalid("entity")
    if field == MAKING:
        return _read_making(entity, fields, value)
    if entity in SAID_ONCE:
        raise Refused(N_("This cannot be changed once it is sent."), field="field")
    return _read_field(entity, field, value)


def _read_making(entity: str, fields: Mapping[str, Read], value: Any) -> dict[str, Any]:
    if entity == "life_project":
        raise Refused(N_("The project already exists."), field="field")
    if not isinstance(value, dict):
        raise _invalid("value")
    if entity == "choice":
        return _read_choice(value)
    missing = sorted(NEEDED[entity] - value.keys())
    if missing:
        raise Refused(N_("“{field}” is missing."), field=missing[0])
    return {name: _read_field(entity, name, content) for name, content in value.items()}


def _read_choice(value: dict[str, Any]) -> dict[str, Any]:
    missing = sorted((NEEDED["choice"] | {"value"}) - value.keys())
    if missing:
        raise Refused(N_("“{field}” is missing."), field=missing[0])
    choice = {name: _read_field("choice", name, content) for name, content in value.items()}
    if choice["entity"] not in STANDS or choice["field"] == MAKING:
        raise _invalid("entity")
    if not choice["saw"]:
        raise _invalid("saw")
    return choice | {
        "value": _read_field(choice["entity"], choice["field"], choice["value"], "value")
    }


def _read_field(entity: str, field: str, value: Any, named: str | None = None) -> Any:
    read = FIELDS[entity].get(field)
    if read is None:
        raise _invalid(named or "field" if named else field)
    if value is None and (field not in NEEDED[entity]):
        return None
    try:
        return read(value)
    except ValueError:
        raise _invalid(named or field) from None


def _invalid(field: str) -> Refused:
    return Refused(N_("“{field}” is not valid here."), field=field)
