"""The hot path: check-ins that arrive within the same few milliseconds share one transaction.

It takes only the common case: a child's own "I'm OK" while nothing is late, nobody has been called
and no moment of the watch is waiting for the tick; said since the round that is open has opened,
and since the last sign of the child. There it does what `actions.record` does with
rules and rows: in one statement on PostgreSQL, and in a handful on SQLite for all of them. A test
compares the two. **It can only accept.** For anything else it changes nothing and returns None, and
the caller goes the long way, which can refuse.

The watch stores the round after the current one and the moment of the decision after it, so that
settling needs no rules and no read first (`watch.watch_state.as_row`).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.checkin.rules import Answer, Want, content
from server.checkin.words import as_text
from server.clock import Clock
from server.errors import Unavailable
from server.security import encryption
from server.storage.db import as_document, as_id, dialect, fetch, sqlite_file, write
from server.storage.engines.parameters import moment_to_text
from server.storage.engines.raw_sqlite import RawSqlite, SqliteAtOnce
from server.storage.engines.together import Together
from server.web.live import announce

MOST = 256
# Boards hear of ordinary answers at most once a second: a NOTIFY makes commits queue up.
TELL_EVERY_S = 1.0


class Tap(msgspec.Struct, frozen=True):
    """One answer as it came in, the hash of its token, and the phone that it named, if any."""

    token_hash: str
    phone: UUID | None
    answer: Answer
    spoken_at: datetime | None  # By our clock; None: we cannot know.
    note: str | None  # Sealed.
    content_hash: str


class Taken(msgspec.Struct, frozen=True):
    """What the hot path made of an answer."""

    agency_id: UUID
    answer: dict[str, Any]


class FastLane:
    """Gathers taps and stores them together. One per process, opened and closed with the web."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._together: Together[Tap, Taken | None] | None = None
        self._sqlite: SqliteAtOnce[tuple[Tap, datetime], Taken | None] | None = None
        self._untold: set[UUID] = set()
        self._teller: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin. The database is open already."""
        if dialect() == "sqlite":
            self._sqlite = SqliteAtOnce(sqlite_file(), _take_in_sqlite)
        # On PostgreSQL another process stores; on SQLite it is ours, and the disk waits for it.
        self._together = Together(self._store, most=MOST, in_halves=self._sqlite is None)

    async def close(self) -> None:
        """Store what was taken, then stop."""
        if self._together is not None:
            await self._together.close()
            self._together = None
        if self._sqlite is not None:
            await self._sqlite.close()
            self._sqlite = None
        if self._teller is not None:
            self._teller.cancel()

    async def take(
        self, token_hash: str, phone: UUID | None, answer: Answer, content_hash: str | None = None
    ) -> dict[str, Any] | None:
        """The body of the answer if the hot path could take it, else None: go the long way.
        `content_hash`: where the caller has it."""
        if self._together is None or answer.want is not Want.NOTHING:
            return None
        note = encryption.seal(answer.note) if answer.note is not None else None
        hash_ = content_hash or encryption.blind(content(answer))
        tap = Tap(token_hash, phone, answer, answer.spoken_at(self._clock()), note, hash_)
        taken = await self._together.submit(tap)
        if taken is None:
            return None
        self._tell_later(taken.agency_id)
        return taken.answer

    async def _store(self, taps: list[Tap]) -> Sequence[Taken | Exception | None]:
        now = self._clock()
        if self._sqlite is not None:
            return await self._sqlite([(tap, now) for tap in taps])
        taken = await _take_all(taps, now)
        # Where all go on to the slow lane nothing was stored, and they go there as one.
        if self._together is not None:
            self._together.in_halves = any(taken)
        return taken

    def _tell_later(self, agency_id: UUID) -> None:
        self._untold.add(agency_id)
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Until everyone is told: also of a tap that came while we told, or while the database was
        away."""
        while self._untold:
            await asyncio.sleep(TELL_EVERY_S)
            agencies, self._untold = self._untold, set()
            try:
                async with write():
                    for agency_id in agencies:
                        await announce(agency_id, "watch")
            except Unavailable:
                self._untold |= agencies


# Whose tap this is, and whether the watch is in the common case. Both databases; `$1` is now.
_WHO = """
  JOIN session s ON s.token_hash = x.token_hash AND s.ended_at IS NULL
   AND (s.expires_at IS NULL OR s.expires_at > $1)
   AND (x.phone IS NULL OR x.phone = s.device_id)
  JOIN person p ON p.id = s.person_id AND p.role = 'child' AND p.disabled_at IS NULL
  LEFT JOIN device d ON d.id = s.device_id
  JOIN watch w ON w.child_id = s.person_id AND w.standing IN ('well', 'due')
   AND w.missed_due_at IS NULL AND w.alarm_at IS NULL AND w.next_action_at > $1
   AND (w.opens_at > $1 OR w.following_due_at IS NOT NULL)
   AND (x.spoken_at IS NULL OR x.spoken_at >= w.sign_at
    AND (w.opens_at > $1 OR x.spoken_at >= w.opens_at))
  LEFT JOIN {known} ON k.id = x.id
 WHERE d.shut_out_at IS NULL AND k.id IS NULL
"""

# The keys of all months: one look instead of one a month (`storage/engines/partitions.py`).
_KNOWN = "(SELECT key AS id FROM check_in_key) AS k"

# Settling moves the next round into the place of the current one; an early answer moves nothing.
_SETTLE = """
  due_at = CASE WHEN w.opens_at <= $1 THEN w.following_due_at ELSE w.due_at END,
  opens_at = CASE WHEN w.opens_at <= $1 THEN w.following_opens_at ELSE w.opens_at END,
  next_action_at = CASE WHEN w.opens_at <= $1 THEN w.following_action_at ELSE w.next_action_at END,
  following_due_at = CASE WHEN w.opens_at <= $1 THEN NULL ELSE w.following_due_at END,
  following_opens_at = CASE WHEN w.opens_at <= $1 THEN NULL ELSE w.following_opens_at END,
  following_action_at = CASE WHEN w.opens_at <= $1 THEN NULL ELSE w.following_action_at END,
  prompted = CASE WHEN w.opens_at <= $1 THEN 0 ELSE w.prompted END,
  standing = 'well', sign_at = COALESCE({x}.spoken_at, $1),
  answered_at = COALESCE({x}.spoken_at, $1), version = w.version + 1
"""

_POSTGRES = f"""
WITH x AS (
  SELECT * FROM unnest($3::text[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[],
                       $8::int[], $9::text[], $10::uuid[], $11::timestamptz[])
    WITH ORDINALITY
    AS x(token_hash, id, said_at, mark, content_hash, mood, note, phone, spoken_at, n)
), who AS (
  SELECT DISTINCT ON (w.child_id) x.*, s.agency_id, s.device_id, w.child_id, w.version, w.listens,
         w.due_at AS was_due_at, w.opens_at AS was_opens_at
    FROM x {_WHO.format(known=_KNOWN)}
   ORDER BY w.child_id, x.n
), settled AS (
  UPDATE watch AS w SET {_SETTLE.format(x="who")}
    FROM who WHERE w.child_id = who.child_id AND w.version = who.version
  RETURNING who.*, w.due_at AS next_due_at
), kept AS (
  INSERT INTO check_in (id, agency_id, child_id, by_id, by_role, device_id, said_at, received_at,
                        spoken_at, mood, note, want, mark, is_late, is_early, duress_check_at,
                        content_hash, answer)
  SELECT id, agency_id, child_id, child_id, 'child', device_id, said_at, $1, spoken_at, mood, note,
         'nothing', mark, false, was_opens_at > $1, CASE WHEN listens THEN $1 END, content_hash,
         jsonb_build_object('id', id::text, 'received_at', $2::text, 'standing', 'well',
           'next_due_at',
           to_char(next_due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    FROM settled
  RETURNING id, answer
), rounds AS (
  UPDATE round SET state = 'answered', settled_at = $1, settled_by = settled.id
    FROM settled WHERE round.child_id = settled.child_id AND round.state = 'open'
     AND round.due_at = settled.was_due_at AND round.opens_at <= $1
  RETURNING round.id
), withdrawn AS (
  -- What a worker has in its hands in this moment is left to it: waiting for it here, while it
  -- waits for another reminder of this batch, would be a deadlock.
  UPDATE message SET state = 'withdrawn', next_action_at = NULL, leased_by = NULL, done_at = $1,
         why = 'settled'
   WHERE id IN (
     SELECT message.id FROM message JOIN rounds ON rounds.id = message.subject_id
      WHERE message.state IN ('waiting', 'sending') FOR UPDATE OF message SKIP LOCKED)
), noted AS (
  INSERT INTO entry (at, agency_id, who_id, who_role, what, child_id, about_kind, about_id, names)
  SELECT $1, agency_id, child_id, 'child', 'check_in', child_id, 'check_in', id, '[]'::jsonb
    FROM settled
)
SELECT settled.n, settled.agency_id, kept.answer FROM settled JOIN kept ON kept.id = settled.id
"""  # noqa: S608 (put together from the constants above)


async def _take_all(taps: list[Tap], now: datetime) -> list[Taken | None]:
    rows = await fetch(
        _POSTGRES,
        [
            now,
            as_text(now),
            [tap.token_hash for tap in taps],
            [tap.answer.id for tap in taps],
            [tap.answer.said_at for tap in taps],
            [tap.answer.mark for tap in taps],
            [tap.content_hash for tap in taps],
            _if_any([tap.answer.mood for tap in taps]),
            _if_any([tap.note for tap in taps]),
            _if_any([tap.phone for tap in taps]),
            _if_any([tap.spoken_at for tap in taps]),
        ],
    )
    taken: list[Taken | None] = [None] * len(taps)
    for row in rows:
        taken[row["n"] - 1] = Taken(  # ORDINALITY counts from 1.
            as_id(row["agency_id"]), as_document(row["answer"])
        )
    return taken


def _if_any(values: list[Any]) -> list[Any]:
    """These, or none where all are None: `unnest` fills a shorter array up with NULL."""
    return values if any(value is not None for value in values) else []


# SQLite has no statement that writes several tables, so the accepted rows go into a temporary table
# of this connection. SQLite does not know how full that table is, so we fix the order of the joins:
# with CROSS, and with a `+` before what it must not look up.
_SQLITE_TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS tap (n INTEGER PRIMARY KEY, token_hash TEXT, id TEXT,"
    " said_at TEXT, mood INTEGER, note TEXT, mark TEXT, content_hash TEXT, phone TEXT,"
    " spoken_at TEXT)",
    "CREATE TEMP TABLE IF NOT EXISTS taken (child_id TEXT PRIMARY KEY, id TEXT UNIQUE, n INTEGER,"
    " agency_id TEXT, device_id TEXT, was_due_at TEXT, is_early INTEGER, listens INTEGER,"
    " answer TEXT, spoken_at TEXT)"
    " WITHOUT ROWID",
    "DELETE FROM temp.tap",
    "DELETE FROM temp.taken",
)
_SQLITE_TAPS = "INSERT INTO temp.tap VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SQLITE_TAKE = f"""
INSERT OR IGNORE INTO temp.taken
SELECT w.child_id, x.id, x.n, s.agency_id, s.device_id, w.due_at, w.opens_at > $1, w.listens,
       json_object('id', x.id, 'received_at', $2, 'next_due_at',
         strftime('%Y-%m-%dT%H:%M:%fZ',
           CASE WHEN w.opens_at <= $1 THEN w.following_due_at ELSE w.due_at END),
         'standing', 'well'), x.spoken_at
  FROM temp.tap AS x CROSS {_WHO.format(known="check_in k").strip()}
 ORDER BY x.n
"""  # noqa: S608 (put together from the constants above)
_SQLITE = (
    f"""
UPDATE watch AS w SET {_SETTLE.format(x="t")} FROM temp.taken AS t WHERE w.child_id = +t.child_id
""",  # noqa: S608
    """
INSERT INTO check_in (id, agency_id, child_id, by_id, by_role, device_id, said_at, received_at,
                      spoken_at, mood, note, want, mark, is_late, is_early, duress_check_at,
                      content_hash, answer)
SELECT t.id, t.agency_id, t.child_id, t.child_id, 'child', t.device_id, x.said_at, $1, x.spoken_at,
       x.mood, x.note, 'nothing', x.mark, 0, t.is_early, CASE WHEN t.listens THEN $1 END,
       x.content_hash, t.answer
  FROM temp.taken AS t JOIN temp.tap AS x ON x.n = t.n
""",
    """
INSERT INTO entry (at, agency_id, who_id, who_role, what, child_id, about_kind, about_id, names)
SELECT $1, agency_id, child_id, 'child', 'check_in', child_id, 'check_in', id, '[]'
  FROM temp.taken
""",
)
_SQLITE_ROUNDS = """
UPDATE round SET state = 'answered', settled_at = $1, settled_by = t.id
  FROM temp.taken AS t WHERE round.child_id = +t.child_id AND round.due_at = +t.was_due_at
   AND round.state = 'open' AND round.opens_at <= $1
RETURNING round.id
"""
_SQLITE_WITHDRAW = """
UPDATE message SET state = 'withdrawn', next_action_at = NULL, leased_by = NULL, done_at = $1,
       why = 'settled'
 WHERE subject_id IN (SELECT value FROM json_each($2)) AND state IN ('waiting', 'sending')
"""


def _take_in_sqlite(db: RawSqlite, items: list[tuple[Tap, datetime]]) -> list[Taken | None]:
    now = items[0][1]
    for sql in _SQLITE_TABLES:
        db.run(sql)
    db.fill(_SQLITE_TAPS, (_row(n, tap) for n, (tap, _) in enumerate(items)))
    db.fetch(_SQLITE_TAKE, [now, as_text(now)])
    for sql in _SQLITE:
        db.fetch(sql, [now])
    rounds = db.fetch(_SQLITE_ROUNDS, [now])
    if rounds:
        db.fetch(_SQLITE_WITHDRAW, [now, [row["id"] for row in rounds]])
    taken: list[Taken | None] = [None] * len(items)
    for row in db.fetch("SELECT n, agency_id, answer FROM temp.taken"):
        taken[row["n"]] = Taken(as_id(row["agency_id"]), as_document(row["answer"]))
    return taken


def _row(n: int, tap: Tap) -> tuple[object, ...]:
    """A tap as SQLite keeps it."""
    answer = tap.answer
    said_at = moment_to_text(answer.said_at)
    phone = None if tap.phone is None else str(tap.phone)
    told = (n, tap.token_hash, str(answer.id), said_at, answer.mood, tap.note, answer.mark)
    spoken_at = None if tap.spoken_at is None else moment_to_text(tap.spoken_at)
    return *told, tap.content_hash, phone, spoken_at
