"""Which agency a child was with at a moment, by their ties at that time. Reads rows, writes none.

What is written about a child goes along to the next agency. What happened before is counted where
it happened. Otherwise a transfer could hide it, and the new home, or the people on its shifts,
would answer for what happened elsewhere.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.people.models import Child, Tie


@dataclass(frozen=True, slots=True)
class Belonging:
    """Of some children: their ties in the order in which they began, and the current agency."""

    ties: Mapping[UUID, Sequence[Tie]]
    now: Mapping[UUID, UUID]

    def agency_at(self, child_id: UUID, at: datetime) -> UUID:
        """The agency of the last tie to begin among those valid then; without one, the current
        agency."""
        for tie in reversed(self.ties.get(child_id, ())):
            if tie.from_at <= at and (tie.until_at is None or at < tie.until_at):
                return tie.agency_id
        return self.now[child_id]


async def belonging(children: Collection[UUID]) -> Belonging:
    """The belonging of these children."""
    ties = defaultdict[UUID, list[Tie]](list)
    for tie in await Tie.filter(child_id__in=list(children)).order_by("from_at", "id"):
        ties[tie.child_id].append(tie)
    held = Child.filter(id__in=list(children))
    return Belonging(
        ties, {id_: agency for id_, agency in await held.values_list("id", "agency_id")}
    )
