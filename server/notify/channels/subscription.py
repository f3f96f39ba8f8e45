"""Which push services may be sent to, and whether a browser's subscription can be used at all.

A subscription is an address from a stranger's browser that our server then calls. Without an
allow-list it would be a way to make our server call anything (request forgery). So both the
subscribing and every sending ask here, and both use the parser that sends to read the address.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from server import errors
from server.notify.channels.vapid import b64url, unb64url

LONGEST_ENDPOINT = 2048
# What RFC 3986 allows in an address. Two parsers may read anything else differently.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+\Z")
# As browsers write a host: small letters, nothing encoded.
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")


class Origins(msgspec.Struct, frozen=True):
    """An allow-list: whole origins, and hosts below a domain (`https://*.example.org`)."""

    exact: frozenset[str]
    below: tuple[str, ...]

    def allow(self, endpoint: str) -> str | None:
        """The origin of `endpoint` (`https://host`, with the port unless it is 443), or None.

        None for anything that is not an allowed origin's plain https address. Plain http is allowed
        on loopback alone, and only where exactly that origin is listed: that is for tests.
        """
        url = _read(endpoint)
        if url is None:
            return None
        origin = str(url.origin())
        if origin in self.exact:
            return origin
        host = url.raw_host or ""
        standard = url.scheme == "https" and url.port == 443
        return origin if standard and host.endswith(self.below) else None


@lru_cache(maxsize=16)
def parse_origins(listed: tuple[str, ...]) -> Origins:
    """The allow-list from the setting. ValueError, naming the entry, for an invalid one."""
    exact: set[str] = set()
    below: list[str] = []
    for entry in listed:
        scheme, _, host = entry.rstrip("/").lower().partition("://")
        is_wild = host.startswith("*.")
        url = _read(f"{scheme}://{host.removeprefix('*.')}")
        if url is None or url.raw_path != "/" or url.raw_query_string:
            raise ValueError(f"not an origin: {entry}")
        if url.scheme == "http" and not _is_loopback(url.raw_host or ""):
            raise ValueError(f"plain http is for loopback alone: {entry}")
        if not is_wild:
            exact.add(str(url.origin()))
        elif url.scheme == "https" and url.port == 443 and "." in (url.raw_host or ""):
            below.append(f".{url.raw_host}")
        else:
            raise ValueError(f"a * stands for hosts below a domain, with https: {entry}")
    return Origins(frozenset(exact), tuple(below))


def check_subscription(
    subscription: object, allowed_origins: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """The endpoint and keys of what `PushSubscription.toJSON()` gave, checked.

    Raises errors.Refused, naming the field, for an endpoint that is not an allowed push service's
    and for keys that could not encrypt: a bad row must not surface at night, in a batch.
    """
    parts: Mapping[str, Any] = subscription if isinstance(subscription, Mapping) else {}
    endpoint = parts.get("endpoint")
    if not isinstance(endpoint, str) or _read(endpoint) is None:
        raise errors.Refused("This is not the address of a push service.", field="endpoint")
    if parse_origins(tuple(allowed_origins)).allow(endpoint) is None:
        raise errors.Refused(
            "We cannot send messages to this push service.",
            code="push_origin",
            field="endpoint",
        )
    keys = parts.get("keys")
    if not isinstance(keys, Mapping):
        raise errors.Refused("The subscription keys are missing.", field="keys")
    return endpoint, {
        "p256dh": _check_point(keys.get("p256dh")),
        "auth": _check_secret(keys.get("auth")),
    }


def _read(endpoint: str) -> URL | None:
    """The address as the sender will read it, or None where it is no plain http(s) address."""
    if not 0 < len(endpoint) <= LONGEST_ENDPOINT or not _PLAIN.match(endpoint):
        return None
    try:
        url = URL(endpoint, encoded=True)
        host, port = url.raw_host, url.port
    except ValueError:
        return None
    if url.scheme not in ("https", "http") or not host or not port:
        return None
    if "@" in url.raw_authority or "#" in endpoint:
        return None
    return url if _HOST.match(host) or _is_loopback(host) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _decode(value: object, name: str) -> bytes:
    try:
        if isinstance(value, str) and len(value) <= 200:
            return unb64url(value)
    except ValueError:
        pass
    raise errors.Refused("This subscription key cannot be read.", field=f"keys.{name}")


def _check_point(value: object) -> str:
    raw = _decode(value, "p256dh")
    try:
        if len(raw) != 65:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise errors.Refused("This subscription key cannot be used.", field="keys.p256dh") from None
    return b64url(raw)


def _check_secret(value: object) -> str:
    raw = _decode(value, "auth")
    if len(raw) != 16:
        raise errors.Refused("This subscription key cannot be used.", field="keys.auth")
    return b64url(raw)
