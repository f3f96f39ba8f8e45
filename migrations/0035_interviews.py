"""Interviews."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0034_epoch")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ReturnInterview",
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
                        related_name="interviews",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField()),
                ("answers", EncryptedJSON(generated=False, null=False, unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_role", fields.CharField(max_length=16)),
                ("held_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "return_interview",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("episode_id", "version"), name="return_interview_once")
                ],
            },
            bases=["Model"],
        ),
    ]
