"""Never heard."""

from tortoise import migrations

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0013_late_first")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddIndex(
            model_name="Watch",
            index=PartialIndex(
                fields=["agency_id", "due_at", "child_id"],
                name="watch_unheard",
                where="answered_at IS NULL AND heard_at IS NULL AND standing = 'well' AND due_at IS NOT NULL",
            ),
        )
    ]
