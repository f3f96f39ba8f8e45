"""Change makes."""

from tortoise import migrations

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0015_first_requests")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddIndex(
            model_name="Change",
            index=PartialIndex(fields=["entity_id"], name="change_makes", where="field = '*'"),
        )
    ]
