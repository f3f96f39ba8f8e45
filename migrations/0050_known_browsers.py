"""Known browsers."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0049_sending")]

    initial = False

    operations = [
        ops.CreateModel(
            name="KnownBrowser",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="known_browsers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("by_link", fields.BooleanField(db_default=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("opened_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("wrong", fields.SmallIntField(default=0, db_default=0)),
            ],
            options={
                "table": "known_browser",
                "app": "server",
                "indexes": [
                    Index(fields=["person_id", "made_at"], name="known_browser_person"),
                    Index(fields=["expires_at"], name="known_browser_expires"),
                ],
            },
            bases=["Model"],
        ),
    ]
