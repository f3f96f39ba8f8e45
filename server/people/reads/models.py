"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Reading(Model):
    """A worker or the advocate has had these words of the child before their eyes, and when first.
    The id is made from both, so that reading again is the same row. `kind`: message, check_in."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="readings", on_delete=fields.RESTRICT
    )
    child_id: UUID
    kind = fields.CharField(max_length=12)
    subject_id = fields.UUIDField()
    person_id = fields.UUIDField()
    at = fields.DatetimeField()

    class Meta:
        table = "reading"
        indexes = (
            Index(fields=("child_id", "kind", "at"), name="reading_child_kind_at"),
            Index(fields=("subject_id",), name="reading_subject"),
        )
