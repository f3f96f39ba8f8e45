"""Credentials, sessions, devices, invitations, and guesses counted in rows."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.crypt import EncryptedText
from server.ids import uuid7


class Credential(Model):
    """A sign-in name and a password of a member of staff."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.OneToOneRelation["Model"] = fields.OneToOneField(
        "server.Person", related_name="credential", on_delete=fields.CASCADE
    )
    person_id: UUID
    name = EncryptedText()
    name_index = fields.CharField(max_length=64, unique=True)  # Blind index of the folded name.
    password_hash = fields.CharField(max_length=255)  # argon2id
    changed_at = fields.DatetimeField()

    class Meta:
        table = "credential"


class Device(Model):
    """A phone that was paired. Its id is made on the phone."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="devices", on_delete=fields.RESTRICT
    )
    person_id: UUID
    label = EncryptedText(null=True)
    paired_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField(null=True)
    shut_out_at = fields.DatetimeField(null=True)
    shut_out_by = fields.UUIDField(null=True)

    class Meta:
        table = "device"
        indexes = (Index(fields=("person_id",), name="device_person"),)


class Session(Model):
    """What a token opens. The token is random and is not here: only its SHA-256."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    token_hash = fields.CharField(max_length=64, unique=True)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="sessions", on_delete=fields.CASCADE
    )
    person_id: UUID
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "server.Device", related_name="sessions", null=True, on_delete=fields.CASCADE
    )
    device_id: UUID | None
    made_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(
        null=True
    )  # Null: a child's phone, which only a person shuts out.
    ended_at = fields.DatetimeField(null=True)
    ended_why = fields.CharField(max_length=24, null=True)

    class Meta:
        table = "session"
        indexes = (
            Index(fields=("person_id",), name="session_person"),
            Index(fields=("device_id",), name="session_device"),
        )


class Invite(Model):
    """A code that pairs one device with one person, once.

    Three characters name it and are stored; five are its secret and are stored as a hash only.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="invites", on_delete=fields.CASCADE
    )
    person_id: UUID
    name = fields.CharField(max_length=3)
    secret_hash = fields.CharField(max_length=64)
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    wrong = fields.SmallIntField(default=0)
    used_at = fields.DatetimeField(null=True)
    used_by_device = fields.UUIDField(null=True)
    ended_at = fields.DatetimeField(
        null=True
    )  # Used, burned, expired or replaced: the name is free.
    ended_why = fields.CharField(max_length=16, null=True)

    class Meta:
        table = "invite"
        indexes = (
            Index(fields=("person_id",), name="invite_person"),
            Index(fields=("name", "made_at"), name="invite_name_made"),
        )
        constraints = (
            UniqueConstraint(
                fields=("name",), name="invite_live_name", condition="ended_at IS NULL"
            ),
        )


class Guess(Model):
    """One wrong try at a door. Counted in rows, so that all processes count together."""

    id = fields.BigIntField(primary_key=True)
    door = fields.CharField(max_length=16)  # password, pair
    key = fields.CharField(max_length=64)  # Blind index of a name or of a network address.
    at = fields.DatetimeField()

    class Meta:
        table = "guess"
        indexes = (Index(fields=("door", "key", "at"), name="guess_key_at"),)
