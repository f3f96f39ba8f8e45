"""Where each child is on the board, decided in the database: counts for all, and the rows to show.
Evidence and names are read for these rows alone.

`order` counts every child of a reader in one statement. For readers of thousands of children,
`large` takes the rows that are shown from indexes, and `tally` counts the others now and then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec

from server.desk.board.placing import LEFT, Part, gone_sql, rows_sql
from server.desk.board.view import Group, Place, View
from server.people.finding.scope import SEEING, Scope
from server.storage.db import as_id, as_moment, fetch_aside
from server.storage.statement import Statement


class Placed(msgspec.Struct, frozen=True):
    """One row to show, and its place."""

    child_id: UUID
    group: Group
    home_id: UUID | None
    place: Place


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a board of thousands knows of those who need no adult now: counted at `at`. `homes`: the
    first homes by name with how many are on time there, of `many_homes` in all."""

    at: datetime
    homes: Sequence[tuple[UUID | None, int]] = ()
    many_homes: int = 0


class Order(msgspec.Struct, frozen=True):
    """How many children are in each group and home, and the rows to show, in order."""

    counts: Mapping[tuple[Group, UUID | None], int]  # Of those who fit the filter.
    beside: Mapping[Group, int]  # Of those who do not fit it.
    rows: tuple[Placed, ...]
    left: tuple[UUID, ...] = ()  # Of those whose placement has ended, the latest.
    n_left: int = 0  # How many these are in all.
    # Whether those who need no adult now are not counted with the rest; and the last count.
    is_large: bool = False
    counted: Counted | None = None
    totals: Mapping[Group, int] = msgspec.field(default_factory=dict)  # By that count.
    # Whether those who are waited for are not counted with the rest either.
    is_crowded: bool = False
    # Whether `beside` was counted before, and when; None: nobody has counted it yet.
    is_beside_old: bool = False
    beside_at: datetime | None = None

    def count(self, group: Group) -> int:
        """How many are in this group, as far as it was counted."""
        if group not in self.totals:
            n = sum(n for (of, _), n in self.counts.items() if of is group)
            return n if self.knows(group) else max(n, self.shown(group))
        # Since that count, more may have come who are waited for.
        n = self.totals[group]
        return n if group in UNCOUNTED else max(n, self.shown(group))

    def shown(self, group: Group) -> int:
        """How many rows of this group are shown."""
        return sum(row.group is group for row in self.rows)

    def knows(self, group: Group) -> bool:
        """Whether anybody has counted this group."""
        is_counted = not self.is_large or not (self.is_crowded or group in UNCOUNTED)
        return is_counted or group in self.totals

    def is_calm(self) -> bool:
        """Whether nobody is waited for, by a count of now that leaves nobody out."""
        if self.is_crowded or self.is_beside_old:
            return False
        urgent = (Group.MISSING, Group.NOW, Group.BACK)
        others = (self.beside.get(group, 0) for group in (Group.MISSING, Group.NOW))
        return not any(map(self.count, urgent)) and not any(others)

    def well_by_home(self) -> dict[UUID | None, int]:
        """How many are on time, by home. Of many homes, the first ones by name."""
        if self.is_large:
            return dict(self.counted.homes) if self.counted is not None else {}
        return {home: n for (group, home), n in self.counts.items() if group is Group.WELL}


# Nobody waits for an adult in these, and there may be a million of them.
UNCOUNTED = frozenset({Group.DUE, Group.UNHEARD, Group.AWAY, Group.WELL})


async def order(scope: Scope, view: View) -> Order:
    """The counts of all children in the scope, and the rows that this view shows: one statement, so
    that they agree."""
    statement = Statement()
    part = Part(scope=scope.cte(statement, SEEING))
    sql = f"{rows_sql(scope, view, statement, part)} UNION ALL {gone_sql()}"
    return read_order(await fetch_aside(sql, statement.params))


def read_order(rows: Sequence[Mapping[str, Any]]) -> Order:
    """The order from the rows of that statement."""
    counts: dict[tuple[Group, UUID | None], int] = {}
    beside: dict[Group, int] = {}
    placed: list[tuple[int, Placed]] = []
    for row in rows:
        if row["grp"] == LEFT:
            continue
        group = Group(row["grp"])
        home = None if row["home_id"] is None else as_id(row["home_id"])
        if row["child_id"] is not None:
            placed.append((row["n"], _placed(row, group, home)))
        elif row["fits"]:
            counts[group, home] = row["n"]
        else:
            beside[group] = beside.get(group, 0) + row["n"]
    placed.sort(key=itemgetter(0))
    left, n_left = read_left(rows)
    return Order(counts, beside, tuple(row for _, row in placed), left, n_left)


def read_left(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[UUID, ...], int]:
    """The latest of those who have left, and how many they are."""
    gone = sorted((row for row in rows if row["grp"] == LEFT), key=itemgetter("rank"))
    return tuple(as_id(row["child_id"]) for row in gone), gone[0]["n"] if gone else 0


def _placed(row: Mapping[str, Any], group: Group, home: UUID | None) -> Placed:
    child_id = as_id(row["child_id"])
    return Placed(child_id, group, home, Place(row["rank"], as_moment(row["since"]), child_id))
