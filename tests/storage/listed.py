"""Tables with a column of each kind that a list may be compared with."""

from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.storage.ids import uuid7


class Colour(StrEnum):
    """Stored as text."""

    RED = "red"
    BLUE = "blue"


class Thing(Model):
    """A column of each kind; all but the key may be null."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    number = fields.IntField(null=True)
    small = fields.SmallIntField(null=True)
    big = fields.BigIntField(null=True)
    text = fields.CharField(max_length=8, null=True)
    long = fields.TextField(null=True)
    at = fields.DatetimeField(null=True)
    day = fields.DateField(null=True)
    flag = fields.BooleanField(null=True)
    colour = fields.CharEnumField(Colour, max_length=8, null=True)
    of: fields.ForeignKeyNullableRelation["Thing"] = fields.ForeignKeyField(
        "server.Thing", related_name="parts", null=True
    )
    of_id: UUID | None
    parts: fields.ReverseRelation["Thing"]

    class Meta:
        table = "thing"
