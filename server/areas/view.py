"""The table of an area: a row for each agency and area in it, and its own sum."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from server.areas.counting import Column, Counts
from server.areas.hiding import Figure, of_agency, of_area
from server.areas.tree import Node

Figures = Mapping[Column, Figure]


class Row(msgspec.Struct, frozen=True):
    """An agency or an area, with its numbers as they may be shown."""

    id: UUID
    name: str
    is_area: bool
    figures: Figures


class Table(msgspec.Struct, frozen=True):
    """What is within an area, and the sum of it."""

    rows: tuple[Row, ...]
    total: Figures


def table(area: Node, counts: Counts) -> Table:
    """The rows of an area. What one area shows is the same for readers of it and of those above."""
    return Table(
        tuple(_row(member, counts) for member in area.members),
        {column: _figure(area, column, counts) for column in Column},
    )


def _row(node: Node, counts: Counts) -> Row:
    figures = {column: _figure(node, column, counts) for column in Column}
    return Row(node.id, node.name, node.is_area, figures)


def _figure(node: Node, column: Column, counts: Counts) -> Figure:
    if not node.is_area:
        return of_agency(counts[node.id][column])
    agencies = [counts[member.id][column] for member in node.members if not member.is_area]
    areas = [_figure(member, column, counts) for member in node.members if member.is_area]
    return of_area(agencies, areas, is_changed=node.is_changed)
