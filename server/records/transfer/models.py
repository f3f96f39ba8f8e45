"""A child goes from one agency to another: who can take one, and what was handed over."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON, EncryptedText


class Reception(Model):
    """A person has said that their agency can take a child: a code, told by telephone, that names
    the agency. It is valid once, and for some days."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="receptions", on_delete=fields.CASCADE
    )
    person_id: UUID
    code = EncryptedText()
    code_index = fields.CharField(max_length=64, unique=True)  # Blind index of the code.
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # Used, or replaced by a new one.

    class Meta:
        table = "reception"
        indexes = (Index(fields=("person_id", "made_at"), name="reception_person"),)


class Transfer(Model):
    """One child, offered by one agency to another. Open until that agency has answered, or the
    offer was taken back. The package and its manifest are kept, from the acceptance on, as they
    were sent."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()  # The agency that gives.
    to_agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="transfers", on_delete=fields.RESTRICT
    )
    child_id: UUID
    reception: fields.ForeignKeyRelation[Reception] = fields.ForeignKeyField(
        "server.Reception", related_name="transfers", on_delete=fields.RESTRICT
    )
    reception_id: UUID
    offered_by = fields.UUIDField()
    offered_at = fields.DatetimeField()
    why = EncryptedText()
    child_says = EncryptedText(null=True)  # The child's words about it; null: not asked yet.
    # Facts to withhold: what, from which person, and why.
    withheld: fields.Field[list[dict[str, str]]] = EncryptedJSON(default=list)
    state = fields.CharField(max_length=12, default="offered")  # transfer.State
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    decision = EncryptedText(null=True)  # Why it was refused.
    caseworker_id = fields.UUIDField(null=True)  # The caseworker since the acceptance.
    package = EncryptedText(null=True)  # JSON, byte for byte as the manifest counts it.
    manifest: fields.Field[dict[str, Any] | None] = fields.JSONField(null=True)
    signature = fields.TextField(null=True)

    class Meta:
        table = "transfer"
        indexes = (
            Index(fields=("agency_id",), name="transfer_agency"),
            Index(fields=("to_agency_id",), name="transfer_to_agency"),
            Index(fields=("child_id",), name="transfer_child"),
            Index(fields=("reception_id",), name="transfer_reception"),
        )
        constraints = (
            UniqueConstraint(
                fields=("child_id",), name="transfer_one_open", condition="decided_at IS NULL"
            ),
            CheckConstraint(
                check="(decided_at IS NULL) = (state = 'offered')", name="transfer_is_decided"
            ),
            CheckConstraint(
                check="(state = 'accepted') = (signature IS NOT NULL)", name="transfer_is_signed"
            ),
        )
