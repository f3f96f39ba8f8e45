"""Proposal."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0006_why_policy")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Proposal",
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
                        related_name="proposals",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                (
                    "rhythm",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("zone", fields.CharField(max_length=64)),
                ("words", EncryptedText(null=True, unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="open", max_length=8)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("answer", EncryptedText(null=True, unique=False)),
            ],
            options={
                "table": "proposal",
                "app": "server",
                "indexes": [Index(fields=["child_id", "made_at"], name="proposal_child_made")],
            },
            bases=["Model"],
        ),
    ]
