"""Long work of one request, cut so that other requests take their turns in between."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")
# What is done for so many rows takes about two milliseconds.
AT_ONCE = 20


async def in_turns(items: Iterable[T], at_once: int = AT_ONCE) -> AsyncIterator[T]:
    """The items, in order. After each `at_once` of them, whatever else waits comes first: a
    check-in must not wait until a whole page is made."""
    for place, item in enumerate(items):
        if place and place % at_once == 0:
            await asyncio.sleep(0)
        yield item
