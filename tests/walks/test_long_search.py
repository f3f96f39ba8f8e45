"""Four weeks in which a child is missing: every shift is passed on, also in the night in which the
clocks change, every talk comes at its moment, somebody tries every day, and its eighteenth birthday
ends nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.actions import acknowledge
from server.alerts.climbing import CALLING
from server.alerts.ladder import State as AlertState
from server.missing.search import actions
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import actions as handovers
from server.missing.search.handover.ends import OUT
from server.missing.search.models import Episode, SearchHandover, TimelineEntry
from server.missing.search.timeline import verify
from server.notify.models import Message
from server.people import actions as people
from server.rota import planning
from server.tasks.models import Task
from server.tasks.rules import OF_A_RETURN, OF_A_SEARCH, STRATEGY, Kind, State
from server.watch.calendar.models import Milestone
from server.watch.models import Watch
from tests.walks.stage import MOST_STEPS, Stage
from tests.walks.test_faults import doubled

pytestmark = pytest.mark.long

# A Friday in March 2026. The clocks of Paris go forward in the night to the 29th.
BEGINS = datetime(2026, 3, 13, 21, 10, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
EIGHTEEN = date(2026, 4, 4)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TALKS = {
    Kind.STRATEGY_24H: DAY,
    Kind.STRATEGY_72H: 3 * DAY,
    Kind.STRATEGY_7D: 7 * DAY,
    Kind.STRATEGY_14D: 14 * DAY,
    Kind.STRATEGY_28D: 28 * DAY,
}


class Search:
    """Tom works by day, Ines and Eve have the nights, a week each. Each does what is theirs."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cast = stage, stage.cast
        self.id = uuid4()
        self.tried: list[datetime] = []

    async def begin(self) -> None:
        await self.stage.only("mia")
        await self.stage.subscribe("tom", "ines", "eve")
        now = self.stage.clock()
        born_on = EIGHTEEN.replace(year=EIGHTEEN.year - 18)
        await people.set_birthday(self.cast.actor("tom"), self.cast.mia.id, born_on, now)
        for begins, ends, names in ((8, 20, ["tom"]), (20, 8, ["ines", "eve"])):
            new = planning.DutyRequest(
                id=uuid4(),
                days=list(range(7)),
                begins=f"{begins:02d}:00",
                ends=f"{ends:02d}:00",
                zone=PARIS.key,
                people=[self.cast.persons[name].id for name in names],
                first_on=now.date(),
            )
            await planning.add_duty(self.cast.actor("ines"), self.cast.agency.id, new, now)
        self.stage.clock.set(BEGINS)
        body = {"id": str(self.id), "said_at": BEGINS.isoformat(), "why": "She is not home."}
        path = f"/api/v1/children/{self.cast.mia.id}/episodes"
        await self.cast.new_token("tom")
        await self.stage.call("tom", "POST", path, body)
        await self.enter("tom", Act.DECISION, decision="report")
        await self.enter("tom", Act.REPORT, to="police", way="phone", reference="26/4711")

    async def enter(self, name: str, act: Act, **details: str) -> TimelineEntry:
        now = self.stage.clock()
        return await actions.enter(
            self.cast.actor(name),
            self.id,
            EntryRequest(uuid4(), act, words="Words.", details=details),
            now,
        )

    async def until(self, end: datetime) -> None:
        """Time passes, and what is asked of somebody in a moment they do in that moment."""
        await self.stage.beat()
        for _ in range(MOST_STEPS):
            await self._everybody_does_theirs()
            after = await self._next_moment()
            if after is None or after > end:
                await self.stage.jump(end)
                await self.stage.beat()
                return
            await self.stage.jump(max(after, self.stage.clock()))
            await self.stage.beat()
        raise AssertionError("time does not pass")

    async def _next_moment(self) -> datetime | None:
        """Of the ticker, or when something is to be done, whether or not anybody is told then."""
        held = Task.filter(subject_id=self.id, state=State.OPEN, due_at__gt=self.stage.clock())
        first = await held.order_by("due_at").first()
        moments = (await self.stage.next_moment(), first.due_at if first is not None else None)
        return min((at for at in moments if at is not None), default=None)

    async def _everybody_does_theirs(self) -> None:
        now = self.stage.clock()
        for row in await SearchHandover.filter(done_at__isnull=True, dropped_at__isnull=True):
            actor = self.cast.actor(self._name(row.person_id))
            if row.part == OUT:
                await handovers.write_note(actor, row.id, uuid4(), "All of it.", now)
            else:
                await handovers.confirm(actor, row.id, now)
        for due in await Task.filter(subject_id=self.id, state=State.OPEN, due_at__lte=now):
            if due.kind == Kind.KEEP_TRYING:
                await self.enter("tom", Act.ATTEMPT, how="call", result="no_answer")
                self.tried.append(now)
            elif due.kind in STRATEGY:
                await self.enter("ines", Act.STRATEGY, who="Everyone")
        for alert in await self.stage.alerts("mia"):
            if alert.state == AlertState.OPEN:
                await acknowledge(self.cast.actor("ines"), alert.id, now)

    def _name(self, person_id: UUID) -> str:
        return next(name for name, one in self.cast.persons.items() if one.id == person_id)


def changes(begin: datetime, end: datetime) -> list[datetime]:
    """When a shift ends and another begins, by the clock of Paris."""
    days = [
        begin.astimezone(PARIS).date() + number * DAY for number in range((end - begin).days + 2)
    ]
    found = [
        datetime.combine(day, time(hour), PARIS).astimezone(UTC) for day in days for hour in (8, 20)
    ]
    return [at for at in found if begin < at <= end]


async def test_four_weeks_in_which_nothing_of_a_search_is_forgotten(stage: Stage) -> None:
    search = Search(stage)
    cast = stage.cast
    await search.begin()
    # The fifth talk was held an hour ago.
    end = BEGINS + 28 * DAY + HOUR
    await search.until(end)

    # Each change of a shift is asked once of who leaves and once of who comes, by the wall clock.
    at = changes(BEGINS, end)
    assert {one.astimezone(PARIS).hour for one in at} == {8, 20}
    assert {one.hour for one in at} == {6, 7, 18, 19}
    for part in (OUT, "in"):
        rows = await SearchHandover.filter(part=part).order_by("at")
        assert [row.at for row in rows] == at, part
        assert all(row.done_at is not None and row.dropped_at is None for row in rows)
    read = {row.at: row.done_at for row in await SearchHandover.filter(part="in")}
    assert all(read[one] == one for one in at)
    noted = {row.at: row.done_at for row in await SearchHandover.filter(part=OUT)}
    assert all(noted[one] == one - HOUR / 2 for one in at)

    # Each talk at its moment, which no change of the clocks moves; the next in three months.
    talks = await TimelineEntry.filter(episode_id=search.id, what="strategy").order_by("at")
    assert [line.at for line in talks] == [BEGINS + after for after in TALKS.values()]
    open_ = await Task.filter(subject_id=search.id, state=State.OPEN)
    assert {one.kind for one in open_} == {Kind.KEEP_TRYING, Kind.STRATEGY_3M}

    # Somebody tries: often on the first day, each day after it, also past the birthday.
    assert max(b - a for a, b in pairwise([BEGINS, *search.tried, end])) <= DAY
    assert len([one for one in search.tried if one < BEGINS + DAY]) > 2
    assert search.tried[-1].date() > EIGHTEEN

    # Of age: it is missing all the same, those who look for it may, and its door is open.
    assert await Milestone.filter(child_id=cast.mia.id, what="turning_18").count() == 1
    episode = await Episode.get(id=search.id)
    assert (episode.is_open, episode.stage) == (True, "searching")
    assert (await Watch.get(child_id=cast.mia.id)).is_missing
    assert [one.closed_at for one in await stage.alerts("mia")] == [None]
    path = f"/api/v1/children/{cast.mia.id}/episodes"
    [listed] = (await stage.call("tom", "GET", path))["episodes"]
    assert {one["what"] for one in listed["clocks"]} == {"keep_trying", "strategy_3m"}
    assert (await stage.call("mia", "GET", "/api/v1/me"))["door"] is True

    # Nothing is doubled, and nothing of it was changed afterwards.
    once = ("subject_id", "kind", "rung", "turn", "to_key", "channel")
    assert not await doubled("message", *once)
    assert await verify() is None

    # Whoever reads how it stands has it: after the first minutes nobody was called about it again.
    calls = Message.filter(kind__in=[one.value for one in CALLING], child_id=cast.mia.id)
    assert await calls.count() > 0
    # But for the end of a shift in which somebody had it: those who come are called once.
    later = await calls.filter(queued_at__gt=BEGINS + HOUR / 4)
    assert {one.queued_at for one in later} <= set(at)
    assert max(Counter((one.queued_at, one.person_id) for one in later).values(), default=0) <= 1

    # Seen: the clocks of the search end, those of the return begin, and nobody passes anything on.
    body: dict[str, Any] = {
        "id": str(uuid4()),
        "at": stage.clock().isoformat(),
        "where": "At the station",
        "by": "Sam",
        "condition": "Tired.",
    }
    await stage.call("tom", "POST", f"{path}/{search.id}/found", body)
    held = await Task.filter(subject_id=search.id, state=State.OPEN)
    running = {Kind(one.kind) for one in held}
    assert not OF_A_SEARCH & running
    assert running == OF_A_RETURN
    before = await SearchHandover.all().count()
    await stage.until(days=1)
    assert await SearchHandover.all().count() == before
