"""What must happen by a time, and whose it is."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.storage.ids import uuid7
from server.tasks.rules import Due as Slice
from server.tasks.rules import Kind, State, Terms, next_at, terms_of


class Due(Model):
    """One thing that must happen by a time. Moved or opened again, it is another row, with the
    next turn: what was promised for when, and what became of it, stays."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="dues", on_delete=fields.RESTRICT
    )
    child_id: UUID
    kind = fields.CharField(max_length=16)
    subject_id = fields.UUIDField()  # The step, the message, the review, the child, the episode.
    turn = fields.IntField(default=0)
    # Null: whoever is `owner_role` to the child, whenever it speaks.
    owner_id = fields.UUIDField(null=True)
    owner_role = fields.CharField(max_length=16)
    due_at = fields.DatetimeField()
    zone = fields.CharField(max_length=64)  # Whose mornings count.
    set_at = fields.DatetimeField()
    since_id = fields.UUIDField(null=True)  # What settled the turn before, where it comes again.
    state = fields.CharField(max_length=8, default="open")
    told = fields.IntField(default=-1)
    act_at = fields.DatetimeField(null=True)  # When it speaks next; null: settled.
    settled_at = fields.DatetimeField(null=True)
    settled_by = fields.UUIDField(null=True)
    why = fields.CharField(max_length=24, null=True)  # A code.
    quarantined_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "due"
        indexes = (
            Index(fields=("act_at",), name="due_act_at"),
            Index(fields=("child_id", "state"), name="due_child_state"),
        )
        constraints = (
            UniqueConstraint(fields=("kind", "subject_id", "turn"), name="due_turn"),
            UniqueConstraint(
                fields=("kind", "subject_id"), name="due_one_open", condition="state = 'open'"
            ),
            # What is open has a next step, and what is settled has none: in the database too.
            CheckConstraint(
                check="(state = 'open') = (act_at IS NOT NULL)", name="due_open_has_next_step"
            ),
        )

    def slice(self) -> Slice:
        """What the rules need of it."""
        return Slice(self.due_at, self.set_at, self.zone, self.told, State(self.state))

    def terms(self) -> Terms:
        """When it speaks to whom."""
        return terms_of(Kind(self.kind), self.owner_role)

    def speaks_at(self) -> datetime | None:
        """When it speaks next, by the rules."""
        return next_at(self.slice(), self.terms())
