"""Witnesses and budget."""

import datetime

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
            name="BudgetWeek",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("ends_at", fields.DatetimeField()),
                ("made_at", fields.DatetimeField()),
                ("version", fields.IntField()),
                ("children", fields.JSONField()),
                ("calls", fields.JSONField()),
                ("closings", fields.JSONField()),
                ("answered", fields.IntField()),
                ("figures", fields.JSONField()),
                ("before", fields.JSONField()),
                ("after", fields.JSONField()),
                ("state", fields.CharField(max_length=12)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "budget_week",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "ends_at"), name="budget_week_once")
                ],
            },
        ),
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
        ops.CreateModel(
            name="Witness",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("kind", fields.CharField(max_length=8)),
                ("name", fields.TextField()),
                ("channel", fields.CharField(max_length=24)),
                ("address", fields.TextField()),
                ("language", fields.CharField(max_length=8)),
                ("days", fields.JSONField()),
                ("at", fields.CharField(max_length=5)),
                ("zone", fields.CharField(max_length=64)),
                ("pin_hash", fields.CharField(max_length=64)),
                ("wrong", fields.SmallIntField()),
                ("locked_at", fields.DatetimeField(null=True)),
                ("register_hash", fields.CharField(null=True, max_length=64)),
                ("next_list_at", fields.DatetimeField(null=True)),
                ("quarantined_at", fields.DatetimeField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "witness",
                "constraints": [
                    UniqueConstraint(fields=("register_hash",), name="witness_register")
                ],
                "indexes": [
                    Index(fields=["agency_id"], name="witness_agency"),
                    Index(fields=["next_list_at"], name="witness_next_list"),
                ],
            },
        ),
        ops.CreateModel(
            name="WitnessChild",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("witness", ops.reference("Witness", on_delete=OnDelete.RESTRICT)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("known_as", fields.TextField()),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField(null=True)),
                ("added_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "witness_child",
                "constraints": [
                    UniqueConstraint(
                        fields=("witness_id", "child_id"),
                        name="witness_child_live",
                        condition="until_at IS NULL",
                    )
                ],
                "indexes": [
                    Index(fields=["witness_id"], name="witness_child_witness"),
                    Index(fields=["child_id"], name="witness_child_child"),
                ],
            },
        ),
        ops.CreateModel(
            name="WitnessList",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("witness", ops.reference("Witness", on_delete=OnDelete.RESTRICT)),
                ("due_at", fields.DatetimeField()),
                ("zone", fields.CharField(max_length=64)),
                ("ends_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=8)),
                ("asked_at", fields.DatetimeField(null=True)),
                ("done_at", fields.DatetimeField(null=True)),
                ("told_at", fields.DatetimeField(null=True)),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("quarantined_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "witness_list",
                "indexes": [
                    Index(fields=["witness_id", "due_at"], name="witness_list_due"),
                    Index(fields=["agency_id", "told_at"], name="witness_list_told"),
                    Index(fields=["next_action_at"], name="witness_list_act_at"),
                ],
            },
        ),
        ops.CreateModel(
            name="WitnessWord",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("list", ops.reference("WitnessList", on_delete=OnDelete.RESTRICT)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("witness_id", fields.UUIDField()),
                ("word", fields.CharField(max_length=8)),
                ("said_at", fields.DatetimeField()),
                ("at", fields.DatetimeField()),
                ("by_id", fields.UUIDField(null=True)),
                ("way", fields.CharField(max_length=8)),
            ],
            options={
                "table": "witness_word",
                "indexes": [
                    Index(fields=["child_id", "said_at"], name="witness_word_child_said"),
                    Index(fields=["list_id"], name="witness_word_list"),
                ],
            },
        ),
        ops.AddField(
            model_name="Agency",
            name="next_budget_at",
            field=fields.DatetimeField(
                db_default=datetime.datetime.fromisoformat("2000-01-01T00:00:00+00:00")
            ),
        ),
        ops.AddIndex(
            model_name="Agency", index=Index(fields=["next_budget_at"], name="agency_budget_at")
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
        ops.AddField(model_name="Policy", name="factors", field=fields.JSONField(null=True)),
    ]
