"""Glass."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0001_initial")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Glass",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("opened_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("reason", fields.TextField()),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "glass",
                "indexes": [
                    Index(fields=["person_id", "opened_at"], name="glass_person_opened"),
                    Index(fields=["child_id", "until_at"], name="glass_child_until"),
                ],
            },
        )
    ]
