"""How the text of each setting is read. A parser raises Wrong, which says why without the value."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit
from uuid import UUID

from server.security import keys
from server.storage.engines import address

PUBLIC_PUSH_ORIGINS = (
    "https://fcm.googleapis.com",
    "https://jmt17.google.com",
    "https://*.push.services.mozilla.com",
    "https://*.push.apple.com",
    "https://*.notify.windows.com",
)
"""The push services of today's browsers, November 2026: Chrome and its kin; Chromium as Linux
distributions build it; Firefox; Safari and all on iPhones; Edge on Windows."""

SHORTEST_SECRET = 32
LONGEST_DISPLAY_NAME = 30


class Wrong(Exception):
    """Why a value cannot be used; the reader adds the name of the setting."""


def is_address(host: str) -> bool:
    """Whether it is a bare number of a machine and no name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether the name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        parts.port  # noqa: B018
    except ValueError as fault:
        raise Wrong("is not a URL") from fault
    return parts


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def host(text: str) -> str:
    host = text.strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise Wrong("is not an address or a host name")
    return host


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Wrong("is not a port between 1 and 65535")
    return int(text)


def database_url(text: str, base: Path) -> str:
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in ("sqlite", "postgres", "postgresql"):
        raise Wrong("must begin with sqlite:// or postgres://")
    if scheme == "sqlite":
        path, query_mark, query = rest.partition("?")
        if not path:
            raise Wrong("names no file after sqlite://")
        place = path if path == ":memory:" else str((base / path).absolute())
        return f"sqlite://{place}{query_mark}{query}"
    try:
        address.parse(f"postgres://{rest}")
    except ValueError as fault:
        raise Wrong(f"cannot be read: {fault}") from None
    return f"postgres://{rest}"


def listen_url(text: str, database_url: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgres", "postgresql"):
        raise Wrong("must begin with postgres://")
    if database_url.startswith("sqlite"):
        raise Wrong("is for PostgreSQL: WAYMARK_DATABASE_URL is a file")
    try:
        address.parse(f"postgres://{rest}")
    except ValueError as fault:
        raise Wrong(f"cannot be read: {fault}") from None
    return f"postgres://{rest}"


def secret_keys(text: str) -> tuple[str, ...]:
    items = _items(text)
    if not items:
        raise Wrong("holds no key")
    if any(len(item) < SHORTEST_SECRET for item in items):
        raise Wrong(f"holds a key of fewer than {SHORTEST_SECRET} characters")
    if len(set(items)) != len(items):
        raise Wrong("holds the same key twice")
    return tuple(items)


def public_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Wrong("is not an http or https URL")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise Wrong("must be a scheme and a host alone, such as https://planner.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Wrong("must begin with https:// unless it is this machine itself")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def display_name(text: str) -> str:
    if len(text) > LONGEST_DISPLAY_NAME:
        raise Wrong(f"is longer than {LONGEST_DISPLAY_NAME} characters")
    return text


def vapid_file(file: Path) -> Path:
    if fault := keys.vapid_key_fault(file):
        raise Wrong(fault)
    return file


def default_subject(public_url: str, mail_from: str) -> str:
    return public_url if public_url.startswith("https:") else f"mailto:{_address(mail_from)}"


def subject(text: str) -> str:
    if text.startswith("mailto:") and _is_address(text.removeprefix("mailto:")):
        return text
    if text.startswith("https://") and _split(text).hostname:
        return text
    raise Wrong("must be mailto:ADDRESS or an https URL")


def smtp_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Wrong("must be smtp://HOST:PORT or smtps://HOST:PORT, with user:pass@ where needed")
    return text


def _address(text: str) -> str:
    """The bare address in `Name <address>` or `address`."""
    named = re.fullmatch(r"[^<>]*<([^<>]+)>", text)
    return (named[1] if named else text).strip()


def _is_address(text: str) -> bool:
    # A hundredth of a start, and most settings hold no address.
    from email.headerregistry import Address

    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return bool(address.username and address.domain)


def mail_from(text: str) -> str:
    if not _is_address(_address(text)):
        raise Wrong("is not an e-mail address")
    return text


def channels(text: str) -> dict[str, str]:
    channels: dict[str, str] = {}
    for item in text.split():
        name, mark, url = item.partition("=")
        if not mark or not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
            raise Wrong("must be NAME=URL, separated by spaces, NAME in small letters")
        if name in channels or name in ("email", "push"):
            raise Wrong(f"names {name} twice, or takes a name that Waymark uses itself")
        if "://" not in url or "{address}" not in url:
            raise Wrong(f"gives {name} a URL without {{address}} in it")
        channels[name] = url
    return channels


def inbound(text: str, channels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    secrets_by_channel: dict[str, tuple[str, ...]] = {}
    for item in text.split():
        name, mark, secret = item.partition("=")
        if not mark or not name:
            raise Wrong("must be NAME=SECRET, separated by spaces")
        if name != "email" and name not in channels:
            raise Wrong("names a channel that WAYMARK_CHANNELS does not have")
        if len(secret) < SHORTEST_SECRET:
            raise Wrong(f"holds a secret of fewer than {SHORTEST_SECRET} characters")
        secrets_by_channel[name] = (*secrets_by_channel.get(name, ()), secret)
    return secrets_by_channel


def numbers(text: str, inbound: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    number_by_channel: dict[str, str] = {}
    for item in text.split():
        name, _, number = item.partition("=")
        if name not in inbound:
            raise Wrong("names a channel that WAYMARK_INBOUND does not have")
        if not re.fullmatch(r"\+[0-9]{5,15}", number):
            raise Wrong("holds a number that is not written as +33612345678")
        number_by_channel[name] = number
    return number_by_channel


def oidc(text: str, base: Path) -> dict[str, dict[str, Any]]:
    """The fields of each provider, by its name."""
    providers: dict[str, dict[str, Any]] = {}
    for item in text.split():
        name, mark, address = item.partition("=")
        if not mark or not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise Wrong("must be NAME=ISSUER?…, separated by spaces, NAME in small letters")
        if name in providers:
            raise Wrong(f"names {name} twice")
        providers[name] = _provider(name, address, base)
    return providers


def _provider(name: str, address: str, base: Path) -> dict[str, Any]:
    """No issuer has a query of its own (OpenID Connect Discovery), so our own parameters can follow
    it."""
    issuer, _, query = address.partition("?")
    parts, parameters = _split(issuer), dict(parse_qsl(query))
    is_near = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or "@" in parts.netloc or not (parts.scheme == "https" or is_near):
        raise Wrong(f"gives {name} an issuer that is not an https URL")
    if set(parameters) != {"agency", "client", "secret"}:
        raise Wrong(f"must give {name} its agency=, client= and secret=, joined by &")
    try:
        agency_id = UUID(parameters["agency"])
    except ValueError:
        raise Wrong(f"gives {name} an agency= that is no id: see waymark agency list") from None
    secret = _secret_of(name, base / parameters["secret"])
    return {
        "name": name,
        "issuer": issuer,
        "agency_id": agency_id,
        "client_id": parameters["client"],
        "secret": secret,
    }


def _secret_of(name: str, file: Path) -> str:
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Wrong(f"names a file for the secret of {name} that cannot be read") from None
    if not secret or not secret.isprintable():
        raise Wrong(f"names a file for the secret of {name} that holds none")
    return secret


def last_resort(text: str, channels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    resorts = []
    for item in _items(text):
        channel, mark, address = item.partition(":")
        if not mark or not address:
            raise Wrong("must be email:ADDRESS or NAME:ADDRESS, separated by commas")
        if channel == "email" and not _is_address(address):
            raise Wrong("holds an email: that is not an e-mail address")
        if channel != "email" and channel not in channels:
            raise Wrong("names a channel that WAYMARK_CHANNELS does not have")
        resorts.append((channel, address))
    return tuple(resorts)


def web_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Wrong("is not an http or https URL")
    return text


def push_origins(text: str) -> tuple[str, ...]:
    origins: list[str] = []
    for item in text.replace(",", " ").split():
        origins += PUBLIC_PUSH_ORIGINS if item == "default" else [_push_origin(item)]
    if not origins:
        raise Wrong("holds no origin")
    return tuple(dict.fromkeys(origins))


def _push_origin(text: str) -> str:
    parts = _split(text)
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not host or not is_bare or "*" in host.removeprefix("*."):
        raise Wrong("holds something other than origins such as https://push.example.org")
    # A push goes to a URL that a browser hands in; unencrypted is for the tests' own service.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise Wrong("holds an origin that is not https")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def metrics_token(text: str) -> str:
    if not text.isascii() or " " in text:
        raise Wrong("must be plain characters without spaces")
    return text


def hosts(text: str) -> tuple[str, ...]:
    return tuple(host(item) for item in _items(text))


def networks(text: str) -> tuple[str, ...]:
    networks = []
    for item in _items(text):
        try:
            networks.append(str(ipaddress.ip_network(item, strict=False)))
        except ValueError as fault:
            raise Wrong("holds something that is not an address or a network") from fault
    return tuple(networks)
