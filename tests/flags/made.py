"""A flag, as a member of staff makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.flags import actions as flags
from server.flags.actions import AddFlag, Held
from server.people.rules import Role
from tests.cast import Cast

WORDS = "Ask about the letter."


async def flag_of(cast: Cast, by: str = "ines", to: str | None = "tom", **how: Any) -> Held:
    """A flag about Mia with a week to go; `to` None: the people on duty."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "words": WORDS,
        "until_at": cast.clock() + timedelta(days=7),
        "owner_id": cast.persons[to].id if to is not None else None,
    }
    asked = AddFlag(**(values | how))
    role = Role(cast.persons[by].role)
    return await flags.add(cast.actor(by), cast.children["mia"], role, asked, cast.clock())


async def a_flag(cast: Cast) -> UUID:
    """The id of a new flag of Tom's."""
    return (await flag_of(cast)).flag.id
