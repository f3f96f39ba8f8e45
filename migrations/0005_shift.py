"""Shift."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0004_roll_calls")]
    initial = False
    operations = [
        ops.CreateModel(
            name="HomeNumber",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("home", ops.reference("Home", on_delete=OnDelete.RESTRICT)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("number", fields.SmallIntField()),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "home_number",
                "constraints": [
                    UniqueConstraint(
                        fields=("home_id", "number"),
                        name="home_number_live",
                        condition="until_at IS NULL",
                    ),
                    UniqueConstraint(
                        fields=("home_id", "child_id"),
                        name="home_number_child_live",
                        condition="until_at IS NULL",
                    ),
                ],
                "indexes": [
                    Index(fields=["home_id"], name="home_number_home"),
                    Index(fields=["child_id"], name="home_number_child"),
                ],
            },
        ),
        ops.AddField(
            model_name="FrontDesk",
            name="unlock_hash",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(model_name="FrontDesk", name="unlocked_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="FrontDesk", name="unlocked_until", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="Home", name="kind", field=fields.CharField(db_default="home", max_length=8)
        ),
        ops.AddField(
            model_name="HomeWorker", name="on_until", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="HomeWorker",
            name="pin_hash",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="HomeWorker", name="pin_locked_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="HomeWorker", name="pin_wrong", field=fields.SmallIntField(db_default=0)
        ),
    ]
