"""What a process queues goes out at once where that process sends, and each send looks once more
whether it still should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.notify.models import Message
from server.notify.sending.last_look import LastLook
from server.notify.sending.waking import Queued, waking
from server.storage.db import write
from server.storage.ids import uuid7
from tests.cast import Cast
from tests.notify.test_worker import phone_of, say
from tests.test_ticker import statements
from tests.walks.stage import Stage


class OnPurposeError(Exception):
    """Undoes a transaction."""


async def has_heard(queued: Queued) -> bool:
    """Whether it was woken by what came before."""
    try:
        await asyncio.wait_for(queued.wait(), 0.1)
    except TimeoutError:
        return False
    return True


async def test_what_is_queued_wakes_those_who_send_here(stage: Stage) -> None:
    with waking() as queued, waking() as other:
        await say(stage)
        assert await has_heard(queued)
        assert await has_heard(other)
        assert not await has_heard(queued), "once for each time"


async def test_what_is_not_due_wakes_nobody(stage: Stage) -> None:
    with waking() as queued:
        await say(stage, not_before=stage.clock() + timedelta(hours=1))
        assert not await has_heard(queued)


async def test_what_is_queued_a_second_time_wakes_nobody(stage: Stage) -> None:
    await say(stage)
    with waking() as queued:
        await say(stage)
        assert not await has_heard(queued)


async def say_and_undo(stage: Stage) -> None:
    async with write():
        await say(stage)
        raise OnPurposeError


async def test_what_is_undone_wakes_nobody(stage: Stage) -> None:
    with waking() as queued:
        with pytest.raises(OnPurposeError):
            await say_and_undo(stage)
        assert not await Message.exists()
        assert not await has_heard(queued)


@asynccontextmanager
async def sending(stage: Stage) -> AsyncIterator[None]:
    """The ticker sends what is queued, and looks at the outbox at no other time."""
    task = asyncio.create_task(stage.ticker._send_what_is_queued())
    await asyncio.sleep(0)
    try:
        yield
        if stage.ticker._running:
            await asyncio.wait(stage.ticker._running)
    finally:
        task.cancel()


async def test_it_goes_out_without_a_look_at_the_outbox(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    async with sending(stage):
        await say(stage)
        await asyncio.to_thread(stage.push.wait_for_ack)
    assert len(phone.received) == 1
    assert (await Message.get()).state == "done"


# --- the last look


async def messages(cast: Cast, worker: str, many: int) -> list[UUID]:
    common = {"agency_id": cast.agency.id, "person_id": cast.tom.id, "to_key": str(cast.tom.id)}
    how = {"channel": "push", "kind": "alert", "subject_kind": "alert", "leased_by": worker}
    made = [
        await Message.create(
            id=uuid7(), **common, **how, subject_id=uuid4(), queued_at=cast.clock(), state="sending"
        )
        for _ in range(many)
    ]
    return [message.id for message in made]


async def test_those_who_ask_at_once_are_answered_by_two_statements(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await messages(cast, "w", 20)
    [withdrawn, *rest] = ids
    await Message.filter(id=withdrawn).update(leased_by=None)
    look = LastLook("w")
    with caplog.at_level("DEBUG", logger="tortoise.db_client"):
        answers = await asyncio.gather(*(look.ours({id_}) for id_ in ids))
    assert answers == [set(), *({id_} for id_ in rest)]
    assert len(statements(caplog)) <= 2


async def test_who_asks_later_reads_what_was_withdrawn_since(cast: Cast) -> None:
    [id_] = await messages(cast, "w", 1)
    look = LastLook("w")
    assert await look.ours([id_]) == {id_}
    await Message.filter(id=id_).update(leased_by=None)
    assert await look.ours([id_]) == set()
    assert await look.ours([]) == set()


async def test_one_who_gives_up_costs_the_others_no_answer(cast: Cast) -> None:
    ids = await messages(cast, "w", 3)
    look = LastLook("w")
    first, *others = [asyncio.create_task(look.ours([id_])) for id_ in ids]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [{ids[1]}, {ids[2]}]
