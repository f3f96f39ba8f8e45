"""What one policy would have done beside another, over the same events. Pure.

Nothing is estimated here: both are replayed by the rules of production.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median_high

import msgspec

from server.alerts.ladder import Cause
from server.policy.model import Policy, Tier
from server.simulation.kinds import Event
from server.simulation.outcomes import Result
from server.simulation.replay import Replay
from server.simulation.telling import ASK, NUDGE

# After every 500 events the replay asks whether it may go on.
LOOK_UP = 500
# A silence, named by the child and how many answers came before it.
Silence = tuple[str, int]


class Did(msgspec.Struct, frozen=True):
    """What one policy did over the events."""

    reminders: int
    waited: int  # Of these, came only at the end of quiet hours.
    questions: int
    alerts: int  # Silences that an adult was told of.
    by_tier: dict[Tier, int]
    silence: timedelta | None  # From the last answer until an adult was told: the median.
    longest: timedelta | None


class Compared(msgspec.Struct, frozen=True):
    """Two policies over the same events."""

    before: Did
    after: Did
    only_before: int  # Silences that only the first would have told an adult of.
    only_after: int
    sooner: int
    later: int
    shift: timedelta  # The middle of how much later (below zero: sooner) an adult is told.
    real: int  # Silences that turned out to be real.
    real_told: int  # Of these, told of by the second.
    real_shift: timedelta | None  # The worst of how much later.


def compare(
    events: Sequence[Event],
    before: Policy,
    after: Policy,
    until: datetime,
    real: Iterable[tuple[str, datetime]] = (),
) -> Compared:
    """Replay both. Raises Refused if the rules cannot follow an event."""
    first, second = run(events, before, until), run(events, after, until)
    told, then = told_of(first), told_of(second)
    shifts = [then[key] - told[key] for key in told.keys() & then.keys()]
    which = {(child, nth(first, child, at)) for child, at in real}
    late = [then[key] - told[key] for key in which if key in then and key in told]
    return Compared(
        before=did(first),
        after=did(second),
        only_before=len(told.keys() - then.keys()),
        only_after=len(then.keys() - told.keys()),
        sooner=sum(shift < timedelta(0) for shift in shifts),
        later=sum(shift > timedelta(0) for shift in shifts),
        shift=median_high(shifts) if shifts else timedelta(0),
        real=len(which),
        real_told=sum(key in then for key in which),
        real_shift=max(late, default=None),
    )


def run(
    events: Sequence[Event],
    policy: Policy,
    until: datetime,
    go_on: Callable[[], None] = lambda: None,
) -> Result:
    """Replay one. `go_on` is asked now and then, and may raise to end it."""
    replay = Replay(policy, until)
    for number, event in enumerate(events):
        if number % LOOK_UP == 0:
            go_on()
        replay.feed(event)
    return replay.finish()


def nth(result: Result, child: str, at: datetime) -> int:
    """How many answers of the child had come by then: the number of the silence."""
    return bisect_right(result.answers.get(child, ()), at)


def told_of(result: Result) -> dict[Silence, datetime]:
    """When an adult was first told of each silence. Calls that the child made do not count."""
    moment_by_silence: dict[Silence, datetime] = {}
    for alert in result.alerts:
        if alert.cause is Cause.SILENCE and alert.told:
            at = alert.told[0]
            key = (alert.child, nth(result, alert.child, at))
            moment_by_silence[key] = min(at, moment_by_silence.get(key, at))
    return moment_by_silence


def did(result: Result) -> Did:
    """What a policy did in a replay."""
    silent = [alert for alert in result.alerts if alert.cause is Cause.SILENCE and alert.told]
    begun = {watch.child: watch.begin for watch in reversed(result.watched)}
    lasted = []
    for (child, number), at in told_of(result).items():
        answers = result.answers.get(child, ())
        lasted.append(at - (answers[number - 1] if number else begun[child]))
    levels, waited = [row.level for row in result.rows], _waited(result)
    return Did(
        reminders=levels.count(NUDGE) + waited,
        waited=waited,
        questions=levels.count(ASK),
        alerts=len(silent),
        by_tier={tier: sum(alert.tier is tier for alert in silent) for tier in Tier},
        silence=median_high(lasted) if lasted else None,
        longest=max(lasted, default=None),
    )


def _waited(result: Result) -> int:
    """The reminders that waited for the end of quiet hours, and whose round had no answer then."""
    return sum(
        result.until is not None
        and wait.end <= result.until
        and (wait.over_at is None or wait.over_at > wait.end)
        for wait in result.waits
    )
