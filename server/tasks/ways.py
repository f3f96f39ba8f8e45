"""Where each task is done: from its kind to a page, and the right that the page asks for. Pure.

A page asks for the right again by itself: the right here decides only who is shown the link.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec

from server.people.rules import Action, Role, may
from server.tasks.rules import OF_AN_EPISODE, STRATEGY, Kind


class Way(msgspec.Struct, frozen=True):
    """A page, with `{child}` and `{subject}` in its path, and what its readers must be allowed."""

    path: str
    needs: Action


_CHILD, _EPISODE = "/desk/children/{child}", "/desk/episodes/{subject}"


def _project(place: str) -> Way:
    """A place in the life project, after the `#`: no server sees that."""
    return Way(f"{_CHILD}/project#{place}", Action.PROJECT_SEE)


def _entry(act: str) -> Way:
    """The form of one entry into a search."""
    return Way(f"{_EPISODE}/enter/{act}", Action.EPISODE_WORK)


WAYS: Mapping[Kind, Way] = {
    Kind.STEP: _project("step={subject}"),
    Kind.REPLY: _project("talk"),
    Kind.END: _project("plan"),
    Kind.REVIEW: _project("review"),
    Kind.ANSWER: _project("complaint={subject}"),
    Kind.RHYTHM: Way(f"{_CHILD}/rhythm", Action.RHYTHM_AGREE),
    Kind.ABSENCE: Way(f"{_CHILD}/absences/{{subject}}", Action.PAUSE),
    Kind.QUESTION: Way(f"{_CHILD}/questions/{{subject}}", Action.RECORD_ANSWER),
    Kind.DECISION: _entry("decision"),
    Kind.REPORT: _entry("report?to=police"),
    Kind.KEEP_TRYING: _entry("attempt"),
    # They are at a safe place once a person has seen them there.
    Kind.BRING_BACK: Way(f"{_EPISODE}/found", Action.EPISODE_FOUND),
    **dict.fromkeys(STRATEGY, _entry("strategy")),
    Kind.TELL_FOUND: _entry("report?to=police"),
    Kind.SAFE_AND_WELL: _entry("safe_and_well"),
    Kind.MEDICAL: _entry("medical"),
    Kind.RETURN_INTERVIEW: Way(f"{_EPISODE}/interview", Action.EPISODE_WORK),
    Kind.RESCREEN: _entry("rescreen"),
    Kind.PHONE_CHECK: _entry("phone_check"),
    # Saying there that the pack is right ends the task.
    Kind.PACK_UPDATE: Way(f"{_CHILD}/pack", Action.PACK_CHANGE),
    Kind.PLAN_REVIEW: _project("review"),
    Kind.HANDOVER: Way("/desk/handovers/{subject}", Action.EPISODE_WORK),
    Kind.HANDOVER_READ: Way("/desk/handovers/{subject}", Action.EPISODE_WORK),
    Kind.PACK: Way(f"{_CHILD}/pack", Action.PACK_CHANGE),
    Kind.ADVOCATE_WISH: Way(f"{_CHILD}/advocate", Action.ADVOCATE_INVITE),
    Kind.ADVOCATE_ENDS: Way(f"{_CHILD}/advocate", Action.ADVOCATE_INVITE),
    Kind.TRANSFER: Way("/desk/transfers/{subject}", Action.PLACEMENT_CHANGE),
    Kind.AWAY: Way(f"{_CHILD}/pauses", Action.PAUSE),
    Kind.AWAY_REVIEW: Way(f"{_CHILD}/pauses", Action.PAUSE),
    Kind.FLAG: Way(f"{_CHILD}/flags/{{subject}}", Action.FLAG),
    Kind.APPROVAL: Way("/desk/approvals/{subject}", Action.APPROVAL_DECIDE),
}


def path_of(kind: Kind, child_id: UUID, subject_id: UUID) -> str:
    """The page on which a task is done."""
    return WAYS[kind].path.format(child=child_id, subject=subject_id)


def way_for(roles: Collection[Role], kind: Kind, child_id: UUID, *, subject_id: UUID) -> str | None:
    """The same for a reader with these roles for the child; None where they may not do it, and for
    the child, who has no page of the desk."""
    is_allowed = Role.CHILD not in roles and may(frozenset(roles), WAYS[kind].needs)
    return path_of(kind, child_id, subject_id) if is_allowed else None


def page_about(kind: Kind, child_id: UUID, subject_id: UUID) -> str:
    """The page that says how it stands, for readers who may not do it, or once it is done."""
    return f"/desk/episodes/{subject_id}" if kind in OF_AN_EPISODE else f"/desk/children/{child_id}"
