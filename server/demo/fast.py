"""Check-in times of seconds, so that a trainer can show a missed one becoming an alert."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.demo.cast import CAST, DEMO, id_of
from server.placements import actions
from server.policy import parser as policies
from server.policy.levels import Evidence
from server.policy.model import SHIPPED, Tier
from server.policy.models import Policy
from server.storage.db import write
from server.watch import watch_alerts
from server.watch.hearing.settling import settle
from server.watch.models import SETTLED, Round, Watch
from server.watch.rhythm import agreements

FAST_LASTS = timedelta(hours=1)
FAST_RHYTHM = {"every_s": 60}
# The fast check-ins use the tier of Mia, who is settled.
FAST_TIER = {
    "remind_before": "10s",
    "remind_again": "5s",
    "grace": "10s",
    "carer_window": "10s",
    "carer_from": "00:00",
    "carer_until": "00:00",
    "ceiling": "72h",
    "rungs": ["caseworker", "deputy", "on_duty", "manager", "last_resort"],
    "each": "10s",
    "lapse": "60s",
    "decide": "5m",
    # A habit would wait for hours, and so would a last call.
    "habit": None,
    "last_call": None,
}


async def begin_fast(now: datetime) -> None:
    """A check-in of Mia's due every 60 s, grace 10 s, each rung 10 s, no quiet hours. If a user has
    ended her placement, it begins again."""
    async with write():
        await actions.begin(SYSTEM, id_of("mia"), now, rhythm=FAST_RHYTHM, now=now)
        await _settle_down(now)
        # An open round, or one answered early, would delay the fast ones until it is due.
        await Round.filter(child_id=id_of("mia"), due_at__gt=now, state__in=SETTLED).update(
            state="replaced"
        )
        never = {"from": "00:00", "until": "00:00"}
        content = policies.merged({"low": FAST_TIER, "quiet": never})
        await _adopt(content, now)
        await agreements.set_rhythm(SYSTEM, id_of("mia"), FAST_RHYTHM, "Europe/Paris", now)
        await agreements.set_tier(SYSTEM, id_of("mia"), agreements.TierRequest(Tier.LOW), now)


async def end_fast(now: datetime) -> None:
    """Back to the times before. Nothing happens where no fast check-ins run."""
    mia = await Watch.get_or_none(child_id=id_of("mia"))
    if mia is None or mia.is_over or "every_s" not in mia.rhythm:
        return
    slow = {"at": [f"{at:%H:%M}" for at in CAST.kid("mia").times]}
    async with write():
        await _adopt(SHIPPED, now)
        # Before time passes: nobody lives through the minutes since a start that was killed.
        await Watch.filter(child_id=mia.child_id).update(rhythm=slow)
        await agreements.set_rhythm(SYSTEM, id_of("mia"), slow, "Europe/Paris", now)
        await _settle_down(now)


async def _settle_down(now: datetime) -> None:
    """Close what is late of Mia's: the trainer begins with a calm board. A search for her goes on
    until a person has seen her, as it does everywhere."""
    mia = id_of("mia")
    if await Watch.exists(child_id=mia, is_missing=True):
        return
    for alert in await Alert.filter(child_id=mia, closed_at__isnull=True):
        await watch_alerts.close_alert(
            SYSTEM, alert.id, Outcome.TECHNICAL, None, now, misses=alert.misses
        )
    await settle(mia, Evidence.PROFESSIONAL, uuid5(DEMO, f"calm:{now}"), now=now)


async def _adopt(content: dict[str, Any], now: datetime) -> None:
    agency = id_of("harbour")
    last = await Policy.filter(agency_id=agency).order_by("-version").first()
    version = last.version + 1 if last is not None else 1
    await Policy.create(agency_id=agency, version=version, content=content, made_at=now)
