"""A person looks at an absence that lasts: it is still so, or it ends now."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor
from server.audit.repeats import is_repeat
from server.errors import Conflict, NotFound
from server.i18n import N_
from server.people.models import Tie
from server.people.rules import Role
from server.storage.db import write
from server.tasks.actions import settle
from server.tasks.models import Task
from server.tasks.rules import Ending, Kind, State
from server.tasks.turns import turns_of
from server.watch.models import Pause
from server.watch.passes import rules
from server.watch.passes.rules import Pass
from server.watch.passes.ticking import absence_of, follow, open_looks, pauses_of
from server.watch.rhythm.agreements import end_pause
from server.watch.writing import locked, note_about
from server.web.live import announce


async def keep(
    actor: Actor, child_id: UUID, pause_id: UUID, look_id: UUID, now: datetime
) -> datetime | None:
    """It is still so. Returns when people look at it next; None: it ends before that. The same look
    twice counts once.

    The look counts for the caseworker's weeks, and for the supervisor's if the person is one to the
    child, or if it was their turn. Raises NotFound, Conflict `over`.
    """
    async with write():
        case = await locked(child_id, now)
        row, pass_ = await _pass_of(child_id, pause_id, now)
        is_known = await is_repeat("pause_look", look_id, None, pause_id=pause_id)
        if not is_known and row.look_id != look_id:
            if pass_ is None or not pass_.begin <= now < pass_.end:
                raise Conflict(
                    N_("This absence is over, or has not begun. There is nothing to confirm."),
                    code="over",
                )
            tasks = await open_looks(child_id)
            is_review = await _is_review(actor, child_id, tasks, now)
            await _note_look(actor, pass_, look_id, is_review=is_review, now=now)
            settled = [task for task in tasks if is_review or task.kind == Kind.AWAY]
            await settle(actor, [(t, Ending(State.DONE, "done", actor.id)) for t in settled], now)
            await note_about(actor, child_id, "pause:keep", ["looked_at"], now, about=pause_id)
            await follow(actor, child_id, now)
            await announce(case.watch.agency_id, "watch")
        looks = [task.due_at for task in await open_looks(child_id)]
    return min(looks, default=None)


async def end(actor: Actor, child_id: UUID, pause_id: UUID, now: datetime) -> None:
    """The child is back, or it never came to it: the whole pass ends, and rounds begin again. Twice
    is once. Raises NotFound."""
    async with write():
        await locked(child_id, now)
        row, pass_ = await _pass_of(child_id, pause_id, now)
        tasks = await open_looks(child_id)
        still = [] if pass_ is None else [a.id for a in pass_.absences if a.end > now]
        if row.id in still:
            await settle(actor, [(t, Ending(State.DONE, "done", actor.id)) for t in tasks], now)
            for id_ in still:
                await end_pause(actor, child_id, id_, now)


async def _pass_of(child_id: UUID, pause_id: UUID, now: datetime) -> tuple[Pause, Pass | None]:
    rows = await pauses_of([child_id], now)
    row = next((row for row in rows if row.id == pause_id), None)
    if row is None:
        raise NotFound(N_("This absence does not exist."))
    return row, rules.pass_of([absence_of(each) for each in rows], pause_id)


async def _is_review(actor: Actor, child_id: UUID, tasks: list[Task], now: datetime) -> bool:
    """Whether this is a supervisor's look, or a look in their place: a caseworker's own look never
    stands for the second person's, unless there is none."""
    held = Tie.filter(
        Tie.standing_at(now), child_id=child_id, person_id=actor.id, role=Role.SUPERVISOR
    )
    if await held.exists():
        return True
    reviews = [task for task in tasks if task.kind == Kind.AWAY_REVIEW]
    turns = await turns_of(reviews, now)
    return any(actor.id in turns[task.id] for task in reviews)


async def _note_look(
    actor: Actor, pass_: Pass, look_id: UUID, *, is_review: bool, now: datetime
) -> None:
    reviewed = {"reviewed_at": now} if is_review else {}
    still = [absence.id for absence in pass_.absences if absence.end > now]
    await Pause.filter(id__in=still).update(
        looked_at=now, looked_by=actor.id, look_id=look_id, **reviewed
    )
