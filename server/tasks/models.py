"""What must happen by a time, and its owner."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.storage.ids import uuid7
from server.tasks.rules import Kind, State, TaskSlice, Terms, next_at
from server.tasks.terms import terms_of


class Task(Model):
    """One thing that must happen by a time. Moved or opened again, it is another row, with the next
    turn: so the promised dates, and what became of them, stay."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="dues", on_delete=fields.RESTRICT
    )
    child_id: UUID
    kind = fields.CharField(max_length=16)
    subject_id = fields.UUIDField()  # The step, the message, the review, the child, the episode.
    turn = fields.IntField(default=0)
    # Null: the people who are `owner_role` to the child at the time.
    owner_id = fields.UUIDField(null=True)
    owner_role = fields.CharField(max_length=16)
    due_at = fields.DatetimeField()
    zone = fields.CharField(max_length=64)  # The zone whose mornings count.
    set_at = fields.DatetimeField()
    since_id = fields.UUIDField(null=True)  # What settled the turn before, where it repeats.
    but_id = fields.UUIDField(null=True)  # The one person whose turn it can never be.
    state = fields.CharField(max_length=8, default="open")
    told = fields.IntField(default=-1)
    next_action_at = fields.DatetimeField(null=True)  # When it next speaks; null: settled.
    settled_at = fields.DatetimeField(null=True)
    settled_by = fields.UUIDField(null=True)
    why = fields.CharField(max_length=24, null=True)  # A code.
    quarantined_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "task"
        indexes = (
            Index(fields=("next_action_at",), name="task_next_action_at"),
            Index(fields=("child_id", "state"), name="task_child_state"),
            # What is for the people on duty, of a table that only grows.
            Index(fields=("agency_id", "owner_role", "state"), name="task_agency_role_state"),
        )
        constraints = (
            UniqueConstraint(fields=("kind", "subject_id", "turn"), name="task_turn"),
            UniqueConstraint(
                fields=("kind", "subject_id"), name="task_one_open", condition="state = 'open'"
            ),
            # The database checks it too: an open row has a next step, a settled one none.
            CheckConstraint(
                check="(state = 'open') = (next_action_at IS NOT NULL)",
                name="task_open_has_next_step",
            ),
        )

    def slice(self) -> TaskSlice:
        """What the rules need of it."""
        return TaskSlice(self.due_at, self.set_at, self.zone, self.told, State(self.state))

    def terms(self) -> Terms:
        """When it speaks to which people."""
        return terms_of(Kind(self.kind), self.owner_role)

    def speaks_at(self) -> datetime | None:
        """When it next speaks, by the rules."""
        return next_at(self.slice(), self.terms())
