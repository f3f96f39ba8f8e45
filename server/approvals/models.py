"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON, EncryptedText
from server.storage.ids import uuid7


class Approval(Model):
    """A request to a second person. What is to be done is frozen in `content`, sealed as the words
    are where they came from."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="approvals", on_delete=fields.RESTRICT
    )
    child_id: UUID
    what = fields.CharField(max_length=8)
    subject_id = fields.UUIDField()  # The alert, the pass, the child.
    content = EncryptedJSON()
    asked_by = fields.UUIDField()
    asked_role = fields.CharField(max_length=16)
    asked_at = fields.DatetimeField()
    state = fields.CharField(max_length=12, default="waiting")
    why = fields.CharField(max_length=24, null=True)  # A code: why it was overtaken.
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    words = EncryptedText(null=True)  # Of the second person.

    class Meta:
        table = "approval"
        indexes = (Index(fields=("child_id", "state"), name="approval_child_state"),)
        constraints = (
            UniqueConstraint(
                fields=("what", "subject_id"),
                name="approval_one_waiting",
                condition="state = 'waiting'",
            ),
        )
