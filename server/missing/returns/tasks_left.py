"""What of a return is still to do, and what is done: its tasks, by the entries about them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.i18n import N_, format_list, gettext
from server.missing.returns import interview_actions
from server.missing.search.entry_kinds import RETURN, Act
from server.missing.search.view import Running, Told, View
from server.people.access import Roles
from server.people.rules import Action, Role, may
from server.people.words import ROLES
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.tasks.turns import WORDS
from server.tasks.ways import way_for


class Left(msgspec.Struct, frozen=True):
    """A task that is open. `waits`: the last line that says why it was not possible yet;
    `next_at`: when we remind the people who have it."""

    word: str
    due_at: datetime
    is_over: bool
    owners: str
    href: str | None
    label: str
    later: str | None
    waits: Told | None
    next_at: datetime | None


class Done(msgspec.Struct, frozen=True):
    """A task that is done: when, and by which person, as far as a line says it."""

    word: str
    at: datetime
    who: str | None


LABELS = {
    Kind.PACK_UPDATE: N_("Open the grab pack"),
    Kind.PLAN_REVIEW: N_("Open the project"),
    Kind.RETURN_INTERVIEW: N_("Begin the interview"),
}


async def left_of(seen: View, roles: Roles, language: str) -> list[Left]:
    """The open tasks, the most urgent first."""
    episode, works = seen.episode, may(roles, Action.EPISODE_WORK)
    rows = await Task.filter(subject_id=episode.id, state=State.OPEN)
    next_by_kind = {row.kind: row.next_action_at for row in rows}
    is_begun = await interview_actions.latest(episode.id) is not None
    later = f"/desk/episodes/{episode.id}/enter/{Act.NOT_POSSIBLE}?task="
    return [
        Left(
            gettext(language, WORDS[clock.what]),
            clock.due_at,
            clock.is_over,
            _owners(clock, language),
            way_for(roles, clock.what, episode.child_id, subject_id=episode.id),
            gettext(language, _label(clock.what, is_begun=is_begun)),
            f"{later}{clock.what}" if works else None,
            _waits(seen.timeline, clock.what),
            next_by_kind.get(clock.what),
        )
        for clock in seen.clocks
    ]


def _label(kind: Kind, *, is_begun: bool) -> str:
    if kind is Kind.RETURN_INTERVIEW and is_begun:
        return N_("Continue the interview")
    return LABELS.get(kind, N_("Do it now"))


def _owners(clock: Running, language: str) -> str:
    names = format_list(language, [person.name for person in clock.people])
    return names or gettext(language, ROLES[Role(clock.role)])


def _waits(timeline: Sequence[Told], kind: Kind) -> Told | None:
    lines = [
        line
        for line in timeline
        if line.what == Act.NOT_POSSIBLE and line.details.get("task") == kind
    ]
    return lines[-1] if lines else None


async def done_of(seen: View, language: str) -> list[Done]:
    """The tasks that are done, the first first. One that was set again counts once it is over."""
    rows = await Task.filter(
        subject_id=seen.episode.id, kind__in=list(RETURN), state__in=[State.OPEN, State.DONE]
    ).order_by("turn")
    last = {row.kind: row for row in rows}
    who = {line.id: line.who.name for line in seen.timeline}
    done = [row for row in last.values() if row.state == State.DONE]
    return [
        Done(gettext(language, WORDS[Kind(row.kind)]), at, _by(row.settled_by, who))
        for row in sorted(done, key=lambda row: (row.settled_at, row.kind))
        if (at := row.settled_at) is not None
    ]


def _by(line_id: UUID | None, who: dict[UUID, str | None]) -> str | None:
    return who.get(line_id) if line_id is not None else None
