"""Intake."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.crypt import EncryptedJSON
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0022_duress_sign")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Intake",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="looking", max_length=12)),
                ("lines", EncryptedJSON(null=True, generated=False, unique=False)),
                ("faults", EncryptedJSON(null=True, generated=False, unique=False)),
                ("left_out", EncryptedJSON(null=True, generated=False, unique=False)),
                ("count", fields.IntField()),
                ("fault_count", fields.IntField()),
                ("known_count", fields.IntField()),
                ("place", fields.IntField(default=0)),
                ("added", fields.IntField(default=0)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "intake",
                "app": "server",
                "indexes": [
                    Index(fields=["act_at"], name="intake_act_at"),
                    Index(fields=["agency_id", "made_at"], name="intake_agency_made"),
                ],
            },
            bases=["Model"],
        ),
    ]
