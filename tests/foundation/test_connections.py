"""How large the head of a request may be and how long it may take, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import uvicorn

from server.serving import _uvicorn
from server.settings import load
from server.web.connections import guarded as connections
from server.web.connections.guarded import Guarded, Limits
from tests.copies import replace
from tests.fixtures import Database
from tests.serving import serving

QUICK = replace(Limits(), head_s=0.4, body_s=0.4, unread_s=0.4, linger_s=0.4)
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /whole HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


class Quick(Guarded):
    """The same in tenths of seconds."""

    limits = QUICK
    most = staticmethod(lambda: 5)


async def small_app(scope: Any, receive: Any, send: Any) -> None:
    """`/whole` says how long the body was; `/stream` sends until the reader goes; else "ok"."""
    if scope["type"] != "http":
        return
    taken = b""
    more = scope["path"] == "/whole"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        taken += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":
        for _ in range(12):
            await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
            await asyncio.sleep(0.1)
    if scope["path"] == "/much":
        for _ in range(400):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        scope["state"]["sent"].append("all")
    named = [name for name, _ in scope["headers"]]
    text = f"{len(taken)} ok {b'x-late' in named}".encode()
    await send({"type": "http.response.body", "body": text})


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(small_app, http=Quick, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await _until(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        await task


async def _ask(port: int, *pieces: bytes, pause: float = 0.0, within: float = 5.0) -> bytes:
    """Everything that comes back until the server closes; b"" where it closes without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()

    async def read() -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                answer.extend(piece)

    async with asyncio.timeout(within):
        reading = asyncio.create_task(read())
        for piece in pieces:
            if reading.done() or writer.is_closing():
                break
            writer.write(piece)
            with suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(pause)
        await reading
    writer.close()
    return bytes(answer)


def _status(answer: bytes) -> str:
    return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP") else repr(answer[:40])


def _head(*headers: bytes, path: bytes = b"/") -> bytes:
    lines = [b"GET %s HTTP/1.1" % path, b"Host: here", b"Connection: close", *headers]
    return b"\r\n".join([*lines, b"", b""])


async def test_a_client_that_has_said_all_it_will_say_gets_its_answer(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_head())
    writer.write_eof()
    async with asyncio.timeout(5):
        assert _status(await reader.read()) == "200"
    writer.close()


# --- the size of a head


async def test_a_head_of_32_kb_is_taken_and_a_larger_one_is_not(port):
    assert _status(await _ask(port, _head(b"X-A: " + b"a" * 32_000))) == "200"
    answer = await _ask(port, _head(b"X-A: " + b"a" * 32_768))
    assert _status(answer) == "431"
    assert b"connection: close" in answer
    assert b"delete the cookies of this site" in answer


async def test_a_head_without_an_end_is_refused_before_it_is_in_memory(port):
    flood = b"GET / HTTP/1.1\r\nX-A: " + b"a" * 200_000
    assert _status(await _ask(port, flood)) == "431"
    assert _status(await _ask(port, b"GET / HTTP/1.1\r\nX-" + b"a" * 200_000)) == "431"


async def test_many_small_headers_are_too_many(port):
    assert _status(await _ask(port, _head(*[b"X: 1"] * 98))) == "200"
    assert _status(await _ask(port, _head(*[b"X: 1"] * 99))) == "431"


async def test_an_address_that_is_too_long_is_named_so(port):
    assert _status(await _ask(port, _head(path=b"/" + b"a" * 32_000))) == "200"
    assert _status(await _ask(port, _head(path=b"/" + b"a" * 33_000))) == "414"


async def test_empty_lines_without_end_are_refused(port):
    assert _status(await _ask(port, b"\r\n" * 100_000)) == "431"


@pytest.mark.slow
async def test_headers_after_the_body_count_and_change_nothing(port):
    body = b"3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n"
    assert b"3 ok False" in await _ask(port, CHUNKED + body, within=7)
    flood = b"3\r\nabc\r\n0\r\n" + b"X-Late: 1\r\n" * 10_000
    assert _status(await _ask(port, CHUNKED, flood, pause=0.05)) == "431"
    one = b"3\r\nabc\r\n0\r\nX-Late: " + b"a" * 200_000
    assert _status(await _ask(port, CHUNKED, one, pause=0.05)) in ("400", "431")


async def test_the_frame_of_a_chunk_has_no_room_to_fill_memory(port):
    assert _status(await _ask(port, CHUNKED, b"3;" + b"a" * 200_000, pause=0.05)) == "400"


@pytest.mark.parametrize(
    "ends",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
)
async def test_a_request_with_two_ends_is_refused(port, ends):
    """A proxy may take one of them and we the other: what follows would be another's request."""
    asked = b"POST /whole HTTP/1.1\r\nHost: here\r\n" + ends + b"\r\n0\r\n\r\nGET /x HTTP/1.1\r\n"
    assert _status(await _ask(port, asked)) == "400"


async def test_nonsense_is_still_told_to_be_nonsense(port):
    assert _status(await _ask(port, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")) == "400"


# --- the time of a head


async def test_a_head_that_drips_is_over_in_time(port):
    dripping = [bytes([byte]) for byte in GET + b"x" * 200]
    answer = await _ask(port, *dripping[:20], pause=0.05)
    assert _status(answer) == "408"
    assert b"Please send it again" in answer


async def test_a_connection_that_says_nothing_is_closed_without_a_word(port):
    assert await _ask(port) == b""


async def test_half_a_second_request_is_over_in_time_too(port):
    answer = await _ask(port, GET, b"GET / HT", *[b"T"] * 20, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") <= 2


# --- the time of a body


async def test_a_body_that_drips_is_over_in_time(port):
    answer = await _ask(port, POST % (b"whole", 100), *[b"x"] * 20, pause=0.05)
    assert _status(answer) == "408"


async def test_a_body_in_chunks_that_drips_is_over_in_time(port):
    answer = await _ask(port, CHUNKED, *[b"1\r\nx\r\n"] * 20, pause=0.05)
    assert _status(answer) == "408"


async def test_a_slow_line_has_as_long_as_its_photo_needs(port):
    """At 4 kB a second, twice the least, it takes twice the time that a body has at once."""
    head = (
        b"POST /whole HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 4000\r\n\r\n"
    )
    answer = await _ask(port, head, *[b"x" * 400] * 10, pause=0.1)
    assert b"4000 ok" in answer


async def test_a_body_that_nobody_wanted_does_not_keep_its_connection(port):
    answer = await _ask(port, POST % (b"early", 1000), *[b"x"] * 30, pause=0.05)
    assert _status(answer) == "200"


# --- what may stay


async def test_a_stream_of_events_is_not_cut(port):
    head = b"GET /stream HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    assert (await _ask(port, head)).count(b"tick") == 12


async def test_half_a_request_behind_a_stream_does_not_cut_it(port):
    head = b"GET /stream HTTP/1.1\r\nHost: here\r\n\r\nGET / HT"
    assert (await _ask(port, head, within=9)).count(b"tick") == 12


async def test_a_refusal_never_comes_into_the_middle_of_an_answer(port):
    nonsense = b"GET /stream HTTP/1.1\r\nHost: here\r\n\r\n\x16\x03nonsense\r\n\r\n"
    answer = await _ask(port, nonsense)
    assert answer.count(b"tick") == 12
    assert answer.count(b"HTTP/1.1") == 1


async def test_requests_one_behind_the_other_are_all_answered(port):
    last = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    assert (await _ask(port, GET * 10 + last)).count(b"HTTP/1.1 200") == 11


async def test_a_thousand_requests_at_once_are_answered_to_the_limit(port):
    answer = await _ask(port, GET * 1000)
    assert answer.count(b"HTTP/1.1 200") in range(16, 19)
    assert b"connection: close" in answer


@pytest.mark.slow
async def test_an_upgrade_that_we_do_not_know_is_an_ordinary_request(port):
    head = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert _status(await _ask(port, head, within=9)) == "200"


async def test_a_reader_who_takes_nothing_is_dropped(port):
    before = connections.refusals["unread"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /much HTTP/1.1\r\nHost: here\r\n\r\n")
    await _until(lambda: connections.refusals["unread"] > before)
    writer.close()
    assert reader.at_eof() is False


async def test_where_there_is_no_room_the_one_that_waited_longest_gives_way(port):
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    assert _status(await _ask(port, _head())) == "200"
    for _, writer in crowd:
        writer.close()


async def test_where_everyone_is_being_answered_the_next_one_is_told_to_wait(port):
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    for _, writer in streams:
        writer.write(b"GET /stream HTTP/1.1\r\nHost: here\r\n\r\n")
    for reader, _ in streams:
        await reader.readuntil(b"tick")
    answer = await _ask(port)
    assert _status(answer) == "503"
    assert b"retry-after: 60" in answer
    for _, writer in streams:
        writer.close()


# --- the application behind it


def test_the_command_serves_with_these_bounds(tmp_path: Path):
    assert _uvicorn(load({}, tmp_path))["http"] is Guarded


def test_the_real_application_takes_no_head_beyond_the_limit(migrated: Database, tmp_path: Path):
    with serving(migrated.url, tmp_path) as served:
        fine = httpx2.get(f"{served.url}/health", headers={"x-much": "a" * 30_000})
        assert fine.status_code in (200, 503)
        assert "database" in fine.json()
        much = httpx2.get(f"{served.url}/health", headers={"x-much": "a" * 40_000})
        assert much.status_code == 431
        photo = b"x" * 2_000_000
        path = f"/api/v1/children/{served.ids['mia']}/pack/photos/{served.ids['mia']}"
        headers = served.bearer("tom") | {"content-type": "image/jpeg"}
        assert httpx2.put(served.url + path, content=photo, headers=headers).status_code != 408
