"""Advocates."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Advocacy",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("words", fields.TextField(null=True)),
                ("tells_alerts", fields.BooleanField(db_default=False)),
                ("link_at", fields.DatetimeField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("next_action_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "advocacy",
                "indexes": [
                    Index(fields=["child_id"], name="advocacy_child"),
                    Index(fields=["person_id"], name="advocacy_person"),
                    Index(fields=["next_action_at"], name="advocacy_next"),
                ],
            },
        ),
        ops.CreateModel(
            name="DefinitionsVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("content", fields.JSONField()),
            ],
            options={
                "table": "episode_definitions",
                "constraints": [
                    UniqueConstraint(
                        fields=("agency_id", "version"), name="episode_definitions_once"
                    )
                ],
            },
        ),
    ]
