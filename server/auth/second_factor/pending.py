"""Between two pages of the sign-in: a browser with the first key right, and not signed in yet."""

from datetime import datetime, timedelta
from uuid import UUID

from server.auth.models import Challenge, PendingSecondFactor
from server.auth.rules import HALFWAY_LASTS
from server.errors import Unauthenticated
from server.i18n import N_
from server.security.encryption import hash_token, new_token
from server.storage.db import swapped, write

OVER = N_("This took too long, or you started again elsewhere. Sign in again.")


async def open_halfway(
    person_id: UUID | None, now: datetime, *, needs_password: bool = False
) -> tuple[str, PendingSecondFactor]:
    """A new one and its token, which is nowhere else. In the caller's transaction."""
    token = new_token()
    row = await PendingSecondFactor.create(
        token_hash=hash_token(token),
        person_id=person_id,
        needs_password=needs_password,
        made_at=now,
        expires_at=now + HALFWAY_LASTS,
    )
    return token, row


async def find_halfway(token: str | None, now: datetime) -> PendingSecondFactor:
    """The half sign-in of this token. Raises Unauthenticated (code `halfway_over`)."""
    halfway = None
    if token is not None:
        halfway = await PendingSecondFactor.get_or_none(
            token_hash=hash_token(token), ended_at__isnull=True, expires_at__gt=now
        )
    if halfway is None:
        raise Unauthenticated(OVER, code="halfway_over")
    return halfway


async def end_halfway(row: PendingSecondFactor, now: datetime) -> None:
    """It has led to a session, once: of two requests at the same time only one goes on. In the
    caller's transaction. Raises Conflict for the other one."""
    swapped(await PendingSecondFactor.filter(id=row.id, ended_at__isnull=True).update(ended_at=now))


async def tidy_halfways(now: datetime) -> None:
    """Delete half sign-ins that have been over for a day, and challenges that have expired."""
    async with write():
        await PendingSecondFactor.filter(expires_at__lt=now - timedelta(days=1)).delete()
        await Challenge.filter(expires_at__lte=now).delete()
