"""What is still to do about a child, as one line of the board that links to where it is done."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, gettext, ngettext
from server.people.rules import Action, Role, may
from server.tasks.late_words import in_short
from server.tasks.models import Task
from server.tasks.rules import OF_A_RETURN, OF_AN_EPISODE, Kind, State
from server.tasks.turns import WORDS, overdue
from server.tasks.ways import way_for
from server.watch.wording import when

Roles = frozenset[Role]
_ORDER = {kind: turn for turn, kind in enumerate(Kind)}


class Link(msgspec.Struct, frozen=True):
    """Words, and where they lead; `more` comes after the link, and leads to `all_of` them."""

    text: str
    href: str | None
    more: str = ""
    all_of: str | None = None


async def returns_of(
    roles: Mapping[UUID, Roles], language: str, zone: ZoneInfo, *, now: datetime
) -> dict[UUID, Link]:
    """The next task of the return of each of these children, and how many more there are."""
    ids = [id_ for id_, held in roles.items() if may(held - {Role.CALLED}, Action.EPISODE_SEE)]
    kinds = [kind.value for kind in OF_A_RETURN]
    rows = Task.filter(child_id__in=ids, state=State.OPEN, kind__in=kinds)
    tasks: dict[UUID, list[Task]] = {}
    # Due at the same time: in the order in which they are done.
    for task in sorted(
        await rows, key=lambda task: (task.due_at, _ORDER[Kind(task.kind)], task.id)
    ):
        tasks.setdefault(task.child_id, []).append(task)
    return {
        child: _next(some, roles[child], language, zone, now=now) for child, some in tasks.items()
    }


def _in_words(task: Task, language: str, zone: ZoneInfo, now: datetime) -> str:
    is_late = task.slice().is_over(now)
    sentence = N_("{task} (was due {time})") if is_late else N_("{task}, by {time}")
    return gettext(
        language,
        sentence,
        task=gettext(language, WORDS[Kind(task.kind)]),
        time=when(language, task.due_at, zone, now),
    )


def _next(tasks: list[Task], roles: Roles, language: str, zone: ZoneInfo, *, now: datetime) -> Link:
    task, rest = tasks[0], len(tasks) - 1
    more = ngettext(language, "and {n} more task", "and {n} more tasks", rest) if rest else ""
    way = way_for(roles, Kind(task.kind), task.child_id, subject_id=task.subject_id)
    search = _page_of_search(tasks)
    return Link(_in_words(task, language, zone, now), way or search, more, search)


def _page_of_search(tasks: list[Task]) -> str | None:
    """The page with all that is still to do after a search; the plan review is no part of it."""
    searches = (task.subject_id for task in tasks if Kind(task.kind) in OF_AN_EPISODE)
    return next((f"/desk/episodes/{id_}" for id_ in searches), None)


async def owed_of(
    roles: Mapping[UUID, Roles], me: UUID, language: str, zone: ZoneInfo, *, now: datetime
) -> dict[UUID, Link]:
    """What else is overdue and this reader's turn: to the page where it is done, or of several
    tasks to the list of them."""
    late = {
        child: [task for task in tasks if Kind(task.kind) not in OF_A_RETURN]
        for child, tasks in (await overdue(roles, me, now)).items()
    }
    return {
        child: Link(_sum(tasks, language, zone, now), _way_to_all(tasks, roles[child]))
        for child, tasks in late.items()
        if tasks
    }


def _sum(tasks: list[Task], language: str, zone: ZoneInfo, now: datetime) -> str:
    # One clock of a search says what it is; the rest is counted.
    if len(tasks) == 1 and Kind(tasks[0].kind) in OF_AN_EPISODE:
        return _in_words(tasks[0], language, zone, now)
    return in_short([Kind(task.kind) for task in tasks], language)


def _way_to_all(tasks: list[Task], roles: Roles) -> str | None:
    child_id = tasks[0].child_id
    if len(tasks) == 1:
        kind = Kind(tasks[0].kind)
        if href := way_for(roles, kind, child_id, subject_id=tasks[0].subject_id):
            return href
    search = _page_of_search(tasks)
    is_of_search = all(Kind(task.kind) in OF_AN_EPISODE for task in tasks)
    if search and is_of_search and may(roles, Action.EPISODE_SEE):
        return search  # Also for those who were called, who read no history.
    return f"/desk/children/{child_id}#whose-turn" if may(roles, Action.HISTORY_SEE) else None
