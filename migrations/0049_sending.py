"""Sending."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0048_message_ready")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Process",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=36),
                ),
                ("beats", fields.BigIntField()),
            ],
            options={"table": "process", "app": "server"},
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Address",
            name="refused_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Address",
            name="refused_why",
            field=fields.CharField(null=True, max_length=24),
        ),
    ]
