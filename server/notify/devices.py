"""Reading how well pushes reach people's devices. push_health.py says what that means."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.notify.models import Address
from server.notify.push_health import FEWEST, Device, Health, Reached, health, reached
from server.notify.rules import PUSH
from server.storage.db import among, as_id, as_moment, fetch

# Why an address ended, where nothing failed: it says nothing about a device.
BY_PEOPLE = ("by_person", "replaced", "shut_out")
_MOMENTS = (
    "receipts_since",
    "last_accepted_at",
    "last_seen_at",
    "last_failed_at",
    "unseen_since",
)
COLUMNS = ("unseen", *_MOMENTS)
# Only names of our own go into it.
_DEVICES = f"""
SELECT person_id, device_id, made_at, dropped_at, {", ".join(COLUMNS)}
FROM address WHERE {{whose}} {{any}} AND channel = '{PUSH}'
AND (dropped_at IS NULL OR dropped_why NOT IN ({", ".join(f"'{why}'" for why in BY_PEOPLE)}))
"""  # noqa: S608


def device_of(row: Mapping[str, Any], given_up_at: datetime | None = None) -> Device:
    """The slice of an address that push_health.py needs; `row` has COLUMNS."""
    moments = {name: None if row[name] is None else as_moment(row[name]) for name in _MOMENTS}
    return Device(unseen=row["unseen"], given_up_at=given_up_at, **moments)


async def reached_of(people: Collection[UUID], now: datetime) -> dict[UUID, Reached]:
    """How well pushes reach each of these people. A person without a device is left out."""
    devices_by_person: dict[UUID, list[Device]] = {}
    for row in await _rows("person_id", people):
        devices_by_person.setdefault(as_id(row["person_id"]), []).append(_device(row))
    return {person: reached(devices, now) for person, devices in devices_by_person.items()}


async def health_of(device_id: UUID, now: datetime) -> Health:
    """How well pushes reach the address of one phone: its latest, and of two of one moment the one
    that is still in use."""
    rows = sorted(
        await _rows("device_id", [device_id]),
        key=lambda row: (as_moment(row["made_at"]), row["dropped_at"] is None),
    )
    return health(_device(rows[-1]), now) if rows else Health.NONE


async def _rows(whose: str, ids: Collection[UUID]) -> list[dict[str, Any]]:
    if not ids:
        return []
    return await fetch(_DEVICES.format(whose=whose, any=among()), [list(ids)])


def _device(row: Mapping[str, Any]) -> Device:
    given_up = row["dropped_at"]
    return device_of(row, None if given_up is None else as_moment(given_up))


class Census(msgspec.Struct, frozen=True):
    """How many devices of the whole installation take pushes, and how many of them show none."""

    devices: int
    stale: int


async def census(now: datetime) -> Census:
    """Counted over everyone; it names nobody."""
    live = Address.filter(channel=PUSH, dropped_at__isnull=True)
    doubtful = await live.filter(unseen__gte=FEWEST).values(*COLUMNS)
    stale = sum(health(device_of(row), now) is Health.STALE for row in doubtful)
    return Census(await live.count(), stale)
