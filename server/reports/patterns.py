"""What may belong together: links to look at, each a sentence that says what is the same. Pure.

No verdict and no score: beside each count is the number to expect by chance, and the people who
know the children decide what it means.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.missing.profile.marks import Same
from server.missing.search.rules import PATTERN, WITHIN
from server.rota.calendar import Shift

# Homes and hours are counted over this time; fewer cases than this are not shown.
COUNTED, FEWEST = timedelta(days=90), 3
# The parts of a day, by the wall clock of the child: a third each.
PARTS: Sequence[tuple[int, int]] = ((6, 14), (14, 22), (22, 6))


class Time(msgspec.Struct, frozen=True):
    """One time a child was missing: who it was, when, where they lived, and their clock."""

    child_id: UUID
    at: datetime
    home_id: UUID | None
    zone: ZoneInfo


class Often(msgspec.Struct, frozen=True):
    """A child was missing this often within thirty days."""

    child_id: UUID
    times: int


def often(times: Collection[Time], now: datetime) -> list[Often]:
    """Children who were missing three times or more within the thirty days up to now."""
    counted = Counter(time.child_id for time in times if now - WITHIN < time.at <= now)
    repeats = [Often(child, n) for child, n in counted.items() if n >= PATTERN]
    return sorted(repeats, key=lambda repeat: (-repeat.times, str(repeat.child_id)))


class Held(msgspec.Struct, frozen=True):
    """A keyed hash in the pack of a child: equal ones mean that the same is written there."""

    child_id: UUID
    what: Same
    field: str
    mark: str


class Shared(msgspec.Struct, frozen=True):
    """The packs of these two have the same content in these fields of each."""

    one: UUID
    other: UUID
    what: Same
    fields: tuple[str, ...]


# More pairs than these nobody reads. Where a number is in a hundred packs, there are thousands.
MOST_SHARED = 1000


def shared(held: Collection[Held], about: UUID | None = None) -> list[Shared]:
    """What two packs have in common, each thing once for two children, at most `MOST_SHARED`.
    `about`: only pairs with this child."""
    by_mark: dict[tuple[Same, str], dict[UUID, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entry in held:
        by_mark[entry.what, entry.mark][entry.child_id].add(entry.field)
    fields_by_pair: dict[tuple[UUID, UUID, Same], set[str]] = defaultdict(set)
    for (what, _), fields in by_mark.items():
        for one_id, other_id in _pairs(sorted(fields), about):
            if len(fields_by_pair) == MOST_SHARED:
                break
            fields_by_pair[one_id, other_id, what] |= fields[one_id] | fields[other_id]
    return [
        Shared(one_id, other_id, what, tuple(sorted(names)))
        for (one_id, other_id, what), names in sorted(fields_by_pair.items())
    ]


def _pairs(children: Sequence[UUID], about: UUID | None) -> Iterator[tuple[UUID, UUID]]:
    if about is None:
        yield from combinations(children, 2)
    elif about in children:
        yield from ((min(about, id_), max(about, id_)) for id_ in children if id_ != about)


class Cluster(msgspec.Struct, frozen=True):
    """Of `of_times` times, `times` were here, where `children` of `of_children` live."""

    home_id: UUID
    times: int
    of_times: int
    children: int
    of_children: int


def by_home(
    times: Collection[Time], living: Mapping[UUID | None, int], now: datetime
) -> list[Cluster]:
    """Homes from which children were missing more often than their number would let us expect.
    `living`: how many children live there now; `None`, in no home."""
    lately = [time for time in times if now - COUNTED < time.at <= now]
    counted = Counter(time.home_id for time in lately if time.home_id is not None)
    children = sum(living.values())
    clusters = [
        Cluster(home, n, len(lately), living.get(home, 0), children)
        for home, n in counted.items()
        if n >= FEWEST and n * children > living.get(home, 0) * len(lately)
    ]
    return sorted(clusters, key=lambda cluster: (-cluster.times, str(cluster.home_id)))


class Hours(msgspec.Struct, frozen=True):
    """Of `of_times` times, `times` began between these hours, which are a third of the day."""

    begin: int
    end: int
    times: int
    of_times: int


def by_hours(times: Collection[Time], now: datetime) -> list[Hours]:
    """Parts of the day in which more than half of all times began."""
    lately = [time for time in times if now - COUNTED < time.at <= now]
    counted = Counter(_part(time.at.astimezone(time.zone).hour) for time in lately)
    return [
        Hours(begin, end, n, len(lately))
        for (begin, end), n in counted.items()
        if n >= FEWEST and 2 * n > len(lately)
    ]


def _part(hour: int) -> tuple[int, int]:
    # The last of them goes over midnight.
    return next((part for part in PARTS if part[0] <= hour < part[1]), PARTS[-1])


# --- who had the shift

# A shift is shown only where at least this many check-ins were missed in it, by at least this many
# children: where one child alone misses, it is the child.
FEWEST_MISSED, FEWEST_CHILDREN = 5, 3
# With fewer check-ins than this in other shifts at the same hours, there is nothing to compare
# with.
FEWEST_BESIDE = 20
# A shift stands out with this many times the usual number at its hours.
STANDS_OUT = 2


class Due(msgspec.Struct, frozen=True):
    """The check-ins that were due at one moment, on one clock: how many, and how many of them were
    missed."""

    at: datetime
    zone: ZoneInfo
    asked: int
    missed: int


class OnShift(msgspec.Struct, frozen=True):
    """Of `asked` check-ins that were due while this person had the shift, `missed` were missed. By
    the rate of other shifts at the same hours, `usual` would have been. `moments`: when those that
    were missed were due, with the name of their clock."""

    person_id: UUID
    missed: int
    asked: int
    usual: float
    moments: frozenset[tuple[str, datetime]]


def by_shift(rounds: Collection[Due], shifts: Collection[Shift]) -> list[OnShift]:
    """People in whose shifts much more was missed than in others at the same hours of the day.

    We compare by thirds of the day, since at night more is missed in any person's shift. A third in
    which only this person ever had the shift is left out. Small numbers are not shown for anyone;
    whether fewer than `FEWEST_CHILDREN` missed them is for the caller to ask, by `moments`.
    """
    everybody, theirs = _Count(), defaultdict[UUID, _Count](_Count)
    for due, there in _on_duty(rounds, shifts):
        part = _part(due.at.astimezone(due.zone).hour)
        for count in (everybody, *(theirs[who] for who in there)):
            count.add(due, part)
    results = [_on_shift(who, count, everybody) for who, count in theirs.items()]
    return sorted(
        (result for result in results if result is not None),
        key=lambda result: (-result.missed, str(result.person_id)),
    )


class _Count:
    """Check-ins by thirds of the day: how many were due, and how many were missed, and when."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[int, int]] = Counter()
        self.missed: Counter[tuple[int, int]] = Counter()
        self.moments: dict[tuple[int, int], set[tuple[str, datetime]]] = defaultdict(set)

    def add(self, due: Due, part: tuple[int, int]) -> None:
        self.asked[part] += due.asked
        self.missed[part] += due.missed
        if due.missed:
            self.moments[part].add((due.zone.key, due.at))


def _on_duty(rounds: Collection[Due], shifts: Collection[Shift]) -> Iterator[tuple[Due, set[UUID]]]:
    """Those that were due during a shift, and the people who had that shift."""
    to_come = sorted(shifts, key=lambda shift: shift.begin, reverse=True)
    running: list[Shift] = []
    for due in sorted(rounds, key=lambda due: due.at):
        while to_come and to_come[-1].begin <= due.at:
            running.append(to_come.pop())
        running = [shift for shift in running if due.at < shift.end]
        if running:
            yield due, {shift.who for shift in running}


def _on_shift(who: UUID, here: _Count, everybody: _Count) -> OnShift | None:
    beside = {part: everybody.asked[part] - n for part, n in here.asked.items()}
    parts = [part for part, n in beside.items() if n]
    missed = sum(here.missed[part] for part in parts)
    usual = 0.0
    for part in parts:
        missed_beside = everybody.missed[part] - here.missed[part]
        usual += here.asked[part] * missed_beside / beside[part]
    if missed < max(FEWEST_MISSED, STANDS_OUT * usual):
        return None
    if sum(beside[part] for part in parts) < FEWEST_BESIDE:
        return None
    moments = frozenset(moment for part in parts for moment in here.moments[part])
    return OnShift(who, missed, sum(here.asked[part] for part in parts), usual, moments)
