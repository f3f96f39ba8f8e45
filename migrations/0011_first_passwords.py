"""First passwords."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0010_tokens_renewed")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(model_name="Credential", name="until", field=fields.DatetimeField(null=True)),
        ops.AddField(
            model_name="PendingSecondFactor",
            name="needs_password",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Session", name="needs_password", field=fields.BooleanField(db_default=False)
        ),
    ]
