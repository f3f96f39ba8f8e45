"""The roll calls of all homes of an agency, for its supervisors. Reads rows, and writes none."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.people.models import Home, Person
from server.roll_calls.models import RollCall
from server.roll_calls.reading import live
from server.roll_calls.rules import Step
from server.storage.db import as_id

# So many homes on one page, and so far back it looks.
AT_ONCE = 25
LATELY = timedelta(days=7)


class HomeLine(msgspec.Struct, frozen=True):
    """One home. `done`: the last roll call that is done, and `done_by` who finished it; `open`: one
    that waits now; `missed`: how many nobody did, of the last seven days."""

    home: Home
    done: RollCall | None
    done_by: str
    open: RollCall | None
    missed: int
    workers: int


async def overview(agency_id: UUID, number: int, now: datetime) -> list[HomeLine]:
    """One part: first the homes where nobody did a roll call lately, then by name."""
    undone = RollCall.filter(
        agency_id=agency_id,
        due_at__gt=now - LATELY,
        step__in=[Step.UNDONE, Step.MISSED],
        state__in=["open", "missed"],
    )
    worrying = {as_id(id_) for id_ in await undone.values_list("home_id", flat=True)}
    # Names are sealed: only this process can sort them.
    homes = await Home.filter(agency_id=agency_id)
    homes.sort(key=lambda home: (home.id not in worrying, home.name.casefold(), home.id))
    begin = (number - 1) * AT_ONCE
    return await _lines(homes[begin : begin + AT_ONCE], now)


async def _lines(homes: Sequence[Home], now: datetime) -> list[HomeLine]:
    ids = [home.id for home in homes]
    calls = await RollCall.filter(home_id__in=ids, due_at__gt=now - LATELY).order_by("due_at")
    done = {call.home_id: call for call in calls if call.done_at is not None}
    open_ = {call.home_id: call for call in calls if call.is_open}
    missed = Counter(call.home_id for call in calls if call.state == "missed")
    names = await _names([call.done_by for call in done.values() if call.done_by is not None])
    workers = Counter(
        as_id(id_)
        for id_ in await live(now).filter(home_id__in=ids).values_list("home_id", flat=True)
    )
    return [
        HomeLine(
            home,
            last := done.get(home.id),
            names.get(last.done_by, "") if last is not None and last.done_by is not None else "",
            open_.get(home.id),
            missed[home.id],
            workers[home.id],
        )
        for home in homes
    ]


async def _names(ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await Person.filter(id__in=list(ids)).only("id", "name")
    return {row.id: row.name for row in rows}
