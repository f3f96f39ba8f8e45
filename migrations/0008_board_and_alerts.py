"""Board and alerts."""

from tortoise import migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0007_by_month")]
    initial = False
    operations = [
        ops.AddIndex(
            model_name="Alert", index=Index(fields=["noticed_at"], name="alert_noticed_at")
        ),
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
