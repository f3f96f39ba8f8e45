"""Device health."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0013_calendar")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Address",
            name="receipts_since",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Address",
            name="unseen",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Address",
            name="unseen_since",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
