"""How people are reached: an order, quiet hours, and addresses from which somebody has answered."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0020_by_way")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Wish",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "channels",
                    fields.JSONField(
                        default=list,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("quiet_from", fields.CharField(null=True, max_length=5)),
                ("quiet_until", fields.CharField(null=True, max_length=5)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "wish", "app": "server"},
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Address",
            name="code_hash",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Address",
            name="code_made_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Address",
            name="code_turn",
            field=fields.IntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Address",
            name="code_wrong",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Address",
            name="verified_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        # Those that are in use already have done their work: nobody is out of reach by an upgrade.
        ops.RunSQL("UPDATE address SET verified_at = made_at", ops.RunSQL.noop),
        ops.AddIndex(
            model_name="Delivery",
            index=Index(fields=["channel", "started_at"], name="delivery_channel"),
        ),
    ]
