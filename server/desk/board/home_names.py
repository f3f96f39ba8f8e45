"""The names of homes on the board. They are sealed, so only this process can sort them."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from uuid import UUID

from server.security.encryption import opened
from server.storage.db import among, as_id, fetch
from server.storage.turns import in_turns

_AT_ONCE = 200


async def homes_of(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of these homes."""
    wanted = list({id_ for id_ in ids if id_ is not None})
    names: dict[UUID, str] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        rows = await fetch(f"SELECT id, name FROM home WHERE id {among()}", [part])  # noqa: S608
        async for row in in_turns(rows):
            names[as_id(row["id"])] = _name(row["name"])
    return names


async def first_by_name(ids: Sequence[UUID], most: int) -> list[UUID]:
    """The first of these homes, by name."""
    names = await homes_of(ids)
    return sorted(names, key=lambda id_: (names[id_].casefold(), id_))[:most]


# A board opens the names of its homes at each renewal, to sort them. A home that gets another name
# has another sealed text.
_name = lru_cache(maxsize=16_384)(opened)
