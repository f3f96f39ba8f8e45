"""Which answers a worker can read: those in which the child says something to them."""

from collections.abc import Iterable
from uuid import UUID

from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.people.rules import Role


def to_be_read(rows: Iterable[CheckIn]) -> list[UUID]:
    """The answers of the child with words or a wish, in the order given."""
    return [
        row.id
        for row in rows
        if row.by_role == Role.CHILD and (row.note or row.want != Want.NOTHING)
    ]
