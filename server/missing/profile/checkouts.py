"""Taking grab packs on duty: until when, and taking and returning each of them.

A pack on a phone opens without a network. It is only for the person on duty, in the session that
took it, and with a reason that the child can read. While adults are alerted about the child, the
duty is the reason. Taking the pack is the look: what the phone fetches again later is no other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.auth.models import Session
from server.errors import Conflict, Denied
from server.i18n import N_
from server.missing.profile import rules
from server.missing.profile.models import PackCarry
from server.missing.profile.reading import open_since
from server.people.access import ON_DUTY, Visitor
from server.people.models import Child
from server.people.rules import PROFESSIONAL
from server.people.ties import lock_children
from server.rota.calendar import duty_shifts_between, on_duty_at
from server.rota.duty import rotas_of
from server.rota.duty_shifts import has_rota
from server.security import encryption
from server.storage.db import write

# A phone without contact for this long loses its packs: no staff session lasts longer.
AT_MOST = timedelta(hours=12)
# Where everyone on duty is on leave, they are called all the same; then duty lasts this long.
_MEANWHILE = timedelta(hours=1)

# The child is told only of a look at their page, as with every look during an alert.
LOOK_ALERTED, LOOK_WITH_REASON = "look:pack:carried", "look:carried:pack"


async def duty_ends(visitor: Visitor, now: datetime) -> datetime | None:
    """Until when this session may have packs with it; None: the visitor is not on duty.

    By the rota. Where an agency plans no duty, those who are tied to a child may be called at any
    time, so they count as on duty for that child.
    """
    if visitor.role not in PROFESSIONAL:
        return None
    until = await _by_rota(visitor, now)
    if until is None:
        return None
    session = await Session.get(id=visitor.session_id)
    return min(until, session.expires_at or until)


async def _by_rota(visitor: Visitor, now: datetime) -> datetime | None:
    last = now + AT_MOST
    assert visitor.agency_id is not None
    if not await has_rota(visitor.agency_id):
        return last
    rota = (await rotas_of([visitor.agency_id], now, last))[visitor.agency_id]
    for shift in duty_shifts_between(rota, now, last):
        if shift.who == visitor.person_id and shift.begin <= now:
            return shift.end
    return now + _MEANWHILE if visitor.person_id in on_duty_at(rota, now) else None


async def held_by(visitor: Visitor, now: datetime) -> list[PackCarry]:
    """The packs that this person has taken and not returned, in any of their sessions."""
    held = PackCarry.filter(person_id=visitor.person_id, until_at__gt=now, put_down_at__isnull=True)
    return await held.order_by("at", "id")


async def is_carried(visitor: Visitor, child_id: UUID, now: datetime) -> bool:
    """Whether this session has this pack now, so that reading it is no other look."""
    held = [
        checkout
        for checkout in await held_by(visitor, now)
        if (checkout.child_id, checkout.session_id) == (child_id, visitor.session_id)
    ]
    if not held or await duty_ends(visitor, now) is None:
        return False
    return (
        any(checkout.why is not None for checkout in held) or await open_since(child_id) is not None
    )


async def carry(
    visitor: Visitor, child: Child, *, why: str | None, id: UUID, now: datetime
) -> PackCarry:
    """Take the pack along until the duty ends. Again extends it with the duty, and is no new look.

    Raises Conflict `not_on_duty`; Denied `reason_needed` where no alert is open and the person gave
    no reason now or earlier in this duty; Refused for a reason that says nothing; IdReused.
    """
    words = None if why is None or not why.strip() else rules.reason(why)
    until = await duty_ends(visitor, now)
    async with write():
        await lock_children([child.id])
        whose = {"child_id": child.id, "session_id": visitor.session_id}
        existing = await first_made(PackCarry, id, words, **whose)
        if existing is not None and (existing.put_down_at is not None or until is None):
            return existing
        if until is None:
            raise Conflict(
                N_("You are not on duty now. Only people on duty can keep packs on their phone."),
                code="not_on_duty",
            )
        held = [
            checkout for checkout in await held_by(visitor, now) if checkout.child_id == child.id
        ]
        words = words or await _earlier_reason(child, held)
        here = next(
            (checkout for checkout in held if checkout.session_id == visitor.session_id), None
        )
        if here is None:
            return await _begin(visitor, child, id, words, until, now)
        if here.why is None and words is not None:
            await _look(visitor, child, words, now)
        await PackCarry.filter(id=here.id).update(why=here.why or words, until_at=until)
        return await PackCarry.get(id=here.id)


async def _earlier_reason(child: Child, held: Sequence[PackCarry]) -> str | None:
    """The reason that the person gave in this duty; None: an alert is open, which is one."""
    why = next((checkout.why for checkout in held if checkout.why is not None), None)
    if why is None and await open_since(child.id) is None:
        raise Denied(
            N_("Say in a few words why you keep it on your phone. The child can read this."),
            code="reason_needed",
        )
    return why


async def _begin(
    visitor: Visitor, child: Child, id: UUID, why: str | None, until: datetime, now: datetime
) -> PackCarry:
    await _look(visitor, child, why, now)
    return await PackCarry.create(
        id=id,
        agency_id=child.agency_id,
        child_id=child.id,
        person_id=visitor.person_id,
        session_id=visitor.session_id,
        why=why,
        at=now,
        until_at=until,
    )


async def _look(actor: Actor, child: Child, why: str | None, now: datetime) -> None:
    await note(
        actor,
        LOOK_WITH_REASON if why is not None else LOOK_ALERTED,
        child_id=child.id,
        why=encryption.seal(why) if why is not None else ON_DUTY,
        agency_id=child.agency_id,
        now=now,
    )


async def put_down(visitor: Visitor, child: Child, now: datetime) -> None:
    """Return the pack, in every session of this person. Twice counts once."""
    async with write():
        await lock_children([child.id])
        held = PackCarry.filter(
            child_id=child.id, person_id=visitor.person_id, put_down_at__isnull=True
        )
        if not await held.update(put_down_at=now):
            return
        await note(visitor, "pack:put_down", child_id=child.id, agency_id=child.agency_id, now=now)
