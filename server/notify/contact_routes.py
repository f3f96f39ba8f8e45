"""By which ways each person can be reached now, in order. Reads rows, and writes none."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.notify.devices import COLUMNS, device_of
from server.notify.models import Address, Preference
from server.notify.push_health import Health, reached
from server.notify.rules import PUSH, in_order, is_a_way
from server.storage import bulk
from server.storage.db import among, as_document, as_id, fetch


class Ways(msgspec.Struct, frozen=True):
    """The channels that reach a person, in order: those from which someone has answered, and those
    from which nobody has yet. The second kind is used in addition, last, and does not count.
    `is_unseen`: pushes are accepted for this person, and no device shows them."""

    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    is_unseen: bool = False

    @property
    def every(self) -> tuple[str, ...]:
        """All of them, those that count first."""
        return (*self.proven, *self.unproven)

    def after(self, channel: str) -> tuple[str, ...]:
        """The channels after this one; all of them where this one is gone."""
        every = self.every
        return every[every.index(channel) + 1 :] if channel in every else every


NOWHERE = Ways()


async def ways_of(people: Collection[UUID], now: datetime) -> dict[UUID, Ways]:
    """The ways of each of these people. A person without an address is left out."""
    if not people:
        return {}
    rows_by_person: dict[UUID, list[dict[str, Any]]] = {}
    for row in await fetch(_ADDRESSES.format(any=among()), [list(people)]):
        rows_by_person.setdefault(as_id(row["person_id"]), []).append(row)
    return {
        person: _ways(rows, as_document(rows[0]["wish"]) or (), now)
        for person, rows in rows_by_person.items()
    }


_ADDRESSES = f"""
SELECT a.person_id, a.channel, a.verified_at, {", ".join(f"a.{name}" for name in COLUMNS)},
    p.channels AS wish
FROM address a LEFT JOIN preference p ON p.id = a.person_id
WHERE a.person_id {{any}} AND a.dropped_at IS NULL
"""  # noqa: S608 (names of our own)


# Whether a person `p` has a way by one of the channels of {any}: an address from which someone has
# answered. One that its service refused last is none for sure.
HAS_A_WAY = f"""
EXISTS (SELECT 1 FROM address a WHERE a.person_id = p.id AND a.dropped_at IS NULL
AND a.refused_at IS NULL AND a.channel {{any}}
AND (a.channel = '{PUSH}' OR a.verified_at IS NOT NULL))
"""  # noqa: S608 (a name of our own)


async def without_a_way(people: Collection[UUID], now: datetime) -> set[UUID]:
    """The people among these that no proven way reaches."""
    ways = await ways_of(people, now)
    return {person for person in people if not ways.get(person, NOWHERE).proven}


async def refused_channels(person_id: UUID) -> set[str]:
    """The channels by which every address of this person was refused last."""
    every = Address.filter(person_id=person_id, dropped_at__isnull=True)
    held = await every.values_list("channel", "refused_at")
    return {way for way, _ in held} - {way for way, refused_at in held if refused_at is None}


async def wishes_of(people: Collection[UUID]) -> Mapping[UUID, Preference]:
    """How these people want to be reached. A person without preferences is left out."""
    wishes = await bulk.select(Preference, f"id {among()}", [list(people)]) if people else []
    return {wish.id: wish for wish in wishes}


def _ways(rows: Sequence[dict[str, Any]], wish: Sequence[str], now: datetime) -> Ways:
    devices = [device_of(row) for row in rows if row["channel"] == PUSH]
    proven = {row["channel"] for row in rows if is_a_way(row["channel"], row["verified_at"])}
    others = {row["channel"] for row in rows} - proven
    return Ways(
        tuple(in_order(proven, wish)),
        tuple(in_order(others, wish)),
        is_unseen=reached(devices, now).health is Health.STALE,
    )


# --- who acts on it: the alerts, a later room (wiring.py)


async def _hears_nothing(*_: Any) -> None:
    return


_no_way_left: Callable[[Collection[UUID], datetime], Awaitable[None]] = _hears_nothing
_way_appeared: Callable[[UUID, datetime], Awaitable[None]] = _hears_nothing


def use_reach(
    no_way_left: Callable[[Collection[UUID], datetime], Awaitable[None]],
    way_appeared: Callable[[UUID, datetime], Awaitable[None]],
) -> None:
    """Tell this room who hears about which subjects a person could not be told, and of an agency in
    which a person, or its last resort, can be reached from now on."""
    global _no_way_left, _way_appeared
    _no_way_left, _way_appeared = no_way_left, way_appeared


async def no_way_left(subjects: Collection[UUID], now: datetime) -> None:
    """A person who was to be told about these has no way left. In the caller's transaction."""
    await _no_way_left(subjects, now)


async def way_appeared(agency_id: UUID | None, now: datetime) -> None:
    """A person of this agency, or its last resort, has one more way. In the caller's
    transaction."""
    if agency_id is not None:
        await _way_appeared(agency_id, now)
