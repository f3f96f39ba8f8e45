"""Rows of this room."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class RecordQuestion(Model):
    """A child asks about an entry of what is recorded about them; an adult answers, once. The child
    may ask again, which is another row. The entry itself is named by its list and its id there."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="record_questions", on_delete=fields.RESTRICT
    )
    child_id: UUID
    about_kind = fields.CharField(max_length=12)  # rules.About
    about_id = fields.CharField(max_length=64)
    about_at = fields.DatetimeField()
    shown = EncryptedText(null=True)  # The entry, as the phone showed it.
    words = EncryptedText()
    to_role = fields.CharField(max_length=16)  # rules.AskedOf
    asked_at = fields.DatetimeField()  # When it arrived here.
    due_at = fields.DatetimeField()
    answer = EncryptedText(null=True)
    answered_at: datetime | None = fields.DatetimeField(null=True)
    answered_by: UUID | None = fields.UUIDField(null=True)
    content_hash = fields.CharField(max_length=64)  # Tells a repeat from a reused id.

    class Meta:
        table = "record_question"
        indexes = (Index(fields=("child_id", "asked_at"), name="record_question_child"),)
