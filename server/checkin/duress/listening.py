"""The ticker listens for the agreed sign in what children say.

The answer itself is taken like any other, in the same steps and with the same bytes. A second
later, separate code checks whether it carries the sign. So nothing on the phone, on the wire or in
the timing can give it away. A child who is made to ask for an absence can say the word there too.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.audit.actions import SYSTEM, note
from server.checkin import concern
from server.checkin.duress.models import DuressHeard, DuressSign
from server.checkin.duress.rules import NOTHING, Heard, Sign, heard
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.people.models import Child
from server.policy.levels import Way
from server.storage import bulk
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7
from server.watch.absence.models import AbsenceRequest
from server.web.live import announce


class _Statement(msgspec.Struct, frozen=True):
    """What a child said, when it reached us, and of what kind it is in the record."""

    id: UUID
    child_id: UUID
    agency_id: UUID
    at: datetime
    kind: str


async def _listen(check_ins: Sequence[CheckIn], now: datetime) -> None:
    """Check these answers for the sign."""
    for row in check_ins:
        statement = _Statement(row.id, row.child_id, row.agency_id, row.received_at, "check_in")
        sign = await _sign_then(statement)
        if _carries(row, _as_agreed(sign)) is not None:
            await _hear(statement, sign, now)
    await bulk.update(CheckIn, [{"id": row.id, "duress_check_at": None} for row in check_ins])


async def _listen_to_requests(requests: Sequence[AbsenceRequest], now: datetime) -> None:
    """Check these requests to be away for the word."""
    for row in requests:
        child = await Child.get(id=row.child_id)
        statement = _Statement(row.id, row.child_id, child.agency_id, row.made_at, "absence")
        sign = await _sign_then(statement)
        words = f"{row.place}\n{row.words or ''}"
        # No mark: the form has one way to ask.
        how = heard(_as_agreed(sign), mark="", want=Want.NOTHING, note=words)
        if how is not None:
            await _hear(statement, sign, now)
    await bulk.update(AbsenceRequest, [{"id": row.id, "duress_check_at": None} for row in requests])


_COLUMNS = ("duress_check_at",)
CHECK_INS = DueRows("check_in", CheckIn, _listen, at_once=200, columns=_COLUMNS)
REQUESTS = DueRows(
    "absence_request", AbsenceRequest, _listen_to_requests, at_once=200, columns=_COLUMNS
)


async def _sign_then(statement: _Statement) -> DuressSign | None:
    """The sign that was valid when it reached us, whatever was agreed since."""
    held = DuressSign.filter(child_id=statement.child_id, agreed_at__lte=statement.at)
    row = await held.order_by("-agreed_at").first()
    if row is None or (row.ended_at is not None and row.ended_at <= statement.at):
        return None
    return row


def _as_agreed(row: DuressSign | None) -> Sign:
    return NOTHING if row is None else Sign(row.what["mark"], row.what["word"])


def _carries(check_in: CheckIn, sign: Sign) -> Heard | None:
    return heard(
        sign,
        mark=check_in.mark,
        want=Want(check_in.want),
        note=check_in.note,
        way=Way(check_in.by_way),
    )


async def _hear(statement: _Statement, row: DuressSign | None, now: datetime) -> None:
    until = row.practise_until if row is not None else None
    is_practice = until is not None and statement.at <= until
    alert_id = None
    if not is_practice:
        alert = await concern.call(
            SYSTEM, statement.child_id, statement.agency_id, said_at=statement.at, now=now
        )
        alert_id = alert.id
    await bulk.insert(
        DuressHeard,
        [
            {
                "id": uuid7(),
                "agency_id": statement.agency_id,
                "child_id": statement.child_id,
                "check_in_id": statement.id,
                "sign_id": row.id if row is not None else None,
                "alert_id": alert_id,
                "at": statement.at,
                "heard_at": now,
            }
        ],
        skip_known=True,
    )
    what = "sign:practised" if is_practice else "sign:heard"
    await note(
        SYSTEM,
        what,
        child_id=statement.child_id,
        about=(statement.kind, statement.id),
        agency_id=statement.agency_id,
        now=now,
    )
    await announce(statement.agency_id, "watch")
