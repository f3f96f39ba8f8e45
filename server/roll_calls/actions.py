"""What people do about roll calls: say who is there, and arrange who is asked and when."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.audit.actions import Actor, note
from server.audit.repeats import id_reused
from server.errors import NotFound, Refused
from server.i18n import N_
from server.notify.actions import withdraw
from server.people.access import nothing_here
from server.people.events import Rights, rights_changed
from server.people.models import Home, Person
from server.people.rules import MAY_WORK
from server.people.ties import lock_adults
from server.policy.roll_call import Word
from server.roll_calls import moved, rules
from server.roll_calls.models import HomeWorker, RollCall
from server.roll_calls.reading import living_in, unsaid, works_in
from server.storage.db import as_id, write
from server.watch.models import RollCallWord, Watch
from server.watch.witnessing import hear, lock_watches
from server.web.live import announce

# More than any home has; each word is a watch that is locked and weighed.
MOST_WORDS = 500


class Said(msgspec.Struct, frozen=True):
    """What is said of one child. `until_at`: of an "excused", when they are to be back."""

    child_id: UUID
    word: Word
    until_at: datetime | None = None


class RollCallSaid(msgspec.Struct, frozen=True):
    """What a person says of the children of a home, in one form. The client makes the id; `said_at`
    is when they said it, if the form had to wait for a network."""

    id: UUID
    said_at: datetime | None
    words: tuple[Said, ...]


class LeftOut(msgspec.Struct, frozen=True):
    """A child of a form who does not live in that home: nothing was written about them. The name is
    None if the home never had them."""

    child_id: UUID
    name: str | None


class Recorded(msgspec.Struct, frozen=True):
    """What became of a form: the roll call as it is now, and who was left out."""

    roll_call: RollCall
    left_out: tuple[LeftOut, ...] = ()


async def record(actor: Actor, roll_call_id: UUID, form: RollCallSaid, now: datetime) -> Recorded:
    """Keep what was said, and let the watches go by it. The same form twice is once.

    Children who are not named stay unsaid; those who do not live there any more are left out, and
    the rest counts; who has them now hears of a "not here". Also of a roll call that is missed, or
    done: then it is a correction. What is said after the next one was due is an answer to that.
    Raises NotFound for a person who does not work in that home, Refused for words of more than a
    day ago or an end that is over, IdReused for a known id of another person or roll call.
    """
    said_at = _said_at(form, now)
    async with write():
        roll_call = await RollCall.get_or_none(id=roll_call_id)
        if (
            roll_call is None
            or actor.id is None
            or not await works_in(actor.id, roll_call.home_id, now)
        ):
            raise nothing_here()
        words = {spoken.child_id: spoken for spoken in form.words}
        # The watches first, as everywhere; then the roll call, so that of two people who say the
        # last words at once the second finds that nothing is missing.
        watches, gone = await _locked(roll_call, words, now)
        ids = [rules.word_id(form.id, watch.child_id) for watch in watches]
        answered = await _answered(roll_call, ids, said_at)
        roll_call = await RollCall.filter(id=answered).select_for_update().get()
        await _check_id(actor.id, roll_call, form)
        at = min(max(said_at, roll_call.asked), now)
        rows = [
            _row(actor.id, roll_call, form.id, words[watch.child_id], at, now) for watch in watches
        ]
        if rows:
            page = rules.path_of(roll_call.home_id)
            await hear(actor, roll_call.id, watches, rows, now, page=page)
        if gone:
            await moved.tell(actor, roll_call, gone, now)
        roll_call = await _done_if_whole(actor.id, roll_call, now)
        left_out = await _left_out(words.keys() - {watch.child_id for watch in watches}, roll_call)
        await announce(roll_call.agency_id, "watch")
    return Recorded(roll_call, left_out)


async def _locked(
    roll_call: RollCall, words: Mapping[UUID, Said], now: datetime
) -> tuple[list[Watch], list[Watch]]:
    """The watches of those who live there, and of those who moved and are said to be not there."""
    here = await living_in(roll_call.home_id, words)
    away = {id_ for id_, spoken in words.items() if spoken.word is Word.NOT_HERE}
    gone = await moved.moved_from(roll_call, away - set(here), now)
    locked = await lock_watches([*here, *gone])
    return (
        [watch for watch in locked if watch.child_id not in gone],
        [watch for watch in locked if watch.child_id in gone],
    )


def _said_at(form: RollCallSaid, now: datetime) -> datetime:
    if len(form.words) > MOST_WORDS:
        raise Refused(
            N_("This is about more children than one home has. Send it in parts."), field="words"
        )
    said_at = min(form.said_at or now, now)
    if now - said_at > rules.SAID_BACK:
        raise Refused(
            N_(
                "This was said more than a day ago, so it no longer tells who is there. Do the roll"
                " call again."
            ),
            field="said_at",
            code="too_old",
        )
    for spoken in form.words:
        if spoken.until_at is not None and spoken.until_at <= said_at:
            raise Refused(N_("Choose a time that is still to come."), field="until")
    return said_at


async def _answered(named: RollCall, ids: Sequence[UUID], said_at: datetime) -> UUID:
    """The roll call that was asked last when these words were said. Several roll calls are weighed
    as several witnesses: so nobody may answer old ones with what they say now."""
    earlier = await RollCallWord.filter(id__in=list(ids)).values_list("roll_call_id", flat=True)
    if ids and len(earlier) == len(ids):
        return as_id(earlier[0])  # The same form again.
    later = RollCall.filter(home_id=named.home_id, due_at__gt=named.due_at, due_at__lte=said_at)
    last = await later.order_by("-due_at").first()
    return named.id if last is None else last.id


def _row(
    by_id: UUID,
    roll_call: RollCall,
    form_id: UUID,
    spoken: Said,
    said_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": rules.word_id(form_id, spoken.child_id),
        "agency_id": roll_call.agency_id,
        "roll_call_id": roll_call.id,
        "child_id": spoken.child_id,
        "word": spoken.word.value,
        "until_at": spoken.until_at if spoken.word is Word.EXCUSED else None,
        "said_at": said_at,
        "at": now,
        "by_id": by_id,
    }


async def _check_id(by_id: UUID, roll_call: RollCall, form: RollCallSaid) -> None:
    ids = [rules.word_id(form.id, spoken.child_id) for spoken in form.words]
    of_another = Q(by_id__not=by_id) | Q(roll_call_id__not=roll_call.id)
    if await RollCallWord.filter(of_another, id__in=ids).exists():
        raise id_reused()


async def _done_if_whole(by_id: UUID, roll_call: RollCall, now: datetime) -> RollCall:
    """It is done when each child who lives there now has a word, or is away by agreement."""
    if roll_call.done_at is not None or await unsaid(roll_call, now):
        return roll_call
    await RollCall.filter(id=roll_call.id).update(
        state="done", done_at=now, done_by=by_id, next_action_at=None
    )
    # Nobody has to do it any more, whatever was on its way.
    await withdraw([roll_call.id], "answered", now)
    return await RollCall.get(id=roll_call.id)


async def _left_out(ids: Collection[UUID], roll_call: RollCall) -> tuple[LeftOut, ...]:
    if not ids:
        return ()
    # A name is told only to people of a home that has had the child on its list.
    words = RollCallWord.filter(child_id__in=list(ids), roll_call__home_id=roll_call.home_id)
    on_list = set(await words.values_list("child_id", flat=True))
    names = dict(await Person.filter(id__in=list(on_list)).values_list("id", "name"))
    return tuple(LeftOut(id_, names.get(id_)) for id_ in sorted(ids))


# --- who is asked, and when


async def add_worker(actor: Actor, home_id: UUID, person_id: UUID, now: datetime) -> HomeWorker:
    """From now on this person works in the home. Twice is once.

    Raises NotFound for a home of another agency, Refused for a person who cannot work in one.
    """
    async with write():
        home = await home_of(actor, home_id)
        person = (await lock_adults(home.agency_id, [person_id]))[person_id]
        if person.role not in MAY_WORK:
            raise Refused(
                N_("This person cannot work in a home. Choose another person."), field="person_id"
            )
        held = await HomeWorker.get_or_none(
            home_id=home.id, person_id=person_id, until_at__isnull=True
        )
        if held is not None:
            return held
        worker = await HomeWorker.create(
            agency_id=home.agency_id,
            home_id=home.id,
            person_id=person_id,
            from_at=now,
            added_by=actor.id,
        )
        await note(
            actor,
            "home_worker:add",
            about=("home_worker", worker.id),
            agency_id=home.agency_id,
            now=now,
        )
    return worker


async def end_worker(actor: Actor, home_id: UUID, person_id: UUID, now: datetime) -> None:
    """This person works there no longer, and is not asked any more. Twice is once. Raises NotFound
    for a home or a person of another agency."""
    async with write():
        home = await home_of(actor, home_id)
        held = await HomeWorker.get_or_none(
            home_id=home.id, person_id=person_id, until_at__isnull=True
        )
        if held is None:
            if not await Person.exists(id=person_id, agency_id=home.agency_id):
                raise nothing_here()
            return
        await HomeWorker.filter(id=held.id).update(until_at=now)
        asked = RollCall.filter(home_id=home.id, state="open")
        ids = [as_id(id_) for id_ in await asked.values_list("id", flat=True)]
        await withdraw(ids, "settled", now, person_id=person_id)
        await note(
            actor,
            "home_worker:end",
            about=("home_worker", held.id),
            agency_id=home.agency_id,
            now=now,
        )
        await rights_changed(Rights(person_id=person_id), now)


async def set_times(
    actor: Actor, home_id: UUID, times: Sequence[str] | None, now: datetime
) -> Home:
    """When the home is asked, as ["21:30"]; None: as the policy says; []: never. The same again
    changes nothing. Raises NotFound for a home of another agency, Refused, field `times`."""
    written = None if times is None else rules.written_times(times)
    async with write():
        home = await home_of(actor, home_id)
        if home.roll_call_at == written:
            return home
        await Home.filter(id=home.id).update(roll_call_at=written)
        await Home.filter(Home.to_plan_anew(now), id=home.id).update(next_roll_call_at=now)
        await note(
            actor,
            "home:change",
            about=("home", home.id),
            names=["roll_call_at"],
            agency_id=home.agency_id,
            now=now,
        )
    return await Home.get(id=home_id)


async def home_of(actor: Actor, home_id: UUID) -> Home:
    """This home of the actor's agency, locked. Raises NotFound."""
    home = await Home.filter(id=home_id).select_for_update(no_key=True).first()
    if home is None or (actor.agency_id is not None and home.agency_id != actor.agency_id):
        raise NotFound(N_("This home does not exist."))
    return home
