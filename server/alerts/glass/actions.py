"""Breaking the glass, and ending it before its time."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from server import logs
from server.alerts.glass import rules
from server.alerts.glass.models import Glass
from server.alerts.glass.reading import standing_at
from server.alerts.ladder import people_on
from server.alerts.recipients import reach_of
from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.errors import NotFound
from server.i18n import N_
from server.notify.actions import Recipient, Saying, queue
from server.notify.last_resort.reading import resorts_of
from server.notify.rules import Kind
from server.people.events import Rights, rights_changed
from server.people.models import Child, Person
from server.policy.model import Rung
from server.security import encryption
from server.storage.db import write
from server.web.live import announce

# What the child reads: that a person opened their page, and why in that person's words.
LOOK = "look:emergency:open"
TOPIC = "glass"  # The board shows the child until it ends; then the open page goes.
# The same for a name that nobody has, for a name that two have, and without a reason.
NOTHING_OPENED = N_(
    "Nothing was opened. Check the full name or the reference, and write a reason of three words or"
    " more. If two children share the name, add the birthday."
)

_log = logs.get("glass")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. `child_id`: the one child that the name or reference names."""

    id: UUID
    child_id: UUID | None
    reason: str | None


async def break_glass(actor: Actor, asked: Asked, now: datetime) -> Glass:
    """Open what an emergency needs of a child, and tell those who answer for the child.

    The same id again is the same; so is another one by the same person while it is open: it
    extends nothing. Raises TooMany whatever the name is, NotFound, and IdReused.
    """
    async with write():
        agency_id = await _lock(actor)
        earlier = await _earlier(actor, asked, now)
        if earlier is not None:
            return earlier
        opened = await Glass.filter(person_id=actor.id, opened_at__gt=now - rules.WITHIN)
        rules.check_count([glass.opened_at for glass in opened], now)
        child = await _placed(asked, agency_id)
        if child is None or asked.reason is None:
            _log.info("nothing_opened", person_id=actor.id)
            raise NotFound(NOTHING_OPENED)
        glass = await Glass.create(
            id=asked.id,
            agency_id=agency_id,
            child_id=child.id,
            person_id=actor.id,
            opened_at=now,
            until_at=now + rules.OPEN_FOR,
            reason=asked.reason,
        )
        await _write_down(actor, glass, now)
        await announce(agency_id, TOPIC)
        told = await _tell(child, glass, now)
    _log.info("opened", glass_id=glass.id, person_id=actor.id, child_id=child.id, told=told)
    return glass


async def _lock(actor: Actor) -> UUID:
    """The agency of the person, locked until the end of this write: two at once are counted one
    after the other, and nobody opens anything while they leave."""
    here = Person.filter(id=actor.id, agency_id=actor.agency_id, disabled_at__isnull=True)
    person = await here.select_for_update(no_key=True).first()
    if person is None:
        raise NotFound(NOTHING_OPENED)
    return person.agency_id


async def _earlier(actor: Actor, asked: Asked, now: datetime) -> Glass | None:
    same = await first_made(Glass, asked.id, asked, person_id=actor.id, child_id=asked.child_id)
    if same is not None:
        return same
    if asked.child_id is None or asked.reason is None:
        return None
    held = Glass.filter(standing_at(now), person_id=actor.id, child_id=asked.child_id)
    return await held.filter(agency_id=actor.agency_id).first()


async def _placed(asked: Asked, agency_id: UUID) -> Child | None:
    if asked.child_id is None:
        return None
    return await Child.get_or_none(id=asked.child_id, agency_id=agency_id, left_at__isnull=True)


async def _write_down(actor: Actor, glass: Glass, now: datetime) -> None:
    about, why = ("glass", glass.id), encryption.seal(glass.reason)
    await note(actor, "glass:open", child_id=glass.child_id, about=about, now=now)
    await note(actor, LOOK, child_id=glass.child_id, about=about, why=why, now=now)


async def _tell(child: Child, glass: Glass, now: datetime) -> int:
    """Tell the caseworkers and the supervisors, or their covers; where there are none, the people
    on duty; else the last resort. Returns how many."""
    people = await _answering(child, glass.person_id, now)
    recipients = [Recipient(person_id=person) for person in people]
    if not recipients:
        recipients = (await resorts_of([glass.agency_id]))[glass.agency_id]
    sayings = [_saying(glass, to) for to in recipients]
    await queue(sayings, now)
    return len(sayings)


async def _answering(child: Child, but: UUID, now: datetime) -> Collection[UUID]:
    reach = (await reach_of({child.id: child.agency_id}, now))[child.id]
    on = reach.on(Rung.CASEWORKER, Rung.MANAGER)
    workers = dict.fromkeys((*people_on(Rung.MANAGER, on), *people_on(Rung.CASEWORKER, on)))
    people = [person for person in workers if person != but]
    return people or [who for who in people_on(Rung.ON_DUTY, on) if who != but]


def _saying(glass: Glass, to: Recipient) -> Saying:
    return Saying(
        kind=Kind.GLASS,
        agency_id=glass.agency_id,
        subject_kind="glass",
        subject_id=glass.id,
        child_id=glass.child_id,
        urgency="high",
        data={"path": f"/desk/glass/{glass.id}"},
        **to.as_fields(),
    )


async def end_glass(actor: Actor, glass_id: UUID, now: datetime) -> None:
    """End it before its time. What its person has taken by it goes on to others at once. Twice is
    once, and after its time there is nothing to end."""
    async with write():
        held = Glass.filter(standing_at(now), id=glass_id)
        glass = await held.select_for_update(no_key=True).first()
        if glass is None:
            return
        await Glass.filter(id=glass_id).update(ended_at=now, ended_by=actor.id)
        about = ("glass", glass.id)
        await note(actor, "glass:end", child_id=glass.child_id, about=about, now=now)
        await rights_changed(Rights(person_id=glass.person_id), now)
        await announce(glass.agency_id, TOPIC)
    _log.info("ended", glass_id=glass_id, by=actor.id)
