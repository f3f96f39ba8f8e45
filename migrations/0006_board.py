"""Board."""

from tortoise import migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0005_witnesses_and_budget")]
    initial = False
    operations = [
        ops.RemoveIndex(model_name="Tie", name="tie_person", fields=None),
        ops.AddIndex(
            model_name="Tie", index=Index(fields=["person_id", "child_id"], name="tie_person_child")
        ),
    ]
