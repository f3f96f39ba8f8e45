"""Rows of this room."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Question(Model):
    """ "Have you seen them?", asked of one carer about one miss; answered with one tap, once. The
    id is made from everything it asks, so that two tickers ask it once."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="questions", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person_id = fields.UUIDField()
    about_due_at = fields.DatetimeField()
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)
    answer = fields.CharField(max_length=8, null=True)  # seen, not_seen

    def still_waits(self, missed_due_at: datetime | None) -> bool:
        """Whether the check-in of this question is still missing, by the watch's first miss."""
        return missed_due_at is not None and self.about_due_at >= missed_due_at

    class Meta:
        table = "question"
        indexes = (Index(fields=("child_id", "asked_at"), name="question_child_asked"),)
