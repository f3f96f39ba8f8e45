"""Forgot."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0011_passes")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Round",
            name="forgot_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
