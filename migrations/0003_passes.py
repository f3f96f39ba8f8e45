"""Passes."""

import datetime

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.AddField(model_name="Pause", name="look_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Pause", name="looked_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Pause", name="looked_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Pause",
            name="next_action_at",
            field=fields.DatetimeField(
                null=True, db_default=datetime.datetime.fromisoformat("2000-01-01T00:00:00+00:00")
            ),
        ),
        ops.AddField(
            model_name="Pause", name="reason", field=fields.CharField(null=True, max_length=16)
        ),
        ops.AddField(model_name="Pause", name="reminded_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Pause", name="reviewed_at", field=fields.DatetimeField(null=True)),
        ops.AddIndex(
            model_name="Pause", index=Index(fields=["next_action_at"], name="pause_act_at")
        ),
    ]
