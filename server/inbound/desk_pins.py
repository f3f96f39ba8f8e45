"""A person who works in a home opens its front desk by their PIN, to do the roll call. Verbs.

The device stands where children pass: alone it says nothing, and it forgets after five minutes.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

import msgspec
from tortoise.expressions import F

from server.audit.actions import Actor, note
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import Door
from server.errors import Refused
from server.i18n import N_
from server.inbound.cards import BAD_PIN, supervisors_at
from server.inbound.left_devices import is_left
from server.inbound.models import FrontDesk
from server.inbound.rules import (
    CARD_BY_CARD,
    CARD_BY_DESK,
    UNLOCKED_FOR,
    WRONG_PINS,
    WRONG_PINS_TOLD,
    is_good_pin,
    pin_of,
    short_names,
)
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.access import nothing_here
from server.people.models import Person
from server.people.rules import Role
from server.roll_calls.models import HomeWorker
from server.roll_calls.reading import live, seat_of
from server.roll_calls.rules import path_of
from server.security import encryption
from server.storage.db import as_id, write

WRONG = N_("This name and PIN don't match. Try again.")
LEFT = N_(
    "A supervisor has to look at this device first. Do the roll call on your own phone or computer."
)
LOCKED = N_(
    "This PIN is locked: too many wrong tries. Set a new one on your own phone or computer."
)


class Opened(msgspec.Struct, frozen=True):
    """The front desk is open to a person who works in its home, until a moment."""

    seat: HomeWorker
    actor: Actor
    until: datetime


async def set_pin(actor: Actor, home_id: UUID, pin: str, now: datetime) -> None:
    """The actor's PIN at the front desks of this home; a new one is not locked. It ends with their
    work there. Raises NotFound if they do not work there, Refused for a PIN that anyone would try
    first."""
    assert actor.id is not None
    plain = pin_of(pin)
    if not is_good_pin(plain):
        raise Refused(BAD_PIN, field="pin")
    async with write():
        seat = await seat_of(actor.id, home_id, now)
        if seat is None or seat.agency_id != actor.agency_id:
            raise nothing_here()
        hashed = encryption.blind(_keyed(seat.id, plain))
        await HomeWorker.filter(id=seat.id).update(pin_hash=hashed, pin_wrong=0, pin_locked_at=None)
        await _lock_all(seat.id)
        await note(actor, "home_worker:pin", **_about(seat), now=now)


def _keyed(seat_id: UUID, pin: str) -> str:
    return f"desk pin {seat_id} {pin}"


def _about(seat: HomeWorker) -> dict[str, Any]:
    return {"about": ("home_worker", seat.id), "agency_id": seat.agency_id}


async def names_at(desk: FrontDesk, now: datetime) -> list[tuple[str, str]]:
    """The seats of the people who can open this device, with what it shows of their names."""
    held = live(now).filter(home_id=desk.home_id, pin_hash__isnull=False)
    rows = await held.values_list("id", "person_id")
    people = await Person.filter(id__in=[person_id for _, person_id in rows]).only("id", "name")
    names = {person.id: person.name for person in people}
    ordered = sorted(rows, key=lambda row: (names[as_id(row[1])].casefold(), as_id(row[0])))
    short = short_names([names[as_id(person_id)] for _, person_id in ordered])
    return [(str(id_), name) for (id_, _), name in zip(ordered, short, strict=True)]


async def unlock(desk: FrontDesk, seat_id: UUID, pin: str, now: datetime) -> str:
    """The device is open to this person for five minutes; returns the token for its browser.

    Raises Refused (wrong, locked, or a device that a person left behind), TooMany after too many
    tries.
    """
    if await is_left(desk, now):
        raise Refused(LEFT, field="worker")
    seat = await live(now).filter(id=seat_id, home_id=desk.home_id).first()
    if seat is None or seat.pin_hash is None:
        # Counted apart: made-up names must not close the device for those who work there.
        await count_guess(Door.DESK_PIN, [(f"made up {desk.id}", CARD_BY_DESK)], now)
        raise Refused(WRONG, field="pin")
    if seat.pin_locked_at is not None:
        raise Refused(LOCKED, field="pin")
    guesses = await count_guess(Door.DESK_PIN, [(f"{seat.id} {desk.id}", CARD_BY_CARD)], now)
    if seat.pin_hash not in encryption.current().blinds(_keyed(seat.id, pin_of(pin))):
        await _wrong(seat, now)
        raise Refused(WRONG, field="pin")
    token = encryption.new_token()
    async with write():
        await forget_guesses(guesses)
        # A new PIN, or a lock, may have come in this moment.
        same = HomeWorker.filter(id=seat.id, pin_hash=seat.pin_hash, pin_locked_at__isnull=True)
        if not await same.filter(until_at__isnull=True).update(pin_wrong=0):
            raise Refused(WRONG, field="pin")
        await FrontDesk.filter(id=desk.id).update(
            unlocked_by=seat.id,
            unlocked_until=now + UNLOCKED_FOR,
            unlock_hash=encryption.hash_token(token),
        )
        await note(await actor_of(seat), "front_desk:unlock", **_about(seat), now=now)
    return token


async def opened(desk: FrontDesk, token: str | None, now: datetime) -> Opened | None:
    """Who has opened the device in this browser; None: it is locked. It is to nobody who has
    stopped working there, and where the person who set it up has left."""
    until = desk.unlocked_until
    if not token or desk.unlock_hash != encryption.hash_token(token) or until is None:
        return None
    seat = await live(now).filter(id=desk.unlocked_by, home_id=desk.home_id).first()
    if until <= now or seat is None or await is_left(desk, now):
        return None
    return Opened(seat, await actor_of(seat), until)


class Closed(StrEnum):
    """Why the device is open to nobody in this browser, as far as we have it stored."""

    TIME = "time"
    SEAT = "seat"  # The person who opened it does not work there any more.
    BEFORE = "before"  # It was sent, locked, or opened anew.


async def why_closed(desk: FrontDesk, token: str | None, now: datetime) -> Closed:
    """Why `opened` says that it is locked."""
    until = desk.unlocked_until
    if not token or until is None or desk.unlock_hash != encryption.hash_token(token):
        return Closed.BEFORE
    if until <= now:
        return Closed.TIME
    is_there = await live(now).filter(id=desk.unlocked_by, home_id=desk.home_id).exists()
    return Closed.BEFORE if is_there else Closed.SEAT


async def lock(desk: FrontDesk) -> None:
    """The device says nothing more until the next PIN. Twice is once."""
    async with write():
        await FrontDesk.filter(id=desk.id).update(
            unlocked_by=None, unlocked_until=None, unlock_hash=None
        )


async def _lock_all(seat_id: UUID) -> None:
    await FrontDesk.filter(unlocked_by=seat_id).update(
        unlocked_by=None, unlocked_until=None, unlock_hash=None
    )


async def actor_of(seat: HomeWorker) -> Actor:
    """The person of this seat."""
    person = await Person.get(id=seat.person_id)
    return Actor(person.id, Role(person.role).value, seat.agency_id)


async def _wrong(seat: HomeWorker, now: datetime) -> None:
    """Count one wrong PIN. Supervisors hear of the third in a row, and of the tenth, which locks
    it."""
    async with write():
        await HomeWorker.filter(id=seat.id).update(pin_wrong=F("pin_wrong") + 1)
        device = Actor(None, "front_desk", seat.agency_id)
        await note(device, "home_worker:wrong_pin", **_about(seat), now=now)
        wrong = (await HomeWorker.get(id=seat.id)).pin_wrong
        if wrong == WRONG_PINS:
            await HomeWorker.filter(id=seat.id).update(pin_locked_at=now)
        if wrong in (WRONG_PINS_TOLD, WRONG_PINS):
            await _tell(seat, wrong, now)


async def _tell(seat: HomeWorker, wrong: int, now: datetime) -> None:
    """The supervisors hear of it; one message an hour."""
    people = await supervisors_at(seat.home_id, seat.agency_id, now)
    about = uuid5(seat.id, f"{wrong} wrong pins {int(now.timestamp() // 3600)}")
    sayings = [
        Saying(
            kind=Kind.DUE,
            agency_id=seat.agency_id,
            subject_kind="home_worker",
            subject_id=about,
            person_id=person,
            data={"path": path_of(seat.home_id)},
        )
        for person in people
    ]
    await queue(sayings, now)
