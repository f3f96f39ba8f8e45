"""The tables of the pages for people, from what they describe: `python -m tools.docs write|check`.

Each stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, and nobody writes there by hand.
The settings come from server/settings.py, the routes from the application, the rights from
server/people/rules.py, the fields and their owners from server/plan/owners.py and the grab pack,
and the figures from what `make bench` left in var/bench.json. Figures belong to the machine that
they were measured on: `check` takes those that stand as they are.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from server.app import routes
from server.missing.pack.fields import GROUPS
from server.openapi import ApiRoute
from server.people.rules import ALLOWED, Action, AgencyAction, Role, may_agency
from server.plan.owners import BESIDE, OWNERS
from server.settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
USAGE = "python -m tools.docs write | check"
NOT_MEASURED = "Not measured yet: `make bench`, then `python -m tools.docs write`."

NO = "–"  # In a table a dash of its own stands for nothing.

Cells = Sequence[str]


def table(head: Cells, rows: Iterable[Cells]) -> str:
    """A Markdown table. A bar within a cell is no border."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


# --- what the blocks hold


def settings() -> str:
    """Every setting with its meaning and its default."""
    rows = [(f"`{one.name}`", one.meaning, one.default) for one in SETTINGS]
    return table(["setting", "is", "default"], rows)


def calls() -> list[tuple[str, str, str, bool]]:
    """Method, path, summary and whether it needs no session, of every call of the API."""
    found = [route for route in routes() if isinstance(route, ApiRoute)]
    return [
        (one.call.method, re.sub(r":\w+}", "}", one.path), one.call.summary, one.call.is_open)
        for one in found
    ]


def api() -> str:
    """Every call of the API, by its path."""
    rows = [
        (f"`{method} {path}`", summary + (" (without a session)" if is_open else ""))
        for method, path, summary, is_open in sorted(calls(), key=lambda call: call[1])
    ]
    return table(["call", "does"], rows)


COLUMNS = {
    Role.CHILD: "child",
    Role.CASEWORKER: "caseworker",
    Role.SUPERVISOR: "supervisor, on duty",
    Role.GUARDIAN: "guardian",
    Role.CARER: "carer",
    Role.ADMINISTRATOR: "administrator",
    Role.CALLED: "called, no tie",
}


def rights() -> str:
    """Who may what: about one child, by the tie; and about the agency, by the role in it."""
    child = [
        (f"`{action.value}`", *(_yes(action in ALLOWED[role]) for role in COLUMNS))
        for action in Action
    ]
    agency = [
        (f"`{action.value}`", *(_yes(may_agency(role, action)) for role in COLUMNS))
        for action in AgencyAction
    ]
    about_a_child = table(["about a child", *COLUMNS.values()], child)
    about_the_agency = table(["about the agency", *COLUMNS.values()], agency)
    return f"{about_a_child}\n\n{about_the_agency}"


def fields() -> str:
    """Every field of the life project, and whose it is."""
    rows = [
        (
            f"`{entity}.{name}`",
            str(owner.make),
            str(owner.change),
            f"`{BESIDE[entity, name]}`" if (entity, name) in BESIDE else "",
        )
        for (entity, name), owner in OWNERS.items()
    ]
    return table(
        ["field", "said at the making by", "changed by", "field of the adults beside it"], rows
    )


def pack_fields() -> str:
    """Every field of the grab pack, and whose it is."""
    rows = [
        (f"`{one.name}`", one.label, group.part.value, CHILD if one.is_childs else STAFF)
        for group in GROUPS
        for one in group.fields
    ]
    return table(["field", "is", "part", "written by"], rows)


CHILD, STAFF = "the child alone", "caseworker, supervisor"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else NO


# --- the figures


def figures() -> str | None:
    """What the last benchmark reached, or None where none was run here. A figure that it left out
    stays as it is told."""
    file = ROOT / "var" / "bench.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    rows: list[tuple[str, ...]] = [
        (row["what"], _reached(row), _goal(row), _met(row)) for row in found["figures"]
    ]
    when = f"Measured on {found['date']}: {found.get('machine') or machine()}."
    return f"{when}\n\n" + table(["what", "reached", "to reach", ""], _beside(told(), rows))


def told() -> list[tuple[str, ...]]:
    """The figures as README tells them now."""
    body = body_of((ROOT / "README.md").read_text(encoding="utf-8"), "figures")
    lines = [line for line in body.splitlines() if line.startswith("| ")][2:]
    return [_cells(line) for line in lines]


def _cells(line: str) -> tuple[str, ...]:
    cells = re.split(r"(?<!\\)\|", line)[1:-1]
    return tuple(cell.strip().replace("\\|", "|") for cell in cells)


def _beside(before: list[tuple[str, ...]], rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    new = {row[0]: row for row in rows}
    kept = [new.pop(row[0], row) for row in before]
    return [*kept, *new.values()]


def _reached(row: dict[str, Any]) -> str:
    if "shown" in row:
        return str(row["shown"])
    unit = row.get("unit", "")
    if "ratio" not in row:
        return f"{_number(row['ours'])} {unit}".strip()
    if "bare" not in row:
        return f"{_number(row['ratio'])} {unit}".strip()
    cpu = (
        f"; {row['ours_cpu_us']:,} against {row['bare_cpu_us']:,} µs of CPU each"
        if "ours_cpu_us" in row
        else ""
    )
    pair = f"{_number(row['ours'])} against {_number(row['bare'])} {unit}"
    return f"{row['ratio']:.0%} ({pair}{cpu})"


def _goal(row: dict[str, Any]) -> str:
    if "goal" in row:
        return str(row["goal"])
    goal = row.get("to_reach")
    if goal is None:
        return NO
    return f"≥ {goal:.0%}" if "bare" in row else _number(goal)


def _met(row: dict[str, Any]) -> str:
    if "is_reached" not in row:
        return ""
    return "reached" if row["is_reached"] else "**falls short**"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def machine() -> str:
    """This machine in plain facts, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    cores = os.cpu_count() or 1
    return f"{cores} cores, {memory:.0f} GB of memory, {system}, Python {platform.python_version()}"


# --- the pages

PAGES: dict[str, dict[str, Callable[[], str | None]]] = {
    "README.md": {"settings": settings, "routes": api},
    "ARCHITECTURE.md": {"rights": rights},
    "docs/reference/fields.md": {"fields": fields, "pack-fields": pack_fields},
}
MEASURED: dict[str, dict[str, Callable[[], str | None]]] = {"README.md": {"figures": figures}}


def filled(text: str, name: str, body: str) -> str:
    """The page with another body in that block. ValueError where it has no such block, or two."""
    block = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if len(block.findall(text)) != 1:
        raise ValueError(f"there must be one block {name}")
    return block.sub(lambda found: f"{found[1]}{body}\n{found[2]}", text)


def body_of(text: str, name: str) -> str:
    """What stands in that block now."""
    found = re.search(rf"<!-- begin {name} -->\n(.*?)<!-- end {name} -->", text, re.DOTALL)
    return found[1].strip() if found else ""


def stale() -> list[str]:
    """One line for each block that does not say what is."""
    wrong = []
    for page, blocks in PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        wrong += [
            f"{page}: the block {name} is not current: python -m tools.docs write"
            for name, make in blocks.items()
            if body_of(text, name) != make()
        ]
    return wrong


def write() -> None:
    """Fill every block anew; figures only where there are some."""
    for page in sorted({*PAGES, *MEASURED}):
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        for name, make in {**PAGES.get(page, {}), **MEASURED.get(page, {})}.items():
            body = make() or body_of(text, name) or NOT_MEASURED
            text = filled(text, name, body)
        path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """The command."""
    match arguments:
        case ["write"]:
            write()
        case ["check"]:
            wrong = stale()
            print(*wrong or ["The pages say what is."], sep="\n")
            return 1 if wrong else 0
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
