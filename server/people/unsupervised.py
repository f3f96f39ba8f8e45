"""Which children have no supervisor: others hear what is late about them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from server.people.models import Tie
from server.people.rules import Role
from server.storage.db import as_id


async def unsupervised(children: Collection[UUID], now: datetime) -> set[UUID]:
    """The children among these to which no supervisor who works here has a tie now."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id__in=list(children),
        role=Role.SUPERVISOR,
        person__disabled_at__isnull=True,
    )
    supervised = {as_id(id_) for id_ in await ties.values_list("child_id", flat=True)}
    return set(children) - supervised
