"""Agreements for a child without the app, and everything that came in from outside."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON, EncryptedText
from server.storage.engines.indexes import PartialIndex
from server.storage.ids import uuid7


class Texting(Model):
    """A number and words that a caseworker agreed with a child in person. One is valid at a
    time."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="textings", on_delete=fields.RESTRICT
    )
    child_id: UUID
    channel = fields.CharField(max_length=32)
    number = EncryptedText()
    number_index = fields.CharField(max_length=64)  # Blind index; several children may share one.
    words: fields.Field[Any] = EncryptedJSON()  # {"ok", "help", "other"?}
    replies = fields.BooleanField(db_default=True)  # We text back, and remind there.
    address_id = fields.UUIDField(null=True)
    agreed_by = fields.UUIDField()
    agreed_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "texting"
        indexes = (
            Index(fields=("number_index",), name="texting_number"),
            Index(fields=("child_id",), name="texting_child"),
        )
        constraints = (
            UniqueConstraint(
                fields=("child_id",), name="texting_live", condition="ended_at IS NULL"
            ),
        )


class Inbound(Model):
    """One message that a gateway handed in; the same one again does nothing. Where several agencies
    have this gateway, we store neither number nor text of an unknown number.

    `what`: ok, help, words (of a child); acknowledge, seen, not_seen, roll_call (of an adult);
    nothing, where an adult's text answers nothing; unknown. Words without a text are a message that
    we could not read.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    channel = fields.CharField(max_length=32)
    outer_id = fields.CharField(max_length=64)  # SHA-256 of the gateway's own id and the content.
    nth = fields.SmallIntField(default=0)  # A text from a shared phone has a row per child.
    at = fields.DatetimeField()
    what = fields.CharField(max_length=12)
    agency_id = fields.UUIDField(null=True)
    child_id = fields.UUIDField(null=True)
    person_id = fields.UUIDField(null=True)
    message_id = fields.UUIDField(null=True)  # Which message was answered: each once.
    is_shared = fields.BooleanField(default=False)  # Several children have this number.
    text = EncryptedText(null=True)
    sender = EncryptedText(null=True)  # Of an unknown number alone.

    class Meta:
        table = "inbound"
        indexes = (
            Index(fields=("child_id", "at"), name="inbound_child_at"),
            Index(fields=("at",), name="inbound_at"),
            PartialIndex(
                fields=("agency_id", "at"),
                name="inbound_unplaced",
                where="what IN ('unknown', 'nothing')",
            ),
        )
        constraints = (
            UniqueConstraint(fields=("channel", "outer_id", "nth"), name="inbound_once"),
            UniqueConstraint(
                fields=("message_id",),
                name="inbound_answers_once",
                condition="message_id IS NOT NULL",
            ),
        )


class ChildLink(Model):
    """A page on any phone, for one child, for a while. Its address is signed, and not stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="links", on_delete=fields.RESTRICT
    )
    child_id: UUID
    made_by = fields.UUIDField()
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "child_link"
        indexes = (Index(fields=("child_id",), name="child_link_child"),)


class Card(Model):
    """A card with a QR code for the front desk. Worthless without its PIN. One is valid at a
    time."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="cards", on_delete=fields.RESTRICT
    )
    child_id: UUID
    code = EncryptedText()  # So that the same card can be printed again.
    code_index = fields.CharField(max_length=64, unique=True)
    pin_hash = fields.CharField(max_length=64)  # Keyed, and bound to this card.
    wrong = fields.SmallIntField(default=0)  # Since the last right one.
    made_by = fields.UUIDField()
    made_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    locked_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "card"
        indexes = (Index(fields=("child_id",), name="card_child"),)
        constraints = (
            UniqueConstraint(fields=("child_id",), name="card_live", condition="ended_at IS NULL"),
        )


class FrontDesk(Model):
    """A device in a home that takes cards. A person who works there opens it by their PIN for a few
    minutes, to do the roll call; it can do nothing else."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    home: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Home", related_name="front_desks", on_delete=fields.RESTRICT
    )
    home_id: UUID
    token_hash = fields.CharField(max_length=64, unique=True)
    opened_by = fields.UUIDField()
    opened_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)
    unlocked_by = fields.UUIDField(null=True)  # A `home_worker`; null: it is locked.
    unlocked_until = fields.DatetimeField(null=True)
    unlock_hash = fields.CharField(max_length=64, null=True)  # Of the token in the browser.

    class Meta:
        table = "front_desk"
        indexes = (Index(fields=("home_id",), name="front_desk_home"),)
