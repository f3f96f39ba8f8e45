"""Call log and finding."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0001_initial")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Attempt",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("alert", ops.reference("Alert", on_delete=OnDelete.RESTRICT)),
                ("at", fields.DatetimeField()),
                ("received_at", fields.DatetimeField()),
                ("who_id", fields.UUIDField()),
                ("way", fields.CharField(max_length=8)),
                ("target", fields.CharField(max_length=8)),
                ("result", fields.CharField(max_length=16)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "alert_attempt",
                "indexes": [
                    Index(fields=["alert_id", "at"], name="attempt_alert_at"),
                    Index(fields=["child_id", "at"], name="attempt_child_at"),
                ],
            },
        ),
        ops.CreateModel(
            name="Glass",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("opened_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("reason", fields.TextField()),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "glass",
                "indexes": [
                    Index(fields=["person_id", "opened_at"], name="glass_person_opened"),
                    Index(fields=["child_id", "until_at"], name="glass_child_until"),
                ],
            },
        ),
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
            model_name="Alert", name="contacted_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Alert", name="contacted_by", field=fields.UUIDField(null=True)),
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
        ops.AddField(model_name="Home", name="phone", field=fields.TextField(null=True)),
        ops.AddIndex(model_name="Home", index=Index(fields=["indexed_by"], name="home_indexed")),
        ops.AddIndex(
            model_name="Message",
            index=Index(fields=["child_id", "queued_at"], name="message_child_queued"),
        ),
        ops.AddField(model_name="Person", name="phone", field=fields.TextField(null=True)),
        ops.AddField(model_name="Round", name="call_at", field=fields.DatetimeField(null=True)),
        ops.AddField(
            model_name="Round", name="call_why", field=fields.CharField(null=True, max_length=24)
        ),
        ops.AddField(
            model_name="Round", name="tier", field=fields.CharField(null=True, max_length=8)
        ),
    ]
