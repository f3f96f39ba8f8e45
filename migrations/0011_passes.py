"""Passes."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0010_season")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Pause",
            name="returns",
            field=fields.BooleanField(default=False, db_default=False),
        ),
    ]
