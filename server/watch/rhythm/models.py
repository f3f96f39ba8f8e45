"""Rows of this room."""

from datetime import date
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Season(Model):
    """Another rhythm for a time, on the clock of its own zone. It always ends."""

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="seasons", on_delete=fields.RESTRICT
    )
    child_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()  # The end of its last day.
    rhythm: fields.Field[dict[str, Any]] = fields.JSONField()
    zone = fields.CharField(max_length=64)
    words = EncryptedText(null=True)
    made_by = fields.UUIDField()
    made_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # Taken back before its end.

    class Meta:
        table = "season"
        indexes = (Index(fields=("child_id", "until_at"), name="season_child_until"),)
        constraints = (CheckConstraint(check="until_at > from_at", name="season_ends_after_start"),)


class Proposal(Model):
    """A proposed new rhythm: for good, or from a first to a last day. It changes nothing until the
    other side agrees to it.

    `state`: open, agreed, declined; recalled if the same person took it back, replaced if the same
    person proposed another one, ended if the placement ended.
    """

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="proposals", on_delete=fields.RESTRICT
    )
    child_id: UUID
    by_id = fields.UUIDField()
    by_role = fields.CharField(max_length=16)
    rhythm: fields.Field[dict[str, Any]] = fields.JSONField()
    zone = fields.CharField(max_length=64)
    first_day = fields.DateField(null=True)  # Both or neither: without them it is for good.
    last_day = fields.DateField(null=True)
    words = EncryptedText(null=True)
    made_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, default="open")
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    answer = EncryptedText(null=True)  # The decision, in the words of the person who decided.

    class Meta:
        table = "proposal"
        indexes = (Index(fields=("child_id", "made_at"), name="proposal_child_made"),)

    @property
    def days(self) -> tuple[date, date] | None:
        """From which to which day; None: for good."""
        if self.first_day is None or self.last_day is None:
            return None
        return self.first_day, self.last_day
