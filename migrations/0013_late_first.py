"""Late first."""

from tortoise import migrations

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0012_tie_roles")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddIndex(
            model_name="Watch",
            index=PartialIndex(
                fields=["agency_id", "missed_due_at", "child_id"],
                name="watch_late",
                where="standing = 'late'",
            ),
        )
    ]
