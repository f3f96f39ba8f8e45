"""Resort digest."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.AddField(model_name="Message", name="resort_id", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Preference",
            name="digest_at",
            field=fields.CharField(null=True, max_length=5),
        ),
        ops.AddField(
            model_name="Preference", name="digest_next_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddIndex(
            model_name="Preference",
            index=Index(fields=["digest_next_at"], name="preference_digest_next_at"),
        ),
    ]
