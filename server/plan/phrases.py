"""Changes of a life project in words, as the app calls things; the sentences are the app's own."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from server.i18n import N_, format_short_date, gettext
from server.plan import shape
from server.plan.state import State
from server.plan.words import AREAS

THINGS: Mapping[str, str] = {
    "life_project": N_("About this path"),
    "area": N_("An area"),
    "goal": N_("A goal"),
    "step": N_("A step"),
    "message": N_("A message"),
    "agreement": N_("An agreement"),
    "choice": N_("A choice between two versions"),
    "review": N_("A meeting"),
    "house": N_("Something in the three houses"),
    "complaint": N_("A complaint"),
}
FIELDS: Mapping[str, str] = {
    "life_project.summary": N_("In my own words"),
    "life_project.situation": N_("How things are here"),
    "life_project.plan_b": N_("If that doesn't work out"),
    "life_project.ends_on": N_("End of the plan"),
    "life_project.option": N_("Where home will be"),
    "life_project.countries": N_("Countries"),
    "life_project.closing": N_("How it ended"),
    "area.importance": N_("How important"),
    "area.now": N_("How it is now"),
    "area.name": N_("Name"),
    "area.kind": N_("What it is about"),
    "goal.child_words": N_("In the child’s own words"),  # noqa: RUF001 - as the app has it
    "goal.worker_words": N_("In the caseworker's words"),
    "goal.why": N_("Why it matters"),
    "goal.success_sign": N_("How we'll know it worked"),
    "goal.target_on": N_("Due date"),
    "goal.lifecycle": N_("Where we are with this"),
    "goal.achievement": N_("How it is going"),
    "goal.barriers": N_("What could get in the way"),
    "goal.not_mine": N_("Not my goal any more"),
    "step.text": N_("The step"),
    "step.owner_id": N_("Who does it"),
    "step.due_on": N_("Due date"),
    "step.status": N_("Done or not"),
    "step.reason": N_("Why it wasn't done"),
    "step.repeats": N_("How often"),
    "message.text": N_("A message"),
    "message.advocate_id": N_("For the advocate"),
    "message.is_private": N_("For the advocate alone"),
    "agreement.decision": N_("What was decided"),
    "agreement.comment": N_("A comment"),
    "review.kind": N_("Why you meet"),
    "review.due_on": N_("When you meet"),
    "review.held_on": N_("When you met"),
    "review.next_on": N_("Next meeting"),
    "review.how_heard": N_("How the child had a say"),
    "review.kept_out": N_("Who should stay away"),
    "review.outcomes": N_("What you decided"),
    "review.rating": N_("How the meeting was for the child"),
    "complaint.text": N_("What was not right"),
    "complaint.to": N_("Who it is for"),
    "complaint.answer": N_("The answer"),
    "complaint.answer_due": N_("Due date"),
}
DECISIONS: Mapping[str, str] = {
    "agree": N_("I agree"),
    "in_part": N_("I agree with some of it"),
    "disagree": N_("I don't agree"),
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "life_project.option": {
        "stay": N_("Staying here"),
        "reunify": N_("Living with family"),
        "return": N_("Going back"),
        "relocate": N_("Going to another country"),
        "undecided": N_("Not clear yet"),
    },
    "area.kind": AREAS,
    "goal.lifecycle": {
        "proposed": N_("It's an idea"),
        "active": N_("We're working on it"),
        "on-hold": N_("On hold"),
        "completed": N_("Reached"),
        "cancelled": N_("Dropped"),
        "planned": N_("Planned"),
        "accepted": N_("You both want it"),
        "rejected": N_("Not accepted"),
        "entered-in-error": N_("Written by mistake"),
    },
    "goal.achievement": {
        "in-progress": N_("It has started"),
        "improving": N_("Better"),
        "no-change": N_("The same"),
        "worsening": N_("Worse"),
        "achieved": N_("It worked"),
        "sustaining": N_("It worked, and it still does"),
        "not-achieved": N_("It didn't work this time"),
        "no-progress": N_("No progress yet"),
        "not-attainable": N_("It can't be done"),
    },
    "step.status": {"open": N_("Still open"), "done": N_("Done"), "not_done": N_("Not done")},
    "agreement.decision": DECISIONS,
    "review.kind": {
        "routine": N_("We look back together"),
        "planned": N_("We look back together"),
        "return": N_("After coming back"),
        "transfer": N_("Because of a move"),
        "decision": N_("Because of a decision"),
        "turning_17_half": N_("Before turning 18"),
        "complaint": N_("Because something wasn't right"),
        "new_worker": N_("With the new caseworker"),
    },
    "complaint.to": {"supervisor": N_("supervisor"), "guardian": N_("guardian")},
}
# Fields that tell a reader what a thing is about: the first one that is there.
_NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "goal": ("child_words", "worker_words"),
    "step": ("text",),
    "area": ("name", "kind"),
    "review": ("kind",),
}


def thing_in_words(entity: str, language: str) -> str:
    """ "A goal"."""
    return gettext(language, THINGS.get(entity, N_("Something else")))


def about_in_words(state: State, entity: str, entity_id: str, language: str) -> str:
    """What the thing is about now: "I want to be a nurse"; empty where no field tells."""
    for name in _NAMED_BY.get(entity, ()):
        value = state.value(entity, entity_id, name)
        if isinstance(value, str) and value.strip():
            return value_in_words(entity, name, value, {}, language)
    return ""


def in_words(
    change: Mapping[str, Any], people: Mapping[str, Mapping[str, Any]], language: str
) -> list[tuple[str, str]]:
    """The contents of a change, field by field: (name of the field, the value in words).

    It may be any JSON, since nothing has checked yet whether it fits.
    """
    entity, field, value = change["entity"], change["field"], change["value"]
    if entity == "choice" and isinstance(value, Mapping):
        entity, field, value = value.get("entity"), value.get("field"), value.get("value")
    given = value.items() if field == shape.MAKING and isinstance(value, Mapping) else ()
    parts = [(name, content) for name, content in given if f"{entity}.{name}" in FIELDS]
    if field != shape.MAKING:
        parts = [(field, value)]
    return [
        (
            gettext(language, FIELDS.get(f"{entity}.{name}", N_("Something else"))),
            value_in_words(str(entity), str(name), content, people, language),
        )
        for name, content in parts
        if content is not None or field != shape.MAKING
    ]


def value_in_words(
    entity: str,
    field: str,
    value: Any,
    people: Mapping[str, Mapping[str, Any]],
    language: str,
) -> str:
    """One value as people read it."""
    if value is None or value == "":
        return gettext(language, N_("Nothing"))
    if isinstance(value, bool):
        return gettext(language, N_("Yes") if value else N_("No"))
    if isinstance(value, list):
        return gettext(language, N_(", ")).join(str(entry) for entry in value)
    if not isinstance(value, str):
        return str(value)
    if field == "owner_id":
        person = people.get(value)
        return str(person["name"]) if person else gettext(language, N_("Someone else"))
    word = VALUES.get(f"{entity}.{field}", {}).get(value)
    if word is not None:
        return gettext(language, word)
    if field.endswith("_on") or field == "answer_due":
        try:
            return format_short_date(language, date.fromisoformat(value))
        except ValueError:
            return value
    return value
