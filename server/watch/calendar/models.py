"""Rows of this room."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Milestone(Model):
    """A day in a child's calendar around which the watch is tighter. A row never changes, except
    for whether the child knows of the day; a wrong one is marked as wrong."""

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="milestones", on_delete=fields.RESTRICT
    )
    child_id: UUID
    what = fields.CharField(max_length=12)  # A code of milestones.py.
    on_day = fields.DateField()
    until_at = fields.DatetimeField()  # The tighter watch around it ends.
    next_action_at = fields.DatetimeField(
        null=True
    )  # It begins; None once it has, or was taken back.
    made_by = fields.UUIDField(null=True)  # None: it follows from something that happened.
    made_at = fields.DatetimeField()
    # When an adult said that the child knows of the day.
    known_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "milestone"
        indexes = (
            Index(fields=("next_action_at",), name="milestone_act_at"),
            Index(fields=("child_id", "until_at"), name="milestone_child_until"),
        )
