"""Task on duty."""

from tortoise import migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0003_care_around_the_watch")]
    initial = False
    operations = [
        ops.AddIndex(
            model_name="Task",
            index=Index(fields=["agency_id", "owner_role", "state"], name="task_agency_role_state"),
        )
    ]
