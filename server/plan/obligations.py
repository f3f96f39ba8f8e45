"""Turns that a life project creates: promised steps, its end, its reviews, complaints. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.plan.merge import NOTHING, Node
from server.plan.state import State, Status
from server.tasks.rules import (
    ANSWER_WITHIN,
    END_BEFORE,
    Ending,
    Kind,
    Setting,
    end_of,
    months_later,
    within_reach,
)
from server.tasks.rules import State as DueState

Thing = tuple[Kind, UUID]

# A goal that nobody works on leaves nobody with a turn.
AT_REST = frozenset({"on-hold", "completed", "cancelled", "entered-in-error", "rejected"})
_ENDED = {"done": DueState.DONE, "not_done": DueState.DROPPED}


class Held(msgspec.Struct, frozen=True):
    """An open due as it is: when, and what settled the turn before it."""

    due_at: datetime
    since_id: UUID | None


@dataclass
class Owed:
    """The dues to set, and the endings of others; one that is in both begins anew."""

    settings: list[Setting]
    endings: dict[Thing, Ending]


def owners(state: State) -> set[str]:
    """The people whose wall clocks are needed: the owners of steps, and the child."""
    named = (state.value("step", id_, "owner_id") for id_ in state.things("step"))
    return {owner for owner in named if owner is not None} | {state.child_id}


def owed(state: State, held: Mapping[Thing, Held], zones: Mapping[str, str]) -> Owed:
    """The turns that the project creates now. `zones`: of each of `owners`."""
    turns = Owed([], {})
    if state.status() is Status.CLOSED:
        return turns
    for id_ in state.things("step"):
        _step(turns, state, id_, held, zones)
    zone = zones[state.child_id]
    _ends(turns, state, zone)
    for id_ in state.things("review"):
        _review(turns, state, id_, zone)
    for id_ in state.things("complaint"):
        _complaint(turns, state, id_, zone)
    return turns


def _ends(turns: Owed, state: State, zone: str) -> None:
    ends_on = state.value("life_project", state.child_id, "ends_on")
    if ends_on is not None:
        day = within_reach(date.fromisoformat(ends_on)) - END_BEFORE
        turns.settings.append(_of_role("caseworker", Kind.END, state.child_id, day, zone))


def _review(turns: Owed, state: State, id_: str, zone: str) -> None:
    due_on, held_on = (state.value("review", id_, name) for name in ("due_on", "held_on"))
    if held_on is not None:
        by = _standing(state, "review", id_, "held_on")
        turns.endings[Kind.REVIEW, UUID(id_)] = Ending(DueState.DONE, "done", _id(by))
    elif due_on is not None:
        day = date.fromisoformat(due_on)
        turns.settings.append(_of_role(_holder(state, id_), Kind.REVIEW, id_, day, zone))


def _holder(state: State, id_: str) -> str:
    """Who holds a review: the caseworker; for one about a complaint, the role it is addressed
    to."""
    about = state.value("review", id_, "about")
    to = None if about is None else state.value("complaint", about, "to")
    return to or "caseworker"


def _complaint(turns: Owed, state: State, id_: str, zone: str) -> None:
    """It stays open until there is an answer that can be read."""
    answer = _standing(state, "complaint", id_, "answer")
    if answer is not None and (answer.value or "").strip():
        turns.endings[Kind.ANSWER, UUID(id_)] = Ending(DueState.DONE, "answered", _id(answer))
        return
    named = state.value("complaint", id_, "answer_due")
    if named is not None:
        day = date.fromisoformat(named)
    else:
        arrived = state.made["complaint", id_].received_at.astimezone(ZoneInfo(zone))
        day = arrived.date() + ANSWER_WITHIN
    to = state.value("complaint", id_, "to")
    turns.settings.append(_of_role(to, Kind.ANSWER, id_, day, zone))


def _of_role(role: str, kind: Kind, subject_id: str, day: date, zone: str) -> Setting:
    """A due for the people who have this role for the child by then."""
    return Setting(
        kind=kind,
        subject_id=UUID(subject_id),
        owner_id=None,
        owner_role=role,
        due_at=end_of(day, ZoneInfo(zone)),
        zone=zone,
    )


# --- steps


def _step(
    turns: Owed, state: State, id_: str, held: Mapping[Thing, Held], zones: Mapping[str, str]
) -> None:
    owner = _standing(state, "step", id_, "owner_id")
    due_on = state.value("step", id_, "due_on")
    if owner is None or owner.value is None or due_on is None or not _is_alive(state, id_, owner):
        return
    thing = (Kind.STEP, UUID(id_))
    zone, day = zones[owner.value], date.fromisoformat(due_on)
    status = _standing(state, "step", id_, "status")
    settled = status if status is not None and status.value in _ENDED else None
    repeats = state.value("step", id_, "repeats")
    now_held = held.get(thing)
    comes_again = repeats in ("weekly", "monthly")
    is_known = settled is not None and now_held is not None and now_held.since_id == _id(settled)
    if settled is not None and not (comes_again and is_known):
        turns.endings[thing] = Ending(_ENDED[settled.value], settled.value, UUID(settled.id))
    if comes_again:
        coming, since_id = _turn(day, zone, repeats, settled, now_held)
        if coming is None:
            return
        due_at = coming
    elif settled is None:
        due_at, since_id = end_of(day, ZoneInfo(zone)), None
    else:
        return
    role = state.owner_roles.get(owner.id, "caseworker")
    turns.settings.append(
        Setting(
            kind=Kind.STEP,
            subject_id=UUID(id_),
            owner_id=None if role == "agency" else UUID(owner.value),
            owner_role=role,
            due_at=due_at,
            zone=zone,
            since_id=since_id,
        )
    )


def _is_alive(state: State, id_: str, owner: Node) -> bool:
    """Whether people still work on it: it has words, its goal is not paused, and is still the
    child's where the step is."""
    goal = state.value("step", id_, "goal_id")
    if not (state.value("step", id_, "text") or "").strip():
        return False
    if state.value("goal", goal, "lifecycle") in AT_REST:
        return False
    return not (owner.value == state.child_id and state.value("goal", goal, "not_mine"))


def _turn(
    day: date, zone: str, repeats: str, settled: Node | None, held: Held | None
) -> tuple[datetime | None, UUID | None]:
    """The current turn of a step that repeats, and what settled the one before.

    Done late, it counts for every time that has passed; done early, for the coming time. The turn
    after it is the next one after both.
    """
    since_id = _id(settled) if settled else held.since_id if held else None
    if held is not None and held.since_id == since_id:
        # The current time stays, unless the step repeats at other times now.
        at = _next(day, ZoneInfo(zone), repeats, held.due_at - _INSTANT)
        if at == held.due_at:
            return at, since_id
        held = None
    passed = [held.due_at] if held else []
    passed += [settled.received_at] if settled else []
    return _next(day, ZoneInfo(zone), repeats, max(passed, default=None)), since_id


_INSTANT = timedelta(microseconds=1)


def _next(day: date, zone: ZoneInfo, repeats: str, after: datetime | None) -> datetime | None:
    """The first end of a day on which it repeats, after a moment. None past the last possible
    day."""
    first = within_reach(day)
    passed = 0
    if after is not None:
        days = (after.date() - first).days
        # At least so many have passed, and hardly more.
        passed = max(days // (7 if repeats == "weekly" else 31) - 1, 0)
    while (coming := _later(first, passed, repeats)) is not None:
        at = end_of(coming, zone)
        if after is None or at > after:
            return at
        passed += 1
    return None


def _later(first: date, number: int, repeats: str) -> date | None:
    """The day so many turns later; None past the last possible day."""
    months = first.year * 12 + first.month - 1 + number
    days = first.toordinal() + 7 * number
    if days > _LAST.toordinal() or months // 12 > _LAST.year:
        return None
    if repeats == "weekly":
        return date.fromordinal(days)
    return months_later(first, number)


_LAST = within_reach(date.max)


def _standing(state: State, entity: str, id_: str, name: str) -> Node | None:
    return state.fields.get((entity, id_, name), NOTHING).stands


def _id(node: Node | None) -> UUID | None:
    return UUID(node.id) if node else None
