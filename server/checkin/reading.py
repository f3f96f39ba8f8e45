"""What is read of an answer: when it was said, and whether it says something to a worker."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.people.rules import Role

# An answer that arrives this long after it was said had waited on a phone without a network.
HAD_WAITED = timedelta(minutes=10)


def said_before(row: CheckIn) -> datetime | None:
    """When it was said, where it came so much later that we say both. None also where we cannot
    know: then it may be as old."""
    # An earlier release kept the phone's clock alone.
    return waited(row.spoken_at or (None if row.is_old else row.said_at), row.received_at)


def waited(said_at: datetime | None, at: datetime) -> datetime | None:
    """That moment, by our clock, where what was said then came so much later."""
    return said_at if said_at and at - said_at > HAD_WAITED else None


def to_be_read(rows: Iterable[CheckIn]) -> list[UUID]:
    """The answers of the child with words or a wish, in the order given."""
    return [
        row.id
        for row in rows
        if row.by_role == Role.CHILD and (row.note or row.want != Want.NOTHING)
    ]
