"""The whole of Waymark over one database, with a clock that only the test drives.

    stage = Stage(…)                        the fixture `stage` makes one
    await stage.subscribe("sam")            a phone that takes push, through the API
    await stage.until(hours=3)              time passes: every tick, every message, one by one
    stage.shown("sam")                      what arrived there, decrypted

Nothing is patched: requests go through the application, pushes and mails over sockets to doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from server.alerts.drills.models import Drill, DrillPlan
from server.alerts.models import Alert
from server.missing.search.clocks.actions import clocks_of
from server.missing.search.models import Episode
from server.notify.channels import Channel
from server.notify.models import Message, Preference
from server.people.models import Home
from server.roll_calls.models import RollCall
from server.rota.calendar import duty_shifts_between
from server.rota.duty import rotas_of
from server.rota.models import RotaTerms
from server.storage.db import as_moment, fetch
from server.tasks.models import Task
from server.ticker import Ticker
from server.watch.calendar.models import Milestone
from server.watch.models import Beat, Watch
from server.watch.ticking import TICK
from tests.cast import Cast
from tests.doubles.push_service import PushService, Received, Subscription
from tests.doubles.smtp import Mail, Relay
from tests.fixtures import DrivenClock

MOST_STEPS = 2000
FARTHEST_SHIFT = timedelta(days=2)
LAST_RESORT = "night@example.org"
UNSENT = "state IN ('waiting', 'sending')"
# Where a decision or delivery stands, and which rows have one to come.
MOMENTS = (
    (Watch, "next_action_at", "true"),
    (Alert, "next_action_at", "closed_at IS NULL"),
    (Alert, "decide_at", "closed_at IS NULL"),
    (Alert, "tell_at", "closed_at IS NULL"),
    (Alert, "react_at", "closed_at IS NULL"),
    (Message, "next_action_at", UNSENT),
    (Task, "next_action_at", "true"),
    (RotaTerms, "next_action_at", "true"),
    (Drill, "next_action_at", "true"),
    (DrillPlan, "next_action_at", "true"),
    (Preference, "digest_next_at", "true"),
    (Milestone, "next_action_at", "true"),
    (Home, "next_roll_call_at", "true"),
    (RollCall, "next_action_at", "true"),
)
_EACH = " UNION ALL ".join(
    f"SELECT MIN({column}) AS at FROM {model._meta.db_table} WHERE {which}"  # noqa: S608
    for model, column, which in MOMENTS
)
NEXT = f"SELECT MIN(at) AS at FROM ({_EACH}) AS moments"  # noqa: S608


@dataclass
class Stage:
    """Everyone on stage, and the machinery behind them."""

    cast: Cast
    clock: DrivenClock
    push: PushService
    relay: Relay
    channels: dict[str, Channel]
    ticker: Ticker
    phones: dict[str, Subscription] = field(default_factory=dict)

    async def subscribe(self, *names: str) -> None:
        """Each of these gets a browser that takes push, as the app of that person asks for it."""
        for name in names:
            phone = self.push.virtual()
            body = {"id": str(uuid4()), **phone.json}
            await self.call(name, "POST", "/api/v1/push-subscriptions", body)
            self.phones[name] = phone

    def another_ticker(self) -> Ticker:
        """As a second process has it."""
        return Ticker(self.cast.app.state.settings, self.channels, self.clock)

    async def only(self, name: str) -> None:
        """A walk about one child: nobody watches over the others."""
        await Watch.exclude(child_id=self.cast.children[name].id).delete()

    def shown(self, name: str) -> list[Received]:
        """What arrived at that person's phone."""
        return self.phones[name].received

    def paths(self, name: str) -> list[str]:
        """Where each message at that phone leads to, in order."""
        origin = self.cast.app.state.settings.public_url
        return [
            str(r.json["notification"]["navigate"]).removeprefix(origin) for r in self.shown(name)
        ]

    def mails_to(self, address: str) -> list[Mail]:
        return [mail for mail in self.relay.mails if address in mail.recipients]

    async def beat(self) -> None:
        """One look of the ticker and one pass of the worker, now."""
        await self.ticker.tick()
        await self.ticker.send()

    async def until(self, moment: datetime | None = None, **how_far: float) -> datetime:
        """Let time pass up to a moment, as a ticker sees it that is never late."""
        end = moment or self.clock() + timedelta(**how_far)
        await self.beat()
        for _ in range(MOST_STEPS):
            after = await self.next_moment()
            if after is None or after > end:
                await self.jump(end)
                await self.beat()
                return end
            await self.jump(max(after, self.clock()))
            await self.beat()
        raise AssertionError("time does not pass")

    async def jump(self, moment: datetime) -> None:
        """Up to a moment before which nothing is due: the ticks in between find nothing, and what
        they leave is their beat."""
        self.clock.set(moment)
        await Beat.filter(name=TICK).update(at=moment)

    async def next_moment(self) -> datetime | None:
        """When the next decision or delivery is due."""
        [row] = await fetch(NEXT)
        searches = await Episode.filter(hand_at__isnull=False)
        moments = [await self._hand_over(search) for search in searches]
        if row["at"] is not None:
            moments.append(as_moment(row["at"]))
        return min(moments, default=None)

    async def _hand_over(self, episode: Episode) -> datetime:
        """When a look at the rota finds something for this search. One is made each minute, since a
        rota may change at any time; on a stage it changes only where a shift begins or ends, or
        somebody is asked for a note before. Who plans something lets a minute pass."""
        assert episode.hand_at is not None
        since = episode.shift_at
        if since is None:
            return episode.hand_at
        clocks, _ = await clocks_of(episode.agency_id, episode.clocks_version)
        until = since + FARTHEST_SHIFT
        rota = (await rotas_of([episode.agency_id], since, until))[episode.agency_id]
        shifts = duty_shifts_between(rota, since, until)
        moments = (at for one in shifts for at in (one.begin, one.end - clocks.handover, one.end))
        return max(episode.hand_at, min((at for at in moments if at > since), default=until))

    # What people do, over the wire.

    async def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """One request of that person, which must succeed; the answer's JSON."""
        answer = await self.send(name, method, path, body)
        assert answer.status_code < 300, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def send(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """One request of that person, whatever comes back."""
        async with self.cast.client_as(name) as client:
            answer = await client.request(method, path, json=body)
        if answer.status_code != 401:
            return answer
        # A session at the desk has run out, as it does over night: they sign in again.
        await self.cast.new_token(name)
        async with self.cast.client_as(name) as client:
            return await client.request(method, path, json=body)

    async def check_in(self, name: str, **more: Any) -> dict[str, Any]:
        """The child checks in by its phone."""
        body = {"id": str(uuid4()), "said_at": self.clock().isoformat(), **more}
        answer: dict[str, Any] = await self.call(name, "POST", "/api/v1/check-ins", body)
        return answer

    async def acknowledge(self, name: str, alert_id: UUID) -> dict[str, Any]:
        path = f"/api/v1/alerts/{alert_id}/acknowledge"
        answer: dict[str, Any] = await self.call(name, "POST", path, {})
        return answer

    async def close(self, name: str, alert_id: UUID, outcome: str = "seen") -> dict[str, Any]:
        path = f"/api/v1/alerts/{alert_id}/close"
        answer: dict[str, Any] = await self.call(
            name, "POST", path, {"outcome": outcome, "words": "I have seen her."}
        )
        return answer

    # What is on record.

    async def watch(self, name: str) -> Watch:
        return await Watch.get(child_id=self.cast.children[name].id)

    async def alerts(self, name: str) -> Sequence[Alert]:
        return await Alert.filter(child_id=self.cast.children[name].id).order_by("opened_at", "id")

    async def open_alert(self, name: str) -> Alert:
        """The one open alert about this child."""
        [alert] = [one for one in await self.alerts(name) if one.closed_at is None]
        return alert
