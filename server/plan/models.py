"""The life project, its changes, and changes sent over a tie that had ended."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON
from server.storage.engines.indexes import PartialIndex


class LifeProject(Model):
    """One per child. `shown` is the result of its changes: a cache, which tests compute again."""

    child: fields.OneToOneRelation["Model"] = fields.OneToOneField(
        "server.Child", related_name="life_project", primary_key=True, on_delete=fields.RESTRICT
    )
    child_id: UUID
    agency_id = fields.UUIDField()
    number = fields.BigIntField(default=0)  # Of the last change.
    last_id = fields.UUIDField(null=True)  # Its id.
    revision = fields.IntField(default=0)
    signed_revision = fields.IntField(null=True)
    shown: fields.Field[dict[str, Any]] = EncryptedJSON(null=True)
    # What a person decided about the page to hang up (`wall/rules.py`, `Choice`): no part of the
    # text that is agreed, so it makes no revision.
    wall: fields.Field[dict[str, Any]] = EncryptedJSON(null=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "life_project"


class Change(Model):
    """One change, appended and never altered. Its id comes from the phone that made it."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="changes", on_delete=fields.RESTRICT
    )
    child_id: UUID
    number = fields.BigIntField()  # Given under the project's lock: no slow commit is passed by.
    entity = fields.CharField(max_length=16)
    entity_id = fields.UUIDField()
    field = fields.CharField(max_length=24)
    base = fields.UUIDField(null=True)
    value: fields.Field[Any] = EncryptedJSON(null=True)
    said_at = fields.DatetimeField()  # The phone's clock.
    received_at = fields.DatetimeField()  # Ours.
    who_id = fields.UUIDField()
    who_role = fields.CharField(max_length=16)  # Their role for the child then.
    device_id = fields.UUIDField(null=True)
    session_id = fields.UUIDField(null=True)  # It gets everyone's changes but its own.
    owner_role = fields.CharField(max_length=16, null=True)  # Of the step's owner by this change.
    revision = fields.IntField()  # Of the project after it.
    content_hash = fields.CharField(max_length=64)  # Tells a repeat from a reused id.

    class Meta:
        table = "change"
        # Whether a thing of another child has this id.
        indexes = (PartialIndex(fields=("entity_id",), name="change_makes", where="field = '*'"),)
        constraints = (UniqueConstraint(fields=("child_id", "number"), name="change_number"),)


class Quarantined(Model):
    """A change sent over a tie that had ended: kept for a person to look at, not merged."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="quarantined", on_delete=fields.RESTRICT
    )
    child_id: UUID
    who_id = fields.UUIDField()
    who_role = fields.CharField(max_length=16)
    said: fields.Field[Any] = EncryptedJSON()
    received_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.UUIDField(null=True)
    is_let_in = fields.BooleanField(null=True)
    content_hash = fields.CharField(max_length=64)

    class Meta:
        table = "quarantined"
        indexes = (Index(fields=("child_id",), name="quarantined_child"),)


class Template(Model):
    """A goal with steps that an agency offers in an area. Once retired, it is no longer offered;
    what was made from it was never tied to it."""

    id = fields.UUIDField(primary_key=True)  # Made with the form, so that a form sent twice is one.
    agency_id = fields.UUIDField()
    kind = fields.CharField(max_length=16)  # Of the area.
    language = fields.CharField(max_length=8, null=True)  # Of its words; null for any other.
    age_from = fields.IntField(null=True)  # Whole years, both included.
    age_to = fields.IntField(null=True)
    spoken: fields.Field[dict[str, Any]] = EncryptedJSON()  # `Offer.spoken`.
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    retired_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "template"
        indexes = (Index(fields=("agency_id",), name="template_agency"),)
