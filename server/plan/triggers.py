"""Events that call for a review of the life project, and by when. Pure.

Such a review is an ordinary one: it has a kind and a day, both phones show it, both sides are
reminded, and either may choose another day. One open review of a kind is enough: an event that
happens again meanwhile is talked about at the same table.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from server.plan import shape
from server.plan.merge import NOTHING, Field
from server.plan.state import State, Status
from server.tasks.rules import ANSWER_WITHIN, months_later


class Trigger(StrEnum):
    """The kinds of reviews that events call for: names of shape.REVIEWS."""

    NEW_WORKER = "new_worker"
    TRANSFER = "transfer"
    RETURN = "return"
    COMPLAINT = "complaint"
    TURNING_17_HALF = "turning_17_half"


# By when, counted from the day of the event. Source of the first: clock 13 of the workflow after a
# return (docs/reference/practice.md). The same sources ask for a handover and a look at the plan
# after a change of worker and a move, and name no number. So a week, since children go missing in
# both times.
WITHIN: Mapping[Trigger, timedelta] = {
    Trigger.RETURN: timedelta(days=7),
    Trigger.NEW_WORKER: timedelta(days=7),
    Trigger.TRANSFER: timedelta(days=7),
    # A week after the answer was due: both look together whether it was an answer.
    Trigger.COMPLAINT: 2 * ANSWER_WITHIN,
    # Where half a year before 18 has passed when we hear of the birthday.
    Trigger.TURNING_17_HALF: timedelta(days=7),
}
_MONTHS_AT_17_HALF = 17 * 12 + 6
_MONTHS_AT_18 = 18 * 12


class Utterance(msgspec.Struct, frozen=True):
    """Something to be said in a project, without an id and a moment yet."""

    entity: str
    entity_id: str
    field: str
    base: str | None
    value: Any


def review(state: State, kind: Trigger, today: date, new_id: str) -> Utterance | None:
    """The review that this calls for; None where one of its kind is open, or the project is
    closed."""
    if _is_over(state) or _open(state, kind) is not None:
        return None
    return _making(new_id, kind, today + WITHIN[kind])


def about_complaint(state: State, complaint_id: str, today: date, new_id: str) -> Utterance | None:
    """The review that a complaint calls for. Like the complaint it is only for the role it is
    addressed to, so an open one for the supervisor does not replace one for the guardian."""
    to = state.value("complaint", complaint_id, "to")
    if _is_over(state) or _open(state, Trigger.COMPLAINT, to) is not None:
        return None
    day = today + WITHIN[Trigger.COMPLAINT]
    return _making(new_id, Trigger.COMPLAINT, day, about=complaint_id)


def turning_17_half(
    state: State, born_on: date | None, today: date, new_id: str, *, is_chosen: bool
) -> Utterance | None:
    """The change about the review half a year before 18, after a change of the birthday.

    `is_chosen`: a person has chosen the current day, and keeps it.
    """
    if _is_over(state):
        return None
    day = _day_at_17_half(born_on, today)
    review_id = _open(state, Trigger.TURNING_17_HALF)
    if review_id is None:
        if (
            day is None
            or born_on is None
            or _was_held(state, months_later(born_on, _MONTHS_AT_17_HALF))
        ):
            return None
        return _making(new_id, Trigger.TURNING_17_HALF, day)
    at, wanted = _due_on(state, review_id), None if day is None else day.isoformat()
    if is_chosen or at.is_open or at.value == wanted:
        return None
    return Utterance("review", review_id, "due_on", at.stands.id if at.stands else None, wanted)


def day_of_17_half(state: State) -> str | None:
    """The change that sets the day of the review half a year before 18, where one is open."""
    review_id = _open(state, Trigger.TURNING_17_HALF)
    stands = _due_on(state, review_id).stands if review_id is not None else None
    return stands.id if stands else None


def _due_on(state: State, review_id: str) -> Field:
    return state.fields.get(("review", review_id, "due_on"), NOTHING)


def _day_at_17_half(born_on: date | None, today: date) -> date | None:
    """The day; a near one where it has passed; None for a person of age, or of unknown age."""
    if born_on is None or today >= months_later(born_on, _MONTHS_AT_18):
        return None
    day = months_later(born_on, _MONTHS_AT_17_HALF)
    if day > today:
        return day
    last = months_later(born_on, _MONTHS_AT_18) - timedelta(days=1)
    return min(today + WITHIN[Trigger.TURNING_17_HALF], last)


def _is_over(state: State) -> bool:
    return state.status() is Status.CLOSED


def _making(id_: str, kind: Trigger, day: date, about: str | None = None) -> Utterance:
    value = {"kind": kind.value, "due_on": day.isoformat()}
    if about is not None:
        value["about"] = about
    return Utterance("review", id_, shape.MAKING, None, value)


def _open(state: State, kind: Trigger, to: str | None = None) -> str | None:
    """The open review of this kind; of complaints, that for the same people."""
    for id_ in state.things("review"):
        is_of_kind = state.value("review", id_, "kind") == kind
        if is_of_kind and state.value("review", id_, "held_on") is None and _to(state, id_) == to:
            return id_
    return None


def _to(state: State, review_id: str) -> str | None:
    about = state.value("review", review_id, "about")
    return None if about is None else state.value("complaint", about, "to")


def _was_held(state: State, day: date) -> bool:
    """Whether the talk half a year before 18 was held, not long before its day or after it."""
    helds = [
        state.value("review", id_, "held_on")
        for id_ in state.things("review")
        if state.value("review", id_, "kind") == Trigger.TURNING_17_HALF
    ]
    return any(held and date.fromisoformat(held) >= day - _NOT_LONG for held in helds)


_NOT_LONG = timedelta(days=60)
