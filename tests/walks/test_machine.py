"""Whatever people do, in whatever order, and however late we look: what must hold, holds.

A state machine over the verbs, on real databases. Each run has a child of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from server.alerts import actions as alerts
from server.alerts import climbing, rights_changes
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM, Actor, seal, verify
from server.checkin import actions as check_ins
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.errors import Conflict, Refused
from server.missing.returns import child_found
from server.missing.search import opening
from server.people import actions as people
from server.people.agencies.actions import AddAgency, add_agency
from server.people.events import use_listeners
from server.people.models import Agency, Child, Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie, end_tie
from server.policy.model import EACH_MISS, Tier
from server.policy.parser import read
from server.rota.models import FixedShift
from server.security import encryption
from server.storage.db import fetch, open_database, write
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.calendar import milestone_actions
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.machine.standing import State, state
from server.watch.models import Pause, Round, Watch
from server.watch.rhythm import agreements
from server.watch.rhythm.rules import Rhythm
from server.watch.watch_state import load
from tests.fixtures import Database
from tests.machines import opened, run

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Two days before the clocks of Paris change.
STARTS = [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)]
PARIS = "Europe/Paris"
CEILINGS = {tier: read(EACH_MISS).tiers[tier].steps.ceiling for tier in Tier}
RHYTHMS: list[dict[str, Any]] = [
    {"at": ["18:00"]},
    {"at": ["09:00", "19:00"]},
    {"at": ["02:30", "14:30"]},
    {"at": ["08:00", "09:00", "23:30"]},
]

spans = st.sampled_from([MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 8 * HOUR, DAY, 3 * DAY])


class World:
    """One database and one agency in it, for all runs of the machine."""

    def __init__(self, database: Database) -> None:
        self.loop = asyncio.new_event_loop()
        self.database = database
        self.agency: Agency
        self.persons: dict[str, Person] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        # As the composition roots do it: whoever says that a child is missing begins a search.
        use_listeners(
            milestone_actions.hear, opening.hear, child_found.hear, rights=rights_changes.hear
        )
        watch_alerts.use_ends(child_found.ends)
        await open_database(self.database.url)
        now = STARTS[0] - DAY
        async with write():
            self.agency = await add_agency(
                SYSTEM, AddAgency(name="Harbour", language="en", zone=PARIS), now
            )
            for name, role in (
                ("tom", Role.CASEWORKER),
                ("ines", Role.SUPERVISOR),
                ("sam", Role.CARER),
            ):
                self.persons[name] = await people.add_person(
                    SYSTEM,
                    self.agency.id,
                    people.AddPerson(role=role, name=name.title(), language="en", zone=PARIS),
                    now,
                )
            tom, ines = self.persons["tom"], self.persons["ines"]
            await people.set_deputy(SYSTEM, self.agency.id, tom.id, ines.id, now)
            await FixedShift.create(agency_id=self.agency.id, person_id=ines.id, from_at=now)

    def actor(self, name: str) -> Actor:
        person = self.persons[name]
        return Actor(person.id, person.role, self.agency.id)


class Machine(RuleBasedStateMachine):
    """`now` only grows; what the machine itself remembers is in `sign` and `pauses`."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.child: Child | None = None
        self.now = STARTS[0]
        self.is_looked = False

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.world.do(work)

    @property
    def id(self) -> UUID:
        assert self.child is not None
        return self.child.id

    @initialize(
        start=st.sampled_from(STARTS),
        tier=st.sampled_from([Tier.MID, Tier.LOW]),
        has_carer=st.booleans(),
    )
    def begin(self, start: datetime, tier: Tier, has_carer: bool) -> None:
        self.now, self.sign = start, start
        self.last: Answer | None = None
        self.do(self._begin(tier, has_carer))

    async def _begin(self, tier: Tier, has_carer: bool) -> None:
        world = self.world
        async with write():
            self.child = await people.add_child(
                SYSTEM,
                world.agency.id,
                people.AddChild(
                    name="Somebody",
                    language="en",
                    zone=PARIS,
                    caseworker_id=world.persons["tom"].id,
                ),
                self.now,
            )
            await watch.begin(
                SYSTEM, self.child, watch.Beginning(tier, Rhythm((time(18),)), PARIS), self.now
            )
            if has_carer:
                await self._tie()

    async def _tie(self) -> None:
        assert self.child is not None
        await add_tie(
            SYSTEM,
            self.child,
            AddTie(person_id=self.world.persons["sam"].id, role=Role.CARER),
            self.now,
        )

    def teardown(self) -> None:
        if self.child is not None:
            self.do(self._end())

    async def _end(self) -> None:
        while await seal(self.now):
            pass
        assert await verify() is None
        await Watch.filter(child_id=self.id).delete()
        await Alert.filter(child_id=self.id).delete()

    # --- time

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span
        self.is_looked = False

    @rule(span=spans)
    def the_ticker_looks(self, span: timedelta) -> None:
        self.now += span
        self.do(self._tick())
        self.is_looked = True

    @rule()
    def two_tickers_look(self) -> None:
        async def both() -> None:
            await asyncio.gather(self._tick(), self._tick())

        self.do(both())
        self.is_looked = True

    async def _tick(self) -> None:
        while await ticking.WATCHES.tick(self.now):
            pass
        while await climbing.ALERTS.tick(self.now):
            pass

    # --- the child

    @rule(want=st.sampled_from([Want.NOTHING] * 4 + [Want.HELP, Want.TALK]))
    def the_child_answers(self, want: Want) -> None:
        self.last = Answer(uuid4(), self.now, want=want)
        self.sign = self.now
        kept, is_new = self.do(self._record(self.last))
        assert is_new
        assert kept.answer["standing"] in ("well", "due", "late")

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_phone_sends_its_answer_again(self) -> None:
        assert self.last is not None
        before = self.do(self._everything())
        _, is_new = self.do(self._record(self.last))
        assert not is_new
        assert self.do(self._everything()) == before

    async def _record(self, answer: Answer) -> tuple[CheckIn, bool]:
        actor = Actor(self.id, "child", self.world.agency.id)
        return await check_ins.record(actor, Role.CHILD, self.id, answer, self.now)

    async def _everything(self) -> object:
        seen = await Watch.filter(child_id=self.id).values()
        found = await Alert.filter(child_id=self.id).order_by("id").values()
        return seen, found, await Round.filter(child_id=self.id).order_by("id").values()

    # --- adults

    @rule(answer=st.sampled_from(["seen", "not_seen"]), pick=st.integers(0, 5))
    def the_carer_answers_a_question(self, answer: str, pick: int) -> None:
        self.do(self._answer(answer, pick))

    async def _answer(self, answer: str, pick: int) -> None:
        open_ = await Question.filter(child_id=self.id).order_by("-asked_at")
        if not open_:
            return
        question = open_[pick % len(open_)]
        is_first = question.answered_at is None
        try:
            await questions.answer_question(question.id, answer, self.now)
        except Refused:
            return
        tier = (await Watch.get(child_id=self.id)).tier
        if is_first and answer == "seen" and tier != "high":
            self.sign = self.now

    @rule(answer=st.sampled_from(["seen", "not_seen"]), who=st.sampled_from(["tom", "ines"]))
    def a_professional_looks(self, answer: str, who: str) -> None:
        role = Role(self.world.persons[who].role)
        self.do(
            watch.note_sighting(
                self.world.actor(who),
                self.id,
                role,
                watch.SightingRequest(uuid4(), answer, seen_at=self.now),
                self.now,
            )
        )
        if answer == "seen":
            self.sign = self.now

    @rule(who=st.sampled_from(["tom", "ines"]), pick=st.integers(0, 3))
    def somebody_acknowledges(self, who: str, pick: int) -> None:
        alert = self.do(self._pick(pick))
        if alert is None:
            return
        mine = self.world.persons[who].id
        acknowledge = alerts.acknowledge(self.world.actor(who), alert.id, self.now)
        if alert.acknowledged_by not in (None, mine):
            with pytest.raises(Conflict):
                self.do(acknowledge)
            return
        assert self.do(acknowledge).acknowledged_by == mine

    @rule(
        who=st.sampled_from(["tom", "ines"]),
        pick=st.integers(0, 3),
        outcome=st.sampled_from([*Outcome, None]),
    )
    def somebody_closes(self, who: str, pick: int, outcome: Outcome | None) -> None:
        alert = self.do(self._pick(pick))
        if alert is None:
            return
        close = watch_alerts.close_alert(
            self.world.actor(who), alert.id, outcome, "Words.", self.now
        )
        # A search ends by seeing the child, and by nothing else.
        if outcome is None or (alert.cause == Cause.MISSING and outcome is not Outcome.SEEN):
            with pytest.raises(Refused):
                self.do(close)
            return
        self.do(close)
        begins_anew = alert.cause in (Cause.SILENCE, Cause.MISSING)
        if begins_anew and outcome is not Outcome.MISSING:
            self.sign = self.now

    async def _pick(self, pick: int) -> Alert | None:
        open_ = await Alert.filter(child_id=self.id, closed_at__isnull=True).order_by("id")
        return open_[pick % len(open_)] if open_ else None

    @rule(who=st.sampled_from(["tom", "sam"]))
    def somebody_says_that_the_child_is_missing(self, who: str) -> None:
        self.do(watch_alerts.open_missing(self.world.actor(who), self.id, "Gone.", self.now))

    # --- what is agreed

    @rule(begins=st.sampled_from([-HOUR, 0 * HOUR, HOUR, DAY]), lasts=spans)
    def a_pause_is_agreed(self, begins: timedelta, lasts: timedelta) -> None:
        until = self.now + begins + lasts
        pause = agreements.pause(
            self.world.actor("tom"),
            self.id,
            agreements.PauseRequest(uuid4(), self.now + begins, until, words="With her aunt."),
            self.now,
        )
        if until <= self.now:
            with pytest.raises(Refused):
                self.do(pause)
            return
        self.do(pause)

    @rule(pick=st.integers(0, 5))
    def a_pause_is_ended(self, pick: int) -> None:
        async def end() -> None:
            found = await Pause.filter(child_id=self.id).order_by("id")
            if found:
                id = found[pick % len(found)].id
                await agreements.end_pause(self.world.actor("tom"), self.id, id, self.now)

        self.do(end())

    @rule(tier=st.sampled_from(Tier), ends=st.sampled_from([None, HOUR, DAY]))
    def the_tier_is_set(self, tier: Tier, ends: timedelta | None) -> None:
        with suppress(Refused):  # As below.
            self.do(
                agreements.set_tier(
                    self.world.actor("tom"),
                    self.id,
                    agreements.TierRequest(
                        tier,
                        until_at=self.now + ends if ends else None,
                        then=Tier.MID if ends else None,
                    ),
                    self.now,
                )
            )

    @rule(rhythm=st.sampled_from(RHYTHMS), zone=st.sampled_from([PARIS, "UTC"]))
    def the_rhythm_is_set(self, rhythm: dict[str, Any], zone: str) -> None:
        with suppress(Refused):  # Once a day is slower than the high tier allows.
            self.do(agreements.set_rhythm(self.world.actor("tom"), self.id, rhythm, zone, self.now))

    @rule()
    def the_carer_comes_or_goes(self) -> None:
        async def change() -> None:
            held = await Tie.filter(
                Tie.standing_at(self.now), child_id=self.id, role=Role.CARER
            ).first()
            if held is None:
                await self._tie()
            else:
                assert self.child is not None
                await end_tie(SYSTEM, self.child, held.id, self.now)

        self.do(change())

    # --- what must hold

    @invariant()
    def what_must_hold(self) -> None:
        if self.child is not None:
            self.do(self._check())

    async def _check(self) -> None:
        seen = await Watch.get(child_id=self.id)
        open_ = await Alert.filter(child_id=self.id, closed_at__isnull=True)
        [case] = await load([seen], self.now)
        await self._check_alerts(seen, open_)
        expected = state(case.standing, case.terms, self.now)
        if seen.is_missing:
            expected = State.MISSING
        if self.is_looked:
            assert seen.standing == expected.value
            self._check_looked(seen, open_)
            self._check_silence(seen, case, open_)
        await self._check_rounds(seen)
        doubled = await fetch(
            "SELECT subject_id FROM message WHERE child_id = $1"
            " GROUP BY subject_id, kind, rung, turn, to_key, channel HAVING count(*) > 1",
            [self.id],
        )
        assert not doubled
        self.is_looked = False

    async def _check_alerts(self, seen: Watch, open_: list[Alert]) -> None:
        assert len({alert.cause for alert in open_}) == len(open_)
        assert all(alert.next_action_at is not None for alert in open_)
        causes = {alert.cause for alert in open_}
        assert seen.is_missing == (Cause.MISSING in causes)
        unanswered = {a.cause for a in open_ if a.state in ("open", "acknowledged")}
        if Cause.SILENCE in unanswered:
            assert seen.is_alerted
        if seen.is_alerted:
            assert causes & {Cause.SILENCE, Cause.MISSING}

    def _check_looked(self, seen: Watch, open_: list[Alert]) -> None:
        """Nothing is left due after a tick."""
        assert seen.next_action_at is not None
        assert seen.next_action_at > self.now
        for alert in open_:
            assert alert.next_action_at is not None
            assert alert.next_action_at > self.now
            assert alert.decide_at is None or alert.decide_at > self.now

    def _check_silence(self, seen: Watch, case: Any, open_: list[Alert]) -> None:
        """Whoever has been silent for longer than anything may allow, has an alert."""
        allowed = self.sign + CEILINGS[Tier(seen.tier)]
        for pause in case.terms.pauses:
            if pause.begin < allowed:
                allowed = max(allowed, pause.end + CEILINGS[Tier(seen.tier)])
        if self.now >= allowed:
            assert seen.is_alerted
            assert open_

    async def _check_rounds(self, seen: Watch) -> None:
        """No round is lost: the one that is open is the current one, late ones belong to the
        alarm, and every other one has ended."""
        rounds = await Round.filter(child_id=self.id).order_by("due_at")
        assert [one.due_at for one in rounds if one.state == "open"] in ([], [seen.due_at])
        late = [one.due_at for one in rounds if one.state == "late"]
        if seen.missed_due_at is not None:
            assert seen.missed_due_at in late
            assert min(late) == seen.missed_due_at
        elif not seen.is_alerted:
            assert not late
        for one in rounds:
            if one.state not in ("open", "late"):
                assert one.settled_at is not None
        local = {one.due_at.astimezone(ZoneInfo(PARIS)) for one in rounds}
        assert len(local) == len(rounds)


@pytest.fixture
def world(migrated: Database, keyring: encryption.Keyring) -> Iterator[World]:
    yield from opened(World(migrated))


@pytest.mark.slow
@pytest.mark.drawn
def test_whatever_people_do_in_whatever_order_what_must_hold_holds(world: World) -> None:
    run(Machine, world, steps=25)
