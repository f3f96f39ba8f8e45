"""The ticker listens for the agreed sign in what children say.

The answer itself is taken like any other, in the same steps and with the same bytes. A second
later, separate code checks whether it carries the sign. So nothing on the phone, on the wire or in
the timing can give it away.
"""

from collections.abc import Sequence
from datetime import datetime

from server.audit.actions import SYSTEM, note
from server.checkin import concern
from server.checkin.duress.models import DuressHeard, DuressSign
from server.checkin.duress.rules import NOTHING, Sign, heard
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.policy.levels import Way
from server.storage import bulk
from server.storage.due_rows import DueRows
from server.storage.ids import uuid7
from server.web.live import announce


async def _listen(check_ins: Sequence[CheckIn], now: datetime) -> None:
    """Check these answers for the sign."""
    for check_in in check_ins:
        sign = await _sign_then(check_in)
        if _carries(check_in, sign):
            await _hear(check_in, sign, now)
    await bulk.update(
        CheckIn, [{"id": check_in.id, "duress_check_at": None} for check_in in check_ins]
    )


CHECK_INS = DueRows("check_in", CheckIn, _listen, at_once=200, columns=("duress_check_at",))


async def _sign_then(check_in: CheckIn) -> DuressSign | None:
    """The sign that was valid when the answer reached us, whatever was agreed since."""
    held = DuressSign.filter(child_id=check_in.child_id, agreed_at__lte=check_in.received_at)
    row = await held.order_by("-agreed_at").first()
    if row is None or (row.ended_at is not None and row.ended_at <= check_in.received_at):
        return None
    return row


def _carries(check_in: CheckIn, row: DuressSign | None) -> bool:
    sign = NOTHING if row is None else Sign(row.what["mark"], row.what["word"])
    how = heard(
        sign,
        mark=check_in.mark,
        want=Want(check_in.want),
        note=check_in.note,
        way=Way(check_in.by_way),
    )
    return how is not None


async def _hear(check_in: CheckIn, row: DuressSign | None, now: datetime) -> None:
    until = row.practise_until if row is not None else None
    is_practice = until is not None and check_in.received_at <= until
    alert_id = None
    if not is_practice:
        alert = await concern.call(
            SYSTEM, check_in.child_id, check_in.agency_id, said_at=check_in.received_at, now=now
        )
        alert_id = alert.id
    await bulk.insert(
        DuressHeard,
        [
            {
                "id": uuid7(),
                "agency_id": check_in.agency_id,
                "child_id": check_in.child_id,
                "check_in_id": check_in.id,
                "sign_id": row.id if row is not None else None,
                "alert_id": alert_id,
                "at": check_in.received_at,
                "heard_at": now,
            }
        ],
        skip_known=True,
    )
    about = ("check_in", check_in.id)
    what = "sign:practised" if is_practice else "sign:heard"
    await note(
        SYSTEM, what, child_id=check_in.child_id, about=about, agency_id=check_in.agency_id, now=now
    )
    await announce(check_in.agency_id, "watch")
