"""Long work in turns: whatever else waits comes in between."""

from __future__ import annotations

import asyncio

from server.storage.turns import in_turns


async def test_others_take_their_turn_after_every_few_items_and_none_is_lost() -> None:
    seen: list[object] = []

    async def other() -> None:
        seen.append("other")
        await asyncio.sleep(0)
        seen.append("other")

    task = asyncio.create_task(other())
    async for item in in_turns(range(7), 3):
        seen.append(item)
    await task
    assert seen == [0, 1, 2, "other", 3, 4, 5, "other", 6]
