"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Observation(Model):
    """An adult noticed a warning sign. A row never changes; a mistake is marked as one."""

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="observations", on_delete=fields.RESTRICT
    )
    child_id: UUID
    sign = fields.CharField(max_length=24)  # A code of warning_signs.py.
    by_id = fields.UUIDField()
    by_role = fields.CharField(max_length=16)
    at = fields.DatetimeField()  # The server's clock.
    words = EncryptedText(null=True)
    taken_back_at = fields.DatetimeField(null=True)

    class Meta:
        table = "observation"
        indexes = (Index(fields=("child_id", "at"), name="observation_child_at"),)
