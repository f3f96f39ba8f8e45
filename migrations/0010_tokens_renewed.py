"""Tokens renewed."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0009_areas")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(
            model_name="Session",
            name="next_hash",
            field=fields.CharField(null=True, unique=True, max_length=64),
        ),
        ops.AddField(
            model_name="Session", name="next_proved_at", field=fields.DatetimeField(null=True)
        ),
    ]
