"""Who may import whom: the kinds of files and the order of the rooms of ARCHITECTURE.md."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SERVER = Path(__file__).parent.parent / "server"
FILES = sorted(SERVER.rglob("*.py"))

# They know everyone, and no one imports them.
ROOTS = {
    "server.app",
    "server.ticker",
    "server.__main__",
    "server.wiring",
    "server.demo.commands",
    "server.demo.loader",
    "server.demo.projects",
}
ROOTS |= {"server.demo.profiles", "server.demo.templates", "server.checking", "server.serving"}
ROOTS |= {"server.demo.history", "server.demo.fast"}
# In the order of architecture: a room imports only from those before it. The first ones are what
# all rooms stand on.
ROOMS = (
    "storage",
    "security",
    "web",
    "audit",
    "notify",
    "people",
    "auth",
    "tasks",
    "advocates",
    "policy",
    "rota",
    "flags",
    "approvals",
    "alerts",
    "watch",
    "roll_calls",
    "witnesses",
    "placements",
    "checkin",
    "inbound",
    "plan",
    "missing",
    "records",
    "imports",
    "simulation",
    "reports",
    "areas",
    "seeding",
    "why",
    "questions",
    "phone",
    "desk",
    "demo",
)
FOUNDATION_ROOMS = ("storage", "security", "web")
# Rooms within a room, where they have an order of their own.
INNER_ROOMS = {
    "missing": ("search", "returns", "profile", "account"),
    "records": ("backup", "transfer"),
}
ORDER = {room: number for number, room in enumerate(ROOMS)}
DATABASE = (
    "tortoise",
    "asyncpg",
    "aiosqlite",
    "sqlite3",
    "server.storage.db",
    "server.storage.bulk",
)
OUTSIDE = ("aiohttp", "aiosmtplib", "apprise", "webpush", "httpx", "urllib.request", "smtplib")
OUTSIDE += ("socket", "http.client", "requests")
WEB = (
    "starlette",
    "server.web.requests",
    "server.web.rendering",
    "server.web.openapi",
    "server.web.middleware",
)


@dataclass(frozen=True)
class Import:
    line: int
    module: str
    """`server.watch.rules` for `from server.watch import rules` as well."""


def module_of(path: Path) -> str:
    name = ".".join(("server", *path.relative_to(SERVER).with_suffix("").parts))
    return name.removesuffix(".__init__")


MODULES = {module_of(path) for path in FILES}


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything in a file, read once for all tests."""
    return [*ast.walk(ast.parse(path.read_text()))]


@cache
def imports(path: Path) -> list[Import]:
    return [*_imports(path)]


def _imports(path: Path) -> Iterator[Import]:
    typing_only = {
        id(inner)
        for node in nodes(path)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in nodes(path):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports by dots"
            for one in node.names:
                deeper = f"{node.module}.{one.name}"
                found = deeper if deeper in MODULES else node.module or ""
                yield Import(node.lineno, found)


def is_of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in packages)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "server" and parts[1] in ORDER else None


# Pure decisions: values and `now` in, values out.
PURE = {
    "web/outside",
    "records/transfer/rules",
    "alerts/causes",
    "approvals/rules",
    "flags/rules",
    "alerts/drills/rules",
    "alerts/glass/rules",
    "alerts/cries/cry",
    "alerts/cries/rules",
    "alerts/ladder",
    "alerts/weighed",
    "policy/levels",
    "policy/adapting",
    "policy/bounds",
    "policy/budget",
    "policy/budget_parser",
    "policy/model",
    "policy/parser",
    "policy/roll_call",
    "policy/roll_call_parser",
    "policy/learned",
    "policy/slots",
    "policy/tally",
    "policy/values",
    "policy/witness",
    "policy/witness_parser",
    "roll_calls/rules",
    "roll_calls/texts/by_text",
    "notify/texts/roll_calls",
    "witnesses/register",
    "witnesses/rules",
    "rota/calendar",
    "checkin/duress/rules",
    "checkin/rules",
    "checkin/words",
    "auth/user_agents",
    "auth/oidc/claims",
    "auth/codes",
    "auth/rules",
    "tasks/rules",
    "tasks/terms",
    "tasks/ways",
    "tasks/words",
    "notify/push_health",
    "notify/heartbeats",
    "notify/child/hours",
    "notify/child/lock_texts",
    "notify/refusals",
    "notify/rules",
    "notify/wording",
    "notify/channel_health",
    "inbound/rules",
    "missing/search/entry_kinds",
    "missing/search/clocks/effects",
    "missing/search/rules",
    "missing/search/definitions/rules",
    "advocates/rules",
    "missing/search/clocks/terms",
    "missing/search/wording",
    "missing/returns/interview",
    "missing/profile/fields",
    "missing/profile/marks",
    "missing/profile/rules",
    "reports/indicators",
    "areas/hiding",
    "people/agencies/oversight",
    "reports/patterns",
    "people/finding/rules",
    "people/rules",
    "plan/goals",
    "plan/offboarding/reassigned",
    "watch/absence/rules",
    "watch/absence/wording",
    "watch/calendar/milestones",
    "watch/carer/shifts",
    "plan/merge",
    "plan/obligations",
    "plan/owners",
    "plan/rules",
    "plan/shape",
    "plan/state",
    "plan/wall/rules",
    "plan/goal_templates/rules",
    "plan/triggers",
    "plan/view",
    "plan/words",
    "watch/machine/answering",
    "watch/machine/changing",
    "desk/policies/bar",
    "desk/policies/bar_words",
    "desk/policies/form",
    "desk/policies/scale",
    "desk/policies/tables",
    "desk/policies/words",
    "simulation/events",
    "simulation/kinds",
    "simulation/lookback",
    "alerts/attempt_rules",
    "desk/circle/rules",
    "desk/picture",
    "reports/quality",
    "simulation/reasons",
    "watch/machine/habit",
    "watch/listed_wording",
    "watch/machine/weighing",
    "imports/import_csv",
    "simulation/arriving",
    "simulation/learning",
    "simulation/replay",
    "simulation/telling",
    "simulation/weeks/budgeting",
    "simulation/weeks/truths",
    "simulation/outcomes",
    "watch/passes/rules",
    "watch/rhythm/recurrence",
    "watch/rhythm/rules",
    "watch/rhythm/wording",
    "watch/signals/wording",
    "watch/signals/rules",
    "watch/signals/warning_signs",
    "watch/machine/advancing",
    "watch/machine/ages",
    "watch/machine/alarms",
    "watch/machine/rounds",
    "watch/machine/seen",
    "watch/machine/standing",
    "watch/machine/witnesses",
    "watch/evidence_wording",
    "watch/reminders/fair_chance",
    "watch/facts",
    "watch/wording",
    "questions/rules",
    "why/answer",
    "why/child_rules",
    "why/child_wording",
    "why/events",
}
PURE_MODULES = {f"server.{name.replace('/', '.')}" for name in PURE}
# What a decision may know beside other decisions: faults, local time, words.
FOUNDATIONS = {"server.errors", "server.clock", "server.i18n", "server.phone_numbers"}


def answers_requests(path: Path) -> bool:
    return path.stem in ("api", "pages", "me") or path.stem.endswith("_pages")


ROOM_FILES = [
    path
    for path in FILES
    if (room_of(module_of(path)) or FOUNDATION_ROOMS[0]) not in FOUNDATION_ROOMS
    and path.name != "__init__.py"
]
names = {"ids": lambda path: str(path.relative_to(SERVER))}


def offenders(files: Iterable[Path], is_wrong: Callable[[str, str], bool]) -> list[str]:
    """Each import that is wrong, as `room/file.py:line module`; asked of importer and imported."""
    return [
        f"{path.relative_to(SERVER)}:{each.line} {each.module}"
        for path in files
        for each in imports(path)
        if is_wrong(module_of(path), each.module)
    ]


def test_nobody_imports_those_who_know_everyone() -> None:
    assert not offenders(FILES, lambda module, imported: module not in ROOTS and imported in ROOTS)


def test_a_room_imports_only_from_those_before_it() -> None:
    assert all(room_of(module_of(path)) for path in ROOM_FILES)

    def is_later(module: str, imported: str) -> bool:
        other = room_of(imported)
        return other is not None and ORDER[other] > ORDER[room_of(module) or ""]

    assert not offenders(ROOM_FILES, is_later)


INNER_FILES = [
    path
    for room, inner in INNER_ROOMS.items()
    for each in inner
    for path in sorted((SERVER / room / each).glob("*.py"))
]


def test_an_inner_room_imports_only_from_those_before_it_and_never_what_mounts_it() -> None:
    def is_later(module: str, imported: str) -> bool:
        _, room, own, *_ = module.split(".")
        order = INNER_ROOMS[room]
        if not is_of(imported, (f"server.{room}",)):
            return False
        inner = imported.split(".")[2]
        return inner not in order[: order.index(own) + 1]

    assert not offenders(INNER_FILES, is_later)


def test_foundations_never_import_rooms_and_rooms_never_import_ways_in_of_others() -> None:
    def is_of_another_room(module: str, imported: str) -> bool:
        room, other = room_of(module), room_of(imported)
        # Pages of the desk draw several rooms.
        if other is None or other in (room, "people") or room == "desk":
            return False
        return imported.rsplit(".", 1)[-1] == "pages"

    assert not offenders(ROOM_FILES, is_of_another_room)


@pytest.mark.parametrize("name", sorted(PURE))
def test_rules_are_pure(name: str) -> None:
    """No `await`, no database, no web, nothing from the outside."""
    path = SERVER / f"{name}.py"
    waits = [n for n in nodes(path) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert not waits
    assert not [one for one in imports(path) if is_of(one.module, (*DATABASE, *OUTSIDE, *WEB))]
    ours = {one.module for one in imports(path) if one.module.startswith("server")}
    assert ours <= PURE_MODULES | FOUNDATIONS


def test_every_file_that_is_called_rules_is_pure() -> None:
    found = {
        path.relative_to(SERVER).with_suffix("").as_posix()
        for path in ROOM_FILES
        if path.stem == "rules"
    }
    assert found <= PURE


def test_models_know_their_own_rules_and_no_verbs() -> None:
    allowed = {
        "server.security.encryption",
        "server.storage.ids",
        "server.storage.engines.indexes",
        "server.storage.engines.partitions",
    }
    assert not offenders(
        [path for path in ROOM_FILES if path.stem == "models"],
        lambda module, imported: (
            imported.startswith("server.")
            and imported not in allowed
            and not (imported in PURE_MODULES and room_of(imported) == room_of(module))
            and not imported.endswith(".rules")
        ),
    )


VERBS = {
    "actions",
    "agreements",
    "attempts",
    "watch_alerts",
    "cards",
    "climbing",
    "factors",
    "rate_limit",
    "pending",
    "bulk_import",
    "offboarding",
    "links",
    "mark_actions",
    "observations",
    "opening",
    "ends",
    "pairing",
    "passkeys",
    "planning",
    "questions",
    "duty_shifts",
    "shifts",
    "desk_pins",
    "left_devices",
    "numbers",
    "visits",
    "kinds",
    "roll_call_texts",
}
VERBS |= {"joining"}
VERBS |= {"acceptance", "reception", "deciding"}
VERBS |= {"accounts", "flows", "roles", "account_linking"}
VERBS |= {
    "addresses",
    "telling",
    "arrivals",
    "handing_over",
    "ties",
    "address_verification",
    "ticking",
    "contacts",
    "preferences",
    "reminding",
    "snoozes",
    "writing",
    "settling",
    "slow_lane",
}


def test_verbs_know_nothing_of_the_web() -> None:
    verbs = [path for path in ROOM_FILES if path.stem in VERBS]
    assert not offenders(verbs, lambda _, imported: is_of(imported, WEB))


WRITERS = {"create", "bulk_create", "update", "delete", "save", "update_or_create"}
WRITERS |= {"get_or_create", "bulk_update", "select_for_update"}


@pytest.mark.parametrize("path", [path for path in ROOM_FILES if answers_requests(path)], **names)
def test_what_answers_requests_writes_nothing_itself(path: Path) -> None:
    """Only actions write."""
    rows = {
        alias.asname or alias.name
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".models")
        for alias in node.names
    }
    found = [
        f"{path.name}:{node.lineno} {ast.unparse(node.func)}"
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITERS
        and _root(node.func) in rows
    ]
    assert not found


def _root(node: ast.expr) -> str:
    """The name at which `Watch.filter(…).update` begins."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


MAY_TALK_OUTSIDE = {"server.notify.channels"}


def test_only_channels_talk_to_the_outside() -> None:
    def is_outside(module: str, imported: str) -> bool:
        if is_of(module, tuple(MAY_TALK_OUTSIDE)):
            return False
        # The roots open the socket at which we listen; that to the database is set to notice
        # silence.
        may_have_one = {*ROOTS, "server.storage.servers.connecting"}
        return is_of(imported, OUTSIDE) and not (module in may_have_one and imported == "socket")

    assert not offenders(FILES, is_outside)


def test_the_order_of_rooms_has_every_room_that_there_is() -> None:
    rooms = {path.parent.name for path in SERVER.glob("*/models.py")}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize("room", INNER_ROOMS)
def test_every_folder_with_code_within_a_large_room_has_its_place_in_the_order(room: str) -> None:
    folders = {path.parent.name for path in (SERVER / room).glob("*/__init__.py")}
    assert folders == set(INNER_ROOMS[room])
