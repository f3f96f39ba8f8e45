"""Absence request."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

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
        )
    ]
