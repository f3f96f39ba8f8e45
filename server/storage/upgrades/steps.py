"""The migrations one after the other, with what each operation does, from their files alone."""

from collections.abc import Collection
from dataclasses import dataclass

from tortoise.migrations.loader import MigrationLoader
from tortoise.migrations.operations import CreateModel
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps

from server.storage.upgrades.effects import Effect, effect_of


@dataclass(frozen=True)
class Step:
    """One migration."""

    name: str
    lives_with: str | None
    """The oldest version whose code goes on over the database after it."""
    old_code: str | None
    """Why older code lives with what it does by hand, in its author's words."""
    effects: tuple[Effect, ...]


def steps(migrations: str = "migrations", *, without: Collection[str] = ()) -> list[Step]:
    """What each migration does, oldest first; `without` those that are applied already."""
    loader = MigrationLoader(
        {"server": {"models": [], "migrations": migrations}}, MigrationRecorder(None)
    )
    loader.load_disk()
    state = State(models={}, apps=StateApps(default_connections={"server": "default"}))
    judged, new_models = [], set[str]()
    for key in sorted(loader.disk_migrations, key=lambda key: key.name):
        migration, effects = loader.disk_migrations[key], []
        for operation in migration.operations:
            if key.name not in without:
                effects.append(effect_of(operation, state, new_models))
                if isinstance(operation, CreateModel):
                    new_models.add(operation.name)
            operation.state_forward("server", state)
        if key.name not in without:
            lives_with = getattr(migration, "lives_with", None)
            old_code = getattr(migration, "old_code", None)
            judged.append(Step(key.name, lives_with, old_code, tuple(effects)))
    return judged
