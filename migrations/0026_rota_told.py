"""Rota told."""

import functools
from json import dumps, loads

from tortoise import fields, migrations

from server.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0025_drill")]

    initial = False

    operations = [
        ops.AddField(
            model_name="RotaTerms",
            name="told",
            field=fields.JSONField(
                null=True, encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
            ),
        ),
    ]
