"""Grab pack."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedBytes, EncryptedJSON, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0032_provider")]

    initial = False

    operations = [
        ops.CreateModel(
            name="GrabPack",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="packs",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("part", fields.CharField(max_length=8)),
                ("version", fields.IntField()),
                ("said", EncryptedJSON(generated=False, null=False, unique=False)),
                ("made_by", fields.UUIDField()),
                ("made_role", fields.CharField(max_length=16)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "grab_pack",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id", "part", "version"), name="grab_pack_version"
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="grab_pack_child")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PackCheck",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pack_checks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField()),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "pack_check",
                "app": "server",
                "indexes": [Index(fields=["child_id", "at"], name="pack_check_child_at")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PackOpening",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pack_openings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("why", EncryptedText(unique=False)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "pack_opening",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id"], name="pack_opening_child"),
                    Index(fields=["session_id", "until_at"], name="pack_opening_session"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PackPhoto",
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
                        related_name="pack_photos",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("shows", fields.CharField(max_length=8)),
                ("taken_on", fields.DateField(null=True)),
                ("page", EncryptedBytes(null=True, generated=False, unique=False)),
                ("thumb", EncryptedBytes(null=True, generated=False, unique=False)),
                ("digest", fields.CharField(max_length=64)),
                ("added_by", fields.UUIDField()),
                ("added_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("removed_by", fields.UUIDField(null=True)),
                ("removed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "pack_photo",
                "app": "server",
                "indexes": [Index(fields=["child_id"], name="pack_photo_child")],
            },
            bases=["Model"],
        ),
    ]
