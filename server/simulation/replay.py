"""A policy on past or simulated events: the rules of production, without a database or a clock.

Time is virtual: it stops at each event, and in between at every moment at which the rules decide.
At one instant events come first, then the tick. Production does the same: an answer that arrives in
the very tick settles what the tick would have told. What `advance` finds in the moment of such an
answer is not reported.

Children do not affect each other here, so the moments of a child are worked off when their next
event comes. Rows are sorted at the end. Only where a policy adapts to a budget of alarms are all
children brought to the end of each week.

What production does and a file cannot tell:

- Nobody acknowledges. Each rung of an alert is written once, its repeats are not. A person closes
  an alert only where an `if_alerted` event says so; a child who was away then is looked for, and
  the watch begins anew with the next answer or sighting that settles. An answer, or a
  sighting that settles, closes whatever is open; the next silence is a new alert. (In production a
  person closes an alert of the high tier, and every alert that a child has raised.)
- Each rung has one person, and a last resort exists.
- Help and duress call adults at once; so does a wish to talk, by the ladder of causes.py. Said
  again while such an alert is open, it joins it.
- "Seen" in a tier where it only holds tells the caseworker in production; that is no call, and has
  no row.
- A `tier` is set whatever the rhythm is; production refuses a tier that the rhythm is too slow for.
  A `milestone` that names its day in `on` raises the tier only as far as the rhythm allows.
- Of the signals that may have the carer asked, answers, moods and warning signs are in the events;
  phones, goals, reviews and promises are not.
- A reminder that falls into quiet hours comes at their end, if the round has no answer by then. It
  is counted, and has no row. School hours are in no event, so they put nothing off here.
- While the server is blind, events wait and reach it at the end of that time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop
from operator import attrgetter

from msgspec.structs import replace

from server.errors import Refused
from server.policy.model import Policy
from server.simulation import kinds
from server.simulation.arriving import Arriving
from server.simulation.events import on_line
from server.simulation.kinds import Event
from server.simulation.learning import Learning
from server.simulation.outcomes import Child, Closing, Day, Result, Watched
from server.simulation.telling import Telling
from server.simulation.weeks.budgeting import Budgeting
from server.watch.machine import rounds
from server.watch.machine.habit import Habit, Knowledge
from server.watch.machine.standing import Change, Terms, What, Why
from server.watch.rhythm.rules import Span

_JUST_BEFORE = timedelta(microseconds=1)
# In Python 3.11 a name is read five times as fast as a member of an enum.
_ASK, _ALERT, _REMIND = What.ASK, What.ALERT, What.REMIND
_LATER = (kinds.IfAsked, kinds.IfAlerted)


class Replay:
    """Feed events in their order, then `finish`."""

    def __init__(self, policy: Policy, until: datetime | None = None) -> None:
        self._policy = policy
        self._until = until
        self._children: dict[str, Child] = {}
        # Answers known before a child is placed, or about the whole server.
        self._asked_early: dict[str, list[kinds.If]] = {}
        self._days_later: dict[str, list[Day]] = {}
        self._blind: Span | None = None
        self._now: datetime | None = None
        self._is_stopped = False  # Something came of the stretch, before its end.
        self._result = Result([], [], [], {}, None, 0)
        self._budgeting = Budgeting(policy, self._result)
        self._learning = Learning(policy, self._budgeting.truths)
        self._telling = Telling(policy, self._result, self._learning, self._budgeting)
        self._arriving = Arriving(
            policy, self._result, self._learning, self._telling, self._budgeting
        )

    def feed(self, event: Event) -> None:
        """One event. Raises Refused, naming its line, where the rules cannot follow it."""
        self._result.events += 1
        if self._until is not None and event.at > self._until:
            return
        self._now = event.at
        if self._budgeting.ends_at is not None:
            self._end_weeks(event.at - _JUST_BEFORE)
        try:
            if event.child:
                self._happen(event)
            else:
                self._blind_all(event)
        except (ValueError, OverflowError) as fault:
            raise on_line(event.line, Refused(str(fault))) from None

    def finish(self) -> Result:
        """Time passes until the end; the rows in order: by time, then by child."""
        until = self._until or self._now
        if until is not None:
            self._end_weeks(until)
            for child in self._children.values():
                self._pass(child, until)
        result = self._result
        result.until = until
        # The second sort leaves those of one moment in the order of the first.
        result.rows.sort(key=attrgetter("child"))
        result.rows.sort(key=attrgetter("at"))
        return result

    # --- events

    def _happen(self, event: Event) -> None:
        child = self._children.get(event.child)
        if child is not None and isinstance(event.detail, _LATER):
            # What might be answered later changes nothing about the time before it.
            child.keep(event.detail)
            return
        if child is not None:
            self._pass(child, event.at - _JUST_BEFORE)
            if child.has_many:
                child.forget(event.at)
        if event.kind == "placed":
            self._place(event)
        elif child is None:
            self._before_placed(event)
        elif event.kind == "ended":
            self._end(child, event.at)
        elif event.kind == "blind":
            self._go_blind(child, event)
        elif child.blind is not None:
            child.waiting.append(event)
        else:
            self._arriving.take(child, event, event.at)

    def _before_placed(self, event: Event) -> None:
        """The child is not watched yet, or no longer. Answers to later questions are kept; the rest
        says nothing."""
        if isinstance(event.detail, kinds.If):
            self._asked_early.setdefault(event.child, []).append(event.detail)

    def _place(self, event: Event) -> None:
        detail, at = event.detail, event.at
        assert isinstance(detail, kinds.Placed)
        before = self._children.get(event.child)
        if before is not None:
            self._end(before, at)
        terms = Terms(
            tier=detail.tier,
            steps=self._policy.tiers[detail.tier].steps,
            rhythm=detail.rhythm,
            zone=detail.zone,
            pauses=(),
            has_carer=detail.has_carer or self._asks_home(detail.home),
            asks_home=not detail.has_carer and self._asks_home(detail.home),
            knowledge=Knowledge(Habit()),
        )
        watched = Watched(
            event.child,
            at,
            detail.phone,
            detail.language,
            tiers=[(at, detail.tier)],
            has_carer=detail.has_carer,
            home=detail.home,
        )
        child = Child(event.child, watched, terms, rounds.begin(terms, at), placed_at=at)
        child.days = [day for day in self._days_later.pop(event.child, []) if day.around.begin > at]
        child.home = detail.home
        child.roll_call_at = child.next_roll_call(self._policy.roll_call.at)
        child.witness_at = child.next_witness(self._policy.witness.at)
        for answer in self._asked_early.pop(event.child, [*before.kept()] if before else []):
            child.keep(answer)
        if before is not None and before.blind is not None:
            child.blind = before.blind
        elif self._blind is not None and self._blind.end > at:
            child.blind = self._blind
        self._children[event.child] = child
        self._budgeting.begin(at, detail.zone)
        self._result.watched.append(watched)
        self._result.answers.setdefault(event.child, [])

    def _asks_home(self, home: str | None) -> bool:
        return home is not None and self._policy.roll_call.instead_of_carer

    def _end(self, child: Child, at: datetime) -> None:
        child.watched.end = at
        child.need_no_reminder(at)
        self._telling.close(child, at)
        self._days_later[child.name] = child.days
        self._asked_early[child.name] = [*child.kept()]
        del self._children[child.name]

    def _blind_all(self, event: Event) -> None:
        assert isinstance(event.detail, kinds.Until)
        end = event.detail.until
        self._blind = Span(event.at, max(end, self._blind.end if self._blind else end))
        for child in self._children.values():
            self._pass(child, event.at - _JUST_BEFORE)
            self._go_blind(child, event)

    def _go_blind(self, child: Child, event: Event) -> None:
        assert isinstance(event.detail, kinds.Until)
        if child.blind is None:
            child.blind = Span(event.at, event.detail.until)
        elif event.detail.until > child.blind.end:
            child.blind = Span(child.blind.begin, event.detail.until)

    # --- time

    def _end_weeks(self, limit: datetime) -> None:
        """The weeks of the budget that end by `limit`. Only then do children affect each other: all
        of them go as far as that moment, and on by what the week came to."""
        while (end := self._budgeting.ends_at) is not None and end <= limit:
            for child in self._children.values():
                self._pass(child, end)
            tiers = {name: child.terms.tier for name, child in self._children.items()}
            policy = self._budgeting.end_week(tiers)
            if policy is not None:
                self._go_by(policy)

    def _go_by(self, policy: Policy) -> None:
        """From now on. What is under way keeps what it began with, as where an agency adopts a
        policy."""
        self._policy = policy
        self._telling.go_by(policy)
        self._arriving.go_by(policy)
        for child in self._children.values():
            steps = policy.tiers[child.terms.tier].steps
            child.terms = replace(child.terms, steps=steps)

    def _pass(self, child: Child, limit: datetime) -> None:
        """Time passes for a child, up to and including `limit`."""
        while True:
            if child.blind is not None:
                if child.blind.end > limit:
                    return
                self._see_again(child, child.blind)
            stop = limit
            if child.alerts:
                stop = min(stop, *(alert.next_at() or stop for alert in child.alerts.values()))
            if child.days or child.tier_until is not None:
                stop = min([stop, *child.edges()])
            if child.roll_call_at is not None:
                stop = min(stop, child.roll_call_at)
            if child.witness_at is not None:
                stop = min(stop, child.witness_at)
            if child.coming and (arrives := child.coming[0][0]) <= stop:
                if self._stretch(child, arrives - _JUST_BEFORE):
                    at, _, answer = heappop(child.coming)
                    self._arriving.hear(child, answer, at)
            elif self._stretch(child, stop):
                if child.alerts:
                    for alert in child.alerts.values():
                        self._telling.climb(child, alert, stop)
                if child.days or child.tier_until is not None:
                    self._arriving.count(child, stop)
                if child.roll_call_at == stop:
                    self._telling.call_the_roll(child, stop)
                if child.witness_at == stop:
                    self._telling.ask_witnesses(child, stop)
                if stop == limit:
                    return

    def _stretch(self, child: Child, stop: datetime) -> bool:
        """The watch goes on until `stop`, nothing coming from outside.

        False where something does come of it before: a question that will be answered, or an alert
        with its ladder. Then it has gone as far as that moment and no further.
        """
        if self._learning.asking:
            self._learning.heed_signals(child)
        self._is_stopped = False
        child.standing, changes = child.advance(stop, partial(self._stops, child))
        if changes:
            self._telling.say(child, changes)
        return not self._is_stopped

    def _stops(self, child: Child, change: Change) -> bool:
        """Whether something comes of it: the question gets an answer, or adults are called."""
        what = change.what
        if what is _ASK:
            self._is_stopped = self._telling.will_answer(child, change.at) is not None
        elif what is _ALERT:
            self._is_stopped = True
        elif what is _REMIND and change.why is Why.LAST_CALL:
            self._is_stopped = self._telling.would_answer(child, change.at) is not None
        return self._is_stopped

    def _see_again(self, child: Child, blind: Span) -> None:
        """The server is back: first what has waited for it, then one look at everything."""
        child.blind = None
        child.blinds.append(blind)
        waiting, child.waiting = child.waiting, []
        arrivals: list[tuple[datetime, int, Event | kinds.IfAsked | Closing]] = [
            (event.at, -1, event) for event in waiting
        ]
        while child.coming and child.coming[0][0] <= blind.end:
            arrivals.append(heappop(child.coming))
        for _, _, what in sorted(arrivals, key=lambda arrival: arrival[:2]):
            if isinstance(what, Event):
                self._arriving.take(child, what, blind.end)
            else:
                self._arriving.hear(child, what, blind.end)
        self._arriving.count(child, blind.end)
        if child.roll_call_at is not None and child.roll_call_at <= blind.end:
            self._telling.call_the_roll(child, blind.end)
        if child.witness_at is not None and child.witness_at <= blind.end:
            self._telling.ask_witnesses(child, blind.end)
        child.standing, changes = self._arriving.looked(child, blind.end)
        self._telling.say(child, changes, now=blind.end)
        for alert in list(child.alerts.values()):
            self._telling.climb(child, alert, blind.end, now=blind.end)


def replay(events: Iterable[Event], policy: Policy, until: datetime | None = None) -> Result:
    """The events under a policy, up to `until` or the last event. Raises Refused with the line."""
    engine = Replay(policy, until)
    for event in events:
        engine.feed(event)
    return engine.finish()
