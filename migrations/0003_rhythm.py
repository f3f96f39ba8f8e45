"""Rhythm."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.AddField(model_name="Watch", name="call_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Watch", name="misses", field=fields.SmallIntField(db_default=0)),
    ]
