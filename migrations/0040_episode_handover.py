"""Episode handover."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0039_episodes_together")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Passing",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "episode",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="episode_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="passings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.UUIDField()),
                ("part", fields.CharField(max_length=4)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("done_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("line_id", fields.UUIDField(null=True)),
                ("dropped_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "episode_passing",
                "app": "server",
                "indexes": [Index(fields=["episode_id"], name="episode_passing_episode")],
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Episode",
            name="hand_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Episode",
            name="on_shift",
            field=fields.JSONField(
                null=True, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
            ),
        ),
        ops.AddField(
            model_name="Episode",
            name="shift_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name="Episode",
            index=Index(fields=["hand_at"], name="episode_hand_at"),
        ),
        # Whom a search looks for already when this is installed is passed on as well.
        ops.RunSQL(
            "UPDATE episode SET hand_at = opened_at WHERE found_at IS NULL", ops.RunSQL.noop
        ),
    ]
