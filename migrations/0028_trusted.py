"""Trusted."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0027_shared_question")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Trusted",
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
                        related_name="trusted",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", EncryptedText(unique=False)),
                ("reach", EncryptedText(unique=False)),
                ("also_help", fields.BooleanField(default=False)),
                ("named_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="named", max_length=12)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("why", EncryptedText(null=True, unique=False)),
                ("channel", fields.CharField(null=True, max_length=24)),
                ("address", EncryptedText(null=True, unique=False)),
                ("language", fields.CharField(default="en", max_length=8)),
            ],
            options={
                "table": "trusted",
                "app": "server",
                "indexes": [Index(fields=["child_id", "state"], name="trusted_child_state")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TrustedAsk",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "trusted",
                    fields.ForeignKeyField(
                        "server.Trusted",
                        source_field="trusted_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="asked",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("child_id", fields.UUIDField()),
                ("alert_id", fields.UUIDField()),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("answer", fields.CharField(null=True, max_length=8)),
                (
                    "answered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "trusted_ask",
                "app": "server",
                "indexes": [Index(fields=["alert_id"], name="trusted_ask_alert")],
            },
            bases=["Model"],
        ),
    ]
