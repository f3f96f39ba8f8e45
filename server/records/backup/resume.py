"""What a restored database must know: that time has passed since the backup."""

from datetime import datetime

from server.audit.actions import SYSTEM, note
from server.audit.models import Epoch
from server.auth.models import Challenge, Invite, PendingSecondFactor
from server.auth.rules import Ended, InviteEnded
from server.notify.actions import tell_operators
from server.people.models import Agency
from server.storage.db import as_id, fetch
from server.storage.ids import uuid7

_SESSIONS_OF_ADULTS = (
    "UPDATE session SET ended_at = $1, ended_why = $2 WHERE ended_at IS NULL AND person_id IN"
    " (SELECT id FROM person WHERE role <> 'child') RETURNING id"
)


async def go_on(from_at: datetime, now: datetime) -> None:
    """Begin another epoch. In the transaction that fills the database.

    - Codes that were unused at that time may have been used since: none of them is valid any
      longer.
    - Adults sign in again: a session that was ended since then would be open. A child's phone stays
      signed in, since it may be the only way for the child to answer. An adult who blocked one
      since then must do it again, and the command says so.
    - Watches, alerts, dues and messages stay as they are: their times are in rows, and so is the
      last tick. The next tick finds all that has passed, as after any time in which the server was
      down.
    """
    await Epoch.create(id=uuid7(), from_at=from_at, restored_at=now)
    await Invite.filter(ended_at__isnull=True).update(ended_at=now, ended_why=InviteEnded.RESTORED)
    await PendingSecondFactor.filter(ended_at__isnull=True).update(ended_at=now)
    await Challenge.all().delete()
    await fetch(_SESSIONS_OF_ADULTS, [now, Ended.RESTORED])
    for agency_id in await Agency.all().values_list("id", flat=True):
        await note(SYSTEM, "database:restored", agency_id=as_id(agency_id), now=now)
    await tell_operators("database:restored", now)
