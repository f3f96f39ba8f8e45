"""What an operation of a migration does to those who work beside it: to the code of the release
before, and to those who wait for the table. Decided from the operation alone, without a database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.fields.base import Field
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.schema_generator.state import State

from server.storage.engines import operations as ops


class Work(StrEnum):
    """How long others wait for the table."""

    NONE = "none"
    """Nobody does: the table is new, or nothing happens to it."""
    BESIDE = "beside"
    """Nobody does: an index is built while everyone works."""
    MOMENT = "moment"
    """Until the change is written down, however many rows there are."""
    SCAN = "scan"
    """Who writes waits until all rows are read."""
    COPY = "copy"
    """Everyone waits until all rows are written anew."""
    DIVIDE = "divide"
    """Everyone waits until all rows are read, and their keys are written and sorted."""
    BY_HAND = "by_hand"
    """Nobody can say: SQL or Python by hand."""


@dataclass(frozen=True)
class Effect:
    """One operation, on one table."""

    does: str
    table: str
    postgres: Work
    sqlite: Work
    breaks: str | None = None
    """Why the code of the release before cannot live with it; None where it can."""
    leaves: str | None = None
    """`Model.field` or `Model`: what goes, which no code of the release before may use."""

    def work(self, dialect: str) -> Work:
        return self.postgres if dialect == "postgres" else self.sqlite


def effect_of(operation: Any, state: State, new_models: set[str]) -> Effect:
    """What it does. `state`: before it; `new_models`: made by the same upgrade, so that nobody
    uses them."""
    judge = _JUDGES.get(type(operation), _by_hand)
    effect = judge(operation, state)
    if getattr(operation, "model_name", None) in new_models:
        return Effect(effect.does, effect.table, Work.NONE, Work.NONE)
    return effect


def _table(state: State, model: str) -> str:
    known_model = state.models.get(("server", model))
    table = known_model.options.get("table") if known_model else None
    return str(table or model.lower())


def _field(state: State, model: str, name: str) -> Field[Any]:
    field: Field[Any] = state.models[("server", model)].fields[name]
    return field


def _create_model(operation: Any, _state: State) -> Effect:
    table = operation.options.get("table", operation.name.lower())
    refers = any(isinstance(field, ForeignKeyFieldInstance) for _, field in operation.fields)
    # A reference takes a lock on the table that it refers to.
    return Effect(f"new table {table}", table, Work.MOMENT if refers else Work.NONE, Work.NONE)


def _delete_model(operation: Any, state: State) -> Effect:
    table = _table(state, operation.name)
    why = f"older code still uses the table {table}"
    return Effect(f"drop table {table}", table, Work.MOMENT, Work.MOMENT, why, operation.name)


def _add_field(operation: Any, state: State) -> Effect:
    table, field = _table(state, operation.model_name), operation.field
    does = f"new column {table}.{operation.name}"
    computed = field.has_db_default() and hasattr(field.db_default, "get_sql")
    if computed:
        return Effect(does, table, Work.COPY, Work.COPY)
    if field.unique:
        return Effect(does + ", unique", table, Work.SCAN, Work.COPY)
    if field.index or isinstance(field, ForeignKeyFieldInstance):
        return Effect(does, table, Work.SCAN, Work.SCAN if field.index else Work.MOMENT)
    return Effect(does, table, Work.MOMENT, Work.MOMENT)


def _remove_field(operation: Any, state: State) -> Effect:
    table, name = _table(state, operation.model_name), operation.name
    why = f"older code still reads and writes {table}.{name}"
    leaves = f"{operation.model_name}.{name}"
    return Effect(f"drop column {table}.{name}", table, Work.MOMENT, Work.COPY, why, leaves)


def _alter_field(operation: Any, state: State) -> Effect:
    table, name = _table(state, operation.model_name), operation.name
    before, after = _field(state, operation.model_name, name), operation.field
    does = f"change column {table}.{name}"
    if _is_wider(before, after):
        return Effect(does + ", longer texts", table, Work.MOMENT, Work.COPY)
    why = f"older code takes {table}.{name} for what it was"
    return Effect(does, table, Work.COPY, Work.COPY, why)


def _is_wider(before: Field[Any], after: Field[Any]) -> bool:
    """Whether it is the same column, for longer texts: code that knows the shorter ones goes on."""
    if type(before) is not fields.CharField or type(after) is not fields.CharField:
        return False
    same = before.null == after.null and before.unique == after.unique
    kept = before.has_db_default() == after.has_db_default()
    return same and kept and after.max_length >= before.max_length


def _rename(operation: Any, state: State) -> Effect:
    model = getattr(operation, "model_name", operation.old_name)
    table = _table(state, model)
    does = f"rename {operation.old_name} to {operation.new_name}"
    why = f"older code asks for {operation.old_name} by its name"
    return Effect(does, table, Work.MOMENT, Work.COPY, why)


def _add_index(operation: Any, state: State) -> Effect:
    table = _table(state, operation.model_name)
    return Effect(f"new index {operation.index.name}", table, Work.BESIDE, Work.SCAN)


def _remove_index(operation: Any, state: State) -> Effect:
    table = _table(state, operation.model_name)
    name = operation.name or ", ".join(operation.fields)
    return Effect(f"drop index {name}", table, Work.BESIDE, Work.MOMENT)


def _add_constraint(operation: Any, state: State) -> Effect:
    table, name = _table(state, operation.model_name), operation.constraint.name
    is_check = isinstance(operation.constraint, CheckConstraint)
    why = f"older code may write rows of {table} that {name} refuses"
    return Effect(f"new rule {name}", table, Work.SCAN, Work.COPY if is_check else Work.SCAN, why)


def _remove_constraint(operation: Any, state: State) -> Effect:
    table = _table(state, operation.model_name)
    name = getattr(operation, "old_name", None) or operation.name
    why = f"older code may rely on {name} of {table}"
    return Effect(f"drop rule {name}", table, Work.MOMENT, Work.COPY, why)


def _divide(operation: Any, state: State) -> Effect:
    # Old rows stay where they are, but the table is locked while they are taken in.
    table = _table(state, operation.model_name)
    why = f"older code leaves out what is known by a unique that {table} has no longer"
    return Effect(f"divide {table} by month", table, Work.DIVIDE, Work.NONE, why)


def _options(operation: Any, state: State) -> Effect:
    return Effect("nothing in the database", _table(state, operation.name), Work.NONE, Work.NONE)


def _by_hand(operation: Any, _state: State) -> Effect:
    does = f"{type(operation).__name__}, by hand"
    why = "nobody but its author can say whether older code lives with it (`old_code`)"
    return Effect(does, "", Work.BY_HAND, Work.BY_HAND, why)


_JUDGES: dict[type, Callable[[Any, State], Effect]] = {
    ops.CreateModel: _create_model,
    ops.DeleteModel: _delete_model,
    ops.AddField: _add_field,
    ops.RemoveField: _remove_field,
    ops.AlterField: _alter_field,
    ops.RenameField: _rename,
    ops.RenameModel: _rename,
    ops.AddIndex: _add_index,
    ops.RemoveIndex: _remove_index,
    ops.AddConstraint: _add_constraint,
    ops.RemoveConstraint: _remove_constraint,
    ops.RenameConstraint: _remove_constraint,
    ops.AlterModelOptions: _options,
    ops.PartitionByMonth: _divide,
}
