"""What our own server did in a night: whether it looked, when it was down, when it started."""

from collections.abc import Sequence
from datetime import datetime

from server.audit.models import Entry
from server.watch.models import Beat, Blind
from server.watch.ticking import BLIND_AFTER, TICK
from server.why.events import Event, Period

MOST = 100


async def blinds_of(period: Period) -> list[Blind]:
    """The times in which nobody looked. One row for each outage, over the whole of our time."""
    rows = Blind.filter(from_at__lt=period.end, until_at__gt=period.begin)
    return await rows.order_by("-from_at").limit(MOST)


async def silent_since(now: datetime) -> datetime | None:
    """When our server last looked, if that is too long ago."""
    last = await Beat.get_or_none(name=TICK)
    return last.at if last is not None and now - last.at > BLIND_AFTER else None


async def of_server(
    period: Period, blinds: Sequence[Blind], since: datetime | None, made_at: datetime
) -> list[Event]:
    """Where it was down, and that it was not; starts, and restored backups. Nothing is known of it
    before `made_at`, our first row about the child."""
    events = []
    for blind in blinds:
        begin = max(blind.from_at, period.begin)
        events.append(Event(begin, "server.down", {"until": blind.until_at}))
        events.append(Event(blind.until_at, "server.back"))
    if since is not None and since < period.end:
        events.append(Event(max(since, period.begin), "server.silent", {"since": since}))
    elif not blinds and made_at < period.end and await Beat.exists(name=TICK):
        events.append(Event(max(period.begin, made_at), "server.whole"))
    return events + await _entries(period)


_ENTRIES = {"server:start": "server.started", "database:restored": "server.restored"}


async def _entries(period: Period) -> list[Event]:
    rows = Entry.filter(
        agency_id__isnull=True,
        child_id__isnull=True,
        at__gte=period.begin,
        at__lt=period.end,
        what__in=list(_ENTRIES),
    )
    return [Event(row.at, _ENTRIES[row.what]) for row in await rows.order_by("at").limit(MOST)]
