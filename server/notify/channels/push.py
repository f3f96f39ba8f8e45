"""Web Push: encrypted by `webpush`, signed by vapid.py, sent by aiohttp.

`webpush` has faults that this file works around, each with a test: its time to live sticks to the
object and leaks into other messages, it knows no urgency, no topic and no size limit, it names a
push service without its port, and a bad key raises ValueError. So we use only its encryption, which
keeps no state, and make everything else about a request here, for each message anew.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from yarl import URL

from server.clock import Clock
from server.i18n import direction, ngettext, supported_language
from server.notify.channels.subscription import Origins, check_subscription, parse_origins
from server.notify.channels.vapid import Tokens, VapidKey
from server.notify.refusals import Stage, read
from server.notify.rules import PUSH, Envelope, Outcome, Result
from server.notify.wording import neutral
from server.starting import late

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = late("aiohttp")

__all__ = ["Push", "check_subscription", "payload"]

# RFC 8030: a service need not take more than 4,096 bytes. The header of the encryption takes 86 of
# them, its tag 16, the delimiter one.
LONGEST_PLAIN = 3993
# Every payload is padded to a multiple of this, so that lengths do not tell kinds apart.
STEP = 1024
LONGEST_TTL = timedelta(days=28)
READ_AT_MOST = 2048
WITHIN_S, CONNECTED_WITHIN_S = 10, 5


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def payload(envelope: Envelope) -> bytes:
    """What the device gets, as JSON in the shape of declarative Web Push.

    The text is the same for every kind, whatever the envelope is about: others read a lock screen.
    A child may have chosen another one, or none. `s` is after how many minutes the device may offer
    to ask again; browsers that know declarative Web Push then open the app.
    Safari shows it even where the service worker fails; other browsers' workers read the same.
    `mutable` lets Safari wake the worker, without which no receipt comes back. Spaces at the end,
    which JSON allows, are the padding.
    """
    language = supported_language(envelope.language)
    notification: dict[str, Any] = {
        "title": envelope.title,
        "body": neutral(language) if envelope.shown is None else envelope.shown,
        "navigate": envelope.url,
        "tag": envelope.tag,
        "lang": language,
        "dir": direction(language),
        "silent": envelope.is_silent,
        # The same tag replaces what is shown. Without this it would do so without a sound, and the
        # second call to an adult would go unheard.
        "renotify": True,
    }
    if envelope.url is None:
        del notification["navigate"]
    whole: dict[str, Any] = {
        "web_push": 8030,
        "notification": notification,
        "mutable": True,
        # A worker of an earlier release answers with this, under its session.
        "m": str(envelope.message_id),
    }
    if envelope.receipt:
        whole["r"] = envelope.receipt
        _offer_later(envelope, whole, language)
    raw = _encode(whole).encode()
    filled = -(-len(raw) // STEP) * STEP
    return raw.ljust(min(filled, max(LONGEST_PLAIN, len(raw))))


def _offer_later(envelope: Envelope, whole: dict[str, Any], language: str) -> None:
    """A button on the lock screen that asks again after so many minutes."""
    if envelope.later is None:
        return
    minutes = int(envelope.later.total_seconds() // 60)
    word = ngettext(language, "In {n} minute", "In {n} minutes", minutes)
    action = {"action": "later", "title": word, "navigate": envelope.url or ""}
    whole["notification"]["actions"] = [action]
    whole["s"] = minutes


class _Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class _Subscription(msgspec.Struct, frozen=True):
    """What the encryption reads; the library's own model would check the address again."""

    keys: _Keys


class Push:
    """The channel `push`. The address is a subscription's endpoint, `keys` its two keys."""

    # As many connections as one service gets. A push that waits in here could not be withdrawn.
    side_by_side = 50

    def __init__(
        self,
        key: VapidKey,
        *,
        subject: str,
        allowed_origins: tuple[str, ...],
        clock: Clock,
        timeout: "aiohttp.ClientTimeout | None" = None,
    ) -> None:
        """ValueError for an invalid subject or origin."""
        self._tokens = Tokens(key, subject)
        self._origins: Origins = parse_origins(allowed_origins)
        self._clock = clock
        self._timeout = timeout
        self._key = key
        self._is_open = False
        self._session: aiohttp.ClientSession | None = None

    @cached_property
    def _webpush(self) -> Any:
        # With what it brings along it is a tenth of a start, and a start sends nothing.
        from webpush import WebPush

        return WebPush(private_key=self._key.private_pem, public_key=self._key.public_pem)

    async def open(self) -> None:
        """From now on messages can be sent. The session comes with the first of them: what it is
        made of is a twentieth of a start."""
        self._is_open = True

    def _shared(self) -> "aiohttp.ClientSession":
        """The one session that all messages share, with its pool of connections."""
        if not self._is_open:
            raise RuntimeError("open() comes before send()")
        if self._session is None:
            usual = aiohttp.ClientTimeout(total=WITHIN_S, connect=CONNECTED_WITHIN_S)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=100, limit_per_host=self.side_by_side),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout or usual,
                # No proxy and no .netrc of the environment decides where messages go.
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close the session; sends under way end as a passing fault."""
        self._is_open = False
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> "Push":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, envelope: Envelope) -> Outcome:
        """Hand one message to its push service. Never raises for what happens there."""
        # Read the list for each message: an operator may have shortened it since.
        origin = self._origins.allow(envelope.address)
        if origin is None:
            # Refused, not gone: a mistake in a setting must not cost every address we have.
            return Outcome.refused("origin_not_allowed")
        try:
            plain = payload(envelope)
        except ValueError:
            return Outcome.refused("content")
        if len(plain) > LONGEST_PLAIN:
            return Outcome.refused("too_large")
        try:
            body = self._encrypt(plain, envelope)
        except (ValueError, KeyError, TypeError):
            return Outcome.gone("bad_keys")
        now = self._clock()
        outcome = await self._post(envelope.address, body, self._headers(envelope, origin, now))
        if outcome.status in (401, 403):
            self._tokens.forget(origin)
        return outcome

    def _encrypt(self, plain: bytes, envelope: Envelope) -> bytes:
        keys = envelope.keys or {}
        subscription = _Subscription(_Keys(p256dh=keys["p256dh"], auth=keys["auth"]))
        encrypted: bytes = self._webpush._encrypt(plain, subscription)
        return encrypted

    def _headers(self, envelope: Envelope, origin: str, now: datetime) -> dict[str, str]:
        ttl = min(envelope.ttl, LONGEST_TTL)
        return {
            "Authorization": self._tokens.header(origin, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(ttl.total_seconds())),
            "Urgency": envelope.urgency,
            "Topic": envelope.topic,
        }

    async def _post(self, endpoint: str, body: bytes, headers: dict[str, str]) -> Outcome:
        session = self._shared()
        try:
            async with session.post(
                URL(endpoint, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                outcome = read_answer(
                    response.status, response.headers.get("Retry-After"), self._clock()
                )
                # The answer is known. The rest is read only to keep the connection.
                if not response.content.at_eof():
                    with suppress(aiohttp.ClientError, TimeoutError):
                        await response.content.read(READ_AT_MOST)
                return outcome
        except aiohttp.ClientSSLError:
            return Outcome.fault("tls")
        except TimeoutError:
            return Outcome.again("timeout")
        except (aiohttp.ClientError, OSError):
            return Outcome.again("unreachable")


def read_answer(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """What a push service's answer means, by the table in refusals.py."""
    if 200 <= status < 300:
        return Outcome.accepted(status)
    outcome = read(PUSH, Stage.POST, status)
    if outcome.result is not Result.RETRY:
        return outcome
    return replace(outcome, retry_after=read_retry_after(retry_after, now))


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that a `Retry-After` asks for: seconds or a date (RFC 9110); None for nonsense."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
