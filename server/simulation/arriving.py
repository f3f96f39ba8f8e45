"""What reaches the server in a replay, and what it changes in the watch of its child."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from msgspec.structs import replace

from server.alerts.cries.rules import CRIES
from server.alerts.ladder import Cause
from server.policy.learned import Source
from server.policy.levels import BY_WAY, OWN, Does, Evidence, Way
from server.policy.model import Policy, Tier
from server.policy.roll_call import Word
from server.simulation import kinds
from server.simulation.kinds import By, Event, Says
from server.simulation.learning import Learning
from server.simulation.outcomes import Child, Closing, Day, Result
from server.simulation.telling import QUESTION_LASTS, Telling
from server.simulation.weeks.budgeting import Budgeting
from server.watch.calendar.milestones import What as Milestone
from server.watch.calendar.milestones import around, raised
from server.watch.facts import ROUNDS, Reach, Seen
from server.watch.machine import advancing, answering, changing, rounds, witnesses
from server.watch.machine.ages import JUST_NOW, Heard
from server.watch.machine.standing import Change, Settled, Standing, Terms
from server.watch.rhythm.rules import Span, longest_gap
from server.watch.signals.rules import Mood, Sign
from server.witnesses.rules import ends_at

# Events name no person: the carer is one, all who speak for the home are one, and all others.
_CARER, _HOME, _OUTSIDE = UUID(int=1), UUID(int=2), UUID(int=3)


class Arriving:
    """Answers, sightings and agreements of one child at a time, each at its moment."""

    def __init__(
        self,
        policy: Policy,
        result: Result,
        learning: Learning,
        telling: Telling,
        budgeting: Budgeting,
    ) -> None:
        self._policy, self._result = policy, result
        self._learning, self._telling, self._budgeting = learning, telling, budgeting

    def go_by(self, policy: Policy) -> None:
        """Another policy from now on."""
        self._policy = policy

    def take(self, child: Child, event: Event, now: datetime) -> None:
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
            case "prompt_failed" | "prompt_ok":
                self._prompted(child, now, is_ok=event.kind == "prompt_ok")
            case "observation":
                assert isinstance(detail, kinds.Observation)
                self._learning.know(child, warned_at=now)
                if self._learning.asking:
                    child.signs.append(Sign(now, detail.sign))
            case "milestone":
                assert isinstance(detail, kinds.Milestone)
                if detail.on is not None:
                    self._mark(child, detail.what, detail.on, now)
                elif detail.what is Milestone.RETURN:
                    self._learning.know(child, missing=child.terms.knowledge.missing + 1)
            case "moved":
                assert isinstance(detail, kinds.Moved)
                child.move(detail.home, self._policy.roll_call.at, now)
            case _:
                pass

    def _prompted(self, child: Child, now: datetime, *, is_ok: bool) -> None:
        child.push = child.reach = Reach.ACCEPTED if is_ok else Reach.FAILED
        since = None if is_ok else child.terms.knowledge.unreached_since or now
        self._learning.know(child, unreached_since=since)

    def _answer(self, child: Child, check_in: kinds.CheckIn, now: datetime) -> None:
        heard, by = child.heard(check_in, now), BY_WAY[check_in.way]
        cause = check_in.cause
        if by not in OWN or not answering.counts(by, child.terms.steps):
            # As with a sighting: settled or not, it is not the child's own answer.
            settled = self._heed(child, by, now, heard)
        else:
            child.standing, changes = self.looked(child, now)
            due, before = child.standing.missed_due_at or child.standing.due_at, child.standing
            settled = self._settle(child, changes, now, answers=True, heard=heard)
            if not settled.nothing and (settled.was_late or child.standing.due_at > before.due_at):
                delay = round((now - due).total_seconds() / 60)
                child.delays = [*child.delays[1 - ROUNDS :], delay]
            if self._learning.asking and check_in.mood is not None:
                child.moods.append(Mood(now.replace(second=0, microsecond=0), check_in.mood))
            if not settled.goes_on:
                self._ended(child, now, but=() if cause is None else (cause,))
                self._result.answers[child.name].append(now)
        self._note(child, check_in, heard, settled, now)
        if cause is not None:
            self._called_for(child, cause, check_in, now)

    def _note(
        self,
        child: Child,
        check_in: kinds.CheckIn,
        heard: Heard,
        settled: Settled,
        now: datetime,
    ) -> None:
        said_at = heard.said_by(now, is_old=settled.is_old)
        if settled.is_old:
            child.old_came_at, child.old_said_at = now, said_at
        if said_at is None:
            return
        by = BY_WAY[check_in.way]
        if check_in.way is not Way.APP and said_at >= (child.heard_at or said_at):
            child.heard_at, child.heard_way = said_at, check_in.way
        if by in OWN and answering.counts(by, child.terms.steps):
            child.answered_at = max(said_at, child.answered_at or said_at)

    def _called_for(
        self, child: Child, cause: Cause, check_in: kinds.CheckIn, now: datetime
    ) -> None:
        if cause not in child.alerts:
            self._telling.open(child, cause, now, now, is_duress=bool(check_in.duress))
        elif cause in CRIES:
            self._telling.call_again(child, child.alerts[cause], now)

    def _settle(
        self,
        child: Child,
        changes: Collection[Change],
        now: datetime,
        *,
        answers: bool = False,
        heard: Heard = JUST_NOW,
    ) -> Settled:
        """Settle what is open. What became true in this very moment, or while we were blind, we
        tell nobody of, unless the silence goes on."""
        standing, settled = answering.settle(child.standing, child.terms, now, heard)
        if settled.goes_on:
            self._telling.say(child, changes, now)
        else:
            self._learning.remember(child, changes)
        self._learning.learn(child, now, standing.missed_due_at or standing.due_at, answers=answers)
        child.standing = standing
        self._learning.know_no_looks(child, standing.sign_at)
        if settled.goes_on:
            return settled
        self._learning.back(child, now)
        child.asked, child.was_held = None, False
        if child.waits:
            child.need_no_reminder(now)
        return settled

    def _ended(self, child: Child, now: datetime, *, but: Collection[Cause] = ()) -> None:
        """The silence is over by a sign of the child: so is what adults were called for."""
        self._budgeting.answered(child, now)
        self._telling.close(child, now, but=but)

    def _sighting(self, child: Child, by: Evidence, now: datetime) -> None:
        child.seen = Seen(now, by.value, "seen")
        if child.terms.steps.levels.does(by) is Does.VOUCHES:
            self._vouch(child, by, now)
        else:
            self._heed(child, by, now)

    def _vouch(self, child: Child, by: Evidence, now: datetime) -> None:
        """Seen by an adult, and not by one who settles."""
        standing, changes = self.looked(child, now)
        is_home = by is not Evidence.SCHOOL
        by_id = _CARER if is_home else _OUTSIDE
        word = witnesses.saw(child.terms.steps, now, calls=is_home, by_id=by_id)
        self._learning.know(child, seen=(*child.terms.knowledge.seen, word))
        standing = witnesses.heed(standing, child.terms, word, now)
        child.standing, more = advancing.advance(standing, child.terms, now, since=now)
        self._telling.say(child, (*changes, *more), now)

    def _heed(self, child: Child, by: Evidence, now: datetime, heard: Heard = JUST_NOW) -> Settled:
        child.standing, changes = self.looked(child, now)
        if answering.counts(by, child.terms.steps):
            settled = self._settle(child, changes, now, heard=heard)
            if not settled.goes_on:
                self._ended(child, now)
            return settled
        self._telling.say(child, changes, now)
        decision = answering.decide(child.standing, child.terms, by, now, heard)
        child.was_held = child.was_held or decision.is_held
        child.standing = decision.standing
        return decision.settled

    def _app_seen(self, child: Child, now: datetime) -> None:
        child.app_seen_at = now
        if child.terms.steps.levels.app_seen is not Does.SOFTENS:
            return
        child.standing, changes = self.looked(child, now)
        self._telling.say(child, changes, now)
        child.standing = answering.heed(child.standing, child.terms, Evidence.APP_SEEN, now)

    def looked(self, child: Child, now: datetime) -> tuple[Standing, tuple[Change, ...]]:
        """The standing as time has made it by `now`; a tier that ends in between ends then."""
        if self._learning.asking:
            self._learning.heed_signals(child)
        until = child.tier_until
        if until is None or until > now:
            return child.advance(now)
        earlier = self._in_tier(child, child.tier_then or child.terms.tier, until)
        child.tier_until = child.tier_then = None
        return changing.past_tier_end(child.standing, earlier, now, until=until, then=child.terms)

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
        standing, changes = self.looked(child, now)
        before = self._in_tier(child, tier, now)
        child.tier_until, child.tier_then = until, then
        child.standing, more = changing.in_new_tier(
            standing, child.terms, now, before=before, since=now
        )
        self._telling.say(child, (*changes, *more), now)

    def _mark(self, child: Child, what: Milestone, day: date, now: datetime) -> None:
        """Write a day into the calendar; a day whose time has come counts at once."""
        span = around(self._policy.milestones, what, day, child.terms.zone)
        if span.end > now:
            child.days.append(Day(what, span))
            self.count(child, now)

    def count(self, child: Child, now: datetime) -> None:
        """Apply every change of the tier that is due by now."""
        if child.tier_until is not None and child.tier_until <= now:
            child.standing, changes = self.looked(child, now)
            self._telling.say(child, changes, now)
        if not child.days:
            return
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
        standing, changes = self.looked(child, now)
        # Only those after the last sign still count; the rest would make every look slower.
        since = standing.sign_at
        pauses = (*(earlier for earlier in child.terms.pauses if earlier.end > since), pause)
        before, child.terms = child.terms, replace(child.terms, pauses=pauses)
        child.standing = changing.reschedule(
            standing, child.terms, now, before=before, begun_at=child.placed_at
        )
        child.watched.pauses.append(pause)
        self._telling.say(child, changes, now)

    def hear(self, child: Child, answer: kinds.IfAsked | Closing, now: datetime) -> None:
        """An answer to a question, or what a person found who was called."""
        if isinstance(answer, Closing):
            self._close(child, answer, now)
        elif answer.by is By.CHILD:
            self._answer(child, kinds.CheckIn(), now)
        elif answer.by is By.HOME:
            self._home_says(child, Word(answer.says.value), now)
        elif answer.by in kinds.WITNESSES:
            if not _is_over(child, now):
                self._listed(child, Word(answer.says.value), now, self._policy.witness, calls=False)
        else:
            self._carer_answers(child, now, is_seen=answer.says is Says.SEEN)

    def _listed(
        self,
        child: Child,
        word: Word,
        at: datetime,
        weights: witnesses.Weights,
        *,
        calls: bool = True,
    ) -> None:
        """The word of the home at a roll call, or of another witness in a list."""
        if word in (Word.HERE, Word.NOT_HERE):
            source = Source.HOME if calls else Source.WITNESS
            self._budgeting.truths.said(child, source, at, is_found=word is Word.HERE)
        if word is Word.NOT_HERE:
            child.doubted_at = at
        by_id = _HOME if calls else _OUTSIDE
        look = witnesses.look(word, weights, child.terms, at, calls=calls, by_id=by_id)
        if look is None:
            return
        standing, changes = self.looked(child, at)
        self._learning.know(child, looks=(*child.terms.knowledge.looks, look))
        standing = witnesses.heed(standing, child.terms, look, at)
        child.standing, more = advancing.advance(standing, child.terms, at, since=at)
        self._telling.say(child, (*changes, *more), at)

    def _home_says(self, child: Child, word: Word, at: datetime) -> None:
        """The word of the home at a roll call; it also answers what the home is asked about the
        child in a carer's place."""
        is_answer = child.terms.asks_home and witnesses.answers_question(child.standing, word, at)
        is_asked = self._is_asked(child, at)
        self._listed(child, word, at, self._policy.roll_call)
        if not is_answer or (word is Word.NOT_HERE and not is_asked):
            return
        child.need_no_answer()
        if not child.standing.is_alerted:
            self._carer_answers(child, at, is_seen=word is Word.HERE)
        elif is_asked and child.asked is not None:
            answer = witnesses.ANSWERS[word]
            child.asked = replace(child.asked, answer=answer, answered_at=at)

    def _is_asked(self, child: Child, at: datetime) -> bool:
        """Whether a question waits for an answer."""
        asked = child.asked
        return asked is not None and asked.answer is None and at < asked.at + QUESTION_LASTS

    def _close(self, child: Child, closing: Closing, now: datetime) -> None:
        """A person closes the alert. Where the child was there, the watch begins anew."""
        alert = closing.alert
        if alert.closed_at is not None:
            return
        self._budgeting.closed(child, alert, now, was_here=closing.was_here)
        child.standing, changes = self.looked(child, now)
        if alert.cause is Cause.SILENCE and closing.was_here:
            child.seen = Seen(now, Evidence.PROFESSIONAL.value, "seen")
            self._settle(child, changes, now)
            self._telling.close(child, now, but=child.alerts.keys() - {Cause.SILENCE})
            return
        self._telling.say(child, changes, now)
        del child.alerts[alert.cause]
        alert.closed_at = now

    def _carer_answers(self, child: Child, at: datetime, *, is_seen: bool) -> None:
        if child.asked is not None:
            if child.asked.answer is None:
                self._budgeting.truths.said(child, Source.CARER, at, is_found=is_seen)
            child.asked = replace(
                child.asked, answer="seen" if is_seen else "not_seen", answered_at=at
            )
        if is_seen:
            self._sighting(child, Evidence.CARER, at)
            return
        child.doubted_at = at
        standing, changes = self.looked(child, at)
        standing = answering.not_seen(standing, child.terms, at)
        self._learning.know(child, unseen=(*child.terms.knowledge.unseen, at))
        child.standing, more = advancing.advance(standing, child.terms, at, since=at)
        self._telling.say(child, (*changes, *more), at)


def _is_over(child: Child, now: datetime) -> bool:
    """Whether the list has ended that a witness answers: while our server was down, a day may have
    ended."""
    assert child.witnessed_at is not None
    return now >= ends_at(child.witnessed_at, child.terms.zone)
