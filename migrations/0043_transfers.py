"""Transfers."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.crypt import EncryptedJSON, EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0042_paper_sent")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Reception",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="receptions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("code", EncryptedText(unique=False)),
                ("code_index", fields.CharField(unique=True, max_length=64)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "reception",
                "app": "server",
                "indexes": [Index(fields=["person_id", "made_at"], name="reception_person")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Transfer",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("to_agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="transfers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "reception",
                    fields.ForeignKeyField(
                        "server.Reception",
                        source_field="reception_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="transfers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("offered_by", fields.UUIDField()),
                ("offered_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("why", EncryptedText(unique=False)),
                ("child_says", EncryptedText(null=True, unique=False)),
                (
                    "withheld",
                    EncryptedJSON(default=list, generated=False, null=False, unique=False),
                ),
                ("state", fields.CharField(default="offered", max_length=12)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decision", EncryptedText(null=True, unique=False)),
                ("caseworker_id", fields.UUIDField(null=True)),
                ("package", EncryptedText(null=True, unique=False)),
                (
                    "manifest",
                    fields.JSONField(
                        null=True,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("signature", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "transfer",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",),
                        name="transfer_one_open",
                        condition="decided_at IS NULL",
                    ),
                    CheckConstraint(
                        check="(decided_at IS NULL) = (state = 'offered')",
                        name="transfer_is_decided",
                    ),
                    CheckConstraint(
                        check="(state = 'accepted') = (signature IS NOT NULL)",
                        name="transfer_is_signed",
                    ),
                ],
                "indexes": [
                    Index(fields=["agency_id"], name="transfer_agency"),
                    Index(fields=["to_agency_id"], name="transfer_to_agency"),
                    Index(fields=["child_id"], name="transfer_child"),
                    Index(fields=["reception_id"], name="transfer_reception"),
                ],
            },
            bases=["Model"],
        ),
    ]
