"""docs/asvs says of every line how it stands, and docs/protection.md what has to be in writing."""

from __future__ import annotations

import ast
import math
import re
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from server.alerts.glass import rules as glass
from server.auth import codes, passwords, rules
from server.auth.oidc import pages as oidc_pages
from server.inbound import rules as inbound
from server.missing.profile.photos import actions as photos
from server.notify.actions import CODE_LENGTH as ADDRESS_CODE
from server.notify.channels import provider
from server.records.backup import archive
from server.records.transfer import rules as transfer
from server.security.encryption import CODE_ALPHABET
from server.web import middleware
from server.web.connections import guarded as connections
from server.witnesses import register
from tools import asvs
from tools.audit import LONGEST_EXCEPTION

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "protection.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "server").rglob("*.py"))
LINES = asvs.lines()
TEST = re.compile(r"^`(tests/[\w/]+\.py)` `(test_\w+)`$")


def test_every_number_of_levels_1_and_2_stands_exactly_once() -> None:
    assert len(asvs.wanted()) == 253
    assert sorted(line.number for line in LINES) == sorted(asvs.wanted())
    assert [it.number for it in LINES if it.level != asvs.wanted()[it.number]] == []
    assert [it.number for it in LINES if not it.page.startswith(f"{it.chapter:02d}-")] == []


def test_every_line_is_in_one_of_three_states_and_says_why() -> None:
    assert {line.state for line in LINES} == {*asvs.STATES}
    untested = [it.number for it in LINES if it.state == asvs.HELD and not TEST.match(it.how)]
    silent = [it.number for it in LINES if it.state != asvs.HELD and len(it.how) < 12]
    assert (untested, silent) == ([], [])


def test_no_row_of_a_page_is_passed_over() -> None:
    for page in asvs.PAGES.glob("[0-9]*.md"):
        rows = re.findall(r"^\| \d", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(rows) == sum(line.page == page.name for line in LINES), page.name


@cache
def _tests_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_test_that_is_named_exists() -> None:
    named = [(it.number, match[1], match[2]) for it in LINES if (match := TEST.match(it.how))]
    assert len(named) > 100
    wrong = [
        each for each in named if not (ROOT / each[1]).exists() or each[2] not in _tests_of(each[1])
    ]
    assert wrong == []


def _limit(limit: rules.Limit) -> str:
    return f"{limit.tries} in {int(limit.within.total_seconds() // 60)} minutes"


def _figures() -> list[str]:
    hasher = PasswordHasher()
    stated = [
        f"| wrong passwords for one name | {_limit(rules.PASSWORD_BY_NAME)} |",
        f"| wrong passwords from one network | {_limit(rules.PASSWORD_BY_NETWORK)} |",
        f"| wrong pairing codes from one network | {_limit(rules.PAIR_BY_NETWORK)};",
        f"{_limit(rules.CODE_BY_PERSON)}, {rules.CODE_BY_PERSON_A_DAY.tries} a day |",
        f"| challenges for passkeys from one network | {_limit(rules.PASSKEY_BY_NETWORK)} |",
        f"| {_limit(inbound.CARD_BY_CARD)}, {inbound.WRONG_PINS} in a row lock it;",
        f"| answers by one link | {_limit(inbound.LINK_USES)};",
        f"{middleware.BODY_LIMIT:,} bytes; a photo {middleware.PHOTO_LIMIT:,} |",
        f"| {connections.MOST_CONNECTIONS:,}; a head within {connections.Limits().head_s:.0f} sec",
        f"| opening a page in an emergency | {glass.MOST} in 24 hours |",
        f"has {rules.SHORTEST_PASSWORD} to {rules.LONGEST_PASSWORD} characters",
        f"hands over counts for {rules.FIRST_PASSWORD_LASTS.days} days",
        f"{rules.STAFF_AT_MOST.seconds // 3600} hours at most, {rules.STAFF_IDLE.seconds // 3600}",
        f"1 hour, {rules.NIGHT_IDLE.seconds // 60} minutes unused",
        f"not older than {rules.PROOF_LASTS.seconds // 60} minutes",
        f"({hasher.time_cost} passes, {hasher.memory_cost // 1024} MiB, {hasher.parallelism} la",
        f"{photos.MOST_BYTES:,} bytes, {photos.MOST_POINTS:,} points",
        f"| register of a school | CSV in UTF-8 | {register.LARGEST:,} bytes |",
        f"a manifest of {archive.LARGEST_MANIFEST:,} bytes",
        f"{provider.WITHIN.seconds} seconds, {provider.LONGEST:,} bytes",
        f"({passwords.AT_ONCE} at once, {passwords.MOST_WAITING} wait)",
        f"{LONGEST_EXCEPTION.days} days at most",
    ]
    return stated


@pytest.mark.parametrize("figure", _figures())
def test_the_figures_of_the_page_are_those_of_the_code(figure: str) -> None:
    assert figure in PAGE


def test_the_words_that_are_tried_first_are_on_the_page() -> None:
    assert " ".join(f"`{word}`" for word in rules.TRIED_FIRST) in PAGE


def test_every_way_in_is_on_the_page() -> None:
    ways = re.findall(
        r"^\| ([\w ]+) \| .* \| .* \| .* \|$", PAGE.split("## Limits")[0], re.MULTILINE
    )
    proofs = {"password": "password", "passkey": "passkey", "provider": "provider"}
    assert set(proofs.values()) <= set(ways)
    doors = {
        rules.Door.PAIR: "pairing",
        rules.Door.LINK: "link",
        rules.Door.CARD: "front desk",
        rules.Door.DESK_PIN: "front desk",
        rules.Door.LIST: "link",
        rules.Door.PASSWORD: "password",
        rules.Door.PASSKEY: "passkey",
        rules.Door.PROVIDER: "provider",
        rules.Door.WELCOME: "provider",
    }
    # A code of the second key, and the code of an agency, open nothing by themselves.
    assert set(rules.Door) - set(doors) == {rules.Door.CODE, rules.Door.RECEPTION}
    assert set(doors.values()) <= set(ways)
    assert oidc_pages.routes


SECTIONS = [
    "Ways in",
    "Limits",
    "Sessions",
    "Keys and algorithms",
    "Levels of data",
    "What is written down",
    "Calls to the outside",
    "Files that come in",
    "What takes long",
    "Packages",
]


@pytest.mark.parametrize("title", SECTIONS)
def test_every_section_that_a_line_needs_is_on_the_page(title: str) -> None:
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    assert len(rest.partition("\n## ")[0].split()) > 25


def test_each_code_has_bits_enough() -> None:
    a_character = math.log2(len(CODE_ALPHABET))
    lengths = {
        "pairing": rules.SECRET_LENGTH,
        "welcome": rules.WELCOME_LENGTH,
        "recovery": codes.RECOVERY_LENGTH,
        "card": inbound.CARD_LENGTH,
        "alert, by text": inbound.CODE_LENGTH,
        "reception": transfer.CODE_LENGTH,
    }
    assert {name for name, length in lengths.items() if length * a_character < 20} == set()
    assert ADDRESS_CODE * a_character >= 20


# --- what no file of the server does


FORBIDDEN = {"subprocess", "pickle", "marshal", "shelve", "xml", "telnetlib", "ctypes"}
EVALUATING = {"eval", "exec", "compile", "__import__"}


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def test_the_server_starts_no_program_and_evaluates_no_text() -> None:
    wrong = []
    for path in FILES:
        for node in _nodes(path):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            bad = [name for name in names if name.partition(".")[0] in FORBIDDEN]
            wrong += [f"{path.relative_to(ROOT)}: {name}" for name in bad]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                wrong += [f"{path}: {node.func.id}"] if node.func.id in EVALUATING else []
    # A tree that is built from our own guides, and read from nothing.
    assert wrong == ["server/desk/help/guide.py: xml.etree.ElementTree"]


def _is_fixed(node: ast.AST) -> bool:
    """A text in the code; names of constants and `re.escape` may be in it."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.BinOp):
        return _is_fixed(node.left) and _is_fixed(node.right)
    if isinstance(node, ast.JoinedStr):
        return all(_is_fixed(each) for each in node.values)
    if isinstance(node, ast.FormattedValue):
        return _is_fixed(node.value)
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.Call):
        called = node.func
        is_join = isinstance(called, ast.Attribute) and called.attr == "join"
        is_escape = isinstance(called, ast.Attribute) and called.attr == "escape"
        return is_escape or is_join
    return False


def test_no_pattern_is_built_from_what_people_wrote() -> None:
    takes_pattern = {"compile", "match", "fullmatch", "search", "sub", "split", "findall"}
    wrong = []
    for path in FILES:
        for node in _nodes(path):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of = node.func.value
            is_re = isinstance(of, ast.Name) and of.id == "re" and node.func.attr in takes_pattern
            if is_re and not _is_fixed(node.args[0]):
                wrong.append(str(path.relative_to(ROOT)))
    # A column of a table of ours, and a path of ours that is escaped.
    assert wrong == ["server/notify/refusals.py", "server/web/help_links.py"]


def test_only_strong_hashes_are_used() -> None:
    weak = re.compile(r"\b(md5|sha1|md4|ripemd|des|rc4|blowfish|ecb|pkcs1v15)\b", re.IGNORECASE)
    used = {
        str(path.relative_to(ROOT))
        for path in FILES
        if weak.search(re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text(encoding="utf-8")))
    }
    assert used == set()
