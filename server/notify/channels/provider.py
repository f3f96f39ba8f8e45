"""The few calls to a provider of sign-in (OpenID Connect): JSON from one address, in bounded time.

`auth/oidc/claims.py` decides what the answers mean. Each call has a session of its own: sign-ins
are rare, and nothing of one person's is left for the next.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from server.setting_parsers import is_loopback
from server.starting import late

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = late("aiohttp")

WITHIN = timedelta(seconds=8)
# A provider's document has some kilobytes. One without an end must not fill our memory.
LONGEST = 512_000


class Unanswered(Exception):
    """No usable answer, and in one word why: `unreachable`, `timeout`, `status 500`."""


async def ask(
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    basic: tuple[str, str] | None = None,
    within: timedelta = WITHIN,
) -> dict[str, Any]:
    """The JSON object at this address; `form` is sent to it, `basic` is who we are.

    Raises Unanswered. A redirect is not followed: it would send our data to any address it names.
    """
    if not is_safe(url):
        raise Unanswered("not https")
    limit = aiohttp.ClientTimeout(total=within.total_seconds())
    headers = {"accept": "application/json"}
    if basic is not None:
        headers["authorization"] = _basic(*basic)
    try:
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
            method = "GET" if form is None else "POST"
            async with session.request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                return await _object(answer)
    except TimeoutError:
        raise Unanswered("timeout") from None
    except aiohttp.ClientConnectorCertificateError:
        raise Unanswered("tls") from None
    except (aiohttp.ClientError, OSError, ValueError):
        raise Unanswered("unreachable") from None


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read along: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if "@" in parts.netloc or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _basic(user: str, password: str) -> str:
    # Both are form-encoded first (RFC 6749, 2.3.1), so that a colon in one of them does not split
    # them.
    return aiohttp.encode_basic_auth(quote(user, safe=""), quote(password, safe=""))


async def _object(answer: "aiohttp.ClientResponse") -> dict[str, Any]:
    if answer.status != 200:
        raise Unanswered(f"status {answer.status}")
    body = bytearray()
    async for piece in answer.content.iter_chunked(16_384):
        body += piece
        if len(body) > LONGEST:
            raise Unanswered("too long")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered("not JSON") from None
    if not isinstance(payload, dict):
        raise Unanswered("not JSON")
    return payload
