"""Whatever people do about a missing child, in whatever order: what must hold, holds.

A state machine over the verbs, on real databases. Each run has a child of its own.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from server.alerts import climbing
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.checkin import actions as check_ins
from server.checkin.rules import Answer
from server.errors import Conflict, Refused
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import actions, entry_kinds, opening, timeline
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import FOLLOWED_UP, Act
from server.missing.search.models import Alias, Episode, TimelineEntry
from server.missing.search.opening import Saying
from server.missing.search.rules import Stage
from server.people import actions as people
from server.people.rules import Role
from server.policy.model import Tier
from server.security import encryption
from server.storage.db import write
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import OF_A_RETURN, OF_A_SEARCH, State
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.models import Watch
from server.watch.rhythm.rules import Rhythm
from tests.fixtures import Database
from tests.machines import opened, run
from tests.walks.test_machine import PARIS, STARTS, World

WHO = st.sampled_from(["tom", "ines"])
ENTRIES: list[tuple[Act, dict[str, str]]] = [
    (Act.ATTEMPT, {"how": "call", "result": "no_answer"}),
    (Act.ROOM, {"phone": "gone", "documents": "gone", "bag": "here"}),
    (Act.FLAG, {"flag": "threat"}),
    (Act.DECISION, {"decision": "report"}),
    (Act.DECISION, {"decision": "known_place"}),
    (Act.REPORT, {"to": "police", "way": "phone"}),
    (Act.REPORT, {"to": "guardian", "way": "mail"}),
    (Act.STRATEGY, {"who": "Everyone"}),
    (Act.SAFE_AND_WELL, {"who": "Tom", "hurt": "no", "afraid": "no"}),
    (Act.MEDICAL, {"needed": "no"}),
    (Act.INTERVIEW_OFFERED, {"answer": "refused", "who": "Rana"}),
    (Act.RESCREEN, {"signs": "no"}),
    (Act.PHONE_CHECK, {"new": "no", "others": "no"}),
    (Act.PACK_UPDATE, {}),
    (Act.NOT_POSSIBLE, {"task": "medical"}),
]
spans = st.timedeltas(timedelta(seconds=1), timedelta(days=9))


class Machine(RuleBasedStateMachine):
    """`ids` are those under which somebody said that the child is missing."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.now = STARTS[0]
        self.ids: list[tuple[UUID, datetime]] = []
        self.known: dict[UUID, list[UUID]] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.world.do(work)

    @initialize(tier=st.sampled_from(Tier))
    def begin(self, tier: Tier) -> None:
        self.do(self._begin(tier))

    async def _begin(self, tier: Tier) -> None:
        async with write():
            self.child = await people.add_child(
                SYSTEM,
                self.world.agency.id,
                people.AddChild(
                    name="Somebody",
                    language="en",
                    zone=PARIS,
                    caseworker_id=self.world.persons["tom"].id,
                ),
                self.now,
            )
            rhythm = Rhythm(tuple(at for at in _TWICE))
            await watch.begin(SYSTEM, self.child, watch.Beginning(tier, rhythm, PARIS), self.now)

    def teardown(self) -> None:
        if hasattr(self, "child"):
            self.do(self._end())

    async def _end(self) -> None:
        await Watch.filter(child_id=self.child.id).delete()
        await Alert.filter(child_id=self.child.id).delete()
        await Task.filter(child_id=self.child.id).delete()

    @rule(span=spans)
    def time_passes_and_the_ticker_looks(self, span: timedelta) -> None:
        self.now += span

        async def look() -> None:
            await ticking.WATCHES.tick(self.now)
            await climbing.ALERTS.tick(self.now)
            await telling.TASKS.tick(self.now)

        self.do(look())

    @rule(who=WHO)
    def somebody_misses_the_child(self, who: str) -> None:
        id_, said = uuid4(), self.now
        self.ids.append((id_, said))
        actor = self.world.actor(who)
        self.do(opening.open_episode(actor, self.child.id, id_, Saying(said), self.now))

    @rule(pick=st.integers(0, 9))
    def an_old_request_comes_again(self, pick: int) -> None:
        if not self.ids:
            return
        id_, said = self.ids[pick % len(self.ids)]
        before = self.do(Episode.filter(child_id=self.child.id).count())
        actor = self.world.actor("tom")
        _, is_new = self.do(opening.open_episode(actor, self.child.id, id_, Saying(said), self.now))
        assert not is_new
        assert self.do(Episode.filter(child_id=self.child.id).count()) == before

    @rule(who=WHO)
    def an_alert_says_that_the_child_is_missing(self, who: str) -> None:
        self.do(watch_alerts.open_missing(self.world.actor(who), self.child.id, None, self.now))

    @rule(who=WHO, pick=st.integers(0, len(ENTRIES) - 1))
    def somebody_enters_something(self, who: str, pick: int) -> None:
        episode = self.do(self._last())
        if episode is None:
            return
        act, details = ENTRIES[pick]
        enter = actions.enter(
            self.world.actor(who),
            episode.id,
            EntryRequest(uuid4(), act, at=self.now, words="Words.", details=details),
            self.now,
        )
        if episode.is_open and not entry_kinds.ENTRIES[act].is_search:
            with pytest.raises(Conflict, match="after the return"):
                self.do(enter)
            return
        self.do(enter)

    async def _last(self) -> Episode | None:
        return await Episode.filter(child_id=self.child.id).order_by("-opened_at", "-id").first()

    @rule(ago=st.timedeltas(timedelta(0), timedelta(days=2)))
    def somebody_has_seen_the_child(self, ago: timedelta) -> None:
        episode = self.do(self._last())
        if episode is None:
            return
        what = Found(self.now - ago, "Here", "Sam", "Well.")
        see = child_found.record_found(self.world.actor("tom"), episode.id, uuid4(), what, self.now)
        if episode.is_open:
            self.do(see)
            return
        with pytest.raises(Conflict, match="already"):
            self.do(see)

    @rule(outcome=st.sampled_from(Outcome))
    def somebody_closes_the_alert(self, outcome: Outcome) -> None:
        held = Alert.filter(child_id=self.child.id, closed_at__isnull=True, cause=Cause.MISSING)
        alert = self.do(held.first())
        if alert is None:
            return
        close = watch_alerts.close_alert(
            self.world.actor("ines"), alert.id, outcome, "Words.", self.now
        )
        if outcome is Outcome.SEEN:
            self.do(close)
            return
        with pytest.raises(Refused):
            self.do(close)

    @rule()
    def the_child_says_something(self) -> None:
        answer = Answer(id=uuid4(), said_at=self.now)
        actor = self.world.actor("tom")
        self.do(check_ins.record(actor, Role.CASEWORKER, self.child.id, answer, self.now))

    # --- what must hold

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "child"):
            self.do(self._holds())

    async def _holds(self) -> None:
        episodes = await Episode.filter(child_id=self.child.id).order_by("opened_at")
        open_ = [one for one in episodes if one.is_open]
        assert len(open_) <= 1
        seen = await Watch.get(child_id=self.child.id)
        assert seen.is_missing == bool(open_)
        alerts = await Alert.filter(
            child_id=self.child.id, cause=Cause.MISSING, closed_at__isnull=True
        )
        assert [one.id for one in alerts] == [one.alert_id for one in open_]
        assert await Alias.filter(episode__child_id=self.child.id).count() >= len(episodes)
        for episode in episodes:
            await self._one_holds(episode)
        assert await timeline.verify() is None

    async def _one_holds(self, episode: Episode) -> None:
        held = await Task.filter(subject_id=episode.id, state=State.OPEN)
        running = {due.kind for due in held}
        assert len(running) == len(held)
        if episode.is_open:
            assert not running & OF_A_RETURN
            assert {"keep_trying", "strategy_3m"} <= running
            # Nobody has told the police: then somebody is asked to, until somebody has.
            assert ("report" in running) == (episode.reported_at is None)
            assert episode.stage in (Stage.DECIDING, Stage.REPORTED, Stage.SEARCHING)
        else:
            assert not running & OF_A_SEARCH
            assert (episode.stage == Stage.FOLLOWED_UP) == (not running & OF_A_RETURN)
            assert episode.found_at is not None
            assert episode.found_at >= episode.opened_at
        closed = await TimelineEntry.filter(episode_id=episode.id, what=FOLLOWED_UP).count()
        assert closed == (episode.followed_up_at is not None)
        told = [
            line.id for line in await TimelineEntry.filter(episode_id=episode.id).order_by("number")
        ]
        before = self.known.get(episode.id, [])
        assert told[: len(before)] == before
        self.known[episode.id] = told


_TWICE = STARTS[0].time().replace(hour=9), STARTS[0].time().replace(hour=18)


@pytest.fixture
def world(migrated: Database, keyring: encryption.Keyring) -> Iterator[World]:
    yield from opened(World(migrated))


@pytest.mark.slow
@pytest.mark.drawn
def test_whatever_people_do_about_a_missing_child_what_must_hold_holds(world: World) -> None:
    run(Machine, world, steps=25)
