"""Pack marks."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0040_episode_handover")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PackMark",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pack_marks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("field", fields.CharField(max_length=32)),
                ("what", fields.CharField(max_length=8)),
                ("mark", fields.CharField(max_length=64)),
            ],
            options={
                "table": "pack_mark",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id"], name="pack_mark_child"),
                    Index(fields=["agency_id", "mark"], name="pack_mark_agency"),
                ],
            },
            bases=["Model"],
        ),
    ]
