"""A card with a PIN, and the device in a home that takes it. Verbs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from tortoise.expressions import F

from server.alerts.ladder import Cause, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.audit.actions import Actor, note
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import Door
from server.checkin.actions import record
from server.checkin.rules import Answer, Want
from server.errors import Refused, TooMany, Unauthenticated, WaymarkError
from server.i18n import N_
from server.inbound.models import Card, FrontDesk, Inbound
from server.inbound.rules import (
    CARD_BY_CARD,
    CARD_BY_DESK,
    CARD_HELP_EVERY,
    CARD_LENGTH,
    DESK_LASTS,
    WRONG_PINS,
    Meant,
    is_good_pin,
    pin_of,
    tap_id,
)
from server.notify.actions import Saying, queue
from server.notify.rules import Kind
from server.people.access import nothing_here
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Role
from server.policy.levels import Way
from server.policy.model import Rung
from server.roll_calls.reading import MOST_HOMES, live
from server.security import encryption
from server.storage.db import as_id, write
from server.storage.ids import uuid7
from server.watch.watch_alerts import Wish, call_adults
from server.watch.wording import BY_CARD, CARD_HELP
from server.watch.writing import watch_of

WRONG = N_("This card and PIN don't match. Try again, or ask an adult.")
LOCKED = N_("This card is locked: too many wrong PINs. Ask an adult for a new one.")
ELSEWHERE = N_("This card is for another home. Ask an adult.")
NO_DESK = N_("This device isn't a front desk any more. Ask an adult.")
BAD_PIN = N_("A PIN has 4 to 8 digits, not all the same and not 1234.")

# Codes of faults after which help is heard all the same.
WAITS, SHUT = "card_waits", "card_locked"


async def make(actor: Actor, child: Child, pin: str, now: datetime) -> Card:
    """A new card with the PIN that the child has chosen. The earlier card ends.

    Raises Refused for a PIN that anyone would try first.
    """
    assert actor.id is not None
    plain = pin_of(pin)
    if not is_good_pin(plain):
        raise Refused(BAD_PIN, field="pin")
    async with write():
        await Child.filter(id=child.id).select_for_update().first()
        await _end(actor, child.id, now)
        id_, code = uuid7(), encryption.new_code(CARD_LENGTH)
        made = await Card.create(
            id=id_,
            agency_id=child.agency_id,
            child_id=child.id,
            code=code,
            code_index=encryption.blind(f"card {code}"),
            pin_hash=encryption.blind(_keyed(id_, plain)),
            made_by=actor.id,
            made_at=now,
        )
        await note(actor, "card:make", child_id=child.id, about=("card", made.id), now=now)
    return made


def _keyed(card_id: UUID, pin: str) -> str:
    return f"pin {card_id} {pin}"


async def end(actor: Actor, child_id: UUID, now: datetime) -> None:
    """The card stops working: it was lost, copied, or is not needed. Twice is once."""
    async with write():
        await _end(actor, child_id, now)


async def _end(actor: Actor, child_id: UUID, now: datetime) -> None:
    held = await Card.get_or_none(child_id=child_id, ended_at__isnull=True)
    if held is not None:
        await Card.filter(id=held.id).update(ended_at=now, ended_by=actor.id)
        await note(actor, "card:end", child_id=child_id, about=("card", held.id), now=now)


# --- the front desk

# The homes of a whole agency: who may set up a device there, and who may see and end them. A tablet
# that was lost at night must not wait for a person of that home.
MAY_SET_UP = frozenset({Role.SUPERVISOR})
MAY_MANAGE = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})


# Those who check a child in, or supervise them, may set it up where the child lives.
CARES = (Role.CASEWORKER, Role.CARER, Role.SUPERVISOR)


async def homes_of(person_id: UUID, now: datetime) -> list[Home]:
    """The homes in which a person may set up a front desk: where they work, and where children live
    that they check in for, or supervise. The first 50."""
    ties = Tie.filter(Tie.standing_at(now), person_id=person_id, role__in=CARES)
    here = ties.filter(child__left_at__isnull=True, child__home_id__isnull=False)
    cared = here.order_by("child__home_id").limit(MOST_HOMES).distinct()
    seats = live(now).filter(person_id=person_id).order_by("home_id").limit(MOST_HOMES)
    ids = {as_id(id_) for id_ in await cared.values_list("child__home_id", flat=True)}
    ids |= {as_id(id_) for id_ in await seats.values_list("home_id", flat=True)}
    homes = await Home.filter(id__in=list(ids))
    return sorted(homes, key=lambda home: home.name.casefold())[:MOST_HOMES]


async def home_for(
    actor: Actor, home_id: UUID, now: datetime, *, of_agency: Collection[Role]
) -> Home:
    """This home, for a person whose home it is, or who has one of these roles in its agency. Raises
    NotFound."""
    assert actor.id is not None
    if actor.role in of_agency:
        home = await Home.get_or_none(id=home_id, agency_id=actor.agency_id)
    else:
        home = next((h for h in await homes_of(actor.id, now) if h.id == home_id), None)
    if home is None:
        raise nothing_here()
    return home


async def open_desk(actor: Actor, home_id: UUID, now: datetime) -> tuple[str, FrontDesk]:
    """This device takes cards of this home from now on; returns the token of its cookie.

    Raises NotFound for a home that is neither among the person's nor one that they supervise.
    """
    await home_for(actor, home_id, now, of_agency=MAY_SET_UP)
    token = encryption.new_token()
    async with write():
        desk = await FrontDesk.create(
            agency_id=actor.agency_id,
            home_id=home_id,
            token_hash=encryption.hash_token(token),
            opened_by=actor.id,
            opened_at=now,
            expires_at=now + DESK_LASTS,
        )
        await note(actor, "front_desk:open", about=("front_desk", desk.id), now=now)
    return token, desk


async def end_desk(actor: Actor, desk_id: UUID, now: datetime) -> None:
    """The device takes no cards any more. Twice is once. Raises NotFound for another home's."""
    desk = await FrontDesk.get_or_none(id=desk_id)
    if desk is None:
        raise nothing_here()
    await home_for(actor, desk.home_id, now, of_agency=MAY_MANAGE)
    async with write():
        held = FrontDesk.filter(id=desk_id, ended_at__isnull=True)
        if await held.update(ended_at=now, ended_by=actor.id):
            await note(actor, "front_desk:end", about=("front_desk", desk_id), now=now)


async def desks_of(homes: Sequence[UUID], now: datetime) -> Sequence[FrontDesk]:
    """The devices that take cards of these homes."""
    held = FrontDesk.filter(home_id__in=list(homes), ended_at__isnull=True, expires_at__gt=now)
    return await held.order_by("-opened_at")


async def desk_of(token: str | None, now: datetime) -> FrontDesk:
    """The front desk of this device. Raises Unauthenticated."""
    desk = None
    if token:
        desk = await FrontDesk.get_or_none(
            token_hash=encryption.hash_token(token), ended_at__isnull=True, expires_at__gt=now
        )
    if desk is None:
        raise Unauthenticated(NO_DESK, code="no_front_desk")
    return desk


async def supervisors_at(home_id: UUID, agency_id: UUID, now: datetime) -> list[UUID]:
    """The supervisors of the children who live there, or else those of the agency."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child__home_id=home_id,
        child__left_at__isnull=True,
        role=Role.SUPERVISOR,
        person__disabled_at__isnull=True,
    )
    people = {as_id(id_) for id_ in await ties.distinct().values_list("person_id", flat=True)}
    if not people:
        every = Person.filter(agency_id=agency_id, role=Role.SUPERVISOR, disabled_at__isnull=True)
        people = {as_id(id_) for id_ in await every.values_list("id", flat=True)}
    return sorted(people)


# --- a card at a desk


def code_of(text: str) -> str:
    """The code of a card: typed, or the address in its QR code as a scanner types it."""
    return encryption.normalise_code(text.rpartition("card=")[2])


async def use(
    desk: FrontDesk, code: str, pin: str, *, want: Want, id_: UUID, now: datetime
) -> Card:
    """What a child taps at the desk, recorded as their own by this card. A call for help is heard
    after too many tries as well, and the PIN is not looked at: so the answer cannot tell whether it
    was right.

    Raises Refused (wrong, locked, of another home), TooMany after too many tries.
    """
    wanted = encryption.current().blinds(f"card {code_of(code)}")
    card = await Card.get_or_none(code_index__in=wanted, ended_at__isnull=True)
    if card is None or card.agency_id != desk.agency_id:
        # Counted apart: made-up cards must not close the device for the children of the home.
        await count_guess(Door.CARD, [(f"made up {desk.id}", CARD_BY_DESK)], now)
        raise Refused(WRONG, field="pin")
    try:
        guesses = await _count(card, desk, want, now)
    except WaymarkError as fault:
        if want is not Want.HELP or fault.code not in (WAITS, SHUT):
            raise
        await _call_unchecked(card, now)
        return card
    if card.pin_hash not in encryption.current().blinds(_keyed(card.id, pin_of(pin))):
        await _wrong(card, now)
        raise Refused(WRONG, field="pin")
    actor = Actor(card.child_id, Role.CHILD.value, card.agency_id)
    answer = Answer(tap_id(card.id, id_, want, now), now, want=want, way=Way.CARD)
    async with write():
        await forget_guesses(guesses)
        await Card.filter(id=card.id).update(wrong=0, last_used_at=now)
    await record(actor, Role.CHILD, card.child_id, answer, now)
    return card


async def _count(card: Card, desk: FrontDesk, want: Want, now: datetime) -> list[int]:
    """Count a try at this card, before it is made. Raises Refused, TooMany. Help may be called for
    in another home, too."""
    if card.locked_at is not None:
        raise Refused(LOCKED, field="card", code=SHUT)
    is_here = await Child.filter(id=card.child_id, home_id=desk.home_id).exists()
    if want is not Want.HELP and not is_here:
        raise Refused(ELSEWHERE, field="card")
    try:
        return await count_guess(Door.CARD, [(f"{card.id} {desk.id}", CARD_BY_CARD)], now)
    except TooMany as fault:
        raise TooMany(fault.detail, code=WAITS, **fault.extra) from None


async def _call_unchecked(card: Card, now: datetime) -> None:
    """Help was asked for with this card, and we did not look at the PIN: adults are called, and
    nothing is settled."""
    actor, about = Actor(None, "front_desk", card.agency_id), ("card", card.id)
    async with write():
        watch = await watch_of(card.child_id)
        if await _is_heard(card.child_id, now):
            return
        call = await Inbound.create(
            channel=BY_CARD,
            outer_id=uuid7().hex,
            at=now,
            what=Meant.HELP,
            agency_id=card.agency_id,
            child_id=card.child_id,
        )
        await note(actor, "card:help", child_id=card.child_id, about=about, now=now)
        await call_adults([Wish(actor, watch, Cause.HELP, call.id, reason=CARD_HELP)], now)


async def _is_heard(child_id: UUID, now: datetime) -> bool:
    """Whether a call a moment ago says the same: a stolen card must not drown adults. One after an
    adult did something says more, and so does one after the alert was closed."""
    alert = await Alert.get_or_none(child_id=child_id, cause=Cause.HELP, closed_at__isnull=True)
    if alert is None:
        return False
    done = (alert.acknowledged_at, alert.contacted_at, alert.answered_at)
    since = max([now - CARD_HELP_EVERY, *(at for at in done if at is not None)])
    calls = Inbound.filter(child_id=child_id, channel=BY_CARD, at__gt=since)
    return await calls.exists()


async def _wrong(card: Card, now: datetime) -> None:
    """Count one wrong PIN. At the tenth in a row the card is locked, and the caseworker is told."""
    actor = Actor(None, "front_desk", card.agency_id)
    async with write():
        await Card.filter(id=card.id).update(wrong=F("wrong") + 1)
        about = ("card", card.id)
        await note(actor, "card:wrong_pin", child_id=card.child_id, about=about, now=now)
        locks = Card.filter(id=card.id, wrong__gte=WRONG_PINS, locked_at__isnull=True)
        if await locks.update(locked_at=now):
            await note(actor, "card:lock", child_id=card.child_id, about=about, now=now)
            await _tell(card, now)


async def _tell(card: Card, now: datetime) -> None:
    reach = (await reach_of({card.child_id: card.agency_id}, now))[card.child_id]
    sayings = [
        Saying(
            kind=Kind.DUE,
            agency_id=card.agency_id,
            subject_kind="card",
            subject_id=uuid5(card.id, "locked"),
            person_id=person,
            child_id=card.child_id,
            data={"path": f"/desk/children/{card.child_id}/without-app"},
        )
        for person in people_on(Rung.CASEWORKER, reach.on(Rung.CASEWORKER))
    ]
    await queue(sayings, now)
