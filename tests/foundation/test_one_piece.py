"""An answer leaves as one piece, and nothing of it is kept back for long."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from server.web.connections.one_piece import MOST_BYTES, InOnePiece


class Transport:
    """Notes what was done with it, in order."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.is_over = False

    def writelines(self, pieces: list[bytes]) -> None:
        self.done.append(b"".join(pieces))

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("close")
        self.is_over = True

    def abort(self) -> None:
        self.done.append("abort")
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def get_write_buffer_size(self) -> int:
        return 7


def both() -> tuple[Transport, Any]:
    transport = Transport()
    return transport, InOnePiece(cast(asyncio.Transport, transport), asyncio.get_running_loop())


async def test_head_and_body_are_sent_together_before_the_loop_goes_on():
    transport, ours = both()
    ours.write(b"head ")
    ours.write(b"body")
    assert transport.done == []
    await asyncio.sleep(0)
    assert transport.done == [b"head body"]
    ours.write(b"next")
    await asyncio.sleep(0)
    assert transport.done == [b"head body", b"next"]


async def test_a_long_answer_is_not_gathered_in_memory():
    transport, ours = both()
    for _ in range(5):
        ours.write(b"x" * (MOST_BYTES // 2))
    assert [len(piece) for piece in transport.done] == [MOST_BYTES // 2 * 3]
    await asyncio.sleep(0)
    assert sum(len(piece) for piece in transport.done) == MOST_BYTES // 2 * 5


async def test_what_was_written_goes_out_before_the_end():
    transport, ours = both()
    ours.write(b"last words")
    ours.write_eof()
    ours.close()
    await asyncio.sleep(0)
    assert transport.done == [b"last words", "eof", "close"]


async def test_a_connection_that_was_cut_gets_nothing_more():
    transport, ours = both()
    ours.write(b"too late")
    ours.abort()
    await asyncio.sleep(0)
    assert transport.done == ["abort"]


async def test_all_else_is_asked_of_the_transport_itself():
    _, ours = both()
    assert ours.get_write_buffer_size() == 7
