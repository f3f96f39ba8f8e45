"""A silent child is asked once more: when that was."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0017_alert_decide_at")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Watch",
            name="last_call_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
