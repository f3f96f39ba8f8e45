"""A long list of the API in parts: each begins after the last row of the one before."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from server.errors import Refused
from server.i18n import N_

MOST = 200
# How a request asks for a part: after the row with this id, and so many rows.
QUERY = {"after": UUID, "limit": Annotated[int, msgspec.Meta(ge=1, le=MOST)]}

M = TypeVar("M", bound=Model)


async def part_after(
    rows: QuerySet[M],
    key: str,
    after: UUID | None,
    limit: int | None,
    pick: Callable[[list[M]], Awaitable[list[M]]],
) -> tuple[list[M], UUID | None]:
    """So many of the rows that `pick` leaves, by that column and their id, and the last id where
    there are more. Rows are read `MOST` at a time, until there are enough.

    Raises Refused, naming `after`, for an id that no row has.
    """
    enough, picked = (limit or MOST) + 1, list[M]()
    last = None if after is None else await _row(rows, after)
    while len(picked) < enough:
        later = rows if last is None else rows.filter(_later(key, last))
        chunk = await later.order_by(key, "id").limit(MOST)
        if not chunk:
            break
        picked += await pick(chunk)
        last = chunk[-1]
    part = picked[: enough - 1]
    return part, part[-1].pk if len(picked) >= enough else None


def unknown() -> Refused:
    """The error for a part that begins after nothing that we know."""
    return Refused(N_("“{field}” is not valid."), field="after")


async def _row(rows: QuerySet[M], id_: UUID) -> M:
    row = await rows.model.get_or_none(id=id_)
    if row is None:
        raise unknown()
    return row


def _later(key: str, row: Model) -> Q:
    value = getattr(row, key)
    return Q(**{f"{key}__gt": value}) | Q(**{key: value, "id__gt": row.pk})
