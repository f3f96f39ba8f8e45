"""Areas."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0008_board_and_alerts")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(
            model_name="Agency", name="is_area", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(
            model_name="Agency",
            name="within",
            field=ops.reference("Agency", null=True, on_delete=OnDelete.RESTRICT),
        ),
        ops.AddIndex(model_name="Agency", index=Index(fields=["within_id"], name="agency_within")),
        ops.AddIndex(
            model_name="Episode", index=Index(fields=["opened_at"], name="episode_opened_at")
        ),
    ]
