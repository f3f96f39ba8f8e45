"""Large tables of PostgreSQL, each month apart. SQLite keeps one table.

A model says so, and a migration makes it so (`operations.PartitionByMonth`):

    class CheckIn(Model):
        by_month = ByMonth("received_at", once=("id",))

PostgreSQL has no unique over all months unless it holds the column that they are divided by. What
must be unique without it is kept in a narrow table beside, `check_in_key`: one key for each row, in
whichever month that is. Triggers see to it, once a statement, for every writer; and `bulk.insert`
asks it first where it may leave a known row out.

Rows whose month has no partition go into the default one. So nothing is ever refused, and a month
without a partition only costs speed.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

import msgspec

# Partitions are there for the month that is, and for so many after it.
AHEAD = 2


class ByMonth(msgspec.Struct, frozen=True):
    """How the rows of a model are divided into months.

    `column` holds a moment, or a UUIDv7 (`is_id`), which begins with one. `once` are the columns
    that no two rows of all months may share, where the primary key and the uniques that hold
    `column` do not say so already.
    """

    column: str
    is_id: bool = False
    once: tuple[str, ...] = ()


def key_table(table: str) -> str:
    """The narrow table of the keys of all months."""
    return f"{table}_key"


def key_sql(once: Sequence[str], of: str) -> str:
    """SQL for the key of a row: its id, or 128 bits of SHA-256 over what must be unique."""
    if len(once) == 1:
        return f'{of}."{once[0]}"'
    texts = ", ".join(f'{of}."{name}"' for name in once)
    whole = f"encode(sha256(convert_to(concat_ws('|', {texts}), 'UTF8')), 'hex')"
    return f"left({whole}, 32)::uuid"


def month_of(at: datetime) -> datetime:
    """The beginning of the month, in UTC."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(month: datetime) -> datetime:
    """The beginning of the next month."""
    in_year, number = divmod(month.month, 12)
    return month.replace(year=month.year + in_year, month=number + 1)


def months(first: datetime, last: datetime) -> Iterator[datetime]:
    """The beginning of each month from that of `first` to that of `last`."""
    month = month_of(first)
    while month <= last:
        yield month
        month = month_after(month)


def ahead(now: datetime) -> list[datetime]:
    """The months that have partitions: this one, and AHEAD more."""
    first = month_of(now)
    return [first, *islice(months(month_after(first), datetime.max.replace(tzinfo=UTC)), AHEAD)]


def bound(month: datetime, *, is_id: bool) -> str:
    """SQL for the least value of the month: a moment, or the first UUIDv7 that was made in it."""
    if not is_id:
        return f"'{month.isoformat()}'"
    milliseconds = f"{int(month.timestamp() * 1000):012x}"
    return f"'{milliseconds[:8]}-{milliseconds[8:]}-0000-0000-000000000000'"
