"""What goes on the page to hang up. Pure.

Anyone who is in the room reads that page. So at first only goals of everyday areas are on it, with
the promises for them. The child, the caseworker and the guardian leave single things out or put
them on. What the child leaves out, no adult puts on.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec.structs import replace

from server.people.rules import Role
from server.plan.view import Document

# A text that gives away nothing about care, a procedure, an illness, a debt or a family.
EVERYDAY = frozenset({"education", "language", "training", "work", "social", "independence"})
_DROPPED = frozenset({"cancelled", "entered-in-error", "rejected"})
_CHOOSERS = frozenset({Role.CHILD, Role.CASEWORKER, Role.GUARDIAN})
_PROMISE = frozenset({"text", "due_on", "owner_id", "repeats"})
_LAST_OF_ALL = "9999"


class Kind(StrEnum):
    """A kind of thing on the page."""

    SUMMARY = "summary"
    GOAL = "goal"
    STEP = "step"
    MEETING = "meeting"
    DRAWING = "drawing"


class Mark(StrEnum):
    """The mark of a promise."""

    KEPT = "kept"
    NOT_YET = "not_yet"
    CHANGED = "changed"
    NEW = "new"
    NOT_KEPT = "not_kept"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Names(StrEnum):
    """How people are called on the page."""

    FIRST = "first"
    FULL = "full"
    NONE = "none"


class Thing(msgspec.Struct, frozen=True):
    """One thing that may go on the page. `day`: when it is due, as a date, or "". `area`: the kind
    of area. `is_usual`: on the page unless a person decides otherwise. `decided_by`: "child" or
    "adult" where a person did. `is_chosen`: what came of that. `is_on`: also its goal is on."""

    id: str
    kind: Kind
    text: str
    area: str = ""
    day: str = ""
    owner_id: str = ""
    mark: Mark = Mark.NOT_YET
    is_over: bool = False
    is_usual: bool = True
    is_chosen: bool = True
    is_on: bool = True
    decided_by: str = ""


class Asked(msgspec.Struct, frozen=True):
    """What a person wants on the page, and not on it; `names` where they chose that too."""

    on: Collection[str] = ()
    off: Collection[str] = ()
    names: Names | None = None


Choice = dict[str, Any]
"""As it is stored: `{"names", "things": {ID: {"on", "by"}}}`; `by` is "child" or "adult"."""


def may_choose(roles: Collection[Role]) -> bool:
    """Whether a person decides what goes on the page."""
    return not _CHOOSERS.isdisjoint(roles)


def names_of(choice: Choice | None) -> Names:
    """How people are called on the page."""
    return Names((choice or {}).get("names") or Names.FIRST)


def things(shown: Document, choice: Choice | None) -> list[Thing]:
    """Everything that may go on the page, the nearest of each kind first."""
    decided = (choice or {}).get("things", {})
    made = [_decided(thing, decided) for thing in _others(shown)]
    goals: list[Thing] = []
    steps: list[Thing] = []
    is_signed, unsigned = shown["signed_revision"] is not None, _unsigned(shown)
    for area, goal in _goals(shown):
        thing = _decided(_goal(goal, area), decided)
        goals.append(thing)
        for step in goal["steps"]:
            if step["text"] and step["owner_id"]:
                promise = _step(step, thing, unsigned.get(step["id"], frozenset()), is_signed)
                steps.append(_decided(promise, decided, thing))
    return [*made, *_nearest(goals), *_nearest(steps)]


def chosen(shown: Document, choice: Choice | None, asked: Asked, *, by_child: bool) -> Choice:
    """The choice with what a person asked for. Only a difference is stored, so that what nobody
    decided goes on following the rule; and only of things that are there. What was left out stays
    left out while it is gone from the project: a goal that is dropped may be taken up again."""
    before = (choice or {}).get("things", {})
    after: dict[str, Any] = {id_: entry for id_, entry in before.items() if not entry["on"]}
    for thing in things(shown, choice):
        wanted = True if thing.id in asked.on else False if thing.id in asked.off else None
        if wanted is not None and wanted != thing.is_chosen and may_turn(thing, by_child=by_child):
            after[thing.id] = {"on": wanted, "by": "child" if by_child else "adult"}
        elif thing.id in before:
            after[thing.id] = before[thing.id]
    return {"names": (asked.names or names_of(choice)).value, "things": after}


def may_turn(thing: Thing, *, by_child: bool) -> bool:
    """Whether a person may decide otherwise about it."""
    return by_child or thing.is_chosen or thing.decided_by != "child"


# --- what there is


def _goals(shown: Document) -> Iterator[tuple[str, Document]]:
    for area in shown["areas"]:
        for goal in area["goals"]:
            is_dropped = goal.get("lifecycle") in _DROPPED or goal.get("not_mine") is True
            if not is_dropped and (goal.get("child_words") or goal.get("worker_words")):
                yield area["kind"], goal


def _goal(goal: Document, area: str) -> Thing:
    return Thing(
        goal["id"],
        Kind.GOAL,
        goal["child_words"] or goal["worker_words"],
        area,
        goal["target_on"] or "",
        is_over=goal["lifecycle"] == "completed",
        # Why a child went is for few eyes, and so is what came of it.
        is_usual=area in EVERYDAY and not goal.get("reason_id"),
    )


def _step(step: Document, goal: Thing, unsigned: frozenset[str], is_signed: bool) -> Thing:
    mark = mark_of(step, unsigned if is_signed else frozenset())
    # A goal that is put on does not bring the promises of a delicate area along.
    is_usual = goal.is_usual and not step.get("reason_id") and mark is not Mark.NOT_KEPT
    return Thing(
        step["id"],
        Kind.STEP,
        step["text"],
        goal.area,
        step["due_on"] or "",
        step["owner_id"],
        mark,
        is_over=mark in (Mark.KEPT, Mark.NOT_KEPT),
        is_usual=is_usual,
    )


def mark_of(step: Document, unsigned: frozenset[str]) -> Mark:
    """The mark of a promise. `unsigned`: its fields that are not as they were agreed; none before
    anything is agreed. A promise that comes again is never over."""
    repeats = step.get("repeats")
    if repeats in (Mark.WEEKLY, Mark.MONTHLY):
        return Mark(repeats)
    if step["status"] in ("done", "not_done"):
        return Mark.KEPT if step["status"] == "done" else Mark.NOT_KEPT
    if "goal_id" in unsigned:
        return Mark.NEW
    return Mark.CHANGED if not _PROMISE.isdisjoint(unsigned) else Mark.NOT_YET


def _unsigned(shown: Document) -> Mapping[str, frozenset[str]]:
    fields: dict[str, set[str]] = {}
    for entry in shown["unsigned"]:
        fields.setdefault(entry["entity_id"], set()).add(entry["field"])
    return {id_: frozenset(names) for id_, names in fields.items()}


def _others(shown: Document) -> Iterator[Thing]:
    by = shown.get("summary_by")
    # An adult's words never stand as the child's own.
    if shown["summary"] and by is not None and by["role"] == "child":
        yield Thing(shown["id"], Kind.SUMMARY, shown["summary"], is_usual=False)
    meetings = [review for review in shown["reviews"] if review["due_on"]]
    # That there was a complaint is nobody's business.
    due = [it for it in meetings if not it["held_on"] and not it.get("about")]
    if due:
        first = min(due, key=lambda review: (review["due_on"], review["id"]))
        yield Thing(_only_id(shown, Kind.MEETING), Kind.MEETING, "", day=first["due_on"])
    drawn = [it for it in shown["agreements"] if it.get("drawing") and _is_yes(it, shown["id"])]
    if drawn:
        yield Thing(_only_id(shown, Kind.DRAWING), Kind.DRAWING, drawn[-1]["drawing"])


def _only_id(shown: Document, kind: Kind) -> str:
    """The id of a thing that is on the page once. It stays when a meeting or a drawing follows
    another: who leaves out the drawing leaves out the next one too."""
    return str(uuid5(NAMESPACE_URL, f"{shown['id']} {kind}"))


def _is_yes(agreement: Document, child_id: str) -> bool:
    return bool(agreement["decision"] == "agree" and agreement["who"]["id"] == child_id)


# --- what was decided


def _decided(thing: Thing, decided: Mapping[str, Any], goal: Thing | None = None) -> Thing:
    own = decided.get(thing.id, {})
    is_chosen = own.get("on", thing.is_usual)
    # A promise says what its goal is about: it goes when the goal goes.
    is_on = is_chosen and (goal is None or goal.is_on)
    return replace(thing, is_chosen=is_chosen, is_on=is_on, decided_by=own.get("by", ""))


# --- in which order


def _nearest(all_: list[Thing]) -> list[Thing]:
    """Those that come, by their days; then those that are over, the latest first."""
    coming = [thing for thing in all_ if not thing.is_over]
    over = [thing for thing in all_ if thing.is_over]
    return [
        *sorted(coming, key=lambda thing: thing.day or _LAST_OF_ALL),
        *sorted(over, key=lambda thing: thing.day, reverse=True),
    ]
