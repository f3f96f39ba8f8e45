"""Witness pins renewed."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0019_help_again")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(model_name="Witness", name="pin_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Witness", name="pin_new_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Witness", name="register_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Witness", name="register_new_at", field=fields.DatetimeField(null=True)
        ),
    ]
