"""An index over some rows only. Tortoise's own supports no condition but `column = value`."""

from typing import Any

from tortoise.indexes import Index


class PartialIndex(Index):
    """`PartialIndex(fields=("next_action_at",), name="alert_act_at", where="closed_at IS NULL")`.

    `fields` are columns (`child_id`, not `child`); `where` is SQL that both databases understand.
    """

    def __init__(self, *, fields: tuple[str, ...] | list[str], name: str, where: str) -> None:
        super().__init__(fields=fields, name=name)
        self.where = where
        self.extra = f" WHERE {where}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The form in which a migration writes it down."""
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"where": self.where}
