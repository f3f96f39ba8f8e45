"""Rows of drills."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.storage.ids import uuid7


class Drill(Model):
    """A drill of the ladder, without a child: who would have been called, and how soon each
    answered. It is no alert, and counts in no figure about alerts."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    worker_id = fields.UUIDField()  # The caseworker whose ladder it is.
    begun_by = fields.UUIDField(null=True)  # Null: it began by its schedule.
    begun_at = fields.DatetimeField()
    each_s = fields.IntField()
    places: fields.Field[list[dict[str, Any]]] = fields.JSONField()  # Codes and ids, no names.
    place = fields.SmallIntField(default=-1)
    next_action_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    why = fields.CharField(max_length=16, null=True)

    class Meta:
        table = "drill"
        indexes = (
            Index(fields=("next_action_at",), name="drill_act_at"),
            Index(fields=("agency_id", "begun_at"), name="drill_agency_begun"),
        )
        constraints = (
            UniqueConstraint(
                fields=("agency_id",), name="drill_one_open", condition="ended_at IS NULL"
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (next_action_at IS NOT NULL)",
                name="drill_open_has_next_step",
            ),
        )


class DrillCall(Model):
    """One rung of a drill that was called, and when a person on it answered."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    drill: fields.ForeignKeyRelation[Drill] = fields.ForeignKeyField(
        "server.Drill", related_name="calls", on_delete=fields.CASCADE
    )
    drill_id: UUID
    place = fields.SmallIntField()
    called_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)
    answered_by = fields.UUIDField(null=True)  # Null, though answered: a last resort.

    class Meta:
        table = "drill_call"
        constraints = (UniqueConstraint(fields=("drill_id", "place"), name="drill_call_once"),)


class DrillPlan(Model):
    """When drills of an agency start by themselves. Its id is the agency's."""

    id = fields.UUIDField(primary_key=True)
    every = fields.CharField(max_length=8, null=True)  # Null: never.
    weekday = fields.SmallIntField(default=0)
    at = fields.CharField(max_length=5, default="10:00")
    next_action_at = fields.DatetimeField(null=True)
    changed_by = fields.UUIDField(null=True)
    changed_at = fields.DatetimeField()

    class Meta:
        table = "drill_plan"
        indexes = (Index(fields=("next_action_at",), name="drill_plan_act_at"),)
