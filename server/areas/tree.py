"""The agencies and areas within an area."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from server.audit.models import Entry
from server.people.models import Agency
from server.storage.db import as_id

# An area holds up to so many agencies and areas; areas lie up to so deep within each other.
MOST_MEMBERS, DEEPEST = 200, 4
# For so long readers may remember the sum of an area from before its members changed.
CHANGED_FOR = timedelta(weeks=13)


class Node(msgspec.Struct, frozen=True):
    """An agency, or an area with what is within it, by name. `is_changed`: its members
    changed lately, and its sum less the one before would tell the number of a member."""

    id: UUID
    name: str
    is_area: bool
    members: tuple["Node", ...] = ()
    is_changed: bool = False

    def agencies(self) -> list[UUID]:
        """Every agency in it, however deep."""
        if not self.is_area:
            return [self.id]
        return [id_ for member in self.members for id_ in member.agencies()]

    def way_to(self, area_id: UUID) -> list["Node"]:
        """From this area down to the area of this id; empty where it is not within this one."""
        if not self.is_area or self.id == area_id:
            return [self] if self.is_area else []
        below = (member.way_to(area_id) for member in self.members)
        way = next((way for way in below if way), [])
        return [self, *way] if way else []


async def read(area_id: UUID, now: datetime) -> Node | None:
    """An area with all that is within it; None where there is no such area."""
    area = await Agency.get_or_none(id=area_id, is_area=True)
    if area is None:
        return None
    rows: dict[UUID, list[Agency]] = {}
    above, areas = [area.id], [area.id]
    for _ in range(DEEPEST):
        below = await Agency.filter(within_id__in=above) if above else []
        for row in below:
            assert row.within_id is not None
            rows.setdefault(row.within_id, []).append(row)
        above = [row.id for row in below if row.is_area]
        areas += above
    return _node(area, rows, await _changed(areas, now))


async def _changed(areas: list[UUID], now: datetime) -> set[UUID]:
    lately = Entry.filter(agency_id__in=areas, what="area:members", at__gt=now - CHANGED_FOR)
    return {as_id(id_) for id_ in await lately.values_list("agency_id", flat=True)}


def _node(row: Agency, rows: dict[UUID, list[Agency]], changed: set[UUID]) -> Node:
    members = sorted(rows.get(row.id, ()), key=lambda member: member.name.casefold())
    nodes = tuple(_node(member, rows, changed) for member in members)
    return Node(row.id, row.name, row.is_area, nodes, row.id in changed)
