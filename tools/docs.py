"""The tables of the pages for people, from what they describe: `python -m tools.docs write|check`.

Each block stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, and nobody writes there by
hand. The settings come from server/settings.py, the commands from the command line, the routes from
the OpenAPI document, who may from the walk of tests/test_access.py, the rights from
server/people/rules.py, the policy from the table that ships, the worlds from
server/simulation/worlds/table.py, the fields and their owners from
server/plan/owners.py and the grab pack, and the figures from the runs of `make bench` in
docs/reference/figures.jsonl. The guides in docs/guide are copies of those in
server/desk/help/guides/en.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from server.__main__ import _parser
from server.app import routes
from server.desk.help import guide
from server.desk.policies.words import LABELS
from server.missing.profile.fields import GROUPS
from server.people.rules import ALLOWED, Action, AgencyAction, Role, may_agency
from server.plan.owners import BESIDE, OWNERS
from server.policy.model import SHIPPED
from server.setting_table import SETTINGS
from server.simulation.worlds.table import RANDOM, WORLDS
from server.web.openapi import document
from tools import asvs, figures

ROOT = Path(__file__).resolve().parent.parent
USAGE = "python -m tools.docs write | check"
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
    rows = [(f"`{setting.name}`", setting.meaning, setting.default) for setting in SETTINGS]
    return table(["setting", "meaning", "default"], rows)


# --- commands


Command = tuple[str, str, argparse.ArgumentParser]


def commands() -> list[Command]:
    """Name (`person add`), what it does, and its parser, of every command that runs something."""
    return list(_below(_parser(), ""))


def _below(parser: argparse.ArgumentParser, above: str) -> Iterator[Command]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            says = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                deeper = list(_below(command, f"{above}{name} "))
                yield from deeper or [(f"{above}{name}", says[name], command)]


def command_pages() -> str:
    """Every command with its arguments."""
    return "\n\n".join(_command(*command) for command in commands())


def _command(name: str, says: str, parser: argparse.ArgumentParser) -> str:
    rows = [(f"`{_written(argument)}`", _help(argument)) for argument in arguments_of(parser)]
    parts = [f"## `waymark {name}`", says]
    return "\n\n".join([*parts, table(["argument", "meaning"], rows)] if rows else parts)


def arguments_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of one command, without `--help`."""
    return [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]


def _written(argument: argparse.Action) -> str:
    value = argument.metavar or argument.dest.upper()
    if argument.choices:
        value = "|".join(map(str, argument.choices))
    if not argument.option_strings:
        return str(value)
    return " ".join([*argument.option_strings, *([] if argument.nargs == 0 else [str(value)])])


def _help(argument: argparse.Action) -> str:
    is_needed = argument.required and bool(argument.option_strings)
    return f"{argument.help or ''}{' (needed)' if is_needed else ''}"


# --- the API


Call = tuple[str, str, str]


def calls() -> list[Call]:
    """Method, path and summary of every call in the OpenAPI document, by path."""
    paths = document(routes(), server_url="").get("paths", {})
    return [
        (method.upper(), path, call["summary"])
        for path, methods in sorted(paths.items())
        for method, call in methods.items()
    ]


def api() -> str:
    """Every call of the API, by its path, and who may use it."""
    rows = [
        (f"`{method} {path}`", summary, who_may(f"{method} {path}"))
        for method, path, summary in calls()
    ]
    return table(["call", "does", "who may"], rows)


# One of the cast for each role. What they get is what tests/test_access.py holds the server to.
CAST = {
    "child": "mia",
    "caseworker": "tom",
    "supervisor": "ines",
    "guardian": "ada",
    "carer": "sam",
    "advocate": "ruth",
    "administrator": "root",
}
ADULTS_OF_IT = ("caseworker", "supervisor", "guardian", "carer", "advocate", "administrator")
# Here the answer hangs on the thing itself, and the cast stands on one side of it.
_EPISODE, _TRANSFER = "/api/v1/children/{child_id}/episodes/{episode_id}", "/api/v1/transfers"
_OVERSIGHT = "oversight, for their own area"
_GAVE, _TAKES = "the agency that gives the child", "the agency that takes the child"
BY_THE_THING = {
    f"POST {_EPISODE}/handovers/{{passing_id}}": "caseworker or supervisor, for their own part",
    f"GET {_TRANSFER}/{{transfer_id}}": f"{_GAVE}; {_TAKES}",
    f"GET {_TRANSFER}/{{transfer_id}}/package": f"{_GAVE}; {_TAKES}",
    f"POST {_TRANSFER}/{{transfer_id}}/accept": _TAKES,
    f"POST {_TRANSFER}/{{transfer_id}}/refuse": _TAKES,
    f"POST {_TRANSFER}/{{transfer_id}}/take-back": _GAVE,
    "GET /api/v1/areas": _OVERSIGHT,
}


def who_may(route: str) -> str:
    """The roles that get in, as words; `called` are those an open alert has called."""
    if route in BY_THE_THING:
        return BY_THE_THING[route]
    access = import_module("tests.test_access")
    expected = access.EXPECTED[route]
    if expected(None) == access.IN:
        return "anyone, without a session"
    inside = [role for role, name in CAST.items() if expected(name) == access.IN]
    if len(inside) == len(CAST):
        is_all = access.by_oversight(route) == access.IN
        return "anyone signed in" if is_all else "anyone signed in, except oversight"
    if tuple(inside) == ADULTS_OF_IT:
        return "every adult"
    return ", ".join([*inside, *(["called"] if route in access.OF_A_CALL else [])])


COLUMNS = {
    Role.CHILD: "child",
    Role.CASEWORKER: "caseworker",
    Role.SUPERVISOR: "supervisor, on duty",
    Role.GUARDIAN: "guardian",
    Role.CARER: "carer",
    Role.ADVOCATE: "advocate",
    Role.ADMINISTRATOR: "administrator",
    Role.OVERSIGHT: "oversight",
    Role.CALLED: "called, no tie",
    Role.GLASS: "broken glass, no tie",
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


LEVELS = {"high": "high", "mid": "medium", "low": "low"}


def policy() -> str:
    """The numbers that ship for each level, by their names in a TOML file."""
    levels = [dict(_flat(SHIPPED[level])) for level in LEVELS]
    names = dict.fromkeys(name for level in levels for name in level)
    rows = [
        (
            f"`{name}`",
            LABELS.get(name.rpartition(".")[2], ""),
            *(_told(one, name) for one in levels),
        )
        for name in names
        if name != "habit"
    ]
    return table(["name", "says", *LEVELS.values()], rows)


def policy_rest() -> str:
    """Quiet hours, days of the calendar, signals: the same for every level."""
    rest = {name: value for name, value in SHIPPED.items() if name not in LEVELS}
    rows = [
        (f"`{name}`", LABELS.get(name.rpartition(".")[2], ""), _value(value))
        for name, value in _flat(rest)
    ]
    return table(["name", "says", "as it ships"], rows)


def _flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _told(level: Mapping[str, Any], name: str) -> str:
    return _value(level.get(name))


def _value(value: Any) -> str:
    if value is None:
        return NO
    if isinstance(value, bool):
        # Off is a value; where a level has none, there is a dash.
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else NO


def worlds() -> str:
    """Every world of the synthetic cohort, and what is special about it."""
    rows = [(f"`{world.name}`", world.says) for world in WORLDS.values()]
    rows.append((f"`{RANDOM}`", "A mixture of these, drawn by the seed."))
    return table(["world", "what is special"], rows)


# --- the figures


def checked_lines() -> str:
    """How many lines of OWASP ASVS are in each state, by page."""
    return table(["chapter", "lines", *asvs.STATES], asvs.counts())


def measured() -> str:
    """What the benchmarks reached, and on which machine."""
    runs = figures.read()
    machines = "; ".join(sorted({run.machine for run in runs}))
    return f"Measured on: {machines}.\n\n{table(figures.HEAD, figures.rows(runs))}"


# --- the pages

PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/reference/settings.md": {"settings": settings},
    "docs/reference/commands.md": {"commands": command_pages},
    "docs/reference/api.md": {"routes": api},
    "docs/reference/rights.md": {"rights": rights},
    "docs/reference/policy.md": {"levels": policy, "rest": policy_rest},
    "docs/reference/replay.md": {"worlds": worlds},
    "docs/asvs/README.md": {"asvs": checked_lines},
    "docs/reference/fields.md": {"fields": fields, "pack-fields": pack_fields},
    "docs/reference/figures.md": {"figures": measured},
}
# The guides are written where the desk finds them for its Help; readers of the repository find them
# among the documents.
COPIES = {
    f"docs/guide/{name}.md": (guide.FOLDER / "en" / f"{name}.md").relative_to(ROOT).as_posix()
    for name in guide.GUIDES
}


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
    for copy, source in COPIES.items():
        path = ROOT / copy
        if not path.exists() or path.read_bytes() != (ROOT / source).read_bytes():
            wrong.append(f"{copy}: a copy of {source}, and not current: python -m tools.docs write")
    return wrong


def write() -> None:
    """Fill every block anew."""
    for page, blocks in PAGES.items():
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        for name, make in blocks.items():
            text = filled(text, name, make())
        path.write_text(text, encoding="utf-8")
    for copy, source in COPIES.items():
        (ROOT / copy).parent.mkdir(exist_ok=True)
        (ROOT / copy).write_bytes((ROOT / source).read_bytes())


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
