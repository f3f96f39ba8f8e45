"""Which tests a change can affect: `python -m tools.changed [SINCE]` prints their files.

A change is what differs from where this branch left SINCE (main), with what is not committed yet. A
test is affected where it imports what changed, also through others, or belongs to the same room.
The composition (server/app.py, the cast of the tests) imports everything and is not gone through:
what a room does to another one through it, `make test` finds.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALL = "tests"
# They look at the source of everything, and take seconds.
ALWAYS = {"tests/test_layers.py", "tests/test_clock.py"}
# They know everything. Where one of them changed, everything may have.
COMPOSITION = {
    "server/app.py",
    "server/storage/db.py",
    "server/__main__.py",
    "server/serving.py",
    "tests/cast.py",
}
BEGINS = {
    "tests/conftest.py",
    "tests/fixtures",
    "tests/reuse.py",
    "tests/ports.py",
    "tests/postgres.py",
}
# What is no module, by how its path begins, and who is about it.
BESIDE = {
    "migrations/": {"tests/storage", "tests/records", "tests/tools/test_migrations.py"},
    "pwa/": {"tests/pwa"},
    "docs/": {"tests/test_docs.py"},
    ".ci/": {"tests/tools"},
}

Sources = Mapping[str, str]


def chosen(changed: Iterable[str], sources: Sources) -> set[str]:
    """The files and folders of tests to run; `sources` are all our modules, by path."""
    found: set[str] = set()
    modules: set[str] = set()
    for path in changed:
        begins = next((begin for begin in BESIDE if path.startswith(begin)), None)
        if begins is not None:
            found |= BESIDE[begins]
        elif path.endswith(".md"):
            found.add("tests/test_docs.py")
        elif path in COMPOSITION or path.startswith(tuple(BEGINS)):
            return {ALL}
        elif not path.startswith(("server/", "tests/", "tools/")):
            return {ALL}
        else:
            modules |= _modules_of(path, sources)
            found |= _room_of(path, sources)
    if not modules and not found:
        return set()
    found |= {path for path in _importing(modules, sources) if _is_test(path)}
    return found | {path for path in ALWAYS if path in sources}


def _modules_of(path: str, sources: Sources) -> set[str]:
    """The module itself, also one that is gone; of a template or a catalog all those beside it."""
    if path.endswith(".py"):
        return {path}
    for folder in Path(path).parents:
        beside = {one for one in sources if Path(one).parent == folder}
        if beside:
            return beside
    return set()


def _room_of(path: str, sources: Sources) -> set[str]:
    parts = path.split("/")
    room = f"tests/{parts[1]}"
    is_room = parts[0] == "server" and any(one.startswith(f"{room}/") for one in sources)
    return {room} if is_room else set()


def _importing(modules: set[str], sources: Sources) -> set[str]:
    """These, and whatever imports one of them through whatever else."""
    imported_by: dict[str, set[str]] = {}
    for path, source in sources.items():
        for name in _imports(source):
            imported_by.setdefault(name, set()).add(path)
    found, new = set(modules), set(modules)
    while new:
        names = {name for path in new - COMPOSITION for name in _names(path)}
        new = {path for name in names for path in imported_by.get(name, ())} - found
        found |= new
    return found


def _names(path: str) -> set[str]:
    name = path.removesuffix(".py").replace("/", ".")
    return {name.removesuffix(".__init__")}


def _imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _is_test(path: str) -> bool:
    return path.startswith("tests/") and Path(path).name.startswith("test_")


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def main(words: list[str]) -> int:
    try:
        (begun,) = _git("merge-base", words[0] if words else "main", "HEAD")
    except subprocess.CalledProcessError as fault:
        print(fault.stderr.strip(), file=sys.stderr)
        return 1
    changed = [*_git("diff", "--name-only", begun)]
    changed += _git("ls-files", "--others", "--exclude-standard")
    ours = [
        path for folder in ("server", "tests", "tools") for path in (ROOT / folder).rglob("*.py")
    ]
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ours}
    there = (path for path in chosen(changed, sources) if (ROOT / path).exists())
    print(" ".join(sorted(there)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
