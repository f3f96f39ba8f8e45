"""What a restored database must know: that time has passed since the backup, or since the moment to
which PostgreSQL's own means set it back."""

from datetime import datetime, timedelta

from server.audit.actions import SYSTEM, note
from server.audit.models import Entry, Epoch
from server.auth.models import Challenge, Invite, PendingSecondFactor
from server.auth.rules import Ended, InviteEnded
from server.clock import stamp
from server.notify.actions import tell_operators
from server.people.models import Agency
from server.storage.db import as_id, close_database, fetch, open_database, write
from server.storage.engines.copying import CopyFault
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


# What was committed at the moment itself may have been entered a little before or after it.
_NEAR = timedelta(seconds=10)


async def set_back(url: str, from_at: datetime, now: datetime) -> bool:
    """The database at this address was set back to a moment by a point-in-time recovery: begin
    another epoch. False where that was said before; nothing changes then.

    Raises CopyFault where its record shows that it was not set back to that moment.
    """
    await open_database(url)
    try:
        async with write():
            # Two at once: the second one waits here, and finds the epoch of the first.
            newest = await Entry.all().order_by("-id").select_for_update().first()
            if await Epoch.exists(from_at=from_at):
                return False
            _check_moment(from_at, newest.at if newest is not None else None, now)
            await go_on(from_at, now)
        return True
    finally:
        await close_database()


def _check_moment(from_at: datetime, newest: datetime | None, now: datetime) -> None:
    if from_at > now:
        raise CopyFault("That moment is still to come.")
    if newest is not None and newest > from_at + _NEAR:
        raise CopyFault(
            f"The record goes on until {stamp(newest)}: this database was not set back to"
            f" {stamp(from_at)}, or a server or ticker has already started on it."
        )
