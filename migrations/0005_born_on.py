"""Born on."""

from tortoise import migrations

from server.crypt import EncryptedText
from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0004_template")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Child",
            name="born_on",
            field=EncryptedText(null=True, unique=False),
        ),
    ]
