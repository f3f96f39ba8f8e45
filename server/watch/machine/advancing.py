"""The state of a child's watch, and how time and answers change it. Pure.

Two things run side by side. The **round** is what the child is asked next: it opens, reminders go
out, it becomes late, and the next one takes its place. The **alarm** belongs to the oldest round
that is late and open: the carer is asked, and unless something settles it, adults are called. The
**ceiling** limits both: it is the longest silence that anything may allow.

`advance` processes moments in the order of time. It gives every change the moment at which it
became true, not the moment at which we looked. So many looks equal one late look, and downtime is
safe.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from server.clock import as_utc
from server.policy.model import Steps, Tier
from server.watch.machine.habit import UNTOLD, Knowledge, odds
from server.watch.rhythm.rules import (
    Rhythm,
    Season,
    Span,
    is_return,
    next_due,
    opens_at,
    window_begin,
)


class State(StrEnum):
    """The state of a watch, as every adult sees it."""

    WELL = "well"
    DUE = "due"
    LATE = "late"
    ALERTED = "alerted"
    AWAY = "away"
    MISSING = "missing"


class What(StrEnum):
    """What became true."""

    OPENED = "opened"  # A round opened: an answer from now on is for it.
    REMIND = "remind"  # The child is reminded; `why` says which reminder.
    LATE = "late"  # A round is late.
    ASK = "ask"  # The carer is to be asked.
    ALERT = "alert"  # Adults are to be called; `why` says what decided it.
    JOIN = "join"  # A further miss joins the alert that is open.


class Why(StrEnum):
    """What decided it: codes for evidence and audit. Kept in alphabetical order."""

    AGAIN = "again"
    BEFORE = "before"
    CARER_SILENT = "carer_silent"
    CEILING = "ceiling"
    DUE = "due"
    GRACE_OVER = "grace_over"
    LAST_CALL = "last_call"
    NOT_SEEN = "not_seen"
    NO_CARER = "no_carer"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a watch: agreed with the child, or set by the policy of the tier."""

    tier: Tier
    steps: Steps
    rhythm: Rhythm
    zone: ZoneInfo
    pauses: tuple[Span, ...]
    has_carer: bool
    # The habit in it is that of the rounds before the last sign: no silence changes it.
    knowledge: Knowledge = UNTOLD
    seasons: tuple[Season, ...] = ()

    @property
    def asks_carer(self) -> bool:
        """Whether there is a carer, and the policy asks them."""
        return self.has_carer and self.steps.asks_carer


@dataclass(frozen=True, slots=True)
class Standing:
    """The slice of the watch row that these rules need and may change."""

    due_at: datetime  # Of the current round.
    opens_at: datetime
    following_due_at: datetime | None  # Of the round after it; None: not computed yet.
    prompted: int  # How many moments of the current round are behind us.
    sign_at: datetime  # The last thing that counts against silence.
    missed_due_at: datetime | None = None  # Of the oldest round that is late and open.
    late_at: datetime | None = None
    ask_at: datetime | None = None  # When the carer is to be asked; None once that is done.
    asked_at: datetime | None = None
    # When adults are called unless something settles it. Set before anything is late only where a
    # raised tier would have called later than the lower one.
    alarm_at: datetime | None = None
    alarm_why: Why | None = None
    is_alerted: bool = False
    last_call_at: datetime | None = None  # When the child was asked once more in this silence.
    held_at: datetime | None = None  # The child said something, in time, in a way that only holds.


@dataclass(frozen=True, slots=True)
class Change:
    """What became true, when, about which round, and why."""

    what: What
    at: datetime
    due_at: datetime
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer or a sighting did. One that only holds settles nothing either, and yet a round
    may have been open."""

    until: datetime  # Every open round that opened at or before this moment is settled.
    was_late: bool  # At least one of them was late.
    was_alerted: bool
    nothing: bool  # No round was open: it came early, is kept and thanked for.


_Stepped = tuple[Standing, tuple[Change, ...]]
_Step = Callable[[Standing, Terms, datetime], _Stepped]


def begin(terms: Terms, now: datetime, *, settled_until: datetime | None = None) -> Standing:
    """The watch of a child who is placed now. Raises ValueError if nothing is ever due.

    `settled_until`: a round that is due then was answered in an earlier placement, and is not asked
    for again.
    """
    due = next_round(terms, max(now, settled_until or now))
    opens = max(opens_of(terms, due, None), now)
    return Standing(due, opens, next_round(terms, due), prompted=0, sign_at=now)


def opens_of(terms: Terms, due: datetime, before: datetime | None) -> datetime:
    """When the round due at `due` opens; the previous one is due at `before`."""
    return opens_at(due, before, window_of(terms, due))


def window_of(terms: Terms, due: datetime) -> datetime | None:
    """When the free window of a round begins; None if it has none. At the end of an absence it
    has none: an answer is due then."""
    if not (terms.rhythm.windows or terms.seasons) or is_return(terms.pauses, due):
        return None
    return window_begin(terms.rhythm, terms.zone, terms.seasons, due)


def next_round(terms: Terms, after: datetime) -> datetime:
    due = next_due(terms.rhythm, terms.zone, terms.pauses, after, terms.seasons)
    if due is None:
        raise ValueError("Nothing is due within 400 days.")
    return due


# --- time passes


def advance(
    standing: Standing, terms: Terms, now: datetime, *, since: datetime | None = None
) -> tuple[Standing, tuple[Change, ...]]:
    """Everything that has become true by `now`, in order, each change with its true moment.

    `since` is when these terms began to apply, if that was just now: nothing becomes true by them
    before it, so that we never call a child silent before we asked them.
    """
    if standing.following_due_at is None:
        standing = replace(standing, following_due_at=next_round(terms, standing.due_at))
    changes: list[Change] = []
    floor = since
    while True:
        steps = steps_of(terms, standing.due_at)
        moments = round_moments(standing.due_at, standing.opens_at, steps)
        alarm, call = _next_alarm(standing, terms)
        passed = standing.prompted
        while (
            passed < _LATE and moments[passed] <= now and _goes_first(moments[passed], alarm, call)
        ):
            # Where two rounds overlap, the second one's moments wait for the first to be late.
            floor = moments[passed] if floor is None else max(moments[passed], floor)
            what, why = _PROMPTS[passed]
            changes.append(Change(what, floor, standing.due_at, why))
            passed += 1
        if passed > standing.prompted:
            standing = _prompted(standing, passed)
        is_late = _goes_first(moments[passed], alarm, call)
        moment = moments[passed] if is_late else alarm
        if moment > now:
            return standing, tuple(changes)
        floor = moment if floor is None else max(moment, floor)
        standing, more = (_late if is_late else call)(standing, terms, floor)
        changes.extend(more)


def _goes_first(moment: datetime, alarm: datetime, call: _Step) -> bool:
    """Whether a moment of the round comes before the alarm. At the same moment, the question to the
    carer goes before the round, and the call to adults after it."""
    return moment < alarm or (moment == alarm and call is not _ask)


def _next_alarm(standing: Standing, terms: Terms) -> tuple[datetime, _Step]:
    if standing.is_alerted:
        return _NEVER, _ceiling
    alarm, call = standing.alarm_at, _alarm
    if alarm is None:
        alarm, call = ceiling_at(standing, terms), _ceiling
    if standing.ask_at is not None and standing.ask_at <= alarm:
        alarm, call = standing.ask_at, _ask
    if terms.steps.last_call is not None and standing.last_call_at is None:
        last = _last_call_at(standing, terms)
        if last is not None and last < alarm:
            return last, _last_call
    return alarm, call


def call_at(standing: Standing, terms: Terms) -> datetime:
    """When adults are called if nothing comes before, as things are now."""
    return standing.alarm_at or ceiling_at(standing, terms)


def _last_call_at(standing: Standing, terms: Terms) -> datetime | None:
    """When a child who has missed a round is asked once more before adults are called: in time, and
    not while they sleep. None if there is no such moment."""
    if standing.late_at is None or terms.steps.last_call is None:
        return None
    moment = _awake(call_at(standing, terms) - terms.steps.last_call, terms)
    return moment if moment >= standing.late_at else None


def _awake(moment: datetime, terms: Terms) -> datetime:
    """The last moment up to this one at which a child may be asked."""
    rest, local = terms.steps.rest, moment.astimezone(terms.zone)
    if rest is None or not rest.holds(local.time()):
        return moment
    day = local.date() if local.time() >= rest.from_ else local.date() - timedelta(days=1)
    return min(moment, as_utc(day, rest.from_, terms.zone) - timedelta(minutes=1))


def next_action_at(standing: Standing, terms: Terms, now: datetime) -> datetime:
    """The moment of the next decision, later than `now` once `advance(…, now)` has run.

    A pause that begins or ends counts too: it changes the state that everyone sees.
    """
    if standing.following_due_at is None:
        standing = replace(standing, following_due_at=next_round(terms, standing.due_at))
    steps = steps_of(terms, standing.due_at)
    round_ = round_moments(standing.due_at, standing.opens_at, steps)
    moments = [round_[standing.prompted], _next_alarm(standing, terms)[0]]
    moments += [edge for p in terms.pauses for edge in (p.begin, p.end) if edge > now]
    return min(moments)


def steps_of(terms: Terms, due: datetime) -> Steps:
    """What happens around the round that is due then. In a free window we remind the child at its
    beginning. At the end of an absence we wait less long than on other days, and no habit makes us
    wait longer."""
    steps = terms.steps
    begin = window_of(terms, due)
    if begin is not None:
        # A child who is away then is reminded when they are back.
        back = (pause.end for pause in terms.pauses if pause.holds(begin) and pause.end <= due)
        return replace(steps, remind_before=due - max([begin, *back]))
    if not terms.pauses or steps.after_pass is None or not is_return(terms.pauses, due):
        return steps
    grace = min(steps.grace, steps.after_pass)
    return replace(
        steps,
        grace=grace,
        remind_again=min(steps.remind_again, grace),
        carer_window=min(steps.carer_window, steps.after_pass),
        doubt=None,
    )


def lasts_too_long(gap: timedelta, steps: Steps) -> bool:
    """Whether a silence could outlast the ceiling if check-ins are so far apart."""
    return gap + steps.grace + steps.carer_window > steps.ceiling


def round_moments(due: datetime, opens: datetime, steps: Steps) -> tuple[datetime, ...]:
    """The five moments of a round: it opens, a reminder before, at due, again, and late.

    A reminder is never sent before the round opens: an answer to it would settle nothing.
    """
    before = max(opens, due - steps.remind_before)
    return (opens, before, due, due + steps.remind_again, due + steps.grace)


_PROMPTS: tuple[tuple[What, Why | None], ...] = (
    (What.OPENED, None),
    (What.REMIND, Why.BEFORE),
    (What.REMIND, Why.DUE),
    (What.REMIND, Why.AGAIN),
)
_LATE = len(_PROMPTS)  # The last of the five moments.
_NEVER = datetime.max.replace(tzinfo=UTC)


def _late(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    change = Change(What.LATE, at, standing.due_at, Why.GRACE_OVER)
    missed, opened = standing.due_at, standing.opens_at
    standing = on_to_next_round(standing, terms)
    if standing.is_alerted:
        # If the ceiling called adults before anything was late, this is the first miss.
        first = standing.missed_due_at or missed
        late = replace(standing, missed_due_at=first, late_at=standing.late_at or at)
        return late, (change, Change(What.JOIN, at, missed))
    if standing.missed_due_at is not None:
        # One more miss makes the silence less usual; if each miss is asked about, this changes
        # nothing.
        return weigh(standing, terms, at) if terms.steps.doubt else standing, (change,)
    standing = replace(standing, missed_due_at=missed, late_at=at)
    steps = steps_of(terms, missed)
    # Nearly always the same, and a copy of the terms for each late round shows in a replay.
    of_it = terms if steps is terms.steps else replace(terms, steps=steps)
    begun = _no_later(_begin_alarm(standing, of_it, at), standing)
    held_at = standing.held_at
    if held_at is None or held_at < opened:
        return begun, (change,)
    held = hold(begun, of_it, held_at)
    # A hold can only put the alarm off: a child who says something must never be alarmed about
    # sooner.
    is_later = call_at(held, of_it) > call_at(begun, of_it)
    return held if is_later and held_at + steps.levels.holds_for > at else begun, (change,)


def _no_later(begun: Standing, before: Standing) -> Standing:
    """When a tier was raised while nothing was late, we kept the time at which the lower tier would
    have called adults (`changing.retune`): the alarm that begins must not come later."""
    kept, alarm = before.alarm_at, begun.alarm_at
    if kept is None or (alarm is not None and alarm <= kept):
        return begun
    return replace(begun, alarm_at=kept, alarm_why=before.alarm_why)


def hold(standing: Standing, terms: Terms, said_at: datetime) -> Standing:
    """Seen or said, but it only holds: the carer is asked when the hold is over."""
    again = said_at + terms.steps.levels.holds_for
    if terms.asks_carer:
        return ask_first(standing, terms, again)
    alarm = min(again, ceiling_at(standing, terms))
    return replace(standing, ask_at=None, asked_at=None, alarm_at=alarm, alarm_why=Why.NO_CARER)


def _prompted(standing: Standing, passed: int) -> Standing:
    # `replace(standing, prompted=passed)` takes three times as long, and of all that a tick does
    # this is done most often.
    return Standing(
        standing.due_at,
        standing.opens_at,
        standing.following_due_at,
        passed,
        standing.sign_at,
        standing.missed_due_at,
        standing.late_at,
        standing.ask_at,
        standing.asked_at,
        standing.alarm_at,
        standing.alarm_why,
        standing.is_alerted,
        standing.last_call_at,
        standing.held_at,
    )


def on_to_next_round(standing: Standing, terms: Terms) -> Standing:
    due = standing.following_due_at
    assert due is not None, "advance and settle fill it first"
    return Standing(
        due,
        opens_of(terms, due, standing.due_at),
        next_round(terms, due),
        0,
        standing.sign_at,
        standing.missed_due_at,
        standing.late_at,
        standing.ask_at,
        standing.asked_at,
        standing.alarm_at,
        standing.alarm_why,
        standing.is_alerted,
        standing.last_call_at,
        standing.held_at,
    )


def _begin_alarm(standing: Standing, terms: Terms, at: datetime) -> Standing:
    if terms.steps.doubt is not None:
        return _ask_at_once(weigh(standing, terms, at), terms, at)
    if not terms.asks_carer:
        return replace(standing, alarm_at=at, alarm_why=Why.NO_CARER)
    return ask_first(standing, terms, at)


def _ask_at_once(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """The child may have had no reminder, or has changed in a way that the policy wants asked
    about: ask the carer first, at once. The time when adults are called stays as it was."""
    doubt, since = terms.steps.doubt, terms.knowledge.unreached_since
    assert doubt is not None
    unreached = doubt.silent_phone and since is not None and since <= at
    if not (terms.asks_carer and (unreached or terms.knowledge.drifts)):
        return standing
    ask = carer_hour(terms, at)
    return replace(standing, ask_at=ask if standing.ask_at is None else min(ask, standing.ask_at))


def ask_first(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """The carer is asked from a moment on; if that brings nothing, adults are called, and never
    later than the ceiling allows."""
    ask = carer_hour(terms, at)
    alarm, ceiling = ask + terms.steps.carer_window, ceiling_at(standing, terms)
    why = Why.CARER_SILENT if alarm <= ceiling else Why.CEILING
    return replace(standing, ask_at=ask, asked_at=None, alarm_at=min(alarm, ceiling), alarm_why=why)


def weigh(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """By how unusual the silence is: when the carer is asked, and when adults are called. Both only
    ever come earlier by this; a carer who says nothing brings no alarm, but is asked again."""
    doubt = terms.steps.doubt
    assert doubt is not None
    ceiling = ceiling_at(standing, terms)
    since, missed = ceiling - terms.steps.ceiling, _missed(standing, terms)
    gone = odds(since, missed, terms.knowledge, terms.zone, doubt, at)
    page = gone.reach(doubt.page)
    alarm, why = max(min(page, ceiling), at), Why.UNUSUAL if page < ceiling else Why.CEILING
    if standing.alarm_at is None or alarm < standing.alarm_at:
        standing = replace(standing, alarm_at=alarm, alarm_why=why)
    if not terms.asks_carer:
        return standing
    asked = standing.asked_at
    free = at if asked is None else max(at, asked + doubt.ask_again)
    ask = carer_hour(terms, max(min(gone.reach(doubt.ask), ceiling - doubt.ask_before), free))
    return replace(standing, ask_at=ask if standing.ask_at is None else min(ask, standing.ask_at))


def _missed(standing: Standing, terms: Terms) -> list[datetime]:
    """When the rounds of this silence were due: all from the oldest missed to the current one."""
    missed, due = [], standing.missed_due_at
    while due is not None and due < standing.due_at:
        missed.append(due)
        due = next_round(terms, due)
    return missed


def carer_hour(terms: Terms, at: datetime) -> datetime:
    """The first moment from `at` on at which the carer may be asked, by the clock on their wall."""
    first, last = terms.steps.carer_from, terms.steps.carer_until
    if first == last:
        return at
    local = at.astimezone(terms.zone)
    if first <= local.time() < last:
        return at
    day = local.date() if local.time() < first else local.date() + timedelta(days=1)
    return max(at, as_utc(day, first, terms.zone))


def ceiling_at(standing: Standing, terms: Terms) -> datetime:
    """When the silence has lasted as long as anything may allow.

    An agreed absence is no silence: what follows it counts from its end.
    """
    moment = standing.sign_at + terms.steps.ceiling
    for pause in sorted(terms.pauses, key=lambda pause: pause.begin):
        if pause.begin < moment and pause.end > standing.sign_at:
            moment = max(moment, pause.end + terms.steps.ceiling)
    return moment


def _ask(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    assert standing.missed_due_at is not None
    change = Change(What.ASK, at, standing.missed_due_at)
    doubt = terms.steps.doubt
    again = carer_hour(terms, at + doubt.ask_again) if doubt and terms.asks_carer else None
    return replace(standing, ask_at=again, asked_at=at), (change,)


def _last_call(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    """Once in a silence, while there is still time to answer. Not if a last call that comes earlier
    than planned would wake the child."""
    assert standing.missed_due_at is not None
    called = replace(standing, last_call_at=at)
    if call_at(standing, terms) <= at or _awake(at, terms) < at:
        return called, ()
    return called, (Change(What.REMIND, at, standing.missed_due_at, Why.LAST_CALL),)


def _alarm(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    due = standing.missed_due_at or standing.due_at
    change = Change(What.ALERT, at, due, standing.alarm_why)
    return alerted(standing), (change,)


def _ceiling(standing: Standing, terms: Terms, at: datetime) -> _Stepped:
    due = standing.missed_due_at or standing.due_at
    return alerted(standing), (Change(What.ALERT, at, due, Why.CEILING),)


def alerted(standing: Standing) -> Standing:
    """Adults have been called: nothing further is asked, and no second alarm comes."""
    return replace(standing, is_alerted=True, ask_at=None, alarm_at=None, alarm_why=None)


def state(standing: Standing, terms: Terms, now: datetime) -> State:
    """The state, as every adult sees it."""
    if standing.is_alerted:
        return State.ALERTED
    if standing.missed_due_at is not None:
        return State.LATE
    if any(pause.holds(now) for pause in terms.pauses):
        return State.AWAY
    return State.DUE if standing.opens_at <= now else State.WELL


def as_the_child_sees(seen: State) -> State:
    """A child's own session sees only well, due and late: another person with the phone must
    learn nothing of what adults do."""
    if seen in (State.ALERTED, State.MISSING):
        return State.LATE
    return State.WELL if seen is State.AWAY else seen
