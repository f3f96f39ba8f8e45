"""Empty beds and learning."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0005_witnesses_and_budget")]
    initial = False
    operations = [
        ops.AddField(model_name="BudgetWeek", name="told", field=fields.JSONField(null=True)),
        ops.RemoveIndex(model_name="Tie", name="tie_person", fields=None),
        ops.AddIndex(
            model_name="Tie", index=Index(fields=["person_id", "child_id"], name="tie_person_child")
        ),
        ops.AddField(model_name="Watch", name="not_here_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Witness", name="before", field=fields.JSONField(null=True)),
        ops.AddField(
            model_name="Witness", name="changed_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Witness", name="until_on", field=fields.DateField(null=True)),
    ]
