"""Which history of the database this is, as phones and their cursors know it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.audit.models import Epoch

# What came in before the backup began may have been stored after it had.
MARGIN = timedelta(minutes=10)


class EpochOut(msgspec.Struct):
    """The database was put back from a backup. Whoever sees another epoch than before hands in
    again, under the same ids, what was confirmed to it from `from_at` on: it may be lost here."""

    id: UUID
    from_at: datetime


async def epoch_out() -> EpochOut | None:
    """That of now; None where nothing was ever put back. `from_at` is the earliest of all, since a
    phone may have been away for more than one of them, and what is known already changes nothing.
    """
    epochs = await Epoch.all().order_by("restored_at", "id")
    if not epochs:
        return None
    return EpochOut(epochs[-1].id, min(one.from_at for one in epochs))


async def was_lost(at: datetime) -> bool:
    """Whether what came in at this moment was taken in by a database that is no more."""
    return await Epoch.filter(from_at__lte=at + MARGIN, restored_at__gte=at).exists()
