"""Roll calls that nobody has done, for those who follow up. Reads rows, and writes none."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.people.models import Home
from server.roll_calls.models import RollCall
from server.roll_calls.reading import live
from server.roll_calls.rules import Step

# The board names so many, and tells how many there are.
MOST_UNDONE = 3
# One that nobody did stays on the board for so long, unless the next one comes.
_SHOWN = timedelta(hours=24)


class UndoneCall(msgspec.Struct, frozen=True):
    """A roll call that nobody has done. `has_workers`: whether the home has anyone to do it."""

    roll_call_id: UUID
    home_id: UUID
    home: str
    zone: str
    due_at: datetime
    is_missed: bool
    has_workers: bool


class Undone(msgspec.Struct, frozen=True):
    """The oldest of them, up to `MOST_UNDONE`, and how many there are."""

    calls: tuple[UndoneCall, ...]
    total: int


async def undone(agency_id: UUID, now: datetime) -> Undone:
    """The roll calls of an agency that adults were told about, because nobody did them."""
    told = RollCall.filter(
        Q(state="open", step=Step.UNDONE) | Q(state="missed", step=Step.MISSED),
        agency_id=agency_id,
        due_at__gt=now - _SHOWN,
    )
    rows = await told.order_by("due_at", "id").limit(MOST_UNDONE).prefetch_related("home")
    calls = []
    for row in rows:
        assert isinstance(row.home, Home)
        has_workers = await live(now).filter(home_id=row.home_id).exists()
        calls.append(
            UndoneCall(
                row.id,
                row.home_id,
                row.home.name,
                row.zone,
                row.due_at,
                row.state == "missed",
                has_workers,
            )
        )
    return Undone(tuple(calls), await told.count() if len(calls) == MOST_UNDONE else len(calls))
