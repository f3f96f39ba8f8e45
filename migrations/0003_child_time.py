"""Child time."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Snooze",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person_id", fields.UUIDField()),
                ("subject_id", fields.UUIDField()),
                ("asked_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
            ],
            options={
                "table": "snooze",
                "indexes": [
                    Index(fields=["subject_id"], name="snooze_subject"),
                    Index(fields=["person_id", "asked_at"], name="snooze_person_asked"),
                ],
            },
        ),
        ops.AddField(
            model_name="Preference",
            name="lock_text",
            field=fields.CharField(null=True, max_length=12),
        ),
        ops.AddField(model_name="Preference", name="school", field=fields.TextField(null=True)),
    ]
