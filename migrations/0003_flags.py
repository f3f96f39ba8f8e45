"""Flags."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Approval",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("what", fields.CharField(max_length=8)),
                ("subject_id", fields.UUIDField()),
                ("content", fields.TextField()),
                ("asked_by", fields.UUIDField()),
                ("asked_role", fields.CharField(max_length=16)),
                ("asked_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=12)),
                ("why", fields.CharField(null=True, max_length=24)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "approval",
                "constraints": [
                    UniqueConstraint(
                        fields=("what", "subject_id"),
                        name="approval_one_waiting",
                        condition="state = 'waiting'",
                    )
                ],
                "indexes": [Index(fields=["child_id", "state"], name="approval_child_state")],
            },
        ),
        ops.CreateModel(
            name="Flag",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("words", fields.TextField()),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField()),
                ("done_at", fields.DatetimeField(null=True)),
                ("done_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "flag",
                "indexes": [Index(fields=["child_id", "done_at"], name="flag_child_done")],
            },
        ),
        ops.AddField(
            model_name="Agency",
            name="second_for_close",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Agency", name="second_for_end", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(
            model_name="Agency", name="second_for_pass", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(model_name="Task", name="but_id", field=fields.UUIDField(null=True)),
    ]
