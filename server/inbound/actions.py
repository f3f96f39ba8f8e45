"""A message came in by a gateway: heard once, understood where possible, and never lost.

This sends no request to the outside. An unknown sender gets no answer, and nothing that tells them
whether a number is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from server.alerts import actions as alerts
from server.alerts.ladder import people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.audit.actions import SYSTEM, Actor, note
from server.audit.models import Entry
from server.checkin.actions import record
from server.checkin.rules import Answer, Want
from server.errors import Conflict, IdReused, NotFound, Refused
from server.inbound import roll_call_texts, unplaced
from server.inbound.agreements import number_index
from server.inbound.bodies import Hook
from server.inbound.models import Inbound, Texting
from server.inbound.rules import (
    LONGEST_READ,
    LONGEST_TEXT,
    Meant,
    Reply,
    meant,
    read_reply,
    spellings,
)
from server.notify.actions import ANSWERED, Saying, queue
from server.notify.models import Address, Message
from server.notify.rules import EMAIL, Kind
from server.people.models import Person
from server.people.rules import Role
from server.policy.levels import Way
from server.policy.model import Rung
from server.security import encryption
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.actions import somebody_texted
from server.watch.carer.questions import answer_question

_ANSWERS = UUID("4a1f2a0e-6d1c-4b7e-9a35-5f0f5b6f6c77")
# How long a code may be answered.
LASTS = timedelta(hours=24)
# However many texts come, the caseworker hears of words once in this time.
TOLD_EVERY = timedelta(minutes=10)
REFUSED_EVERY = timedelta(minutes=1)


async def take(hook: Hook, now: datetime) -> None:
    """Hear what came in. The same id again does nothing."""
    if await Inbound.filter(channel=hook.channel, outer_id=_hash(hook)).exists():
        return
    live = await _children(hook)
    if live:
        await _prove(live, now)
        await _from_children(hook, live, now)
        return
    people = await _people(hook)
    if people:
        await _from_adult(hook, people, now)
    else:
        await _keep_unplaced(hook, None, now)


def _hash(hook: Hook) -> str:
    """Of what was said as well: a gateway may begin its numbers anew, and a retry says the same."""
    heard = f"{hook.channel} {hook.outer_id} {hook.sender} {hook.text}"
    return sha256(heard.encode()).hexdigest()


async def _children(hook: Hook) -> list[Texting]:
    """The children who have agreed on this number."""
    if hook.sender is None:
        return []
    held = Texting.filter(
        number_index=number_index(hook.channel, hook.sender), ended_at__isnull=True
    )
    return [each for each in await held.order_by("id") if each.channel == hook.channel]


async def _keep_unplaced(hook: Hook, person: Person | None, now: datetime) -> None:
    """Of nobody we know, or of a colleague and no answer to anything: supervisors hear of it."""
    channel = hook.channel
    agencies = [person.agency_id] if person is not None else await unplaced.agencies_of(channel)
    row = _row(hook, "unknown" if person is None else "nothing", now)
    if len(agencies) == 1:  # Else it may be another's child who writes.
        row |= {"agency_id": agencies[0], "text": _kept(hook), "sender": hook.sender}
    if person is not None:
        row |= {"person_id": person.id, "sender": None}
    async with write():
        if await _keep([row]):
            await unplaced.tell(agencies, now)


def _kept(hook: Hook) -> str | None:
    return hook.text[:LONGEST_TEXT] if hook.text is not None else None


def _row(hook: Hook, what: str, now: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "channel": hook.channel,
        "outer_id": _hash(hook),
        "nth": 0,
        "at": now,
        "what": what,
        "agency_id": None,
        "child_id": None,
        "person_id": None,
        "message_id": None,
        "is_shared": False,
        "text": None,
        "sender": None,
        **more,
    }


async def _keep(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether these are new: of two that come in one moment, one is."""
    return len(await bulk.insert(Inbound, rows, skip_known=True)) == len(rows)


# --- a child


async def _prove(live: Sequence[Texting], now: datetime) -> None:
    """The child wrote from there: the number counts as a way to reach them."""
    ids = [texting.address_id for texting in live if texting.address_id is not None]
    await Address.filter(id__in=ids, verified_at__isnull=True).update(verified_at=now)


async def _from_children(hook: Hook, live: Sequence[Texting], now: datetime) -> None:
    text = (hook.text or "")[:LONGEST_READ]
    for texting in live:
        what = meant(text, texting.words, is_damaged=hook.is_damaged)
        if what is not None and await _answer(hook, texting, what, now):
            return
    await _words(hook, live, now)


async def _answer(hook: Hook, texting: Texting, what: Meant, now: datetime) -> bool:
    """An agreed word. The two that say "I'm OK" differ only in their mark. Returns False where it
    is no answer: the child has never been watched."""
    shown = Meant.HELP if what is Meant.HELP else Meant.OK
    answer = Answer(
        id=uuid5(_ANSWERS, _hash(hook)),
        said_at=now,
        want=Want.HELP if what is Meant.HELP else Want.NOTHING,
        mark="b" if what is Meant.OTHER else "a",
        way=Way.SMS,
    )
    # The answer first: it has an id of its own, so the gateway's retry mends any failure here.
    try:
        await record(_child(texting), Role.CHILD, texting.child_id, answer, now)
    except IdReused:
        pass  # We failed after it: the first time counts.
    except NotFound:
        return False
    async with write():
        row = _row(hook, shown, now, agency_id=texting.agency_id, child_id=texting.child_id)
        if await _keep([row]):
            await _heard(texting, row, now)
    return True


async def _words(hook: Hook, live: Sequence[Texting], now: datetime) -> None:
    """None of the agreed words: stored as the child's, and their caseworker is told. It settles
    nothing, and shows only that a person has the phone."""
    rows = [
        _row(
            hook,
            "words",
            now,
            nth=place,
            agency_id=texting.agency_id,
            child_id=texting.child_id,
            is_shared=len(live) > 1,
            text=_kept(hook),
        )
        for place, texting in enumerate(live)
    ]
    async with write():
        if not await _keep(rows):
            return
        for texting, row in zip(live, rows, strict=True):
            await somebody_texted(texting.child_id, now)
            await _tell(texting, now)
            await note(
                _child(texting),
                "text:words",
                child_id=texting.child_id,
                about=("text", row["id"]),
                now=now,
            )
        await _thank(live[0], rows[0]["id"], now)


async def _heard(texting: Texting, row: dict[str, Any], now: datetime) -> None:
    await note(
        _child(texting), "text:word", child_id=texting.child_id, about=("text", row["id"]), now=now
    )
    await _thank(texting, row["id"], now)


def _child(texting: Texting) -> Actor:
    return Actor(texting.child_id, Role.CHILD.value, texting.agency_id)


async def _thank(texting: Texting, about: UUID, now: datetime) -> None:
    """The same text, whatever was said."""
    if not texting.replies:
        return
    saying = Saying(
        kind=Kind.THANKS,
        agency_id=texting.agency_id,
        subject_kind="text",
        subject_id=about,
        person_id=texting.child_id,
        child_id=texting.child_id,
        channel=texting.channel,
        expires_at=now + timedelta(hours=1),
    )
    await queue([saying], now)


async def _tell(texting: Texting, now: datetime) -> None:
    reach = (await reach_of({texting.child_id: texting.agency_id}, now))[texting.child_id]
    rungs = (Rung.CASEWORKER, Rung.DEPUTY, Rung.ON_DUTY, Rung.MANAGER)
    there = reach.on(*rungs)
    people = next((on for rung in rungs if (on := people_on(rung, there))), ())
    if not people:
        await unplaced.tell([texting.agency_id], now)
    stretch = int(now.timestamp() // TOLD_EVERY.total_seconds())
    sayings = [
        Saying(
            kind=Kind.TALK,
            agency_id=texting.agency_id,
            subject_kind="text",
            subject_id=uuid5(_ANSWERS, f"{texting.child_id} {stretch}"),
            person_id=person,
            child_id=texting.child_id,
            urgency="high",
            expires_at=now + timedelta(hours=12),
            data={"path": f"/desk/children/{texting.child_id}"},
        )
        for person in people
    ]
    await queue(sayings, now)


# --- an adult


async def _people(hook: Hook) -> list[Person]:
    """The people with this address. One that was removed, or never proven, answers for nobody."""
    if hook.sender is None:
        return []
    wanted = [
        index
        for text in spellings(hook.sender)
        for index in encryption.current().blinds(f"{hook.channel}:{text}")
    ]
    person_ids = await Address.filter(
        channel=hook.channel,
        value_index__in=wanted,
        dropped_at__isnull=True,
        verified_at__isnull=False,
    ).values_list("person_id", flat=True)
    ids = [id_ for id_ in person_ids if id_ is not None]
    return await Person.filter(id__in=ids, disabled_at__isnull=True).exclude(role=Role.CHILD)


async def _from_adult(hook: Hook, people: Sequence[Person], now: datetime) -> None:
    # Where something is missing it may be the "not" of it.
    text = "" if hook.is_damaged else (hook.text or "")[:LONGEST_READ]
    reply = read_reply(text)
    message = await _answered(people, hook.channel, reply, now)
    if message is None and text and await _of_roll_call(hook, text, people, now):
        return
    what = _what(message, reply) if message is not None else None
    if message is None or what is None:
        await _keep_unplaced(hook, people[0], now)
        return
    person = next(adult for adult in people if adult.id == message.person_id)
    row = _row(
        hook, what, now, person_id=person.id, agency_id=person.agency_id, message_id=message.id
    )
    async with write():
        if await _keep([row]):
            await _do(what, person, message, row, now)


async def _of_roll_call(hook: Hook, text: str, people: Sequence[Person], now: datetime) -> bool:
    """Whether it answers a roll call; then it is heard."""
    if hook.channel == EMAIL:
        return False
    # The answer first, as of a child: the gateway's retry mends any failure here.
    id_ = uuid5(_ANSWERS, _hash(hook))
    answered = await roll_call_texts.hear(people, hook.channel, text, id_, now)
    if answered is None:
        return False
    by = {"person_id": answered.person.id, "agency_id": answered.person.agency_id}
    async with write():
        if await _keep([_row(hook, "roll_call", now, **by)]):
            await queue([answered.reply], now)
    return True


async def _answered(
    people: Sequence[Person], channel: str, reply: Reply, now: datetime
) -> Message | None:
    """The message of one of these people whose code is in the reply."""
    if not reply.codes:
        return None
    sent = Message.filter(
        person_id__in=[person.id for person in people],
        channel=channel,
        kind__in=[kind.value for kind in ANSWERED],
        queued_at__gt=now - LASTS,
    ).order_by("-id")
    for message in await sent.limit(200):
        if (message.data or {}).get("reply") in {
            encryption.normalise_code(code) for code in reply.codes
        }:
            return message
    return None


def _what(message: Message, reply: Reply) -> str | None:
    """What a reply to this message means; None where we can do nothing with it."""
    if reply.says is None:
        return None
    if message.kind == Kind.ASK_CARER:
        return "seen" if reply.says else "not_seen"
    return "acknowledge" if reply.says else None


async def _do(
    what: str, person: Person, message: Message, row: dict[str, Any], now: datetime
) -> None:
    actor = Actor(person.id, person.role.value, person.agency_id)
    about = ("text", row["id"])
    try:
        if what == "acknowledge":
            await _acknowledge(actor, message, now)
        else:
            await answer_question(message.subject_id, what, now)
    except (Conflict, NotFound, Refused) as late:
        # Another person has it, or its time is over: it stays as it is, and we know that they
        # tried.
        await note(
            actor, f"text:{what}", child_id=message.child_id, about=about, why=late.code, now=now
        )
        return
    await note(actor, f"text:{what}", child_id=message.child_id, about=about, now=now)


async def _acknowledge(actor: Actor, message: Message, now: datetime) -> None:
    """The reply is to a call, and everyone called may take it: until the alert is closed, and as
    long as the child is with the agency that called."""
    here = Alert.filter(id=message.subject_id, agency_id=actor.agency_id)
    if not await here.exists():
        raise NotFound("This alert does not exist.")
    await alerts.acknowledge(actor, message.subject_id, now)


async def count_refused(channel: str, now: datetime) -> None:
    """A request without a valid signature leaves an entry, once a minute: forged requests show in
    the record, and cannot flood it."""
    # By the index: a flood of forged requests must not read the whole record each time.
    lately = Entry.filter(agency_id__isnull=True, at__gt=now - REFUSED_EVERY)
    if await lately.filter(what="hook:refused").exists():
        return
    async with write():
        await note(SYSTEM, "hook:refused", names=[channel], now=now)
