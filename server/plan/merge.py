"""Several voices on one field: which are kept beside each other, and what both had agreed. Pure.

A change that its author made after seeing another wins over it, whatever the clocks say: it follows
the one that it is based on. Where two people had not seen each other's change, both are kept. So
the result is the same for everyone who has the same changes, in any order, and no value is ever
overwritten unseen.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

import msgspec


class Node(msgspec.Struct, frozen=True):
    """One change of one field, or a choice about it (which follows all that it `saw`)."""

    id: str
    base: str | None
    who: str
    said_at: datetime
    received_at: datetime
    value: Any = None
    role: str = ""
    saw: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[datetime, str]:
        """Among one person's own changes: by their clock, but none from the future."""
        return min(self.said_at, self.received_at), self.id


class Field(msgspec.Struct, frozen=True):
    """The state of one field. More than one side is a difference; `stands` is the current
    change."""

    sides: tuple[Node, ...]
    stands: Node | None

    @property
    def is_open(self) -> bool:
        """Whether two voices wait for a decision."""
        return len(self.sides) > 1

    @property
    def value(self) -> Any:
        """The current value of the field; None where it has none."""
        return self.stands.value if self.stands else None


NOTHING = Field((), None)


def settle(nodes: Sequence[Node], signed: str | None = None) -> Field:
    """The state of a field after these changes, each after those that it follows.

    `signed` is the change that was current in the last binding revision. Changes whose base is not
    among the nodes begin from nothing.
    """
    if len(nodes) < 2:
        return Field(tuple(nodes), nodes[0] if nodes else None)
    seen, based = _ancestors(nodes)
    own: dict[str, list[int]] = {}
    for number, node in enumerate(nodes):
        own.setdefault(node.who, []).append(number)
    lasts = [_last(nodes, numbers, seen) for numbers in own.values()]
    followed = reduce(or_, (seen[number] for number in lasts))
    sides = [number for number in lasts if not followed >> number & 1]
    side_nodes = sorted((nodes[number] for number in sides), key=lambda node: node.order)
    if len(sides) == 1:
        return Field(tuple(side_nodes), side_nodes[0])
    return Field(tuple(side_nodes), _agreed(nodes, sides, based, signed))


def _ancestors(nodes: Sequence[Node]) -> tuple[list[int], list[int]]:
    """For each node the nodes it follows, as bits: by all that it saw, and by base alone."""
    places = {node.id: number for number, node in enumerate(nodes)}
    seen: list[int] = []
    based: list[int] = []
    for number, node in enumerate(nodes):
        base = places.get(node.base or "", number)
        parents = [base, *(places.get(id_, number) for id_ in node.saw)]
        earlier_parents = [parent for parent in parents if parent < number]
        seen.append(reduce(or_, (seen[parent] | 1 << parent for parent in earlier_parents), 0))
        based.append(based[base] | 1 << base if base < number else 0)
    return seen, based


def _last(nodes: Sequence[Node], own: Sequence[int], seen: Sequence[int]) -> int:
    followed = reduce(or_, (seen[number] for number in own))
    newest = [number for number in own if not followed >> number & 1]
    return max(newest, key=lambda number: nodes[number].order)


def _agreed(
    nodes: Sequence[Node], sides: Sequence[int], based: Sequence[int], signed: str | None
) -> Node | None:
    """The latest change that all sides build on, unless both signed something that is no older."""
    common = reduce(and_, (based[number] for number in sides))
    latest = common.bit_length() - 1
    held = next((number for number, node in enumerate(nodes) if node.id == signed), None)
    if held is not None and (latest < 0 or not (based[latest] | 1 << latest) >> held & 1):
        return nodes[held]
    return nodes[latest] if latest >= 0 else None
