"""The row of an alert, and the slice of it that is read of many at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.alerts.ladder import Cause, Climb, State
from server.policy.model import Ladder, Tier, ladder_from_data
from server.security.encryption import EncryptedText
from server.storage.db import among, as_document, as_id, as_moment, dialect, fetch
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


def together_of(alert: Alert) -> UUID | None:
    """The id under which its messages go out together with those of the same cause."""
    return UUID(alert.facts["shared"]["id"]) if "shared" in alert.facts else None


@dataclass(frozen=True, slots=True)
class Ending:
    """The slice of an alert that its end needs. Many are read at once, without the rest."""

    id: UUID
    agency_id: UUID
    child_id: UUID
    turn: int
    together: UUID | None
    version: int

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """That of a whole row."""
        together = together_of(alert)
        return cls(alert.id, alert.agency_id, alert.child_id, alert.turn, together, alert.version)


async def silences_of(
    children: Collection[UUID],
) -> list[tuple[Ending, Climb, Tier, Ladder]]:
    """The open alerts for silence of these children, locked, with where they are on which
    ladder."""
    sql = _SILENCES.format(any=among(), lock=" FOR UPDATE" if dialect() == "postgres" else "")
    return [_silence(row) for row in await fetch(sql, [list(children)])]


# In one order, as everywhere: else two of us could deadlock.
_SILENCES = f"""
SELECT id, agency_id, child_id, tier, ladder, facts, version, state, rung, turn, next_action_at,
    decide_at, acknowledged_by, acknowledged_at, held_until, answered_at
FROM alert WHERE child_id {{any}} AND cause = '{Cause.SILENCE.value}' AND closed_at IS NULL
ORDER BY id{{lock}}
"""  # noqa: S608 (a name of our own)


def _silence(row: Mapping[str, Any]) -> tuple[Ending, Climb, Tier, Ladder]:
    shared = as_document(row["facts"]).get("shared")
    ending = Ending(
        as_id(row["id"]),
        as_id(row["agency_id"]),
        as_id(row["child_id"]),
        row["turn"],
        UUID(shared["id"]) if shared is not None else None,
        row["version"],
    )
    names = ("next_action_at", "decide_at", "acknowledged_at", "held_until", "answered_at")
    moments = {name: None if row[name] is None else as_moment(row[name]) for name in names}
    holder = row["acknowledged_by"]
    climb = Climb(
        state=State(row["state"]),
        rung=row["rung"],
        turn=row["turn"],
        acknowledged_by=None if holder is None else as_id(holder),
        **moments,
    )
    return ending, climb, Tier(row["tier"]), _ladder_of(row["ladder"])


@lru_cache(maxsize=256)  # The alerts of one agency have the same few.
def _ladder_of(text: str) -> Ladder:
    return ladder_from_data(as_document(text))
