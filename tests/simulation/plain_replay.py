"""A second replay, as plain as can be: it looks at every child in every minute.

No moment is jumped over, nothing is worked off later and nothing is cached, so that it is easy to
see that it is right. The replay that ships must say the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from server.alerts import ladder as ladders
from server.alerts.causes import first_wait_ends, ladder_for
from server.alerts.ladder import Cause, Climb
from server.policy.levels import Evidence
from server.policy.model import Ladder, Policy, Rung, Tier
from server.simulation import kinds
from server.simulation.kinds import Event
from server.watch.machine import advancing, answering, changing, rounds
from server.watch.machine.standing import Change, Standing, Terms, What
from server.watch.rhythm.rules import Span
from tests.copies import replace

MINUTE = timedelta(minutes=1)
REACH = {
    Rung.CASEWORKER: [UUID(int=1)],
    Rung.DEPUTY: [UUID(int=2)],
    Rung.ON_DUTY: [UUID(int=3)],
    Rung.MANAGER: [UUID(int=4)],
    Rung.LAST_RESORT: [],
}
Line = tuple[datetime, str, str, str]


@dataclass
class Open:
    ladder: Ladder
    climb: Climb
    called: set[int] = field(default_factory=set)


@dataclass
class Plain:
    policy: Policy
    name: str
    lines: list[Line] = field(default_factory=list)
    terms: Terms | None = None
    standing: Standing | None = None
    alerts: dict[Cause, Open] = field(default_factory=dict)
    if_asked: list[kinds.IfAsked] = field(default_factory=list)
    coming: list[tuple[datetime, int, bool]] = field(default_factory=list)
    blind_until: datetime | None = None

    def run(self, events: Iterable[Event], until: datetime) -> list[Line]:
        waiting = list(events)
        now = waiting[0].at
        held: list[tuple[datetime, int, Event | bool]] = []
        while now <= until:
            # At one instant: what happens, then what arrives, then the tick.
            while waiting and waiting[0].at <= now:
                event = waiting.pop(0)
                if isinstance(event.detail, kinds.IfAsked):
                    self.if_asked.append(event.detail)
                elif event.kind == "blind":
                    assert isinstance(event.detail, kinds.Until)
                    self.blind_until = max(self.blind_until or now, event.detail.until)
                elif event.kind == "ended":
                    self.terms = self.standing = None
                    self.alerts, self.coming, held, self.blind_until = {}, [], [], None
                elif self.blind_until is None:
                    self.take(event, now)
                else:
                    held.append((now, -1, event))
            while True:
                held += sorted(arrival for arrival in self.coming if arrival[0] <= now)
                self.coming = [arrival for arrival in self.coming if arrival[0] > now]
                if self.blind_until is not None and self.blind_until > now:
                    break
                self.blind_until = None
                for _, _, what in sorted(held, key=lambda one: one[:2]):
                    self.take(what, now)
                held = []
                self.tick(now)
                if not any(arrival[0] <= now for arrival in self.coming):
                    break  # Who answers at once is heard at once.
            now += MINUTE
        return self.lines

    def take(self, what: Event | bool, now: datetime) -> None:
        if isinstance(what, bool):
            if what:
                self.see(Evidence.CARER, now)
            elif self.standing is not None:
                self.look(now)
                self.standing = answering.not_seen(self.standing, self.terms, now)
            return
        detail = what.detail
        if isinstance(detail, kinds.Placed):
            self.terms = Terms(
                detail.tier,
                self.policy.tiers[detail.tier].steps,
                detail.rhythm,
                detail.zone,
                (),
                detail.has_carer,
            )
            self.standing, self.begun_at = rounds.begin(self.terms, now), now
        elif self.terms is None or self.standing is None:
            return
        elif isinstance(detail, kinds.CheckIn):
            cause = Cause(detail.want) if detail.want in ("help", "talk") else None
            cause = Cause.HELP if detail.duress else cause
            self.settle(now, but=cause)
            if cause is not None and cause not in self.alerts:
                self.open(cause, now)
        elif isinstance(detail, kinds.Sighting):
            self.see(Evidence(detail.by), now)
        elif what.kind == "app_seen":
            self.see(Evidence.APP_SEEN, now)
        elif isinstance(detail, kinds.Tiered):
            steps = self.policy.tiers[detail.tier].steps
            terms = replace(self.terms, tier=detail.tier, steps=steps)
            standing, changes = advancing.advance(self.standing, self.terms, now)
            order = [Tier.HIGH, Tier.MID, Tier.LOW]
            if order.index(detail.tier) < order.index(self.terms.tier):
                standing = changing.retune(standing, terms, now, before=self.terms)
            # What opens in this very moment opens in the new tier.
            self.terms = terms
            self.standing, more = advancing.advance(standing, terms, now, since=now)
            self.heed((*changes, *more), now)
        elif isinstance(detail, kinds.Until) and detail.until > now:
            self.look(now)
            before, pause = self.terms, Span(now, detail.until)
            self.terms = replace(before, pauses=(*before.pauses, pause))
            self.standing = changing.reschedule(
                self.standing, self.terms, now, before=before, begun_at=self.begun_at
            )

    def see(self, by: Evidence, now: datetime) -> None:
        if self.terms is None or self.standing is None:
            return
        if answering.counts(by, self.terms.steps):
            self.settle(now, but=None)
        else:
            self.look(now)
            self.standing = answering.heed(self.standing, self.terms, by, now)

    def settle(self, now: datetime, *, but: Cause | None) -> None:
        assert self.terms is not None
        assert self.standing is not None
        unsaid, _ = advancing.advance(self.standing, self.terms, now)
        self.standing, _ = answering.settle(unsaid, self.terms, now)
        self.alerts = {cause: alert for cause, alert in self.alerts.items() if cause is but}

    def tick(self, now: datetime) -> None:
        self.look(now)
        for alert in self.alerts.values():
            self.climb(alert, now)

    def look(self, now: datetime) -> None:
        if self.terms is None or self.standing is None:
            return
        self.standing, changes = advancing.advance(self.standing, self.terms, now)
        self.heed(changes, now)

    def heed(self, changes: Iterable[Change], now: datetime) -> None:
        assert self.terms is not None
        reminded = False
        for change in changes:
            if change.what is What.REMIND:
                reminded = True
            elif change.what is What.ASK:
                self.say(now, "ask_carer")
                covering = [known for known in self.if_asked if known.begin <= now <= known.until]
                if covering and covering[-1].after < timedelta(hours=24):
                    answer = covering[-1]
                    entry = (now + answer.after, len(self.lines), answer.says is kinds.Says.SEEN)
                    self.coming.append(entry)
            elif change.what is What.ALERT:
                self.open(Cause.SILENCE, now)
        if reminded and not self.policy.quiet.holds(now.astimezone(self.terms.zone).time()):
            self.say(now, "nudge_child")

    def open(self, cause: Cause, now: datetime) -> None:
        assert self.terms is not None
        ladder = ladder_for(cause, self.policy, self.terms.tier)
        alert = Open(ladder, ladders.begin(ladder, now))
        self.alerts[cause] = alert
        self.climb(alert, now)
        wait = first_wait_ends(cause, ladder, self.terms.zone, now)
        alert.climb = replace(alert.climb, next_action_at=wait)

    def climb(self, alert: Open, now: datetime) -> None:
        alert.climb, calls = ladders.advance(alert.climb, alert.ladder, REACH, now)
        for call in calls:
            if call.why == "decide":
                self.say(now, "suggest_report", str(call.rung))
            elif call.rung not in alert.called:
                self.say(now, "escalate" if alert.called else "page_worker", str(call.rung))
                alert.called.add(call.rung)

    def say(self, now: datetime, level: str, rung: str = "") -> None:
        self.lines.append((now, self.name, level, rung))
