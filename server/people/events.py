"""What happens to a child that a room above this one wants to hear of.

  await happened(actor, child.id, Happening.TRANSFER, now)

Listeners act in the transaction in which it happens: all is stored, or nothing. They are of later
rooms, so `wiring.py` registers them: six for what happens (calendar, life project, search, returns
and profile), and those of three rooms for rights that changed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.web.live import RIGHTS, announce


class Happening(StrEnum):
    """An event that rooms above act upon: a life project is reviewed, a search begins."""

    NEW_WORKER = "new_worker"  # A caseworker came, or went, for good.
    TRANSFER = "transfer"  # Another home.
    RETURN = "return"  # A missing child, or one who had left, is back.
    BIRTHDAY = "birthday"  # The day of birth is known now, or has changed.
    MISSING = "missing"  # A person reported it; `about` is the alert.
    SIGN_OF_LIFE = "sign_of_life"  # A missing child wrote or was seen.
    TRIED = "tried"  # A person logged that they tried to reach the child; `about` is the attempt.
    NOT_FOUND = "not_found"  # A person looked for the child in vain; `about` is the sighting.
    REVIEWED = "reviewed"  # A review of the life project was held; `about` is the review.
    NEW_PHONE = "new_phone"  # A phone was paired that is not one of those before.


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """Rights that have changed: about one child, of one person, of the deputies of one, or of the
    people on the rota of an agency. `came`: who has the right from now on and did not before."""

    child_id: UUID | None = None
    person_id: UUID | None = None
    deputy_of: UUID | None = None
    rota_of: UUID | None = None
    came: UUID | None = None


class Listener(Protocol):
    """Hears of an event. `about` names it, so that it is told once; `at` is when it begins."""

    def __call__(
        self,
        actor: Actor,
        child_id: UUID,
        what: Happening,
        now: datetime,
        *,
        about: UUID | None,
        at: datetime,
    ) -> Awaitable[None]: ...


RightsListener = Callable[[Rights, datetime], Awaitable[None]]


async def _hears_nothing(rights: Rights, now: datetime) -> None:
    return


_listeners: tuple[Listener, ...] = ()
_rights_listener: RightsListener = _hears_nothing


def use_listeners(*listeners: Listener, rights: RightsListener) -> None:
    """Tell this room who hears what happened, in this order, and who acts on changed rights."""
    global _listeners, _rights_listener
    _listeners, _rights_listener = listeners, rights


async def rights_changed(rights: Rights, now: datetime) -> None:
    """Tell the listener, in the caller's transaction and after the change; it also checks open
    alerts that depend on such a right."""
    await _rights_listener(rights, now)
    for place in {rights.child_id, rights.person_id} - {None}:
        await announce(cast(UUID, place), RIGHTS)


async def happened(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Tell the listeners, in the caller's transaction."""
    for listener in _listeners:
        await listener(actor, child_id, what, now, about=about, at=at or now)
