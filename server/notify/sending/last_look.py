"""The last look before a send: is this message still ours, or has it just been withdrawn?

Each send asks for itself, at the last moment. Those that ask while a question is on its way are
asked about in the next one, all together: a hundred sends at once are a few statements.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

from server.storage.db import among, as_id, fetch

_HELD = "SELECT id FROM message WHERE id {any} AND leased_by = $2"


class LastLook:
    """Of one worker."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._asked: list[tuple[Collection[UUID], asyncio.Future[set[UUID]]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ours(self, ids: Collection[UUID]) -> set[UUID]:
        """Those of these messages that this worker still holds, read after this call. Raises what
        the database raises."""
        if not ids:
            return set()
        answer: asyncio.Future[set[UUID]] = asyncio.get_running_loop().create_future()
        self._asked.append((ids, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(
        self, asked: Collection[tuple[Collection[UUID], asyncio.Future[set[UUID]]]]
    ) -> None:
        every = {id_ for ids, _ in asked for id_ in ids}
        try:
            held = await fetch(_HELD.format(any=among()), [list(every), self._worker])
            ours = {as_id(row["id"]) for row in held}
        except Exception as fault:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(fault)
            return
        for ids, answer in asked:
            if not answer.done():
                answer.set_result(ours & set(ids))
