"""A time in which a child is missing, what people did and learned in it, and who was told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.security.encryption import EncryptedJSON, EncryptedText
from server.storage.ids import uuid7


class Episode(Model):
    """One time of being missing, from the moment a person said so until everything after the return
    is done. It is open until a person has seen the child; a child has at most one open episode."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    child: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Child", related_name="episodes", on_delete=fields.RESTRICT
    )
    child_id: UUID
    home_id = fields.UUIDField(null=True)  # Where the child lived then; null: unknown.
    alert_id = fields.UUIDField(null=True)  # The call to adults, open as long as the episode.
    opened_at = fields.DatetimeField()  # The server's time of receipt: every clock counts from it.
    said_at = fields.DatetimeField()
    opened_by = fields.UUIDField(null=True)
    opened_role = fields.CharField(max_length=16)
    why = EncryptedText(null=True)
    last_seen: fields.Field[dict[str, Any] | None] = EncryptedJSON(null=True)
    tier = fields.CharField(max_length=8)  # The tier at the opening: the clocks go by it.
    clocks_version = fields.IntField(default=0)  # Of the agency's clocks; 0: the default ones.
    stage = fields.CharField(max_length=12, default="deciding")
    flags: fields.Field[list[str]] = fields.JSONField(default=list)
    decided_at = fields.DatetimeField(null=True)
    reported_at = fields.DatetimeField(null=True)
    found_at = fields.DatetimeField(null=True)
    found_said_at = fields.DatetimeField(null=True)  # When the finding was entered.
    found: fields.Field[dict[str, Any] | None] = EncryptedJSON(null=True)
    followed_up_at = fields.DatetimeField(null=True)
    hand_at = fields.DatetimeField(null=True)  # When we look at the rota next; null: found.
    shift_at = fields.DatetimeField(null=True)  # When we looked last, and who had it then.
    on_shift: fields.Field[list[str] | None] = fields.JSONField(null=True)
    version = fields.IntField(default=0)

    class Meta:
        table = "episode"
        indexes = (
            Index(fields=("child_id", "opened_at"), name="episode_child"),
            Index(fields=("agency_id", "stage"), name="episode_agency"),
            Index(fields=("hand_at",), name="episode_hand_at"),
            Index(fields=("opened_at",), name="episode_opened_at"),
        )
        constraints = (
            UniqueConstraint(
                fields=("child_id",), name="episode_one_open", condition="found_at IS NULL"
            ),
        )

    @property
    def is_open(self) -> bool:
        """Whether no one has seen the child yet."""
        return self.found_at is None

    @property
    def last_seen_at(self) -> datetime | None:
        """When the child was last seen, as the report says; None where it says no time."""
        at = (self.last_seen or {}).get("at")
        return datetime.fromisoformat(str(at).replace("Z", "+00:00")) if at else None


class Alias(Model):
    """An id under which a person said that a child is missing, and the episode that it became. A
    request that is sent again later, even after the return, is answered with that episode."""

    id = fields.UUIDField(primary_key=True)
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="aliases", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    content = fields.CharField(max_length=64)  # SHA-256 of what the request said.

    class Meta:
        table = "episode_alias"
        indexes = (Index(fields=("episode_id",), name="episode_alias_episode"),)


class TimelineEntry(Model):
    """One line of the timeline: append-only, each sealed over the one before it."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    child_id = fields.UUIDField()
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="lines", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    number = fields.IntField()
    at = fields.DatetimeField()  # When it happened, in the words of the person who entered it.
    received_at = fields.DatetimeField()
    what = fields.CharField(max_length=24)
    who_id = fields.UUIDField(null=True)  # Null: Waymark itself.
    who_role = fields.CharField(max_length=16)
    words = EncryptedText(null=True)
    details: fields.Field[dict[str, Any]] = EncryptedJSON(default=dict)
    about_id = fields.UUIDField(null=True)  # The check-in, the sighting, the review.
    seal = fields.CharField(max_length=64)

    class Meta:
        table = "timeline_entry"
        constraints = (
            UniqueConstraint(fields=("episode_id", "number"), name="timeline_entry_once"),
        )


class MissingTogether(Model):
    """A person has said that two children are missing together. The one with the smaller id comes
    first, so that a pair is one row, in either order. If it turns out wrong, the row stays and
    ends."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="together", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    other: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="together_too", on_delete=fields.RESTRICT
    )
    other_id: UUID
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    ended_at = fields.DatetimeField(null=True)
    ended_by = fields.UUIDField(null=True)

    class Meta:
        table = "missing_together"
        indexes = (
            Index(fields=("episode_id",), name="missing_together_episode"),
            Index(fields=("other_id",), name="missing_together_other"),
        )
        constraints = (
            UniqueConstraint(
                fields=("episode_id", "other_id"),
                name="missing_together_once",
                condition="ended_at IS NULL",
            ),
        )


class SearchHandover(Model):
    """One person's part in a search handover: `out` writes a note, `in` reads the state of the
    search. `at` is when their shift ends, or began."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="search_handovers", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    person_id = fields.UUIDField()
    part = fields.CharField(max_length=4)
    at = fields.DatetimeField()
    made_at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)
    line_id = fields.UUIDField(null=True)  # Their note, or their word that they have read it.
    dropped_at = fields.DatetimeField(null=True)  # We no longer ask them.

    class Meta:
        table = "search_handover"
        indexes = (Index(fields=("episode_id",), name="search_handover_episode"),)


class ClocksVersion(Model):
    """The clocks of an agency's episodes, as a person set them; the latest apply to new ones."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    version = fields.IntField()
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    why = EncryptedText()
    clocks: fields.Field[dict[str, Any]] = fields.JSONField()

    class Meta:
        table = "episode_clocks"
        constraints = (
            UniqueConstraint(fields=("agency_id", "version"), name="episode_clocks_once"),
        )


class DefinitionsVersion(Model):
    """What an agency calls away and missing, as a person wrote it; the latest is shown."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    version = fields.IntField()
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    content: fields.Field[dict[str, Any]] = fields.JSONField()

    class Meta:
        table = "episode_definitions"
        constraints = (
            UniqueConstraint(fields=("agency_id", "version"), name="episode_definitions_once"),
        )


class PaperSent(Model):
    """The grab pack as it was sent by mail: who received it, which version, under which passphrase.
    The file is stored with its message."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="papers", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    to = fields.CharField(max_length=12)  # A code of entry_kinds.TO.
    address = EncryptedText()
    copy = fields.CharField(max_length=8)
    language = fields.CharField(max_length=8)
    pack_version = fields.IntField()
    passphrase = EncryptedText()
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)

    class Meta:
        table = "paper_sent"
        indexes = (Index(fields=("episode_id",), name="paper_sent_episode"),)


class ReturnInterview(Model):
    """One version of the return interview. Rows are only added: saving a screen, or correcting it,
    makes the next version."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    episode: fields.ForeignKeyRelation[Episode] = fields.ForeignKeyField(
        "server.Episode", related_name="interviews", on_delete=fields.RESTRICT
    )
    episode_id: UUID
    version = fields.IntField()
    answers: fields.Field[dict[str, Any]] = EncryptedJSON()
    made_at = fields.DatetimeField()
    made_by = fields.UUIDField(null=True)
    made_role = fields.CharField(max_length=16)
    held_at = fields.DatetimeField(null=True)  # The interview took place; null: not yet.

    class Meta:
        table = "return_interview"
        constraints = (
            UniqueConstraint(fields=("episode_id", "version"), name="return_interview_once"),
        )
