"""Whose turn it is, for those who may see it, and in words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from server.i18n import N_, gettext, ngettext
from server.people.models import Child, Person
from server.tasks.actions import open_tasks
from server.tasks.models import Task
from server.tasks.reach import reach_of
from server.tasks.rules import NEVER_RESTS, Kind, State, may_see, whose_turn

Turns = Mapping[UUID, frozenset[UUID]]  # Whose turn it is, by task.

WORDS: Mapping[Kind, str] = {
    Kind.STEP: N_("A promised step"),
    Kind.REPLY: N_("An answer to a message"),
    Kind.END: N_("Decide how the life project continues"),
    Kind.REVIEW: N_("A review"),
    Kind.ANSWER: N_("An answer to a complaint"),
    Kind.RHYTHM: N_("An answer about the check-in times"),
    Kind.DECISION: N_("Decide: tell the police?"),
    Kind.REPORT: N_("Tell the police and others who must know"),
    Kind.KEEP_TRYING: N_("Try to reach the child again"),
    Kind.BRING_BACK: N_("Bring the child to a safe place"),
    Kind.STRATEGY_24H: N_("Talk to the police after 24 hours"),
    Kind.STRATEGY_72H: N_("Review meeting, 72 hours"),
    Kind.STRATEGY_7D: N_("Review meeting, 7 days"),
    Kind.STRATEGY_14D: N_("Review meeting, 14 days"),
    Kind.STRATEGY_28D: N_("Review meeting, 28 days"),
    Kind.STRATEGY_3M: N_("Review the search after 3 months"),
    Kind.STRATEGY_3IN30: N_("Review meeting: missing three times in 30 days"),
    Kind.TELL_FOUND: N_("Tell the police that the child is found"),
    Kind.SAFE_AND_WELL: N_("Check that the child is safe and well"),
    Kind.MEDICAL: N_("Check if a doctor is needed"),
    Kind.RETURN_INTERVIEW: N_("Offer the return interview"),
    Kind.RESCREEN: N_("Check again for signs of trafficking"),
    Kind.PHONE_CHECK: N_("Check the phone together"),
    Kind.PACK_UPDATE: N_("Update the grab pack"),
    Kind.PLAN_REVIEW: N_("Review the life project together"),
    Kind.HANDOVER: N_("Write the search handover"),
    Kind.HANDOVER_READ: N_("Read the search handover"),
    Kind.PACK: N_("Check the grab pack"),
    Kind.TRANSFER: N_("Ask the other agency for its answer"),
}
_TO_THE_MINUTE = frozenset({Kind.REPLY, Kind.RHYTHM}) | NEVER_RESTS
# A day ends at midnight, which readers take for the next day.
_STILL_THAT_DAY = timedelta(minutes=1)


def until(kind: Kind, due_at: datetime) -> datetime:
    """The moment to show as its deadline: still on its last day, for a task that has a day."""
    return due_at if kind in _TO_THE_MINUTE else due_at - _STILL_THAT_DAY


@dataclass(frozen=True, slots=True)
class Line:
    """One task as a line: what, until when, whose turn."""

    word: str
    until: datetime
    is_over: bool
    names: tuple[str, ...]


async def turns_of(tasks: Sequence[Task], now: datetime) -> Turns:
    """Whose turn each of these is."""
    reach = await reach_of(tasks, now)
    return {task.id: whose_turn(task.slice(), task.terms(), reach[task.id]) for task in tasks}


async def seen_by(
    child: Child, person_id: UUID, roles: frozenset[str], now: datetime
) -> tuple[list[Task], Turns]:
    """What is open about a child, as far as the person may see it: their own, and what their roles
    show them."""
    tasks = await open_tasks(child.id)
    turns = await turns_of(tasks, now)
    seen = [
        task
        for task in tasks
        if may_see(Kind(task.kind), roles, task.owner_role) or person_id in turns[task.id]
    ]
    return seen, turns


async def lines(
    child: Child, person_id: UUID, roles: frozenset[str], language: str, now: datetime
) -> list[Line]:
    """Whose turn it is, in words."""
    seen, turns = await seen_by(child, person_id, roles, now)
    ids = frozenset[UUID]().union(*(turns[task.id] for task in seen))
    names = {person.id: person.name for person in await Person.filter(id__in=list(ids))}
    return [
        Line(
            gettext(language, WORDS[Kind(task.kind)]),
            until(Kind(task.kind), task.due_at),
            task.slice().is_over(now),
            tuple(sorted(names[id_] for id_ in turns[task.id])),
        )
        for task in seen
    ]


async def overdue(
    children: Collection[UUID], person_id: UUID, now: datetime
) -> Mapping[UUID, list[Task]]:
    """This person's turns that are late, by child, the oldest first."""
    late = Task.filter(child_id__in=list(children), state=State.OPEN, due_at__lte=now)
    tasks = await late.order_by("due_at", "id")
    if not tasks:
        return {}
    turns = await turns_of(tasks, now)
    by_child: dict[UUID, list[Task]] = {}
    for task in tasks:
        if person_id in turns[task.id]:
            by_child.setdefault(task.child_id, []).append(task)
    return by_child


def in_short(kinds: Sequence[Kind], language: str) -> str:
    """ "1 promise is late, 2 answers are late"; empty without any."""
    if not kinds:
        return ""
    promises = sum(kind is Kind.STEP for kind in kinds)
    answers = sum(kind in (Kind.REPLY, Kind.ANSWER, Kind.RHYTHM) for kind in kinds)
    looks = len(kinds) - promises - answers
    parts = (
        (promises, ngettext(language, "{n} promise is late", "{n} promises are late", promises)),
        (answers, ngettext(language, "{n} answer is late", "{n} answers are late", answers)),
        (looks, ngettext(language, "{n} meeting is late", "{n} meetings are late", looks)),
    )
    return gettext(language, N_(", ")).join(words for n, words in parts if n)
