"""What time changes in a watch. Pure.

Two things run side by side. The **round** is what the child is asked next: it opens, reminders go
out, it becomes late, and the next one takes its place. The **alarm** belongs to the oldest round
that is late and open: the carer is asked, and unless something settles it, adults are called. The
**ceiling** limits both: it is the longest silence that anything may allow.

`advance` processes moments in the order of time. It gives every change the moment at which it
became true, not the moment at which we looked. So many looks equal one late look, and downtime is
safe.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from server.watch.machine.alarms import (
    alerted,
    awake,
    begin_alarm,
    call_at,
    called_by,
    carer_hour,
    ceiling_at,
    ceiling_why,
    hold,
    last_call_at,
    missed_too_many,
    weigh,
)
from server.watch.machine.rounds import next_round, on_to_next_round, round_moments, steps_of
from server.watch.machine.standing import Change, Standing, Terms, What, Why

_Stepped = tuple[Standing, tuple[Change, ...]]
_Step = Callable[[Standing, Terms, datetime], _Stepped]


def advance(
    standing: Standing, terms: Terms, now: datetime, *, since: datetime | None = None
) -> tuple[Standing, tuple[Change, ...]]:
    """Everything that has become true by `now`, in order, each change with its true moment.

    `since` is when these terms began to apply, if that was just now: nothing becomes true by them
    before it, so that we never call a child silent before we asked them.
    """
    standing, changes, _ = advance_until(standing, terms, now, since=since)
    return standing, changes


def advance_until(
    standing: Standing,
    terms: Terms,
    now: datetime,
    *,
    since: datetime | None = None,
    stops: Callable[[Change], bool] | None = None,
) -> tuple[Standing, tuple[Change, ...], datetime]:
    """The same, and the moment before which nothing more becomes true by these terms. It goes no
    further than the first change that `stops` it, which no reminder before a late round does."""
    if standing.following_due_at is None:
        standing = replace(standing, following_due_at=next_round(terms, standing.due_at))
    changes, floor = list[Change](), since
    while True:
        due, passed = standing.due_at, standing.prompted
        moments = round_moments(due, standing.opens_at, steps_of(terms, due))
        alarm, call = _next_alarm(standing, terms)
        moment = moments[passed]
        # At one moment the question to the carer goes before the round, and a call to adults after.
        last = alarm - _INSTANT if call is _ask else alarm
        while passed < _LATE and moment <= now and moment <= last:
            # Where two rounds overlap, the second one's moments wait for the first to be late.
            if floor is None or floor < moment:
                floor = moment
            what, why = _PROMPTS[passed]
            changes.append(Change(what, floor, due, why))
            passed += 1
            moment = moments[passed]
        if passed > standing.prompted:
            standing = replace(standing, prompted=passed)
        is_late = moment <= last
        moment = moment if is_late else alarm
        if moment > now:
            return standing, tuple(changes), moment
        floor = moment if floor is None else max(moment, floor)
        standing, more = (_late if is_late else call)(standing, terms, floor)
        changes.extend(more)
        for change in more:
            if stops is not None and stops(change):
                now, stops = floor, None


def _next_alarm(standing: Standing, terms: Terms) -> tuple[datetime, _Step]:
    if standing.is_alerted:
        return _NEVER, _ceiling
    alarm, call = standing.alarm_at, _alarm
    if alarm is None:
        alarm, call = ceiling_at(standing, terms), _ceiling
    if standing.ask_at is not None and standing.ask_at <= alarm:
        alarm, call = standing.ask_at, _ask
    if standing.late_at is not None and standing.last_call_at is None:
        last = last_call_at(standing, terms)
        if last is not None and last < alarm:
            return last, _last_call
    return alarm, call


def next_action_at(standing: Standing, terms: Terms, now: datetime) -> datetime:
    """The moment of the next decision, later than `now` once `advance(…, now)` has run.

    A pause that begins or ends counts too: it changes the state that everyone sees.
    """
    if standing.following_due_at is None:
        standing = replace(standing, following_due_at=next_round(terms, standing.due_at))
    steps = steps_of(terms, standing.due_at)
    of_round = round_moments(standing.due_at, standing.opens_at, steps)
    moments = [of_round[standing.prompted], _next_alarm(standing, terms)[0]]
    moments += [edge for p in terms.pauses for edge in (p.begin, p.end) if edge > now]
    return min(moments)


_PROMPTS: tuple[tuple[What, Why | None], ...] = (
    (What.OPENED, None),
    (What.REMIND, Why.BEFORE),
    (What.REMIND, Why.DUE),
    (What.REMIND, Why.AGAIN),
)
_LATE = len(_PROMPTS)  # The last of the five moments.
_NEVER = datetime.max.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


def _late(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    change = Change(What.LATE, at, standing.due_at, Why.GRACE_OVER)
    missed, opened = standing.due_at, standing.opens_at
    # A row of an earlier release has no count: the oldest round that is late is one.
    before = max(standing.misses, 1) if standing.missed_due_at is not None else standing.misses
    standing = replace(on_to_next_round(standing, terms), misses=before + 1)
    if standing.is_alerted:
        # If the ceiling called adults before anything was late, this is the first miss.
        first = standing.missed_due_at or missed
        late = replace(standing, missed_due_at=first, late_at=standing.late_at or at)
        return late, (change, Change(What.JOIN, at, missed))
    if standing.missed_due_at is not None:
        # One more miss makes the silence less usual; if each miss is asked about, only their number
        # can change something.
        late = weigh(standing, terms, at) if terms.steps.doubt else standing
    else:
        late = _first_late(standing, terms, at, missed=missed, opened=opened)
    return missed_too_many(late, terms, at), (change,)


def _first_late(
    standing: Standing, terms: Terms, at: datetime, *, missed: datetime, opened: datetime
) -> Standing:
    """The first round of a silence is late: its alarm begins."""
    standing = replace(standing, missed_due_at=missed, late_at=at)
    steps = steps_of(terms, missed)
    # Nearly always the same, and a copy of the terms for each late round shows in a replay.
    of_it = terms if steps is terms.steps else replace(terms, steps=steps)
    begun = begin_alarm(standing, of_it, at)
    held_at = standing.held_at
    if held_at is None or held_at < opened:
        return begun
    held = hold(begun, of_it, held_at)
    # A hold can only put the alarm off: a child who says something must never be alarmed about
    # sooner.
    is_later = call_at(held, of_it) > call_at(begun, of_it)
    return held if is_later and held_at + steps.levels.holds_for > at else begun


def _ask(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    change = Change(What.ASK, at, standing.missed_due_at or standing.due_at)
    doubt = terms.steps.doubt
    again = carer_hour(terms, at + doubt.ask_again) if doubt and terms.asks_carer else None
    return replace(standing, ask_at=again, asked_at=at), (change,)


def _last_call(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    """Once in a silence, while there is still time to answer. Not if a last call that comes earlier
    than planned would wake the child."""
    assert standing.missed_due_at is not None
    called = replace(standing, last_call_at=at)
    if called_by(standing, terms)[0] <= at or awake(at, terms) < at:
        return called, ()
    return called, (Change(What.REMIND, at, standing.missed_due_at, Why.LAST_CALL),)


def _asked_first(
    standing: Standing, terms: Terms, at: datetime, why: Why | None
) -> _Stepped | None:
    """One more question before adults are called, to someone who may see the child now; None where
    there is none. One that was put in the last hours counts as this one."""
    wait = terms.steps.last_question
    if wait is None or standing.missed_due_at is None or why not in (Why.UNUSUAL, Why.CEILING):
        return None
    asked, doubt = standing.asked_at, terms.steps.doubt
    if asked is not None and doubt is not None and at - asked < doubt.ask_again:
        return None
    if not terms.asks_carer or carer_hour(terms, at) != at:
        return None
    change = Change(What.ASK, at, standing.missed_due_at)
    standing = replace(standing, ask_at=None, asked_at=at, alarm_at=at + wait, alarm_why=why)
    return standing, (change,)


def _alarm(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    first = _asked_first(standing, terms, at, standing.alarm_why)
    if first is not None:
        return first
    due = standing.missed_due_at or standing.due_at
    change = Change(What.ALERT, at, due, standing.alarm_why)
    return alerted(standing), (change,)


def _ceiling(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    why = ceiling_why(standing, terms)
    if not standing.is_alerted:
        first = _asked_first(standing, terms, at, why)
        if first is not None:
            return first
    due = standing.missed_due_at or standing.due_at
    return alerted(standing), (Change(What.ALERT, at, due, why),)
