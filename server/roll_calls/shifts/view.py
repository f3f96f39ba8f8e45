"""Who is on shift in a home, as its page and the board show it. Reads rows, and writes none."""

from datetime import datetime
from uuid import UUID

import msgspec

from server.clock import known_zone
from server.people.models import Home
from server.roll_calls.reading import Worker, workers_of
from server.roll_calls.rules import shift_ends

# A page names so many, and tells how many there are.
MOST_NAMES = 10
# Fewer are slips of the finger.
WRONG_PINS_SHOWN = 3


class Shifts(msgspec.Struct, frozen=True):
    """Who is on shift in a home. `mine`: until when the reader is. `ends`: until when a shift can
    be in one tap. `others`: up to ten of the people who are, without the reader. `everyone`: how
    many work there. `wrong_pins`: those with wrong PINs in a row at the shared device."""

    mine: datetime | None
    ends: tuple[datetime, ...]
    others: tuple[Worker, ...]
    everyone: int
    wrong_pins: tuple[Worker, ...] = ()

    @property
    def is_nobody(self) -> bool:
        """Whether nobody is on shift."""
        return self.mine is None and not self.others


async def shifts_of(home: Home, reader: UUID | None, now: datetime) -> Shifts:
    """Who is on shift in this home, for a reader."""
    workers = await workers_of(home.id, now)
    on_shift = {worker.person_id: worker for worker in workers if worker.on_until is not None}
    mine = on_shift.pop(reader, None) if reader is not None else None
    return Shifts(
        mine.on_until if mine is not None else None,
        shift_ends(known_zone(home.zone), now),
        tuple(on_shift.values())[:MOST_NAMES],
        len(workers),
        tuple(worker for worker in workers if worker.wrong_pins >= WRONG_PINS_SHOWN)[:MOST_NAMES],
    )
