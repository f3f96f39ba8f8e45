"""Requests to be away, with what was agreed and when the next check-in is due. Writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.errors import NotFound
from server.i18n import N_
from server.people.models import Person
from server.storage.db import as_id
from server.watch.absence import rules
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import Standing, State
from server.watch.machine.rounds import next_round
from server.watch.models import Pause
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm import summary
from server.watch.watch_state import WatchState

NO_REQUEST = N_("This request does not exist.")
# The number of requests in a response, the newest first; and of absences, the first first.
MOST = 20


class Absence(msgspec.Struct, frozen=True):
    """What was agreed: an absence, the person who agreed, and the check-in after it. `next_due_at`
    is None once it is over, or if the watch is."""

    row: Pause
    by: str
    next_due_at: datetime | None


class Request(msgspec.Struct, frozen=True):
    """A request, how it stands, who answered, and what was agreed."""

    row: AbsenceRequest
    standing: Standing
    by: str
    absence: Absence | None


async def of_child(child_id: UUID, now: datetime) -> tuple[list[Request], list[Absence]]:
    """The latest requests of a child, the newest first; and the absences that are not over, those
    without a request too."""
    latest = AbsenceRequest.filter(child_id=child_id).order_by("-made_at", "-id").limit(MOST)
    coming = Pause.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    pauses = await coming.order_by("from_at", "id").limit(MOST)
    case = await summary.case_of(child_id, now)
    requests = await _read(await latest, case, now)
    names = await _names([pause.made_by for pause in pauses])
    return requests, [_absence(pause, names, case, now) for pause in pauses]


async def read_one(row: AbsenceRequest, now: datetime) -> Request:
    """A single request."""
    return (await _read([row], await summary.case_of(row.child_id, now), now))[0]


async def read_row(child_id: UUID, absence_id: UUID) -> AbsenceRequest:
    """The row of a request. Raises NotFound."""
    row = await AbsenceRequest.get_or_none(id=absence_id, child_id=child_id)
    if row is None:
        raise NotFound(NO_REQUEST)
    return row


async def others(row: AbsenceRequest, now: datetime, most: int) -> list[Request]:
    """The other requests of the same child, the newest first."""
    rows = AbsenceRequest.filter(child_id=row.child_id).exclude(id=row.id)
    return await _read(await rows.order_by("-made_at", "-id").limit(most), None, now)


async def latest(child_id: UUID) -> AbsenceRequest | None:
    """The last request of a child; None if they never asked."""
    return await AbsenceRequest.filter(child_id=child_id).order_by("-made_at", "-id").first()


async def waiting(child_id: UUID, now: datetime) -> list[Request]:
    """Those that no worker has answered, the first to begin first; also what came too late."""
    rows = AbsenceRequest.filter(child_id=child_id, state=State.OPEN)
    # Of what a restored database is handed in again there may be more: the newest tell enough.
    newest = await rows.order_by("-made_at", "-id").limit(rules.MOST_OPEN)
    return await _read(sorted(newest, key=lambda row: row.from_at), None, now)


async def _read(
    rows: Sequence[AbsenceRequest], case: WatchState | None, now: datetime
) -> list[Request]:
    agreed = [row.id for row in rows if row.state == State.AGREED]
    pauses = {pause.id: pause for pause in await Pause.filter(id__in=agreed)} if agreed else {}
    people = [row.decided_by for row in rows if row.decided_by is not None]
    names = await _names([*people, *(pause.made_by for pause in pauses.values())])
    return [
        Request(
            row,
            _standing(row, pauses.get(row.id), now),
            names.get(row.decided_by, "") if row.decided_by else "",
            _absence(pauses[row.id], names, case, now) if row.id in pauses else None,
        )
        for row in rows
    ]


def _standing(row: AbsenceRequest, pause: Pause | None, now: datetime) -> Standing:
    absence = (pause.until_at, pause.ended_at) if pause is not None else None
    return rules.standing(State(row.state), row.until_at, now, back_at=row.back_at, absence=absence)


def _absence(
    pause: Pause, names: Mapping[UUID, str], case: WatchState | None, now: datetime
) -> Absence:
    is_over = pause.ended_at is not None or pause.until_at <= now
    next_due_at = None if is_over or case is None else due_after(case, pause)
    return Absence(pause, names.get(pause.made_by, ""), next_due_at)


def due_after(case: WatchState, pause: Pause) -> datetime:
    """When the next check-in is due after an absence."""
    return next_round(case.terms, pause.until_at - timedelta(microseconds=1))


def due_after_asked(case: WatchState, row: AbsenceRequest) -> datetime:
    """The same for what a child asks for, if a worker agrees to it as it is."""
    span = rhythms.Span(row.from_at, row.until_at, returns=True)
    terms = replace(case.terms, pauses=(*case.terms.pauses, span))
    return next_round(terms, row.until_at - timedelta(microseconds=1))


async def _names(people: Sequence[UUID]) -> dict[UUID, str]:
    if not people:
        return {}
    rows = Person.filter(id__in=list(set(people)))
    return {as_id(id_): name for id_, name in await rows.values_list("id", "name")}
