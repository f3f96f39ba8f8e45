"""Template."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.crypt import EncryptedJSON
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0003_due")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Template",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("kind", fields.CharField(max_length=16)),
                ("language", fields.CharField(null=True, max_length=8)),
                ("age_from", fields.IntField(null=True)),
                ("age_to", fields.IntField(null=True)),
                ("spoken", EncryptedJSON(generated=False, null=False, unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
                ("retired_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "template",
                "app": "server",
                "indexes": [Index(fields=["agency_id"], name="template_agency")],
            },
            bases=["Model"],
        ),
    ]
