"""Old words."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0017_unplaced_texts")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(model_name="CheckIn", name="spoken_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Watch", name="old_came_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Watch", name="old_said_at", field=fields.DatetimeField(null=True)),
    ]
