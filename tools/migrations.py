"""Migrations from models: `python -m tools.migrations make NAME | check | regenerate`.

`make` writes what the models ask for and the migrations lack, with the operations of server/engines
(Tortoise's own lose constraints, rows and indexes). `check` says whether anything is lacking,
without a database; what the detector cannot see the schema test compares on both databases.
`regenerate` writes migrations/0001_first.py anew from nothing: only before the first release, since
a database that has it knows it by its name.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.writer import MigrationWriter, format_migration_name

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
FIRST = "0001_first"
USAGE = "python -m tools.migrations make NAME | check | regenerate"


class Detector(MigrationAutodetector):
    """Tortoise's own, blind to what is no part of the schema.

    A docstring that was put better is not a migration. And the name of the primary key is `child`
    in a state and `child_id` in a model where it is a relation: that would never come to rest.
    """

    def _current_state(self) -> State:
        return _bare(super()._current_state())

    async def _project_state(self) -> State:
        return _bare(await super()._project_state())


def _bare(state: State) -> State:
    for model in state.models.values():
        model.pk_field_name = ""
        for name in ("pk_attr", "table_description"):
            model.options.pop(name, None)
        for field in model.fields.values():
            field.description = None
    return state


async def lacking(config: dict[str, Any]) -> list[MigrationWriter]:
    """What a next migration would hold; nothing where the migrations make what the models say."""
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        if context.apps is None:
            raise RuntimeError("Tortoise knows no app after its start")
        return await Detector(context.apps, config["apps"]).changes()


async def missing(config: dict[str, Any]) -> list[str]:
    """One line for every operation that the migrations lack; nothing where they are complete."""
    writers = await lacking(config)
    return [
        f"{writer.app_label}: {_told(each)}" for writer in writers for each in writer.operations
    ]


def written(writer: MigrationWriter, first_line: str) -> str:
    """The text of a migration, with our operations in the place of Tortoise's."""
    _in_order(writer.operations)
    text = writer.as_string()
    theirs = "from tortoise.migrations import operations as ops\n"
    if theirs not in text:
        raise RuntimeError("Tortoise writes migrations in another way now")
    ours = text.replace(theirs, "").replace(
        "\nclass Migration", "\nfrom server.engines import operations as ops\n\nclass Migration", 1
    )
    return _formatted(f'"""{first_line}"""\n\n{ours}')


def _in_order(operations: list[Any]) -> None:
    """Tables after those that they refer to, which PostgreSQL needs; otherwise as they came."""
    made: dict[str, Any] = {each.name: each for each in operations if _makes_table(each)}
    ordered: list[Any] = []

    def place(name: str, waiting: tuple[str, ...] = ()) -> None:
        if name in waiting:
            raise RuntimeError(f"tables refer to each other in a circle: {' → '.join(waiting)}")
        operation = made[name]
        if operation in ordered:
            return
        for _, field in operation.fields:
            other = str(getattr(field, "model_name", "")).partition(".")[2]
            if other in made and other != name:
                place(other, (*waiting, name))
        ordered.append(operation)

    for name in sorted(made):
        place(name)
    rest = [each for each in operations if not _makes_table(each)]
    operations[:] = [*ordered, *rest]


def _makes_table(operation: object) -> bool:
    return type(operation).__name__ == "CreateModel"


def _formatted(text: str) -> str:
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            *command,
            "--stdin-filename",
            str(FOLDER / "new.py"),
            "-",
        ]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


def _told(operation: object) -> str:
    words = (getattr(operation, name, None) for name in ("model_name", "name", "constraint"))
    return " ".join([type(operation).__name__, *(str(word) for word in words if word)])


def make(name: str) -> Path | None:
    """Write the next migration; None where none is lacking."""
    from server.db import TORTOISE_ORM

    writers = asyncio.run(lacking(TORTOISE_ORM))
    if not writers:
        return None
    numbers = [int(path.name[:4]) for path in FOLDER.glob("[0-9][0-9][0-9][0-9]_*.py")]
    path = FOLDER / f"{format_migration_name(max(numbers, default=0) + 1, name)}.py"
    path.write_text(
        written(writers[0], name.replace("_", " ").capitalize() + "."), encoding="utf-8"
    )
    return path


def regenerate() -> Path:
    """Write the first migration anew from the models as they are."""
    others = sorted(path.name for path in FOLDER.glob("[0-9]*.py") if path.stem != FIRST)
    if others:
        raise SystemExit(f"not any more: there are {', '.join(others)} already")
    path = FOLDER / f"{FIRST}.py"
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.unlink(missing_ok=True)
    try:
        made = make("first")
    except BaseException:
        if before is not None:
            path.write_text(before, encoding="utf-8")
        raise
    if made != path:
        raise SystemExit("there are no models")
    return path


def check() -> int:
    """Print what is lacking; 1 where something is."""
    from server.db import TORTOISE_ORM

    lines = asyncio.run(missing(TORTOISE_ORM))
    print(*lines or ["Migrations match the models."], sep="\n")
    return 1 if lines else 0


def main(arguments: list[str]) -> int:
    """The command."""
    match arguments:
        case ["check"]:
            return check()
        case ["make", name]:
            print(make(name) or "Migrations match the models.")
        case ["regenerate"]:
            print(regenerate())
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
