"""The check-in: made on the phone, kept for ever as it was said."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from server.crypt import EncryptedText


class CheckIn(Model):
    """One answer. Its id is made on the phone; the first answer that we gave is kept beside it."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="check_ins", on_delete=fields.RESTRICT
    )
    child_id: UUID
    by_id = fields.UUIDField()  # The child, or who answered for it.
    by_role = fields.CharField(max_length=16)
    by_way = fields.CharField(max_length=8, default="app", db_default="app")  # alert.levels.Way
    device_id = fields.UUIDField(null=True)
    said_at = fields.DatetimeField()  # The phone's clock.
    received_at = fields.DatetimeField()  # Ours; this one decides.
    mood = fields.SmallIntField(null=True)
    note = EncryptedText(null=True)
    want = fields.CharField(max_length=8, default="nothing")
    mark = fields.CharField(max_length=1, default="a")
    is_late = fields.BooleanField(default=False)  # Settled a round after its grace.
    is_early = fields.BooleanField(
        default=False
    )  # Before any round was open: kept, settles nothing.
    content_hash = fields.CharField(max_length=64)  # Tells a repeat from a reused id.
    answer: fields.Field[dict[str, Any]] = fields.JSONField()

    class Meta:
        table = "check_in"
        indexes = (Index(fields=("child_id", "received_at"), name="check_in_child_received"),)
        constraints = (
            CheckConstraint(check="mood IS NULL OR mood BETWEEN 1 AND 5", name="check_in_mood"),
        )
