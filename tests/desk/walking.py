"""What the tests of the desk share: time that passes, answers, and browsers that are signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2

from server.alerts import climbing
from server.alerts.models import Alert
from server.checkin import actions as checkin
from server.checkin.rules import Answer, Want
from server.notify.models import Address
from server.people.rules import Role
from server.watch import ticking
from server.watch.models import Watch
from tests.cast import Cast

PARIS = ZoneInfo("Europe/Paris")


async def run_until(cast: Cast, moment: datetime) -> None:
    """Let time pass as the ticker would, a decision at a time."""
    while True:
        due = [
            w.next_action_at
            for w in await Watch.all()
            if w.next_action_at is not None and w.next_action_at <= moment
        ]
        due += [
            a.next_action_at
            for a in await Alert.filter(closed_at__isnull=True)
            if a.next_action_at is not None and a.next_action_at <= moment
        ]
        if not due:
            break
        cast.clock.set(max(cast.clock(), min(due)))
        await ticking.WATCHES.tick(cast.clock())
        await climbing.ALERTS.tick(cast.clock())
    cast.clock.set(moment)


async def leave_the_others_out(cast: Cast) -> None:
    """Weeks of alerts that nobody closes would be thousands of ticks."""
    await Watch.exclude(child_id=cast.mia.id).update(next_action_at=None)


async def answer(
    cast: Cast,
    child: str,
    *,
    want: Want = Want.NOTHING,
    mood: int | None = 4,
    said_at: datetime | None = None,
) -> None:
    """The child answers now, or their phone sends what they said at another time."""
    now = cast.clock()
    said = Answer(uuid4(), said_at or now, mood=mood, want=want, sent_at=now)
    person = cast.persons[child]
    await checkin.record(cast.actor(child), Role.CHILD, person.id, said, cast.clock())


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A moment of that March, by the clock in Paris."""
    return datetime(2026, 3, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


@asynccontextmanager
async def at_desk(cast: Cast, name: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which somebody has signed in just now: sessions end where time passes."""
    await cast.new_token(name)
    async with cast.browser_as(name) as browser:
        yield browser


async def reachable(cast: Cast, *names: str, channel: str = "email") -> None:
    """Each of these has an address from now on, and nothing else follows from it."""
    for name in names:
        await Address.create(
            agency_id=cast.agency.id,
            person_id=cast.persons[name].id,
            channel=channel,
            value=f"{name}@example.org",
            value_index=name,
            made_at=cast.clock(),
            verified_at=cast.clock(),
        )
