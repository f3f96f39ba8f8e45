"""Tie roles."""

from tortoise import migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0011_first_passwords")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddIndex(
            model_name="Tie", index=Index(fields=["person_id", "role"], name="tie_person_role")
        )
    ]
