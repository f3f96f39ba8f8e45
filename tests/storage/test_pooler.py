"""Behind a pooler in transaction mode: it starts, it works, and it says that pages are not live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from server import checking
from server.errors import Unavailable
from server.settings import SettingFault, load
from server.storage.db import close_database, fetch, open_database, write
from server.storage.engines import postgres as engine
from server.storage.engines.migrate import pending
from server.web import listening, live
from server.web.hub import RESYNC
from server.web.live import announce, subscribe
from tests.cast import Cast
from tests.doubles.pooler import pooling
from tests.fixtures import Database

HARBOUR = UUID("00000000-0000-7000-8000-000000000001")


@pytest_asyncio.fixture
async def pooled(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a migrated PostgreSQL through a pooler."""
    monkeypatch.setattr(listening, "ECHO_WITHIN_S", 0.5)
    monkeypatch.setattr(listening, "LOOK_AGAIN_S", 0.2)
    port = urlsplit(migrated.url).port
    assert port is not None
    async with pooling(port) as through:
        yield migrated.url.replace(f":{port}/", f":{through}/")


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


only_postgres = pytest.mark.parametrize("migrated", ["postgres"], indirect=True)


@only_postgres
async def test_it_connects_and_writes_through_a_pooler(pooled: str) -> None:
    assert await pending(pooled) == []
    await open_database(pooled)
    try:
        async with write():
            (row,) = await fetch("SHOW idle_in_transaction_session_timeout")
            # The protection stays: a transaction that somebody forgot holds no locks for ever.
            assert row["idle_in_transaction_session_timeout"] == "20s"
        (row,) = await fetch("SHOW idle_in_transaction_session_timeout")
        assert row["idle_in_transaction_session_timeout"] == "0"
    finally:
        await close_database()


@only_postgres
async def test_nothing_is_heard_through_a_pooler_and_pages_look_by_themselves(pooled: str) -> None:
    await open_database(pooled)
    await live.open_live()
    try:
        await _until(lambda: not live.is_live())
        page = subscribe(HARBOUR)
        for _ in range(3):
            async with asyncio.timeout(5):
                assert await anext(page) == RESYNC
        page.close()
        assert not live.is_live()
    finally:
        await live.close_live()
        await close_database()


@only_postgres
async def test_a_direct_address_to_listen_at_makes_it_live(pooled: str, migrated: Database) -> None:
    await open_database(pooled)
    await live.open_live(migrated.url)
    try:
        await _until(live.is_live)
        page = subscribe(HARBOUR)
        async with write():
            await announce(HARBOUR, "alerts")
        async with asyncio.timeout(5):
            heard = {await anext(page)}
            while "alerts" not in heard and RESYNC in heard:
                heard = {await anext(page)}
        assert heard == {"alerts"}
        page.close()
    finally:
        await live.close_live()
        await close_database()


@only_postgres
async def test_an_echo_that_stays_away_later_is_noticed_and_so_is_its_return(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "ECHO_EVERY_S", 0.1)
    monkeypatch.setattr(listening, "ECHO_WITHIN_S", 0.5)
    monkeypatch.setattr(listening, "LOOK_AGAIN_S", 0.2)
    await open_database(migrated.url)
    await live.open_live()
    try:
        await _until(live.is_live)
        # What takes the listening away and leaves the connection open.
        rows = await fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'LISTEN%'"
        )
        assert rows
        monkeypatch.setattr(listening, "CHANNEL", "elsewhere")
        await _until(lambda: not live.is_live())
        await _until(live.is_live)
    finally:
        await live.close_live()
        await close_database()


@only_postgres
async def test_the_check_says_what_to_set(pooled: str, migrated: Database, tmp_path: Path) -> None:
    environ = {"WAYMARK_DATABASE_URL": pooled, "WAYMARK_VAR": str(tmp_path)}
    (said,) = await checking.listening_faults(load(environ, tmp_path))
    assert "WAYMARK_LISTEN_URL" in said
    environ["WAYMARK_LISTEN_URL"] = migrated.url
    assert await checking.listening_faults(load(environ, tmp_path)) == []
    environ["WAYMARK_LISTEN_URL"] = "postgres://nobody@127.0.0.1:1/x"
    (said,) = await checking.listening_faults(load(environ, tmp_path))
    assert said.startswith("WAYMARK_LISTEN_URL cannot be listened to")


@pytest.mark.parametrize(
    ("text", "database"),
    [
        ("sqlite://x", "postgres://u@h/db"),
        ("postgres://u@h:x/db", "postgres://u@h/db"),
        ("postgres://u@h", "postgres://u@h/db"),
        ("postgres://u@h/db", "sqlite://x"),
    ],
)
def test_a_malformed_address_is_one_line_that_names_it(
    text: str, database: str, tmp_path: Path
) -> None:
    environ = {"WAYMARK_LISTEN_URL": text, "WAYMARK_DATABASE_URL": database}
    with pytest.raises(SettingFault, match=r"^WAYMARK_LISTEN_URL ") as fault:
        load(environ | {"WAYMARK_VAR": str(tmp_path)}, tmp_path)
    assert "\n" not in str(fault.value)


def test_a_pooler_that_loses_statements_is_said_to_be_one() -> None:
    with pytest.raises(Unavailable) as fault, engine._telling():
        raise asyncpg.InvalidSQLStatementNameError("prepared statement does not exist")
    assert "statement_cache_size=0" in fault.value.extra["why"]


async def test_health_and_board_say_that_pages_are_not_live(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cast.browser_as("tom") as tom:
        assert (await tom.get("/health")).json()["live_updates"] == "ok"
        assert "Live updates are off" not in (await tom.get("/desk/")).text
        monkeypatch.setattr(live._hub, "is_live", False)
        health = await tom.get("/health")
        assert health.json()["live_updates"] == "away"
        assert "This page updates every 30 seconds" in (await tom.get("/desk/")).text


@only_postgres
async def test_a_text_whose_plan_a_migration_spoiled_is_not_sent_again(migrated: Database) -> None:
    """A pooler answers a text that it has seen with the plan of before, again and again."""
    before = engine.Connection.refused
    ask = "SELECT standing FROM watch FOR UPDATE"
    await open_database(f"{migrated.url}?maxsize=1")
    try:
        await fetch(ask)
        await fetch("ALTER TABLE watch ALTER COLUMN standing TYPE varchar(99)")
        with pytest.raises(Unavailable):
            async with write():
                await fetch(ask)
        async with write():
            await fetch(ask)
        prepared = await fetch("SELECT statement FROM pg_prepared_statements")
        [text] = [row["statement"] for row in prepared if row["statement"].startswith(ask)]
        assert text == f"{ask} /* {before + 1} */"
    finally:
        await close_database()
        engine.Connection.refused = before


@only_postgres
async def test_a_plan_that_a_pooler_kept_for_others_is_refused_once_at_most(
    migrated: Database,
) -> None:
    """A process that starts after the migration meets it as soon as it prepares the text."""
    before = engine.Connection.refused
    ask = "SELECT standing FROM watch ORDER BY child_id FOR UPDATE"
    port = urlsplit(migrated.url).port
    assert port is not None
    kept = ask if before == 0 else f"{ask} /* {before} */"
    async with pooling(port, spoiled={kept}) as through:
        await open_database(migrated.url.replace(f":{port}/", f":{through}/"))
        try:
            with pytest.raises(Unavailable) as refused:
                async with write():
                    await fetch(ask)
            assert refused.value.extra["why"] == "InvalidCachedStatementError"
            async with write():
                assert await fetch(ask) == []
            assert engine.Connection.refused == before + 1
        finally:
            await close_database()
            engine.Connection.refused = before
