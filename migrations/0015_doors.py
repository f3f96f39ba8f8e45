"""Doors."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0014_device_health")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Challenge",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("holder_id", fields.UUIDField()),
                ("purpose", fields.CharField(max_length=12)),
                ("text", fields.CharField(max_length=128)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "challenge",
                "app": "server",
                "indexes": [
                    Index(fields=["holder_id"], name="challenge_holder"),
                    Index(fields=["expires_at"], name="challenge_expires"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Halfway",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="halfways",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "halfway",
                "app": "server",
                "indexes": [
                    Index(fields=["person_id"], name="halfway_person"),
                    Index(fields=["expires_at"], name="halfway_expires"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Passkey",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="passkeys",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", EncryptedText(unique=False)),
                ("credential_hash", fields.CharField(unique=True, max_length=64)),
                ("credential_id", fields.TextField(unique=False)),
                ("public_key", fields.TextField(unique=False)),
                ("sign_count", fields.BigIntField(default=0)),
                (
                    "transports",
                    fields.JSONField(
                        default=list,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "passkey",
                "app": "server",
                "indexes": [Index(fields=["person_id"], name="passkey_person")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Recovery",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="recoveries",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("code_hash", fields.CharField(max_length=64)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "recovery",
                "app": "server",
                "indexes": [Index(fields=["person_id"], name="recovery_person")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Totp",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="totps",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("secret", EncryptedText(unique=False)),
                ("last_step", fields.BigIntField(default=0)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "confirmed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "totp",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("person_id",),
                        name="totp_counts",
                        condition="confirmed_at IS NOT NULL",
                    ),
                    UniqueConstraint(
                        fields=("person_id",), name="totp_begun", condition="confirmed_at IS NULL"
                    ),
                ],
                "indexes": [Index(fields=["person_id"], name="totp_person")],
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Agency",
            name="second_key_from",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="browser",
            field=fields.CharField(null=True, max_length=24),
        ),
        ops.AddField(
            model_name="Session",
            name="idle_s",
            field=fields.SmallIntField(null=True),
        ),
        ops.AddField(
            model_name="Session",
            name="needs_key",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Session",
            name="proved_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="system",
            field=fields.CharField(null=True, max_length=24),
        ),
    ]
