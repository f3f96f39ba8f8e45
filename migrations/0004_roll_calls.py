"""Roll calls."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0003_care_around_the_watch")]
    initial = False
    operations = [
        ops.CreateModel(
            name="HomeWorker",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("home", ops.reference("Home", on_delete=OnDelete.RESTRICT)),
                ("person", ops.reference("Person", on_delete=OnDelete.RESTRICT)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField(null=True)),
                ("added_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "home_worker",
                "constraints": [
                    UniqueConstraint(
                        fields=("home_id", "person_id"),
                        name="home_worker_live",
                        condition="until_at IS NULL",
                    )
                ],
                "indexes": [
                    Index(fields=["home_id"], name="home_worker_home"),
                    Index(fields=["person_id"], name="home_worker_person"),
                ],
            },
        ),
        ops.CreateModel(
            name="RollCall",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("home", ops.reference("Home", on_delete=OnDelete.RESTRICT)),
                ("due_at", fields.DatetimeField()),
                ("zone", fields.CharField(max_length=64)),
                ("asked_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=8)),
                ("done_at", fields.DatetimeField(null=True)),
                ("done_by", fields.UUIDField(null=True)),
                ("told_at", fields.DatetimeField(null=True)),
                ("step", fields.SmallIntField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("quarantined_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "roll_call",
                "indexes": [
                    Index(fields=["home_id", "due_at"], name="roll_call_home_due"),
                    Index(fields=["agency_id", "due_at"], name="roll_call_agency_due"),
                    Index(fields=["next_action_at"], name="roll_call_act_at"),
                ],
            },
        ),
        ops.CreateModel(
            name="RollCallWord",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("roll_call", ops.reference("RollCall", on_delete=OnDelete.RESTRICT)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("word", fields.CharField(max_length=8)),
                ("until_at", fields.DatetimeField(null=True)),
                ("said_at", fields.DatetimeField()),
                ("at", fields.DatetimeField()),
                ("by_id", fields.UUIDField()),
            ],
            options={
                "table": "roll_call_word",
                "indexes": [
                    Index(fields=["child_id", "said_at"], name="roll_call_word_child_said"),
                    Index(fields=["roll_call_id"], name="roll_call_word_call"),
                ],
            },
        ),
        ops.AddField(
            model_name="Home", name="next_roll_call_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(model_name="Home", name="roll_call_at", field=fields.JSONField(null=True)),
        ops.AddIndex(
            model_name="Home", index=Index(fields=["next_roll_call_at"], name="home_roll_call_at")
        ),
    ]
