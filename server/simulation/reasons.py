"""The one sentence of each row of a replay, in English. Pure.

wording.py has the words that adults read about a silence, for the desk and for here. The questions
to a child and a carer say nothing on a lock screen; here they say what they are about.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from server.watch.evidence_wording import sentence
from server.watch.facts import Facts
from server.watch.machine.standing import Why
from server.watch.wording import when

ENGLISH = "en"

_REMIND = {
    Why.BEFORE: "Your check-in is due {due}.",
    Why.DUE: "It is time for your check-in of {due}.",
    Why.AGAIN: "Your check-in of {due} is still to come.",
}
_LAST_CALL = "Your check-in of {due} has not come. Answer soon, and nobody has to look for you."
_ASK = "The check-in of {due} has not come: have you seen the child?"
_ASK_AGAIN = "No check-in since the child was last seen: have you seen the child again?"
_ASK_HOME = "The check-in of {due} has not come, and there is no carer: is the child there?"
_ROLL_CALL = "Roll call of {at}: who is here?"
_LIST = "List of {at}: did the child come?"
_DURESS = "Answered in the way that was agreed to mean: I am not safe."


def remind(why: Why, due_at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """What the child is asked for."""
    if why is Why.LAST_CALL:
        return _LAST_CALL.format(due=when(ENGLISH, due_at, zone, now))
    due = due_at.astimezone(zone)
    is_today = now.astimezone(zone).date() == due.date()
    # The format of a time takes three times as long as that of its numbers.
    clock = f"{due.hour:02}:{due.minute:02}"
    return _REMIND[why].format(due=clock if is_today else f"{clock} tomorrow")


def ask(due_at: datetime, zone: ZoneInfo, now: datetime, *, again: bool) -> str:
    """The question to the carer: about a miss, or again when the time that "seen" bought is
    over."""
    return _ASK_AGAIN if again else _ASK.format(due=when(ENGLISH, due_at, zone, now))


def ask_home(due_at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The question to a home about one child, who has no carer."""
    return _ASK_HOME.format(due=when(ENGLISH, due_at, zone, now))


def roll_call(asked_at: datetime, zone: ZoneInfo) -> str:
    """The question to a home, by the clock on its wall."""
    return _ROLL_CALL.format(at=f"{asked_at.astimezone(zone):%H:%M}")


def witness_list(due_at: datetime, zone: ZoneInfo) -> str:
    """The question to a school or a mentor, by the clock on their wall."""
    return _LIST.format(at=f"{due_at.astimezone(zone):%H:%M}")


def alert(facts: Facts, zone: ZoneInfo, now: datetime, *, duress: bool) -> str:
    """Why adults are called: all that is known, in one sentence."""
    if duress:
        return _DURESS
    first, stop, rest = sentence(facts, ENGLISH, zone, now).partition(". ")
    return f"{first}; {rest[0].lower()}{rest[1:]}" if stop else first
