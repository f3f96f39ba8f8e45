"""The life project in short, for the child's page: its goals, the next step of each, the next
review."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

import msgspec

from server.i18n import format_short_date, gettext
from server.people.access import Roles
from server.people.models import Child
from server.people.rules import Action, may
from server.plan.models import LifeProject
from server.plan.phrases import VALUES
from server.plan.view import Document, for_reader
from server.plan.words import AREAS

MOST = 12
# A goal that ended is in the project, not on the page that says what comes next.
_OVER = frozenset({"completed", "cancelled", "entered-in-error", "rejected"})


class Goal(msgspec.Struct, frozen=True):
    """One goal in a few lines. `step` is the next one that is open, `by` its day."""

    words: str
    area: str
    state: str
    step: str
    by: str


class Project(msgspec.Struct, frozen=True):
    """What the page shows; `more` goals are only in the project itself."""

    goals: Sequence[Goal] = ()
    more: int = 0
    review: str = ""


async def project_of(child: Child, person_id: UUID, roles: Roles, language: str) -> Project:
    """The project as far as this reader may see it."""
    stored = await LifeProject.get_or_none(child_id=child.id)
    if stored is None or stored.shown is None or not may(roles, Action.PROJECT_SEE):
        return Project()
    codes = frozenset(role.value for role in roles)
    shown = for_reader(stored.shown, str(person_id), codes)
    goals = [*_goals(shown, language)]
    return Project(goals[:MOST], max(len(goals) - MOST, 0), _next_review(shown, language))


def _goals(shown: Document, language: str) -> Iterator[Goal]:
    for area in shown["areas"]:
        name = area.get("name") or gettext(language, AREAS[area["kind"]])
        for goal in area["goals"]:
            words = goal.get("child_words") or goal.get("worker_words")
            if words and goal.get("lifecycle") not in _OVER:
                yield _goal(goal, words, name, language)


def _goal(goal: Document, words: str, area: str, language: str) -> Goal:
    state = VALUES["goal.lifecycle"].get(goal.get("lifecycle") or "", "")
    steps = [step for step in goal["steps"] if step["status"] in (None, "open") and step["text"]]
    # A step without a day comes after those that have one.
    step = min(steps, key=lambda step: step["due_on"] or "9999", default=None)
    return Goal(
        words,
        area,
        gettext(language, state) if state else "",
        step["text"] if step else "",
        _day(step["due_on"], language) if step else "",
    )


def _next_review(shown: Document, language: str) -> str:
    days = [review["due_on"] for review in shown["reviews"] if review["held_on"] is None]
    return _day(min((day for day in days if day), default=None), language)


def _day(text: str | None, language: str) -> str:
    return format_short_date(language, date.fromisoformat(text)) if text else ""
