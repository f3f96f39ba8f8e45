"""What counts against a budget of alarms: calls to adults, and what is known of them afterwards.
Pure. Production and replay both count by these rules.

A call counts once a day for each child, unless the child answered in between: as in a report.
Whether it was false is said by the person who closed it, or shows itself: a child who answers soon
after the call was there.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.policy.adapting import Closed
from server.policy.model import Tier

ONCE = timedelta(days=1)
SOON = timedelta(hours=6)


def counts(at: datetime, counted_at: datetime | None, answered_at: datetime | None) -> bool:
    """Whether a call counts. `counted_at`: the last call about this child that counted;
    `answered_at`: their last answer before this call."""
    if counted_at is None or at - counted_at > ONCE:
        return True
    return answered_at is not None and counted_at < answered_at


def is_soon(called_at: datetime, answered_at: datetime) -> bool:
    """Whether an answer shows that the child was there when adults were called."""
    return answered_at - called_at <= SOON


class Call(msgspec.Struct, frozen=True):
    """One call to adults, and what came of it. `by`: the person who closed it, if a person did."""

    child: UUID
    tier: Tier
    at: datetime
    heard_at: datetime | None = None  # The child's last answer before the call.
    answered_at: datetime | None = None  # The answer that settled it.
    closed_at: datetime | None = None
    by: UUID | None = None
    was_here: bool = True

    @property
    def soon_at(self) -> datetime | None:
        """When the child answered, if that was soon."""
        is_it = self.answered_at is not None and is_soon(self.at, self.answered_at)
        return self.answered_at if is_it else None


Said = tuple[int, int]


class Tally(msgspec.Struct):
    """What counts in one week. `persons`: how many calls each person closed because the child was
    there, and how many in all. `children`: how often each child answered soon."""

    calls: dict[Tier, int] = msgspec.field(default_factory=dict)
    persons: dict[UUID, Said] = msgspec.field(default_factory=dict)
    children: dict[UUID, int] = msgspec.field(default_factory=dict)

    def closed(self) -> list[Closed]:
        """The same, for the rule of the budget."""
        by_person = [
            closed
            for person, (here, of) in self.persons.items()
            for closed in (
                Closed(str(person), was_here=True, times=here),
                Closed(str(person), was_here=False, times=of - here),
            )
            if closed.times
        ]
        answered = self.children.items()
        return by_person + [Closed(f"{child} answered", True, times) for child, times in answered]


def tallied(calls: Iterable[Call], edges: Sequence[datetime]) -> list[Tally]:
    """The weeks between these moments; each has its end, and not its beginning. `calls` come child
    by child, in the order of time."""
    weeks = [Tally() for _ in edges[1:]]
    child: UUID | None = None
    counted_at: datetime | None = None
    soon: set[datetime] = set()

    def week(at: datetime | None) -> Tally | None:
        place = -1 if at is None else bisect_left(edges, at) - 1
        return weeks[place] if 0 <= place < len(weeks) else None

    for call in calls:
        if call.child != child:
            child, counted_at, soon = call.child, None, set()
        if counts(call.at, counted_at, call.heard_at):
            counted_at = call.at
            if (tally := week(call.at)) is not None:
                tally.calls[call.tier] = tally.calls.get(call.tier, 0) + 1
        if call.soon_at is not None:
            # One answer may settle several calls.
            if call.soon_at not in soon and (tally := week(call.soon_at)) is not None:
                tally.children[child] = tally.children.get(child, 0) + 1
            soon.add(call.soon_at)
        elif call.by is not None and (tally := week(call.closed_at)) is not None:
            here, of = tally.persons.get(call.by, (0, 0))
            tally.persons[call.by] = (here + call.was_here, of + 1)
    return weeks


class Alike(msgspec.Struct, frozen=True):
    """A person who closed so large a share of all that were closed by people, with one result."""

    share: float
    of: int


MANY, MOST_OF = 10, 0.5


def alike(persons: Iterable[Mapping[UUID, Said]]) -> Alike | None:
    """The person who closed more than half in these weeks, at least ten, and all alike: perhaps
    without a look. None: there is none."""
    sums: dict[UUID, Said] = {}
    for week in persons:
        for person, (here, of) in week.items():
            before = sums.get(person, (0, 0))
            sums[person] = (before[0] + here, before[1] + of)
    every = sum(of for _, of in sums.values())
    for here, of in sums.values():
        if of >= MANY and of / every > MOST_OF and here in (0, of):
            return Alike(of / every, of)
    return None
