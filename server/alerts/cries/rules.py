"""A further call for help: who is told, and what follows where they do not react. Pure."""

from datetime import datetime

from msgspec.structs import replace

from server.alerts import ladder as rules
from server.alerts.cries.cry import WINDOW
from server.alerts.ladder import Call, Cause, Climb, Reach, State
from server.policy.model import Ladder, Rung

# Where such an alert is open, the same again is a further call for help.
CRIES = frozenset({Cause.HELP, Cause.CONCERN})
# Why people are called for it.
AGAIN, BESIDE = "again", "beside"


def cry(climb: Climb, now: datetime, *, is_reachable: bool = True) -> Climb:
    """The child calls again: it is told at once, or at the end of the minute after one that was
    told. `is_reachable`: something can be sent to the person who has the alert; else nobody waits
    for them to react."""
    before = climb.cry
    at = max(before.tell_at or now, now)
    react_at = before.react_at if is_reachable else at
    again = replace(before, tell_at=at, untold=before.untold + 1, react_at=react_at)
    return replace(climb, cry=again)


def heard(climb: Climb) -> Climb:
    """A person has reacted to what they were told: nobody is called beside them."""
    return replace(climb, cry=replace(climb.cry, react_at=None, is_beside=False))


def taken(climb: Climb, ladder: Ladder, now: datetime) -> Climb:
    """A person has it from now on. Of a call in the minute before they may know nothing: they are
    asked to react to it too."""
    react_at = now + ladder.each if is_fresh(climb, now) else None
    return replace(climb, cry=replace(climb.cry, react_at=react_at, is_beside=False))


def is_fresh(climb: Climb, now: datetime) -> bool:
    """Whether the child called again within the last minute: who acts now may not know of it."""
    return climb.cry.tell_at is not None and climb.cry.tell_at > now


def is_after(called_at: datetime | None, at: datetime) -> bool:
    """Whether what was done then was done by a person who may know that the child called again."""
    return called_at is None or at >= called_at + WINDOW


def is_unread(climb: Climb, now: datetime) -> bool:
    """Whether the child called again, and nobody may have read it."""
    return climb.cry.react_at is not None or climb.cry.untold > 0 or is_fresh(climb, now)


def advance(
    climb: Climb, ladder: Ladder, reach: Reach, now: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    """Everything that has become due by `now`, by the ladder and by calls for help, in the order of
    its moments: many calls of this equal one late call."""
    calls: list[Call] = []
    while (at := climb.cry.next_at) is not None and at <= now and climb.state is not State.CLOSED:
        climb, sooner = rules.advance(climb, ladder, reach, at)
        climb, then = _step(climb, ladder, reach, at)
        calls += [*sooner, *then]
    climb, rest = rules.advance(climb, ladder, reach, now)
    return climb, (*calls, *rest)


def hearers(climb: Climb, ladder: Ladder, reach: Reach, at: datetime) -> list[Call]:
    """Who hears of a call for help at once: the person who has the alert, with those who are called
    beside them; where nobody has it, the rung that was called last, and the next."""
    here = max(climb.rung, 0)
    current = _on(here, climb.turn, ladder, reach, at)
    if climb.acknowledged_by is not None:
        holder = Call(at, here, climb.turn, ladder.rungs[here], (climb.acknowledged_by,), AGAIN)
        return [holder, *current] if climb.cry.is_beside else [holder]
    return [*current, *_on(*rules.next_rung(climb, ladder, reach), ladder, reach, at)]


def _on(rung: int, turn: int, ladder: Ladder, reach: Reach, at: datetime) -> list[Call]:
    """Those on this rung; nothing where nobody is on it."""
    place, who = max(rung, 0), ladder.rungs[max(rung, 0)]
    people = rules.people_on(who, reach)
    if not people and not (who is Rung.LAST_RESORT and who in reach):
        return []
    return [Call(at, place, turn, who, people, AGAIN)]


def _step(
    climb: Climb, ladder: Ladder, reach: Reach, at: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    if climb.acknowledged_by is None:
        climb = heard(climb)  # Nobody has it any more: the ladder itself goes on.
    if climb.cry.tell_at is not None and climb.cry.tell_at <= at:
        return _tell(climb, ladder, reach, at)
    if climb.cry.react_at is not None and climb.cry.react_at <= at:
        return _call_beside(climb, ladder, reach, at)
    return climb, ()


def _tell(
    climb: Climb, ladder: Ladder, reach: Reach, at: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    told = climb.cry
    if not told.untold:  # The minute went by without another call.
        return replace(climb, cry=replace(told, tell_at=None)), ()
    calls = hearers(climb, ladder, reach, at)
    # A turn of its own, so that the outbox takes it for no repeat.
    turn = max(climb.turn + 1, *(call.turn for call in calls)) if calls else climb.turn
    react_at = told.react_at
    if climb.acknowledged_by is not None:
        react_at = react_at or at + ladder.each
    elif calls:
        climb = replace(climb, rung=calls[-1].rung, next_action_at=at + ladder.each)
    told = replace(told, tell_at=at + WINDOW, untold=0, react_at=react_at)
    cries = climb.cry.untold
    climb = replace(climb, turn=turn, cry=told)
    return climb, tuple(replace(call, turn=turn, cries=cries) for call in calls)


def _call_beside(
    climb: Climb, ladder: Ladder, reach: Reach, at: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    """The holder keeps it. The ladder begins with the others, who may take it from them."""
    others = {rung: {*people} - {climb.acknowledged_by} for rung, people in reach.items()}
    begun = climb.cry.is_beside
    probe = climb if begun else replace(climb, rung=-1, turn=climb.turn + 1)
    for there in (others, reach):  # Where there is nobody else, the holder is told once more.
        rung, turn = rules.next_rung(probe, ladder, there)
        if calls := _on(rung, turn, ladder, there, at):
            break
    told = replace(climb.cry, react_at=at + ladder.each, is_beside=True)
    climb = replace(climb, rung=max(rung, 0), turn=turn, cry=told)
    why = "unanswered" if begun else BESIDE
    return climb, tuple(replace(call, why=why) for call in calls)
