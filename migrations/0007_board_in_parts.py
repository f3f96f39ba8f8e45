"""Board in parts."""

from tortoise import migrations

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0006_empty_beds_and_learning")]
    initial = False
    operations = [
        ops.AddIndex(
            model_name="Child",
            index=PartialIndex(
                fields=["agency_id", "home_id", "id"], name="child_here", where="left_at IS NULL"
            ),
        ),
        ops.AddIndex(
            model_name="Child",
            index=PartialIndex(
                fields=["agency_id", "left_at"], name="child_left", where="left_at IS NOT NULL"
            ),
        ),
        ops.AddIndex(
            model_name="Watch",
            index=PartialIndex(
                fields=["agency_id", "standing", "due_at", "child_id"],
                name="watch_not_well",
                where="standing <> 'well'",
            ),
        ),
        ops.AddIndex(
            model_name="Watch",
            index=PartialIndex(
                fields=["agency_id", "child_id"],
                name="watch_not_here",
                where="not_here_at IS NOT NULL",
            ),
        ),
    ]
