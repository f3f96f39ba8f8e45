"""Due."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0002_plan")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Due",
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
                        related_name="dues",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharField(max_length=16)),
                ("subject_id", fields.UUIDField()),
                ("turn", fields.IntField(default=0)),
                ("owner_id", fields.UUIDField(null=True)),
                ("owner_role", fields.CharField(max_length=16)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("zone", fields.CharField(max_length=64)),
                ("set_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("since_id", fields.UUIDField(null=True)),
                ("state", fields.CharField(default="open", max_length=8)),
                ("told", fields.IntField(default=-1)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settled_by", fields.UUIDField(null=True)),
                ("why", fields.CharField(null=True, max_length=24)),
                (
                    "quarantined_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "due",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("kind", "subject_id", "turn"), name="due_turn"),
                    UniqueConstraint(
                        fields=("kind", "subject_id"),
                        name="due_one_open",
                        condition="state = 'open'",
                    ),
                    CheckConstraint(
                        check="(state = 'open') = (act_at IS NOT NULL)",
                        name="due_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["act_at"], name="due_act_at"),
                    Index(fields=["child_id", "state"], name="due_child_state"),
                ],
            },
            bases=["Model"],
        ),
    ]
