"""Alert decide at."""

from tortoise import migrations
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0016_season_proposals")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Alert",
            index=Index(fields=["decide_at"], name="alert_decide_at"),
        ),
    ]
