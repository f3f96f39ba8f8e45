"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.engines.indexes import PartialIndex


class AbsenceRequest(Model):
    """A child asks to be away. By itself it changes nothing: check-ins go on until a worker agrees.

    `state`: open, agreed, declined; recalled if the child took it back, replaced if the child asked
    anew for the same time, ended if the placement ended. What was agreed is in the absence of the
    same id: a worker may agree to other times than those asked for, and change them later.
    """

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="absence_requests", on_delete=fields.RESTRICT
    )
    child_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    place = EncryptedText()  # Where, in the child's words.
    words = EncryptedText(null=True)
    said_at = fields.DatetimeField()  # The phone's clock.
    made_at = fields.DatetimeField()  # When it reached us.
    state = fields.CharField(max_length=8, default="open")
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    answer = EncryptedText(null=True)  # The worker's words, for the child.
    # When the child said that they are back before the end, or that they do not go.
    back_at = fields.DatetimeField(null=True)
    # If a sign is agreed with this child: since when this waits to be checked for it.
    duress_check_at = fields.DatetimeField(null=True)

    class Meta:
        table = "absence_request"
        indexes = (
            Index(fields=("child_id", "made_at"), name="absence_request_child_made"),
            PartialIndex(
                fields=("duress_check_at",),
                name="absence_request_listen",
                where="duress_check_at IS NOT NULL",
            ),
        )
        constraints = (
            CheckConstraint(check="until_at > from_at", name="absence_request_ends_after_start"),
        )
