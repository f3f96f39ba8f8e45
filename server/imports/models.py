"""Rows of imports."""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedJSON
from server.storage.ids import uuid7


class Intake(Model):
    """A list of children that was handed in: checked first, then added in batches."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    made_by = fields.UUIDField()
    made_at = fields.DatetimeField()
    # Null once all are in.
    state = fields.CharField(max_length=12, default="looking")
    lines: fields.Field[Any] = EncryptedJSON(null=True)  # Null once all are in.
    faults: fields.Field[Any] = EncryptedJSON(null=True)  # The first of them.
    left_out: fields.Field[Any] = EncryptedJSON(null=True)  # Of those that were fine before.
    count = fields.IntField()  # Lines that are fine.
    fault_count = fields.IntField()
    known_count = fields.IntField()  # Lines about children who are here already.
    place = fields.IntField(default=0)  # How many lines are done, in this state.
    added = fields.IntField(default=0)
    next_action_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "intake"
        indexes = (
            Index(fields=("next_action_at",), name="intake_act_at"),
            Index(fields=("agency_id", "made_at"), name="intake_agency_made"),
        )
