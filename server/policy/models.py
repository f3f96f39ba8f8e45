"""Rows of this room."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.ids import uuid7


class Policy(Model):
    """One version of what follows silence, as data. Versions are added, never edited."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    version = fields.IntField()
    content: fields.Field[dict[str, Any]] = fields.JSONField()
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    words = EncryptedText(null=True)  # Why it was adopted.
    # The factors of a budget of alarms with which it begins; null: as written.
    factors: fields.Field[dict[str, float] | None] = fields.JSONField(null=True)

    class Meta:
        table = "policy"
        constraints = (UniqueConstraint(fields=("agency_id", "version"), name="policy_version"),)


class WeekState(StrEnum):
    """What became of the numbers that a week called for."""

    COUNTED = "counted"  # The policy never adapts.
    KEPT = "kept"  # There was nothing to change.
    PROPOSED = "proposed"
    ADOPTED = "adopted"
    DECLINED = "declined"
    OVERTAKEN = "overtaken"  # Another version came, or the next week.
    ADAPTED = "adapted"  # They hold from then on, within the limits.


_WEEKS = UUID("5d0f4f9e-7c55-4b0e-9d0b-3f0f8c1f5a83")


def week_id(agency_id: UUID, ends_at: datetime) -> UUID:
    """The id of the week of an agency that ends at a moment."""
    return uuid5(_WEEKS, f"{agency_id}:{ends_at.astimezone(UTC).isoformat()}")


class BudgetWeek(Model):
    """One week of an agency, counted for its budget of alarms. The id is made of agency and end
    (`week_id`), so that a week is counted once. No child is named here."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    ends_at = fields.DatetimeField()
    made_at = fields.DatetimeField()  # When it was counted: later only if our server was down.
    version = fields.IntField()  # Of the policy, then.
    children: fields.Field[dict[str, int]] = fields.JSONField()  # By level, at the end.
    calls: fields.Field[dict[str, int]] = fields.JSONField()  # To adults, by level.
    # By the person who closed them: how many because the child was there, and of how many.
    closings: fields.Field[dict[str, list[int]]] = fields.JSONField()
    answered = fields.IntField()  # Calls that the child answered soon.
    # `pages`, the budget then, and `rate`, the false calls a worker-week by the last weeks; null:
    # there was no child.
    figures: fields.Field[dict[str, float | None]] = fields.JSONField()
    # Of the line of each level, before and after. Those after hold where the state says so.
    before: fields.Field[dict[str, float]] = fields.JSONField()
    after: fields.Field[dict[str, float]] = fields.JSONField()
    # Words whose truth is known, with those of earlier weeks (`WordCounts` in policy/learned.py).
    told: fields.Field[dict[str, Any] | None] = fields.JSONField(null=True)
    state = fields.CharField(max_length=12)  # WeekState
    decided_by = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    words = EncryptedText(null=True)  # Why a proposal was declined.

    class Meta:
        table = "budget_week"
        constraints = (UniqueConstraint(fields=("agency_id", "ends_at"), name="budget_week_once"),)

    @property
    def pages(self) -> float:
        """The budget, then."""
        return self.figures["pages"] or 0.0

    @property
    def rate(self) -> float | None:
        """False calls in a worker-week, by the last weeks; None: there was no child."""
        return self.figures["rate"]
