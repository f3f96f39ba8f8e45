"""Help again."""

from tortoise import fields, migrations
from tortoise.indexes import Index

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0018_old_words")]
    initial = False
    lives_with = "0.2.0"
    operations = [
        ops.AddField(model_name="Alert", name="called_at", field=fields.DatetimeField(null=True)),
        ops.AddField(
            model_name="Alert", name="called_said_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="Alert", name="is_beside", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(model_name="Alert", name="react_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Alert", name="said_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Alert", name="tell_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Alert", name="untold", field=fields.SmallIntField(db_default=0)),
        ops.AddIndex(model_name="Alert", index=Index(fields=["tell_at"], name="alert_tell_at")),
        ops.AddIndex(model_name="Alert", index=Index(fields=["react_at"], name="alert_react_at")),
    ]
