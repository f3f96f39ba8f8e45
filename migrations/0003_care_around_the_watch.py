"""Care around the watch."""

import datetime

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
        ops.CreateModel(
            name="AbsenceRequest",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("place", fields.TextField()),
                ("words", fields.TextField(null=True)),
                ("said_at", fields.DatetimeField()),
                ("made_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=8)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("decided_by", fields.UUIDField(null=True)),
                ("answer", fields.TextField(null=True)),
                ("back_at", fields.DatetimeField(null=True)),
                ("duress_check_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "absence_request",
                "constraints": [
                    CheckConstraint(
                        check="until_at > from_at", name="absence_request_ends_after_start"
                    )
                ],
                "indexes": [
                    Index(fields=["child_id", "made_at"], name="absence_request_child_made"),
                    PartialIndex(
                        fields=["duress_check_at"],
                        name="absence_request_listen",
                        where="duress_check_at IS NOT NULL",
                    ),
                ],
            },
        ),
        ops.CreateModel(
            name="Advocacy",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("words", fields.TextField(null=True)),
                ("tells_alerts", fields.BooleanField(db_default=False)),
                ("link_at", fields.DatetimeField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("next_action_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "advocacy",
                "indexes": [
                    Index(fields=["child_id"], name="advocacy_child"),
                    Index(fields=["person_id"], name="advocacy_person"),
                    Index(fields=["next_action_at"], name="advocacy_next"),
                ],
            },
        ),
        ops.CreateModel(
            name="Approval",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("what", fields.CharField(max_length=8)),
                ("subject_id", fields.UUIDField()),
                ("content", fields.TextField()),
                ("asked_by", fields.UUIDField()),
                ("asked_role", fields.CharField(max_length=16)),
                ("asked_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=12)),
                ("why", fields.CharField(null=True, max_length=24)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "approval",
                "constraints": [
                    UniqueConstraint(
                        fields=("what", "subject_id"),
                        name="approval_one_waiting",
                        condition="state = 'waiting'",
                    )
                ],
                "indexes": [Index(fields=["child_id", "state"], name="approval_child_state")],
            },
        ),
        ops.CreateModel(
            name="DefinitionsVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("content", fields.JSONField()),
            ],
            options={
                "table": "episode_definitions",
                "constraints": [
                    UniqueConstraint(
                        fields=("agency_id", "version"), name="episode_definitions_once"
                    )
                ],
            },
        ),
        ops.CreateModel(
            name="Flag",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("words", fields.TextField()),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField()),
                ("done_at", fields.DatetimeField(null=True)),
                ("done_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "flag",
                "indexes": [Index(fields=["child_id", "done_at"], name="flag_child_done")],
            },
        ),
        ops.CreateModel(
            name="Reading",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("kind", fields.CharField(max_length=12)),
                ("subject_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("at", fields.DatetimeField()),
            ],
            options={
                "table": "reading",
                "indexes": [
                    Index(fields=["child_id", "kind", "at"], name="reading_child_kind_at"),
                    Index(fields=["subject_id"], name="reading_subject"),
                ],
            },
        ),
        ops.CreateModel(
            name="RecordQuestion",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("about_kind", fields.CharField(max_length=12)),
                ("about_id", fields.CharField(max_length=64)),
                ("about_at", fields.DatetimeField()),
                ("shown", fields.TextField(null=True)),
                ("words", fields.TextField()),
                ("to_role", fields.CharField(max_length=16)),
                ("asked_at", fields.DatetimeField()),
                ("due_at", fields.DatetimeField()),
                ("answer", fields.TextField(null=True)),
                ("answered_at", fields.DatetimeField(null=True)),
                ("answered_by", fields.UUIDField(null=True)),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "record_question",
                "indexes": [Index(fields=["child_id", "asked_at"], name="record_question_child")],
            },
        ),
        ops.CreateModel(
            name="Snooze",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person_id", fields.UUIDField()),
                ("subject_id", fields.UUIDField()),
                ("asked_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
            ],
            options={
                "table": "snooze",
                "indexes": [
                    Index(fields=["subject_id"], name="snooze_subject"),
                    Index(fields=["person_id", "asked_at"], name="snooze_person_asked"),
                ],
            },
        ),
        ops.AddField(
            model_name="Agency",
            name="second_for_close",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Agency", name="second_for_end", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(
            model_name="Agency", name="second_for_pass", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(model_name="LifeProject", name="wall", field=fields.TextField(null=True)),
        ops.AddField(model_name="Message", name="resort_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Pause", name="look_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Pause", name="looked_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Pause", name="looked_by", field=fields.UUIDField(null=True)),
        ops.AddField(
            model_name="Pause",
            name="next_action_at",
            field=fields.DatetimeField(
                null=True, db_default=datetime.datetime.fromisoformat("2000-01-01T00:00:00+00:00")
            ),
        ),
        ops.AddField(
            model_name="Pause", name="reason", field=fields.CharField(null=True, max_length=16)
        ),
        ops.AddField(model_name="Pause", name="reminded_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Pause", name="reviewed_at", field=fields.DatetimeField(null=True)),
        ops.AddIndex(
            model_name="Pause", index=Index(fields=["next_action_at"], name="pause_act_at")
        ),
        ops.AddField(
            model_name="Preference",
            name="digest_at",
            field=fields.CharField(null=True, max_length=5),
        ),
        ops.AddField(
            model_name="Preference", name="digest_next_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="Preference",
            name="lock_text",
            field=fields.CharField(null=True, max_length=12),
        ),
        ops.AddField(model_name="Preference", name="school", field=fields.TextField(null=True)),
        ops.AddIndex(
            model_name="Preference",
            index=Index(fields=["digest_next_at"], name="preference_digest_next_at"),
        ),
        ops.AddField(model_name="Sighting", name="place", field=fields.TextField(null=True)),
        ops.AddField(model_name="Task", name="but_id", field=fields.UUIDField(null=True)),
        ops.AddIndex(
            model_name="Task",
            index=Index(fields=["agency_id", "owner_role", "state"], name="task_agency_role_state"),
        ),
        ops.AddField(model_name="Watch", name="call_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Watch", name="misses", field=fields.SmallIntField(db_default=0)),
    ]
