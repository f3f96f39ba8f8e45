"""Observation."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0007_proposal")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Noted",
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
                        related_name="noted",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code", fields.CharField(max_length=8)),
                ("about_id", fields.UUIDField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "noted",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("child_id", "code", "about_id"), name="noted_once")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Observation",
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
                        related_name="observations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("sign", fields.CharField(max_length=24)),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("words", EncryptedText(null=True, unique=False)),
                (
                    "taken_back_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "observation",
                "app": "server",
                "indexes": [Index(fields=["child_id", "at"], name="observation_child_at")],
            },
            bases=["Model"],
        ),
    ]
