"""Who is told in a replay: reminders, questions and alerts become rows."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import heappush
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from server.alerts import ladder as ladders
from server.alerts.causes import first_wait_ends, ladder_for
from server.alerts.cries import rules as cries
from server.alerts.ladder import Call, Cause
from server.notify.child.hours import Hours, released
from server.policy.model import PEOPLED, Policy, QuietHours, Rung
from server.roll_calls.rules import last_due
from server.simulation import kinds, reasons
from server.simulation.kinds import By, Says
from server.simulation.learning import Learning
from server.simulation.outcomes import Alert, Child, Closing, Result, Row, Wait, facts_of, known_of
from server.simulation.weeks.budgeting import Budgeting
from server.watch.facts import Asked, Reach
from server.watch.machine.standing import Change, What, Why
from server.witnesses.rules import ends_at

NUDGE, ASK_HOME, ASK_WITNESS, ASK, PAGE, ESCALATE, REPORT = (
    "nudge_child",
    "ask_home",
    "ask_witness",
    "ask_carer",
    "page_worker",
    "escalate",
    "suggest_report",
)
# In Python 3.11 a name is read five times as fast as a member of an enum.
_REMIND, _ASK, _ALERT, _LAST_CALL = What.REMIND, What.ASK, What.ALERT, Why.LAST_CALL
# A carer's link works for a day, in production as here.
QUESTION_LASTS = timedelta(hours=24)
_REACH: ladders.Reach = {
    rung: [UUID(int=number)] for number, rung in enumerate(PEOPLED, start=1)
} | {Rung.LAST_RESORT: []}


class Telling:
    """Writes a row for each thing that a person would receive, and keeps the answers it brings."""

    def __init__(
        self, policy: Policy, result: Result, learning: Learning, budgeting: Budgeting
    ) -> None:
        self._policy, self._result, self._learning = policy, result, learning
        self._budgeting = budgeting
        self._number = 0

    def go_by(self, policy: Policy) -> None:
        """Another policy from now on."""
        self._policy = policy

    def say(self, child: Child, changes: Collection[Change], now: datetime | None = None) -> None:
        """Rows for what became true, each at its moment, or all of them `now`."""
        if not changes:
            return
        self._learning.remember(child, changes)
        # Of several at one moment, as after a time of blindness, the child gets the last reminder,
        # and the carer the last question.
        reminders: list[Change] = []
        calls: list[Change] = []
        for change in changes:
            what = change.what
            if what is _REMIND:
                _add(reminders, change, now)
            elif what is _ASK or what is _ALERT:
                _add(calls, change, now)
        for change in calls:
            if change.what is _ASK:
                self._ask(child, change, now or change.at)
            else:
                self.open(child, Cause.SILENCE, change.at, now or change.at, why=change.why)
        if reminders:
            self._remind(child, reminders, now)

    def _remind(self, child: Child, reminders: list[Change], now: datetime | None) -> None:
        quiet, zone = self._policy.quiet, child.terms.zone
        for change in reminders:
            at, why = now or change.at, change.why
            reason = _reminder(quiet, why, change.due_at, zone, at)
            if reason is None:
                child.reach = Reach.QUIET
                self._put_off(child, at)
                continue
            child.reach = child.push
            self._result.rows.append(Row(at, child.name, NUDGE, "", reason))
            if why is _LAST_CALL:
                self._await(child, self.would_answer(child, at), at)

    def _await(self, child: Child, answer: kinds.IfAsked | None, at: datetime) -> None:
        """What was asked now will be answered, if it will."""
        if answer is not None:
            self._number += 1
            heappush(child.coming, (at + answer.after, self._number, answer))

    def _put_off(self, child: Child, at: datetime) -> None:
        """Of several that wait for the same end, one comes."""
        for end in [end for end in child.waits if end <= at]:
            del child.waits[end]
        end = _end_of(self._policy.quiet, child.terms.zone, at)
        if end not in child.waits:
            child.waits[end] = Wait(child.name, end)
            self._result.waits.append(child.waits[end])

    def _ask(self, child: Child, change: Change, at: datetime) -> None:
        zone, has_carer = child.terms.zone, child.watched.has_carer
        if has_carer:
            reason = reasons.ask(change.due_at, zone, at, again=child.was_held)
        else:
            reason = reasons.ask_home(change.due_at, zone, at)
        self._result.rows.append(Row(at, child.name, ASK if has_carer else ASK_WITNESS, "", reason))
        times = 1 if child.asked is None else child.asked.times + 1
        child.asked = Asked(at, None, None, times)
        self._await(child, self.will_answer(child, at), at)

    def call_the_roll(self, child: Child, at: datetime) -> None:
        """The home is asked who is there: one question about all who live in it. One that fell into
        a time in which our server was down is asked when that is over."""
        assert child.home is not None
        assert child.roll_call_at is not None
        if (at, child.home) not in self._result.roll_calls:
            self._result.roll_calls.add((at, child.home))
            reason = reasons.roll_call(child.roll_call_at, child.terms.zone)
            self._result.rows.append(Row(at, child.home, ASK_HOME, "", reason))
        child.rolled_at = at
        child.roll_call_at = child.next_roll_call(self._policy.roll_call.at)
        self._await(child, _latest(child.if_asked[By.HOME], at), at)

    def ask_witnesses(self, child: Child, at: datetime) -> None:
        """Those who meet the child on this day get their list, where the child has any. What was
        due on a day before is over; what comes after the end of the day is not heard."""
        assert child.witness_at is not None
        zone, times = child.terms.zone, self._policy.witness.at
        due = last_due(times, zone, child.witness_at, at)
        child.witnessed_at = at
        child.witness_at = child.next_witness(times)
        if not child.has_witness or due is None or at >= (over := ends_at(due, zone)):
            return
        self._result.rows.append(
            Row(at, child.name, ASK_WITNESS, "", reasons.witness_list(due, zone))
        )
        for by in kinds.WITNESSES:
            answer = _latest(child.if_asked[by], at)
            if answer is not None and at + answer.after < over:
                self._await(child, answer, at)

    def open(
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
        self.climb(child, alert, now)
        self._budgeting.called(child, alert)
        self._will_close(child, alert)
        if cause is Cause.TALK:
            wait = first_wait_ends(cause, ladder, child.terms.zone, now)
            alert.climb = replace(alert.climb, next_action_at=wait)

    def call_again(self, child: Child, alert: Alert, now: datetime) -> None:
        """A further call for help: the rung that was called last hears it, and the next. What we
        were blind for until now is one late call."""
        again = cries.cry(alert.climb, now)
        alert.climb, calls = cries.advance(again, alert.ladder, _REACH, now)
        for call in calls:
            self._call(child, alert, call, now)

    def _will_close(self, child: Child, alert: Alert) -> None:
        """What a person finds who is called now, if the events say so."""
        outcome = _latest(child.if_alerted, alert.told[0])
        if outcome is not None:
            self._number += 1
            closing = Closing(alert, outcome.was_here)
            heappush(child.coming, (alert.told[0] + outcome.after, self._number, closing))

    def climb(
        self, child: Child, alert: Alert, limit: datetime, now: datetime | None = None
    ) -> None:
        moment = alert.next_at()
        while moment is not None and moment <= limit:
            alert.climb, calls = cries.advance(alert.climb, alert.ladder, _REACH, moment)
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

    def close(self, child: Child, at: datetime, *, but: Collection[Cause] = ()) -> None:
        for cause in [cause for cause in child.alerts if cause not in but]:
            alert = child.alerts.pop(cause)
            alert.closed_at = at
            self._budgeting.truths.answered(alert, at)

    def would_answer(self, child: Child, at: datetime) -> kinds.IfAsked | None:
        """What the child does if asked once more."""
        return _latest(child.if_asked[By.CHILD], at)

    def will_answer(self, child: Child, at: datetime) -> kinds.IfAsked | None:
        """What the carer answers if asked at a moment; without a carer, the home."""
        if child.watched.has_carer:
            answer = _latest(child.if_asked[By.CARER], at)
        else:
            answer = _as_carers(_latest(child.if_asked[By.HOME], at))
        return answer if answer is not None and answer.after < QUESTION_LASTS else None


def _add(changes: list[Change], change: Change, now: datetime | None) -> None:
    """Of several of a kind at one moment, the last."""
    before = changes[-1] if changes else None
    if before is None or before.what is not change.what:
        changes.append(change)
    elif now is None and before.at != change.at:
        changes.append(change)
    else:
        changes[-1] = change


# What the word of a home about one child comes to, where it is asked instead of a carer.
_AS_CARERS = {Says.HERE: Says.SEEN, Says.NOT_HERE: Says.NOT_SEEN}


def _as_carers(answer: kinds.IfAsked | None) -> kinds.IfAsked | None:
    """The answer of a home as a carer's; away with permission, or not known, answers nothing."""
    if answer is None or answer.says not in _AS_CARERS:
        return None
    return replace(answer, by=By.CARER, says=_AS_CARERS[answer.says])


_If = TypeVar("_If", kinds.IfAsked, kinds.IfAlerted)


def _latest(answers: Sequence[_If], at: datetime) -> _If | None:
    """Of several that cover a moment, the one that began last."""
    for answer in reversed(answers):
        if answer.begin <= at <= answer.until:
            return answer
    return None


@lru_cache(maxsize=4096)  # Many children share a rhythm and a zone.
def _reminder(
    quiet: QuietHours, why: Why | None, due_at: datetime, zone: ZoneInfo, at: datetime
) -> str | None:
    """The sentence of a reminder; None in quiet hours."""
    assert why is not None
    local = at.astimezone(zone)
    return None if quiet.holds(local.time()) else reasons.remind(why, due_at, zone, local)


@lru_cache(maxsize=4096)
def _end_of(quiet: QuietHours, zone: ZoneInfo, at: datetime) -> datetime:
    """When a reminder of this moment comes."""
    return released(Hours(zone.key, (quiet.from_, quiet.until)), at)
