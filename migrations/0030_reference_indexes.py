"""Reference indexes."""

from tortoise import migrations
from tortoise.indexes import Index

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0029_card_child")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Texting",
            index=Index(fields=["child_id"], name="texting_child"),
        ),
        ops.AddIndex(
            model_name="TrustedAsk",
            index=Index(fields=["trusted_id"], name="trusted_ask_trusted"),
        ),
    ]
