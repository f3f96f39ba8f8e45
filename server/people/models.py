"""Agencies, homes, persons, children and ties."""

from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.models import Model

from server.people.rules import Role
from server.security.encryption import EncryptedText
from server.storage.engines.indexes import PartialIndex
from server.storage.ids import uuid7

# The ticker plans it at once.
UNPLANNED = datetime(2000, 1, 1, tzinfo=UTC)


class Agency(Model):
    """An organisation that is responsible for children; no agency sees anything of another.

    Or an area (`is_area`), such as a region or a country: it has no children and no homes, only
    agencies and areas within it, and people who see counts of these.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    name = EncryptedText()
    display_name = fields.CharField(
        max_length=40, null=True
    )  # On a child's phone; null: the setting.
    language = fields.CharField(max_length=8, default="en")
    zone = fields.CharField(max_length=64, default="UTC")
    help_phone = fields.CharField(
        max_length=32, null=True
    )  # Shown to a child whose phone is offline.
    second_key_from = fields.DatetimeField(null=True)  # From then on adults need a second key.
    # What nobody does alone (room `approvals`): ending a placement, a pass over 14 days, closing an
    # alert of the high level where nobody has seen the child.
    second_for_end = fields.BooleanField(default=False, db_default=False)
    second_for_pass = fields.BooleanField(default=False, db_default=False)
    second_for_close = fields.BooleanField(default=False, db_default=False)
    # When the ticker counts the week for the budget of alarms.
    next_budget_at = fields.DatetimeField(default=UNPLANNED, db_default=UNPLANNED)
    made_at = fields.DatetimeField()
    is_area = fields.BooleanField(default=False, db_default=False)
    # The area that it belongs to; null: none. An area may lie within a larger one.
    within: fields.ForeignKeyNullableRelation["Agency"] = fields.ForeignKeyField(
        "server.Agency", related_name="members", null=True, on_delete=fields.RESTRICT
    )
    within_id: UUID | None

    class Meta:
        table = "agency"
        indexes = (
            Index(fields=("next_budget_at",), name="agency_budget_at"),
            Index(fields=("within_id",), name="agency_within"),
        )


class HomeKind(StrEnum):
    """Which form of a roll call fits a home."""

    HOME = "home"
    FOSTER = "foster"  # One child or two, and the adults who live with them.
    FLAT = "flat"  # Nobody else lives there: a key worker visits.


class Home(Model):
    """Where children live together."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "server.Agency", related_name="homes", on_delete=fields.RESTRICT
    )
    agency_id: UUID
    name = EncryptedText()
    phone = EncryptedText(null=True)  # To call at any hour, about an alert.
    zone = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=8, db_default="home")  # HomeKind
    made_at = fields.DatetimeField()
    indexed_by = fields.CharField(max_length=16, null=True)  # finding/actions.py `mark`
    # When its roll calls are, as ["21:30"] by its own clock; null: as the policy says; []: never.
    roll_call_at: fields.Field[list[str] | None] = fields.JSONField(null=True)
    # When the ticker plans its roll calls next. Null: there is none to come.
    next_roll_call_at = fields.DatetimeField(null=True)

    @staticmethod
    def to_plan_anew(now: datetime) -> Q:
        """The homes whose roll calls the ticker may plan again at this moment, by setting
        `next_roll_call_at` to it: one that is due already stays due."""
        return Q(next_roll_call_at__isnull=True) | Q(next_roll_call_at__gt=now)

    class Meta:
        table = "home"
        indexes = (
            Index(fields=("agency_id",), name="home_agency"),
            Index(fields=("next_roll_call_at",), name="home_roll_call_at"),
            Index(fields=("indexed_by",), name="home_indexed"),
        )


class Person(Model):
    """Anyone: a child or an adult. The role here is their role in the agency; their role for one
    child is a tie."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "server.Agency", related_name="persons", on_delete=fields.RESTRICT
    )
    agency_id: UUID
    role = fields.CharEnumField(Role, max_length=16)
    name = EncryptedText()
    phone = EncryptedText(null=True)  # An adult's number for calls about an alert.
    language = fields.CharField(max_length=8, default="en")
    zone = fields.CharField(max_length=64, default="UTC")
    deputy: fields.ForeignKeyNullableRelation["Person"] = fields.ForeignKeyField(
        "server.Person", related_name="deputy_of", null=True, on_delete=fields.SET_NULL
    )
    deputy_id: UUID | None
    made_at = fields.DatetimeField()
    disabled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "person"
        indexes = (
            Index(fields=("agency_id",), name="person_agency"),
            Index(fields=("deputy_id",), name="person_deputy"),
        )


class Child(Model):
    """A placed child. Their id is their person's id: one child, one id, everywhere."""

    id = fields.UUIDField(primary_key=True)
    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "server.Agency", related_name="children", on_delete=fields.RESTRICT
    )
    agency_id: UUID
    person: fields.OneToOneRelation[Person] = fields.OneToOneField(
        "server.Person", related_name="as_child", on_delete=fields.RESTRICT
    )
    person_id: UUID
    home: fields.ForeignKeyNullableRelation[Home] = fields.ForeignKeyField(
        "server.Home", related_name="children", null=True, on_delete=fields.SET_NULL
    )
    home_id: UUID | None
    placed_at = fields.DatetimeField()
    left_at = fields.DatetimeField(null=True)  # The placement ended: we stop asking.
    born_on = EncryptedText(null=True)  # A day as 2010-05-17, where it is known.
    reference = EncryptedText(null=True)  # The agency's own number for the child's file.
    reference_index = fields.CharField(max_length=64, null=True, unique=True)  # Blind.
    indexed_by = fields.CharField(max_length=16, null=True)  # finding/actions.py `mark`

    class Meta:
        table = "child"
        indexes = (
            Index(fields=("agency_id",), name="child_agency"),
            Index(fields=("home_id",), name="child_home"),
            PartialIndex(
                fields=("agency_id", "home_id", "id"), name="child_here", where="left_at IS NULL"
            ),
            PartialIndex(
                fields=("agency_id", "left_at"), name="child_left", where="left_at IS NOT NULL"
            ),
            Index(fields=("indexed_by", "agency_id"), name="child_indexed"),
        )

    @property
    def birthday(self) -> date | None:
        """The day of birth; None where it is unknown."""
        return None if self.born_on is None else date.fromisoformat(self.born_on)


class Tie(Model):
    """A dated tie between a person and a child. After its end it gives no rights."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation[Child] = fields.ForeignKeyField(
        "server.Child", related_name="ties", on_delete=fields.RESTRICT
    )
    child_id: UUID
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "server.Person", related_name="ties", on_delete=fields.RESTRICT
    )
    person_id: UUID
    role = fields.CharEnumField(Role, max_length=16)
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)

    class Meta:
        table = "tie"
        indexes = (
            Index(fields=("child_id",), name="tie_child"),
            Index(fields=("person_id", "child_id"), name="tie_person_child"),
            # A supervisor has a tie to every child, and is the advocate or carer of few.
            Index(fields=("person_id", "role"), name="tie_person_role"),
            Index(fields=("from_at",), name="tie_from"),
        )

    @staticmethod
    def standing_at(now: datetime) -> Q:
        """The ties that are valid at a moment."""
        return Q(from_at__lte=now) & (Q(until_at__isnull=True) | Q(until_at__gt=now))

    @staticmethod
    def ending_after(now: datetime) -> Q:
        """The ties that are not over: the valid ones, and those that are to begin."""
        return Q(until_at__isnull=True) | Q(until_at__gt=now)
