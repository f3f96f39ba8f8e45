"""The bare server that ours is measured against: the same HTTP server, the same rows, nothing else.

No session, no validation, no rules: it trusts what comes, and writes check-in, watch, round and
entry by one hand-written statement for all that arrived while the last one was stored. On SQLite it
is a bare group commit of the same rows.
"""

import asyncio
import json
import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvicorn

_STATEMENT = """
WITH x AS (SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[])
             AS x(id, child_id, agency_id, said_at)),
k AS (INSERT INTO check_in (id, agency_id, child_id, by_id, by_role, said_at, received_at, want,
        mark, is_late, is_early, content_hash, answer)
      SELECT id, agency_id, child_id, child_id, 'child', said_at, $1, 'nothing', 'a', false, false,
        '', '{}' FROM x),
w AS (UPDATE watch SET due_at = following_due_at, opens_at = following_opens_at,
        next_action_at = following_action_at,
        following_due_at = NULL, standing = 'well', sign_at = $1, answered_at = $1
      FROM x WHERE watch.child_id = x.child_id),
r AS (UPDATE round SET state = 'answered', settled_at = $1, settled_by = x.id
      FROM x WHERE round.child_id = x.child_id AND round.state = 'open')
INSERT INTO entry (at, agency_id, who_id, who_role, what, child_id, about_kind, about_id, names)
SELECT $1, agency_id, child_id, 'child', 'check_in', child_id, 'check_in', id, '[]' FROM x
"""


class Bare:
    """An ASGI application by hand."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._pool: Any = None
        self._thread = ThreadPoolExecutor(1)
        self._sqlite: sqlite3.Connection | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            if self._url.startswith("postgres"):
                self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=2)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        said = json.loads((await receive())["body"])
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((said, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await future
        body = b'{"id":"%s","standing":"well"}' % said["id"].encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:256], self._waiting[256:]
                try:
                    await self._store([item for item, _ in batch])
                except Exception as fault:  # Whoever waits is told, as by any server.
                    for _, future in batch:
                        future.set_exception(fault)
                    raise
                for _, future in batch:
                    future.set_result(None)
        finally:
            self._worker = None

    async def _store(self, said: list[dict[str, Any]]) -> None:
        if self._pool is not None:
            await self._postgres(said)
        else:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._group_commit, said)

    async def _postgres(self, said: list[dict[str, Any]]) -> None:
        moments = [datetime.fromisoformat(one["said_at"]) for one in said]
        columns = [[one[name] for one in said] for name in ("id", "child", "agency")]
        await self._pool.execute(_STATEMENT, datetime.now(UTC), *columns, moments)

    def _group_commit(self, said: list[dict[str, Any]]) -> None:
        if self._sqlite is None:
            self._sqlite = sqlite3.connect(
                self._url.removeprefix("sqlite://"), isolation_level=None
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
                self._sqlite.execute(f"PRAGMA {pragma}")
        db, now = self._sqlite, datetime.now(UTC).isoformat(" ")
        db.execute("BEGIN IMMEDIATE")
        for one in said:
            id_, child, agency = one["id"], one["child"], one["agency"]
            db.execute(
                "INSERT INTO check_in (id, agency_id, child_id, by_id, by_role, said_at,"
                " received_at, want, mark, is_late, is_early, content_hash, answer) VALUES"
                " (?1, ?2, ?3, ?3, 'child', ?4, ?5, 'nothing', 'a', 0, 0, '', '{}')",
                (id_, agency, child, one["said_at"], now),
            )
            db.execute(
                "UPDATE watch SET due_at = following_due_at, opens_at = following_opens_at,"
                " next_action_at = following_action_at, following_due_at = NULL,"
                " standing = 'well', sign_at = ?1, answered_at = ?1 WHERE child_id = ?2",
                (now, child),
            )
            db.execute(
                "UPDATE round SET state = 'answered', settled_at = ?1, settled_by = ?2"
                " WHERE child_id = ?3 AND state = 'open'",
                (now, id_, child),
            )
            db.execute(
                "INSERT INTO entry (at, agency_id, who_id, who_role, what, child_id, about_kind,"
                " about_id, names)"
                " VALUES (?1, ?2, ?3, 'child', 'check_in', ?3, 'check_in', ?4, '[]')",
                (now, agency, child, id_),
            )
        db.execute("COMMIT")


if __name__ == "__main__":
    uvicorn.run(
        Bare(os.environ["WAYMARK_DATABASE_URL"]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
