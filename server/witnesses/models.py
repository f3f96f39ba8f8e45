"""Rows of this room. What was said of each child is a row of the watch (`WitnessWord`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.ids import uuid7


class Witness(Model):
    """A school, a club or a person who meets children on agreed days. They have no account and no
    right to any child: they get a link for one day, which opens with a PIN."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    kind = fields.CharField(max_length=8)  # A `rules.Kind`.
    name = EncryptedText()  # Where one child goes to school is a fact about that child.
    channel = fields.CharField(max_length=24)
    address = EncryptedText()
    language = fields.CharField(max_length=8, default="en")
    days: fields.Field[Any] = fields.JSONField()  # Weekdays, from Monday: [0, 1, 2, 3, 4].
    at = fields.CharField(max_length=5)  # "08:45" by its own clock.
    zone = fields.CharField(max_length=64)
    until_on = fields.DateField(null=True)  # The last agreed day; null: without an end.
    # What was agreed before the last change, as `rules.Agreed.as_data`, and when that came.
    before: fields.Field[Any] = fields.JSONField(null=True)
    changed_at = fields.DatetimeField(null=True)
    pin_hash = fields.CharField(max_length=64)  # Keyed, and bound to this witness.
    pin_by = fields.UUIDField(null=True)  # Who was shown the PIN last; null: nobody.
    # Since when it is new, as a child joined or its taker left; null: the witness has used it.
    pin_new_at = fields.DatetimeField(null=True)
    wrong = fields.SmallIntField(default=0)  # Wrong PINs since the last right one.
    locked_at = fields.DatetimeField(null=True)
    register_hash = fields.CharField(max_length=64, null=True)  # Of the address for a register.
    register_by = fields.UUIDField(null=True)  # As `pin_by` and `pin_new_at`.
    register_new_at = fields.DatetimeField(null=True)
    next_list_at = fields.DatetimeField(null=True)  # Null: it is not asked any longer.
    quarantined_at = fields.DatetimeField(null=True)
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "witness"
        indexes = (
            Index(fields=("agency_id",), name="witness_agency"),
            Index(fields=("next_list_at",), name="witness_next_list"),
        )
        constraints = (UniqueConstraint(fields=("register_hash",), name="witness_register"),)


class WitnessChild(Model):
    """A witness is asked about a child, under the name by which they know the child."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    witness: fields.ForeignKeyRelation[Witness] = fields.ForeignKeyField(
        "server.Witness", related_name="seats", on_delete=fields.RESTRICT
    )
    witness_id: UUID
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="witnesses", on_delete=fields.RESTRICT
    )
    child_id: UUID
    known_as = EncryptedText()
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)
    added_by = fields.UUIDField(null=True)

    class Meta:
        table = "witness_child"
        indexes = (
            Index(fields=("witness_id",), name="witness_child_witness"),
            Index(fields=("child_id",), name="witness_child_child"),
        )
        constraints = (
            UniqueConstraint(
                fields=("witness_id", "child_id"),
                name="witness_child_live",
                condition="until_at IS NULL",
            ),
        )


class WitnessList(Model):
    """The list of one day. The id is made from witness and due time, so that two tickers ask once.

    `state`: open, done, missed. Until the end of the day everything in it can be corrected.
    """

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    witness: fields.ForeignKeyRelation[Witness] = fields.ForeignKeyField(
        "server.Witness", related_name="lists", on_delete=fields.RESTRICT
    )
    witness_id: UUID
    due_at = fields.DatetimeField()
    zone = fields.CharField(max_length=64)
    ends_at = fields.DatetimeField()  # The end of that day, by the clock of the witness.
    state = fields.CharField(max_length=8, default="open")
    asked_at = fields.DatetimeField(null=True)  # Null: a register came before it was due.
    done_at = fields.DatetimeField(null=True)
    told_at = fields.DatetimeField(
        null=True
    )  # Since when the board shows that it is not filled in.
    next_action_at = fields.DatetimeField(null=True)
    quarantined_at = fields.DatetimeField(null=True)

    class Meta:
        table = "witness_list"
        indexes = (
            Index(fields=("witness_id", "due_at"), name="witness_list_due"),
            Index(fields=("agency_id", "told_at"), name="witness_list_told"),
            Index(fields=("next_action_at",), name="witness_list_act_at"),
        )


def live_at(now: datetime) -> dict[str, object]:
    """Which `WitnessChild` rows hold: as the arguments of a filter."""
    return {"until_at__isnull": True, "from_at__lte": now, "child__left_at__isnull": True}
