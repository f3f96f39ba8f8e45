"""Episodes together."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0038_pack_carries")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Together",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "episode",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="episode_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="together",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "other",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="other_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="together_too",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "episode_together",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("episode_id", "other_id"),
                        name="episode_together_once",
                        condition="ended_at IS NULL",
                    )
                ],
                "indexes": [
                    Index(fields=["episode_id"], name="episode_together_episode"),
                    Index(fields=["other_id"], name="episode_together_other"),
                ],
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Episode",
            name="home_id",
            field=fields.UUIDField(null=True),
        ),
    ]
