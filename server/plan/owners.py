"""Who owns each field of a life project: who may say it when a thing is made, and who may change it
later. Pure. One table, from which the code decides and `docs/reference/fields.md` is printed.

What a child says in a field of their own is theirs alone, however it is said: when the thing is
made, as a change, as a choice between two voices, and when a change of an ended tie is merged.
Adults have a field of their own beside it (`BESIDE`).
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from server.plan import shape


class Who(StrEnum):
    """Who may say something in a field. The value is how the reference prints it."""

    SERVER = "the server"
    NOBODY = "nobody"
    CHILD = "the child alone"
    CHANGERS = "child, caseworker, guardian"
    WITH_OWNER = "child, caseworker, guardian; a carer or an advocate in a step of their own"
    TALKERS = "child, caseworker, supervisor; an advocate where it is for them"
    COMPLAINING = "child, guardian"
    ANSWERING = "supervisor or guardian: the one the complaint is to"
    WITH_ANSWERING = "child, caseworker, guardian; after a complaint also the one it is to"
    AUTHOR = "who made it"
    COMPLAINANT = "the child or guardian who made it"
    MEETING = "child, caseworker, guardian, advocate"
    DECIDING = "who may change the field that it decides"


class Owner(msgspec.Struct, frozen=True):
    """`make`: who may say it when the thing is made. `change`: who may change it later."""

    make: Who
    change: Who


_SHARED = Owner(Who.CHANGERS, Who.CHANGERS)
_CHILDS = Owner(Who.CHILD, Who.CHILD)
_OF_PROJECT = Owner(Who.SERVER, Who.CHANGERS)
_OF_REVIEW = Owner(Who.CHANGERS, Who.WITH_ANSWERING)
# An advocate asks for a meeting; the others hold it.
_ASKED_FOR = Owner(Who.MEETING, Who.WITH_ANSWERING)
_TICKED = Owner(Who.CHANGERS, Who.WITH_OWNER)
_ANSWER = Owner(Who.NOBODY, Who.ANSWERING)
_SAID_ONCE = Owner(Who.CHANGERS, Who.NOBODY)

# The owner of a thing's fields, except those in `_OTHERS`.
_USUAL: Mapping[str, Owner] = {
    "life_project": _OF_PROJECT,
    "area": _SHARED,
    "goal": _SHARED,
    "step": _SHARED,
    "message": Owner(Who.TALKERS, Who.NOBODY),
    "agreement": _SAID_ONCE,
    "choice": Owner(Who.DECIDING, Who.NOBODY),
    "review": _OF_REVIEW,
    "house": Owner(Who.CHANGERS, Who.AUTHOR),
    "complaint": Owner(Who.COMPLAINING, Who.COMPLAINANT),
}
_OTHERS: Mapping[tuple[str, str], Owner] = {
    ("goal", "child_words"): _CHILDS,
    ("goal", "not_mine"): _CHILDS,
    ("step", "status"): _TICKED,
    ("step", "reason"): _TICKED,
    ("review", "rating"): _CHILDS,
    ("review", "kind"): _ASKED_FOR,
    ("review", "due_on"): _ASKED_FOR,
    # It says who may see the review.
    ("review", "about"): Owner(Who.CHANGERS, Who.NOBODY),
    ("complaint", "answer"): _ANSWER,
    ("complaint", "answer_due"): _ANSWER,
}
OWNERS: Mapping[tuple[str, str], Owner] = {
    (entity, name): _OTHERS.get((entity, name), _USUAL[entity])
    for entity, fields in shape.FIELDS.items()
    for name in fields
}
MAKERS: Mapping[str, Who] = {entity: usual.make for entity, usual in _USUAL.items()} | {
    "review": Who.MEETING
}
CHILDS_OWN = frozenset(key for key, owner in OWNERS.items() if owner.change is Who.CHILD)
# Where an adult writes what they would have written in a child's field.
BESIDE: Mapping[tuple[str, str], str] = {
    ("goal", "child_words"): "worker_words",
    ("goal", "not_mine"): "lifecycle",
    ("review", "rating"): "outcomes",
}


def owner_of(entity: str, name: str) -> Owner:
    """The owner of a field. An unknown field is refused by its shape, to those who may change."""
    return OWNERS.get((entity, name), _USUAL.get(entity, _SHARED))


def maker_of(entity: str) -> Who:
    """Who may make a thing of this kind."""
    return MAKERS.get(entity, Who.CHANGERS)
