"""What will happen if an adult now says "not seen" of a child. It uses the rules that will decide
it, and changes nothing. Reads rows, and writes none."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.i18n import N_, gettext
from server.watch.machine import advancing, answering
from server.watch.machine.alarms import called_by
from server.watch.models import Watch
from server.watch.watch_state import load, passed
from server.watch.wording import when


class Then(StrEnum):
    """What follows."""

    CALLED = "called"  # Adults are called at once.
    KNOWN = "known"  # They have been called already.
    ASKED = "asked"  # The carer is asked again, and adults are called later.
    LATER = "later"  # Adults are called later, if nothing comes.
    NOTHING = "nothing"  # No check-in is late.
    OVER = "over"  # The placement has ended.


class Foreseen(msgspec.Struct, frozen=True):
    """What follows and when: `asked_at` the carer, `called_at` adults, `due_at` the next check-in,
    as far as each is known."""

    then: Then
    asked_at: datetime | None = None
    called_at: datetime | None = None
    due_at: datetime | None = None


async def if_not_seen(child_id: UUID, now: datetime) -> Foreseen:
    """The result of "not seen" for this child, if an adult said it now."""
    watch = await Watch.get_or_none(child_id=child_id)
    if watch is not None and (watch.is_alerted or watch.is_missing):
        return Foreseen(Then.KNOWN)
    if watch is None or watch.is_over:
        return Foreseen(Then.OVER)
    [case] = await load([watch], now)
    case, _ = passed(case, now)
    standing = answering.not_seen(case.standing, case.terms, now)
    standing, _ = advancing.advance(standing, case.terms, now, since=now)
    if standing.is_alerted:
        return Foreseen(Then.CALLED)
    if standing.missed_due_at is None:
        return Foreseen(Then.NOTHING, due_at=standing.due_at)
    then = Then.ASKED if standing.ask_at is not None else Then.LATER
    return Foreseen(then, asked_at=standing.ask_at, called_at=called_by(standing, case.terms)[0])


def as_it_stands(watch: Watch | None) -> Foreseen:
    """What follows once an adult has said "not seen"."""
    if watch is not None and (watch.is_alerted or watch.is_missing):
        return Foreseen(Then.KNOWN)
    if watch is None or watch.is_over:
        return Foreseen(Then.OVER)
    if watch.missed_due_at is None:
        return Foreseen(Then.NOTHING, due_at=watch.due_at)
    then = Then.ASKED if watch.ask_at is not None else Then.LATER
    return Foreseen(then, asked_at=watch.ask_at, called_at=watch.called_at)


_NOT_YET = N_("If you answer “Could not find”, we do not call anyone yet.")
_BEFORE: Mapping[Then, str] = {
    Then.CALLED: N_("If you answer “Could not find”, we call adults at once."),
    Then.KNOWN: N_("An alert is open already. We add “Could not find” to it."),
    Then.ASKED: _NOT_YET,
    Then.LATER: _NOT_YET,
    Then.NOTHING: N_(
        "No check-in is late. If you answer “Could not find”, we note it and call nobody."
    ),
    Then.OVER: N_("We are not watching check-ins now. We note “Could not find” and call nobody."),
}
_AFTER: Mapping[Then, str] = {
    Then.CALLED: N_("Noted: “Could not find”. An alert is open."),
    Then.KNOWN: N_("Noted: “Could not find”. An alert is open."),
    Then.ASKED: N_("Noted: “Could not find”. We do not call anyone yet."),
    Then.LATER: N_("Noted: “Could not find”. We do not call anyone yet."),
    Then.NOTHING: N_("Noted: “Could not find”. No check-in is late, so we call nobody."),
    Then.OVER: N_("Noted: “Could not find”. We are not watching check-ins now, so we call nobody."),
}
# One for a time today, and one for another day, which includes the name of the day.
_ASKED_AGAIN = N_("We ask the carer again at {time}."), N_("We ask the carer again: {time}.")
_YOU_AGAIN = N_("We ask you again at {time}."), N_("We ask you again: {time}.")
_CALLED_LATER = (
    N_("If we hear nothing, we call adults at {time}."),
    N_("If we hear nothing, we call adults: {time}."),
)
_NEXT = N_("The next check-in is due at {time}."), N_("The next check-in is due {time}.")
WORRIED = N_(
    "If you are worried, do not wait. Call the caseworker, or tell us that the child is missing."
)


def in_words(
    seen: Foreseen,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    *,
    to_carer: bool = False,
    is_answered: bool = False,
) -> list[str]:
    """The same in sentences: for an adult who is about to tap, or (`is_answered`) has tapped."""
    moments = [
        (_YOU_AGAIN if to_carer else _ASKED_AGAIN, seen.asked_at),
        (_CALLED_LATER, seen.called_at),
        (_NEXT, seen.due_at),
    ]
    told = [gettext(language, (_AFTER if is_answered else _BEFORE)[seen.then])]
    told += [
        gettext(language, says[not _is_today(at, zone, now)], time=when(language, at, zone, now))
        for says, at in moments
        if at is not None
    ]
    if seen.then not in (Then.CALLED, Then.KNOWN):
        told.append(gettext(language, WORRIED))
    return told


def _is_today(at: datetime, zone: ZoneInfo, now: datetime) -> bool:
    return at.astimezone(zone).date() == now.astimezone(zone).date()
