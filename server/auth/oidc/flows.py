"""A browser on its way to a sign-in provider: what it takes along, and how we know it again.

The state travels, the cookie stays. What comes back counts only in the browser that set out, once,
for ten minutes. So no browser can be led into another person's session, and nothing can be
replayed.
"""

import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from server.auth.models import OidcFlow
from server.auth.oidc.claims import FlowSecrets
from server.auth.rate_limit import count_guess
from server.auth.rules import FLOW_LASTS, PROVIDER_BY_NETWORK, Door, network_of
from server.errors import Refused
from server.i18n import N_
from server.security.encryption import hash_token, new_token
from server.settings import Provider
from server.storage.db import write

OVER = N_("This took too long, or you started again elsewhere. Start again here.")


class Purpose(StrEnum):
    """What a browser sets out for."""

    SIGN_IN = "sign_in"
    AGAIN = "again"  # A signed-in person shows once more who they are.
    TIE = "tie"  # A signed-in person says: this account is mine.
    WELCOME = "welcome"  # Known to the provider and not to us: the code is asked for.


class Start(msgspec.Struct, frozen=True):
    """Which browser sets out to which provider, and what for."""

    provider: Provider
    purpose: Purpose
    browser: str
    session_id: UUID | None = None


async def begin(start: Start, host: str, next_: str, now: datetime) -> FlowSecrets:
    """One more flow of this browser. Raises TooMany, since each is a row of ours."""
    await count_guess(Door.PROVIDER, [(f"network {network_of(host)}", PROVIDER_BY_NETWORK)], now)
    secrets = FlowSecrets(new_token(), new_token(), new_token())
    carries = {"nonce": secrets.nonce, "verifier": secrets.verifier, "next": next_}
    await store(start, secrets.state, carries, now)
    return secrets


async def store(start: Start, token: str, carries: dict[str, Any], now: datetime) -> None:
    """Store the flow, which its token and the browser's cookie find again."""
    async with write():
        await OidcFlow.create(
            agency_id=start.provider.agency_id,
            provider=start.provider.name,
            purpose=start.purpose,
            token_hash=hash_token(token),
            browser_hash=hash_token(start.browser),
            session_id=start.session_id,
            carries=carries,
            made_at=now,
            expires_at=now + FLOW_LASTS,
        )


async def find(
    provider: Provider, token: str, browser: str | None, now: datetime, *, welcome: bool = False
) -> OidcFlow:
    """The open flow of this token and this browser. Raises Refused, code `errand_over`, in the
    same words for every reason."""
    row = await OidcFlow.get_or_none(
        token_hash=hash_token(token),
        provider=provider.name,
        ended_at__isnull=True,
        expires_at__gt=now,
    )
    is_it = row is not None and (row.purpose == Purpose.WELCOME) is welcome
    if row is None or not is_it or not _is_of(row, browser):
        raise over()
    return row


async def end(row: OidcFlow, now: datetime) -> None:
    """The flow has counted: of two requests at once only one goes on. Raises Refused."""
    async with write():
        ended = await OidcFlow.filter(id=row.id, ended_at__isnull=True).update(ended_at=now)
    if not ended:
        raise over()


def over() -> Refused:
    """The answer to every flow that does not count."""
    return Refused(OVER, code="errand_over")


def _is_of(row: OidcFlow, browser: str | None) -> bool:
    return browser is not None and hmac.compare_digest(row.browser_hash, hash_token(browser))


async def tidy_flows(now: datetime) -> None:
    """Throw away what has been over for a day."""
    async with write():
        await OidcFlow.filter(expires_at__lt=now - timedelta(days=1)).delete()
