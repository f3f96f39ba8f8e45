"""Many children at once, for benchmarks: rows by the thousand, past the actions."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from server.auth.models import Device, Session
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.policy.models import Policy
from server.security.encryption import hash_token
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.models import Round, Watch, round_id

AT_ONCE = 2000
RHYTHM = {"at": ["18:00"]}


def moment() -> datetime:
    """Now; a benchmark lives in real time."""
    return datetime.now(UTC).replace(microsecond=0)


async def make(
    how_many: int,
    *,
    watch: dict[str, Any],
    with_phones: bool,
    policy: Mapping[str, Any] | None = None,
) -> list[UUID]:
    """So many children of one agency with a caseworker, each with a watch as given. `policy`: what
    the agency has adopted; None, the one that ships."""
    now = moment()
    async with write():
        agency = await Agency.create(name="bench", made_at=now)
        if policy is not None:
            await Policy.create(agency_id=agency.id, version=1, content=policy, made_at=now)
        worker = await Person.create(
            agency=agency, role=Role.CASEWORKER, name="worker", made_at=now
        )
    ids = [uuid7() for _ in range(how_many)]
    for part in _parts(ids):
        await _make(part, agency.id, worker.id, watch, now, with_phones=with_phones)
    return ids


def _parts(ids: list[UUID]) -> Iterator[list[UUID]]:
    for begin in range(0, len(ids), AT_ONCE):
        yield ids[begin : begin + AT_ONCE]


async def _make(
    ids: list[UUID],
    agency: UUID,
    worker: UUID,
    watch: dict[str, Any],
    now: datetime,
    *,
    with_phones: bool,
) -> None:
    common = {"agency_id": agency}
    person = {"role": Role.CHILD, "name": "child", "language": "en", "zone": "UTC", "made_at": now}
    tie = {"person_id": worker, "role": Role.CASEWORKER, "from_at": now - timedelta(days=1)}
    async with write():
        await bulk.insert(Person, [{"id": i, **common, **person} for i in ids])
        await bulk.insert(
            Child, [{"id": i, **common, "person_id": i, "placed_at": now} for i in ids]
        )
        await bulk.insert(Tie, [{"id": uuid7(), **common, "child_id": i, **tie} for i in ids])
        await bulk.insert(
            Watch,
            [{"child_id": i, **common, **_watch(watch, now)} for i in ids],
            returning="child_id",
        )
        if with_phones:
            await _phones(ids, agency, now)
        rounds = [_round(i, watch) for i in ids if watch.get("prompted")]
        await bulk.insert(Round, rounds)


def _watch(given: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "tier": "mid",
        "zone": "UTC",
        "rhythm": RHYTHM,
        "standing": "well",
        "prompted": 0,
        "is_alerted": False,
        "is_missing": False,
        "sign_at": now,
        "version": 0,
        **given,
    }


async def _phones(ids: list[UUID], agency: UUID, now: datetime) -> None:
    await bulk.insert(
        Device, [{"id": i, "agency_id": agency, "person_id": i, "paired_at": now} for i in ids]
    )
    await bulk.insert(
        Session,
        [
            {
                "id": uuid7(),
                "token_hash": hash_token(token_of(i)),
                "agency_id": agency,
                "person_id": i,
                "device_id": i,
                "made_at": now,
                "last_seen_at": now,
            }
            for i in ids
        ],
    )


def token_of(child_id: UUID) -> str:
    """The token of the phone of a child of the bench."""
    return f"bench-{child_id}"


def _round(child_id: UUID, watch: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": round_id(child_id, watch["due_at"]),
        "child_id": child_id,
        "opens_at": watch["opens_at"],
        "due_at": watch["due_at"],
        "late_at": watch["due_at"] + timedelta(hours=1),
        "state": "open",
    }
