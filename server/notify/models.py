"""Addresses, the outbox, and every attempt to deliver."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.notify.rules import PUSH
from server.security.encryption import EncryptedBytes, EncryptedJSON, EncryptedText
from server.storage.engines.partitions import ByMonth
from server.storage.ids import uuid7


class Address(Model):
    """Where one person can be reached by one channel; without a person, an agency's own last
    resort."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField(null=True)
    person: fields.ForeignKeyNullableRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="addresses", null=True, on_delete=fields.CASCADE
    )
    person_id: UUID | None
    channel = fields.CharField(max_length=24)  # push, email, or a NAME of WAYMARK_CHANNELS
    value = EncryptedText()
    value_index = fields.CharField(max_length=64)  # Blind index, so that one address exists once.
    keys: fields.Field[Any] = EncryptedJSON(null=True)
    device_id = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    last_accepted_at = fields.DatetimeField(null=True)
    last_seen_at = fields.DatetimeField(null=True)  # A receipt: it was shown.
    last_failed_at = fields.DatetimeField(null=True)
    # When it was first refused as no address since something was last accepted there, and why.
    refused_at = fields.DatetimeField(null=True)
    refused_why = fields.CharField(max_length=24, null=True)
    receipts_since = fields.DatetimeField(null=True)  # The device said that it gives receipts.
    unseen = fields.IntField(default=0, db_default=0)  # Accepted since the last receipt.
    unseen_since = fields.DatetimeField(null=True)  # When the first of these was sent.
    dropped_at = fields.DatetimeField(null=True)
    dropped_why = fields.CharField(max_length=24, null=True)
    # Null: nobody has answered from there yet, so it does not count as a way to reach the person.
    verified_at = fields.DatetimeField(null=True)
    code_hash = fields.CharField(max_length=64, null=True)  # Of the latest code.
    code_made_at = fields.DatetimeField(null=True)
    code_turn = fields.IntField(default=0, db_default=0)  # Codes so far: only the last one works.
    code_wrong = fields.SmallIntField(default=0, db_default=0)  # Wrong guesses at the last one.

    @property
    def has_answered(self) -> bool:
        """Whether anyone has answered from there. An address in use before we asked for codes has
        not, and counts all the same: no upgrade made a person unreachable."""
        is_asked = self.verified_at != self.made_at or self.last_seen_at is not None
        return self.channel == PUSH or (self.verified_at is not None and is_asked)

    class Meta:
        table = "address"
        indexes = (Index(fields=("person_id", "channel"), name="address_person_channel"),)
        constraints = (
            UniqueConstraint(
                fields=("person_id", "channel", "value_index"),
                name="address_live",
                condition="dropped_at IS NULL",
            ),
        )


class Preference(Model):
    """How one person wants to be reached. Its id is the person's; no row means no preference. An
    adult has an order of channels and quiet hours, a child school hours and a lock-screen text."""

    id = fields.UUIDField(primary_key=True)
    channels: fields.Field[list[str]] = fields.JSONField(default=list)  # In the order of choice.
    quiet_from = fields.CharField(max_length=5, null=True)  # 22:00, on the person's clock.
    quiet_until = fields.CharField(max_length=5, null=True)
    # When low-urgency tasks come as one message, on the person's clock. Null: each comes by itself.
    digest_at = fields.CharField(max_length=5, null=True)
    digest_next_at = fields.DatetimeField(null=True)  # The next of these moments.
    # As hours.py reads it. Sealed: it says where a child is, and when.
    school: fields.Field[Any] = EncryptedJSON(null=True)
    lock_text = fields.CharField(max_length=12, null=True)  # A code of lock_texts.py.
    changed_at = fields.DatetimeField()

    class Meta:
        table = "preference"
        indexes = (Index(fields=("digest_next_at",), name="preference_digest_next_at"),)


class Snooze(Model):
    """A child asked to be reminded again, later. One row for each time; it settles nothing, and no
    alarm waits for it."""

    id = fields.UUIDField(primary_key=True)
    person_id = fields.UUIDField()
    subject_id = fields.UUIDField()  # The round.
    asked_at = fields.DatetimeField()
    until_at = fields.DatetimeField()

    class Meta:
        table = "snooze"
        indexes = (
            Index(fields=("subject_id",), name="snooze_subject"),
            Index(fields=("person_id", "asked_at"), name="snooze_person_asked"),
        )


class Process(Model):
    """A process that sends. It counts its beats up each second; other processes compare the number
    with the one they read before, so that no two machines' clocks are compared."""

    id = fields.CharField(max_length=36, primary_key=True)  # The name in `leased_by`.
    beats = fields.BigIntField()

    class Meta:
        table = "process"


class Message(Model):
    """One message to one person by one channel: a row of the outbox.

    Unique by (subject, kind, rung, turn, person, channel): code that runs twice sends it once.
    `state`: waiting, sending (leased), done, failed, withdrawn, withheld.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField(null=True)
    # Null is a last resort, which is no person: `last_resort` or `resort_id` says which. Or a
    # person outside, who has no account: `data` says where, sealed like all personal data.
    person: fields.ForeignKeyNullableRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="messages", null=True, on_delete=fields.CASCADE
    )
    person_id: UUID | None
    last_resort = fields.SmallIntField(null=True)  # Index into WAYMARK_LAST_RESORT.
    resort_id = fields.UUIDField(null=True)  # An agency's own last resort: a row of `address`.
    # The id of the person or of the address, or "last-resort-N": for uniqueness.
    to_key = fields.CharField(max_length=36)
    channel = fields.CharField(max_length=24)
    kind = fields.CharField(max_length=24)
    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.UUIDField()
    rung = fields.SmallIntField(default=0)
    turn = fields.IntField(default=0)
    child_id = fields.UUIDField(null=True)
    # Messages to one person with the same id here go out as one; each stays a row of its own.
    together = fields.UUIDField(null=True)
    data: fields.Field[Any] = EncryptedJSON(null=True)  # A carer's link and the like.
    urgency = fields.CharField(max_length=8, default="normal")
    queued_at = fields.DatetimeField()
    # From when it may go out: later than `queued_at` where it waits for others, for a date, or for
    # the end of quiet hours. A failed attempt moves it nowhere. Null in rows of older versions.
    ready_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)
    state = fields.CharField(max_length=12, default="waiting")
    next_action_at = fields.DatetimeField(
        null=True
    )  # When the worker looks at it next; null: never again.
    lease_until = fields.DatetimeField(null=True)
    leased_by = fields.CharField(max_length=36, null=True)
    attempts = fields.SmallIntField(default=0)
    done_at = fields.DatetimeField(null=True)
    seen_at = fields.DatetimeField(null=True)
    why = fields.CharField(max_length=32, null=True)

    by_month = ByMonth(
        "id", is_id=True, once=("subject_id", "kind", "rung", "turn", "to_key", "channel")
    )

    @property
    def may_go_at(self) -> datetime:
        """From when it may go out: after that it is late."""
        return self.ready_at or self.queued_at

    class Meta:
        table = "message"
        indexes = (
            Index(fields=("next_action_at",), name="message_act_at"),
            Index(fields=("subject_id",), name="message_subject"),
            Index(fields=("person_id",), name="message_person"),
            Index(fields=("child_id", "queued_at"), name="message_child_queued"),
        )
        constraints = (
            UniqueConstraint(
                fields=(
                    "subject_id",
                    "kind",
                    "rung",
                    "turn",
                    "to_key",
                    "channel",
                ),
                name="message_once",
            ),
        )


class Enclosure(Model):
    """A file that goes out with one message, kept as it was sent."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "server.Message", related_name="enclosures", on_delete=fields.CASCADE
    )
    message_id: UUID
    name = fields.CharField(max_length=60)  # Says nothing about any person.
    media_type = fields.CharField(max_length=40)
    content: fields.Field[Any] = EncryptedBytes()

    class Meta:
        table = "enclosure"
        indexes = (Index(fields=("message_id",), name="enclosure_message"),)


class Delivery(Model):
    """One attempt, or one reason why there was none. Written before the network is touched."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "server.Message", related_name="deliveries", on_delete=fields.CASCADE
    )
    message_id: UUID
    address_id = fields.UUIDField(null=True)
    channel = fields.CharField(max_length=24)
    attempt = fields.SmallIntField()
    started_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    result = fields.CharField(max_length=12, default="sending")
    why = fields.CharField(max_length=48, null=True)
    status = fields.SmallIntField(null=True)
    seen_at = fields.DatetimeField(null=True)

    by_month = ByMonth("id", is_id=True)

    class Meta:
        table = "delivery"
        indexes = (
            Index(fields=("message_id",), name="delivery_message"),
            Index(fields=("address_id", "started_at"), name="delivery_address"),
            Index(fields=("channel", "started_at"), name="delivery_channel"),
        )
