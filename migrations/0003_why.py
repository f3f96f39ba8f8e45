"""Why."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_alert_actions")]
    initial = False
    operations = [
        ops.AddIndex(
            model_name="Message",
            index=Index(fields=["child_id", "queued_at"], name="message_child_queued"),
        ),
        ops.AddField(model_name="Round", name="call_at", field=fields.DatetimeField(null=True)),
        ops.AddField(
            model_name="Round", name="call_why", field=fields.CharField(null=True, max_length=24)
        ),
        ops.AddField(
            model_name="Round", name="tier", field=fields.CharField(null=True, max_length=8)
        ),
    ]
