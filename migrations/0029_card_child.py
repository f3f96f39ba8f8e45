"""Card child."""

from tortoise import migrations
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0028_trusted")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Card",
            index=Index(fields=["child_id"], name="card_child"),
        ),
    ]
