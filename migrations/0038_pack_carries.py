"""Pack carries."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0035_interviews")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PackCarry",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pack_carries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("why", EncryptedText(null=True, unique=False)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "put_down_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "pack_carry",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id"], name="pack_carry_child"),
                    Index(fields=["person_id", "until_at"], name="pack_carry_person"),
                ],
            },
            bases=["Model"],
        ),
    ]
