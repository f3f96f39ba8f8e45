"""How well pushes reach a device: "silent child or broken pipe?". Pure.

A push service that accepts a message says nothing about whether a phone showed it. The phone says
that itself, by a receipt. Nothing is guessed: a device that never said it gives receipts is neither
trusted nor doubted without them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

# Accepted for so long, and at least so often, and never shown: pushes do not arrive.
STALE_AFTER = timedelta(days=7)
FEWEST = 3
# So many devices of an installation at once, and such a part of them: the devices are not at fault.
MANY, ONE_IN = 5, 3


class Health(StrEnum):
    """How well pushes reach a device, the best first."""

    HEALTHY = "healthy"  # It has shown one, and has not been silent for long since.
    UNPROVEN = (
        "unproven"  # Nothing is known: it has shown none so far, and it is early to doubt it.
    )
    STALE = "stale"  # The service accepts them, and none is shown.
    BROKEN = "broken"  # The service gave the device up, or takes nothing for it.
    NONE = "none"  # No such device.


_RANK = list(Health).index
UNREACHED = frozenset({Health.STALE, Health.BROKEN})


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows say about one push address. `unseen` counts pushes accepted since the last
    receipt, `unseen_since` is when the first of them was sent. `given_up_at`: the service said that
    it is gone; an address that its person removed is no device."""

    receipts_since: datetime | None = None  # When the device said that it gives receipts.
    last_accepted_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_failed_at: datetime | None = None
    unseen: int = 0
    unseen_since: datetime | None = None
    given_up_at: datetime | None = None

    @property
    def silent_since(self) -> datetime | None:
        """Since when pushes are accepted and not shown, as far as the device would have said so."""
        if self.unseen_since is None or self.receipts_since is None:
            # A device that has given a receipt gives receipts, whether it said so or not.
            return self.unseen_since if self.last_seen_at is not None else None
        return max(self.unseen_since, self.receipts_since)

    @property
    def failing_since(self) -> datetime | None:
        """Since when nothing is taken for the device; None where the last attempt succeeded."""
        if self.given_up_at is not None or self.last_failed_at is None:
            return self.given_up_at
        worked = (self.last_accepted_at, self.last_seen_at)
        is_over = any(at is not None and at >= self.last_failed_at for at in worked)
        return None if is_over else self.last_failed_at


def stale_at(device: Device) -> datetime | None:
    """From when on the device is stale, if nothing more arrives; None where that is unknown."""
    since = device.silent_since
    return since + STALE_AFTER if since is not None and device.unseen >= FEWEST else None


def health(device: Device, now: datetime) -> Health:
    """How well pushes reach this device."""
    if device.failing_since is not None:
        return Health.BROKEN
    stale = stale_at(device)
    if stale is not None and stale <= now:
        return Health.STALE
    return Health.HEALTHY if device.last_seen_at is not None else Health.UNPROVEN


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How well pushes reach a person, by the best of their devices."""

    health: Health = Health.NONE
    seen_at: datetime | None = None  # When one was last shown, on whatever device.
    silent_since: datetime | None = None  # If stale: since when nothing was shown.
    unreached_since: datetime | None = None  # If stale or broken: since when.


def reached(devices: Iterable[Device], now: datetime) -> Reached:
    """How well pushes reach the owner of these devices: one that works is enough. A device that the
    service gave up counts only where there is no other."""
    every = list(devices)
    held = [device for device in every if device.given_up_at is None] or every
    best = min((health(device, now) for device in held), key=_RANK, default=Health.NONE)
    seen = max(
        (device.last_seen_at for device in every if device.last_seen_at is not None), default=None
    )
    if best not in UNREACHED:
        return Reached(health=best, seen_at=seen)
    since = max(filter(None, (device.failing_since or stale_at(device) for device in held)))
    silent = None
    if best is Health.STALE:
        # The last receipt is the best measure. A device that never gave one has been silent from
        # the first push on.
        silent = seen or min(filter(None, (device.silent_since for device in held)))
    return Reached(health=best, seen_at=seen, silent_since=silent, unreached_since=since)


class Pushed(msgspec.Struct, frozen=True):
    """One push that was accepted, and when a device showed it; None where none has."""

    sent_at: datetime
    seen_at: datetime | None


def stale_spells(
    pushes: Sequence[Pushed], until: datetime
) -> list[tuple[datetime, datetime | None]]:
    """The times up to `until` in which a person was out of reach: pushes accepted and none shown.
    Each with its end, None where it lasts. The deliveries still know what a row forgets."""
    events = [(push.sent_at, False) for push in pushes]
    events += [(push.seen_at, True) for push in pushes if push.seen_at is not None]
    spells: list[tuple[datetime, datetime | None]] = []
    unseen: list[datetime] = []
    begin: datetime | None = None
    for at, is_seen in [*sorted(event for event in events if event[0] <= until), (until, False)]:
        if begin is None and len(unseen) >= FEWEST:
            stale_from = max(unseen[0] + STALE_AFTER, unseen[FEWEST - 1])
            begin = stale_from if stale_from <= at else None
        if not is_seen:
            unseen.append(at)
            continue
        if begin is not None:
            spells.append((begin, at))
        unseen, begin = [], None
    return spells if begin is None else [*spells, (begin, None)]


def is_the_channel(stale: int, devices: int) -> bool:
    """Whether so many of all devices are stale at once that the devices are not at fault."""
    return stale >= MANY and stale * ONE_IN >= devices
