"""Who is asked about which child, and when: arranged, changed, ended."""

import secrets
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID, uuid5

import msgspec

from server.audit.actions import Actor, note
from server.clock import known_zone
from server.errors import Conflict, Refused
from server.i18n import N_, supported_language
from server.notify.actions import Saying, queue, withdraw
from server.notify.rules import Kind as Message
from server.people.access import nothing_here
from server.people.models import Child
from server.people.rules import PROFESSIONAL, Role, clean_name
from server.security import encryption
from server.storage.db import as_id, write
from server.web.live import announce
from server.witnesses import reading, rules
from server.witnesses.models import Witness, WitnessChild, WitnessList
from server.witnesses.register import same


class Arranged(msgspec.Struct, frozen=True, kw_only=True):
    """A new witness, as a caseworker has agreed it with them. `at` as "08:45" by the clock of
    `zone`, `days` from Monday (0) to Sunday (6)."""

    id: UUID
    zone: str
    kind: rules.Kind
    name: str
    channel: str
    address: str
    language: str
    days: Sequence[int]
    at: str
    until: date | None = None  # The last day.


class Joined(msgspec.Struct, frozen=True):
    """A child on a list; and the new PIN, and the token of the new address, where a person who does
    not answer for the child had the one before. They are shown only now."""

    seat: WitnessChild
    pin: str | None = None
    register: str | None = None


class Made(msgspec.Struct, frozen=True):
    """A witness, and the PIN, which is shown only now."""

    witness: Witness
    pin: str


async def arrange(
    actor: Actor, child: Child, arranged: Arranged, known_as: str, now: datetime
) -> Made:
    """A new witness of this child, who is asked from now on. Raises Refused, naming the field, and
    Conflict where the id is known already."""
    name = clean_name(arranged.name)
    if name is None:
        raise Refused(N_("Enter a name."), field="name")
    pin = _new_pin()
    days, at = sorted(set(arranged.days)), rules.read_time(arranged.at)
    rules.check_until(arranged.until, now.astimezone(known_zone(arranged.zone)).date())
    async with write():
        await _one_at_a_time(child.id)
        if await Witness.exists(id=arranged.id):
            raise Conflict(N_("This is saved already. Open the page again."))
        witness = await Witness.create(
            id=arranged.id,
            agency_id=child.agency_id,
            kind=arranged.kind.value,
            name=name,
            channel=arranged.channel,
            address=arranged.address,
            language=supported_language(arranged.language),
            days=days,
            at=at,
            zone=arranged.zone,
            until_on=arranged.until,
            pin_hash=encryption.blind(_keyed(arranged.id, pin)),
            pin_by=actor.id,
            made_by=actor.id,
            made_at=now,
        )
        await _plan(witness, now)
        await _join(actor, child, witness, known_as, now)
    return Made(witness, pin)


NOT_YOURS = N_("Colleagues have children on this list. Ask a supervisor to do it.")


async def _check_all(
    witness: Witness, mine: Collection[UUID] | None, now: datetime, field: str | None = None
) -> None:
    """Who may speak for the whole list, or learn who is on it, answers for each child there: these,
    or all of them (None). Of a locked witness: no child joins before the end of this write."""
    if mine is None:
        return
    if await reading.children_of(witness.id, now) - set(mine):
        raise Refused(NOT_YOURS, field=field)


async def _one_at_a_time(child_id: UUID) -> None:
    """Until the end of this write nobody else adds a witness of the child, who may have 12."""
    await Child.filter(id=child_id).select_for_update(no_key=True).first()


async def _plan(witness: Witness, now: datetime) -> None:
    due = rules.next_list(reading.agreed_with(witness), reading.zone_of(witness), now)
    await Witness.filter(id=witness.id).update(next_list_at=due)


def _new_pin() -> str:
    return f"{secrets.randbelow(10**rules.PIN_LENGTH):0{rules.PIN_LENGTH}}"


def _keyed(witness_id: UUID, pin: str) -> str:
    return f"witness pin {witness_id} {pin}"


def is_pin(witness: Witness, typed: str) -> bool:
    """Whether this is the PIN of the witness, in digits of any script."""
    pin = encryption.normalise_code(typed)
    return witness.pin_hash in encryption.current().blinds(_keyed(witness.id, pin))


async def add_child(
    actor: Actor,
    child: Child,
    witness_id: UUID,
    known_as: str,
    now: datetime,
    *,
    mine: Collection[UUID] | None = None,
) -> Joined:
    """This witness is asked about the child too, by the name they know. Twice is once, and shows
    nothing the second time.

    Who does not answer for the child must not speak for them: what such a person has last taken,
    the PIN or the address, ends in the same write. The new ones are for the `actor`, who answers
    for every child of the list. The caseworkers hear of it.

    Raises NotFound for a witness of another agency, or one that has ended; Refused for a list with
    children who are not `mine`, for a name that another child of the list has, and for too many.
    """
    async with write():
        await _one_at_a_time(child.id)
        witness = await live_one(child.agency_id, witness_id)
        held = await WitnessChild.get_or_none(
            witness_id=witness.id, child_id=child.id, until_at__isnull=True
        )
        if held is not None:
            return Joined(held)
        await _check_all(witness, mine, now, "witness")
        seat = await _join(actor, child, witness, known_as, now)
        pin = token = None
        if not await reading.answers_for(witness.pin_by, child.agency_id, {child.id}, now):
            pin = await set_pin(actor, witness, now, pin_new_at=now)
        if witness.register_hash and not await reading.answers_for(
            witness.register_by, child.agency_id, {child.id}, now
        ):
            token = await set_register(actor, witness, now, register_new_at=now)
        if pin or token:
            children = await reading.children_of(witness.id, now)
            await tell(witness, children, "new", now, also=(actor.id, child.id))
    return Joined(seat, pin, token)


async def _join(
    actor: Actor, child: Child, witness: Witness, known_as: str, now: datetime
) -> WitnessChild:
    name = clean_name(known_as)
    if name is None:
        raise Refused(N_("Enter the name by which they know the child."), field="known_as")
    await _check_room(witness, child, name, now)
    seat = await WitnessChild.create(
        agency_id=child.agency_id,
        witness_id=witness.id,
        child_id=child.id,
        known_as=name,
        from_at=now,
        added_by=actor.id,
    )
    about = ("witness", witness.id)
    await note(actor, "witness:add", child_id=child.id, about=about, now=now)
    return seat


async def _check_room(witness: Witness, child: Child, name: str, now: datetime) -> None:
    seats = await reading.seats_of(witness.id, now)
    if len(seats) >= rules.MOST_CHILDREN:
        raise Refused(N_("This list has 200 children. Set up another one."), field="known_as")
    if same(name) in {same(seat.known_as) for seat in seats}:
        raise Refused(
            N_("Another child on this list has that name. Add a letter, such as “Sam B.”."),
            field="known_as",
        )
    if len(await reading.of_child(child.id, now)) >= rules.MOST_WITNESSES:
        raise Refused(N_("There are 12 already. End one of them first."), field="known_as")


async def end_child(actor: Actor, child: Child, witness_id: UUID, now: datetime) -> None:
    """This witness is not asked about the child any more; if it was the last child, not at all.
    Twice is once. Raises NotFound for a witness of another agency."""
    async with write():
        witness = await Witness.filter(id=witness_id, agency_id=child.agency_id).first()
        if witness is None:
            raise nothing_here()
        await Witness.filter(id=witness_id).select_for_update().first()
        live = WitnessChild.filter(witness_id=witness_id, child_id=child.id, until_at__isnull=True)
        if await live.update(until_at=now):
            about = ("witness", witness_id)
            await note(actor, "witness:remove", child_id=child.id, about=about, now=now)
            if not await reading.seats_of(witness_id, now).exists():
                await _end(actor, witness, now)
            await announce(child.agency_id, "watch")


async def end_all_of(actor: Actor, child: Child, now: datetime) -> None:
    """Nobody outside is asked about this child any more: they have left, or go to another agency,
    which asks people of its own. In the caller's transaction, while the child is still with this
    agency."""
    live = WitnessChild.filter(child_id=child.id, until_at__isnull=True).order_by("witness_id")
    for witness_id in await live.values_list("witness_id", flat=True):  # A dozen at most.
        await end_child(actor, child, as_id(witness_id), now)


async def end(
    actor: Actor, witness: Witness, now: datetime, *, mine: Collection[UUID] | None = None
) -> None:
    """This witness is not asked any more about any child: it left, or the agreement is over. Links
    stop working, and the caseworkers of the children hear of it. Twice is once. Raises Refused for
    children who are not `mine`."""
    async with write():
        await Witness.filter(id=witness.id).select_for_update().first()
        await _check_all(witness, mine, now)
        children = await reading.children_of(witness.id, now)
        await WitnessChild.filter(witness_id=witness.id, until_at__isnull=True).update(until_at=now)
        about = ("witness", witness.id)
        for child_id in sorted(children):
            await note(actor, "witness:remove", child_id=child_id, about=about, now=now)
        if await _end(actor, witness, now):
            await tell(witness, children, "ended", now, but=actor.id)
            await announce(witness.agency_id, "watch")


async def _end(actor: Actor, witness: Witness, now: datetime) -> bool:
    live = Witness.filter(id=witness.id, ended_at__isnull=True)
    if not await live.update(ended_at=now, next_list_at=None, register_hash=None):
        return False
    sheets = WitnessList.filter(witness_id=witness.id, state="open")
    ids = [as_id(id_) for id_ in await sheets.values_list("id", flat=True)]
    await WitnessList.filter(id__in=ids).update(state="missed", next_action_at=None)
    await withdraw(ids, "settled", now)
    about = ("witness", witness.id)
    await note(actor, "witness:end", about=about, agency_id=witness.agency_id, now=now)
    return True


async def new_pin(
    actor: Actor, witness: Witness, now: datetime, *, mine: Collection[UUID] | None = None
) -> str:
    """Another PIN; the one before stops working, and a lock ends. Raises NotFound, and
    Refused for children who are not `mine`."""
    async with write():
        await _check_all(await live_one(witness.agency_id, witness.id), mine, now)
        return await set_pin(actor, witness, now)


async def set_pin(actor: Actor, witness: Witness, now: datetime, **more: datetime) -> str:
    """Another PIN, of a locked witness. In the caller's transaction."""
    pin = _new_pin()
    hashed = encryption.blind(_keyed(witness.id, pin))
    await Witness.filter(id=witness.id).update(
        pin_hash=hashed, pin_by=actor.id, wrong=0, locked_at=None, **more
    )
    about = ("witness", witness.id)
    await note(actor, "witness:pin", about=about, agency_id=witness.agency_id, now=now)
    return pin


async def new_register(
    actor: Actor, witness: Witness, now: datetime, *, mine: Collection[UUID] | None = None
) -> str:
    """Another secret address at which the witness hands in its register by itself; the one before
    stops working. Returns its token, which is shown only now. Raises NotFound, and Refused
    for children who are not `mine`."""
    async with write():
        await _check_all(await live_one(witness.agency_id, witness.id), mine, now)
        return await set_register(actor, witness, now)


async def set_register(actor: Actor, witness: Witness, now: datetime, **more: datetime) -> str:
    """Another address, of a locked witness. In the caller's transaction."""
    token = encryption.new_token()
    hashed = encryption.hash_token(token)
    await Witness.filter(id=witness.id).update(register_hash=hashed, register_by=actor.id, **more)
    about = ("witness", witness.id)
    await note(actor, "witness:register", about=about, agency_id=witness.agency_id, now=now)
    return token


async def live_one(agency_id: UUID, witness_id: UUID) -> Witness:
    """This witness of an agency, locked, if it is still asked. Raises NotFound."""
    held = Witness.filter(id=witness_id, agency_id=agency_id, ended_at__isnull=True)
    witness = await held.select_for_update().first()
    if witness is None:
        raise nothing_here()
    return witness


async def tell(
    witness: Witness,
    children: Collection[UUID],
    what: str,
    now: datetime,
    *,
    but: UUID | None = None,
    also: tuple[UUID | None, UUID] | None = None,
) -> None:
    """The caseworkers of these children have something to look at; where who took the PIN has
    "left", their supervisors too: one message to each, which leads to the witnesses of the first of
    their children; and `also` a person, with the child whose witnesses they look at. In the
    caller's transaction."""
    roles = PROFESSIONAL if what == "left" else {Role.CASEWORKER}
    first: dict[UUID, UUID] = {}
    if also is not None and also[0] is not None:
        first[also[0]] = also[1]
    for child_id, people in sorted((await reading.people_of(children, roles, now)).items()):
        for person_id in people:
            first.setdefault(person_id, child_id)
    sayings = [
        Saying(
            kind=Message.DUE,
            agency_id=witness.agency_id,
            subject_kind="witness",
            subject_id=uuid5(witness.id, f"{what}:{now.isoformat()}"),
            person_id=person_id,
            child_id=child_id,
            data={"path": f"/desk/children/{child_id}/witnesses"},
        )
        for person_id, child_id in sorted(first.items())
        if person_id != but
    ]
    await queue(sayings, now)
