"""Duress sign."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedJSON
from server.engines import operations as ops
from server.engines.indexes import PartialIndex
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0021_reaching")]

    initial = False

    operations = [
        ops.CreateModel(
            name="DuressHeard",
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
                        related_name="duress_heard",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("check_in_id", fields.UUIDField(unique=True)),
                ("sign_id", fields.UUIDField(null=True)),
                ("alert_id", fields.UUIDField(null=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("heard_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "duress_heard",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id"], name="duress_heard_child"),
                    Index(fields=["alert_id"], name="duress_heard_alert"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DuressSign",
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
                        related_name="duress_signs",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("what", EncryptedJSON(generated=False, null=False, unique=False)),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "practise_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "duress_sign",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="duress_sign_holds", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="duress_sign_child")],
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="CheckIn",
            name="how",
            field=fields.CharField(null=True, max_length=8),
        ),
        ops.AddField(
            model_name="CheckIn",
            name="listen_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="CheckIn",
            name="who_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddIndex(
            model_name="CheckIn",
            index=PartialIndex(
                fields=["listen_at"], name="check_in_listen", where="listen_at IS NOT NULL"
            ),
        ),
        ops.AddField(
            model_name="Watch",
            name="listens",
            field=fields.BooleanField(default=False, db_default=False),
        ),
    ]
