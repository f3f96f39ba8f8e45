"""The row of a broken glass."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Glass(Model):
    """A person without a tie opened what an emergency needs of one child, for an hour."""

    id = fields.UUIDField(primary_key=True)  # Made by the form or the client.
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="glasses", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person_id = fields.UUIDField()
    opened_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    reason = EncryptedText()  # The child can read it.
    ended_at = fields.DatetimeField(null=True)  # Before its time.
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "glass"
        indexes = (
            Index(fields=("person_id", "opened_at"), name="glass_person_opened"),
            Index(fields=("child_id", "until_at"), name="glass_child_until"),
        )
