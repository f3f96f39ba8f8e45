"""Rota."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0018_last_call")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Duty",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "days",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("begins", fields.CharField(max_length=5)),
                ("ends", fields.CharField(max_length=5)),
                ("zone", fields.CharField(max_length=64)),
                (
                    "people",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("first_on", fields.DateField()),
                ("until_on", fields.DateField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "duty",
                "app": "server",
                "indexes": [Index(fields=["agency_id"], name="duty_agency")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Handover",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("who_id", fields.UUIDField(null=True)),
                ("to_id", fields.UUIDField()),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "handover",
                "app": "server",
                "indexes": [Index(fields=["agency_id", "until_at"], name="handover_agency_until")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Leave",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("cover_id", fields.UUIDField(null=True)),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "leave",
                "app": "server",
                "indexes": [Index(fields=["agency_id", "until_at"], name="leave_agency_until")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RotaTerms",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("is_always", fields.BooleanField(default=True)),
                ("lead_s", fields.IntField()),
                ("looked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "rota",
                "app": "server",
                "indexes": [Index(fields=["act_at"], name="rota_act_at")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Spell",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("begins_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ask_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("asked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("reached_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("begun_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dropped_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "spell",
                "app": "server",
                "indexes": [
                    Index(fields=["agency_id", "begins_at"], name="spell_agency_begins"),
                    Index(fields=["person_id"], name="spell_person"),
                ],
            },
            bases=["Model"],
        ),
    ]
