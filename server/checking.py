"""What `waymark check` finds out: what is wrong with this installation, and whether alerts would go
out and reach a person.

Every channel is tried as far as possible without sending. The output names agencies, and no person.
"""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from server import logs
from server.alerts.recipients import reach_of
from server.auth.oidc.claims import Untrue
from server.auth.oidc.provider import Talk
from server.clock import Clock, utcnow
from server.errors import WaymarkError
from server.notify.channels.configured import channel_names, configured, lacks_last_resort
from server.notify.channels.provider import Unanswered
from server.notify.channels.reach import Found, try_channels, untried_line
from server.notify.channels.unencrypted import Far, Plain, plain_ways, ways
from server.notify.contact_routes import HAS_A_WAY
from server.notify.models import Address
from server.notify.rules import EMAIL, PUSH
from server.people.models import Agency, Child
from server.policy.model import PEOPLED
from server.settings import SettingFault, Settings
from server.storage import private
from server.storage.db import among, as_id, close_database, connection, fetch, open_database
from server.storage.engines import address
from server.storage.engines.migrate import known_migrations, pending
from server.storage.engines.postgres import NO_STATEMENTS
from server.storage.replica import Question, Replica
from server.web import listening
from server.wiring import wire

_log = logs.get("start")

# So many are listed by their ids; the page of people on the desk has them all.
MOST_LISTED = 20
# So many children are looked up at once.
AT_ONCE = 500


def own_files(settings: Settings) -> list[Path]:
    """What only the account of the server should be able to open."""
    place = address.parse(settings.database_url)
    keys = settings.var / "keys"
    paths = [settings.var, settings.var / "demo.json", settings.vapid_private_key_file]
    if keys.is_dir():
        paths += [keys, *sorted(keys.iterdir())]
    if place.dialect == "sqlite":
        file = place.file.absolute()
        paths += [file.parent, *(file.with_name(file.name + end) for end in private.BESIDE)]
    return list(dict.fromkeys(paths))


NO_COPY = (
    "WAYMARK_REPLICA_URL is away, too far behind, or no copy of this database: boards and reports"
    " are read from the database itself"
)
NO_LIMIT = (
    "the database has a statement_timeout and a synchronous standby: it may report a check-in as"
    " stored that is on one machine alone. Set it to 0 for Waymark's role"
)
NO_LAST_RESORT = (
    "must name who is called when nobody else can be, by a channel that is set up, before the first"
    " child is added: such as email:oncall@example.org, with WAYMARK_SMTP_URL"
)


async def first_start(settings: Settings) -> None:
    """No child is watched over before there is a last resort, nor where words cross the internet
    without TLS. Later, to stop would be worse than to go on: then /health, `check`, the boards and
    the log say what is wrong. Raises SettingFault. The database is open."""
    if await Child.exists():
        _say_unencrypted(settings)
        return
    plain = await plain_ways(settings)
    for each in plain:
        setting, host = each.way.setting.lower(), each.way.host.lower()
        _log.warning("unencrypted", setting=setting, host=host, far=each.far.value)
    if crossing := _crosses(plain):
        raise SettingFault(crossing[0].way.setting, crossing[0].why)
    if lacks_last_resort(settings):
        raise SettingFault("WAYMARK_LAST_RESORT", NO_LAST_RESORT)


def _say_unencrypted(settings: Settings) -> None:
    """Nothing is looked up for it, and nothing that goes wrong here holds up a start."""
    try:
        for way in ways(settings, with_gateways=False):
            _log.warning("unencrypted", setting=way.setting.lower(), host=way.host.lower())
    except Exception:
        # Broad: children are waiting for the ticker.
        _log.exception("unencrypted_not_known")


def _crosses(plain: list[Plain]) -> list[Plain]:
    """Those that lead across the internet."""
    return [each for each in plain if each.far is Far.PUBLIC]


async def look(
    settings: Settings, opened: Callable[[Settings], AbstractAsyncContextManager[None]]
) -> tuple[list[str], list[str]]:
    """What is wrong, and what is no fault and yet to be known before the night. `opened`: the
    database of these settings, open and migrated."""
    wire(settings)
    wrong: list[str] = []
    try:
        configured(settings, utcnow)
    except SettingFault as fault:
        wrong.append(str(fault))
    of_database = await _database_faults(settings.database_url)
    unheard = [] if of_database else await listening_faults(settings)
    unheard += [] if of_database else await several_faults(settings)
    place = address.parse(settings.database_url)
    is_there = not of_database and (place.dialect != "sqlite" or place.file.exists())
    async with opened(settings) if is_there else nullcontext():
        takes_push = is_there and await has_push()
        channels = await try_all(settings, utcnow, has_push=takes_push)
        plain = await plain_ways(settings)
        wrong += [*settings_faults(settings), *of_database, *unheard]
        wrong += [str(each) for each in _crosses(plain)]
        wrong += [*await _provider_faults(settings), *channels.faults]
        notes = [*channels.notes, *(str(each) for each in plain if each.far is not Far.PUBLIC)]
        if is_there:
            unmet, lonely = await unreached(channels, utcnow())
            wrong += unmet
            notes += [*await _stray_providers(settings), *lonely]
            notes += await without_address(channels)
    return wrong, notes


async def _provider_faults(settings: Settings) -> list[str]:
    """One line for each sign-in provider that does not answer, or is not who it should be."""
    wrong, talk = [], Talk()
    for provider in settings.oidc.values():
        try:
            await talk.places(provider, utcnow())
        except (Unanswered, Untrue) as why:
            wrong.append(f"WAYMARK_OIDC: {provider.name} cannot be used: {why}")
    return wrong


async def _stray_providers(settings: Settings) -> list[str]:
    agency_ids = {as_id(id_) for id_ in await Agency.all().values_list("id", flat=True)}
    return [
        f"WAYMARK_OIDC: {provider.name} is of an agency that is not there: see waymark agency list"
        for provider in settings.oidc.values()
        if provider.agency_id not in agency_ids
    ]


async def _database_faults(url: str) -> list[str]:
    place = address.parse(url)
    if place.dialect == "sqlite" and not place.file.exists():
        if not _can_be_made(place.file):
            return ["WAYMARK_DATABASE_URL names a file that cannot be made"]
    else:
        try:
            await open_database(url)
        except (WaymarkError, OSError) as fault:
            if getattr(fault, "extra", {}).get("why") == NO_STATEMENTS:
                return [NO_STATEMENTS]
            why = type(fault.__cause__ or fault).__name__
            return [f"WAYMARK_DATABASE_URL cannot be reached: {why}"]
        await close_database()
    missing = await pending(url)
    if not missing:
        return []
    if missing == known_migrations():
        return ["the database has no tables yet: run waymark migrate"]
    return [f"the database lacks {', '.join(missing)}: run waymark migrate"]


async def listening_faults(settings: Settings) -> list[str]:
    """Whether open pages hear what changes. A pooler in between takes LISTEN and loses it."""
    if settings.database_url.startswith("sqlite"):
        return []
    await open_database(settings.database_url)
    try:
        if await listening.is_heard(settings.listen_url):
            return []
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        name = "WAYMARK_LISTEN_URL" if settings.listen_url else "WAYMARK_DATABASE_URL"
        return [f"{name} cannot be listened to: {type(fault).__name__}"]
    finally:
        await close_database()
    return [
        "open pages do not hear what changes: set WAYMARK_LISTEN_URL to the address of the database"
        " itself, past the pooler (until then they look each half minute)"
    ]


# A commit that a time limit ends is reported as done, and is on one machine alone.
_LIMITED = """
SELECT current_setting('statement_timeout') <> '0'
   AND current_setting('synchronous_standby_names') <> '' AS is_limited
"""


async def several_faults(settings: Settings) -> list[str]:
    """What is wrong with the servers beside the first: the standby, and the copy to read from."""
    if settings.database_url.startswith("sqlite"):
        return []
    await open_database(settings.database_url)
    try:
        [state] = await fetch(_LIMITED)
        faults = [NO_LIMIT] if state["is_limited"] else []
        if settings.replica_url is not None:
            copy = Replica(settings.replica_url)
            if await copy.read(connection(), Question("SELECT 1")) is None:
                faults.append(NO_COPY)
            await copy.close()
        return faults
    finally:
        await close_database()


def _can_be_made(file: Path) -> bool:
    folder = next(folder for folder in file.absolute().parents if folder.exists())
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


class Channels(msgspec.Struct, frozen=True):
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
        lines.append(
            "WAYMARK_LAST_RESORT is not set: operators hear of no fault, and an agency without a"
            " last resort of its own has nobody to call when everyone is away"
        )
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


_ADULTS = "FROM person p WHERE p.disabled_at IS NULL AND p.role <> 'child'"


async def unreached(channels: Channels, now: datetime) -> tuple[list[str], list[str]]:
    """Faults: agencies with a child on whose ladder no person can be reached, whether or not there
    is a last resort. Notes: those whose own last resort does not count yet. The database is
    open."""
    faults, notes = [], []
    reachable = await _reachable(channels)
    own, unproven = await _own_resorts(channels)
    for agency in await Agency.filter(is_area=False).order_by("id"):
        if agency.id in unproven - own:
            notes.append(f"{agency.name}: nobody has confirmed its own last resort yet")
        children, alone = await _alone(agency.id, reachable, now)
        if not alone:
            continue
        about = f"{agency.name}: an alert about {alone} of {children} children would reach"
        if channels.resorts or agency.id in own:
            faults.append(f"{about} the last resort alone. {_REMEDY}")
        else:
            faults.append(f"{about} nobody. {_REMEDY}, or set WAYMARK_LAST_RESORT")
    return faults, notes


_REMEDY = (
    "Let the caseworkers and supervisors of these children confirm an address in their settings"
)


async def _own_resorts(channels: Channels) -> tuple[set[UUID], set[UUID]]:
    """The agencies with a last resort of their own that counts, and those with one that does not
    yet."""
    rows = Address.filter(
        person_id__isnull=True, dropped_at__isnull=True, channel__in=list(channels.working)
    )
    pairs = await rows.values_list("agency_id", "verified_at")
    own = {as_id(agency) for agency, at in pairs if at is not None}
    return own, {as_id(agency) for agency, at in pairs if at is None}


async def _alone(agency_id: UUID, reachable: set[UUID], now: datetime) -> tuple[int, int]:
    """How many children the agency has, and how many of them have nobody within reach on any
    rung."""
    here = Child.filter(agency_id=agency_id, left_at__isnull=True)
    children = [as_id(id_) for id_ in await here.values_list("id", flat=True)]
    alone = 0
    for at in range(0, len(children), AT_ONCE):
        reach = await reach_of(dict.fromkeys(children[at : at + AT_ONCE], agency_id), now)
        for on_rungs in reach.values():
            called = on_rungs.on(*PEOPLED)
            alone += not any(reachable.intersection(people) for people in called.values())
    return len(children), alone


async def _reachable(channels: Channels) -> set[UUID]:
    sql = f"SELECT p.id {_ADULTS} AND {HAS_A_WAY.format(any=among())}"
    return {as_id(row["id"]) for row in await fetch(sql, [list(channels.working)])}


async def without_address(channels: Channels) -> list[str]:
    """How many adults no alert reaches for sure, and who the first of them are."""
    lost = f"{_ADULTS} AND NOT {HAS_A_WAY.format(any=among())}"
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
