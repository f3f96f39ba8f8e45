"""Paper sent."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index

from server.crypt import EncryptedBytes, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7


class Migration(migrations.Migration):
    dependencies = [("server", "0041_pack_marks")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Enclosure",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "message",
                    fields.ForeignKeyField(
                        "server.Message",
                        source_field="message_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="enclosures",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=60)),
                ("media_type", fields.CharField(max_length=40)),
                ("content", EncryptedBytes(generated=False, null=False, unique=False)),
            ],
            options={
                "table": "enclosure",
                "app": "server",
                "indexes": [Index(fields=["message_id"], name="enclosure_message")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PaperSent",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "episode",
                    fields.ForeignKeyField(
                        "server.Episode",
                        source_field="episode_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="papers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("to", fields.CharField(max_length=12)),
                ("address", EncryptedText(unique=False)),
                ("copy", fields.CharField(max_length=8)),
                ("language", fields.CharField(max_length=8)),
                ("pack_version", fields.IntField()),
                ("passphrase", EncryptedText(unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("made_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "paper_sent",
                "app": "server",
                "indexes": [Index(fields=["episode_id"], name="paper_sent_episode")],
            },
            bases=["Model"],
        ),
    ]
