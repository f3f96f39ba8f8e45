"""Watches, terms and lives of children, drawn by Hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from server.policy.levels import OF_A_PHONE, Does, Evidence, Levels
from server.policy.model import EACH_MISS, Doubt, QuietHours, Steps, Tier
from server.policy.parser import read
from server.watch.machine import advancing, answering, changing, rounds
from server.watch.machine.habit import Knowledge, Past, learned
from server.watch.machine.standing import Change, Standing, Terms
from server.watch.rhythm.recurrence import COUNTED_FROM, LAST, Every, Recurrence
from server.watch.rhythm.rules import Rhythm, Span
from tests.copies import replace

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT_EACH_MISS = read(EACH_MISS)
# The clocks of Paris go forward on the 29th of March 2026, and back on the 25th of October.
STARTS = [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)]
ZONES = [ZoneInfo(n) for n in ("Europe/Paris", "UTC", "America/Nuuk", "Asia/Kathmandu")]


def minutes(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda n: n * MINUTE)


doubts = st.builds(
    lambda leaves, ask, more, *rest: Doubt(leaves, ask, ask + more, *rest),
    st.floats(1e-5, 0.5),
    st.floats(1e-4, 0.5),
    st.floats(0, 5),
    minutes(60, 900),
    minutes(1, 3000),
    st.sampled_from([1.0, 8.0, 1000.0]),
    st.floats(1, 50),
    minutes(60, 9000),
    st.floats(1, 10),
    st.booleans(),
)
habits = st.builds(
    lambda kept, zone: learned(kept, zone),
    st.lists(
        st.builds(Past, st.integers(0, 900).map(lambda n: STARTS[0] - n * HOUR), st.booleans()),
        max_size=30,
    ),
    st.sampled_from(ZONES),
)


# A sign long ago, one in the days of the lives below, or none.
knowledges = st.builds(
    Knowledge,
    habits,
    warned_at=st.sampled_from([None, *STARTS, STARTS[0] + 30 * HOUR]),
    missing=st.integers(0, 3),
    unreached_since=st.sampled_from([None, *STARTS]),
)


@st.composite
def any_levels(draw: st.DrawFn, *, settles: bool = True) -> Levels:
    """Levels that `reading.read` lets through; without `settles`, only a professional settles."""
    # What vouches moves the longest silence, and has tests of its own (test_seen.py).
    rank = [does for does in Does if does is not Does.VOUCHES]
    worst = draw(st.integers(0, 3)) if settles else 0
    least = worst if settles else 1
    seen = [draw(st.integers(least, 3)) for _ in range(2)]
    own = [draw(st.integers(0 if settles else 1, 3)) for _ in range(3)]
    phone = max(*seen, *own, 2, draw(st.integers(2, 3)))
    levels = Levels(
        professional=rank[worst],
        school=rank[seen[0]],
        carer=rank[seen[1]],
        app_seen=rank[phone],
        sms=rank[own[0]],
        link=rank[own[1]],
        card=rank[own[2]],
        holds_for=draw(minutes(1, 720)),
        softens_for=draw(minutes(1, 720)),
    )
    assert levels.app_seen in OF_A_PHONE
    return levels


RESTS = [None, QuietHours(time(22), time(7)), QuietHours(time(1), time(5))]


@st.composite
def any_steps(draw: st.DrawFn) -> Steps:
    """Steps that `reading.read` lets through, most of them like nobody's."""
    grace, window = draw(minutes(1, 300)), draw(minutes(1, 300))
    at = sorted(draw(st.tuples(st.integers(0, 23), st.integers(0, 23))))
    return Steps(
        remind_before=draw(minutes(1, 240)),
        remind_again=min(draw(minutes(1, 240)), grace),
        grace=grace,
        carer_window=window,
        carer_from=time(at[0]),
        carer_until=time(at[1]),
        levels=draw(any_levels()),
        ceiling=grace + window + draw(minutes(0, 4000)),
        doubt=draw(st.one_of(st.none(), doubts)),
        after_pass=draw(st.one_of(st.none(), minutes(1, 240))),
        asks_carer=draw(st.booleans()),
        last_call=draw(st.one_of(st.none(), minutes(1, 600))),
        after_misses=draw(st.one_of(st.none(), st.integers(1, 5))),
        rest=draw(st.sampled_from(RESTS)),
    )


def with_windows(at: set[time], days: set[int], cuts: list[float | None]) -> Rhythm:
    """A rhythm in which some times have a free window: from 0, right behind the time before, to 1,
    a minute before its own."""
    found, before = [], -1
    for end, cut in zip(sorted(at), cuts, strict=False):
        last = end.hour * 60 + end.minute
        if cut is not None and last > before + 1:
            first = before + 1 + round(cut * (last - before - 2))
            found.append((time(first // 60, first % 60), end))
        before = last
    return Rhythm(tuple(sorted(at)), frozenset(days), windows=tuple(found))


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    """Any rule that `recurrence.read` lets through."""
    every = draw(st.sampled_from(Every))
    start = draw(st.dates(date(2020, 1, 1), date(2032, 12, 31)))
    if every is Every.DAY:
        n = draw(st.sampled_from([1, 2, 3, 5, 7, 31]))
        return Recurrence(every, n, start=start if n > 1 else COUNTED_FROM)
    if every is Every.WEEK:
        n, days = draw(st.sampled_from([1, 2, 3, 12])), draw(st.sets(st.integers(0, 6), min_size=1))
        start = start if n > 1 else COUNTED_FROM
        return Recurrence(every, n, days=frozenset(days), start=start)
    n = draw(st.sampled_from([1, 2, 3, 12]))
    start = start if n > 1 else COUNTED_FROM
    if draw(st.booleans()):
        dates = draw(st.sets(st.sampled_from([1, 15, 28, LAST]), min_size=1))
        return Recurrence(every, n, dates=frozenset(dates), start=start)
    place = st.tuples(st.sampled_from([1, 2, 3, 4, LAST]), st.integers(0, 6))
    places = draw(st.sets(place, min_size=1, max_size=3))
    in_order = sorted(places, key=lambda each: (5 if each[0] == LAST else each[0], each[1]))
    return Recurrence(every, n, places=tuple(in_order), start=start)


def with_rules(rhythm: Rhythm, rules: list[Recurrence | None]) -> Rhythm:
    """The same, some of its times by a rule; its first time comes on its days."""
    pairs = zip(rhythm.at[1:], rules, strict=False)
    return replace(rhythm, rules=tuple((at, rule) for at, rule in pairs if rule is not None))


cuts = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=5, max_size=5)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 10, 30, 55]))
rhythms = st.one_of(
    st.builds(
        with_windows,
        st.sets(times, min_size=1, max_size=4),
        st.sets(st.integers(0, 6), min_size=3),
        cuts,
    ),
    st.builds(
        with_rules,
        st.sets(times, min_size=2, max_size=4).map(lambda at: Rhythm(tuple(sorted(at)))),
        st.lists(st.one_of(st.none(), recurrences()), max_size=3),
    ),
    st.integers(1800, 86_400).map(lambda s: Rhythm(every=timedelta(seconds=s))),
)


@st.composite
def any_terms(draw: st.DrawFn, *, shipped: bool | None = None) -> Terms:
    tier = draw(st.sampled_from(Tier))
    if shipped is None:
        shipped = draw(st.booleans())
    return Terms(
        tier=tier,
        steps=AT_EACH_MISS.tiers[tier].steps if shipped else draw(any_steps()),
        rhythm=draw(rhythms),
        zone=draw(st.sampled_from(ZONES)),
        pauses=(),
        has_carer=draw(st.booleans()),
        knowledge=draw(knowledges),
    )


@dataclass(frozen=True)
class Act:
    """Something that happens `after` the act before it."""

    what: str
    after: timedelta
    lasts: timedelta = HOUR


acts = st.builds(
    Act,
    st.sampled_from(
        [
            "look",
            "answer",
            "answer",
            "professional",
            "carer",
            "app_seen",
            "sms",
            "not_seen",
            "pause",
            "pass",
        ]
    ),
    minutes(0, 2000),
    minutes(1, 3000),
)
looks = st.builds(Act, st.just("look"), minutes(0, 600))
starts = st.sampled_from(STARTS)


@dataclass
class Life:
    """One watch that lives through acts; every change that it went through is kept."""

    terms: Terms
    standing: Standing
    now: datetime
    changes: list[Change]
    begun_at: datetime

    @classmethod
    def begin(cls, terms: Terms, now: datetime) -> "Life":
        return cls(terms, rounds.begin(terms, now), now, [], now)

    def look(self, now: datetime) -> None:
        assert now >= self.now
        self.now = now
        self.standing, more = advancing.advance(self.standing, self.terms, now)
        self.changes += more

    def act(self, act: Act) -> None:
        self.look(self.now + act.after)
        now, terms = self.now, self.terms
        if act.what == "answer":
            self.see(Evidence.CHILD)
        elif act.what in ("professional", "school", "carer", "app_seen", "sms", "link", "card"):
            self.see(Evidence(act.what))
        elif act.what == "not_seen":
            self.standing = answering.not_seen(self.standing, terms, now)
            unseen = (*terms.knowledge.unseen, now)
            self.terms = replace(terms, knowledge=replace(terms.knowledge, unseen=unseen))
            self.standing, more = advancing.advance(self.standing, self.terms, now, since=now)
            self.changes += more
        elif act.what in ("pause", "pass"):
            away = Span(now, now + act.lasts, returns=act.what == "pass")
            self.reterm(replace(terms, pauses=(*terms.pauses, away)))
            self.look(now)

    def reterm(self, terms: Terms) -> None:
        before, self.terms = self.terms, terms
        self.standing = changing.reschedule(
            self.standing, terms, self.now, before=before, begun_at=self.begun_at
        )

    def see(self, evidence: Evidence) -> None:
        if answering.counts(evidence, self.terms.steps):
            self.standing, _ = answering.settle(self.standing, self.terms, self.now)
        else:
            self.standing = answering.heed(self.standing, self.terms, evidence, self.now)

    def retier(self, tier: Tier, steps: Steps, *, raised: bool) -> None:
        before, self.terms = self.terms, replace(self.terms, tier=tier, steps=steps)
        if raised:
            self.standing = changing.retune(self.standing, self.terms, self.now, before=before)
        self.standing, more = advancing.advance(self.standing, self.terms, self.now, since=self.now)
        self.changes += more

    def silence(self) -> datetime:
        """Nobody answers from now on: when are adults called?"""
        standing, now = self.standing, self.now
        while not standing.is_alerted:
            now = advancing.next_action_at(standing, self.terms, now)
            standing, _ = advancing.advance(standing, self.terms, now)
        return now


def lived(terms: Terms, start: datetime, happened: Sequence[Act]) -> Life:
    life = Life.begin(terms, start)
    for act in happened:
        life.act(act)
    return life
