"""Shared question."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

from server.crypt import EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0026_rota_told")]

    initial = False

    operations = [
        ops.CreateModel(
            name="SharedAnswer",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("question_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="shared_answers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("words", EncryptedText(unique=False)),
                ("is_otherwise", fields.BooleanField()),
            ],
            options={
                "table": "shared_answer",
                "app": "server",
                "indexes": [Index(fields=["child_id", "at"], name="shared_answer_child_at")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SharedQuestion",
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
                        related_name="shared_questions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("text", EncryptedText(unique=False)),
                ("answer", EncryptedText(unique=False)),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("asked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "shared_question",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",),
                        name="shared_question_holds",
                        condition="ended_at IS NULL",
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="shared_question_child")],
            },
            bases=["Model"],
        ),
    ]
