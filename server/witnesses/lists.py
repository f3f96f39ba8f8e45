"""The list of a day: opened with a PIN, filled in, corrected. Verbs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from tortoise.expressions import F

from server.audit.actions import Actor, note, note_all
from server.auth.rate_limit import count_guess, forget_guesses
from server.auth.rules import Door
from server.errors import NotFound, Refused
from server.i18n import N_
from server.notify.actions import Saying, queue, withdraw
from server.notify.rules import Kind as Message
from server.people.access import nothing_here
from server.people.rules import Role
from server.policy.roll_call import Word
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, write
from server.watch.carer.away import tell_of_moved, told_people
from server.watch.models import Watch, WitnessWord
from server.watch.witnessing import hear, lock_watches
from server.web.live import announce
from server.witnesses import actions, reading, rules
from server.witnesses.models import Witness, WitnessChild, WitnessList
from server.witnesses.register import Line, Matched, match, same

LINK = "witness list"
OPENED_PROOF = "witness list opened"
OVER = N_("This list is over.")
WRONG = N_("This PIN is wrong. Try again.")
CLOSED = N_("Enter your PIN. What you tapped is kept.")
CHANGED = N_(
    "The PIN has changed: the old one no longer works. Call the person who gave you the PIN, and"
    " ask for the new one. What you tapped is kept."
)
LOCKED = N_("Too many wrong PINs. Call the person who gave you the PIN, and ask for a new one.")


class Form(msgspec.Struct, frozen=True):
    """What is said of the children of a list, by their seats. The client makes the id."""

    id: UUID
    words: Mapping[UUID, Word]
    way: rules.Way = rules.Way.LINK
    by_id: UUID | None = None


# --- the link


def token_of(sheet: WitnessList) -> str:
    """The token in the address of a list: it counts until the end of its day."""
    return encryption.sign(str(sheet.id), LINK, until=sheet.ends_at)


async def read(token: str, now: datetime, *, also_ended: bool = False) -> WitnessList:
    """The list of an address, with its witness. Raises NotFound for one that is not ours, or is
    over, or whose witness has ended (unless `also_ended`)."""
    try:
        id_ = UUID(encryption.unsign(token, LINK, now))
    except (encryption.Unreadable, ValueError):
        raise NotFound(OVER) from None
    held = WitnessList.filter(id=id_, ends_at__gt=now)
    sheet = await held.prefetch_related("witness").first()
    if sheet is None or (sheet.witness.ended_at is not None and not also_ended):
        raise NotFound(OVER)
    return sheet


async def open_with(sheet: WitnessList, pin: str, now: datetime) -> str:
    """What opens the list from now on, for an hour. Raises Refused for a wrong PIN, and TooMany
    after too many; the tenth in a row locks it, and the caseworkers are told."""
    witness = sheet.witness
    if witness.locked_at is not None:
        raise Refused(LOCKED, field="pin")
    guesses = await count_guess(Door.LIST, [(str(witness.id), rules.PIN_TRIES)], now)
    if not actions.is_pin(witness, pin):
        await _wrong(witness, now)
        raise Refused(WRONG if witness.pin_new_at is None else CHANGED, field="pin")
    async with write():
        await forget_guesses(guesses)
        # It may have changed in this moment.
        used = Witness.filter(id=witness.id, pin_hash=witness.pin_hash)
        await used.update(wrong=0, pin_new_at=None)
    return opened(sheet, now)


def closed(sheet: WitnessList) -> Refused:
    """What asks for the PIN anew: the list was open too long, or the PIN has changed."""
    return Refused(CLOSED if sheet.witness.pin_new_at is None else CHANGED, field="pin")


def opened(sheet: WitnessList, now: datetime) -> str:
    """The proof of a right PIN, which the page keeps. A new PIN ends it."""
    until = now.replace(microsecond=0) + rules.OPEN_FOR
    return encryption.sign(_proof(sheet), OPENED_PROOF, until=until)


def is_opened(sheet: WitnessList, proof: str, now: datetime) -> bool:
    """Whether this is such a proof, for this list."""
    try:
        return encryption.unsign(proof, OPENED_PROOF, now) == _proof(sheet)
    except encryption.Unreadable:
        return False


def _proof(sheet: WitnessList) -> str:
    return f"{sheet.id} {sheet.witness.pin_hash[:16]}"


async def _wrong(witness: Witness, now: datetime) -> None:
    actor, about = Actor(None, "witness", witness.agency_id), ("witness", witness.id)
    async with write():
        await Witness.filter(id=witness.id).update(wrong=F("wrong") + 1)
        await note(actor, "witness:wrong_pin", about=about, now=now)
        locks = Witness.filter(id=witness.id, wrong__gte=rules.WRONG_PINS, locked_at__isnull=True)
        if await locks.update(locked_at=now):
            await note(actor, "witness:lock", about=about, now=now)
            children = await reading.children_of(witness.id, now)
            await actions.tell(witness, children, "locked", now)


# --- what is said


class Kept(msgspec.Struct, frozen=True):
    """What became of a form. `left`: how many of its words are about children who have left the
    list; `told`: how many of those say "not here", which adults are told of. `is_over`: the list
    has ended."""

    sheet: WitnessList
    left: int = 0
    told: int = 0
    is_over: bool = False


async def record(actor: Actor, list_id: UUID, form: Form, now: datetime) -> Kept:
    """Keep what was said, and let the watches go by it. The same form twice is once; a word that
    stays as it was is no new one.

    Children who are not named stay unsaid. Of those who have left the list that day nothing is
    kept, and who has them now hears of a "not here"; also where the list ended with them. Raises
    NotFound where the day of the list is over.
    """
    async with write():
        sheet = await WitnessList.get_or_none(id=list_id).prefetch_related("witness")
        if sheet is None or sheet.ends_at <= now:
            raise NotFound(OVER)
        # The watches first, as everywhere; then the list, so that nobody ends it before the words
        # are kept.
        watches = await lock_watches(_split(await reading.seats_of_day(sheet.witness, now), form))
        locked = await WitnessList.filter(id=list_id).select_for_update().get()
        seats = await reading.seats_of_day(sheet.witness, now)
        named = _split(seats, form)
        words = {child_id: word for child_id, (word, is_on) in named.items() if is_on}
        if locked.state == "missed" and words:  # The day has ended in this moment.
            raise NotFound(OVER)
        new = await _new(sheet, form, words, [each for each in watches if each.child_id in words])
        if new:
            rows = [_row(sheet, form, watch, words[watch.child_id], now) for watch in new]
            kept = await hear(actor, sheet.id, new, rows, now)
            await _tell_of_absent(sheet, [row for row in rows if row["id"] in kept], now)
        away = {id_ for id_, (word, is_on) in named.items() if word is Word.NOT_HERE and not is_on}
        told = await _tell_of_moved(actor, sheet, [w for w in watches if w.child_id in away], now)
        await _done_if_whole(sheet, now)
        await announce(sheet.agency_id, "watch")
        sheet = await WitnessList.get(id=list_id).prefetch_related("witness")
        return Kept(sheet, len(named) - len(words), told, sheet.witness.ended_at is not None)


def _split(seats: Sequence[WitnessChild], form: Form) -> dict[UUID, tuple[Word, bool]]:
    """What is said of each child, and whether they are on the list. Of a child who left and is back
    the last seat counts."""
    on_list = {seat.child_id for seat in seats if seat.until_at is None}
    return {
        seat.child_id: (form.words[seat.id], seat.child_id in on_list)
        for seat in seats
        if seat.id in form.words
    }


async def _tell_of_moved(
    actor: Actor, sheet: WitnessList, watches: Sequence[Watch], now: datetime
) -> int:
    """Once for each child and list; returns of how many children adults are told."""
    new = await tell_of_moved(actor.id, sheet.id, watches, {}, now)
    await note_all(actor, "witness:moved", sorted(new), now=now)
    return len(await told_people(sheet.id, [watch.child_id for watch in watches]))


async def _new(
    sheet: WitnessList, form: Form, words: Mapping[UUID, Word], watches: Sequence[Watch]
) -> list[Watch]:
    """Those whose word is another than before. A form that came already tells nothing more, even
    if the list was corrected since."""
    before = await reading.last_words(sheet.id)
    ids = [rules.word_id(form.id, watch.child_id) for watch in watches]
    came = {as_id(id_) for id_ in await WitnessWord.filter(id__in=ids).values_list("id", flat=True)}
    return [
        watch
        for watch in watches
        if rules.word_id(form.id, watch.child_id) not in came
        and not (
            (last := before.get(watch.child_id)) is not None and last.word == words[watch.child_id]
        )
    ]


def _row(sheet: WitnessList, form: Form, watch: Watch, word: Word, now: datetime) -> dict[str, Any]:
    return {
        "id": rules.word_id(form.id, watch.child_id),
        "agency_id": sheet.agency_id,
        "list_id": sheet.id,
        "child_id": watch.child_id,
        "witness_id": sheet.witness_id,
        "word": word.value,
        "said_at": now,
        "at": now,
        "by_id": form.by_id,
        "way": form.way.value,
    }


async def _tell_of_absent(
    sheet: WitnessList, rows: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """The caseworkers of a child who did not come have something to look at. It calls nobody."""
    absent = {as_id(row["child_id"]) for row in rows if row["word"] == Word.NOT_HERE.value}
    people = await reading.people_of(absent, [Role.CASEWORKER], now)
    sayings = [
        Saying(
            kind=Message.DUE,
            agency_id=sheet.agency_id,
            subject_kind="witness_list",
            subject_id=uuid5(sheet.id, f"absent:{child_id}"),
            person_id=person_id,
            child_id=child_id,
            expires_at=sheet.ends_at + timedelta(days=1),
            data={"path": f"/desk/children/{child_id}/witnesses"},
        )
        for child_id in sorted(absent)
        for person_id in sorted(people.get(child_id, ()))
    ]
    await queue(sayings, now)


async def _done_if_whole(sheet: WitnessList, now: datetime) -> None:
    lines = await reading.lines_of(sheet, now)
    if not lines or any(line.word is None for line in lines):
        return
    held = WitnessList.filter(id=sheet.id, state="open")
    if await held.update(state="done", done_at=now, next_action_at=None):
        await withdraw([sheet.id], "answered", now)


# --- a register


async def of_today(witness: Witness, now: datetime) -> WitnessList:
    """The list of today, made now if a register comes before it is due. Raises Refused on a day
    without one."""
    made = await reading.list_of_day(witness, now)
    if made is not None:
        return made
    due = reading.due_today(witness, now)
    if due is None:
        raise Refused(N_("No list is due from them today."), field="register")
    await make([(witness, due)], now, is_asked=False)
    return await WitnessList.get(id=rules.list_id(witness.id, due))


async def make(
    dues: Collection[tuple[Witness, datetime]], now: datetime, *, is_asked: bool
) -> set[UUID]:
    """The lists of these witnesses, due then; returns the ids of those that are new. In the
    caller's transaction where something else hangs on it."""
    rows = [
        {
            "id": rules.list_id(witness.id, due),
            "agency_id": witness.agency_id,
            "witness_id": witness.id,
            "due_at": due,
            "zone": reading.zone_of(witness).key,
            "ends_at": rules.ends_at(due, reading.zone_of(witness)),
            "state": "open",
            "asked_at": now if is_asked else None,
            "next_action_at": due + rules.UNDONE_AFTER,
        }
        for witness, due in dues
    ]
    async with write():
        return {as_id(id_) for id_ in await bulk.insert(WitnessList, rows, skip_known=True)}


async def hand_in(
    actor: Actor,
    witness: Witness,
    lines: Sequence[Line],
    *,
    id_: UUID,
    now: datetime,
    among: Collection[UUID] | None = None,
) -> tuple[WitnessList, Matched]:
    """What a register of today says, by the names that the witness knows; and what was nobody's
    here. A person speaks for the children `among` alone: for the others their colleagues do. Raises
    Refused on a day without a list."""
    sheet = await of_today(witness, now)
    seats = await reading.seats_of_day(witness, now)
    if actor.id is None:
        # After the names were read: a child who joined in that moment made the address new.
        held_by = Witness.filter(id=witness.id, register_hash=witness.register_hash)
        if not await held_by.update(register_new_at=None):
            raise nothing_here()
    on_list = {same(seat.known_as) for seat in seats if seat.until_at is None}
    held = [seat for seat in seats if among is None or seat.child_id in among]
    matched = match(lines, {seat.id: seat.known_as for seat in held if seat.until_at is None})
    # The answer counts those who left among the names that are not on the list.
    left = {seat.id: seat.known_as for seat in held if same(seat.known_as) not in on_list}
    words = {**match(lines, left).words, **matched.words}
    way = rules.Way.REGISTER if actor.id is None else rules.Way.FILE
    kept = await record(actor, sheet.id, Form(uuid5(sheet.id, str(id_)), words, way, actor.id), now)
    if kept.is_over:
        raise NotFound(OVER)
    return kept.sheet, matched
