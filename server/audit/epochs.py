"""Which history of the database this is, for phones and their cursors."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.audit.models import Epoch

# What came in before the backup began may have been stored after it had.
MARGIN = timedelta(minutes=10)


class EpochOut(msgspec.Struct):
    """The database was restored from a backup. A client that sees a new epoch sends again, under
    the same ids, what was confirmed to it from `from_at` on: it may be lost here."""

    id: UUID
    from_at: datetime


async def epoch_out() -> EpochOut | None:
    """The current epoch; None where nothing was ever restored. `from_at` is the earliest of all: a
    phone may have missed more than one restore, and sending known rows again changes nothing."""
    epochs = await Epoch.all().order_by("restored_at", "id")
    if not epochs:
        return None
    return EpochOut(epochs[-1].id, min(epoch.from_at for epoch in epochs))


async def was_lost(at: datetime) -> bool:
    """Whether what came in at this moment went into a database that was later replaced."""
    return await Epoch.filter(from_at__lte=at + MARGIN, restored_at__gte=at).exists()


async def first_restore_since(at: datetime) -> datetime | None:
    """When the database was put back from a backup for the first time since then, if it was."""
    epoch = await Epoch.filter(restored_at__gte=at).order_by("restored_at").first()
    return epoch.restored_at if epoch is not None else None
