"""Provider."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0031_episodes")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Errand",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("provider", fields.CharField(max_length=31)),
                ("purpose", fields.CharField(max_length=12)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("browser_hash", fields.CharField(max_length=64)),
                ("session_id", fields.UUIDField(null=True)),
                ("carries", EncryptedJSON(generated=False, null=False, unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "errand",
                "app": "server",
                "indexes": [Index(fields=["expires_at"], name="errand_expires")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Identity",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="identities",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("provider", fields.CharField(max_length=31)),
                ("subject", EncryptedText(unique=False)),
                ("subject_index", fields.CharField(unique=True, max_length=64)),
                ("tied_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("unheeded", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "identity",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("person_id", "provider"), name="identity_one_each")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProviderTerms",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("provider", fields.CharField(max_length=31)),
                ("label", fields.CharField(null=True, max_length=60)),
                ("claim", fields.CharField(max_length=120)),
                (
                    "roles",
                    fields.JSONField(
                        default=dict,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                (
                    "strong",
                    fields.JSONField(
                        default=list,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("adds_people", fields.BooleanField(db_default=False)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "provider_terms",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "provider"), name="provider_terms_once")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Welcome",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="welcomes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("provider", fields.CharField(max_length=31)),
                ("code_hash", fields.CharField(unique=True, max_length=64)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "welcome",
                "app": "server",
                "indexes": [Index(fields=["person_id"], name="welcome_person")],
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Session",
            name="provider",
            field=fields.CharField(null=True, max_length=31),
        ),
    ]
