"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Flag(Model):
    """What a member of staff asks of a colleague about a child. Its words never change. Its
    owner and its end are in its task, the earlier ones in the tasks before."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="flags", on_delete=fields.RESTRICT
    )
    child_id: UUID
    words = EncryptedText()
    by_id = fields.UUIDField()
    by_role = fields.CharField(max_length=16)
    at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)
    done_by = fields.UUIDField(null=True)

    class Meta:
        table = "flag"
        indexes = (Index(fields=("child_id", "done_at"), name="flag_child_done"),)
