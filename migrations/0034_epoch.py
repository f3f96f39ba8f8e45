"""Epoch."""

from uuid import uuid4

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0033_grab_pack")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Epoch",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("restored_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "epoch", "app": "server"},
            bases=["Model"],
        ),
    ]
