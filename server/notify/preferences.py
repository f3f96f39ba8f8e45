"""How a person wants to be reached: an adult's order of channels and quiet hours, a child's school
hours and lock-screen text."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.notify.child.hours import School, school_data
from server.notify.child.lock_texts import TEXTS
from server.notify.contact_routes import NOWHERE, ways_of
from server.notify.models import Preference
from server.storage import bulk
from server.storage.db import write

# A message that waits for the end of these hours must still matter then.
LONGEST_QUIET = timedelta(hours=12)
LONGEST_SCHOOL = timedelta(hours=12)
LONGEST_HOLIDAYS = timedelta(days=100)


async def set_all(
    actor: Actor,
    person_id: UUID,
    channels: Sequence[str],
    quiet: tuple[time | None, time | None],
    now: datetime,
) -> None:
    """The order and the quiet hours, or neither. Raises what each of them raises."""
    async with write():
        await set_order(actor, person_id, channels, now)
        await set_quiet(actor, person_id, *quiet, now)


async def set_order(actor: Actor, person_id: UUID, channels: Sequence[str], now: datetime) -> None:
    """The channels that reach this person first, second, and so on; others come after. Raises
    Refused for a channel that this person does not have."""
    async with write():
        have = (await ways_of({person_id}, now)).get(person_id, NOWHERE).every
        if not set(channels) <= set(have) or len(set(channels)) < len(channels):
            raise Refused(N_("Put each of your channels in order, once."), field="order")
        wish = await _locked(person_id, now)
        if wish.channels != list(channels):
            await Preference.filter(id=person_id).update(channels=list(channels), changed_at=now)
            await note(actor, "wish:order", about=("person", person_id), names=channels, now=now)


async def set_quiet(
    actor: Actor, person_id: UUID, begin: time | None, end: time | None, now: datetime
) -> None:
    """From when until when, on this person's clock, messages that can wait are held back. None
    twice: never. Raises Refused for half of it, and for more than half a day."""
    fault = quiet_fault(begin, end)
    if fault is not None:
        raise Refused(fault, field="quiet_from")
    async with write():
        await _locked(person_id, now)
        await Preference.filter(id=person_id).update(
            quiet_from=f"{begin:%H:%M}" if begin is not None else None,
            quiet_until=f"{end:%H:%M}" if end is not None else None,
            changed_at=now,
        )
        await note(actor, "wish:quiet", about=("person", person_id), now=now)


def quiet_fault(begin: time | None, end: time | None) -> str | None:
    """What is wrong with these hours, as a sentence; None where nothing is."""
    if begin is None and end is None:
        return None
    if begin is None or end is None or begin == end:
        return N_("Quiet hours need a start and an end. Enter both, or leave both empty.")
    minutes = (end.hour - begin.hour) * 60 + end.minute - begin.minute
    if timedelta(minutes=minutes % (24 * 60)) > LONGEST_QUIET:
        return N_("Quiet hours can last up to 12 hours.")
    return None


async def set_school(actor: Actor, child_id: UUID, school: School | None, now: datetime) -> None:
    """The school hours of a child, in which their reminders wait. None: they have none. Raises
    Refused for hours that make no sense."""
    fault = school_fault(school)
    if fault is not None:
        raise Refused(fault[1], field=fault[0])
    data = school_data(school)
    async with write():
        wish = await _locked(child_id, now)
        if wish.school == data:
            return
        await Preference.filter(id=child_id).update(school=data, changed_at=now)
        about = ("person", child_id)
        await note(actor, "wish:school", child_id=child_id, about=about, now=now)


def school_fault(school: School | None) -> tuple[str, str] | None:
    """What is wrong with these hours: the field, and a sentence. None where nothing is."""
    if school is None:
        return None
    for begin, end in school.days.values():
        if begin >= end:
            return "days", N_("School must end after it begins, on the same day.")
        minutes = (end.hour - begin.hour) * 60 + end.minute - begin.minute
        if timedelta(minutes=minutes) > LONGEST_SCHOOL:
            return "days", N_("School hours can last up to 12 hours a day.")
    if school.holidays is None:
        return None
    first, last = school.holidays
    if last < first:
        return "holidays", N_("The holidays cannot end before they begin.")
    if last - first > LONGEST_HOLIDAYS:
        return "holidays", N_("Holidays can last up to 100 days.")
    return None


async def set_lock_text(actor: Actor, person_id: UUID, code: str, now: datetime) -> None:
    """What this person's lock screen shows: a code of `TEXTS`. Raises Refused for another one."""
    if code not in TEXTS:
        raise Refused(N_("Choose one of the texts."), field="lock_text")
    async with write():
        wish = await _locked(person_id, now)
        if (wish.lock_text or "") == code:
            return
        await Preference.filter(id=person_id).update(lock_text=code or None, changed_at=now)
        await note(actor, "wish:lock_text", about=("person", person_id), now=now)


async def _locked(person_id: UUID, now: datetime) -> Preference:
    row = {"id": person_id, "channels": [], "changed_at": now}
    await bulk.insert(Preference, [row], skip_known=True)
    return await Preference.filter(id=person_id).select_for_update().get()
