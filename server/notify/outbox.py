"""What is in the outbox: who was told, what waits, what was forgotten. Reads rows, writes none."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.notify.actions import Recipient
from server.notify.models import Message
from server.notify.rules import NONE, Kind
from server.storage.db import among, as_id, as_moment, dialect, fetch
from server.storage.ids import uuid7_from
from server.storage.statement import each

# A message this far past its next attempt has no worker. The audit names at most this many.
LOST_AFTER, AUDITED = timedelta(minutes=2), 100


async def told(subjects: Collection[UUID], kinds: Iterable[Kind]) -> dict[UUID, list[Recipient]]:
    """Everyone who was or may have been sent a message about each of these subjects.

    A message withdrawn in the middle of an attempt, or waiting for another try, may have arrived.
    """
    return (await told_so_far(subjects, kinds))[0]


async def told_so_far(
    subjects: Collection[UUID], kinds: Iterable[Kind]
) -> tuple[dict[UUID, list[Recipient]], bool]:
    """The same, and whether any of these messages has not gone out yet: then more people may have
    been told in a moment."""
    if not subjects:
        return {}, False
    params = [list(subjects), [kind.value for kind in kinds]]
    rows = await fetch(_TOLD.format(any=among(), kinds=among("$2")), params)
    by_subject: dict[UUID, dict[Recipient, None]] = {}
    for row in rows:
        if row["is_told"]:
            by_subject.setdefault(as_id(row["subject_id"]), {})[_recipient(row)] = None
    told = {subject: list(recipients) for subject, recipients in by_subject.items()}
    return told, any(row["waits"] for row in rows)


# A person outside the agency was asked, and hears nothing further.
_TOLD = f"""
SELECT * FROM (
  SELECT id, subject_id, person_id, last_resort, resort_id, channel,
      state IN ('waiting', 'sending') AS waits,
      attempts > 0 AND state <> 'withheld' AND channel <> '{NONE}'
      AND (person_id IS NOT NULL OR last_resort IS NOT NULL OR resort_id IS NOT NULL) AS is_told
  FROM message WHERE subject_id {{any}} AND kind {{kinds}}
) AS about WHERE waits OR is_told ORDER BY id
"""  # noqa: S608 (a name of our own)


async def waits(subjects: Collection[UUID], others: str, *params: object) -> bool:
    """Whether a message about one of these has not gone out, or about one of the `others`: a SELECT
    of ids, whose parameters begin with $2."""
    sql = _WAITS.format(any=among(), others=others, each=each("message", "m", _OF_THE_OTHERS))
    return bool(await fetch(sql, [list(subjects), *params]))


_OF_THE_OTHERS = "m.subject_id = o.id AND m.state IN ('waiting', 'sending')"
_WAITS = """
SELECT 1 AS one FROM message WHERE subject_id {any} AND state IN ('waiting', 'sending')
UNION ALL SELECT 1 FROM ({others}) AS o {each} LIMIT 1
"""


def _recipient(row: Mapping[str, Any]) -> Recipient:
    person_id, resort_id = row["person_id"], row["resort_id"]
    return Recipient(
        person_id=as_id(person_id) if person_id is not None else None,
        last_resort=row["last_resort"],
        resort_id=as_id(resort_id) if resort_id is not None else None,
        channel=row["channel"] if resort_id is not None else None,
    )


async def waiting_together(
    ids: Collection[UUID], now: datetime, until: datetime
) -> dict[UUID, datetime]:
    """Of messages that go out as one: when those that wait for others by now are to go out."""
    rows = await fetch(_WAITS_UNTIL[dialect()], [list(set(ids)), now, until])
    return {as_id(row["id"]): as_moment(row["at"]) for row in rows if row["at"] is not None}


# The last of each, by the index from its end: thousands may wait, and each batch of a tick asks.
_WAITS_UNTIL = {
    kind: f"""
    SELECT {column} AS id, (
      SELECT next_action_at FROM message WHERE together = {column} AND next_action_at > $2
      AND next_action_at <= $3
      AND state = 'waiting' AND attempts = 0 ORDER BY next_action_at DESC LIMIT 1
    ) AS at FROM {those}
    """  # noqa: S608 (names of our own alone)
    for kind, column, those in (
        ("sqlite", "x.value", "json_each($1) AS x"),
        ("postgres", "x.id", "unnest($1::uuid[]) AS x(id)"),
    )
}


async def self_audit(now: datetime) -> list[UUID]:
    """Messages whose next attempt is long overdue: no worker takes them; and those of the last hour
    that wait and have no next attempt. A message that fails again and again is not among them, and
    shows in /health."""
    overdue = Message.filter(next_action_at__lt=now - LOST_AFTER).order_by("next_action_at")
    stuck = Message.filter(
        id__gte=uuid7_from(now - timedelta(hours=1)),
        state__in=["waiting", "sending"],
        next_action_at__isnull=True,
    ).order_by("id")
    lost = [await rows.limit(AUDITED).values_list("id", flat=True) for rows in (overdue, stuck)]
    return [as_id(row) for ids in lost for row in ids]
