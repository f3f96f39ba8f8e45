"""The models that a migration meets: as Tortoise makes them, but each prepared once."""

from __future__ import annotations

import pytest
from tortoise import fields
from tortoise.connection import get_connection
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

from server.storage.engines import address
from server.storage.engines import operations as ops
from server.storage.engines.migrate import _Upgrade
from server.storage.engines.migrate import connected as connecting
from server.storage.engines.states import FrugalApps
from tests.storage.migrations_by_hand import HOUSE_AND_GUEST, Package


@pytest.fixture
async def connected(empty):
    async with connecting(address.parse(empty.url)):
        yield get_connection("default")


def _as_prepared(model: type[Model]) -> dict[str, object]:
    """What a query takes from a model."""
    meta = model._meta
    return {
        "fields": [*meta.fields_map],
        "columns": sorted(meta.db_fields),
        "filters": {name: str(how["operator"]) for name, how in meta.filters.items()},
        "native": sorted(key for key, *_ in meta.db_native_fields),
        "query": meta.basequery.get_sql(),
        "relations": sorted(name for name in vars(model) if name in meta.fields_map),
    }


async def _state(apps: StateApps, migrations: str) -> State:
    upgrade = _Upgrade(migrations, lambda _name: None)
    await upgrade.loader.build_graph()
    state = State(models={}, apps=apps)
    for key in upgrade._full_plan():
        await upgrade.loader.graph.nodes[key].apply(state, dry_run=True)
    return state


MORE = """
ops.AddField('House', 'floor', fields.IntField(db_default=3)),
ops.RemoveField('House', 'closed_on'),
ops.RenameField('House', 'beds', 'places'),
ops.CreateModel(
    "Key",
    [
        ("id", fields.IntField(primary_key=True)),
        ("house", fields.ForeignKeyField("server.House", related_name="keys")),
    ],
    {"table": "key"},
),
ops.AddField('Guest', 'key', fields.OneToOneField('server.Key', null=True, related_name='of')),
"""


async def test_every_model_is_as_the_stock_one_would_have_it(connected, tmp_path):
    found = []
    for kind in (FrugalApps, StateApps):
        # A package each: a state changes the fields in the operations that it is made of.
        (folder := tmp_path / kind.__name__).mkdir()
        package = Package(folder)
        package.add("0001_first", HOUSE_AND_GUEST)
        closed = "ops.AddField('House', 'closed_on', fields.DateField(null=True)),"
        package.add("0002_closed", closed)
        package.add("0003_more", MORE)
        state = await _state(kind({"server": "default"}), package.name)
        models = state.apps.apps["server"]
        found.append({name: _as_prepared(model) for name, model in models.items()})
    ours, stock = found
    assert {*ours} == {"House", "Guest", "Key"}
    for name in stock:
        assert ours[name]["filters"], name
        assert ours[name] == stock[name], name


async def test_a_model_is_prepared_again_only_when_a_table_comes_to_refer_to_it(
    connected, tmp_path
):
    package = Package(tmp_path)
    package.add("0001_first", HOUSE_AND_GUEST)
    state = await _state(FrugalApps({"server": "default"}), package.name)
    before = {name: model._meta.basequery for name, model in state.apps.apps["server"].items()}

    def add(name: str, *more: object) -> None:
        columns = [("id", fields.IntField(primary_key=True)), *more]
        ops.CreateModel(name, columns, {"table": name.lower()}).state_forward("server", state)

    add("Shed")
    for name, query in before.items():
        assert state.apps.apps["server"][name]._meta.basequery is query, name
    add("Key", ("house", fields.ForeignKeyField("server.House", related_name="keys")))
    house = state.apps.apps["server"]["House"]
    assert house._meta.basequery is not before["House"]
    assert "keys" in house._meta.filters
