"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.security.encryption import EncryptedText


class Trusted(Model):
    """A person a child named to be asked first. Checked by the caseworker; they have no account, no
    tie, and read nothing. `state`: named, yes, no, withdrawn."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="trusted", on_delete=fields.RESTRICT
    )
    child_id: UUID
    name = EncryptedText()
    reach = EncryptedText()  # How to reach the person, in the child's words.
    also_help = fields.BooleanField(default=False)  # Asked too when the child calls for help.
    named_at = fields.DatetimeField()
    state = fields.CharField(max_length=12, default="named")
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    why = EncryptedText(null=True)  # Why not, in words for the child.
    channel = fields.CharField(max_length=24, null=True)
    address = EncryptedText(null=True)
    language = fields.CharField(max_length=8, default="en")

    class Meta:
        table = "trusted"
        indexes = (Index(fields=("child_id", "state"), name="trusted_child_state"),)


class TrustedAsk(Model):
    """A trusted person is asked, beside the adults that one alert calls. They answer with one tap,
    once. The id is made from the alert and the person, so that we ask only once."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    trusted: fields.ForeignKeyRelation[Trusted] = fields.ForeignKeyField(
        "server.Trusted", related_name="asked", on_delete=fields.RESTRICT
    )
    trusted_id: UUID
    child_id = fields.UUIDField()
    alert_id = fields.UUIDField()
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    answer = fields.CharField(max_length=8, null=True)  # spoke, not
    answered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trusted_ask"
        indexes = (
            Index(fields=("alert_id",), name="trusted_ask_alert"),
            Index(fields=("trusted_id",), name="trusted_ask_trusted"),
        )
