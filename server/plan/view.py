"""The life project for its readers: one document, and the part of it that each may see. Pure.

The document has ids and roles, no names: those are filled in for each reader.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from server.checkin.words import as_text
from server.plan import shape
from server.plan.merge import NOTHING
from server.plan.state import Row, State, Status

Document = dict[str, Any]

_PROJECT = ("summary", "situation", "ends_on", "countries", "option", "plan_b", "closing")


def document(state: State) -> Document:
    """The whole document."""
    return {
        "id": state.child_id,
        "status": state.status().value,
        "revision": state.revision,
        "signed_revision": state.signed_revision,
        **{name: state.value("life_project", state.child_id, name) for name in _PROJECT},
        "summary_by": _said_by(state, "summary"),
        "areas": [_area(state, id_) for id_ in state.things("area")],
        "agreements": [_agreement(row) for row in state.agreements],
        "reviews": _all(state, "review"),
        "houses": _all(state, "house"),
        "complaints": _all(state, "complaint"),
        "differences": _differences(state),
        "unsigned": [
            {"entity": entity, "entity_id": id_, "field": field}
            for entity, id_, field in sorted(state.unsigned())
        ],
    }


def _said_by(state: State, name: str) -> Document | None:
    """Who said what stands in a field of the project: it may not be the child."""
    stands = state.fields.get(("life_project", state.child_id, name), NOTHING).stands
    return None if stands is None else {"id": stands.who, "role": stands.role}


def _thing(state: State, entity: str, id_: str) -> Document:
    made = state.made[entity, id_]
    fields = {name: state.value(entity, id_, name) for name in shape.FIELDS[entity]}
    return {"id": id_, **fields, "by": _who(made), "made_at": as_text(made.received_at)}


def _all(state: State, entity: str) -> list[Document]:
    return [_thing(state, entity, id_) for id_ in state.things(entity)]


def _area(state: State, id_: str) -> Document:
    goals = [goal for goal in state.things("goal") if state.value("goal", goal, "area_id") == id_]
    return _thing(state, "area", id_) | {"goals": [_goal(state, goal) for goal in goals]}


def _goal(state: State, id_: str) -> Document:
    steps = [step for step in state.things("step") if state.value("step", step, "goal_id") == id_]
    goal = _thing(state, "goal", id_)
    return goal | {
        "proposed_by": goal["by"],
        "steps": [_thing(state, "step", step) for step in steps],
    }


def _agreement(row: Row) -> Document:
    return {
        "id": row.entity_id,
        "who": _who(row),
        "received_at": as_text(row.received_at),
        **{name: row.value.get(name) for name in shape.FIELDS["agreement"]},
    }


def _differences(state: State) -> list[Document]:
    return [
        {
            "entity": entity,
            "entity_id": id_,
            "field": name,
            "agreed_value": field.value,
            "values": [
                {
                    "change": side.id,
                    "who": {"id": side.who, "role": side.role},
                    "value": side.value,
                    "said_at": as_text(side.said_at),
                }
                for side in field.sides
            ],
        }
        for (entity, id_, name), field in sorted(state.open_fields(), key=lambda pair: pair[0])
    ]


def _who(row: Row) -> Document:
    return {"id": row.who, "role": row.role}


def status_on(shown: Document, today: date) -> str:
    """The status on a day. A project cannot lapse silently: past its end, or with a review that is
    due, it is under review until a person decides how it goes on."""
    if shown["signed_revision"] is None or shown["status"] == Status.CLOSED:
        return str(shown["status"])
    ends_on = shown["ends_on"]
    is_over = ends_on is not None and date.fromisoformat(ends_on) < today
    is_due = any(
        review["due_on"] is not None
        and review["held_on"] is None
        and date.fromisoformat(review["due_on"]) <= today
        for review in shown["reviews"]
    )
    return Status.UNDER_REVIEW.value if is_over or is_due else str(shown["status"])


def hidden_from(shown: Document, person_id: str, roles: frozenset[str]) -> set[str]:
    """The ids of what a person may not see. A house is its author's until the author shows it. Only
    its author and the role it is addressed to see a complaint, and the review that it called
    for."""
    houses = (house for house in shown["houses"] if house["is_shown"] is not True)
    complaints = (complaint for complaint in shown["complaints"] if complaint["to"] not in roles)
    hidden = {entry["id"] for entry in (*houses, *complaints) if entry["by"]["id"] != person_id}
    # Older folded states have no such field in their reviews.
    return hidden | {review["id"] for review in shown["reviews"] if review.get("about") in hidden}


def for_reader(shown: Document, person_id: str, roles: frozenset[str]) -> Document:
    """What a person may see of it; a carer sees their own promises and the next dates."""
    hidden = hidden_from(shown, person_id, roles)
    seen = shown | {
        "reviews": [review for review in shown["reviews"] if review["id"] not in hidden],
        "houses": [house for house in shown["houses"] if house["id"] not in hidden],
        "complaints": [
            complaint for complaint in shown["complaints"] if complaint["id"] not in hidden
        ],
        "differences": [
            difference
            for difference in shown["differences"]
            if difference["entity_id"] not in hidden
        ],
        "unsigned": [field for field in shown["unsigned"] if field["entity_id"] not in hidden],
    }
    return _for_carer(seen, person_id) if roles <= {"carer"} else seen


def _for_carer(shown: Document, person_id: str) -> Document:
    areas = []
    for area in shown["areas"]:
        goals = []
        for goal in area["goals"]:
            steps = [step for step in goal["steps"] if step["owner_id"] == person_id]
            if steps:
                goals.append({"id": goal["id"], "area_id": area["id"], "steps": steps})
        if goals:
            areas.append({"id": area["id"], "kind": area["kind"], "goals": goals})
    mine = {step["id"] for area in areas for goal in area["goals"] for step in goal["steps"]}
    dates = ("id", "kind", "due_on", "held_on", "next_on")
    kept = ("id", "status", "revision", "signed_revision", "ends_on")
    return {
        **{name: shown[name] for name in kept},
        "areas": areas,
        "agreements": [],
        "reviews": [{name: review[name] for name in dates} for review in shown["reviews"]],
        "houses": [],
        "complaints": [],
        "differences": [
            difference for difference in shown["differences"] if difference["entity_id"] in mine
        ],
        "unsigned": [],
    }


def named(shown: Document, people: Mapping[str, Document]) -> Document:
    """The same with the people in it by name, as far as the reader may know them."""
    for area in shown["areas"]:
        for goal in area["goals"]:
            for step in goal["steps"]:
                step["owner"] = people.get(step["owner_id"])
    for agreement in shown["agreements"]:
        agreement["who"] = people.get(agreement["who"]["id"], agreement["who"])
        # The speaker, where a person wrote down another's words.
        agreement["of"] = people.get(agreement.get("of_id"))
    return shown
