"""Season proposals."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0015_doors")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Milestone",
            name="known_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Proposal",
            name="first_day",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Proposal",
            name="last_day",
            field=fields.DateField(null=True),
        ),
    ]
