"""Message ready."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0046_alert_held")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Message",
            name="ready_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
