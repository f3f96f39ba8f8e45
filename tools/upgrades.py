"""The rule that old and new code both live with a migration (docs/decisions/0101), held.

What is not released yet may add, and nothing else: a table, an index, a column that may be empty or
has a default in the database, room for longer texts. What takes something away, or narrows it,
needs a release in between: in the first one the code stops using it, and `migrations/leaving.json`
says so; in the next one it may go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from server.storage.upgrades.effects import Effect, Work
from server.storage.upgrades.steps import Step, steps


def broken(folder: Path, package: str = "migrations") -> list[str]:
    """One line for each thing in unreleased migrations that the released code cannot live with."""
    record = folder / "released.json"
    if not record.exists():
        return []
    released = json.loads(record.read_text(encoding="utf-8"))
    names = [name.removesuffix(".py") for name in released["sha256"]]
    leaving = left(folder)
    return [
        f"{step.name}: {line}"
        for step in steps(package, without=names)
        for line in _faults(step, released["version"], leaving)
    ]


def _faults(step: Step, version: str, leaving: dict[str, str | None]) -> list[str]:
    lines = []
    if step.lives_with != version:
        lines.append(f'write `lives_with = "{version}"` into it: the release before')
    for effect in step.effects:
        why = _why_not(effect, step, leaving)
        if why:
            lines.append(f"{effect.does}: {why}")
    return lines


def _why_not(effect: Effect, step: Step, leaving: dict[str, str | None]) -> str | None:
    if effect.postgres is Work.BY_HAND:
        return None if step.old_code else effect.breaks
    if effect.leaves is not None and leaving.get(effect.leaves):
        # Released code has done without it.
        return None
    return effect.breaks


def left(folder: Path) -> dict[str, str | None]:
    """What no model has any longer and the database still has: `Model.field` or `Model`, and the
    version from which the code does without it; None until that is released."""
    file = folder / "leaving.json"
    found: dict[str, str | None] = (
        json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    )
    return found


def is_leaving(
    operation: Any, leaving: dict[str, str | None], *, only_unreleased: bool = False
) -> bool:
    """Whether this operation would drop what the models took leave of, which stays for now."""
    kind = type(operation).__name__
    if kind not in ("RemoveField", "DeleteModel"):
        return False
    name = operation.name if kind == "DeleteModel" else f"{operation.model_name}.{operation.name}"
    return name in leaving and not (only_unreleased and leaving[name])


def mark_released(folder: Path, version: str) -> None:
    """From this release on the code does without what leaves."""
    leaving = left(folder)
    if leaving:
        stamped = {name: since or version for name, since in leaving.items()}
        text = json.dumps(stamped, indent=2) + "\n"
        (folder / "leaving.json").write_text(text, encoding="utf-8")
