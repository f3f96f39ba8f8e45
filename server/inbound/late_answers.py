"""What a person tapped at a front desk while it was offline, and what arrives after their five
minutes.

The page has a ticket: that this person had the device open then. It lets in what they said in that
time, and nothing that is said later; it opens no page. The device keeps it with ids alone.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.errors import Refused
from server.i18n import N_
from server.inbound.desk_pins import Opened, actor_of
from server.inbound.left_devices import is_left
from server.inbound.models import FrontDesk
from server.roll_calls.actions import RollCallSaid
from server.roll_calls.models import RollCall
from server.roll_calls.reading import live
from server.roll_calls.rules import SAID_BACK, word_id
from server.security import encryption
from server.storage.db import as_id
from server.watch.models import RollCallWord

_PURPOSE = "roll call at a front desk"
TOO_LATE = N_("This was tapped too long ago, or by a person who no longer works here.")


class Ticket(msgspec.Struct, frozen=True):
    """Who had the device open, from when until when."""

    seat_id: UUID
    actor: Actor
    from_at: datetime
    until: datetime

    def moment(self, said_at: datetime | None, now: datetime) -> datetime:
        """When something was said, as far as the device knows: its clock may have been set right in
        between. The page takes nothing before or after this time."""
        return max(self.from_at, min(said_at or self.from_at, self.until, now))

    def check_asked(self, roll_call: RollCall) -> None:
        """Raises Refused for a roll call that was asked after this time: nothing that was said in
        it can be an answer to that."""
        if roll_call.asked > self.until:
            raise Refused(TOO_LATE)


def ticket_of(desk: FrontDesk, opened: Opened, now: datetime) -> str:
    """The ticket of a page that is made now for the person who has the device open."""
    value = f"{desk.id} {opened.seat.id} {now.isoformat()} {opened.until.isoformat()}"
    return encryption.sign(value, _PURPOSE, until=opened.until + SAID_BACK)


async def read(desk: FrontDesk, ticket: str, now: datetime) -> Ticket:
    """The ticket of this device. Raises Refused: it is of another one, or too old, the person does
    not work there any more, or a supervisor has to look at the device."""
    try:
        value = encryption.unsign(ticket, _PURPOSE, now)
    except encryption.Unreadable:
        raise Refused(TOO_LATE) from None
    desk_id, seat_id, from_at, until = value.split(" ")
    seat = await live(now).filter(id=UUID(seat_id), home_id=desk.home_id).first()
    if UUID(desk_id) != desk.id or seat is None or await is_left(desk, now):
        raise Refused(TOO_LATE)
    moments = datetime.fromisoformat(from_at), datetime.fromisoformat(until)
    return Ticket(seat.id, await actor_of(seat), *moments)


async def check_once(taken: RollCallSaid) -> None:
    """Raises Refused if other words were taken under the id of this ticket: they stay, and nobody
    is to believe that these were."""
    wanted = {word_id(taken.id, spoken.child_id): spoken.word for spoken in taken.words}
    held = RollCallWord.filter(id__in=list(wanted))
    for id_, word in await held.values_list("id", "word"):
        if wanted[as_id(id_)] != word:
            raise Refused(TOO_LATE)
