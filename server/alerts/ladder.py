"""The ladder: who is called next, and when. Pure.

An alert climbs from rung to rung until a person acknowledges it. It starts over without end while
nobody does, resumes when an acknowledgement lapses, and ends only with an outcome.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.alerts.cries.cry import NO_CRY, Cry
from server.errors import Conflict, Refused
from server.policy.model import Ladder, Rung, Tier


class Cause(StrEnum):
    """Why adults are called."""

    SILENCE = "silence"
    HELP = "help"
    # The reason is sealed: it opens to those who may act, once they have signed in again.
    CONCERN = "concern"
    TALK = "talk"
    MISSING = "missing"


class State(StrEnum):
    """Where an alert is. `answered`: the child has answered; a person is asked to confirm.
    `contacted`: a person reached the child by voice, and nobody has seen them yet."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONTACTED = "contacted"
    ANSWERED = "answered"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How an alert ends: who saw or spoke to the child, or why it was a false alarm."""

    SEEN = "seen"
    SPOKE = "spoke_to"
    LATE_ANSWER = "late_answer"
    KNOWN_ELSEWHERE = "known_elsewhere"
    TECHNICAL = "technical"
    MISSING = "missing"
    DURESS = "duress"


# In the high level a voice may be forced: these stay open until someone has seen the child.
_TO_BE_SEEN = frozenset({Cause.SILENCE, Cause.CONCERN})


def outcomes_of(cause: Cause, tier: Tier, *, is_answered: bool) -> tuple[Outcome, ...]:
    """The outcomes that close such an alert. Where the child has answered too (`is_answered`), it
    is not a voice alone."""
    if tier is Tier.HIGH and cause in _TO_BE_SEEN and not is_answered:
        return tuple(outcome for outcome in Outcome if outcome is not Outcome.SPOKE)
    return tuple(Outcome)


class Climb(msgspec.Struct, frozen=True):
    """Where an alert is on its ladder: the slice of the row that these rules need."""

    state: State
    rung: int  # -1: nobody has been called yet.
    turn: int
    next_action_at: datetime | None
    decide_at: datetime | None
    acknowledged_by: UUID | None = None
    acknowledged_at: datetime | None = None
    held_until: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    cry: Cry = NO_CRY


class Call(msgspec.Struct, frozen=True):
    """These people are to be told. `why`: first, unanswered, lapsed, ended (the right of the person
    who had it), confirm, decide, nobody, again, beside. `cries`: of so many calls for help, by
    every channel."""

    at: datetime
    rung: int
    turn: int
    who: Rung
    people: tuple[UUID, ...]
    why: str
    cries: int = 0


Reach = Mapping[Rung, Collection[UUID]]


class Reachable(msgspec.Struct, frozen=True):
    """The people on each rung: those who are there, including covers for others; and those who are
    on leave without a cover."""

    there: Reach
    away: Reach = msgspec.field(default_factory=dict)

    def on(self, *rungs: Rung) -> Reach:
        """The people that a ladder of these rungs calls. Where all are on leave, we call them
        anyway: better a person on leave than nobody, with the last resort beside them."""
        if not self.away or any(people_on(rung, self.there) for rung in rungs):
            return self.there
        both = {*self.there, *self.away}
        return {rung: {*self.there.get(rung, ()), *self.away.get(rung, ())} for rung in both}


def begin(ladder: Ladder, now: datetime) -> Climb:
    """An alert whose first rung is due at once."""
    decide_at = now + ladder.decide if ladder.decide is not None else None
    return Climb(State.OPEN, rung=-1, turn=0, next_action_at=now, decide_at=decide_at)


def advance(
    climb: Climb, ladder: Ladder, reach: Reach, now: datetime
) -> tuple[Climb, tuple[Call, ...]]:
    """Everything that has become due by `now`, in the order of its moments.

    `reach` says who is on each rung. The last resort is not a person but an address of the
    installation: where there is one, `reach` has its key with nobody in it. How often this is
    called does not change the outcome: many calls equal one late call.
    """
    calls: list[Call] = []
    while climb.state is not State.CLOSED:
        moments = [
            at for at in (climb.next_action_at, climb.decide_at) if at is not None and at <= now
        ]
        if not moments:
            break
        at = min(moments)
        if at == climb.decide_at:
            calls.append(_call(climb, Rung.EVERYONE, reach, at, "decide"))
            climb = replace(climb, decide_at=None)
        else:
            climb, call = _step(climb, ladder, reach, at)
            calls.append(call)
    return climb, tuple(calls)


def _step(climb: Climb, ladder: Ladder, reach: Reach, at: datetime) -> tuple[Climb, Call]:
    if _is_answered(climb):
        # The child has answered: a person is asked to confirm, until one has.
        climb = replace(
            climb,
            turn=climb.turn + 1,
            next_action_at=at + ladder.lapse,
            acknowledged_by=None,
            held_until=None,
        )
        return climb, _call(climb, Rung.CASEWORKER_AND_ON_DUTY, reach, at, "confirm")
    if climb.acknowledged_by is not None and is_ended(climb, at):
        return _pass_on(climb, ladder, reach, at)
    why = "unanswered" if climb.rung >= 0 else "first"
    if climb.acknowledged_by is not None:
        why = "lapsed"
        climb = replace(climb, state=_free(climb), acknowledged_by=None, held_until=None)
    rung, turn = next_rung(climb, ladder, reach)
    climb = replace(climb, rung=rung, turn=turn, next_action_at=at + ladder.each)
    return climb, _call(climb, ladder.rungs[rung], reach, at, why)


def _is_answered(climb: Climb) -> bool:
    """Whether the child has answered: also where a person has reached them by voice since."""
    is_contacted = climb.state is State.CONTACTED
    return climb.state is State.ANSWERED or (is_contacted and climb.answered_at is not None)


def _free(climb: Climb) -> State:
    """The state without a holder. That the child was reached stays true."""
    return State.CONTACTED if climb.state is State.CONTACTED else State.OPEN


def is_ended(climb: Climb, now: datetime) -> bool:
    """Whether the holder's right has ended, though "I have it" would last longer."""
    if climb.acknowledged_by is None or climb.next_action_at is None or climb.held_until is None:
        return False
    return climb.next_action_at <= now and climb.next_action_at < climb.held_until


def _pass_on(climb: Climb, ladder: Ladder, reach: Reach, at: datetime) -> tuple[Climb, Call]:
    """The person who had it has no right to it any more. We call the caseworker and those on duty
    at once, and the ladder goes on from where it was. Where nobody is there, the next rung is
    called."""
    climb = replace(
        climb,
        state=_free(climb),
        rung=max(climb.rung, 0),
        turn=climb.turn + 1,
        next_action_at=at + ladder.each,
        acknowledged_by=None,
        held_until=None,
    )
    if people_on(Rung.CASEWORKER_AND_ON_DUTY, reach):
        return climb, _call(climb, Rung.CASEWORKER_AND_ON_DUTY, reach, at, "ended")
    rung, turn = next_rung(climb, ladder, reach)
    climb = replace(climb, rung=rung, turn=turn)
    return climb, _call(climb, ladder.rungs[rung], reach, at, "ended")


def next_rung(climb: Climb, ladder: Ladder, reach: Reach) -> tuple[int, int]:
    """The next rung with a person on it; empty rungs are skipped at once."""
    rung, turn = climb.rung, climb.turn
    for _ in ladder.rungs:
        rung += 1
        if rung == len(ladder.rungs):
            rung, turn = 0, turn + 1
        if _somebody_on(ladder.rungs[rung], reach):
            return rung, turn
    # No rung has a person: stay on the ladder, so that each round reports the fault.
    return rung, turn


def ends_turn(climb: Climb, ladder: Ladder, reach: Reach) -> bool:
    """Whether this is the last rung with a person on it, after which the ladder begins anew."""
    return next_rung(climb, ladder, reach)[1] > climb.turn


def _somebody_on(who: Rung, reach: Reach) -> bool:
    if who is Rung.LAST_RESORT:
        return who in reach
    return bool(people_on(who, reach))


def people_on(who: Rung, reach: Reach) -> tuple[UUID, ...]:
    """The people of a rung, each once, in a fixed order."""
    people = (person for part in who.parts for person in sorted(reach.get(part, ())))
    return tuple(dict.fromkeys(people))


def _call(climb: Climb, who: Rung, reach: Reach, at: datetime, why: str) -> Call:
    people = people_on(who, reach)
    if not people and who is not Rung.LAST_RESORT:
        why = "nobody"
    return Call(at, max(climb.rung, 0), climb.turn, who, people, why)


def acknowledge(
    climb: Climb, ladder: Ladder, who: UUID, now: datetime, *, right_ends: datetime | None = None
) -> Climb:
    """ "I have it": the ladder pauses until the acknowledgement lapses, or until the right of `who`
    ends, where that is sooner: then it goes on at that moment.

    The same person again changes nothing. Raises Conflict (`taken`, with who has it) when another
    person was faster, and Conflict (`closed`) when it is over.
    """
    if climb.state is State.CLOSED:
        raise Conflict("This alert is already closed.", code="closed")
    if climb.acknowledged_by is not None:
        if climb.acknowledged_by == who:
            return climb
        raise Conflict(
            "Another person has taken this alert.", code="taken", by=climb.acknowledged_by
        )
    until = now + ladder.lapse
    state = State.ACKNOWLEDGED if climb.state is State.OPEN else climb.state
    return replace(
        climb,
        state=state,
        acknowledged_by=who,
        acknowledged_at=now,
        held_until=until,
        next_action_at=_sooner(until, right_ends),
    )


def contacted(
    climb: Climb, ladder: Ladder, who: UUID, now: datetime, *, right_ends: datetime | None = None
) -> Climb:
    """`who` reached the child by voice. It ends nothing: the person who has the alert keeps it, and
    where nobody has it, `who` has it from now on. When that lapses, the ladder goes on, until a
    person has seen the child."""
    if climb.state is State.CLOSED:
        return climb
    if climb.acknowledged_by is None:
        climb = acknowledge(climb, ladder, who, now, right_ends=right_ends)
    return replace(climb, state=State.CONTACTED)


def _sooner(lapses: datetime, right_ends: datetime | None) -> datetime:
    return lapses if right_ends is None else min(lapses, right_ends)


def hold(climb: Climb, right_ends: datetime | None) -> Climb:
    """The holder's right ends then, or not before "I have it" lapses (None)."""
    if climb.acknowledged_by is None or climb.held_until is None or climb.state is State.CLOSED:
        return climb
    return replace(climb, next_action_at=_sooner(climb.held_until, right_ends))


def take_over(
    climb: Climb, ladder: Ladder, who: UUID, now: datetime, *, right_ends: datetime | None = None
) -> Climb:
    """The new person on duty has it now, replacing any holder, and for as long as anyone who takes
    it. A closed alert stays closed."""
    if climb.state is State.CLOSED:
        return climb
    climb = replace(climb, acknowledged_by=None)
    return acknowledge(climb, ladder, who, now, right_ends=right_ends)


def decided(
    climb: Climb, ladder: Ladder, now: datetime, *, right_ends: datetime | None = None
) -> Climb:
    """Nobody is called for a decision any more. The holder has it for as long as if they took it
    now, never shorter than before."""
    climb = replace(climb, decide_at=None)
    if _is_answered(climb) or climb.acknowledged_by is None or climb.held_until is None:
        return climb
    until = max(climb.held_until, now + ladder.lapse)
    return replace(climb, held_until=until, next_action_at=_sooner(until, right_ends))


def close(climb: Climb, outcome: Outcome | None, now: datetime) -> Climb:
    """It is over, and how. Raises Refused without an outcome, Conflict when it was over before."""
    if outcome is None:
        raise Refused("Choose an outcome to close this alert.", field="outcome")
    if climb.state is State.CLOSED:
        raise Conflict("This alert is already closed.", code="closed")
    return replace(climb, state=State.CLOSED, closed_at=now, next_action_at=None, decide_at=None)


def answer(climb: Climb, ladder: Ladder, tier: Tier, now: datetime) -> Climb:
    """The child has answered after the alert.

    High: a person confirms, and is asked again and again until then; further answers do not delay
    that. Otherwise the answer ends it.
    """
    if climb.state is State.CLOSED or _is_answered(climb):
        return climb
    if tier is not Tier.HIGH:
        return replace(
            climb, state=State.CLOSED, closed_at=now, next_action_at=None, decide_at=None
        )
    at = climb.next_action_at if climb.acknowledged_by is not None else now + ladder.lapse
    return replace(climb, state=State.ANSWERED, answered_at=now, next_action_at=at, decide_at=None)


def rejoin(climb: Climb, ladder: Ladder, now: datetime) -> Climb:
    """A further miss joins an open alert. One that had been answered climbs anew."""
    if not _is_answered(climb):
        return climb
    decide_at = now + ladder.decide if ladder.decide is not None else None
    return replace(
        climb,
        state=State.OPEN,
        rung=-1,
        turn=climb.turn + 1,
        next_action_at=now,
        decide_at=decide_at,
        answered_at=None,
        acknowledged_by=None,
        held_until=None,
    )


def hand_over_all(climb: Climb, now: datetime) -> Climb:
    """Everyone who was called is replaced at once: as if the holder, or nobody, left."""
    return _hand_over(climb, now, is_theirs=climb.acknowledged_by is not None)


def hand_over(climb: Climb, who: UUID, now: datetime) -> Climb:
    """`who` leaves the agency: their successors are called at once, from the first rung on.

    An alert that another person has taken, one that nobody was called about yet, and a closed one
    stay as they are.
    """
    is_theirs = climb.acknowledged_by == who
    if climb.acknowledged_by is not None and not is_theirs:
        return climb
    return _hand_over(climb, now, is_theirs=is_theirs)


def _hand_over(climb: Climb, now: datetime, *, is_theirs: bool) -> Climb:
    if climb.state is State.CLOSED:
        return climb
    if _is_answered(climb):
        if not is_theirs:
            return climb
        return replace(climb, next_action_at=now, acknowledged_by=None, held_until=None)
    if climb.rung < 0 and not is_theirs:
        return climb
    return replace(
        climb,
        state=_free(climb),
        rung=-1,
        turn=climb.turn + 1,
        next_action_at=now,
        acknowledged_by=None,
        held_until=None,
    )
