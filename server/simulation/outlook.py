"""What the numbers that a week calls for would have done in the agency's own last month.

Nothing is estimated: both are replayed by the rules of production. Bounded in children, rows and
time; nothing is stored.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.clock import monotonic
from server.policy.budget import CHILDREN_A_WORKER, NO_BUDGET
from server.policy.model import Policy
from server.simulation import evaluation, history, lookback, trial
from server.simulation.events import events_of
from server.simulation.outcomes import Result

MOST_CHILDREN = 300  # Of more, a sample.
LONGEST_S = 20.0
FEWEST = 3  # With fewer absences there is too little to tell.
_WEEK = timedelta(days=7)


class Outlook(msgspec.Struct, frozen=True):
    """False calls in a worker-week with the numbers of now and with those proposed; and of the
    silences in which a child had gone and adults were called, in how many they would have been
    called as soon."""

    before: float | None
    after: float | None
    absences: int
    as_soon: int

    @property
    def tells_absences(self) -> bool:
        """Whether there were enough to say anything."""
        return self.absences >= FEWEST


# Of the last proposals looked at, by this process: the same month gives the same answer again.
_KEPT: "OrderedDict[UUID, Outlook]" = OrderedDict()
_MOST_KEPT = 64


async def outlook(
    key: UUID, agency_id: UUID, until: datetime, before: Policy, after: Policy
) -> Outlook:
    """The month before `until`. Raises Refused where it would take too long. `key`: names the
    question; asked again, the answer is the same."""
    if key not in _KEPT:
        past = await history.read(agency_id, until - history.MONTH, until, MOST_CHILDREN)
        _KEPT[key] = await asyncio.to_thread(_replayed, past, before, after)
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return _KEPT[key]


def _replayed(past: history.History, before: Policy, after: Policy) -> Outlook:
    events = list(events_of(history.as_csv(past.events)))
    if not events:
        return Outlook(None, None, 0, 0)
    trial.check_size(events, past.until)
    this = trial.Run(ends_at=monotonic() + LONGEST_S)
    with this.turn():
        first, second = (
            # The numbers of each are tried, and not what later weeks would make of them.
            lookback.run(events, replace(policy, budget=NO_BUDGET), past.until, this.go_on)
            for policy in (before, after)
        )
    return compared(first, second, past.real)


def compared(first: Result, second: Result, real: Sequence[tuple[str, datetime]]) -> Outlook:
    """Two policies over the same events. `real`: the silences in which the child had gone."""
    gone = {(child, lookback.nth(first, child, at)) for child, at in real}
    told, then = lookback.told_of(first), lookback.told_of(second)
    noticed = gone & told.keys()
    return Outlook(
        before=_rate(first, gone),
        after=_rate(second, gone),
        absences=len(noticed),
        as_soon=sum(key in then and then[key] <= told[key] for key in noticed),
    )


def _rate(result: Result, gone: set[lookback.Silence]) -> float | None:
    false = lookback.told_of(result).keys() - gone - trial.still_open(result)
    weeks = evaluation.child_months(result) * evaluation.MONTH / _WEEK / CHILDREN_A_WORKER
    return len(false) / weeks if weeks > 0 else None
