"""The cast of the demo, as cast.toml has it; and the ids of everything in it."""

import tomllib
from datetime import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec

from server.people.rules import Role
from server.policy.model import Tier

DEMO = UUID("4f5a6d3e-2b0a-4c0c-9a55-6f1c1c0de300")


def id_of(name: str) -> UUID:
    """The id of a person of the cast: the same in every demo, so that it is found again."""
    return uuid5(DEMO, name)


def data(name: str) -> dict[str, Any]:
    """One of the files of the demo."""
    file = Path(__file__).with_name(f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


class DemoAgency(msgspec.Struct, frozen=True):
    """An agency of the demo."""

    id: str
    name: str
    language: str
    zone: str
    help_phone: str | None = None


class DemoHome(msgspec.Struct, frozen=True):
    """The home where Mia lives."""

    id: str
    agency: str
    name: str
    phone: str
    zone: str


class Adult(msgspec.Struct, frozen=True):
    """A person who signs in at the desk."""

    name: str
    surname: str
    agency: str
    role: Role
    language: str
    zone: str
    deputy: str | None = None
    phone: str | None = None


class Kid(msgspec.Struct, frozen=True):
    """A child, with what they write when they answer."""

    name: str
    surname: str
    agency: str
    language: str
    zone: str
    caseworker: str
    tier: Tier
    times: tuple[time, ...]
    age: int  # In years, whenever the demo is started.
    turned_days: int  # How long ago, where the birthday is set.
    notes: tuple[str, ...]
    home: str | None = None


class DemoTie(msgspec.Struct, frozen=True):
    """Who has which role for a child, beside the caseworker."""

    child: str
    person: str
    role: Role


class DemoDuty(msgspec.Struct, frozen=True):
    """A weekly shift."""

    id: str
    days: tuple[int, ...]
    begins: time
    ends: time
    people: tuple[str, ...]


class Cast(msgspec.Struct, frozen=True):
    """Everyone."""

    agencies: tuple[DemoAgency, ...]
    home: DemoHome
    adults: tuple[Adult, ...]
    children: tuple[Kid, ...]
    ties: tuple[DemoTie, ...]
    duties: tuple[DemoDuty, ...]

    def kid(self, name: str) -> Kid:
        """A child by their name."""
        return next(kid for kid in self.children if kid.name == name)


CAST = msgspec.convert(data("cast"), Cast)
