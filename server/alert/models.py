"""Policies, alerts, and the rota."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.crypt import EncryptedText
from server.ids import uuid7


class Policy(Model):
    """One version of what follows silence, as data. Versions are added, never edited."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    version = fields.IntField()
    content: fields.Field[dict[str, Any]] = fields.JSONField()
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    words = EncryptedText(null=True)  # Why it was adopted.

    class Meta:
        table = "policy"
        constraints = (UniqueConstraint(fields=("agency_id", "version"), name="policy_version"),)


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
    noticed_at = fields.DatetimeField()  # When we saw it: later only after a time of blindness.
    opened_by = fields.UUIDField(null=True)
    reason = fields.CharField(max_length=32)  # Why it opened, as a code.
    words = EncryptedText(null=True)  # What the one who opened it said.
    facts: fields.Field[dict[str, Any]] = fields.JSONField(
        default=dict
    )  # Codes and times, no words.
    ladder: fields.Field[dict[str, Any]] = fields.JSONField()
    state = fields.CharField(max_length=12, default="open")  # open acknowledged answered closed
    rung = fields.SmallIntField(default=-1)
    turn = fields.IntField(default=0)
    act_at = fields.DatetimeField(null=True)
    decide_at = fields.DatetimeField(null=True)
    misses = fields.SmallIntField(default=1)  # Rounds that are late and were not answered.
    acknowledged_by = fields.UUIDField(null=True)
    acknowledged_at = fields.DatetimeField(null=True)
    held_until = fields.DatetimeField(null=True)  # When that lapses; `has_until` may be sooner.
    # Whoever has it had no tie, duty or place on the ladder when they took it, only a call of it.
    held_by_call = fields.BooleanField(default=False, db_default=False)
    answered_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.UUIDField(null=True)
    outcome = fields.CharField(max_length=16, null=True)
    closing_words = EncryptedText(null=True)
    version = fields.IntField(default=0)

    @property
    def has_until(self) -> datetime | None:
        """Until when whoever has it has it: until that lapses, or their right to it ends."""
        if self.acknowledged_by is None or self.held_until is None or self.act_at is None:
            return self.held_until
        return min(self.held_until, self.act_at)

    class Meta:
        table = "alert"
        indexes = (
            Index(fields=("act_at",), name="alert_act_at"),
            Index(fields=("decide_at",), name="alert_decide_at"),
            Index(fields=("agency_id", "closed_at"), name="alert_agency_closed"),
            Index(fields=("child_id",), name="alert_child"),
        )
        constraints = (
            UniqueConstraint(
                fields=("child_id", "cause"), name="alert_one_open", condition="closed_at IS NULL"
            ),
            # An alert ends with an outcome, and an open one has a next step: in the database too.
            CheckConstraint(
                check="(closed_at IS NULL) = (outcome IS NULL)", name="alert_closed_has_outcome"
            ),
            CheckConstraint(
                check="closed_at IS NOT NULL OR act_at IS NOT NULL", name="alert_open_has_next_step"
            ),
        )


class Shift(Model):
    """Who is on duty, from when, until when. On duty is tied to every child of the agency."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="shifts", on_delete=fields.CASCADE
    )
    person_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "shift"
        indexes = (
            Index(fields=("agency_id", "from_at"), name="shift_agency_from"),
            Index(fields=("person_id",), name="shift_person"),
        )


class Duty(Model):
    """What comes round each week: on which days, from when until when, by whom in turn. One that is
    changed ends, and another one begins, so that what was stays on record."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    days: fields.Field[list[int]] = fields.JSONField()  # On which it begins; Monday is 0.
    begins = fields.CharField(max_length=5)  # 18:00, on the clock of `zone`.
    ends = fields.CharField(max_length=5)  # Of the next day, where it is no later than `begins`.
    zone = fields.CharField(max_length=64)
    people: fields.Field[list[str]] = fields.JSONField()  # Ids; one week each, in this order.
    first_on = fields.DateField()
    until_on: fields.Field[date | None] = fields.DateField(null=True)  # From then on it is no more.
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "duty"
        indexes = (Index(fields=("agency_id",), name="duty_agency"),)


class Handover(Model):
    """For a time `to` has what `who` would have; without `who`, in addition."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    who_id = fields.UUIDField(null=True)
    to_id = fields.UUIDField()
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # Taken back.

    class Meta:
        table = "handover"
        indexes = (Index(fields=("agency_id", "until_at"), name="handover_agency_until"),)


class Leave(Model):
    """Somebody is away for a time, and who covers for them. Why, nobody writes down here."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person_id = fields.UUIDField()
    cover_id = fields.UUIDField(null=True)  # Null: their deputy.
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # Back sooner, or taken back.

    class Meta:
        table = "leave"
        indexes = (
            Index(fields=("agency_id", "until_at"), name="leave_agency_until"),
            Index(fields=("from_at",), name="leave_from"),
        )


class RotaTerms(Model):
    """How an agency plans its rota, and when time has something to do about it next."""

    id = fields.UUIDField(primary_key=True)  # The agency's.
    is_always = fields.BooleanField(default=True)  # Every hour, or the planned ones alone.
    lead_s = fields.IntField()  # So long before a shift somebody is asked whether they are there.
    looked_at = fields.DatetimeField()  # Up to here everything has been told.
    told: fields.Field[list[str] | None] = fields.JSONField(null=True)  # The gaps warned of.
    act_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "rota"
        indexes = (Index(fields=("act_at",), name="rota_act_at"),)


class Spell(Model):
    """One shift of one person as it comes: asked about before, begun, dropped from the rota. Made
    and moved on by whoever holds the row of that rota."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    person_id = fields.UUIDField()
    begins_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    ask_at = fields.DatetimeField(null=True)  # Null: it began too soon to be asked about.
    asked_at = fields.DatetimeField(null=True)
    reached_at = fields.DatetimeField(null=True)  # They have said yes.
    begun_at = fields.DatetimeField(null=True)
    dropped_at = fields.DatetimeField(null=True)

    class Meta:
        table = "spell"
        indexes = (
            Index(fields=("agency_id", "begins_at"), name="spell_agency_begins"),
            Index(fields=("person_id",), name="spell_person"),
        )


class Drill(Model):
    """The ladder tried without a child: who would have been called, and how soon each answered. It
    is no alert, and counts in no figure of any."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    worker_id = fields.UUIDField()  # Whose ladder it is: a caseworker's.
    begun_by = fields.UUIDField(null=True)  # Null: it came by its schedule.
    begun_at = fields.DatetimeField()
    each_s = fields.IntField()
    places: fields.Field[list[dict[str, Any]]] = fields.JSONField()  # Codes and ids, no names.
    place = fields.SmallIntField(default=-1)
    act_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    why = fields.CharField(max_length=16, null=True)

    class Meta:
        table = "drill"
        indexes = (
            Index(fields=("act_at",), name="drill_act_at"),
            Index(fields=("agency_id", "begun_at"), name="drill_agency_begun"),
        )
        constraints = (
            UniqueConstraint(
                fields=("agency_id",), name="drill_one_open", condition="ended_at IS NULL"
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (act_at IS NOT NULL)", name="drill_open_has_next_step"
            ),
        )


class DrillCall(Model):
    """One rung of a drill that was called, and when somebody on it answered."""

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
    """When drills of an agency come by themselves. Its id is the agency's."""

    id = fields.UUIDField(primary_key=True)
    every = fields.CharField(max_length=8, null=True)  # Null: never.
    weekday = fields.SmallIntField(default=0)
    at = fields.CharField(max_length=5, default="10:00")
    act_at = fields.DatetimeField(null=True)
    changed_by = fields.UUIDField(null=True)
    changed_at = fields.DatetimeField()

    class Meta:
        table = "drill_plan"
        indexes = (Index(fields=("act_at",), name="drill_plan_act_at"),)
