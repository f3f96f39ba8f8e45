"""What belongs to the tie of an advocate beside the tie itself."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Advocacy(Model):
    """One advocate of one child. The id is that of the tie, which says from when until when."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="advocacies", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person_id = fields.UUIDField()
    words = EncryptedText(null=True)  # How the child asked for it, in the words of who invited.
    # The child lets the advocate know when adults have been called about them.
    tells_alerts = fields.BooleanField(db_default=False)
    link_at = fields.DatetimeField(null=True)  # When the latest link to join was made.
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    # The end of the tie, when we end what waits for the advocate; null: done.
    next_action_at = fields.DatetimeField(null=True)

    class Meta:
        table = "advocacy"
        indexes = (
            Index(fields=("child_id",), name="advocacy_child"),
            Index(fields=("person_id",), name="advocacy_person"),
            Index(fields=("next_action_at",), name="advocacy_next"),
        )
