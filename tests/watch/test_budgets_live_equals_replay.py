"""With a budget of alarms too, the live path counts what replay counts, adapts as replay adapts,
and tells the same people at the same time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import pytest

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.people.models import Agency, Home
from server.policy import parser as policies
from server.policy.adapting import AS_WRITTEN, LIMITS, from_data
from server.policy.learned import Source, as_data, of_source
from server.policy.learned import from_data as word_counts_from
from server.policy.model import Tier
from server.policy.models import BudgetWeek
from server.policy.models import Policy as PolicyRow
from server.roll_calls import actions as home_words
from server.simulation import kinds
from server.simulation.replay import replay
from server.watch import watch_alerts
from server.watch.models import Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.simulation.test_live_equals_replay import (
    AT_RANDOM,
    BEGIN,
    DAY,
    HOUR,
    MINUTE,
    ON_SQLITE,
    PLACED,
    TWICE,
    Live,
    Said,
    _a_last_resort,
    asked,
    at,
    recorded,
    text_of,
    weighing,
)

__all__ = ["_a_last_resort"]  # A fixture.


@dataclass
class LiveWithBudget(Live):
    """As in production, an answer closes a silence by itself. A person who is called closes it
    where the events say so."""

    if_alerted: list[kinds.IfAlerted] = field(default_factory=list)
    met: set[Any] = field(default_factory=set)

    async def happen(self, event: Any, now: datetime) -> None:
        if isinstance(event.detail, kinds.IfAlerted):
            self.if_alerted.append(event.detail)
            return
        await super().happen(event, now)

    async def close(self, now: datetime, *, but: str) -> None:
        """Nobody has to."""

    async def hear(self, now: datetime) -> None:
        await super().hear(now)
        opened = Alert.filter(child_id=self.cast.mia.id, cause=Cause.SILENCE)
        for alert in await opened.exclude(id__in=list(self.met)):
            self.met.add(alert.id)
            covering = [one for one in self.if_alerted if one.begin <= now <= one.until]
            if covering:
                entry = (now + covering[-1].after, len(self.met) + 1000, alert)
                self.coming.append(entry)

    async def take(self, what: Any, now: datetime) -> None:
        if not isinstance(what, Alert):
            await super().take(what, now)
            return
        alert = await Alert.get(id=what.id)
        if alert.closed_at is None:
            actor = self.cast.actor("tom")
            await watch_alerts.close_alert(actor, alert.id, Outcome.SEEN, None, now)


async def compare(cast: Cast, said: list[Said], data: dict[str, Any]) -> list[BudgetWeek]:
    """Both over the same events: what they told, and each week; returns the weeks."""
    await Watch.filter(child_id__in=[cast.noor.id, cast.lia.id]).delete()
    await Agency.filter(id=cast.agency.id).update(zone="Europe/Paris")
    await cast.on_duty("eve", days=90)
    await agreements.set_rhythm(cast.actor("tom"), cast.mia.id, TWICE, "Europe/Paris", BEGIN)
    events = recorded(said)
    until = events[-1].at + 20 * HOUR
    await PolicyRow.create(agency_id=cast.agency.id, version=1, content=data, made_at=BEGIN)
    policy = policies.read(data)
    placed = {**PLACED, "rhythm": TWICE, "home": "Harbour"}
    if policy.roll_call.at:
        await home_words.add_worker(cast.actor("root"), cast.home.id, cast.sam.id, BEGIN)
        await Home.filter(id=cast.home.id).update(next_roll_call_at=BEGIN)
    result = replay(recorded([(BEGIN, "placed", placed), *said]), policy, until)
    live = LiveWithBudget(cast, policy)
    await live.run(events, until)
    weeks = await BudgetWeek.filter(agency_id=cast.agency.id).order_by("ends_at")
    assert [(week.ends_at, week.rate, from_data(week.after)) for week in weeks] == [
        (week.at, week.rate, dict(week.factors)) for week in result.adapting
    ]
    assert not weeks or not policy.budget.learns or weeks[-1].told == as_data(result.word_counts)
    assert await live.told() == sorted({(row.at, row.level, row.rung) for row in result.rows})
    return weeks


def budget(adapt: str, pages: float) -> dict[str, Any]:
    data = weighing(ask=0.002, page=0.01, leaves=0.02)
    return {**data, "budget": {"pages": pages, "adapt": adapt}}


def forgetful(random: Random, days: int) -> list[Said]:
    """A child who answers most often, and who is at home when adults are called."""
    said: list[Said] = []
    for day in range(days):
        for hour in (7, 16):
            moment = BEGIN.replace(hour=0) + day * DAY + hour * HOUR
            if moment > BEGIN and random.random() < 0.55:
                said.append((moment + random.randint(0, 59) * MINUTE, "check_in", {}))
            elif random.random() < 0.4:
                late = moment + random.randint(60, 600) * MINUTE
                said.append((late, "check_in", {}))
        moment = BEGIN + day * DAY + random.randint(0, 600) * MINUTE
        until = moment + random.randint(60, 1400) * MINUTE
        if random.random() < 0.5:
            answer = random.choice(["seen", "not_seen"])
            said.append((moment, "if_asked", asked(until, answer, random.randint(60, 7200))))
        if random.random() < 0.5:
            here = {"until": text_of(until), "outcome": "was_here"}
            said.append((moment, "if_alerted", {**here, "after_s": random.randint(60, 7200)}))
    return sorted((one for one in said if one[0] > BEGIN), key=lambda one: one[0])


async def test_five_weeks_of_false_alarms_move_the_line(cast: Cast) -> None:
    """Mia forgets every second evening, and answers in the morning: soon after the call, or late.
    Once our server is down when a week ends."""
    said: list[Said] = []
    for day in range(34):
        begin = BEGIN + day * DAY
        said.append((begin.replace(hour=7, minute=50) + DAY, "check_in", {}))
        if day % 2:
            said.append((begin.replace(hour=16, minute=50), "check_in", {}))
    said.append((at(15, "23:10"), "blind", {"until": text_of(at(16, "06:10"))}))
    said.sort(key=lambda one: one[0])
    weeks = await compare(cast, said, budget("within_limits", 0.1))
    assert len(weeks) >= 4
    assert from_data(weeks[-1].after)[Tier.MID] > 1
    assert sum(sum(week.calls.values()) for week in weeks) > 5


@ON_SQLITE
async def test_a_proposal_holds_for_nobody(cast: Cast) -> None:
    said: list[Said] = [
        (BEGIN.replace(hour=7, minute=50) + day * DAY, "check_in", {}) for day in range(1, 16)
    ]
    weeks = await compare(cast, said, budget("propose", 0.1))
    assert [week.state for week in weeks] == ["overtaken", "proposed"]
    assert {from_data(week.before)[Tier.MID] for week in weeks} == {1.0}


@pytest.mark.drawn
@AT_RANDOM
async def test_lives_at_random_with_a_budget(cast: Cast, seed: int) -> None:
    random = Random(f"budget {seed}")  # noqa: S311 (repeatable, not secret)
    data = budget("within_limits", random.choice([0.1, 1, 20]))
    for week in await compare(cast, forgetful(random, 17), data):
        for tier, times in from_data(week.after).items():
            assert LIMITS[tier][0] <= times <= LIMITS[tier][1]
            assert times == AS_WRITTEN[tier] or data["budget"]["adapt"] == "within_limits"


def spoken(said: list[Said], random: Random, days: int) -> list[Said]:
    """The same life, and what the home says of the child, who comes home late on many evenings."""
    words = []
    for day in range(days):
        begin = BEGIN.replace(hour=6) + day * DAY + random.randint(0, 300) * MINUTE
        until = begin + random.randint(300, 900) * MINUTE
        word = random.choice(["here", "here", "not_here", "excused"])
        after_s = random.randint(60, 3000)
        answer = {"until": text_of(until), "by": "home", "answer": word, "after_s": after_s}
        words.append((begin, "if_asked", answer))
    return sorted((one for one in [*said, *words] if one[0] > BEGIN), key=lambda one: one[0])


@pytest.mark.drawn
@AT_RANDOM
async def test_what_is_learned_from_words_is_what_replay_learns(cast: Cast, seed: int) -> None:
    random = Random(f"learned {seed}")  # noqa: S311 (repeatable, not secret)
    data = budget(random.choice(["within_limits", "propose"]), 1)
    data["budget"]["learns"] = True
    data["roll_call"] = {"at": ["07:30", "17:30", "22:30"]}
    data["mid"]["habit"]["not_seen"] = 20
    weeks = await compare(cast, spoken(forgetful(random, 24), random, 24), data)
    by_cell = word_counts_from(weeks[-1].told)
    assert of_source(by_cell, Source.CHILD).there > 5
    assert of_source(by_cell, Source.HOME).there > 0
