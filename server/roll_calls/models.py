"""Rows of this room. What was said of each child is a row of the watch (`RollCallWord`)."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.storage.ids import uuid7


class HomeWorker(Model):
    """A person who works in a home: they are asked who is there. It gives no right to any child
    beyond that."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    home: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Home", related_name="workers", on_delete=fields.RESTRICT
    )
    home_id: UUID
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="works_in", on_delete=fields.RESTRICT
    )
    person_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)
    on_until = fields.DatetimeField(null=True)  # Their shift ends by itself then; null: not on one.
    added_by = fields.UUIDField(null=True)
    # Of the home's shared device: keyed, and bound to this row. Null: they cannot open it.
    pin_hash = fields.CharField(max_length=64, null=True)
    pin_wrong = fields.SmallIntField(db_default=0)  # Since the last right one.
    pin_locked_at = fields.DatetimeField(null=True)

    def on_shift_until(self, now: datetime) -> datetime | None:
        """When their shift ends; None: they are not on one."""
        return self.on_until if self.on_until is not None and self.on_until > now else None

    class Meta:
        table = "home_worker"
        indexes = (
            Index(fields=("home_id",), name="home_worker_home"),
            Index(fields=("person_id",), name="home_worker_person"),
        )
        constraints = (
            UniqueConstraint(
                fields=("home_id", "person_id"),
                name="home_worker_live",
                condition="until_at IS NULL",
            ),
        )


class HomeNumber(Model):
    """The number of a child in a home, on the printed list and in texts. It is theirs while they
    live there, and rests after that before another child has it (`numbers.RESTS`)."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    home: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Home", related_name="numbers", on_delete=fields.RESTRICT
    )
    home_id: UUID
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="numbers", on_delete=fields.RESTRICT
    )
    child_id: UUID
    number = fields.SmallIntField()
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "home_number"
        indexes = (
            Index(fields=("home_id",), name="home_number_home"),
            Index(fields=("child_id",), name="home_number_child"),
        )
        constraints = (
            UniqueConstraint(
                fields=("home_id", "number"), name="home_number_live", condition="until_at IS NULL"
            ),
            UniqueConstraint(
                fields=("home_id", "child_id"),
                name="home_number_child_live",
                condition="until_at IS NULL",
            ),
        )


class RollCall(Model):
    """One time at which a home is asked about all children who live there.

    The id is made from home and due time (`rules.roll_call_id`), so that two tickers ask once.
    `state`: open, done, missed. What is said later counts too, and a missed one can be done then.
    """

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    home: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Home", related_name="roll_calls", on_delete=fields.RESTRICT
    )
    home_id: UUID
    due_at = fields.DatetimeField()
    zone = fields.CharField(max_length=64)  # Of the home, when it was due.
    asked_at = fields.DatetimeField()  # Later than `due_at` only if our server was down.
    state = fields.CharField(max_length=8, default="open")
    done_at = fields.DatetimeField(null=True)
    done_by = fields.UUIDField(null=True)  # Who said the last missing word; null: none was missing.
    told_at = fields.DatetimeField(null=True)  # When those who follow up heard that it is undone.
    step = fields.SmallIntField(default=0)  # A `rules.Step`: how far its ladder is.
    next_action_at = fields.DatetimeField(null=True)  # Null: nothing follows by itself.
    quarantined_at = fields.DatetimeField(null=True)

    @property
    def is_open(self) -> bool:
        """Whether we still ask for it."""
        return self.state == "open"

    @property
    def asked(self) -> datetime:
        """From when on a word can be an answer to it."""
        return min(self.due_at, self.asked_at)

    class Meta:
        table = "roll_call"
        indexes = (
            Index(fields=("home_id", "due_at"), name="roll_call_home_due"),
            Index(fields=("agency_id", "due_at"), name="roll_call_agency_due"),
            Index(fields=("next_action_at",), name="roll_call_act_at"),
        )
