"""The alarm clock: a few interval jobs, and no logic.

All truth is in rows: what is due, what is sent, who holds which lease. APScheduler only says "look
now", in UTC, in memory. Any number of processes may do so; several are wasteful and never wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from server import logs
from server.advocates import actions as advocates
from server.alerts import climbing, rights_changes
from server.alerts.drills import actions as drills
from server.alerts.out_of_reach import actions as out_of_reach
from server.audit.actions import SEAL_AT_ONCE, SYSTEM, note, seal
from server.auth import actions as doors
from server.checkin.duress import listening
from server.clock import Clock
from server.imports import bulk_import
from server.missing.profile import mark_actions as pack_marking
from server.missing.search.handover import actions as handovers
from server.notify import outbox
from server.notify.actions import tell_operators
from server.notify.channel_counts import silent_channels
from server.notify.channels import Channel
from server.notify.channels.watchdog import ping
from server.notify.dead_processes import beating, free_dead, leave
from server.notify.devices import census
from server.notify.heartbeats import LOOK_EVERY_S, Look
from server.notify.push_health import is_the_channel
from server.notify.sending.claims import AT_ONCE as SENT_AT_ONCE
from server.notify.sending.waking import waking
from server.notify.worker import PASSES, Worker
from server.people.finding.actions import prepare
from server.records.backup import lately as backups
from server.roll_calls import ticking as roll_calls
from server.rota import duty_shifts
from server.settings import Settings
from server.storage.db import fetch, opened_url, write
from server.storage.due_rows import DueRows
from server.storage.engines.beating import WITHIN_S, Beating
from server.storage.engines.partitions import ahead
from server.storage.months import make_months
from server.storage.outages import Guard
from server.tasks import digest, telling
from server.tracing import span
from server.watch import ticking
from server.watch.budgets import ticking as budgets
from server.watch.calendar import milestone_actions
from server.watch.models import Beat
from server.watch.passes import ticking as passes
from server.wiring import wire_rooms
from server.witnesses import ticking as witnesses

log = logs.get("ticker")

TICK_EVERY_S = 0.5
SEND_EVERY_S = 0.5
# What was queued here is sent at once, but not more often than this: each time is a query.
WOKEN_EVERY_S = 0.05
# A beat is a write to the disk; its readers think in minutes.
BEAT_EVERY = timedelta(seconds=1)
SEAL_EVERY_S = 10
# A turn ends, so that we see that this job lives: 50,000 entries at most.
SEALS_A_TURN = 100
AUDIT_EVERY_S = 60
TIDY_EVERY_S = 3600
SEND = "send"
ARRIVALS = "arrivals"
OUTAGE = "outage"  # Its beat is written when the database can be written to again.
# What runs when we are told to stop may run on for so long.
LAST_WORK_S = 20


# In this order: a day makes a watch tighter, a week that is over changes the numbers; the watches
# and what children say open the alerts that are called next, tasks can wait for all of them, and a
# list of new children for those. A person who goes on duty hears of that first, then of what is
# open.
ROWS: tuple[DueRows[Any], ...] = (
    duty_shifts.ROTAS,
    milestone_actions.MILESTONES,
    budgets.BUDGETS,
    ticking.WATCHES,
    roll_calls.HOMES,
    roll_calls.ROLL_CALLS,
    witnesses.WITNESSES,
    witnesses.LISTS,
    listening.CHECK_INS,
    listening.REQUESTS,
    climbing.ALERTS,
    handovers.SEARCHES,
    passes.PASSES,
    advocates.ADVOCACIES,
    telling.TASKS,
    digest.DIGESTS,
    bulk_import.LISTS,
    drills.DRILLS,
    drills.PLANS,
)


class Ticker:
    """Watches, alerts, tasks, messages, seals and the self-audit, each at its interval."""

    def __init__(self, settings: Settings, channels: Mapping[str, Channel], clock: Clock) -> None:
        wire_rooms()
        self._clock = clock
        guard = Guard(_tell_operators, partial(ticking.beat, OUTAGE), clock)
        self._guarded, self._tell = guard.run, guard.tell
        self._watchdog_url = settings.watchdog_url
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._arrived_at: datetime | None = None
        self._beating: Beating | None = None
        self._look: Look | None = None
        self._all_found = False
        self._beaten: dict[str, datetime] = {}
        self._woken: asyncio.Task[None] | None = None
        self.worker = Worker(
            channels,
            public_url=settings.public_url,
            display_name=settings.display_name,
            last_resort=settings.last_resort,
            clock=clock,
        )
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30},
        )

    async def start(self) -> None:
        """Begin to look. Returns after the first heartbeat, or after two seconds without one."""
        jobs: list[tuple[str, float, Callable[[], Awaitable[None]]]] = [
            ("tick", TICK_EVERY_S, self.tick),
            ("send", SEND_EVERY_S, self.send),
            ("free", LOOK_EVERY_S, self.free),
            ("seal", SEAL_EVERY_S, self.seal),
            ("audit", AUDIT_EVERY_S, self.audit),
            ("tidy", TIDY_EVERY_S, self.tidy),
        ]
        for name, seconds, job in jobs:
            # While one channel hangs, another pass sends the messages of the other channels.
            most = PASSES if name == "send" else 1
            self._scheduler.add_job(
                self._run,
                "interval",
                seconds=seconds,
                args=(name, job),
                id=name,
                max_instances=most,
            )
        await self.begin_beating()
        self._scheduler.start()
        self._woken = asyncio.create_task(self._send_what_is_queued())

    async def begin_beating(self) -> None:
        """From now on other processes see whether this one lives.

        If a process claims before its first beat and then dies, no other process notices, and its
        claims stay for the whole lease. So we wait for that beat, but we start without it, too.
        """
        if self._beating is None:
            self._beating = beating(opened_url(), self.worker.name)
            self._beating.start()
            await asyncio.to_thread(self._beating.beaten.wait, WITHIN_S)

    async def first(self) -> None:
        """One look before the clock starts: finds what we missed while no ticker ran."""
        await self._guarded("start", self._enter_start)
        await self._guarded("tick", self.tick)

    async def _enter_start(self) -> None:
        """The record says when a ticker started: `waymark why` tells it."""
        async with write():
            await note(SYSTEM, "server:start", now=self._clock())

    async def stop(self) -> None:
        """Finish what runs (the scheduler itself would cancel it), then stop looking."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()
            if self._running:
                await asyncio.wait(self._running, timeout=LAST_WORK_S)
            self._scheduler.shutdown(wait=False)
        if self._woken is not None:
            self._woken.cancel()
        if self._beating is not None:
            await asyncio.to_thread(self._beating.stop)
            await self._guarded("free", lambda: leave(self.worker.name))

    async def _run(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        # One of the two loops that must survive anything.
        if self._stopping:
            return
        task = asyncio.ensure_future(self._guarded(name, job))
        self._running.add(task)
        try:
            await asyncio.shield(task)
        finally:
            self._running.discard(task)

    async def tick(self) -> None:
        """Do everything that is due: watches first, then the alerts that they opened, then whatever
        was promised."""
        with span("tick"):
            await self._tick(self._clock())

    async def _tick(self, now: datetime) -> None:
        blind = await ticking.look(now)
        if blind is not None:
            log.warning("ticker.was_blind", from_at=blind.from_at, until_at=blind.until_at)
        await self._guarded(ARRIVALS, partial(self._arrivals, now))
        waits = await _waits(ROWS, now)
        for place, rows in enumerate(ROWS, 1):
            if waits[rows.table]:
                with span("tick.rows", rows=rows.name):
                    await rows.go_through(now, tell_operators)
                # What was decided here may make something due in the later rooms at once.
                waits = await _waits(ROWS[place:], now)
        await self._beat(ticking.TICK, now)
        await self._guarded("finding", self._prepare_search)

    async def _beat(self, name: str, now: datetime) -> None:
        """This loop has ended well."""
        last = self._beaten.get(name)
        if last is None or not timedelta(0) <= now - last < BEAT_EVERY:
            await ticking.beat(name, now)
            self._beaten[name] = now

    async def _prepare_search(self) -> None:
        """One batch a tick of the children that no search finds yet, until there are none. `tidy`
        looks again each hour; what adds a child makes them found at once."""
        if not self._all_found:
            self._all_found = await prepare() == 0

    async def _arrivals(self, now: datetime) -> None:
        """Tell adults who have become a caseworker by time alone what is open. Starts from where
        this last ended well: what fails is looked at again, and holds nothing else up."""
        if self._arrived_at is None:
            last = await Beat.get_or_none(name=ticking.TICK)
            self._arrived_at = last.at if last is not None else now
        await rights_changes.arrivals(self._arrived_at, now)
        self._arrived_at = now

    async def send(self) -> None:
        """Deliver what is in the outbox."""
        with span("send"):
            await self._deliver()
        await self._beat(SEND, self._clock())

    async def _deliver(self) -> None:
        while await self.worker.run_once() >= SENT_AT_ONCE and not self._stopping:
            pass

    async def _send_what_is_queued(self) -> None:
        """Between two looks at the outbox: what this process queues waits for none of them.

        Each time is a pass of its own: one that waits for a slow mail server holds no push up, and
        what it raises ends no other.
        """
        passes: set[asyncio.Task[None]] = set()
        with waking() as queued:
            queued.call()  # What was queued before.
            while True:
                await queued.wait()
                if len(passes) < PASSES:
                    task = asyncio.create_task(self._run("send", self._deliver))
                    passes.add(task)
                    task.add_done_callback(passes.discard)
                    task.add_done_callback(_say_fault)
                await asyncio.sleep(WOKEN_EVERY_S)

    async def free(self) -> None:
        """Take back what a process had claimed that has died since."""
        self._look = await free_dead(self.worker.name, self._look, self._clock())

    async def seal(self) -> None:
        """Link new entries of the record into its chain, as many as have come since."""
        for _ in range(SEALS_A_TURN):
            if await seal(self._clock()) < SEAL_AT_ONCE:
                return

    async def tidy(self) -> None:
        """Delete what no longer counts: old guesses. Also check whether phones still show pushes.
        One silent device does not make us unhealthy; if many are silent, operators hear of it once
        a day. So do they of a channel by which no answer comes, and of an old backup."""
        now = self._clock()
        await self._guarded("months", partial(self._make_months, now))
        await doors.tidy(now)
        await bulk_import.tidy(now)
        await pack_marking.fill()
        await self._guarded("backup", partial(backups.look, now))
        self._all_found = False
        devices = await census(now)
        if is_the_channel(devices.stale, devices.devices):
            log.error("ticker.pushes_unseen", stale=devices.stale, devices=devices.devices)
            async with write():
                await tell_operators("push:unseen", now, every_h=24)
        for name in sorted(await silent_channels(now)):
            log.error("ticker.channel_unanswered", channel=name)
            async with write():
                await tell_operators(f"{name}:unanswered", now, every_h=24)

    async def _make_months(self, now: datetime) -> None:
        await make_months(now, ahead(now)[-1])

    async def audit(self) -> None:
        """Look for open alerts and tasks that nobody moves, for messages that nobody sends, and for
        children without a watch. The watchdog is pinged only if there are none, and if ticks and
        deliveries have ended well lately: it takes our silence as the sign of a fault."""
        now = self._clock()
        lost = await climbing.self_audit(now)
        if lost:
            log.error("ticker.alerts_without_next_step", alerts=[str(alert) for alert in lost])
            await self._tell("audit:alert_without_next_step")
        unheard = await out_of_reach.unheard(now)
        if unheard:
            log.error("ticker.alerts_reach_nobody", alerts=[str(alert) for alert in unheard])
            await self._tell("audit:alert_reaches_nobody")
        forgotten = await telling.self_audit(now)
        if forgotten:
            log.error("ticker.dues_without_next_step", dues=[str(task) for task in forgotten])
            await self._tell("audit:due_without_next_step")
        unsent = await outbox.self_audit(now)
        if unsent:
            log.error(
                "ticker.messages_without_attempt", messages=[str(message) for message in unsent]
            )
            await self._tell("audit:message_without_attempt")
        unwatched = await ticking.unwatched()
        if unwatched:
            log.error("ticker.children_without_watch", children=[str(id_) for id_ in unwatched])
            await self._tell("audit:child_without_watch")
        if lost or unheard or forgotten or unsent or unwatched:
            return
        if self._watchdog_url and await self._ended_well(now):
            await ping(self._watchdog_url, within=timedelta(seconds=10))

    async def _ended_well(self, now: datetime) -> bool:
        names = [ticking.TICK, SEND]
        since = now - ticking.BLIND_AFTER
        return await Beat.filter(name__in=names, at__gte=since).count() == len(names)


def _say_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.error("ticker.failed", job="send", exc=fault)


async def _tell_operators(fault: str, now: datetime) -> None:
    async with write():
        await tell_operators(fault, now)


async def _waits(rooms: Sequence[DueRows[Any]], now: datetime) -> dict[str, bool]:
    """In which of these tables anything is due: one look, since most ticks find nothing."""
    if not rooms:
        return {}
    columns = ", ".join(f"{rows.any_due()} AS {rows.table}" for rows in rooms)
    [row] = await fetch(f"SELECT {columns}", [now])
    return {name: bool(value) for name, value in row.items()}
