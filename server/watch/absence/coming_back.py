"""A child who is away says that they are back, or that they do not go."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from server.audit.actions import Actor
from server.watch.absence import rules
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import State
from server.watch.machine.rounds import next_round
from server.watch.models import SETTLED, Pause, Round, Watch
from server.watch.passes.rules import Absence, pass_of
from server.watch.passes.ticking import absence_of, pauses_of
from server.watch.rhythm.agreements import end_pause
from server.watch.watch_state import WatchState, passed
from server.watch.writing import note_about, state_of


async def come_back(actor: Actor, row: AbsenceRequest, watch: Watch, now: datetime) -> None:
    """End what was agreed, with all that prolongs it; of a child who has not gone, this one alone.
    What is over is over: it is only noted, if the child is missing. In the caller's transaction,
    which has locked the watch."""
    running = await Pause.get_or_none(id=row.id, ended_at__isnull=True, until_at__gt=now)
    is_over = running is None or watch.is_over
    if is_over and not watch.is_missing:
        return
    links = [] if running is None or watch.is_over else await _links(running, now)
    ids = [row.id, *(link.id for link in links)]
    back = AbsenceRequest.filter(id__in=ids, state=State.AGREED, back_at__isnull=True)
    await back.update(back_at=now)
    await note_about(actor, row.child_id, "absence:back", ["back_at"], now, about=row.id)
    if not links:
        return
    case, _ = passed(await state_of(watch, now), now)
    for id_ in await _to_end(case, links, now):
        await end_pause(actor, row.child_id, id_, now)


async def _links(running: Pause, now: datetime) -> list[Absence]:
    """What the child is back from: the absences that are one for people, and not over."""
    rows = [absence_of(row) for row in await pauses_of([running.child_id], now)]
    mine = [absence for absence in rows if absence.id == running.id]
    pass_ = pass_of(rows, running.id)
    if pass_ is None or running.from_at > now:
        return mine
    return [absence for absence in pass_.absences if absence.end > now]


async def _to_end(case: WatchState, links: list[Absence], now: datetime) -> list[UUID]:
    """Which of these end now: all, unless that would put off the next check-in; then those that
    begin after it."""
    times = {(link.begin, link.end) for link in links}
    others = tuple(span for span in case.terms.pauses if (span.begin, span.end) not in times)
    settled = Round.filter(child_id=case.watch.child_id, due_at__gt=now, state__in=SETTLED)
    last = await settled.order_by("-due_at").first()
    after = next_round(replace(case.terms, pauses=others), last.due_at if last else now)
    due_at = case.standing.due_at
    is_kept = rules.keeps_check_in(due_at, after)
    return [link.id for link in links if not is_kept or link.begin >= due_at]
