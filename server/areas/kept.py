"""Counts of areas, kept in the memory of the process for a while: to count a million children takes
a second, and the page is opened again and again."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from server.areas.counting import Counts, Period, count_now, count_period, last_period

# What is over changes little: a search that ends, a message that was taken late.
KEPT_NOW, KEPT_PERIOD = timedelta(minutes=1), timedelta(hours=1)
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was counted of some agencies: how they are, as of `at`, and four weeks that are over."""

    now: Counts
    at: datetime
    weeks: Counts
    period: Period


@dataclass(frozen=True, slots=True)
class _Kept:
    counts: Counts
    at: datetime


class AreaCounts:
    """The counts of this process. One is made at a time: who asks for the same one shares it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, agencies: Sequence[UUID], now: datetime) -> Numbers:
        """The numbers of these agencies: counted up to a minute ago, and those of the four weeks up
        to an hour ago."""
        ids, period = frozenset(agencies), last_period(now)
        async with self._turn:
            present = await self._get((ids,), KEPT_NOW, now, lambda: count_now(agencies))
            weeks = await self._get(
                (ids, period), KEPT_PERIOD, now, lambda: count_period(agencies, period)
            )
        return Numbers(present.counts, present.at, weeks.counts, period)

    async def _get(
        self,
        key: tuple[object, ...],
        lasts: timedelta,
        now: datetime,
        count: Callable[[], Awaitable[Counts]],
    ) -> _Kept:
        kept = self._kept.get(key)
        if kept is None or not timedelta(0) <= now - kept.at < lasts:
            kept = self._kept[key] = _Kept(await count(), now)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept
