"""Plan."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0001_first")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Change",
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
                        related_name="changes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.BigIntField()),
                ("entity", fields.CharField(max_length=16)),
                ("entity_id", fields.UUIDField()),
                ("field", fields.CharField(max_length=24)),
                ("base", fields.UUIDField(null=True)),
                ("value", EncryptedJSON(null=True, generated=False, unique=False)),
                ("said_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("who_id", fields.UUIDField()),
                ("who_role", fields.CharField(max_length=16)),
                ("device_id", fields.UUIDField(null=True)),
                ("session_id", fields.UUIDField(null=True)),
                ("owner_role", fields.CharField(null=True, max_length=16)),
                ("revision", fields.IntField()),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "change",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("child_id", "number"), name="change_number")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LifeProject",
            fields=[
                (
                    "child",
                    fields.OneToOneField(
                        "server.Child",
                        source_field="child_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="life_project",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("agency_id", fields.UUIDField()),
                ("number", fields.BigIntField(default=0)),
                ("last_id", fields.UUIDField(null=True)),
                ("revision", fields.IntField(default=0)),
                ("signed_revision", fields.IntField(null=True)),
                ("shown", EncryptedJSON(null=True, generated=False, unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "life_project", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Quarantined",
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
                        related_name="quarantined",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("who_id", fields.UUIDField()),
                ("who_role", fields.CharField(max_length=16)),
                ("said", EncryptedJSON(generated=False, null=False, unique=False)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("is_let_in", fields.BooleanField(null=True)),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "quarantined",
                "app": "server",
                "indexes": [Index(fields=["child_id"], name="quarantined_child")],
            },
            bases=["Model"],
        ),
    ]
