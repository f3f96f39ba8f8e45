"""A text of a person who works in a home, in answer to its roll call. It is said by that person,
as on the page."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from server.audit.actions import Actor
from server.clock import known_zone
from server.errors import Conflict
from server.notify.actions import ANSWERED, BY_NUMBERS, Saying
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Agency, Person
from server.policy.roll_call import Word
from server.roll_calls.actions import RollCallSaid, Said, record
from server.roll_calls.models import HomeWorker, RollCall
from server.roll_calls.moved import tell_by_number
from server.roll_calls.reading import letters_of, live, living_in, numbers_of, on_pass
from server.roll_calls.texts.by_text import Heard, read

# So long after it was due, a roll call is answered by text.
LASTS = timedelta(hours=24)
# However many texts make no sense, we say so once in this time.
HELPED_EVERY = timedelta(minutes=10)
_TRIES = 3


class Place(msgspec.Struct, frozen=True):
    """A home where the sender works, and its last roll call."""

    person: Person
    seat: HomeWorker
    call: RollCall
    letter: str


class Answered(msgspec.Struct, frozen=True):
    """Who sent the text, and what we reply."""

    person: Person
    reply: Saying


async def hear(
    people: Sequence[Person], channel: str, text: str, id_: UUID, now: datetime
) -> Answered | None:
    """Keep what this text says of a roll call, and what to reply. The same id twice is once. None:
    it answers no roll call."""
    places = await _places(people, now)
    heard = read(text)
    if not places or await _answers_an_alert(people, channel, heard, now):
        return None
    if heard is None:
        waiting = [place for place in places if place.call.is_open]
        return _help(waiting[0], channel, "nonsense", now) if waiting else None
    place = _meant(places, heard.letter)
    if place is None:
        return await _ask_which(places, channel, now)
    numbers = await _on_list(place.call.home_id)
    unknown = [str(number) for number in heard.words if number not in numbers]
    if unknown:
        away = [n for n, word in heard.words.items() if word is Word.NOT_HERE and n not in numbers]
        await tell_by_number(_actor(place.person), place.call, away, now)
        return _help(place, channel, "no_number", now, numbers=" ".join(unknown))
    facts = await _record(place, heard, numbers, id_, now)
    return Answered(place.person, _saying(place, channel, id_, now, facts))


async def _places(people: Sequence[Person], now: datetime) -> list[Place]:
    """In the order of their letters."""
    by_id = {person.id: person for person in people}
    held = await live(now).filter(person_id__in=list(by_id)).order_by("from_at", "id")
    letters = await letters_of(by_id)
    places = []
    for seat in held:
        lately = RollCall.filter(home_id=seat.home_id, due_at__gt=now - LASTS)
        call = await lately.order_by("-due_at").first()
        if call is not None and seat.agency_id == by_id[seat.person_id].agency_id:
            letter = letters.get((seat.person_id, seat.home_id), "")
            places.append(Place(by_id[seat.person_id], seat, call, letter))
    return places


async def _on_list(home_id: UUID) -> dict[int, UUID]:
    """By number, the children who live there now: a number that rests is nobody's."""
    living = set(await living_in(home_id))
    numbers = await numbers_of(home_id)
    return {number: child for child, number in numbers.items() if child in living}


def _meant(places: Sequence[Place], letter: str) -> Place | None:
    """The place that a text is about; None where it could be several, or is one that is not asked.
    People who share a number may name different homes by the same letter."""
    if letter:
        meant = [place for place in places if place.letter == letter]
    else:
        meant = [place for place in places if place.call.is_open] or list(places)
    return meant[0] if len({place.seat.home_id for place in meant}) == 1 else None


async def _ask_which(places: Sequence[Place], channel: str, now: datetime) -> Answered:
    """The letters of the homes; where they do not tell the homes apart, another way to do it."""
    homes: dict[str, set[UUID]] = {}
    for place in places:
        homes.setdefault(place.letter, set()).add(place.seat.home_id)
    if "" not in homes and all(len(each) == 1 for each in homes.values()):
        listed = dict.fromkeys(f"{each.letter} {_time(each.call)}" for each in places)
        return _help(places[0], channel, "which", now, letters=", ".join(listed))
    phone = (await Agency.get(id=places[0].person.agency_id)).help_phone
    if phone:
        return _help(places[0], channel, "shared_call", now, phone=phone)
    return _help(places[0], channel, "shared", now)


async def _answers_an_alert(
    people: Sequence[Person], channel: str, heard: Heard | None, now: datetime
) -> bool:
    """Whether the last thing we asked this person there was about an alert, and the text may be an
    answer to that whose code is missing: "1" must not say of a child that they are away."""
    if heard is not None and (heard.letter or set(heard.words.items()) not in _BARE):
        return False
    asked = Message.filter(
        person_id__in=[person.id for person in people],
        channel=channel,
        kind__in=[kind.value for kind in ANSWERED | BY_NUMBERS],
        queued_at__gt=now - LASTS,
    )
    last = await asked.order_by("-queued_at", "-id").first()
    return last is not None and Kind(last.kind) in ANSWERED


_BARE = ({(1, Word.NOT_HERE)}, {(2, Word.NOT_HERE)})


async def _record(
    place: Place, heard: Heard, numbers: Mapping[int, UUID], id_: UUID, now: datetime
) -> dict[str, Any]:
    """What was said, in numbers. Who is away by agreement, and was not named, stays so; who is not
    on the list is not said to be here."""
    living = await living_in(place.call.home_id)
    away = await on_pass(living, now)
    words = {
        child: heard.words.get(number, Word.HERE)
        for number, child in numbers.items()
        if number in heard.words or child not in away
    }
    form = RollCallSaid(id_, now, tuple(Said(child, word) for child, word in words.items()))
    await _try(_actor(place.person), place.call.id, form, now)
    left = [child for child in living if child not in numbers.values() and child not in away]
    return {
        "says": "noted",
        "here": sum(word is Word.HERE for word in words.values()),
        "away": _numbers(heard, Word.NOT_HERE),
        "unknown": _numbers(heard, Word.UNKNOWN),
        "excused": _numbers(heard, Word.EXCUSED),
        "left": len(left),
    }


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.role.value, person.agency_id)


async def _try(actor: Actor, call_id: UUID, form: RollCallSaid, now: datetime) -> None:
    for tries in range(1, _TRIES + 1):
        try:
            await record(actor, call_id, form, now)
        except Conflict:  # A watch moved in this moment. The gateway tries again after the last.
            if tries == _TRIES:
                raise
        else:
            return


def _numbers(heard: Heard, word: Word) -> str:
    return " ".join(str(number) for number, each in heard.words.items() if each is word)


def _time(call: RollCall) -> str:
    return f"{call.due_at.astimezone(known_zone(call.zone)):%H:%M}"


def _help(place: Place, channel: str, says: str, now: datetime, **more: str) -> Answered:
    stretch = int(now.timestamp() // HELPED_EVERY.total_seconds())
    about = uuid5(place.call.id, f"{place.person.id} {says} {stretch}")
    return Answered(place.person, _saying(place, channel, about, now, {"says": says, **more}))


def _saying(
    place: Place, channel: str, about: UUID, now: datetime, facts: Mapping[str, Any]
) -> Saying:
    return Saying(
        kind=Kind.ROLL_CALL_REPLY,
        agency_id=place.person.agency_id,
        subject_kind="text",
        subject_id=about,
        person_id=place.person.id,
        channel=channel,
        urgency="high",
        expires_at=now + timedelta(hours=1),
        data={"by_numbers": dict(facts)},
    )
