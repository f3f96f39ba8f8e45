"""The ORM learns the models once for each kind of database, not once for each test.

Tortoise works out filters and first queries of every model whenever a database is opened: 25 ms,
the same each time. What it worked out is kept, and put back where the same models are opened over
the same kind of database again.

A migration works out the filters of all models after each of its operations, which is nine tenths
of its time. Only functions in migrations filter: they get them when they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tortoise.apps import Apps
from tortoise.migrations.operations import RunPython
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import MetaInfo, Model

# What hangs on the kind of database, by the names that Tortoise gives it.
_DEPENDS = (
    "filters",
    "basetable",
    "basequery",
    "basequery_all_fields",
    "db_native_fields",
    "db_default_fields",
    "db_complex_fields",
)
_LISTS = ("db_native_fields", "db_default_fields", "db_complex_fields")
_build, _build_state = Apps._build_initial_querysets, StateApps._build_initial_querysets
_generate_filters = MetaInfo._generate_filters
_kept: dict[tuple[type[Model], type[Any] | None], dict[str, Any]] = {}


def _build_once(self: Apps) -> None:
    models = [model for app in self.apps.values() for model in app.values()]
    # One connection for all of them; to ask each model for its own costs as much as the rest.
    kind = type(models[0]._meta.db) if models else None
    if not all((model, kind) in _kept for model in models):
        # These are emptied and filled in place: each kind of database has its own, or what was kept
        # for the other would come to hold what this one needs (dates of SQLite stayed text).
        for model in models:
            for name in ("filters", *_LISTS):
                setattr(model._meta, name, {} if name == "filters" else [])
        _build(self)
        for model in models:
            _kept[model, kind] = {name: _copied(model, name) for name in _DEPENDS}
    for model in models:
        for name, value in _kept[model, kind].items():
            setattr(model._meta, name, value)


def _copied(model: type[Model], name: str) -> Any:
    value = getattr(model._meta, name)
    return value.copy() if isinstance(value, list | dict) else value


def _build_without_filters(self: StateApps) -> None:
    MetaInfo._generate_filters = lambda _self: None  # type: ignore[method-assign]
    try:
        _build_state(self)
    finally:
        MetaInfo._generate_filters = _generate_filters  # type: ignore[method-assign]


def _with_filters(run: Callable[..., Any]) -> Callable[..., Any]:
    async def run_with_filters(
        self: RunPython, app_label: str, old_state: State, *more: Any, **how: Any
    ) -> None:
        _build_state(old_state.apps)
        await run(self, app_label, old_state, *more, **how)

    return run_with_filters


def pytest_configure() -> None:
    Apps._build_initial_querysets = _build_once  # type: ignore[method-assign]
    StateApps._build_initial_querysets = _build_without_filters  # type: ignore[method-assign]
    for name in ("database_forward", "database_backward"):
        setattr(RunPython, name, _with_filters(getattr(RunPython, name)))
