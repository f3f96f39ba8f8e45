"""Alert held."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0043_transfers")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Alert",
            name="held_by_call",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddIndex(
            model_name="Leave",
            index=Index(fields=["from_at"], name="leave_from"),
        ),
        ops.AddIndex(
            model_name="Tie",
            index=Index(fields=["from_at"], name="tie_from"),
        ),
    ]
