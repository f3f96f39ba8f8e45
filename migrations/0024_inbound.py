"""Inbound."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0023_intake")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Card",
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
                        related_name="cards",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code", EncryptedText(unique=False)),
                ("code_index", fields.CharField(unique=True, max_length=64)),
                ("pin_hash", fields.CharField(max_length=64)),
                ("wrong", fields.SmallIntField(default=0)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("locked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "card",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="card_live", condition="ended_at IS NULL"
                    )
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ChildLink",
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
                        related_name="links",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "child_link",
                "app": "server",
                "indexes": [Index(fields=["child_id"], name="child_link_child")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FrontDesk",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "home",
                    fields.ForeignKeyField(
                        "server.Home",
                        source_field="home_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="front_desks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("opened_by", fields.UUIDField()),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "front_desk",
                "app": "server",
                "indexes": [Index(fields=["home_id"], name="front_desk_home")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Inbound",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("channel", fields.CharField(max_length=32)),
                ("outer_id", fields.CharField(max_length=64)),
                ("nth", fields.SmallIntField(default=0)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("what", fields.CharField(max_length=12)),
                ("agency_id", fields.UUIDField(null=True)),
                ("child_id", fields.UUIDField(null=True)),
                ("person_id", fields.UUIDField(null=True)),
                ("message_id", fields.UUIDField(null=True)),
                ("is_shared", fields.BooleanField(default=False)),
                ("text", EncryptedText(null=True, unique=False)),
            ],
            options={
                "table": "inbound",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("channel", "outer_id", "nth"), name="inbound_once"),
                    UniqueConstraint(
                        fields=("message_id",),
                        name="inbound_answers_once",
                        condition="message_id IS NOT NULL",
                    ),
                ],
                "indexes": [
                    Index(fields=["child_id", "at"], name="inbound_child_at"),
                    Index(fields=["at"], name="inbound_at"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Texting",
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
                        related_name="textings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("channel", fields.CharField(max_length=32)),
                ("number", EncryptedText(unique=False)),
                ("number_index", fields.CharField(max_length=64)),
                ("words", EncryptedJSON(generated=False, null=False, unique=False)),
                ("replies", fields.BooleanField(db_default=True)),
                ("address_id", fields.UUIDField(null=True)),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "texting",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="texting_live", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [Index(fields=["number_index"], name="texting_number")],
            },
            bases=["Model"],
        ),
    ]
