"""Drill."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0024_inbound")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Drill",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("worker_id", fields.UUIDField()),
                ("begun_by", fields.UUIDField(null=True)),
                ("begun_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("each_s", fields.IntField()),
                (
                    "places",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("place", fields.SmallIntField(default=-1)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("why", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "drill",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("agency_id",), name="drill_one_open", condition="ended_at IS NULL"
                    ),
                    CheckConstraint(
                        check="(ended_at IS NULL) = (act_at IS NOT NULL)",
                        name="drill_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["act_at"], name="drill_act_at"),
                    Index(fields=["agency_id", "begun_at"], name="drill_agency_begun"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DrillCall",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "drill",
                    fields.ForeignKeyField(
                        "server.Drill",
                        source_field="drill_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="calls",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("place", fields.SmallIntField()),
                ("called_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "answered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("answered_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "drill_call",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("drill_id", "place"), name="drill_call_once")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DrillPlan",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("every", fields.CharField(null=True, max_length=8)),
                ("weekday", fields.SmallIntField(default=0)),
                ("at", fields.CharField(default="10:00", max_length=5)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("changed_by", fields.UUIDField(null=True)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "drill_plan",
                "app": "server",
                "indexes": [Index(fields=["act_at"], name="drill_plan_act_at")],
            },
            bases=["Model"],
        ),
    ]
