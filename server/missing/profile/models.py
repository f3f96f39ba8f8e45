"""The grab pack: its versions, who reviewed it, who opened it and why, and its photos."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedBytes, EncryptedJSON, EncryptedText
from server.storage.ids import uuid7


class GrabPack(Model):
    """One version, which is never changed. `part`: before (with the child's own words), or now, the
    questions at the time; each part has numbers of its own. A version in which the home's words
    changed has a second row, `home`, with its number: `said` then has for each field the text, who
    said it and when. Released code knows nothing of these fields, and loses none of them."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="packs", on_delete=fields.RESTRICT
    )
    child_id: UUID
    part = fields.CharField(max_length=8)
    version = fields.IntField()
    said: fields.Field[dict[str, Any]] = EncryptedJSON()
    made_by = fields.UUIDField()
    made_role = fields.CharField(max_length=16)
    made_at = fields.DatetimeField()

    class Meta:
        table = "grab_pack"
        indexes = (Index(fields=("child_id",), name="grab_pack_child"),)
        constraints = (
            UniqueConstraint(fields=("child_id", "part", "version"), name="grab_pack_version"),
        )


class PackCheck(Model):
    """A person has looked through a version and found it right."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pack_checks", on_delete=fields.RESTRICT
    )
    child_id: UUID
    version = fields.IntField()
    by_id = fields.UUIDField()
    by_role = fields.CharField(max_length=16)
    at = fields.DatetimeField()

    class Meta:
        table = "pack_check"
        indexes = (Index(fields=("child_id", "at"), name="pack_check_child_at"),)


class PackOpening(Model):
    """A person gave a reason, and may read for some minutes, in that session alone."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pack_openings", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person_id = fields.UUIDField()
    session_id = fields.UUIDField()
    why = EncryptedText()
    at = fields.DatetimeField()
    until_at = fields.DatetimeField()

    class Meta:
        table = "pack_opening"
        indexes = (
            Index(fields=("child_id",), name="pack_opening_child"),
            Index(fields=("session_id", "until_at"), name="pack_opening_session"),
        )


class PackCarry(Model):
    """A person on duty has the pack on a phone, in that session, until the duty ends. `why` is
    missing where adults were alerted about the child; then it lasts no longer than the alert."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pack_carries", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person_id = fields.UUIDField()
    session_id = fields.UUIDField()
    why: fields.Field[Any] = EncryptedText(null=True)  # None where adults are alerted.
    at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    put_down_at = fields.DatetimeField(null=True)

    class Meta:
        table = "pack_carry"
        indexes = (
            Index(fields=("child_id",), name="pack_carry_child"),
            Index(fields=("person_id", "until_at"), name="pack_carry_person"),
        )


class PackMark(Model):
    """A keyed hash of something in the current version of a pack. It shows what two packs have in
    common, and nothing can be read from it. `what` is `version` in the one row that says which
    version that was."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pack_marks", on_delete=fields.RESTRICT
    )
    child_id: UUID
    field = fields.CharField(max_length=32)
    what = fields.CharField(max_length=8)
    mark = fields.CharField(max_length=64)

    class Meta:
        table = "pack_mark"
        indexes = (
            Index(fields=("child_id",), name="pack_mark_child"),
            Index(fields=("agency_id", "mark"), name="pack_mark_agency"),
        )


class PackPhoto(Model):
    """A photo in two sizes, without anything that the camera wrote into it. When it is removed, the
    row stays and the pictures are deleted."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pack_photos", on_delete=fields.RESTRICT
    )
    child_id: UUID
    shows = fields.CharField(max_length=8)
    taken_on = fields.DateField(null=True)
    page: fields.Field[Any] = EncryptedBytes(null=True)
    thumb: fields.Field[Any] = EncryptedBytes(null=True)
    digest = fields.CharField(max_length=64)  # Keyed hash: recognises the same photo.
    added_by = fields.UUIDField()
    added_at = fields.DatetimeField()
    removed_by = fields.UUIDField(null=True)
    removed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "pack_photo"
        indexes = (Index(fields=("child_id",), name="pack_photo_child"),)
