"""The watch of each child, its rounds, and the rows that change or inform it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedText
from server.storage.engines.indexes import PartialIndex
from server.storage.engines.partitions import ByMonth
from server.storage.ids import uuid7


class Watch(Model):
    """One per child: the current state, and the moment of the next decision.

    After the placement has ended, nothing is due and no decision comes: `due_at` and
    `next_action_at` are null, and only then.
    """

    child: fields.OneToOneRelation["Model"] = fields.OneToOneField(
        "server.Child", related_name="watch", primary_key=True, on_delete=fields.RESTRICT
    )
    child_id: UUID
    agency_id = fields.UUIDField()
    tier = fields.CharField(max_length=8)
    tier_until_at = fields.DatetimeField(null=True)  # Then it falls to `tier_then`.
    tier_then = fields.CharField(max_length=8, null=True)
    zone = fields.CharField(max_length=64)
    rhythm: fields.Field[dict[str, Any]] = fields.JSONField()
    standing = fields.CharField(max_length=8)  # well due late alerted away missing
    due_at = fields.DatetimeField(null=True)  # Of the current round.
    opens_at = fields.DatetimeField(null=True)
    following_due_at = fields.DatetimeField(
        null=True
    )  # Of the round after it; null: to be computed.
    following_opens_at = fields.DatetimeField(null=True)
    following_action_at = fields.DatetimeField(
        null=True
    )  # next_action_at once the current round is settled.
    prompted = fields.SmallIntField(
        default=0
    )  # How many moments of the current round are behind us.
    missed_due_at = fields.DatetimeField(null=True)  # Of the oldest round that is late and open.
    late_at = fields.DatetimeField(null=True)  # When that one became late.
    misses = fields.SmallIntField(default=0, db_default=0)  # How many of this silence are late.
    ask_at = fields.DatetimeField(null=True)  # When the carer is to be asked; null once asked.
    asked_at = fields.DatetimeField(null=True)  # When the carer was asked about it.
    alarm_at = fields.DatetimeField(null=True)  # When adults are called unless it is settled.
    alarm_why = fields.CharField(max_length=24, null=True)
    # When adults are called if every check-in to come is missed too, once one is late. Nothing
    # decides by it: pages tell it.
    call_at = fields.DatetimeField(null=True)
    last_call_at = fields.DatetimeField(null=True)  # When the child was asked once more.
    is_alerted = fields.BooleanField(default=False)
    # A person reported the child missing, and nobody ended it.
    is_missing = fields.BooleanField(default=False)
    sign_at = fields.DatetimeField()  # The last thing that counts against silence.
    answered_at = fields.DatetimeField(null=True)  # The last answer of the child's own.
    # The last one that came another way than by the app, whether or not it settled anything.
    heard_at = fields.DatetimeField(null=True)
    heard_way = fields.CharField(max_length=8, null=True)
    # The last answer that was too old to say how the child is: when it came, and when it was said
    # (null: we cannot know). The phone was on then.
    old_came_at = fields.DatetimeField(null=True)
    old_said_at = fields.DatetimeField(null=True)
    # When a sighting or answer came in time, but only holds.
    held_at = fields.DatetimeField(null=True)
    app_seen_at = fields.DatetimeField(null=True)
    # When the home said that the child is not there, while that is its last word.
    not_here_at = fields.DatetimeField(null=True)
    # The room of check-ins listens for an agreed sign in what this child says.
    listens = fields.BooleanField(default=False, db_default=False)
    next_action_at = fields.DatetimeField(null=True)
    quarantined_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "watch"
        # One index of all children alone: each more would be written at every step of every round.
        # The others have no child who is well, so an answer writes nothing into them.
        indexes = (
            Index(fields=("next_action_at",), name="watch_act_at"),
            PartialIndex(
                fields=("agency_id", "standing", "due_at", "child_id"),
                name="watch_not_well",
                where="standing <> 'well'",
            ),
            PartialIndex(
                fields=("agency_id", "child_id"),
                name="watch_not_here",
                where="not_here_at IS NOT NULL",
            ),
            PartialIndex(
                fields=("agency_id", "missed_due_at", "child_id"),
                name="watch_late",
                where="standing = 'late'",
            ),
            # The first answer takes a child out of it, and none is written into it after that.
            PartialIndex(
                fields=("agency_id", "due_at", "child_id"),
                name="watch_unheard",
                where="answered_at IS NULL AND heard_at IS NULL AND standing = 'well'"
                " AND due_at IS NOT NULL",
            ),
        )

    @property
    def called_at(self) -> datetime | None:
        """When adults are called if only silence comes; None if nothing is late, or they were."""
        return self.call_at or self.alarm_at

    @property
    def is_over(self) -> bool:
        """Whether the placement has ended: we ask nothing, and silence means nothing."""
        return self.due_at is None


_ROUNDS = UUID("b0b9c0de-52a5-4c0b-8f3a-0d6f5f1a7c11")


@lru_cache(maxsize=2048)  # A tick names each round for its row and for its entry.
def round_id(child_id: UUID, due_at: datetime) -> UUID:
    """The id of the round of a child that is due at a moment."""
    return uuid5(_ROUNDS, f"{child_id}:{due_at.astimezone(UTC).isoformat()}")


# States of a round that is over because of an answer or a sighting; or that was cancelled, and is
# opened again if it is asked for after all.
SETTLED = ("answered", "answered_late", "seen")
CALLED_OFF = ("excused", "replaced", "ended")


class Round(Model):
    """One expected check-in, from due to settled; kept as history.

    `state`: open, late, answered, answered_late, seen, excused, replaced; ended and ended_late if
    the placement ended while it was open, or late. The id is made from child and due time
    (`round_id`), so that two tickers open a round only once, and an answer knows the id without
    reading.
    """

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="rounds", on_delete=fields.RESTRICT
    )
    child_id: UUID
    opens_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    late_at = fields.DatetimeField()
    state = fields.CharField(max_length=14, default="open")
    settled_at = fields.DatetimeField(null=True)
    settled_by = fields.UUIDField(null=True)  # The check-in or the sighting.
    forgot_at = fields.DatetimeField(null=True)  # When the child said that they forgot this one.
    # Of the watch when it opened; and when adults were to be called as things were when it became
    # late, and why. Nothing decides by these: they tell later why there was an alert, or none.
    tier = fields.CharField(max_length=8, null=True)
    call_at = fields.DatetimeField(null=True)
    call_why = fields.CharField(max_length=24, null=True)

    # The id is made from the due time, so it has one month for good.
    by_month = ByMonth("due_at")

    class Meta:
        table = "round"
        constraints = (UniqueConstraint(fields=("child_id", "due_at"), name="round_once"),)


AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


class Pause(Model):
    """An agreed absence. It always ends; with `returns` a check-in is due at its end."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="pauses", on_delete=fields.RESTRICT
    )
    child_id: UUID
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()
    returns = fields.BooleanField(default=False, db_default=False)
    # A code of `passes.rules.Reason`; null where it was agreed before reasons were asked for.
    reason = fields.CharField(max_length=16, null=True)
    words = EncryptedText(null=True)
    made_by = fields.UUIDField()
    made_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # Taken back before its end.
    # The last person who looked, and said that it is still so; and the last look of a supervisor.
    looked_at = fields.DatetimeField(null=True)
    looked_by = fields.UUIDField(null=True)
    look_id = fields.UUIDField(null=True)
    reviewed_at = fields.DatetimeField(null=True)
    reminded_at = fields.DatetimeField(null=True)  # When its author was reminded of the end.
    # When the ticker looks at it next. Null: it is over. A row that nobody has looked at is due.
    next_action_at = fields.DatetimeField(null=True, default=AT_ONCE, db_default=AT_ONCE)

    class Meta:
        table = "pause"
        indexes = (
            Index(fields=("child_id", "until_at"), name="pause_child_until"),
            Index(fields=("next_action_at",), name="pause_act_at"),
        )
        constraints = (CheckConstraint(check="until_at > from_at", name="pause_ends_after_start"),)


class Blind(Model):
    """A time in which we did not look: no tick succeeded."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField()

    class Meta:
        table = "blind"
        constraints = (UniqueConstraint(fields=("from_at",), name="blind_once"),)


class Beat(Model):
    """When each loop last finished well, over all processes."""

    name = fields.CharField(max_length=24, primary_key=True)
    at = fields.DatetimeField()

    class Meta:
        table = "beat"


class Sighting(Model):
    """An adult saw the child, or looked and did not find them."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="sightings", on_delete=fields.RESTRICT
    )
    child_id: UUID
    by_id = fields.UUIDField()
    by_role = fields.CharField(max_length=16)
    answer = fields.CharField(max_length=8)  # seen, not_seen
    at = fields.DatetimeField()  # When it was noted: the server's clock.
    seen_at = fields.DatetimeField()  # When the child was seen, as the person said.
    place = EncryptedText(null=True)  # Where, in the words of that person.
    words = EncryptedText(null=True)

    class Meta:
        table = "sighting"
        indexes = (Index(fields=("child_id", "at"), name="sighting_child_at"),)


class RollCallWord(Model):
    """What a person who works in a home said of one child, in one roll call. Never changed: a
    correction is a new row. Which of several counts: `machine.witnesses.counted`."""

    # Made from the id of the form and the child, so that a form sent twice is once.
    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    roll_call: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.RollCall", related_name="words", on_delete=fields.RESTRICT
    )
    roll_call_id: UUID
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="roll_call_words", on_delete=fields.RESTRICT
    )
    child_id: UUID
    word = fields.CharField(max_length=8)  # `policy.roll_call.Word`
    until_at = fields.DatetimeField(null=True)  # Of an "excused": when they are to be back.
    said_at = fields.DatetimeField()  # When the person said it; a device may have been offline.
    at = fields.DatetimeField()  # When it reached the server.
    by_id = fields.UUIDField()

    class Meta:
        table = "roll_call_word"
        indexes = (
            Index(fields=("child_id", "said_at"), name="roll_call_word_child_said"),
            Index(fields=("roll_call_id",), name="roll_call_word_call"),
        )


class WitnessWord(Model):
    """What a school, a club or another witness said of one child, in one list. Never changed: a
    correction is a new row, and the last one counts.

    `way`: by the `link` of the list, from a `file` that a person of the agency handed in, or by the
    `register` of the witness itself.
    """

    # Made from the id of the form and the child, so that a form sent twice is once.
    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    list: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.WitnessList", related_name="words", on_delete=fields.RESTRICT
    )
    list_id: UUID
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="witness_words", on_delete=fields.RESTRICT
    )
    child_id: UUID
    witness_id = fields.UUIDField()
    word = fields.CharField(max_length=8)  # `policy.roll_call.Word`
    said_at = fields.DatetimeField()
    at = fields.DatetimeField()  # When it reached the server.
    by_id = fields.UUIDField(null=True)  # Who handed in the file; null: the witness wrote it.
    way = fields.CharField(max_length=8)

    class Meta:
        table = "witness_word"
        indexes = (
            Index(fields=("child_id", "said_at"), name="witness_word_child_said"),
            Index(fields=("list_id",), name="witness_word_list"),
        )


class Noted(Model):
    """What another room, further up, wrote into the watch: a code, about what, and since when.

    `goal`: an active goal of the life project, and when anything was last said about it or its
    steps.
    """

    id = fields.UUIDField(primary_key=True)
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="noted", on_delete=fields.RESTRICT
    )
    child_id: UUID
    code = fields.CharField(max_length=8)
    about_id = fields.UUIDField()
    at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # From then on it is not so.

    class Meta:
        table = "noted"
        constraints = (
            UniqueConstraint(fields=("child_id", "code", "about_id"), name="noted_once"),
        )
