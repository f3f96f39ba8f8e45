"""First requests."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0014_never_heard")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.CreateModel(
            name="FirstRequest",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={"table": "first_request"},
        )
    ]
