"""Witness changes."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0005_witnesses_and_budget")]
    initial = False
    operations = [
        ops.AddField(model_name="Witness", name="before", field=fields.JSONField(null=True)),
        ops.AddField(
            model_name="Witness", name="changed_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Witness", name="until_on", field=fields.DateField(null=True)),
    ]
