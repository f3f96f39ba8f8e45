"""Bringing a database to the shape that this code expects.

The whole upgrade is one transaction: lock, look what is applied, apply what is missing, write down
that it was, check the references, commit. So a failure at any point, a crash among them, leaves the
database exactly as it was (Tortoise records a migration after its commit, and a crash in between
leaves one that is applied and unknown), and of two processes that start at once one waits and then
finds nothing to do. On PostgreSQL it gives way to those who hold a table, and tries again; indexes
of tables in use are built after the commit (`upgrades/`).
"""

from collections.abc import Callable
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.operations import Operation
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.transactions import in_transaction

from server.storage import private
from server.storage.engines import address
from server.storage.engines import operations as ops
from server.storage.engines.editors import MigrationFault, PostgresEditor, SqliteEditor, statements
from server.storage.engines.states import FrugalApps
from server.storage.upgrades import indexes, notes
from server.storage.upgrades.patience import LOCK_S, PATIENCE_S, patiently

Told = Callable[[str], None]

# The first migration of the versions before 0.1, which were never released.
BEFORE_0_1 = "0001_first"


class TooOld(MigrationFault):
    """The database was made by a version before 0.1; no migration leads on from there."""

    def __init__(self) -> None:
        super().__init__(
            "This database was made before version 0.1 and cannot be upgraded. Keep it, and start"
            " with a new one (WAYMARK_DATABASE_URL)."
        )


# Any number, as long as it stays: the name of our lock among PostgreSQL's advisory locks.
LOCK = 0x77_61_79_6D


async def migrate(
    url: str,
    *,
    target: str | None = None,
    migrations: str = "migrations",
    tell: Told | None = None,
    patience_s: float = PATIENCE_S,
) -> list[str]:
    """Apply what is missing and return the names of it, oldest first.

    `target` is a migration to go forward or back to, or "zero" (before the first). Raises
    MigrationFault where newer code made of the database what this code cannot live with, or an
    operation refuses, or a table was in use for `patience_s`; TooOld where it was made before
    version 0.1; Unavailable where the database cannot be reached; and what a migration raises.
    Nothing has changed then.
    """
    place = address.parse(url)
    if place.dialect == "sqlite":
        private.make_folder(place.file.parent)

    async def upgrade() -> list[str]:
        return await _Upgrade(migrations, tell or (lambda _name: None), beside_others=True).run(
            target
        )

    async with connected(place):
        if target is not None:
            # To go back over an index it has to be there.
            await indexes.build(get_connection("default"))
        done = await patiently(upgrade, patience_s=patience_s)
        await indexes.build(get_connection("default"))
        return done


async def migrate_within(target: str | None = None, *, migrations: str = "migrations") -> list[str]:
    """As `migrate`, for the open database and in the caller's transaction. On SQLite with
    references off, since rebuilding a table needs that."""
    done = await _Upgrade(migrations, lambda _name: None).run(target)
    EXECUTOR_CACHE.clear()
    return done


async def pending(url: str, *, migrations: str = "migrations") -> list[str]:
    """The names of the migrations that this database lacks."""
    place = address.parse(url)
    if place.dialect == "sqlite" and not place.file.exists():
        return known_migrations(migrations)
    async with connected(place):
        applied = await MigrationRecorder(get_connection("default")).applied_migrations()
        applied_names = {key.name for key in applied}
    return [name for name in known_migrations(migrations) if name not in applied_names]


def known_migrations(migrations: str = "migrations") -> list[str]:
    """The names of the migrations of this version, oldest first."""
    executor = _Upgrade(migrations, lambda _name: None, MigrationRecorder(None))
    executor.loader.load_disk()
    return sorted(key.name for key in executor.loader.disk_migrations)


class connected:
    """A connection for migrating, apart from the one that this process may have open."""

    def __init__(self, place: address.Address) -> None:
        self._context = TortoiseContext()
        patient = (
            # Rebuilding a table needs them off; the whole database is checked before the commit.
            {"foreign_keys": "OFF", "busy_timeout": 600_000}
            if place.dialect == "sqlite"
            else {"command_timeout": None, "minsize": 1, "maxsize": 2}
        )
        self._config = {
            "default": {"engine": place.engine, "credentials": place.credentials | patient}
        }

    async def __aenter__(self) -> None:
        EXECUTOR_CACHE.clear()
        await self._context.__aenter__()
        try:
            # Not context.init: it wants models. Those of today are not those of the migration, and
            # loading them would take them away from a database that this process has open.
            await self._context.connections._init(self._config, create_db=False)
        except BaseException:
            await self._context.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *fault: Any) -> None:
        await self._context.__aexit__(*fault)
        # Migrations insert into tables as they were then.
        EXECUTOR_CACHE.clear()


class _Upgrade(MigrationExecutor):
    """One upgrade. `beside_others`: it gives way to them, and leaves indexes of tables that were
    there before for later. Else it is alone, in a transaction of its caller's."""

    def __init__(
        self,
        migrations: str,
        tell: Told,
        recorder: MigrationRecorder | None = None,
        *,
        beside_others: bool = False,
    ) -> None:
        connection: Any = None if recorder else get_connection("default")
        apps = {"server": {"models": [], "migrations": migrations}}
        super().__init__(connection, apps)
        self._tell = tell
        self._beside_others = beside_others
        self._new_tables: set[str] = set()

    async def run(self, target: str | None) -> list[str]:
        done: list[str] = []
        async with in_transaction("default") as client:
            self._work_on(client)
            editor = self._editor(client)
            if isinstance(editor, PostgresEditor):
                # SQLite needs no other lock than its transaction.
                # Another one may take long: we wait for it to the end.
                await client.execute_query("SET LOCAL lock_timeout = 0")
                # What we compute between two statements may take long on a busy machine.
                await client.execute_query("SET LOCAL idle_in_transaction_session_timeout = 0")
                await client.execute_query(f"SELECT pg_advisory_xact_lock({LOCK})")
            await self._prepare(editor)
            await self.loader.build_graph()
            applied = set(await self.recorder.applied_migrations())
            await self._refuse_unknown(applied)
            steps = await self._steps(target, applied)
            if steps:
                await self._give_way(editor)
                await notes.add_columns(client)
            for step, state in steps:
                await self._take(step, state, editor)
                done.append(step.migration.name)
            if done and isinstance(editor, SqliteEditor):
                await _check_references(client)
        return done

    def _work_on(self, client: BaseDBAsyncClient) -> None:
        self.connection = client
        self.recorder = self.loader.recorder = MigrationRecorder(client)

    def _editor(self, client: BaseDBAsyncClient) -> SqliteEditor | PostgresEditor:
        kind = SqliteEditor if client.capabilities.dialect == "sqlite" else PostgresEditor
        return kind(client, atomic=True)

    async def _prepare(self, editor: SqliteEditor | PostgresEditor) -> None:
        (create,) = statements(editor._get_model_sql_data(self.recorder.model).table_sql)
        await editor._run_sql(create.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))

    async def _give_way(self, editor: SqliteEditor | PostgresEditor) -> None:
        if self._beside_others and isinstance(editor, PostgresEditor):
            wait_ms = round(LOCK_S * 1000)
            await editor.client.execute_query(f"SET LOCAL lock_timeout = {wait_ms}")

    async def _refuse_unknown(self, applied: set[MigrationKey]) -> None:
        unknown = sorted(key.name for key in applied - self.loader.graph.nodes.keys())
        if BEFORE_0_1 in unknown:
            raise TooOld
        refused = notes.too_new(await notes.lives_with_of(self.connection, unknown))
        if refused:
            raise MigrationFault(
                f"the database was made by a newer Waymark: it has {', '.join(refused)}"
            )
        # The graph knows nothing of the others, which a newer version applied and we live with.
        applied.difference_update([MigrationKey("server", name) for name in unknown])

    async def _steps(
        self, target: str | None, applied: set[MigrationKey]
    ) -> list[tuple[PlanStep, State]]:
        names = {None: "__latest__", "zero": "__first__"}
        aim = MigrationTarget("server", names.get(target, target or "__latest__"))
        try:
            plan = self._migration_plan([aim], applied, self.loader.graph)
        except ValueError as fault:
            raise MigrationFault(f"there is no migration {target}") from fault
        if not plan:
            # A start as most are; to build the state of today would take more than all the rest.
            return []
        if any(step.backward for step in plan):
            states = await self._project_state_cache(applied)
            return [(step, states[_key(step)]) for step in plan]
        # Each step moves the one state on.
        state = await self._project_state(applied)
        return [(step, state) for step in plan]

    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        assert upto is None, "we ask for the state after all that is applied"
        state = State(models={}, apps=FrugalApps(default_connections={"server": "default"}))
        for key in self._full_plan():
            if key in applied:
                migration = self.loader.graph.nodes[key]
                assert migration is not None, key
                await migration.apply(state, dry_run=True)
        return state

    async def _take(
        self, step: PlanStep, state: State, editor: SqliteEditor | PostgresEditor
    ) -> None:
        key = _key(step)
        if not step.migration.atomic:
            raise MigrationFault(f"{key.name}: the whole upgrade is one transaction")
        self._tell(key.name)
        if step.backward:
            await step.migration.unapply(state, schema_editor=editor)
            await self.recorder.record_unapplied(key.app_label, key.name)
        else:
            later = await self._apply(step.migration, state, editor)
            await self.recorder.record_applied(key.app_label, key.name)
            lives_with = getattr(step.migration, "lives_with", None)
            await notes.note(editor.client, key.name, lives_with=lives_with, to_build=later)

    async def _apply(
        self, migration: Migration, state: State, editor: SqliteEditor | PostgresEditor
    ) -> list[str]:
        """Move state and database on, as `Migration.apply` does, and return what is to be done
        later. But only operations that need more than `_before` get a full copy of the former
        state: copying it every time took half of a first start."""
        later: list[str] = []
        for operation in migration.operations:
            before = _before(state) if type(operation) in _MAKES_ANEW else state.clone()
            operation.state_forward(migration.app_label, state)
            if isinstance(operation, ops.CreateModel):
                self._new_tables.add(operation.name)
            sql = await self._for_later(operation, (before, state), editor)
            if sql is None:
                await migration._run_database_forward(operation, before, state, editor, True)
            else:
                later.append(sql)
        state.validate_relations_initialized()
        return later

    async def _for_later(
        self,
        operation: Operation,
        states: tuple[State, State],
        editor: SqliteEditor | PostgresEditor,
    ) -> str | None:
        """The statement, where this is an index of a table in use and can be built beside it."""
        is_new = getattr(operation, "model_name", None) in self._new_tables
        if not self._beside_others or is_new or isinstance(editor, SqliteEditor):
            return None
        return await indexes.statement(operation, states, editor.client)


# What these change in a state they put new models there for, and leave the old ones as they were.
_MAKES_ANEW = frozenset({ops.CreateModel, ops.AddField, ops.AddIndex})


def _before(state: State) -> State:
    """The state with the models that it has now."""
    apps = StateApps(connections=state.apps._connections)
    apps.apps = {label: dict(models) for label, models in state.apps.apps.items()}
    return State(models={}, apps=apps)


def _key(step: PlanStep) -> MigrationKey:
    return MigrationKey(app_label=step.migration.app_label, name=step.migration.name)


async def _check_references(client: BaseDBAsyncClient) -> None:
    broken = await client.execute_query_dict("PRAGMA foreign_key_check")
    if broken:
        places = sorted({f"{row['table']} → {row['parent']}" for row in broken})
        raise MigrationFault(
            f"{len(broken)} rows would refer to rows that are not there: {', '.join(places)}"
        )
