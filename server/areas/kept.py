"""Counts of areas, kept in the memory of the process for a while: to count a million children takes
a second, and the page is opened again and again."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.areas.counting import Counts, Period, count_now, count_period, last_period

# How children are is counted once in each quarter of an hour, however often it is asked for: who
# sees each step of several numbers and of their sum can put them together.
KEPT_NOW = timedelta(minutes=15)
# Of what is over little changes: what was entered wrongly is put right.
KEPT_PERIOD = timedelta(hours=1)
_MOST_KEPT = 64


class Numbers(msgspec.Struct, frozen=True):
    """What was counted of some agencies: how they are, as of `at`, and four weeks that are over."""

    now: Counts
    at: datetime
    weeks: Counts
    period: Period


class _Kept(msgspec.Struct, frozen=True):
    counts: Counts
    at: datetime


class AreaCounts:
    """The counts of this process. One is made at a time: who asks for the same one shares it."""

    def __init__(self) -> None:
        self._quarter: datetime | None = None
        self._now: dict[UUID, _Kept] = {}
        self._weeks: OrderedDict[tuple[frozenset[UUID], Period], _Kept] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, agencies: Sequence[UUID], now: datetime) -> Numbers:
        """The numbers of these agencies: counted in this quarter of an hour, for all readers at
        once, and those of the four weeks up to an hour ago."""
        async with self._turn:
            present = await self._present(agencies, now)
            period = last_period(now)
            weeks = await self._period(agencies, period, now)
        at = min((kept.at for kept in present.values()), default=now)
        counts = {id_: kept.counts[id_] for id_, kept in present.items()}
        return Numbers(counts, at, weeks, period)

    async def _present(self, agencies: Sequence[UUID], now: datetime) -> dict[UUID, _Kept]:
        """An agency of several areas is counted once: else it would be known at two moments."""
        quarter = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % KEPT_NOW
        # A request that came before the quarter began, and is late, counts nothing again; only a
        # clock that was put back does.
        last = self._quarter
        if last is None or quarter > last or last - quarter > KEPT_NOW:
            self._quarter = quarter
            self._now.clear()
        wanted = [id_ for id_ in agencies if id_ not in self._now]
        if wanted:
            counted = _Kept(await count_now(wanted), now)
            self._now |= dict.fromkeys(wanted, counted)
        return {id_: self._now[id_] for id_ in agencies}

    async def _period(self, agencies: Sequence[UUID], period: Period, now: datetime) -> Counts:
        key = (frozenset(agencies), period)
        kept = self._weeks.get(key)
        if kept is None or not timedelta(0) <= now - kept.at < KEPT_PERIOD:
            kept = self._weeks[key] = _Kept(await count_period(agencies, period), now)
        self._weeks.move_to_end(key)
        while len(self._weeks) > _MOST_KEPT:
            self._weeks.popitem(last=False)
        return kept.counts
