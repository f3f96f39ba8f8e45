"""Calendar."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0012_forgot")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Milestone",
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
                        related_name="milestones",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("what", fields.CharField(max_length=12)),
                ("on_day", fields.DateField()),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "milestone",
                "app": "server",
                "indexes": [
                    Index(fields=["act_at"], name="milestone_act_at"),
                    Index(fields=["child_id", "until_at"], name="milestone_child_until"),
                ],
            },
            bases=["Model"],
        ),
    ]
