"""Episodes."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0030_reference_indexes")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Episode",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="episodes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("alert_id", fields.UUIDField(null=True)),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("said_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("opened_by", fields.UUIDField(null=True)),
                ("opened_role", fields.CharField(max_length=16)),
                ("why", EncryptedText(null=True, unique=False)),
                ("last_seen", EncryptedJSON(null=True, generated=False, unique=False)),
                ("tier", fields.CharField(max_length=8)),
                ("clocks_version", fields.IntField(default=0)),
                ("stage", fields.CharField(default="deciding", max_length=12)),
                (
                    "flags",
                    fields.JSONField(
                        default=list,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "reported_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("found_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "found_said_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("found", EncryptedJSON(null=True, generated=False, unique=False)),
                (
                    "followed_up_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "episode",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="episode_one_open", condition="found_at IS NULL"
                    )
                ],
                "indexes": [
                    Index(fields=["child_id", "opened_at"], name="episode_child"),
                    Index(fields=["agency_id", "stage"], name="episode_agency"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "episode",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="episode_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="aliases",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("content", fields.CharField(max_length=64)),
            ],
            options={
                "table": "episode_alias",
                "app": "server",
                "indexes": [Index(fields=["episode_id"], name="episode_alias_episode")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ClocksVersion",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("why", EncryptedText(unique=False)),
                (
                    "clocks",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "episode_clocks",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "version"), name="episode_clocks_once")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Line",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("child_id", fields.UUIDField()),
                (
                    "episode",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="episode_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="lines",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("what", fields.CharField(max_length=24)),
                ("who_id", fields.UUIDField(null=True)),
                ("who_role", fields.CharField(max_length=16)),
                ("words", EncryptedText(null=True, unique=False)),
                ("details", EncryptedJSON(default=dict, generated=False, null=False, unique=False)),
                ("about_id", fields.UUIDField(null=True)),
                ("seal", fields.CharField(max_length=64)),
            ],
            options={
                "table": "episode_line",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("episode_id", "number"), name="episode_line_once")
                ],
            },
            bases=["Model"],
        ),
    ]
