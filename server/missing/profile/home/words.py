"""What the home knows: each field with who said it and when. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.missing.profile.fields import HOME_SAYS


class HomeWords(msgspec.Struct, frozen=True):
    """What one field of the home says, who said it, and when."""

    text: str
    by: UUID
    role: str
    at: datetime


Home = Mapping[str, HomeWords]


def read(row: Mapping[str, Any]) -> Home:
    """The fields as a row stores them."""
    return msgspec.convert(row, dict[str, HomeWords])


def as_row(home: Home) -> dict[str, Any]:
    """The fields as a row stores them."""
    stored: dict[str, Any] = msgspec.to_builtins(home)
    return stored


def next_words(
    before: Home, fields: Mapping[str, str], by: UUID, role: str, now: datetime
) -> dict[str, HomeWords]:
    """The home's part of these fields, written by this person. What is as before was said by those
    who said it."""
    return {
        name: before[name]
        if name in before and before[name].text == text
        else HomeWords(text, by, role, now)
        for name, text in fields.items()
        if name in HOME_SAYS
    }
