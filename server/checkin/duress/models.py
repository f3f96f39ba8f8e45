"""Rows of this room."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON
from server.storage.ids import uuid7


class DuressSign(Model):
    """A sign agreed with a child, in person, to mean: I am not OK. At most one is valid.

    The sign itself is sealed in `what`: `{"mark": "a" | "b" | null, "word": str | null}`.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="duress_signs", on_delete=fields.RESTRICT
    )
    child_id: UUID
    what: fields.Field[Any] = EncryptedJSON()
    agreed_by = fields.UUIDField()
    agreed_at = fields.DatetimeField()
    practise_until = fields.DatetimeField(null=True)  # Until then it calls nobody, and shows here.
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "duress_sign"
        indexes = (Index(fields=("child_id",), name="duress_sign_child"),)
        constraints = (
            UniqueConstraint(
                fields=("child_id",), name="duress_sign_holds", condition="ended_at IS NULL"
            ),
        )


class DuressHeard(Model):
    """A check-in, or a request to be away, in which the sign was heard. Practised: nobody was
    called."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="duress_heard", on_delete=fields.RESTRICT
    )
    child_id: UUID
    check_in_id = fields.UUIDField(unique=True)  # Of the check-in, or of the request.
    sign_id = fields.UUIDField(
        null=True
    )  # Null: the word of a text message, agreed with its number.
    alert_id = fields.UUIDField(null=True)  # Null: it was practised.
    at = fields.DatetimeField()  # When the answer reached us.
    heard_at = fields.DatetimeField()

    class Meta:
        table = "duress_heard"
        indexes = (
            Index(fields=("child_id",), name="duress_heard_child"),
            Index(fields=("alert_id",), name="duress_heard_alert"),
        )
