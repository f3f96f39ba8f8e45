"""Rows of this room."""

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.ids import uuid7


class Policy(Model):
    """One version of what follows silence, as data. Versions are added, never edited."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    version = fields.IntField()
    content: fields.Field[dict[str, Any]] = fields.JSONField()
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    words = EncryptedText(null=True)  # Why it was adopted.

    class Meta:
        table = "policy"
        constraints = (UniqueConstraint(fields=("agency_id", "version"), name="policy_version"),)
