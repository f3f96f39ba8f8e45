"""By way."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0019_rota")]

    initial = False

    operations = [
        ops.AddField(
            model_name="CheckIn",
            name="by_way",
            field=fields.CharField(default="app", db_default="app", max_length=8),
        ),
        ops.AddField(
            model_name="Watch",
            name="heard_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Watch",
            name="heard_way",
            field=fields.CharField(null=True, max_length=8),
        ),
        ops.AddField(
            model_name="Watch",
            name="held_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
