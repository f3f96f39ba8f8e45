"""The partitions of the months to come, on PostgreSQL (`engines/partitions.py`)."""

from collections.abc import Iterator
from datetime import datetime

from tortoise.context import require_context

from server import logs
from server.storage.db import dialect, fetch, write
from server.storage.engines.dividing import make_month, make_past
from server.storage.engines.partitions import ByMonth, months

log = logs.get("storage")

# The name of our lock among PostgreSQL's advisory locks; that of the upgrade is one less.
LOCK = 0x77_61_79_6E
# Who waits for the lock on a table makes everyone wait who comes after. There is time until the
# month begins.
WAIT = "2s"


async def make_months(first: datetime, last: datetime) -> list[str]:
    """Make the partitions of all months from `first` to `last` that are not there; returns their
    names.

    One transaction each. Several processes may do so at once. Raises what the database raises, for
    example where a lock is not to be had: what was made stays, so it can be called again.
    """
    made: list[str] = []
    new: set[str] = set()
    if dialect() == "sqlite":
        return made
    try:
        for table, by in _tables():
            for month in months(first, last):
                async with write() as client:
                    await fetch(f"SET LOCAL lock_timeout = '{WAIT}'")
                    await fetch(f"SELECT pg_advisory_xact_lock({LOCK})")
                    is_new = await make_month(client, table, by, month)
                if is_new:
                    made.append(f"{table}_{month:%Y_%m}")
                    new.add(f"{month:%Y-%m}")
    finally:
        if made:
            log.info("storage.months_made", partitions=len(made), months=sorted(new))
    return made


async def make_room_for_past() -> None:
    """Make a partition for all that is older than the first month, in the caller's transaction.

    What a backup brings would fill the default partition, and PostgreSQL reads that one from end to
    end, with all who read and write waiting, whenever a month is made.
    """
    if dialect() == "postgres":
        async with write() as client:
            for table, by in _tables():
                await make_past(client, table, by)


def _tables() -> Iterator[tuple[str, ByMonth]]:
    apps = require_context().apps
    assert apps is not None
    for model in apps.apps["server"].values():
        by: ByMonth | None = getattr(model, "by_month", None)
        if by is not None:
            yield model._meta.db_table, by
