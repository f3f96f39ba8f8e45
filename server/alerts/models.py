"""The row of an alert."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.ids import uuid7


class Alert(Model):
    """A call to adults. At most one open per child and cause; the ladder is frozen into it."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="alerts", on_delete=fields.RESTRICT
    )
    child_id: UUID
    cause = fields.CharField(max_length=16)  # ladder.Cause
    tier = fields.CharField(max_length=8)
    opened_at = fields.DatetimeField()  # When it became true.
    noticed_at = fields.DatetimeField()  # When we saw it: later only after our server was down.
    opened_by = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=32)  # Why it opened, as a code.
    words = EncryptedText(null=True)  # What the person who opened it said.
    facts: fields.Field[dict[str, Any]] = fields.JSONField(
        default=dict
    )  # Codes and times, no words.
    ladder: fields.Field[dict[str, Any]] = fields.JSONField()
    state = fields.CharField(max_length=12, default="open")  # ladder.State
    rung = fields.SmallIntField(default=-1)
    turn = fields.IntField(default=0)
    next_action_at = fields.DatetimeField(null=True)
    decide_at = fields.DatetimeField(null=True)
    misses = fields.SmallIntField(default=1)  # Rounds that are late and were not answered.
    acknowledged_by = fields.UUIDField(null=True)
    acknowledged_at = fields.DatetimeField(null=True)
    held_until = fields.DatetimeField(null=True)  # When that lapses; `has_until` may be sooner.
    # The holder had no tie, duty or place on the ladder when they took it, only a call about it.
    held_by_call = fields.BooleanField(default=False, db_default=False)
    # When the child said it, where it reached us much later; and of the last call.
    said_at = fields.DatetimeField(null=True)
    called_said_at = fields.DatetimeField(null=True)
    called_at = fields.DatetimeField(null=True)  # The last time the child called, if again.
    # As cries/cry.py has them: what follows from calls for help while it is open.
    tell_at = fields.DatetimeField(null=True)
    untold = fields.SmallIntField(default=0, db_default=0)
    react_at = fields.DatetimeField(null=True)
    is_beside = fields.BooleanField(default=False, db_default=False)
    answered_at = fields.DatetimeField(null=True)
    contacted_at = fields.DatetimeField(null=True)  # The last time someone reached the child.
    contacted_by = fields.UUIDField(null=True)
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.UUIDField(null=True)
    outcome = fields.CharField(max_length=16, null=True)
    closing_words = EncryptedText(null=True)
    version = fields.IntField(default=0)

    @property
    def has_until(self) -> datetime | None:
        """Until when the holder has it: until that lapses, or their right to it ends."""
        if self.acknowledged_by is None or self.held_until is None or self.next_action_at is None:
            return self.held_until
        return min(self.held_until, self.next_action_at)

    class Meta:
        table = "alert"
        indexes = (
            Index(fields=("next_action_at",), name="alert_act_at"),
            Index(fields=("decide_at",), name="alert_decide_at"),
            Index(fields=("tell_at",), name="alert_tell_at"),
            Index(fields=("react_at",), name="alert_react_at"),
            Index(fields=("noticed_at",), name="alert_noticed_at"),
            Index(fields=("agency_id", "closed_at"), name="alert_agency_closed"),
            Index(fields=("child_id",), name="alert_child"),
        )
        constraints = (
            UniqueConstraint(
                fields=("child_id", "cause"), name="alert_one_open", condition="closed_at IS NULL"
            ),
            # The database checks it too: a closed alert has an outcome, an open one a next step.
            CheckConstraint(
                check="(closed_at IS NULL) = (outcome IS NULL)", name="alert_closed_has_outcome"
            ),
            CheckConstraint(
                check="closed_at IS NOT NULL OR next_action_at IS NOT NULL",
                name="alert_open_has_next_step",
            ),
        )


class Attempt(Model):
    """A try to reach the child or the people around them, as the person who made it logged it.
    Only ever added."""

    id = fields.UUIDField(primary_key=True)  # Made by the form: sent twice, it is one attempt.
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="attempts", on_delete=fields.RESTRICT
    )
    child_id: UUID
    alert: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Alert", related_name="attempts", on_delete=fields.RESTRICT
    )
    alert_id: UUID
    at = fields.DatetimeField()  # When they tried.
    received_at = fields.DatetimeField()  # When we heard of it.
    who_id = fields.UUIDField()
    way = fields.CharField(max_length=8)  # attempt_rules.Way
    target = fields.CharField(max_length=8)  # attempt_rules.Target
    result = fields.CharField(max_length=16)  # attempt_rules.Result
    words = EncryptedText(null=True)

    class Meta:
        table = "alert_attempt"
        indexes = (
            Index(fields=("alert_id", "at"), name="attempt_alert_at"),
            Index(fields=("child_id", "at"), name="attempt_child_at"),
        )
