"""What the fast lane leaves alone, many at once: late rounds, open alerts, wishes to talk.

Each batch is decided and written by the code that decides one answer (`actions.keep`), in one
transaction: a number of looks at the database that does not grow with its children. **It can only
accept**, as the fast lane. For anything else it changes nothing and returns None, and the caller
goes the long way, which can refuse and can wait: a person without the right to check in, an id that
another answer has, a second answer of the same child in the batch, and a child whose watch or alert
another transaction holds in this moment.

A batch that fails is halved until the answers that cannot be stored are alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server import logs
from server.auth.sessions import children_of, touch_all
from server.checkin.actions import keep
from server.checkin.models import CheckIn
from server.checkin.row import Given, is_repeat
from server.checkin.rules import Answer, content
from server.clock import Clock
from server.errors import Conflict
from server.people.rules import Action, Role, may
from server.security import encryption
from server.storage.db import Together, among, as_id, dialect, durable_read, fetch, write
from server.watch.writing import lock_free

# One batch takes as long as its children take together, and all of them wait for its end.
MOST = 64
# So many that wait are stored beside the batch before them. A batch costs some thirty statements,
# however few its children are.
BESIDE = 16
_log = logs.get("checkin")
_Sessions = Sequence[dict[str, Any]]


class Sent(msgspec.Struct, frozen=True):
    """One answer as it came in, the hash of its token, and the phone that it named, if any."""

    token_hash: str
    phone: UUID | None
    answer: Answer
    content_hash: str


class Kept(msgspec.Struct, frozen=True):
    """What we answer, and whether the answer was new to us."""

    answer: dict[str, Any]
    is_new: bool


class SlowLane:
    """Gathers answers and stores them together. One per process, closed with the web."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # On SQLite there is one writer, and our own process is it.
        beside = BESIDE if dialect() == "postgres" else None
        self._together: Together[Sent, Kept | None] = Together(
            self._store, most=MOST, beside=beside
        )

    async def close(self) -> None:
        """Store what was taken, then stop."""
        await self._together.close()

    async def take(
        self, token_hash: str, phone: UUID | None, answer: Answer, content_hash: str | None = None
    ) -> Kept | None:
        """What became of the answer, or None: go the long way. `content_hash`: where the caller
        has it."""
        hash_ = content_hash or encryption.blind(content(answer))
        try:
            return await self._together.submit(Sent(token_hash, phone, answer, hash_))
        except Conflict:
            return None

    async def _store(self, sent: list[Sent]) -> Sequence[Kept | Exception | None]:
        try:
            return await self._store_all(sent)
        except Exception as fault:
            if len(sent) > 1:
                _log.warning("batch_failed", answers=len(sent), exc=fault)
            raise

    async def _store_all(self, sent: list[Sent]) -> list[Kept | None]:
        now = self._clock()
        kept: list[Kept | None] = [None] * len(sent)
        given, sessions = await _first_of_each(sent, now)
        place_of = {each.answer.id: place for place, each in given.items()}
        for row in await _known(list(place_of)):
            place = place_of[row.id]
            if is_repeat(row, given.pop(place)):
                kept[place] = Kept(row.answer, is_new=False)
        if any(kept):
            await durable_read()
        for id_, answer in (await _keep_new(list(given.values()), sessions, now)).items():
            kept[place_of[id_]] = Kept(answer, is_new=True)
        return kept


async def _first_of_each(sent: Sequence[Sent], now: datetime) -> tuple[dict[int, Given], _Sessions]:
    """The first answer of each child who may check in, by its place; of two with the same id, only
    the first. With the rows of their sessions."""
    if not may(frozenset({Role.CHILD}), Action.CHECK_IN):
        return {}, ()
    children, sessions = await children_of({(each.token_hash, each.phone) for each in sent}, now)
    given: dict[int, Given] = {}
    taken: set[UUID] = set()
    for place, each in enumerate(sent):
        actor = children.get((each.token_hash, each.phone))
        if actor is None or actor.id is None or not taken.isdisjoint((actor.id, each.answer.id)):
            continue
        taken |= {actor.id, each.answer.id}
        given[place] = Given(actor, Role.CHILD, actor.id, each.answer, each.content_hash)
    return given, sessions


async def _known(ids: list[UUID]) -> list[CheckIn]:
    """The answers that have these ids already. Most often there is none, and on PostgreSQL the keys
    of all months tell so in one look (`storage/engines/partitions.py`)."""
    of_keys = "key AS id FROM check_in_key WHERE key" if dialect() == "postgres" else ""
    keys = await fetch(f"SELECT {of_keys or 'id FROM check_in WHERE id'} {among()}", [ids])  # noqa: S608
    return await CheckIn.filter(id__in=[as_id(row["id"]) for row in keys]) if keys else []


async def _keep_new(
    given: Sequence[Given], sessions: _Sessions, now: datetime
) -> dict[UUID, dict[str, Any]]:
    if not given:
        await touch_all(sessions, now)
        return {}
    async with write():
        watches, silences = await lock_free([each.child_id for each in given])
        free = [(each, watches[each.child_id]) for each in given if each.child_id in watches]
        kept = await keep(free, now, silences) if free else {}
        # In the same transaction, since a commit of its own would wait for the disk once more; and
        # last, so that nothing waits while it holds these rows.
        await touch_all(sessions, now)
    return kept
