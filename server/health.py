"""Health and metrics: /health for monitors that look from outside, /metrics for graphs.

Nothing personal is in either: ages, counts and codes.
"""

import asyncio
import hmac
import math
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.functions import Count, Min

from server.advocates.models import Advocacy
from server.alerts.drills.models import Drill, DrillPlan
from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.errors import NotFound, WaymarkError
from server.histogram import Histogram
from server.imports.models import Intake
from server.inbound.reading import unknown_since
from server.missing.search.models import Episode
from server.notify.channels.configured import can_call_last_resort, lacks_last_resort
from server.notify.devices import Census, census
from server.notify.models import Delivery, Message, Preference
from server.notify.refused_addresses import Counts, counts
from server.people.access import now_of
from server.rota.models import RotaTerms
from server.setting_parsers import is_loopback
from server.storage import replica
from server.storage.db import as_moment, fetch
from server.storage.ids import uuid7_from
from server.storage.servers.finding import counts as connections
from server.tasks.models import Task
from server.watch.absence.models import AbsenceRequest
from server.watch.calendar.models import Milestone
from server.watch.models import AT_ONCE, Beat, Pause, Watch
from server.watch.ticking import TICK
from server.web.connections.guarded import refusals
from server.web.live import is_live, listeners
from server.web.responses import json_answer

# Anything that has been due for longer is a fault of ours.
STALE = timedelta(minutes=2)
# A scrape comes every few seconds, and to count a million watches takes longer than all the rest.
COUNTED_EACH = timedelta(minutes=1)
# Who asks wants an answer, also from a database that says nothing.
ANSWER_S = 5
# A proxy that forwards a request adds one of these: then it does not come from this machine.
_FORWARDED = re.compile(r"forwarded|via|cdn-loop|(true-)?client-ip|cf-.*|x-(?!prometheus-).*")


class Pulse(msgspec.Struct, frozen=True):
    """What health is judged by. None if there is nothing of the kind."""

    last_tick_at: datetime | None
    oldest_due_at: datetime | None
    oldest_unsent_at: datetime | None

    def is_well(self, now: datetime) -> bool:
        """Whether the ticker runs, and nothing has waited too long."""
        if self.last_tick_at is None or now - self.last_tick_at > STALE:
            return False
        waiting = (self.oldest_due_at, self.oldest_unsent_at)
        return all(at is None or now - at <= STALE for at in waiting)


async def pulse() -> Pulse:
    """Read it from the rows: true of all processes together."""
    beat = await Beat.get_or_none(name=TICK)
    due = [await _oldest(model.all(), "next_action_at") for model in _DUE]
    due.append(await _oldest(Alert.filter(next_action_at__isnull=False), "decide_at"))
    due.append(await _oldest(CheckIn.filter(duress_check_at__isnull=False), "duress_check_at"))
    asked = AbsenceRequest.filter(duress_check_at__isnull=False)
    due.append(await _oldest(asked, "duress_check_at"))
    # Absences of before an upgrade are looked at one part after the other.
    due.append(await _oldest(Pause.filter(next_action_at__gt=AT_ONCE), "next_action_at"))
    due.append(await _oldest(Preference.filter(digest_next_at__isnull=False), "digest_next_at"))
    due.append(await _oldest(Episode.filter(hand_at__isnull=False), "hand_at"))
    [unsent] = await fetch(_UNSENT)
    return Pulse(
        beat.at if beat is not None else None,
        min((at for at in due if at is not None), default=None),
        as_moment(unsent["oldest"]) if unsent["oldest"] is not None else None,
    )


# What waits for the morning, or for others, is late from then on. What fails again and again is
# late since it might first go out, whenever it is tried next.
_UNSENT = """
SELECT MIN(COALESCE(ready_at, queued_at)) AS oldest FROM message
WHERE next_action_at IS NOT NULL AND state IN ('waiting', 'sending')
"""


# Whatever stores the moment at which the ticker is to look at it.
_DUE = (RotaTerms, Milestone, Watch, Alert, Task, Intake, Drill, DrillPlan, Advocacy)


async def _oldest(rows: Any, column: str) -> datetime | None:
    moments = await rows.annotate(oldest=Min(column)).values_list("oldest", flat=True)
    return moments[0] if moments else None


async def health(request: Request) -> Response:
    """200 while all is well, else 503; the body says what is not."""
    now = now_of(request)
    try:
        async with asyncio.timeout(ANSWER_S):
            heartbeat = await pulse()
    except Exception as fault:
        # Whatever the database says: it is away, and that is what this page is for.
        body = {"status": "failing", "database": "away", "ticker": None, "reason": _why(fault)}
        return json_answer(body, status=503)
    settings = request.app.state.settings
    is_well = heartbeat.is_well(now) and not lacks_last_resort(settings)
    tick = heartbeat.last_tick_at
    return json_answer(
        {
            "status": "ok" if is_well else "failing",
            "database": "ok",
            "ticker": {"last_tick_at": tick, "age_s": _seconds(tick, now)},
            "oldest_due_s": _seconds(heartbeat.oldest_due_at, now) or 0,
            "oldest_unsent_s": _seconds(heartbeat.oldest_unsent_at, now) or 0,
            # No reason for 503: alerts go out all the same, and pages look by themselves.
            "live_updates": "ok" if is_live() else "away",
            # While only this machine can reach us, no reason for 503 either.
            "last_resort": "ok" if can_call_last_resort(settings) else "missing",
        },
        status=200 if is_well else 503,
    )


def _why(fault: Exception) -> str:
    """What the database said, as a code: its own words may name a host."""
    code: str = fault.extra.get("why", fault.code) if isinstance(fault, WaymarkError) else ""
    return code or type(fault).__name__


def _seconds(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, round((now - moment).total_seconds(), 3))


class Counted(msgspec.Struct, frozen=True):
    """How many watches there are by standing, and how devices and addresses do."""

    at: datetime
    watches: dict[str, int]
    devices: Census
    addresses: Counts


class LongCounts:
    """What takes long to count, of the last minute."""

    def __init__(self) -> None:
        self._counted: Counted | None = None

    async def at(self, now: datetime) -> Counted:
        """The counts, made anew where they are older, or of a later time."""
        counted = self._counted
        if counted is None or not timedelta(0) <= now - counted.at < COUNTED_EACH:
            watches = await _counts("standing", Watch.filter(due_at__isnull=False))
            counted = Counted(now, watches, await census(now), await counts(now))
            self._counted = counted
        return counted


async def metrics(request: Request) -> Response:
    """Prometheus text: with the token, or from this machine without a proxy in between."""
    if not _may_see(request):
        raise NotFound("This does not exist, or you do not have access to it.")
    registry = CollectorRegistry()
    now = now_of(request)
    counted = await request.app.state.long_counts.at(now)
    _show(registry, "watches", "standing", counted.watches)
    _show_addresses(registry, counted)
    await _fill(registry, now)
    await _objectives(registry, request)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _may_see(request: Request) -> bool:
    token = request.app.state.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    is_forwarded = any(_FORWARDED.fullmatch(name) for name in request.headers)
    return not is_forwarded and is_loopback(request.client.host if request.client else "")


async def _fill(registry: CollectorRegistry, now: datetime) -> None:
    heartbeat = await pulse()
    ages = {
        "last_tick_age": heartbeat.last_tick_at,
        "oldest_due": heartbeat.oldest_due_at,
        "oldest_unsent": heartbeat.oldest_unsent_at,
    }
    for name, at in ages.items():
        gauge = Gauge(f"waymark_{name}_seconds", name.replace("_", " "), registry=registry)
        # A ticker that never ran is as bad as one that stopped.
        nothing = math.inf if name == "last_tick_age" else 0
        gauge.set(nothing if at is None else _seconds(at, now) or 0)
    await _count(registry, "alerts_open", "state", Alert.filter(closed_at__isnull=True))
    lately = now - timedelta(hours=1)
    young = {"id__gte": uuid7_from(lately)}
    queued = Message.filter(queued_at__gt=lately, **young)
    await _count(registry, "messages_last_hour", "state", queued)
    sent = Delivery.filter(started_at__gt=lately, **young)
    await _count(registry, "deliveries_last_hour", "result", sent)
    gauge = Gauge(
        "waymark_texts_unknown", "texts of a week from unknown numbers", registry=registry
    )
    gauge.set(await unknown_since(now))
    _of_this_process(registry)


def _show_addresses(registry: CollectorRegistry, counted: Counted) -> None:
    devices, addresses = counted.devices, counted.addresses
    gauge = Gauge("waymark_push_devices", "devices that take pushes", registry=registry)
    gauge.set(devices.devices)
    gauge = Gauge("waymark_push_devices_stale", "of these, that show none", registry=registry)
    gauge.set(devices.stale)
    _by_channel(registry, "addresses_refused", addresses.refused)
    _by_channel(registry, "addresses_given_up_last_day", addresses.given_up)


def _of_this_process(registry: CollectorRegistry) -> None:
    Gauge("waymark_live_pages", "pages that listen", registry=registry).set(listeners())
    gauge = Gauge("waymark_live", "1: this process hears what is announced", registry=registry)
    gauge.set(is_live())
    gauge = Gauge(
        "waymark_connections_refused",
        "connections that this process ended since it began, by reason",
        ["reason"],
        registry=registry,
    )
    for reason, count in refusals.items():
        gauge.labels(reason).set(count)
    _of_database(registry)


def _of_database(registry: CollectorRegistry) -> None:
    """What happened to the connections of this process to PostgreSQL."""
    gauge = Gauge(
        "waymark_database_connections",
        "connections to PostgreSQL since this process began: made; failed (searches that found no"
        " server); cut (the server was silent, or is no longer the primary)",
        ["what"],
        registry=registry,
    )
    for what in ("made", "failed", "cut"):
        gauge.labels(what).set(getattr(connections, what))
    gauge = Gauge(
        "waymark_long_reads",
        "long reads since this process began: from the copy, or from the primary although there is"
        " a copy",
        ["where"],
        registry=registry,
    )
    gauge.labels("copy").set(replica.counts.copy)
    gauge.labels("primary").set(replica.counts.primary)
    gauge = Gauge("waymark_replica_age_seconds", "how far the copy was behind", registry=registry)
    gauge.set(replica.counts.age_s)


async def _objectives(registry: CollectorRegistry, request: Request) -> None:
    """The two objectives of docs/alerts.md, and what would make the first one impossible."""
    state = request.app.state
    told = await state.told.read(now_of(request))
    registry.register(_Of("alert_told_seconds", "from late to told, of all processes", told))
    times: Histogram = state.check_in_times
    # Several workers share one address, and a scrape reaches any of them.
    process = {"process": str(os.getpid())}
    says = "until a check-in was answered, of this process"
    registry.register(_Of("check_in_seconds", says, times, process))
    gauge = Gauge("waymark_last_resort", "1: we can call the last resort", registry=registry)
    gauge.set(can_call_last_resort(state.settings))


class _Of(Collector):
    """A histogram of ours, as the library writes one."""

    def __init__(
        self, name: str, says: str, histogram: Histogram, labels: Mapping[str, str] | None = None
    ) -> None:
        self._name, self._says, self._histogram = f"waymark_{name}", says, histogram
        self._labels = labels or {}

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The one family of it."""
        family = HistogramMetricFamily(self._name, self._says, labels=[*self._labels])
        values = [*self._labels.values()]
        family.add_metric(values, self._histogram.buckets(), self._histogram.seconds)
        yield family


def _by_channel(registry: CollectorRegistry, name: str, counts_by_channel: dict[str, int]) -> None:
    gauge = Gauge(f"waymark_{name}", name.replace("_", " "), ["channel"], registry=registry)
    for channel, count in counts_by_channel.items():
        gauge.labels(channel).set(count)


async def _count(registry: CollectorRegistry, name: str, by: str, rows: Any) -> None:
    _show(registry, name, by, await _counts(by, rows))


async def _counts(by: str, rows: Any) -> dict[str, int]:
    return dict(await rows.annotate(n=Count(by)).group_by(by).values_list(by, "n"))


def _show(registry: CollectorRegistry, name: str, by: str, counts: Mapping[str, int]) -> None:
    gauge = Gauge(f"waymark_{name}", f"{name} by {by}", [by], registry=registry)
    for value, count in counts.items():
        gauge.labels(value).set(count)


routes = [
    Route("/health", health, name="health"),
    Route("/metrics", metrics, name="metrics"),
]
