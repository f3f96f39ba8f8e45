"""A policy on past or simulated events: the rules of production, without a database or a clock.

Time is virtual: it stops at each event, and in between at every moment at which the rules decide.
At one instant events come first, then the tick. Production does the same: an answer that arrives in
the very tick settles what the tick would have told. What `advance` finds in the moment of such an
answer is not reported.

Children do not affect each other here, so the moments of a child are worked off when their next
event comes. Rows are sorted at the end.

What production does and a file cannot tell:

- Nobody acknowledges. Each rung of an alert is written once, its repeats are not. An answer, or a
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
- While the server is blind, events wait and reach it at the end of that time.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from server.alerts import ladder as ladders
from server.alerts.causes import first_wait_ends, ladder_for
from server.alerts.ladder import Call, Cause
from server.errors import Refused
from server.policy.levels import BY_WAY, OWN, Does, Evidence, Way
from server.policy.model import Policy, QuietHours, Rung, Tier
from server.simulation import events as kinds
from server.simulation import reasons
from server.simulation.events import Event, on_line
from server.simulation.outcomes import Alert, Child, Day, Result, Row, Watched, facts_of, known_of
from server.watch.calendar.milestones import What as Milestone
from server.watch.calendar.milestones import around, raised
from server.watch.facts import ROUNDS, Asked, Reach, Seen
from server.watch.machine import advancing, answering, changing, rounds
from server.watch.machine.habit import REMEMBERED, Past, learned
from server.watch.machine.standing import Change, Standing, Terms, What, Why
from server.watch.rhythm.rules import Span, longest_gap
from server.watch.signals.rules import Answer, Mood, Rows, Sign, changed, that_ask

NUDGE, ASK, PAGE, ESCALATE, REPORT = (
    "nudge_child",
    "ask_carer",
    "page_worker",
    "escalate",
    "suggest_report",
)
# A carer's link works for a day, in production as here.
QUESTION_LASTS = timedelta(hours=24)
_MANY = 16
# Of so many answers a signal may be worked out: four months of four a day.
_MOST_ANSWERS = 480
_JUST_BEFORE = timedelta(microseconds=1)
_REACH = {
    rung: [UUID(int=number)]
    for number, rung in enumerate(
        (Rung.CASEWORKER, Rung.DEPUTY, Rung.ON_DUTY, Rung.MANAGER), start=1
    )
} | {Rung.LAST_RESORT: []}


class Replay:
    """Feed events in their order, then `finish`."""

    def __init__(self, policy: Policy, until: datetime | None = None) -> None:
        self._policy = policy
        self._learns = any(tier.steps.doubt for tier in policy.tiers.values())
        self._asking = that_ask(policy.signals) if self._learns else {}
        self._until = until
        self._children: dict[str, Child] = {}
        # Answers known before a child is placed, or about the whole server.
        self._asked_early: dict[str, list[kinds.IfAsked]] = {}
        self._days_later: dict[str, list[Day]] = {}
        self._blind: Span | None = None
        self._now: datetime | None = None
        self._result = Result([], [], [], {}, None, 0)
        self._number = 0

    def feed(self, event: Event) -> None:
        """One event. Raises Refused, naming its line, where the rules cannot follow it."""
        self._result.events += 1
        if self._until is not None and event.at > self._until:
            return
        self._now = event.at
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
            for child in self._children.values():
                self._pass(child, until)
        result = self._result
        result.until = until
        result.rows.sort(key=itemgetter(0, 1))
        return result

    # --- events

    def _happen(self, event: Event) -> None:
        child = self._children.get(event.child)
        if child is not None and isinstance(event.detail, kinds.IfAsked):
            # What might be answered later changes nothing about the time before it.
            child.keep(event.detail)
            return
        if child is not None:
            self._pass(child, event.at - _JUST_BEFORE)
            self._forget(child, event.at)
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
            self._take(child, event, event.at)

    def _before_placed(self, event: Event) -> None:
        """The child is not watched yet, or no longer. Answers to later questions are kept; the rest
        says nothing."""
        if isinstance(event.detail, kinds.IfAsked):
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
            has_carer=detail.has_carer,
        )
        watched = Watched(event.child, at, detail.phone, detail.language, tiers=[(at, detail.tier)])
        child = Child(event.child, watched, terms, rounds.begin(terms, at), placed_at=at)
        child.days = [day for day in self._days_later.pop(event.child, []) if day.around.begin > at]
        answers = [*before.if_asked, *before.if_called] if before else []
        for answer in self._asked_early.pop(event.child, answers):
            child.keep(answer)
        if before is not None and before.blind is not None:
            child.blind = before.blind
        elif self._blind is not None and self._blind.end > at:
            child.blind = self._blind
        self._children[event.child] = child
        self._result.watched.append(watched)
        self._result.answers.setdefault(event.child, [])

    def _end(self, child: Child, at: datetime) -> None:
        child.watched.end = at
        self._close(child, at, but=None)
        self._days_later[child.name] = child.days
        self._asked_early[child.name] = [*child.if_asked, *child.if_called]
        del self._children[child.name]

    def _forget(self, child: Child, at: datetime) -> None:
        """What could have been answered before now cannot matter again; a long life stays short."""
        for kept in (child.if_asked, child.if_called):
            if len(kept) > _MANY:
                kept[:] = [answer for answer in kept if answer.until >= at]

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

    def _take(self, child: Child, event: Event, now: datetime) -> None:
        """Something reaches the server at `now`."""
        detail = event.detail
        match event.kind:
            case "check_in":
                assert isinstance(detail, kinds.CheckIn)
                self._answer(child, detail, now)
            case "sighting":
                assert isinstance(detail, kinds.Sighting)
                self._sighting(child, Evidence(detail.by), now)
            case "tier":
                assert isinstance(detail, kinds.Tiered)
                self._tier(child, detail.tier, now)
            case "pause":
                assert isinstance(detail, kinds.Until)
                self._pause(child, Span(now, detail.until, detail.returns), now)
            case "app_seen":
                self._app_seen(child, now)
            case "prompt_failed":
                child.push = child.reach = Reach.FAILED
                self._know(child, unreached_since=child.terms.knowledge.unreached_since or now)
            case "prompt_ok":
                child.push = child.reach = Reach.ACCEPTED
                self._know(child, unreached_since=None)
            case "observation":
                assert isinstance(detail, kinds.Observation)
                self._know(child, warned_at=now)
                if self._asking:
                    child.signs.append(Sign(now, detail.sign))
            case "milestone":
                assert isinstance(detail, kinds.Milestone)
                if detail.on is not None:
                    self._mark(child, detail.what, detail.on, now)
                elif detail.what is Milestone.RETURN:
                    self._know(child, missing=child.terms.knowledge.missing + 1)
            case _:
                pass

    def _answer(self, child: Child, check_in: kinds.CheckIn, now: datetime) -> None:
        if check_in.way is not Way.APP:
            child.heard_at, child.heard_way = now, check_in.way
        by = BY_WAY[check_in.way]
        if by not in OWN or not answering.counts(by, child.terms.steps):
            # As with a sighting: settled or not, it is not the child's own answer.
            self._heed(child, by, now)
            self._called_for(child, check_in, now)
            return
        # The answer settles what became true in this very moment, or while we were blind; we tell
        # nobody of that.
        child.standing, changes = self._looked(child, now)
        self._remember(child, changes)
        due = child.standing.missed_due_at or child.standing.due_at
        cause = _wanted(check_in)
        if not self._settle(child, now, but=cause, answers=True):
            child.delays = [*child.delays[1 - ROUNDS :], round((now - due).total_seconds() / 60)]
        child.answered_at = now
        if self._asking and check_in.mood is not None:
            child.moods.append(Mood(now.replace(second=0, microsecond=0), check_in.mood))
        self._result.answers[child.name].append(now)
        self._called_for(child, check_in, now)

    def _called_for(self, child: Child, check_in: kinds.CheckIn, now: datetime) -> None:
        cause = _wanted(check_in)
        if cause is not None and cause not in child.alerts:
            self._open(child, cause, now, now, is_duress=bool(check_in.duress))

    def _settle(
        self, child: Child, now: datetime, *, but: Cause | None, answers: bool = False
    ) -> bool:
        """Settle what is open; returns whether that was nothing."""
        self._learn(child, now, answers=answers)
        self._know(child, unseen=())
        child.standing, settled = answering.settle(child.standing, child.terms, now)
        child.asked, child.was_held = None, False
        self._close(child, now, but=but)
        return settled.nothing

    def _learn(self, child: Child, now: datetime, *, answers: bool) -> None:
        """The rounds that are over now tell what is usual; a round that was open when an adult saw
        the child tells nothing."""
        if not self._learns:
            return
        is_open = child.standing.opens_at <= now
        if answers and self._asking:
            dues = [*child.late, *([child.standing.due_at] if is_open else [])]
            child.answers += [Answer(due, _in_minutes(now - due)) for due in dues]
            child.answers = child.answers[-_MOST_ANSWERS:]
        child.past += [Past(due, is_answered=False) for due in child.late]
        child.late = []
        if answers and is_open:
            child.past.append(Past(child.standing.due_at, is_answered=True))
        child.past = child.past[-REMEMBERED:]
        habit = learned(child.past, child.terms.zone)
        child.terms = replace(child.terms, knowledge=replace(child.terms.knowledge, habit=habit))

    def _know(self, child: Child, **told: Any) -> None:
        """Evidence for policies that weigh more than each miss."""
        evidence = child.terms.knowledge
        # Most often it is what is known already, and a copy of the terms takes its time.
        if self._learns and any(getattr(evidence, name) != what for name, what in told.items()):
            child.terms = replace(child.terms, knowledge=replace(evidence, **told))

    def _heed_signals(self, child: Child) -> None:
        """Whether a signal that asks will hold when the round is late, by what is known so far."""
        standing = child.standing
        if not self._asking or standing.missed_due_at is not None:
            return
        late_at = standing.due_at + child.terms.steps.grace
        rows = Rows(answers=child.answers, moods=child.moods, signs=child.signs)
        self._know(child, drifts=bool(changed(rows, self._asking, late_at)))

    def _remember(self, child: Child, changes: Iterable[Change]) -> None:
        if self._learns:
            child.late += [change.due_at for change in changes if change.what is What.LATE]

    def _sighting(self, child: Child, by: Evidence, now: datetime) -> None:
        child.seen = Seen(now, by.value, "seen")
        self._heed(child, by, now)

    def _heed(self, child: Child, by: Evidence, now: datetime) -> None:
        child.standing, changes = self._looked(child, now)
        if answering.counts(by, child.terms.steps):
            self._remember(child, changes)
            self._settle(child, now, but=None)
            return
        self._say(child, changes, now)
        held = answering.heed(child.standing, child.terms, by, now)
        holds = child.terms.steps.levels.does(by) is Does.HOLDS
        child.was_held = child.was_held or (holds and held != child.standing)
        child.standing = held

    def _app_seen(self, child: Child, now: datetime) -> None:
        child.app_seen_at = now
        if child.terms.steps.levels.app_seen is not Does.SOFTENS:
            return
        child.standing, changes = self._looked(child, now)
        self._say(child, changes, now)
        child.standing = answering.heed(child.standing, child.terms, Evidence.APP_SEEN, now)

    def _looked(self, child: Child, now: datetime) -> tuple[Standing, tuple[Change, ...]]:
        """The standing as time has made it by `now`; a tier that ends in between ends then."""
        self._heed_signals(child)
        until = child.tier_until
        if until is None or until > now:
            return advancing.advance(child.standing, child.terms, now)
        standing, before = advancing.advance(child.standing, child.terms, until)
        earlier = self._in_tier(child, child.tier_then or child.terms.tier, until)
        child.tier_until = child.tier_then = None
        if child.terms.tier.is_tighter_than(earlier.tier):
            standing = changing.retune(standing, child.terms, until, before=earlier)
        standing, after = advancing.advance(standing, child.terms, now, since=until)
        return standing, (*before, *after)

    def _in_tier(self, child: Child, tier: Tier, at: datetime) -> Terms:
        """The terms from now on; returns those of before."""
        before = child.terms
        child.terms = replace(before, tier=tier, steps=self._policy.tiers[tier].steps)
        child.watched.tiers.append((at, tier))
        return before

    def _tier(
        self,
        child: Child,
        tier: Tier,
        now: datetime,
        *,
        until: datetime | None = None,
        then: Tier | None = None,
    ) -> None:
        standing, changes = self._looked(child, now)
        before = self._in_tier(child, tier, now)
        child.tier_until, child.tier_then = until, then
        if tier.is_tighter_than(before.tier):
            standing = changing.retune(standing, child.terms, now, before=before)
        child.standing, more = advancing.advance(standing, child.terms, now, since=now)
        self._say(child, (*changes, *more), now)

    def _mark(self, child: Child, what: Milestone, day: date, now: datetime) -> None:
        """Write a day into the calendar; a day whose time has come counts at once."""
        span = around(self._policy.milestones, what, day, child.terms.zone)
        if span.end > now:
            child.days.append(Day(what, span))
            self._count(child, now)

    def _count(self, child: Child, now: datetime) -> None:
        """Apply every change of the tier that is due by now."""
        if child.tier_until is not None and child.tier_until <= now:
            child.standing, changes = self._looked(child, now)
            self._say(child, changes, now)
        begun = [day for day in child.days if day.around.begin <= now]
        if not begun:
            return
        child.days = [day for day in child.days if day.around.begin > now]
        for what, span in sorted(begun, key=lambda day: day.around.begin):
            tiers = raised(
                (child.terms.tier, child.tier_until, child.tier_then),
                self._policy.milestones[what].tier,
                span.end,
                lambda tier: self._allows(child.terms, tier),
            )
            if span.end > now and tiers is not None:
                self._tier(child, tiers[0], now, until=span.end, then=tiers[1])

    def _allows(self, terms: Terms, tier: Tier) -> bool:
        gap = longest_gap(terms.rhythm)
        return not rounds.lasts_too_long(gap, self._policy.tiers[tier].steps)

    def _pause(self, child: Child, pause: Span, now: datetime) -> None:
        if pause.end <= now:
            return  # It was over before we could see again.
        standing, changes = self._looked(child, now)
        # Only those after the last sign still count; the rest would make every look slower.
        since = standing.sign_at
        pauses = (*(earlier for earlier in child.terms.pauses if earlier.end > since), pause)
        before, child.terms = child.terms, replace(child.terms, pauses=pauses)
        child.standing = changing.reschedule(
            standing, child.terms, now, before=before, begun_at=child.placed_at
        )
        child.watched.pauses.append(pause)
        self._say(child, changes, now)

    # --- time

    def _pass(self, child: Child, limit: datetime) -> None:
        """Time passes for a child, up to and including `limit`."""
        while True:
            if child.blind is not None:
                if child.blind.end > limit:
                    return
                self._see_again(child, child.blind)
            stop = min([limit, *(at for a in child.alerts.values() if (at := a.next_at()))])
            if child.days or child.tier_until is not None:
                stop = min([stop, *child.edges()])
            if child.coming and child.coming[0][0] <= stop:
                if self._stretch(child, child.coming[0][0] - _JUST_BEFORE):
                    at, _, answer = heappop(child.coming)
                    self._hear(child, answer, at)
            elif self._stretch(child, stop):
                for alert in child.alerts.values():
                    self._climb(child, alert, stop)
                self._count(child, stop)
                if stop == limit:
                    return

    def _stretch(self, child: Child, stop: datetime) -> bool:
        """The watch goes on until `stop`, nothing coming from outside.

        False where something does come of it before: a question that will be answered, or an alert
        with its ladder. Then it has gone as far as that moment and no further.
        """
        self._heed_signals(child)
        before = child.standing
        child.standing, changes = advancing.advance(before, child.terms, stop)
        for change in changes:
            if change.what is What.ALERT or self._brings(child, change):
                child.standing, changes = advancing.advance(before, child.terms, change.at)
                self._say(child, changes)
                return False
        self._say(child, changes)
        return True

    def _brings(self, child: Child, change: Change) -> bool:
        """Whether the question gets an answer here."""
        if change.what is What.ASK:
            return self._will_answer(child, change.at) is not None
        return self._would_answer(child, change) is not None

    def _would_answer(self, child: Child, change: Change) -> kinds.IfAsked | None:
        """What the child does if asked once more."""
        if change.why is not Why.LAST_CALL:
            return None
        return _latest(child.if_called, change.at)

    def _will_answer(self, child: Child, at: datetime) -> kinds.IfAsked | None:
        """What the carer answers if asked at a moment."""
        answer = _latest(child.if_asked, at)
        return answer if answer is not None and answer.after < QUESTION_LASTS else None

    def _hear(self, child: Child, answer: kinds.IfAsked, now: datetime) -> None:
        """An answer to a question."""
        if answer.by_child:
            self._answer(child, kinds.CheckIn(), now)
        else:
            self._carer_answers(child, now, is_seen=answer.is_seen)

    def _carer_answers(self, child: Child, at: datetime, *, is_seen: bool) -> None:
        if child.asked is not None:
            child.asked = replace(
                child.asked, answer="seen" if is_seen else "not_seen", answered_at=at
            )
        if is_seen:
            self._sighting(child, Evidence.CARER, at)
            return
        standing, changes = self._looked(child, at)
        standing = answering.not_seen(standing, child.terms, at)
        self._know(child, unseen=(*child.terms.knowledge.unseen, at))
        child.standing, more = advancing.advance(standing, child.terms, at, since=at)
        self._say(child, (*changes, *more), at)

    def _see_again(self, child: Child, blind: Span) -> None:
        """The server is back: first what has waited for it, then one look at everything."""
        child.blind = None
        child.blinds.append(blind)
        waiting, child.waiting = child.waiting, []
        arrivals: list[tuple[datetime, int, Event | kinds.IfAsked]] = [
            (event.at, -1, event) for event in waiting
        ]
        while child.coming and child.coming[0][0] <= blind.end:
            arrivals.append(heappop(child.coming))
        for _, _, what in sorted(arrivals, key=lambda arrival: arrival[:2]):
            if isinstance(what, Event):
                self._take(child, what, blind.end)
            else:
                self._hear(child, what, blind.end)
        self._count(child, blind.end)
        child.standing, changes = self._looked(child, blind.end)
        self._say(child, changes, now=blind.end)
        for alert in list(child.alerts.values()):
            self._climb(child, alert, blind.end, now=blind.end)

    # --- saying it

    def _say(self, child: Child, changes: Iterable[Change], now: datetime | None = None) -> None:
        """Rows for what became true, each at its moment, or all of them `now`."""
        self._remember(child, changes)
        # Of several at one moment, as after a time of blindness, the child gets the last reminder,
        # and the carer the last question.
        reminders: dict[datetime, Change] = {}
        questions: dict[datetime, Change] = {}
        for change in changes:
            at = now or change.at
            if change.what is What.REMIND:
                reminders[at] = change
            elif change.what is What.ASK:
                questions[at] = change
        for change in changes:
            at = now or change.at
            if questions.get(at) is change:
                self._ask(child, change, at)
            elif change.what is What.ALERT:
                self._open(child, Cause.SILENCE, change.at, at, why=change.why)
        for at, change in reminders.items():
            self._remind(child, change, at)

    def _remind(self, child: Child, change: Change, at: datetime) -> None:
        assert change.why is not None
        reason = _reminder(self._policy.quiet, change.why, change.due_at, child.terms.zone, at)
        if reason is None:
            child.reach = Reach.QUIET
            return
        child.reach = child.push
        self._result.rows.append(Row(at, child.name, NUDGE, "", reason))
        answer = self._would_answer(child, replace(change, at=at))
        if answer is not None:
            self._number += 1
            heappush(child.coming, (at + answer.after, self._number, answer))

    def _ask(self, child: Child, change: Change, at: datetime) -> None:
        reason = reasons.ask(change.due_at, child.terms.zone, at, again=child.was_held)
        self._result.rows.append(Row(at, child.name, ASK, "", reason))
        times = 1 if child.asked is None else child.asked.times + 1
        child.asked = Asked(at, None, None, times)
        answer = self._will_answer(child, at)
        if answer is not None:
            self._number += 1
            heappush(child.coming, (at + answer.after, self._number, answer))

    def _open(
        self,
        child: Child,
        cause: Cause,
        opened_at: datetime,
        now: datetime,
        *,
        is_duress: bool = False,
        why: Why | None = None,
    ) -> None:
        """An alert opens. Its ladder begins when we can call: after a time of blindness the first
        rung has its whole time to answer."""
        tier = child.terms.tier
        ladder = ladder_for(cause, self._policy, tier)
        climb = ladders.begin(ladder, now)
        alert = Alert(child.name, cause, tier, opened_at, ladder, climb, is_duress, why)
        child.alerts[cause] = alert
        self._result.alerts.append(alert)
        self._climb(child, alert, now)
        if cause is Cause.TALK:
            wait = first_wait_ends(cause, ladder, child.terms.zone, now)
            alert.climb = replace(alert.climb, next_action_at=wait)

    def _climb(
        self, child: Child, alert: Alert, limit: datetime, now: datetime | None = None
    ) -> None:
        moment = alert.next_at()
        while moment is not None and moment <= limit:
            alert.climb, calls = ladders.advance(alert.climb, alert.ladder, _REACH, moment)
            for call in calls:
                self._call(child, alert, call, now or call.at)
            moment = alert.next_at()

    def _call(self, child: Child, alert: Alert, call: Call, at: datetime) -> None:
        if call.why == "decide":
            level = REPORT
        elif call.rung in alert.called:
            return
        else:
            level = ESCALATE if alert.called else PAGE
            alert.called.add(call.rung)
        reason = self._reason(child, alert, at)
        self._result.rows.append(Row(at, child.name, level, str(call.rung), reason))
        alert.told.append(at)

    def _reason(self, child: Child, alert: Alert, at: datetime) -> str:
        """The sentence of an alert; the same as for the rung before while nothing new is known."""
        zone = child.terms.zone
        facts = (at.astimezone(zone).date(), *known_of(child))
        if alert.worded is None or alert.worded[0] != facts:
            words = reasons.alert(facts_of(child, alert), zone, at, duress=alert.is_duress)
            alert.worded = (facts, words)
        return alert.worded[1]

    def _close(self, child: Child, at: datetime, *, but: Cause | None) -> None:
        for cause in [cause for cause in child.alerts if cause is not but]:
            child.alerts.pop(cause).closed_at = at


def _latest(answers: Iterable[kinds.IfAsked], at: datetime) -> kinds.IfAsked | None:
    """Of several that cover a moment, the one that began last."""
    covering = [answer for answer in answers if answer.begin <= at <= answer.until]
    return covering[-1] if covering else None


@lru_cache(maxsize=4096)  # Many children share a rhythm and a zone.
def _reminder(
    quiet: QuietHours, why: Why, due_at: datetime, zone: ZoneInfo, at: datetime
) -> str | None:
    """The sentence of a reminder; None in quiet hours."""
    if quiet.holds(at.astimezone(zone).time()):
        return None
    return reasons.remind(why, due_at, zone, at)


def _in_minutes(span: timedelta) -> timedelta:
    """Whole minutes, as a database has them that rounds."""
    return (span + timedelta(seconds=30)) // timedelta(minutes=1) * timedelta(minutes=1)


def _wanted(check_in: kinds.CheckIn) -> Cause | None:
    if check_in.duress or check_in.want == "help":
        return Cause.HELP
    return Cause.TALK if check_in.want == "talk" else None


def replay(events: Iterable[Event], policy: Policy, until: datetime | None = None) -> Result:
    """The events under a policy, up to `until` or the last event. Raises Refused with the line."""
    engine = Replay(policy, until)
    for event in events:
        engine.feed(event)
    return engine.finish()
