"""Rows of the rota."""

from datetime import date
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.storage.ids import uuid7


class FixedShift(Model):
    """Who is on duty, from when, until when. A person on duty may act for every child of the
    agency."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="fixed_shifts", on_delete=fields.CASCADE
    )
    person_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "fixed_shift"
        indexes = (
            Index(fields=("agency_id", "from_at"), name="fixed_shift_agency_from"),
            Index(fields=("person_id",), name="fixed_shift_person"),
        )


class Duty(Model):
    """A weekly shift: on which days, from when until when, and the people in turn. A changed duty
    ends, and another one begins, so that the past stays on record."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    days: fields.Field[list[int]] = fields.JSONField()  # On which it begins; Monday is 0.
    begins = fields.CharField(max_length=5)  # 18:00, on the clock of `zone`.
    ends = fields.CharField(max_length=5)  # Of the next day, where it is no later than `begins`.
    zone = fields.CharField(max_length=64)
    people: fields.Field[list[str]] = fields.JSONField()  # Ids; one week each, in this order.
    first_on = fields.DateField()
    until_on: fields.Field[date | None] = fields.DateField(null=True)  # From then on none begins.
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "duty"
        indexes = (Index(fields=("agency_id",), name="duty_agency"),)


class Handover(Model):
    """For a time `to` has the duty of `who`; without `who`, in addition."""

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
    """A person is away for a time, and their cover. The reason is not recorded."""

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
    """How an agency plans its rota, and when it is next due."""

    id = fields.UUIDField(primary_key=True)  # The agency's.
    is_always = fields.BooleanField(default=True)  # Every hour, or the planned ones alone.
    lead_s = fields.IntField()  # How long before a shift we ask whether they are there.
    looked_at = fields.DatetimeField()  # Everything up to here has been told.
    told: fields.Field[list[str] | None] = fields.JSONField(null=True)  # The gaps warned of.
    next_action_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "rota"
        indexes = (Index(fields=("next_action_at",), name="rota_act_at"),)


class DutyShift(Model):
    """One coming shift of one person: asked about before, begun, or dropped from the rota. Only a
    process that has locked that rota's row adds or changes it."""

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
        table = "duty_shift"
        indexes = (
            Index(fields=("agency_id", "begins_at"), name="duty_shift_agency_begins"),
            Index(fields=("person_id",), name="duty_shift_person"),
        )
