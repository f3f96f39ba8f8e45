"""Season."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0009_together")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Season",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="seasons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "rhythm",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("zone", fields.CharField(max_length=64)),
                ("words", EncryptedText(null=True, unique=False)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "season",
                "app": "server",
                "constraints": [
                    CheckConstraint(check="until_at > from_at", name="season_ends_after_start")
                ],
                "indexes": [Index(fields=["child_id", "until_at"], name="season_child_until")],
            },
            bases=["Model"],
        ),
    ]
