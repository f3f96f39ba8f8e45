"""The check-in: made on the phone, kept for ever in the child's words."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.engines.indexes import PartialIndex
from server.storage.engines.partitions import ByMonth
from server.storage.ids import uuid7


class CheckIn(Model):
    """One answer. Its id is made on the phone; the first answer that we gave is kept beside it."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="check_ins", on_delete=fields.RESTRICT
    )
    child_id: UUID
    by_id = fields.UUIDField()  # The child, or the adult who answered for them.
    by_role = fields.CharField(max_length=16)
    by_way = fields.CharField(max_length=8, default="app", db_default="app")  # alert.levels.Way
    device_id = fields.UUIDField(null=True)
    said_at = fields.DatetimeField()  # The phone's clock.
    received_at = fields.DatetimeField()  # Ours; this one decides.
    # When it was said, by our clock; null: we cannot know, or an earlier release took it.
    spoken_at = fields.DatetimeField(null=True)
    mood = fields.SmallIntField(null=True)
    note = EncryptedText(null=True)
    want = fields.CharField(max_length=8, default="nothing")
    mark = fields.CharField(max_length=1, default="a")
    is_late = fields.BooleanField(default=False)  # Settled a round after its grace.
    is_early = fields.BooleanField(
        default=False
    )  # Before any round was open: kept, settles nothing.
    # If a sign is agreed with this child: since when this waits to be checked for it. Every answer
    # takes the same way there; the ticker does the rest.
    duress_check_at = fields.DatetimeField(null=True)
    # For a call for help: how to meet the child (call, quiet, come), and which adult.
    how = fields.CharField(max_length=8, null=True)
    who_id = fields.UUIDField(null=True)
    content_hash = fields.CharField(max_length=64)  # Tells a repeat from a reused id.
    answer: fields.Field[dict[str, Any]] = fields.JSONField()

    @property
    def is_old(self) -> bool:
        """Whether it was too old to tell how the child was when it came."""
        return bool(self.answer.get("is_old"))

    # A phone may send one id again in another month.
    by_month = ByMonth("received_at", once=("id",))

    class Meta:
        table = "check_in"
        indexes = (
            Index(fields=("child_id", "received_at"), name="check_in_child_received"),
            # Nearly empty: of children with a sign alone, and for a second each.
            PartialIndex(
                fields=("duress_check_at",),
                name="check_in_listen",
                where="duress_check_at IS NOT NULL",
            ),
        )
        constraints = (
            CheckConstraint(check="mood IS NULL OR mood BETWEEN 1 AND 5", name="check_in_mood"),
        )


class SharedQuestion(Model):
    """A question whose answer only a child and their caseworker know. At most one is valid."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="shared_questions", on_delete=fields.RESTRICT
    )
    child_id: UUID
    text = EncryptedText()
    answer = EncryptedText()
    agreed_by = fields.UUIDField()
    agreed_at = fields.DatetimeField()
    asked_at = fields.DatetimeField(null=True)  # The phone asks it since then; null: it does not.
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "shared_question"
        indexes = (Index(fields=("child_id",), name="shared_question_child"),)
        constraints = (
            UniqueConstraint(
                fields=("child_id",), name="shared_question_holds", condition="ended_at IS NULL"
            ),
        )


class SharedAnswer(Model):
    """What was answered to it on the phone. Its id is made there."""

    id = fields.UUIDField(primary_key=True)
    question_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="shared_answers", on_delete=fields.RESTRICT
    )
    child_id: UUID
    at = fields.DatetimeField()
    words = EncryptedText()
    is_otherwise = fields.BooleanField()  # Than agreed. It says only that.

    class Meta:
        table = "shared_answer"
        indexes = (Index(fields=("child_id", "at"), name="shared_answer_child_at"),)
