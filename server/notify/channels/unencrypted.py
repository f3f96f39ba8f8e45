"""Which ways to other machines are without TLS, so that an operator hears of it.

Inside a private network that is common, and a note. Across the internet it is a fault: others
on the way could read who is missing. A host that a tunnel protects is named in a setting.
"""

import asyncio
import ipaddress
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

import msgspec

from server.setting_parsers import is_loopback
from server.settings import Settings
from server.storage.engines import address

# These make PostgreSQL refuse a server that speaks no TLS; without one of them it may fall back.
_ENCRYPTS = frozenset({"require", "verify-ca", "verify-full"})
LOOKED_UP_S = 3.0


class Far(StrEnum):
    """How far a host is away."""

    PRIVATE = "private"  # Every address of it is inside a private network.
    PUBLIC = "public"
    UNKNOWN = "unknown"  # Its name has no address in this moment.


class Way(msgspec.Struct, frozen=True):
    """A way without TLS: the setting that asks for it, and the host that it leads to."""

    setting: str
    host: str


class Plain(msgspec.Struct, frozen=True):
    """A way without TLS to another machine, and how far that is."""

    way: Way
    far: Far

    @property
    def why(self) -> str:
        """The sentence, after the name of its setting."""
        where = {
            Far.PRIVATE: "in a private network",
            Far.PUBLIC: "with a public address",
            Far.UNKNOWN: "whose address is not known",
        }[self.far]
        return f"leads without TLS to {self.way.host}, {where}. {REMEDY}"

    def __str__(self) -> str:
        return f"{self.way.setting} {self.why}"


REMEDY = (
    "Ask for TLS (sslmode=verify-full, smtps://, https). Where a tunnel encrypts this way, name the"
    " host in WAYMARK_UNENCRYPTED_HOSTS"
)


def ways(settings: Settings, *, with_gateways: bool = True) -> list[Way]:
    """The ways without TLS to other machines, as the settings ask for them. To know it of gateways
    takes a second."""
    every = [
        *_database("WAYMARK_DATABASE_URL", settings.database_url),
        *_database("WAYMARK_LISTEN_URL", settings.listen_url),
        *_database("WAYMARK_REPLICA_URL", settings.replica_url),
        *_mail(settings.smtp_url),
        *_web("WAYMARK_WATCHDOG_URL", settings.watchdog_url),
    ]
    if with_gateways:
        every += [way for template in settings.channels.values() for way in _gateway(template)]
    allowed = {host.lower() for host in settings.unencrypted_hosts}
    return [
        way
        for way in dict.fromkeys(every)
        if way.host.lower() not in allowed and not is_loopback(way.host)
    ]


def _database(setting: str, url: str | None) -> list[Way]:
    if url is None or url.startswith("sqlite"):
        return []
    credentials = address.parse(url).credentials
    if credentials.get("ssl") in _ENCRYPTS:
        return []
    hosts = credentials.get("host") or []
    places = hosts.split(",") if isinstance(hosts, str) else hosts
    # What begins with a slash is the folder of a Unix socket.
    return [Way(setting, host) for host in places if host and not host.startswith("/")]


def _mail(url: str | None) -> list[Way]:
    parts = urlsplit(url or "")
    switches = parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true", "yes")
    if parts.scheme != "smtp" or switches or not parts.hostname:
        return []
    return [Way("WAYMARK_SMTP_URL", parts.hostname)]


def _web(setting: str, url: str | None) -> list[Way]:
    parts = urlsplit(url or "")
    return [Way(setting, parts.hostname)] if parts.scheme == "http" and parts.hostname else []


def _gateway(template: str) -> list[Way]:
    # Such a mail server begins in plain text and switches to TLS; and a gateway beside us needs no
    # closer look, which would import Apprise.
    if template.startswith("mailtos:") or _is_beside_us(template):
        return []
    from server.notify.channels.other import place_of

    place = place_of(template)
    return [] if place is None or place.is_tls else [Way("WAYMARK_CHANNELS", place.host)]


def _is_beside_us(template: str) -> bool:
    try:
        host = urlsplit(template.replace("{address}", "")).hostname
    except ValueError:
        return False
    return is_loopback(host or "")


async def plain_ways(settings: Settings) -> list[Plain]:
    """The same, and how far each host is away: none that turns out to be this machine."""
    plain = ways(settings)
    all_numbers = await asyncio.gather(*(_numbers(way.host) for way in plain))
    return [
        Plain(way, far)
        for way, numbers in zip(plain, all_numbers, strict=True)
        if (far := far_of(numbers)) is not None
    ]


def far_of(numbers: list[str]) -> Far | None:
    """How far away a host with these addresses is; None: it is this machine."""
    addresses = [ipaddress.ip_address(number.partition("%")[0]) for number in numbers]
    if not addresses:
        return Far.UNKNOWN
    if all(each.is_loopback for each in addresses):
        return None
    return Far.PUBLIC if any(each.is_global for each in addresses) else Far.PRIVATE


async def _numbers(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKED_UP_S):
            places = await loop.getaddrinfo(host, None)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [str(place[0]) for *_, place in places]
