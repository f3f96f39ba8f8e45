"""The models of a migration as they were then, kept ready for queries at a bearable price."""

from typing import cast
from weakref import WeakKeyDictionary

from pypika_tortoise.queries import Query, Table
from tortoise.connection import ConnectionHandler
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model


class FrugalApps(StateApps):
    """Prepares a model for queries when it is new, or has got another field.

    The stock one prepares every model again after each operation: for our ninety tables that was
    four fifths of a first start.
    """

    def __init__(
        self,
        default_connections: dict[str, str] | None = None,
        connections: ConnectionHandler | None = None,
    ) -> None:
        super().__init__(default_connections, connections)
        # How many fields the model had when we prepared it. A model never loses one: what takes a
        # field away puts a new model in its place. But a table that refers to it may add one.
        self._prepared: WeakKeyDictionary[type[Model], int] = WeakKeyDictionary()

    def _build_initial_querysets(self) -> None:
        if self._connections._db_config is None:
            return
        for models in self.apps.values():
            for model in models.values():
                fields = len(model._meta.fields_map)
                if model._meta._inited and self._prepared.get(model) != fields:
                    _prepare(model)
                    self._prepared[model] = fields


def _prepare(model: type[Model]) -> None:
    meta = model._meta
    if meta.default_connection is None:
        return
    meta.finalise_model()
    meta.basetable = Table(name=meta.db_table, schema=meta.schema)
    meta.basequery = cast(Query, meta.db.query_class.from_(meta.basetable))
    meta.basequery_all_fields = cast(Query, meta.basequery.select(*meta.db_fields))
