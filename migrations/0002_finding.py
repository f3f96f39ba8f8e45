"""Finding."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0001_initial")]
    initial = False
    operations = [
        ops.CreateModel(
            name="SearchToken",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("digest", fields.CharField(max_length=32)),
                ("about_id", fields.UUIDField()),
            ],
            options={
                "table": "search_token",
                "constraints": [
                    UniqueConstraint(fields=("digest", "about_id"), name="search_token_once")
                ],
                "indexes": [Index(fields=["about_id"], name="search_token_about")],
            },
        ),
        ops.AddField(
            model_name="Child", name="indexed_by", field=fields.CharField(null=True, max_length=16)
        ),
        ops.AddField(model_name="Child", name="reference", field=fields.TextField(null=True)),
        ops.AddField(
            model_name="Child",
            name="reference_index",
            field=fields.CharField(null=True, unique=True, max_length=64),
        ),
        ops.AddIndex(
            model_name="Child",
            index=Index(fields=["indexed_by", "agency_id"], name="child_indexed"),
        ),
        ops.AddField(
            model_name="Home", name="indexed_by", field=fields.CharField(null=True, max_length=16)
        ),
        ops.AddIndex(model_name="Home", index=Index(fields=["indexed_by"], name="home_indexed")),
    ]
