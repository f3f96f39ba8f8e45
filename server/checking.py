"""What `waymark check` finds out about alerts: whether they would go out, and reach a person.

Every channel is tried as far as possible without sending. People are counted in the database; the
output names agencies, and no person.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.clock import Clock
from server.notify.channels.configured import channel_names
from server.notify.channels.reach import Found, try_channels, untried_line
from server.notify.models import Address
from server.notify.rules import EMAIL, PUSH
from server.people.models import Agency
from server.rota.duty import on_duty
from server.settings import Settings
from server.storage.db import among, as_id, fetch

# So many are listed by their ids; the page of people on the desk has them all.
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Channels:
    """What trying the channels came to. `working` by name; `resorts`: how many entries of
    WAYMARK_LAST_RESORT can be called."""

    faults: tuple[str, ...]
    notes: tuple[str, ...]
    working: tuple[str, ...]
    resorts: int


async def try_all(settings: Settings, clock: Clock, *, has_push: bool) -> Channels:
    """Try every channel. `has_push`: a person has a phone or browser that takes pushes."""
    results = await try_channels(settings, clock)
    dead = {result.channel for result in results if result.is_dead}
    working = tuple(name for name in channel_names(settings) if name not in dead)
    lost = {resort for result in results for resort in result.dead_resorts}
    resorts = [
        resort for resort in settings.last_resort if resort[0] in working and resort not in lost
    ]
    faults: list[str] = []
    notes: list[str] = []
    for result in results:
        # While no person takes pushes, push services need not be reachable.
        to = notes if result.channel == PUSH and not has_push else faults
        to += result.faults
    if (line := _untried(results)) is not None:
        notes.append(line)
    return Channels(tuple(faults), tuple(notes), working, len(resorts))


def _untried(results: list[Found]) -> str | None:
    return untried_line([result for result in results if not result.is_dead])


def settings_faults(settings: Settings) -> list[str]:
    """What each setting allows alone, and what cannot work together."""
    lines = []
    if not settings.last_resort:
        lines.append("WAYMARK_LAST_RESORT is not set: we call nobody when everyone is away")
    names = channel_names(settings)
    for number, (name, _) in enumerate(settings.last_resort, 1):
        if name not in names:
            remedy = "set WAYMARK_SMTP_URL" if name == EMAIL else f"add {name} to WAYMARK_CHANNELS"
            where = f"WAYMARK_LAST_RESORT: its entry {number} goes by {name}"
            lines.append(f"{where}, which is not set up: {remedy}")
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        lines.append(
            "WAYMARK_TRUSTED_PROXIES is not set, but WAYMARK_PUBLIC_URL is https, so a proxy is in"
            " front: all visitors look like one, and the wrong passwords of one lock everyone out."
            " Set it to the address of the proxy, such as 127.0.0.1"
        )
    return lines


async def has_push() -> bool:
    """Whether any person takes pushes. The database is open."""
    return await Address.filter(channel=PUSH, dropped_at__isnull=True).exists()


_ADDRESS = """
EXISTS (SELECT 1 FROM address a WHERE a.person_id = {of} AND a.dropped_at IS NULL
AND a.channel {any} AND (a.channel = 'push' OR a.verified_at IS NOT NULL))
"""
_TIED = """
EXISTS (SELECT 1 FROM tie t JOIN person w ON w.id = t.person_id
LEFT JOIN person d ON d.id = w.deputy_id AND d.disabled_at IS NULL
WHERE t.child_id = c.id AND t.role IN ('caseworker', 'supervisor')
AND t.from_at <= $2 AND (t.until_at IS NULL OR t.until_at > $2)
AND ((w.disabled_at IS NULL AND {worker}) OR {deputy}))
"""
_ALONE = """
SELECT c.agency_id, COUNT(*) AS children, SUM(CASE WHEN {tied} THEN 0 ELSE 1 END) AS alone
FROM child c WHERE c.left_at IS NULL GROUP BY c.agency_id ORDER BY c.agency_id
"""
_ADULTS = "FROM person p WHERE p.disabled_at IS NULL AND p.role <> 'child'"


async def unreached(channels: Channels, now: datetime) -> tuple[list[str], list[str]]:
    """Faults: agencies with a child whose alert would reach nobody at all. Notes: agencies
    where it would reach only the last resort. The database is open."""
    faults, notes = [], []
    for row in await fetch(_alone_sql(), [list(channels.working), now]):
        alone, agency_id = int(row["alone"] or 0), as_id(row["agency_id"])
        if not alone or await _is_covered(agency_id, channels, now):
            continue
        name = (await Agency.get(id=agency_id)).name
        about = f"{name}: an alert about {alone} of {row['children']} children would reach"
        if channels.resorts:
            notes.append(f"{about} the last resort alone. {_REMEDY}")
        else:
            faults.append(f"{about} nobody. {_REMEDY}, or set WAYMARK_LAST_RESORT")
    return faults, notes


_REMEDY = (
    "Let the caseworkers and supervisors of these children confirm an address in their settings"
)


def _alone_sql() -> str:
    worker, deputy = (_ADDRESS.format(of=of, any=among()) for of in ("w.id", "d.id"))
    return _ALONE.format(tied=_TIED.format(worker=worker, deputy=deputy))


async def _is_covered(agency_id: UUID, channels: Channels, now: datetime) -> bool:
    """Whether a person within reach of alerts is on duty now, for all children of the agency."""
    on_it = (await on_duty([agency_id], now))[agency_id]
    ways = Address.filter(channel__in=list(channels.working), dropped_at__isnull=True)
    for person in on_it:
        mine = ways.filter(person_id=person)
        if await mine.filter(channel=PUSH).exists():
            return True
        if await mine.filter(verified_at__isnull=False).exists():
            return True
    return False


async def without_address(channels: Channels) -> list[str]:
    """How many adults no alert reaches for sure, and who the first of them are."""
    lost = f"{_ADULTS} AND NOT {_ADDRESS.format(of='p.id', any=among())}"
    working = [list(channels.working)]
    [every] = await fetch(f"SELECT COUNT(*) AS n {_ADULTS}")
    [count] = await fetch(f"SELECT COUNT(*) AS n {lost}", working)
    if not count["n"]:
        return []
    rows = await fetch(f"SELECT p.id {lost} ORDER BY p.id LIMIT {MOST_LISTED}", working)
    more = count["n"] - len(rows)
    return [
        "Without an address that has answered, so reached by no alert for sure:"
        f" {count['n']} of {every['n']} adults (People on the desk has their names):",
        *(f"  {as_id(row['id'])}" for row in rows),
        *([f"  and {more} more"] if more else []),
    ]
