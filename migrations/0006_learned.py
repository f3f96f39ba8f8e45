"""Learned."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0005_witnesses_and_budget")]
    initial = False
    operations = [
        ops.AddField(model_name="BudgetWeek", name="told", field=fields.JSONField(null=True))
    ]
