"""Budget weeks."""

import datetime

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0004_roll_calls")]
    initial = False
    operations = [
        ops.CreateModel(
            name="BudgetWeek",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("ends_at", fields.DatetimeField()),
                ("made_at", fields.DatetimeField()),
                ("version", fields.IntField()),
                ("children", fields.JSONField()),
                ("calls", fields.JSONField()),
                ("closings", fields.JSONField()),
                ("answered", fields.IntField()),
                ("figures", fields.JSONField()),
                ("before", fields.JSONField()),
                ("after", fields.JSONField()),
                ("state", fields.CharField(max_length=12)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "budget_week",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "ends_at"), name="budget_week_once")
                ],
            },
        ),
        ops.AddField(
            model_name="Agency",
            name="next_budget_at",
            field=fields.DatetimeField(
                db_default=datetime.datetime.fromisoformat("2000-01-01T00:00:00+00:00")
            ),
        ),
        ops.AddIndex(
            model_name="Agency", index=Index(fields=["next_budget_at"], name="agency_budget_at")
        ),
        ops.AddField(model_name="Policy", name="factors", field=fields.JSONField(null=True)),
    ]
