"""Moves modules, and renames what names them: `python -m tools.moves MAP.json [FILE …]`.

MAP.json holds
    "modules":   {"server.doors.rules": "server.auth.rules", …}    packages too
    "symbols":   {"server.alert.models": {"Shift": "server.rota.models"}}
    "templates": {"watch/board.html": "desk/board.html"}
    "tests":     {"tests/doors/test_x.py": "tests/auth/test_x.py"}
    "packages":  {"server.auth": "What its docstring says."}
    "words":     {"doors/claims.py": "auth/oidc/claims.py"}        replaced in every text

Imports are rewritten statement by statement; where the last part of a module's name changes, its
uses in the file follow. Everything else (comments, strings, documents, the Makefile) is replaced
by whole words. Kept until the rooms have their last names; then it goes.
"""

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ("server", "migrations", "tests", "tools")
# Every room has these; a file that uses several needs the old names.
LAYERS = {"actions", "api", "pages", "rules", "reading", "log", "table", "at", "form", "ends"}
TEXTS = (".py", ".md", ".toml", ".html", ".ts", ".tsx", ".mjs", ".js", ".json", ".typ", ".cfg")


def _file(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class Moves:
    def __init__(self, told: dict[str, dict[str, str]]) -> None:
        self.modules = told.get("modules", {})
        self.symbols: dict[str, dict[str, str]] = told.get("symbols", {})  # type: ignore[assignment]
        self.templates = told.get("templates", {})
        self.tests = told.get("tests", {})
        self.packages = told.get("packages", {})
        self.words = told.get("words", {})
        found = [path for top in PYTHON for path in (ROOT / top).rglob("*.py")]
        self.known = {self._module(path) for path in found} | self.modules.keys()

    @staticmethod
    def _module(path: Path) -> str:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        return name.removesuffix(".__init__")

    # --- imports

    def imports_of(self, text: str) -> str:
        """The text with its imports and the uses of renamed modules rewritten."""
        tree = ast.parse(text)
        edits: list[tuple[int, int, str]] = []
        renamed: dict[str, str] = {}
        starts = _offsets(text)
        for node in ast.walk(tree):
            new = None
            if isinstance(node, ast.ImportFrom) and node.module:
                new = self._from(node, renamed)
            elif isinstance(node, ast.Import):
                new = self._import(node)
            if new is not None and isinstance(node, ast.stmt) and node.end_lineno:
                begin = starts[node.lineno - 1] + _chars(text, starts, node.lineno, node.col_offset)
                last, column = node.end_lineno, node.end_col_offset or 0
                edits.append((begin, starts[last - 1] + _chars(text, starts, last, column), new))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in renamed:
                begin = starts[node.lineno - 1] + _chars(text, starts, node.lineno, node.col_offset)
                edits.append((begin, begin + len(node.id), renamed[node.id]))
        for begin, end, new in sorted(edits, reverse=True):
            text = text[:begin] + new + text[end:]
        return text

    def _from(self, node: ast.ImportFrom, renamed: dict[str, str]) -> str | None:
        module = node.module or ""
        if module.split(".")[0] not in PYTHON:
            return None
        groups: dict[str, list[str]] = defaultdict(list)
        for alias in node.names:
            deeper = f"{module}.{alias.name}"
            if deeper in self.known:
                target = self.modules.get(deeper, deeper)
                package, _, leaf = target.rpartition(".")
                name = f"{leaf} as {alias.asname}" if alias.asname else leaf
                if not alias.asname and leaf in LAYERS and leaf != alias.name:
                    name = f"{leaf} as {alias.name}"
                elif not alias.asname and leaf != alias.name:
                    renamed[alias.name] = leaf
                groups[package].append(name)
                continue
            target = self.symbols.get(module, {}).get(alias.name) or self.modules.get(
                module, module
            )
            name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
            groups[target].append(name)
        indent = " " * node.col_offset
        lines = [f"from {target} import {', '.join(names)}" for target, names in groups.items()]
        new = f"\n{indent}".join(lines)
        return None if new == ast.unparse(node) else new

    def _import(self, node: ast.Import) -> str | None:
        new = [
            self.modules.get(alias.name, alias.name)
            + (f" as {alias.asname}" if alias.asname else "")
            for alias in node.names
        ]
        return (
            None
            if new == [ast.unparse(alias) for alias in node.names]
            else "import " + ", ".join(new)
        )

    # --- everything else

    def words_of(self, text: str) -> str:
        """The text with dotted names, paths and templates replaced."""
        if not self._all:
            return text
        lines = text.splitlines(keepends=True)
        # Imports are done already: a package may have the old name of a module in it.
        return "".join(
            line
            if line.lstrip().startswith(("from ", "import "))
            else self._pattern.sub(lambda match: self._all[match[0]], line)
            for line in lines
        )

    def prepare(self) -> None:
        """What is replaced anywhere, the longest first."""
        self._all = dict(self.words)
        for old, new in self.modules.items():
            self._all[old] = new
            old_path, new_path = old.replace(".", "/"), new.replace(".", "/")
            self._all[f"{old_path}.py"] = f"{new_path}.py"
            self._all[f"{old_path.removeprefix('server/')}.py"] = (
                f"{new_path.removeprefix('server/')}.py"
            )
        self._all |= self.templates | self.tests
        self._all |= {
            f"server/{_template(old)}": f"server/{_template(new)}"
            for old, new in self.templates.items()
        }
        self._all = {old: new for old, new in self._all.items() if old != new}
        names = sorted(self._all, key=len, reverse=True)
        self._pattern = re.compile(
            r"(?<![\w./-])(" + "|".join(map(re.escape, names)) + r")(?![\w/])(?!\.[a-z_])"
        )

    def move_files(self) -> None:
        """`git mv`, with packages made where they are missing."""
        moved: dict[Path, Path] = {}
        for old, new in self.modules.items():
            source = _file(old)
            if source.name == "__init__.py":
                if not (ROOT / new.replace(".", "/")).exists() or True:
                    moved[source] = ROOT / new.replace(".", "/") / "__init__.py"
                continue
            moved[source] = (ROOT / new.replace(".", "/")).with_suffix(".py")
        for old, new in self.templates.items():
            moved[ROOT / "server" / _template(old)] = ROOT / "server" / _template(new)
        for old, new in self.tests.items():
            moved[ROOT / old] = ROOT / new
        for old_path, new_path in moved.items():
            if old_path == new_path:
                continue
            new_path.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", str(old_path), str(new_path)], check=True, cwd=ROOT)
        for package, words in self.packages.items():
            path = ROOT / package.replace(".", "/") / "__init__.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(f'"""{words}"""\n', encoding="utf-8")


def _template(name: str) -> str:
    room, _, leaf = name.rpartition("/")
    return f"{room}/templates/{leaf}"


def _offsets(text: str) -> list[int]:
    found = [0]
    for line in text.splitlines(keepends=True):
        found.append(found[-1] + len(line))
    return found


def _chars(text: str, starts: list[int], line: int, column: int) -> int:
    """Columns of the syntax tree count bytes."""
    whole = text[starts[line - 1] : starts[line]]
    return len(whole.encode()[:column].decode())


def main(argument: str, only: list[str]) -> int:
    """The command. `only`: these files, and nothing is moved: what came by a merge."""
    moves = Moves(json.loads(Path(argument).read_text(encoding="utf-8")))
    moves.prepare()
    listed = only or subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if not (path.suffix in TEXTS or path.name == "Makefile") or "node_modules" in name:
            continue
        if name.endswith(("package-lock.json", "tools/moves.py")) or "/locale/" in name:
            continue
        text = path.read_text(encoding="utf-8")
        new = text
        if path.suffix == ".py":
            new = moves.imports_of(new)
        new = moves.words_of(new)
        if new != text:
            path.write_text(new, encoding="utf-8")
    if not only:
        moves.move_files()
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "."], check=False, cwd=ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
