"""What migrations are made of. They import this module as `ops`, never Tortoise's own.

All of it goes forward and back on both databases. The state that an operation leaves behind is
Tortoise's; what reaches the database is ours wherever Tortoise's was measured to lose something
(editors.py says what). Tortoise's `migrate` command refuses these: run `waymark migrate`.
"""

from typing import Any

from tortoise import fields
from tortoise.fields.base import Field
from tortoise.fields.relational import ManyToManyFieldInstance
from tortoise.indexes import Index
from tortoise.migrations import operations as stock
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.operations import (
    AddIndex,
    AlterModelOptions,
    DeleteModel,
    RemoveIndex,
    RenameField,
    RenameModel,
    RunPython,
    RunSQL,
)
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.models import Model

from server.storage.engines.dividing import PartitionByMonth
from server.storage.engines.editors import MigrationFault, PostgresEditor, SqliteEditor

__all__ = [
    "AddConstraint",
    "AddField",
    "AddIndex",
    "AlterField",
    "AlterModelOptions",
    "CheckConstraint",
    "CreateModel",
    "DeleteModel",
    "PartitionByMonth",
    "RemoveConstraint",
    "RemoveField",
    "RemoveIndex",
    "RenameConstraint",
    "RenameField",
    "RenameModel",
    "RunPython",
    "RunSQL",
    "UniqueConstraint",
    "reference",
]

Editor = SqliteEditor | PostgresEditor


def reference(model: str, **options: Any) -> Field[Any]:
    """A column that refers to a row of another table, which does not know its rows here."""
    made: Field[Any] = fields.ForeignKeyField(f"server.{model}", related_name=False, **options)
    return made


def _ours(editor: BaseSchemaEditor | None) -> Editor:
    if not isinstance(editor, SqliteEditor | PostgresEditor):
        raise MigrationFault("run migrations by `waymark migrate`")
    return editor


def _model(state: State, app_label: str, name: str) -> type[Model]:
    return state.apps.get_model(f"{app_label}.{name}")


class CreateModel(stock.CreateModel):
    """A table with its CHECKs, its uniques and its indexes."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _ours(state_editor).create_model(_model(new_state, app_label, self.name))


class AddField(stock.AddField):
    """A column. One that may not be null needs a `db_default`: tables in use have rows."""

    def __init__(self, model_name: str, name: str, field: Field[Any]) -> None:
        super().__init__(model_name, name, field)
        if not (field.null or field.has_db_default() or isinstance(field, ManyToManyFieldInstance)):
            raise MigrationFault(
                f"{model_name}.{name} may not be null and has no db_default, so adding it fails as"
                " soon as there are rows"
            )

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _add_column(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            self.name,
        )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _drop_column(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            self.name,
        )


class RemoveField(stock.RemoveField):
    """A column goes, and what it held. Backward it comes back empty."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _drop_column(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            self.name,
        )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _add_column(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            self.name,
        )


class AlterField(stock.AlterField):
    """Another type, null or not, another default. What does not fit stops the migration."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        editor = _ours(state_editor)
        old = _model(old_state, app_label, self.model_name)
        new = _model(new_state, app_label, self.model_name)
        if isinstance(editor, PostgresEditor):
            await editor.alter_field(old, new, self.name)
            return
        before, after = _column(old, self.name), _column(new, self.name)
        await editor.rebuild(old, new, {after: f'"{before}"'})

    database_backward = database_forward


class AddConstraint(stock.AddConstraint):
    """A CHECK or a unique, for some rows only or for all. Rows that break it stop the migration."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _constrain(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            add=self.constraint,
        )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _constrain(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            remove=self.constraint,
        )


class RemoveConstraint(stock.RemoveConstraint):
    """The opposite of AddConstraint."""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _constrain(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            remove=self._resolve_constraint(old_state.models[(app_label, self.model_name)]),
        )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await _constrain(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            add=self._resolve_constraint(new_state.models[(app_label, self.model_name)]),
        )


class RenameConstraint(stock.RenameConstraint):
    """Another name. (Tortoise's own makes a plain index of a unique one on SQLite.)"""

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await self._rename(
            app_label, old_state, new_state, state_editor, (self.old_name, self.new_name)
        )

    async def database_backward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        await self._rename(
            app_label, old_state, new_state, state_editor, (self.new_name, self.old_name)
        )

    async def _rename(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None,
        names: tuple[str, str],
    ) -> None:
        key = (app_label, self.model_name)
        await _constrain(
            _ours(state_editor),
            _model(old_state, app_label, self.model_name),
            _model(new_state, app_label, self.model_name),
            remove=self._find_constraint_by_name(old_state.models[key], names[0]),
            add=self._find_constraint_by_name(new_state.models[key], names[1]),
        )


async def _constrain(
    editor: Editor,
    old: type[Model],
    new: type[Model],
    *,
    add: UniqueConstraint | CheckConstraint | None = None,
    remove: UniqueConstraint | CheckConstraint | None = None,
) -> None:
    if isinstance(editor, SqliteEditor) and not all(
        isinstance(constraint, UniqueConstraint) and constraint.name
        for constraint in (add, remove)
        if constraint is not None
    ):
        # A CHECK is a part of the table there.
        await editor.rebuild(old, new)
        return
    if remove is not None:
        await editor.remove_constraint(old, remove)
    if add is not None:
        await editor.add_constraint(new, add)


async def _add_column(editor: Editor, old: type[Model], new: type[Model], name: str) -> None:
    field = new._meta.fields_map[name]
    column = _column(new, name)
    key = new._meta.fields_map.get(column, field)
    if isinstance(editor, SqliteEditor) and (key.unique or not _is_plain(key)):
        # ALTER TABLE takes no UNIQUE there, and no default that is computed.
        await editor.rebuild(old, new)
        return
    await editor.add_field(new, name)
    if key.index and not key.unique:
        # Tortoise forgets it.
        await editor.add_index(new, Index(fields=(column,)))


async def _drop_column(editor: Editor, old: type[Model], new: type[Model], name: str) -> None:
    field = old._meta.fields_map[name]
    if isinstance(editor, SqliteEditor) and not isinstance(field, ManyToManyFieldInstance):
        await editor.rebuild(old, new)
        return
    await editor.remove_field(old, field)


def _column(model: type[Model], name: str) -> str:
    field = model._meta.fields_map[name]
    return field.source_field or name


def _is_plain(field: Field[Any]) -> bool:
    return not field.has_db_default() or not hasattr(field.db_default, "get_sql")
