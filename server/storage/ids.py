"""Ids that the server makes: UUID version 7, so that rows made together are close on disk."""

import secrets
from datetime import datetime
from uuid import UUID

from server.clock import utcnow


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds since 1970, then 74 random bits."""
    return uuid7_of(utcnow(), secrets.randbits(80))


def uuid7_of(at: datetime, bits: int) -> UUID:
    """The same as if it had been made at that moment, with the last 80 of these bits."""
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | bits & (1 << 80) - 1
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def uuid7_from(at: datetime) -> UUID:
    """The lowest id of that moment. What is younger is found by it without reading older months,
    where ids begin with the moment (`engines/partitions.py`)."""
    return uuid7_of(at, 0)
