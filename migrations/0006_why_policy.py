"""Why policy."""

from tortoise import migrations

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0005_born_on")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Policy",
            name="words",
            field=EncryptedText(null=True, unique=False),
        ),
    ]
