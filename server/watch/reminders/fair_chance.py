"""When a child is reminded although hours hold their reminders until it is too late. Pure.

Hours put reminders off, and never the moment at which a round is late. So a round can be late
before its first reminder. Then the child gets one all the same: before the hours begin, if an
answer counts by then, else in school hours when it is due, without a sound.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from server.notify.child.hours import SCHOOL, Hours, held, released, why_held

# Less than this before a round is late is no time to answer.
ENOUGH = timedelta(minutes=10)
# So long before the hours begin, so that the phone is still in the child's hand.
BEFORE = timedelta(minutes=15)


class Fair(msgspec.Struct, frozen=True):
    """One more reminder; `gives_way`: the school hours give way to it."""

    at: datetime
    gives_way: bool


def fair_chance(
    hours: Hours, opens: datetime, reminders: Sequence[datetime], late: datetime
) -> Fair | None:
    """One more reminder for a round whose reminders are planned for these moments, where the hours
    hold each of them until it is too late to answer; None where one comes in time.

    Quiet hours give way to none: a child who sleeps is not woken.
    """
    going = [(moment, released(hours, moment)) for moment in reminders]
    if any(at == moment or at <= late - ENOUGH for moment, at in going):
        return None
    waits = held(hours, reminders[0])
    assert waits is not None, "the first one is held"
    if opens < waits.begin:
        return Fair(max(opens, waits.begin - BEFORE), gives_way=False)
    in_school = [at for at in reminders[1:] if why_held(hours, at) == SCHOOL]
    return Fair(in_school[0], gives_way=True) if in_school else None
