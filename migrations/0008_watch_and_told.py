"""Watch and told."""

from tortoise import migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0007_by_month")]
    initial = False
    operations = [
        ops.AddIndex(
            model_name="Alert", index=Index(fields=["noticed_at"], name="alert_noticed_at")
        )
    ]
