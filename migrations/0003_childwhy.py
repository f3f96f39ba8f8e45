"""Childwhy."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0002_call_log_and_finding")]
    initial = False
    operations = [
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
    ]
