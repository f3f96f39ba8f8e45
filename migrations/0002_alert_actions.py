"""Alert actions."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0001_initial")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Attempt",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("alert", ops.reference("Alert", on_delete=OnDelete.RESTRICT)),
                ("at", fields.DatetimeField()),
                ("received_at", fields.DatetimeField()),
                ("who_id", fields.UUIDField()),
                ("way", fields.CharField(max_length=8)),
                ("target", fields.CharField(max_length=8)),
                ("result", fields.CharField(max_length=16)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "alert_attempt",
                "indexes": [
                    Index(fields=["alert_id", "at"], name="attempt_alert_at"),
                    Index(fields=["child_id", "at"], name="attempt_child_at"),
                ],
            },
        ),
        ops.AddField(
            model_name="Alert", name="contacted_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Alert", name="contacted_by", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Home", name="phone", field=fields.TextField(null=True)),
        ops.AddField(model_name="Person", name="phone", field=fields.TextField(null=True)),
    ]
