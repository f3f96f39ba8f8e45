"""Project wall."""

from tortoise import fields, migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0003_care_around_the_watch")]
    initial = False
    operations = [
        ops.AddField(model_name="LifeProject", name="wall", field=fields.TextField(null=True))
    ]
