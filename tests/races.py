"""Two at once, really at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from server.db import dialect, fetch, write

AT_ONCE = 6


async def together(*what: Awaitable[Any]) -> list[Any]:
    """What each came to, exceptions among them.

    A pool opens its connections one by one when they are first wanted, and so the first of several
    would be over before the second begins: they are opened before.
    """
    if dialect() == "postgres":
        await asyncio.gather(*(_held() for _ in range(AT_ONCE)))
    return await asyncio.gather(*what, return_exceptions=True)


async def _held() -> None:
    async with write():
        await fetch("SELECT pg_sleep(0.02)")


def no_fault(found: list[Any], *but: type[BaseException]) -> None:
    """Nothing of what `together` gave is an exception, except of these kinds."""
    faults = [one for one in found if isinstance(one, BaseException) and not isinstance(one, but)]
    assert not faults, faults
