"""The live path, on a real database and a driven clock, tells whom replay tells, and when."""

import copy
import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts import climbing
from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.checkin import actions as check_ins
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.notify.actions import last_resorts, set_last_resorts
from server.notify.models import Address, Message
from server.notify.push_health import STALE_AFTER
from server.notify.rules import Kind
from server.people.models import Child, Home, Tie
from server.people.rules import Leaving, Role
from server.placements import actions
from server.policy import parser as policies
from server.policy.levels import BY_WAY, Evidence
from server.policy.model import EACH_MISS, SHIPPED, Policy, Tier
from server.policy.models import Policy as PolicyRow
from server.policy.roll_call import Word
from server.roll_calls import actions as home_words
from server.roll_calls import ticking as roll_calls
from server.roll_calls.models import RollCall
from server.simulation import kinds
from server.simulation.events import events_of
from server.simulation.kinds import By, Event
from server.simulation.replay import replay
from server.storage.db import as_moment, fetch
from server.storage.due_rows import DueRows
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.actions import note_app_seen
from server.watch.budgets import ticking as budgets
from server.watch.calendar import milestone_actions
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.machine.answering import counts
from server.watch.models import Blind, Round, Watch
from server.watch.passes.rules import Reason
from server.watch.reminders.reminding import FAIR
from server.watch.rhythm import agreements
from server.watch.rhythm import rules as rhythms
from server.watch.signals import observations
from server.witnesses import ticking as witness_ticking
from server.witnesses.models import WitnessList
from server.witnesses.rules import Kind as WitnessKind
from tests.cast import Cast
from tests.witnesses.school import arrange
from tests.witnesses.school import say as say_of_list

AT_EACH_MISS = policies.read(EACH_MISS)
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)  # When the clock of the tests begins.
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What is agreed for Mia, with Sam as her carer: often enough for every tier.
TWICE = {"at": ["09:00", "18:00"]}
PLACED = {"zone": "Europe/Paris", "tier": "mid", "rhythm": TWICE, "carer": True}
LEVELS = {
    Kind.REMIND_CHILD: "nudge_child",
    Kind.ASK_CARER: "ask_carer",
    Kind.ALERT: "page_worker",
    Kind.ALERT_AGAIN: "escalate",
    Kind.DECIDE: "suggest_report",
}
# Each life takes seconds on two databases; a longer list has been tried, and can be again.
SEEDS = [int(n) for n in os.environ.get("WAYMARK_TEST_SEEDS", "1 2").split()]
# What an answer comes to; of a home that is asked instead of a carer, too.
SAYS = {
    kinds.Says.SEEN: "seen",
    kinds.Says.NOT_SEEN: "not_seen",
    kinds.Says.HERE: "seen",
    kinds.Says.NOT_HERE: "not_seen",
}
LAST_CALL = 3  # The number of that reminder.
# Replay knows no database, and the rules that both go by know none either. What reads and writes is
# tried on PostgreSQL by a life by hand, a time of blindness, a signal, and lives at random.
ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
LIVES = [*(("sqlite", seed) for seed in SEEDS), ("postgres", SEEDS[0])]
AT_RANDOM = pytest.mark.parametrize(("migrated", "seed"), LIVES, indirect=["migrated"])
PARIS = ZoneInfo("Europe/Paris")
Told = tuple[datetime, str, str]
Said = tuple[datetime, str, dict[str, Any]]


@pytest.fixture(autouse=True)
def _a_last_resort(cast: Cast) -> Iterator[None]:
    before = last_resorts()
    set_last_resorts(1)
    yield
    set_last_resorts(before)


ROOMS: tuple[DueRows[Any], ...] = (
    milestone_actions.MILESTONES,
    budgets.BUDGETS,
    ticking.WATCHES,
    roll_calls.HOMES,
    roll_calls.ROLL_CALLS,
    witness_ticking.WITNESSES,
    witness_ticking.LISTS,
    climbing.ALERTS,
)
DUE = "SELECT " + ", ".join(f"{rows.any_due()} AS {rows.table}" for rows in ROOMS)
DECISIONS = """
SELECT next_action_at AS at FROM watch WHERE child_id = $1 AND next_action_at IS NOT NULL
UNION SELECT next_action_at FROM milestone WHERE child_id = $1 AND next_action_at IS NOT NULL
UNION SELECT next_roll_call_at FROM home WHERE next_roll_call_at IS NOT NULL
UNION SELECT next_budget_at FROM agency
UNION SELECT next_list_at FROM witness WHERE next_list_at IS NOT NULL
"""


async def tick(now: datetime) -> None:
    """What is due of milestones, watches and alerts, in this order, as the ticker does it."""
    [waits] = await fetch(DUE, [now])
    has_moved = False
    for rows in ROOMS:
        # What one room decides may make something due in the next.
        if waits[rows.table] or has_moved:
            has_moved = await rows.tick(now) > 0 or has_moved


@dataclass
class Live:
    """Drives the real actions through recorded events, and looks at every moment of decision."""

    cast: Cast
    policy: Policy = AT_EACH_MISS
    if_asked: list[kinds.IfAsked] = field(default_factory=list)
    if_called: list[kinds.IfAsked] = field(default_factory=list)
    of_home: list[kinds.IfAsked] = field(default_factory=list)
    of_school: list[kinds.IfAsked] = field(default_factory=list)
    of_mentor: list[kinds.IfAsked] = field(default_factory=list)
    coming: list[tuple[datetime, int, Any]] = field(default_factory=list)
    asked: set[Any] = field(default_factory=set)
    waiting: list[Event] = field(default_factory=list)
    blind_from: datetime | None = None
    blind_until: datetime | None = None
    hears: bool = True
    has_carer: bool = True
    called: dict[UUID, set[int]] = field(default_factory=dict)

    async def run(self, events: list[Event], until: datetime) -> None:
        rest = list(events)
        self.hears = any(isinstance(event.detail, kinds.IfAsked) for event in events)
        while True:
            moments = [until, *(event.at for event in rest[:1]), *await self.moments()]
            now = self.cast.clock.set(max(min(moments), self.cast.clock()))
            while rest and rest[0].at <= now:
                await self.happen(rest.pop(0), now)
            if self.blind_until is None or self.blind_until <= now:
                await self.look(now)
            if now >= until:
                return

    async def moments(self) -> list[datetime]:
        if self.blind_until is not None:
            return [self.blind_until]
        rows = await fetch(DECISIONS, [self.cast.mia.id])
        moments = [at for at, _, _ in self.coming] + [as_moment(row["at"]) for row in rows]
        for alert in await Alert.filter(child_id=self.cast.mia.id, closed_at__isnull=True):
            called = self.called.setdefault(alert.id, set())
            called.add(alert.rung)
            # Nothing of what follows is compared: each rung is told once, without its repeats.
            has_come_round = called.issuperset(range(len(alert.ladder["rungs"])))
            next_at = None if has_come_round else alert.next_action_at
            again = () if has_come_round else (alert.tell_at, alert.react_at)
            moments += [at for at in (next_at, alert.decide_at, *again) if at]
        return moments

    async def happen(self, event: Event, now: datetime) -> None:
        if isinstance(event.detail, kinds.IfAsked):
            by = {By.CHILD: self.if_called, By.HOME: self.of_home}
            by |= {By.SCHOOL: self.of_school, By.MENTOR: self.of_mentor}
            by.get(event.detail.by, self.if_asked).append(event.detail)
        elif event.kind == "blind":
            assert isinstance(event.detail, kinds.Until)
            self.blind_from = self.blind_from or now
            self.blind_until = max(self.blind_until or now, event.detail.until)
        elif self.blind_until is not None:
            self.waiting.append(event)
        else:
            await self.take(event, now)

    async def look(self, now: datetime) -> None:
        """At one instant: what arrives, then the tick."""
        if self.blind_from is not None:
            await Blind.create(from_at=self.blind_from, until_at=now)
        self.blind_from = self.blind_until = None
        arrivals: list[tuple[datetime, int, Any]] = [(e.at, -1, e) for e in self.waiting]
        arrivals += [arrival for arrival in self.coming if arrival[0] <= now]
        self.coming = [arrival for arrival in self.coming if arrival[0] > now]
        self.waiting = []
        for _, _, what in sorted(arrivals, key=lambda arrival: arrival[:2]):
            await self.take(what, now)
            await self.hear(now)
        await tick(now)
        await self.hear(now)
        if any(at <= now for at, _, _ in self.coming):
            await self.look(now)

    async def hear(self, now: datetime) -> None:
        """Which new questions will the carer answer, and when?"""
        if not self.hears:
            return
        for question in await Question.filter(child_id=self.cast.mia.id).exclude(
            id__in=list(self.asked)
        ):
            self.asked.add(question.id)
            answers = self.if_asked if self.has_carer else self.of_home
            covering = [one for one in answers if one.begin <= now <= one.until]
            if covering and covering[-1].after < DAY and covering[-1].says in SAYS:
                answer = SAYS[covering[-1].says]
                entry = (now + covering[-1].after, len(self.asked), (question.id, answer))
                self.coming.append(entry)
        for call in await Message.filter(
            child_id=self.cast.mia.id, kind=Kind.REMIND_CHILD, rung=LAST_CALL
        ).exclude(id__in=list(self.asked)):
            self.asked.add(call.id)
            covering = [one for one in self.if_called if one.begin <= now <= one.until]
            if covering and not AT_EACH_MISS.quiet.holds(now.astimezone(PARIS).time()):
                when = now + covering[-1].after
                said = Event(0, "mia", when, "check_in", kinds.CheckIn())
                self.coming.append((when, len(self.asked), said))
        for roll_call in await RollCall.exclude(id__in=list(self.asked)):
            self.asked.add(roll_call.id)
            covering = [one for one in self.of_home if one.begin <= now <= one.until]
            if covering:
                entry = (now + covering[-1].after, len(self.asked), (roll_call, covering[-1].says))
                self.coming.append(entry)

        for sheet in await WitnessList.exclude(id__in=list(self.asked)).prefetch_related("witness"):
            self.asked.add(sheet.id)
            of = self.of_school if sheet.witness.kind == "school" else self.of_mentor
            covering = [one for one in of if one.begin <= now <= one.until]
            if covering:
                entry = (now + covering[-1].after, len(self.asked), (sheet, covering[-1].says))
                self.coming.append(entry)

    async def take(self, what: Any, now: datetime) -> None:
        cast, mia = self.cast, self.cast.mia.id
        if isinstance(what, tuple) and not isinstance(what, Event):
            question, answer = what
            if isinstance(question, RollCall):
                words = (home_words.Said(mia, Word(answer.value)),)
                form = home_words.RollCallSaid(uuid4(), None, words)
                await home_words.record(cast.actor("sam"), question.id, form, now)
                return
            if isinstance(question, WitnessList):
                if now < question.ends_at:
                    await say_of_list(cast, question, {"mia": answer.value})
                return
            if await Question.exists(id=question, answered_at__isnull=False):
                return  # The home has answered it at a roll call.
            await questions.answer_question(question, answer, now)
            if answer == "seen":
                await self.seen(Evidence.CARER, now)
            return
        detail = what.detail
        if isinstance(detail, kinds.CheckIn):
            want = Want(detail.want or "nothing")
            said_at = detail.said_at or now
            answer = Answer(uuid4(), said_at, detail.mood, None, want, "a", detail.way)
            # Before anyone closes an alert: closing it settles the rounds as seen, and the habit
            # cannot tell then that she has answered.
            kept, _ = await check_ins.record(cast.actor("mia"), Role.CHILD, mia, answer, now)
            if not await self.goes_on(kept, now):
                await self.seen(BY_WAY[detail.way], now, but=want.value)
        elif isinstance(detail, kinds.Sighting):
            name, role = {
                "professional": ("tom", Role.CASEWORKER),
                "carer": ("sam", Role.CARER),
            }[detail.by]
            await watch.note_sighting(
                cast.actor(name),
                mia,
                role,
                watch.SightingRequest(uuid4(), "seen", seen_at=now),
                now,
            )
            await self.seen(Evidence(detail.by), now)
        elif isinstance(detail, kinds.Observation):
            child, id_ = await Child.get(id=mia), uuid4()
            await observations.note(
                cast.actor("sam"),
                child,
                Role.CARER,
                observations.ObservationRequest(id_, detail.sign),
                now,
            )
        elif isinstance(detail, kinds.Milestone):
            assert detail.on is not None
            await milestone_actions.mark(
                cast.actor("tom"),
                mia,
                milestone_actions.MilestoneRequest(uuid4(), detail.what, detail.on),
                now,
            )
        elif what.kind == "prompt_failed":
            await self.phone(now, unseen=3, unseen_since=now - STALE_AFTER)
        elif what.kind == "prompt_ok":
            await self.phone(now, unseen=0, unseen_since=None, last_seen_at=now)
        elif what.kind == "app_seen":
            await note_app_seen(mia, now)
            await watch.app_opened(mia, now)
        elif isinstance(detail, kinds.Tiered):
            await agreements.set_tier(
                cast.actor("tom"), mia, agreements.TierRequest(detail.tier), now
            )
        elif isinstance(detail, kinds.Placed):
            rhythm = rhythms.as_data(detail.rhythm)
            await actions.begin(cast.actor("tom"), mia, now, rhythm=rhythm, now=now)
        elif what.kind == "ended":
            # In replay an end closes what is open; here a person has to do so first.
            await ticking.WATCHES.tick(now)
            await self.close(now, but="")
            await actions.end(cast.actor("tom"), mia, Leaving.HOME, now, now=now)
            self.coming = []
        elif isinstance(detail, kinds.Until) and detail.until > now:
            await agreements.pause(
                cast.actor("tom"),
                mia,
                agreements.PauseRequest(
                    uuid4(), now, detail.until, returns=detail.returns, reason=Reason.FAMILY
                ),
                now,
            )

    async def phone(self, now: datetime, **known: Any) -> None:
        """What receipts, and their lack, make of her phone's row."""
        await Address.update_or_create(
            person_id=self.cast.mia.id,
            channel="push",
            value_index="mia",
            defaults={
                "agency_id": self.cast.agency.id,
                "value": "https://push.example.org/1",
                "made_at": now - STALE_AFTER,
                "receipts_since": now - STALE_AFTER,
                **known,
            },
        )

    async def goes_on(self, answer: CheckIn, now: datetime) -> bool:
        """Whether the silence does: the answer is too old to end it."""
        if "is_old" not in answer.answer:
            return False
        watched = await Watch.get(child_id=self.cast.mia.id)
        is_due = watched.due_at is not None and watched.due_at <= now
        return watched.is_alerted or watched.missed_due_at is not None or is_due

    async def seen(self, by: Evidence, now: datetime, *, but: str = "") -> None:
        tier = Tier((await Watch.get(child_id=self.cast.mia.id)).tier)
        if counts(by, self.policy.tiers[tier].steps):
            await self.close(now, but=but)

    async def close(self, now: datetime, *, but: str) -> None:
        """In replay an answer closes what is open; here somebody has to."""
        for alert in await Alert.filter(child_id=self.cast.mia.id, closed_at__isnull=True):
            if alert.cause != but:
                await watch_alerts.close_alert(
                    self.cast.actor("tom"), alert.id, Outcome.LATE_ANSWER, None, now
                )

    async def told(self) -> list[Told]:
        """Each thing that somebody was told, each rung of an alert once, without its repeats."""
        asked_at = await RollCall.all().values_list("asked_at", flat=True)
        found: set[Told] = {(moment, "ask_home", "") for moment in asked_at}
        listed_at = await WitnessList.all().values_list("asked_at", flat=True)
        found |= {(moment, "ask_witness", "") for moment in listed_at if moment is not None}
        called: dict[Any, set[int]] = {}
        rows = await Message.filter(child_id=self.cast.mia.id).order_by("queued_at", "turn", "rung")
        for row in rows:
            level = LEVELS.get(Kind(row.kind))
            if level is None:
                continue
            if level == "ask_carer" and not self.has_carer:
                level = "ask_witness"
            alert = row.subject_kind == "alert"
            if level in ("page_worker", "escalate"):
                rungs = called.setdefault(row.subject_id, set())
                if row.rung in rungs and row.turn > 0:
                    continue
                rungs.add(row.rung)
            local = row.queued_at.astimezone(PARIS).time()
            if level == "nudge_child" and AT_EACH_MISS.quiet.holds(local):
                continue  # Queued, and put off by the worker with its reason.
            if level == "nudge_child" and row.rung == FAIR:
                continue  # Hours decide nothing: a replay tells no reminder that they move.
            found.add((row.queued_at, level, str(row.rung) if alert else ""))
        return sorted(found)


def recorded(said: list[Said]) -> list[Event]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["child", "at", "kind", "detail"])
    for at, kind, detail in said:
        writer.writerow(["mia", f"{at:%Y-%m-%dT%H:%M:%SZ}", kind, json.dumps(detail)])
    text.seek(0)
    return list(events_of(text))


async def compare(
    cast: Cast,
    said: list[Said],
    data: dict[str, Any] = EACH_MISS,
    rhythm: dict[str, Any] = TWICE,
    *,
    has_carer: bool = True,
) -> list[Told]:
    await Watch.filter(child_id__in=[cast.noor.id, cast.lia.id]).delete()
    await cast.on_duty("eve", days=60)
    await agreements.set_rhythm(cast.actor("tom"), cast.mia.id, rhythm, "Europe/Paris", BEGIN)
    events = recorded(said)
    until = events[-1].at + 20 * HOUR
    if data is not EACH_MISS:
        await PolicyRow.create(agency_id=cast.agency.id, version=1, content=data, made_at=BEGIN)
    policy = policies.read(data)
    placed = {**PLACED, "rhythm": rhythm, "home": "Harbour", "carer": has_carer}
    if not has_carer:
        await Tie.filter(child_id=cast.mia.id, role=Role.CARER).delete()
    if policy.roll_call.at:
        await home_words.add_worker(cast.actor("root"), cast.home.id, cast.sam.id, BEGIN)
        await Home.filter(id=cast.home.id).update(next_roll_call_at=BEGIN)
    for clock in policy.witness.at:
        for kind in (WitnessKind.SCHOOL, WitnessKind.MENTOR):
            every_day = (0, 1, 2, 3, 4, 5, 6)
            await arrange(cast, "mia", kind=kind, at=f"{clock:%H:%M}", days=every_day)
    result = replay(recorded([(BEGIN, "placed", placed), *said]), policy, until)
    live = Live(cast, policy, has_carer=has_carer)
    await live.run(events, until)
    told = await live.told()
    assert told == sorted({(row.at, row.level, row.rung) for row in result.rows})
    return told


def text_of(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def at(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}:00+00:00")


async def test_a_week_by_hand(cast: Cast) -> None:
    """Silence, a carer who has not seen her, a late answer, help, a raised tier, a hold."""
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "10:00"), "if_asked", asked(at(4, "10:00"), "not_seen", 420)),
            (at(3, "20:15"), "check_in", {}),
            (at(4, "16:45"), "check_in", {"want": "help"}),
            (at(4, "17:20"), "check_in", {}),
            (at(5, "09:00"), "tier", {"tier": "high"}),
            (at(5, "10:00"), "if_asked", asked(at(5, "18:00"), "seen", 300)),
            (at(6, "06:30"), "sighting", {"by": "professional"}),
            (at(7, "09:00"), "tier", {"tier": "low"}),
            (at(7, "16:00"), "check_in", {"want": "talk"}),
            (at(8, "09:00"), "check_in", {}),
            (at(8, "10:00"), "pause", {"until": text_of(at(9, "10:00"))}),
        ],
    )
    assert [level for _, level, _ in told].count("page_worker") == 6
    assert {level for _, level, _ in told} == set(LEVELS.values())


@ON_SQLITE
async def test_a_word_by_sms_settles_in_one_tier_and_holds_in_another(cast: Cast) -> None:
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {"way": "sms"}),
            (at(3, "08:10"), "check_in", {"way": "link"}),
            (at(4, "09:00"), "tier", {"tier": "high"}),
            (at(4, "16:50"), "check_in", {"way": "sms"}),
            (at(5, "08:40"), "check_in", {"way": "card"}),
            (at(6, "10:00"), "check_in", {"way": "link", "want": "help"}),
        ],
    )
    assert "page_worker" in {level for _, level, _ in told}


@ON_SQLITE
async def test_an_open_app_puts_the_call_off_once_where_the_policy_lets_it(cast: Cast) -> None:
    """The middle tier: late at 18:00 by UTC, the carer asked; an open app softens, once."""
    data = copy.deepcopy(EACH_MISS)
    data["mid"]["evidence"] |= {"carer": "holds", "app_seen": "softens", "softens_for": "3h"}
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "17:00"), "app_seen", {}),
            (at(3, "18:10"), "app_seen", {}),
            (at(3, "18:20"), "app_seen", {}),
            (at(4, "16:50"), "check_in", {}),
            (at(5, "07:50"), "check_in", {}),
            (at(5, "18:05"), "if_asked", asked(at(5, "19:00"), "seen", 60)),
            (at(5, "18:05"), "sighting", {"by": "carer"}),
            (at(6, "07:50"), "check_in", {}),
        ],
        data,
    )
    of_the_third = [
        (at_, level) for at_, level, _ in told if at(3, "18:00") <= at_ < at(4, "00:00")
    ]
    assert of_the_third[:3] == [
        (at(3, "18:00"), "ask_carer"),
        (at(3, "20:15"), "ask_carer"),
        (at(3, "21:00"), "page_worker"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["high", "mid"])
async def test_days_of_the_calendar(cast: Cast, tier: str) -> None:
    """A hearing in the low tier while nothing, and a decision while the carer has been asked; a
    day that begins in a time of blindness, one that ends in it, and one that a person overrules."""
    data = copy.deepcopy(EACH_MISS)
    data["milestones"]["hearing"] |= {"tier": tier, "before": "7h", "after": "18h"}
    data["milestones"]["refusal"] |= {"tier": tier, "after": "17h"}
    told = await compare(
        cast,
        [
            (at(2, "13:00"), "tier", {"tier": "low"}),
            (at(2, "14:00"), "milestone", {"what": "hearing", "on": "2026-03-04"}),
            (at(2, "16:50"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(6, "10:00"), "check_in", {}),
            (at(7, "10:20"), "milestone", {"what": "refusal", "on": "2026-03-07"}),
            (at(8, "15:30"), "blind", {"until": text_of(at(8, "19:10"))}),
            (at(9, "07:00"), "check_in", {}),
            (at(9, "08:00"), "milestone", {"what": "hearing", "on": "2026-03-11"}),
            (at(10, "15:30"), "blind", {"until": text_of(at(10, "19:10"))}),
            (at(12, "07:00"), "check_in", {}),
            (at(12, "07:30"), "milestone", {"what": "hearing", "on": "2026-03-13"}),
            (at(12, "18:00"), "tier", {"tier": "low"}),
            (at(13, "07:00"), "check_in", {}),
        ],
        data,
    )
    first = next(moment for moment, level, _ in told if level == "page_worker")
    # Of the round at six in the evening, one hour before the window by our clock of Paris.
    assert first == {"high": at(3, "17:45"), "mid": at(3, "18:45")}[tier]


async def test_a_placement_that_ends_and_begins_again(cast: Cast) -> None:
    """It ends while a round is open, while one is late and the carer is asked, and in an alarm; a
    new one is watched tightly for 72 hours, which replay is told by an event."""
    back = {**PLACED, "tier": "high"}
    told = await compare(
        cast,
        [
            (at(2, "12:30"), "if_asked", asked(at(30, "10:00"), "not_seen", 3000)),
            (at(2, "16:50"), "ended", {}),
            (at(4, "16:40"), "placed", back),
            (at(4, "17:40"), "ended", {}),
            (at(6, "10:00"), "placed", back),
            (at(7, "06:00"), "check_in", {}),
            (at(8, "02:00"), "ended", {}),
            (at(10, "10:00"), "placed", back),
            (at(13, "10:00"), "tier", {"tier": "mid"}),
            (at(13, "11:00"), "check_in", {"want": "help"}),
            (at(13, "12:00"), "ended", {}),
            (at(14, "12:00"), "check_in", {}),
        ],
    )
    over = [
        (at(2, "16:50"), at(4, "16:40")),
        (at(4, "17:40"), at(6, "10:00")),
        (at(8, "02:00"), at(10, "10:00")),
        (at(13, "12:00"), at(30, "12:00")),
    ]
    assert not [one for one in told if any(begin < one[0] < end for begin, end in over)]
    assert {level for _, level, _ in told} == set(LEVELS.values())


@ON_SQLITE
async def test_absences_with_a_check_in_at_their_end(cast: Cast) -> None:
    """One that she comes back from, one that she does not."""
    told = await compare(
        cast,
        [
            (at(2, "13:00"), "pause", {"until": text_of(at(3, "12:00")), "returns": True}),
            (at(3, "12:10"), "check_in", {}),
            (at(3, "16:50"), "check_in", {}),
            (at(4, "07:50"), "check_in", {}),
            (at(4, "09:00"), "pause", {"until": text_of(at(4, "20:00")), "returns": True}),
        ],
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages == [at(4, "20:40")]


@ON_SQLITE
async def test_free_windows(cast: Cast) -> None:
    """From 15:00 to 19:00 by UTC: answered at its beginning, in the middle, after its end and not
    at all; with an absence over its beginning."""
    free = {"at": ["09:00", "20:00"], "from": {"20:00": "16:00"}}
    told = await compare(
        cast,
        [
            (at(2, "15:00"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "17:10"), "check_in", {}),
            (at(4, "07:50"), "check_in", {}),
            (at(4, "13:00"), "pause", {"until": text_of(at(4, "17:00"))}),
            (at(4, "19:20"), "check_in", {}),
            (at(5, "07:50"), "check_in", {}),
            (at(5, "14:50"), "check_in", {}),
        ],
        rhythm=free,
    )
    reminded = [moment for moment, level, _ in told if level == "nudge_child"]
    assert {at(3, "15:00"), at(4, "17:00"), at(4, "19:00"), at(5, "15:00")} <= set(reminded)
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages == [at(5, "20:45")]


@ON_SQLITE
async def test_so_many_misses_in_a_row(cast: Cast) -> None:
    """Two in a row call adults, whatever the habit says; an answer begins the count anew; a raised
    level counts what was missed before; a time of blindness hides no miss."""
    data = policies.merged({"low": {"after_misses": 2}, "mid": {"after_misses": 1}})
    told = await compare(
        cast,
        [
            (at(2, "12:00"), "tier", {"tier": "low"}),
            (at(3, "12:00"), "check_in", {}),
            (at(3, "20:30"), "if_asked", asked(at(4, "10:00"), "seen", 300)),
            (at(4, "16:00"), "check_in", {}),
            (at(5, "17:30"), "blind", {"until": text_of(at(7, "09:00"))}),
            (at(7, "16:30"), "check_in", {}),
            (at(8, "21:00"), "tier", {"tier": "mid"}),
        ],
        data,
        {"at": ["18:00"]},
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert at(7, "09:00") in pages
    assert at(8, "21:00") in pages


async def test_answers_that_were_said_days_ago(cast: Cast) -> None:
    """They settle what had opened then, and close no alert of now."""

    def old(day: int, clock: str) -> dict[str, Any]:
        return {"said_at": text_of(at(day, clock))}

    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(4, "20:00"), "check_in", old(2, "18:00")),
            (at(4, "20:05"), "check_in", {**old(3, "07:30"), "want": "talk"}),
            (at(5, "06:50"), "check_in", old(4, "17:00")),
            (at(5, "16:50"), "check_in", old(9, "17:00")),
            (at(6, "07:50"), "check_in", {}),
            (at(6, "15:30"), "if_asked", asked(at(6, "23:00"), "not_seen", 600)),
            (at(6, "23:30"), "check_in", old(6, "16:30")),
            (at(7, "07:50"), "check_in", old(7, "07:40")),
            (at(8, "14:00"), "blind", {"until": text_of(at(8, "19:00"))}),
            (at(8, "15:00"), "check_in", old(8, "14:30")),
        ],
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert len(pages) >= 3


@ON_SQLITE
async def test_times_by_a_rule(cast: Cast) -> None:
    """Every evening, and every second Wednesday at noon; one of them is missed."""
    wednesdays = "DTSTART;VALUE=DATE:20260304\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "16:50"), "check_in", {}),
            (at(4, "15:30"), "check_in", {}),
            (at(5, "16:50"), "check_in", {}),
        ],
        rhythm={"at": ["12:00", "18:00"], "rrule": {"12:00": wednesdays}},
    )
    reminded = [moment for moment, level, _ in told if level == "nudge_child"]
    assert at(4, "11:00") in reminded
    assert at(5, "11:00") not in reminded


@ON_SQLITE
async def test_an_absence_after_the_answer_of_the_day(cast: Cast) -> None:
    """She has answered for the evening, goes, and is to say at seven that she is back."""
    told = await compare(
        cast,
        [
            (at(2, "16:10"), "check_in", {}),
            (at(2, "16:20"), "pause", {"until": text_of(at(2, "19:00")), "returns": True}),
        ],
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages[0] == at(2, "19:40")


async def test_a_time_of_blindness(cast: Cast) -> None:
    told = await compare(
        cast,
        [
            (at(2, "15:30"), "blind", {"until": text_of(at(2, "19:10"))}),
            (at(3, "15:30"), "blind", {"until": text_of(at(3, "19:10"))}),
            (at(3, "17:10"), "check_in", {}),
            (at(4, "18:50"), "blind", {"until": text_of(at(4, "19:50"))}),
            (at(4, "19:00"), "check_in", {"want": "help"}),
        ],
    )
    assert (at(2, "19:10"), "page_worker", "0") in told
    assert not any(moment.day == 3 and moment.hour == 19 for moment, _, _ in told)


@pytest.mark.drawn
@AT_RANDOM
async def test_lives_drawn_at_random(cast: Cast, seed: int) -> None:
    await compare(cast, life(Random(seed)))  # noqa: S311 (repeatable, not secret)


@pytest.mark.slow
@ON_SQLITE
async def test_a_month_by_what_is_usual_for_the_child(cast: Cast) -> None:
    """Under a policy that weighs how unusual a silence is, and not each miss: a child who answers
    nearly always and then does not, with a carer who says nothing; then one who has not seen her.
    """
    said: list[Said] = []
    for day in range(3, 24):
        said.append((at(day, "07:50"), "check_in", {}))
        if day % 6:
            said.append((at(day, "16:55"), "check_in", {}))
    said.append((at(26, "10:00"), "if_asked", asked(at(30, "10:00"), "not_seen", 420)))
    said.append((at(26, "07:50"), "check_in", {}))
    said.append((at(28, "12:00"), "check_in", {}))
    told = await compare(cast, sorted(said, key=lambda one: one[0]), weighing())
    asks = [moment for moment, level, _ in told if level == "ask_carer"]
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    # Two evenings that she forgets bring a question at the most; two days without a word bring
    # adults, well before the ceiling.
    assert not [one for one in pages if one < at(24, "07:00")]
    assert len([one for one in asks if one < at(24, "07:00")]) <= 2
    assert len([one for one in asks if one < at(26, "07:00")]) > 2
    assert at(24, "08:00") < pages[0] < at(25, "05:00")
    assert len(pages) == 2


@ON_SQLITE
async def test_an_answer_while_adults_are_called_tells_what_is_usual_as_any_other(
    cast: Cast,
) -> None:
    """Two days without a word: adults are called on the second morning. On the third she answers in
    time, before anybody has closed that alert; the next evening is the more unusual for it."""
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(5, "07:50"), "check_in", {}),
            (at(5, "20:00"), "app_seen", {}),
        ],
        weighing(page=0.3, leaves=0.02),
    )
    answered_at = at(5, "07:50")
    assert any(moment < answered_at for moment, level, _ in told if level == "page_worker")
    rounds = await Round.filter(settled_at=answered_at).order_by("due_at")
    assert [one.state for one in rounds] == [*["answered_late"] * (len(rounds) - 1), "answered"]
    asks = [moment for moment, level, _ in told if level == "ask_carer" and moment > answered_at]
    assert asks[0] == at(6, "02:52")


@pytest.mark.slow
@pytest.mark.drawn
@AT_RANDOM
async def test_lives_at_random_by_what_is_usual(cast: Cast, seed: int) -> None:
    said = life(Random(seed + 100))  # noqa: S311 (repeatable, not secret)
    await compare(cast, said, weighing(not_seen=8))


@pytest.mark.slow
@pytest.mark.drawn
@AT_RANDOM
async def test_lives_at_random_where_adults_vouch(cast: Cast, seed: int) -> None:
    said = life(Random(seed + 200))  # noqa: S311 (repeatable, not secret)
    await compare(cast, said, vouching())


@ON_SQLITE
async def test_a_child_who_says_nothing_and_is_seen_each_day_is_met_or_adults_are_called(
    cast: Cast,
) -> None:
    """Her carer sees Mia whenever we ask. Nobody else does, and she says nothing."""
    seen = asked(at(28, "10:00"), "seen", 420)
    told = await compare(
        cast, [(BEGIN, "if_asked", seen), (at(12, "09:00"), "app_seen", {})], vouching()
    )
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages, "one person alone holds nothing back for long"
    assert at(4, "12:00") <= pages[0] <= BEGIN + 108 * HOUR


@ON_SQLITE
@pytest.mark.parametrize("asks", [True, False])
async def test_of_a_phone_that_shows_nothing_the_carer_is_asked_as_soon_as_a_silence_begins(
    cast: Cast, asks: bool
) -> None:
    """Evenings that are missed: the phone works, shows nothing from the fourth on, and works again.
    Nobody else is called by that."""
    said: list[Said] = [(at(2, "16:50"), "check_in", {})]
    said += [(at(day, "07:50"), "check_in", {}) for day in range(3, 9)]
    said += [(at(4, "12:00"), "prompt_failed", {}), (at(6, "12:00"), "prompt_ok", {})]
    data = weighing(ask=0.5, page=0.6, silent_phone=asks)
    told = await compare(cast, sorted(said, key=lambda one: one[0]), data)
    asks_of = {moment for moment, level, _ in told if level == "ask_carer" and moment.day < 8}
    # And again after some hours, as whoever says nothing.
    at_once = {at(day, "18:00") for day in range(3, 8)} & asks_of
    assert at_once == ({at(4, "18:00"), at(5, "18:00")} if asks else set())
    assert bool(asks_of) is asks
    assert not [level for moment, level, _ in told if level == "page_worker" and moment.day < 8]


def asking(signals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A policy that goes by the habit, in which these signals have the carer asked."""
    data = weighing(ask=0.5, page=0.6)
    for code, numbers in signals.items():
        data["signals"][code] |= {"asks": True, **numbers}
    return data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("migrated", "signals", "days"),
    [
        ("sqlite", {"observations": {"days": 2, "least": 1}}, {4, 5}),
        ("sqlite", {"observations": {"days": 2, "least": 1, "on": False}}, set()),
        ("sqlite", {"observations": {"days": 2, "least": 2}}, set()),
        ("sqlite", {"lower_mood": {"days": 5, "by": 1}}, {12, 13, 14, 15}),
        ("postgres", {"later_answers": {"days": 5, "span": "1h"}}, {10, 11, 12, 13, 14}),
        ("sqlite", {"later_answers": {"days": 5, "span": "1h"}}, {10, 11, 12, 13, 14}),
        ("sqlite", {}, set()),
    ],
    indirect=["migrated"],
)
async def test_a_signal_may_have_the_carer_asked_as_soon_as_a_silence_begins(
    cast: Cast, signals: dict[str, dict[str, Any]], days: set[int]
) -> None:
    """Every evening is missed. On the fourth a bag was packed, from the tenth on the mood is low,
    and mornings come later. Nobody else is called by that."""
    said: list[Said] = [(at(2, "16:50"), "check_in", {})]
    for day in range(3, 16):
        is_low = day >= 10
        said.append((at(day, "09:15" if is_low else "07:50"), "check_in", {"mood": 5 - 4 * is_low}))
    said.append((at(4, "12:00"), "observation", {"sign": "packed_bag"}))
    told = await compare(cast, sorted(said, key=lambda one: one[0]), asking(signals))
    asks = {moment for moment, level, _ in told if level == "ask_carer"}
    assert {day for day in range(3, 16) if at(day, "18:00") in asks} == days
    pages = {moment for moment, level, _ in told if level == "page_worker"}
    assert not [moment for moment in pages if moment < at(16, "00:00")]


@ON_SQLITE
async def test_who_is_not_found_is_looked_for_again_before_adults_are_called(cast: Cast) -> None:
    """A carer who has not seen her is asked again; found in the end once, and once not."""
    told = await compare(
        cast,
        [
            (at(2, "16:50"), "check_in", {}),
            (at(3, "07:50"), "check_in", {}),
            (at(3, "17:30"), "if_asked", asked(at(3, "21:00"), "not_seen", 300)),
            (at(3, "21:30"), "if_asked", asked(at(4, "04:00"), "seen", 300)),
            (at(4, "07:50"), "check_in", {}),
            (at(4, "17:30"), "if_asked", asked(at(5, "20:00"), "not_seen", 300)),
            (at(6, "12:00"), "check_in", {}),
            (at(7, "07:50"), "check_in", {}),
            (at(7, "15:40"), "observation", {"sign": "packed_bag"}),
            (at(7, "17:30"), "if_asked", asked(at(8, "20:00"), "not_seen", 300)),
            (at(8, "12:00"), "check_in", {}),
        ],
        weighing(ask=0.001, not_seen=4, page=0.2, sign=30.0),
    )
    asks = [moment for moment, level, _ in told if level == "ask_carer"]
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert len([one for one in asks if one < at(4, "07:00")]) == 2
    assert [one.day for one in pages] == [5, 7, 8]
    assert pages[0] > at(5, "00:05")
    # Of whom a sign was noticed, the first look in vain calls adults.
    assert pages[1] < at(7, "19:00")


@ON_SQLITE
async def test_a_tier_raised_before_a_miss_calls_no_later_than_the_lower_one_would_have(
    cast: Cast,
) -> None:
    """One evening that is missed after a warning sign is enough for the middle tier, an hour after
    it was due; the high tier alone would ask the carer and give an hour. The next evening she has
    answered, and the high tier calls as it always does."""
    data = weighing(page=0.2, sign=30.0)
    data["high"]["carer_window"] = "1h"
    said: list[Said] = [
        (at(2, "16:50"), "check_in", {}),
        (at(3, "07:50"), "check_in", {}),
        (at(3, "12:00"), "observation", {"sign": "packed_bag"}),
        (at(3, "12:30"), "tier", {"tier": Tier.HIGH}),
        (at(3, "20:00"), "check_in", {}),
        (at(4, "07:50"), "check_in", {}),
    ]
    told = await compare(cast, said, data)
    pages = [moment for moment, level, _ in told if level == "page_worker"]
    assert pages[:2] == [at(3, "18:00"), at(4, "18:30")]


def weighing(**more: Any) -> dict[str, Any]:
    data = copy.deepcopy(EACH_MISS)
    for tier in ("mid", "low"):
        data[tier]["last_call"] = "4h"
        data[tier]["habit"] = {
            "leaves": 0.01,
            "ask": 0.02,
            "page": 0.1,
            "ask_again": "6h",
            "ask_before": "12h",
            **more,
        }
    return data


def vouching() -> dict[str, Any]:
    """A policy in which the word of a carer counts as seen, and one more question is asked before
    adults are called."""
    data = weighing(not_seen=8)
    data["high"]["habit"] = data["mid"]["habit"]
    for tier in ("high", "mid", "low"):
        data[tier]["evidence"] |= {"school": "vouches", "carer": "vouches"}
        data[tier]["last_question"] = "15m"
    return data


def asked(until: datetime, answer: str, after_s: int) -> dict[str, Any]:
    return {"until": text_of(until), "by": "carer", "answer": answer, "after_s": after_s}


@ON_SQLITE
async def test_a_child_that_is_asked_once_more_answers_and_nobody_is_called(cast: Cast) -> None:
    """The policy that ships. Mia forgets a morning and an evening, and answers when she is asked
    once more; the next time she does not, and adults are called in the longest silence."""
    answers = {"until": text_of(at(6, "23:00")), "by": "child", "answer": "answered"}
    told = await compare(
        cast,
        [
            (at(2, "17:00"), "check_in", {}),
            (at(3, "08:00"), "check_in", {}),
            (at(4, "06:00"), "if_asked", {**answers, "after_s": 600}),
            (at(6, "23:30"), "app_seen", {}),
            (at(8, "23:30"), "app_seen", {}),
        ],
        SHIPPED,
    )
    calls = [moment for moment, level, _ in told if level == "page_worker"]
    nudged = [moment for moment, level, _ in told if level == "nudge_child"]
    assert at(4, "17:00") in nudged, "three hours before the longest silence ends"
    assert at(4, "20:00") not in calls
    assert len(calls) == 1
    assert calls[0] > at(6, "23:00")


def life(random: Random) -> list[Said]:
    now, said = BEGIN, list[Said]()
    for _ in range(16):
        now += random.randint(0, 900) * MINUTE
        kind = random.choice(
            [
                "check_in",
                "check_in",
                "sighting",
                "tier",
                "pause",
                "if_asked",
                "if_asked",
                "blind",
                "if_called",
            ]
        )
        until = now + random.randint(1, 1500) * MINUTE
        old: dict[str, Any] = {
            "said_at": text_of(now - random.choice([1, 30, 300, 4000, -60]) * MINUTE)
        }
        detail: dict[str, Any] = {
            "check_in": {
                "want": random.choice(["nothing", "nothing", "talk", "help"]),
                **random.choice([{}, old]),
            },
            "sighting": {"by": random.choice(["professional", "carer"])},
            "tier": {"tier": random.choice(list(Tier))},
            "pause": {"until": text_of(until), "returns": random.choice([True, False])},
            "blind": {"until": text_of(until)},
            "if_asked": asked(until, random.choice(["seen", "not_seen"]), random.randint(0, 7200)),
            "if_called": {
                **{"until": text_of(until), "by": "child", "answer": "answered"},
                "after_s": random.randint(0, 7200),
            },
        }[kind]
        said.append((now, kind.replace("called", "asked"), detail))
    return said
