"""Migrations from models: `python -m tools.migrations make NAME | check | regenerate | release`.

`make` writes what the models ask for and the migrations lack, with our own operations (`storage`;
Tortoise's own lose constraints, rows and indexes). `check` says whether anything is lacking,
without a database, and whether the released code can live with what is there
(`tools/upgrades.py`); what the detector cannot see the schema test compares on both databases.
`regenerate` writes migrations/0001_initial.py anew from nothing: only before the first release,
since a database that has it knows it by its name. `release` writes migrations/released.json: the
version, the commit (HEAD, which must be the code of that version) and the checksum of each
migration. From then on `check` refuses an edited one.
"""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
import tomllib
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from tortoise import fields
from tortoise.context import TortoiseContext
from tortoise.fields.base import Field
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.writer import MigrationWriter, format_migration_name
from tortoise.models import Model

from tools import upgrades

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
FIRST = "0001_initial"
RELEASED = FOLDER / "released.json"
USAGE = "python -m tools.migrations make NAME | check | regenerate | release"


class Detector(MigrationAutodetector):
    """Tortoise's own, blind to what is no part of the schema.

    A docstring, a default of Python's, a class of fields or an enum of ours that changed is not a
    migration; and so a migration imports none of our rules, which go on changing. The name of the
    primary key is `child` in a state and `child_id` in a model where it is a relation: that would
    never come to rest.
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
        model.bases = (Model,)
        model.fields = {name: _plain(field) for name, field in model.fields.items()}
    return state


def _plain(field: Field[Any]) -> Field[Any]:
    """The field as far as the database knows it."""
    kind = type(field)
    is_stock = kind.__module__.startswith("tortoise.fields.") and "Enum" not in kind.__name__
    plain = copy(field) if is_stock else _stock(field)
    plain.description = plain.default = None
    if isinstance(plain, ForeignKeyFieldInstance):
        plain.related_name = False
        if plain.source_field == f"{plain.model_field_name}_id":
            plain.source_field = None
    if isinstance(plain, fields.DatetimeField):
        plain.auto_now = plain.auto_now_add = False
    return plain


def _stock(field: Field[Any]) -> Field[Any]:
    """Tortoise's field that makes the same column as one of ours, or as an enum's."""
    length = getattr(field, "max_length", None)
    plain: Any = fields.CharField(max_length=length) if length else fields.TextField()
    if field.SQL_TYPE != plain.SQL_TYPE:
        raise RuntimeError(f"no field of Tortoise's makes the column of a {type(field).__name__}")
    for name in ("null", "unique", "index", "db_default", "source_field", "model_field_name"):
        setattr(plain, name, getattr(field, name))
    return cast(Field[Any], plain)


async def lacking(config: dict[str, Any], *, drops: bool = False) -> list[MigrationWriter]:
    """What a next migration would hold; nothing where the migrations make what the models say.
    `drops`: with what released code does without, which may stay for as long as one likes."""
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        if context.apps is None:
            raise RuntimeError("Tortoise knows no app after its start")
        writers = await Detector(context.apps, config["apps"]).changes()
    leaving = upgrades.left(FOLDER)
    for writer in writers:
        writer.operations[:] = [
            each
            for each in writer.operations
            if not upgrades.is_leaving(each, leaving, only_unreleased=drops)
        ]
    return [writer for writer in writers if writer.operations]


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
    ours = ast.unparse(_Short().visit(ast.parse(text.replace(theirs, "")))).replace(
        "\nclass Migration",
        "\nfrom server.storage.engines import operations as ops\n\nclass Migration",
        1,
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


# What Tortoise writes out although it is what a field has without it.
_USUAL = {
    "auto_now": "False",
    "auto_now_add": "False",
    "bases": "['Model']",
    "db_constraint": "True",
    "generated": "False",
    "on_delete": "OnDelete.CASCADE",
    "to_field": "'id'",
    "unique": "False",
}


class _Short(ast.NodeTransformer):
    """Leaves out what is so anyway."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if ast.unparse(node.func) == "fields.ForeignKeyField":
            node = _reference(node)
        is_key = any(word.arg == "primary_key" for word in node.keywords)
        node.keywords = [word for word in node.keywords if not _is_usual(word, is_key=is_key)]
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        kept = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if not _is_app(key)
        ]
        node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
        return self.generic_visit(node)


def _reference(node: ast.Call) -> ast.Call:
    """`ops.reference("Agency", …)`, in one line instead of six."""
    name = str(ast.literal_eval(node.args[0])).removeprefix("server.")
    words = [word for word in node.keywords if word.arg != "related_name"]
    return ast.Call(ast.parse("ops.reference", mode="eval").body, [ast.Constant(name)], words)


def _is_app(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "app"


def _is_usual(word: ast.keyword, *, is_key: bool) -> bool:
    if is_key and word.arg in ("unique", "db_index"):
        return True
    if word.arg in ("encoder", "decoder"):
        return True
    return word.arg is not None and _USUAL.get(word.arg) == ast.unparse(word.value)


def _makes_table(operation: object) -> bool:
    return type(operation).__name__ == "CreateModel"


def _formatted(text: str) -> str:
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format"]):
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
    from server.storage.db import TORTOISE_ORM

    writers = asyncio.run(lacking(TORTOISE_ORM, drops=True))
    if not writers:
        return None
    numbers = [int(path.name[:4]) for path in FOLDER.glob("[0-9][0-9][0-9][0-9]_*.py")]
    path = FOLDER / f"{format_migration_name(max(numbers, default=0) + 1, name)}.py"
    text = written(writers[0], name.replace("_", " ").capitalize() + ".")
    if RELEASED.exists():
        version = json.loads(RELEASED.read_text(encoding="utf-8"))["version"]
        text = text.replace(
            "    initial = False\n", f'    initial = False\n    lives_with = "{version}"\n', 1
        )
    path.write_text(text, encoding="utf-8")
    return path


def regenerate() -> Path:
    """Write the first migration anew from the models as they are."""
    if RELEASED.exists():
        raise SystemExit(f"{FIRST} is released: write a new migration (make NAME)")
    others = sorted(path.name for path in FOLDER.glob("[0-9]*.py") if path.stem != FIRST)
    if others:
        raise SystemExit(f"not any more: there are {', '.join(others)} already")
    path = FOLDER / f"{FIRST}.py"
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.unlink(missing_ok=True)
    try:
        made = make("initial")
    except BaseException:
        if before is not None:
            path.write_text(before, encoding="utf-8")
        raise
    if made != path:
        raise SystemExit("there are no models")
    return path


def release() -> Path:
    """Write down which migrations are released with this version, by their checksums, and whose
    code it is: a test runs that code over the schema of the next version."""
    command = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER).stdout
    pyproject = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    version = pyproject["project"]["version"]
    upgrades.mark_released(FOLDER, version)
    record = {
        "version": version,
        "commit": commit.strip(),
        "sha256": {path.name: _sum(path) for path in sorted(FOLDER.glob("[0-9]*.py"))},
    }
    RELEASED.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return RELEASED


def edited(folder: Path = FOLDER) -> list[str]:
    """One line for each released migration that is gone or no longer what was released."""
    record = folder / "released.json"
    if not record.exists():
        return []
    released = json.loads(record.read_text(encoding="utf-8"))
    return [
        f"{name} is part of {released['version']} and must stay as it was: write a new migration"
        for name, checksum in released["sha256"].items()
        if not (folder / name).exists() or _sum(folder / name) != checksum
    ]


def _sum(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def check() -> int:
    """Print what is lacking, was edited after its release, or breaks the released code; 1 where
    something does."""
    from server.storage.db import TORTOISE_ORM

    lines = [*edited(), *upgrades.broken(FOLDER), *asyncio.run(missing(TORTOISE_ORM))]
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
        case ["release"]:
            print(release())
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
