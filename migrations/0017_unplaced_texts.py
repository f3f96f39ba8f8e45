"""Unplaced texts."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0016_change_makes")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(model_name="Inbound", name="sender", field=fields.TextField(null=True)),
        ops.AddIndex(
            model_name="Inbound",
            index=PartialIndex(
                fields=["agency_id", "at"],
                name="inbound_unplaced",
                where="what IN ('unknown', 'nothing')",
            ),
        ),
    ]
