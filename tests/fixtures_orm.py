"""The ORM learns the models once for each kind of database, not once for each test.

Tortoise works out filters and first queries of every model whenever a database is opened: 25 ms,
the same each time. What it worked out is kept, and put back where the same models are opened over
the same kind of database again.
"""

from __future__ import annotations

from typing import Any

from tortoise.apps import Apps
from tortoise.models import Model

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
_build = Apps._build_initial_querysets
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


def pytest_configure() -> None:
    Apps._build_initial_querysets = _build_once  # type: ignore[method-assign]
