"""Together."""

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0008_observation")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Message",
            name="together",
            field=fields.UUIDField(null=True),
        ),
    ]
