"""Files from memory: the right encoding, type and caching; nothing else is reachable."""

import gzip
import json
import os
import re
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from server.app import create_app
from server.errors import WaymarkError
from server.settings import load
from server.web import responses, static_files
from server.web.middleware import CONTENT_SECURITY_POLICY, SecurityHeaders
from server.web.static_files import StaticFiles
from tests.fixtures import Database


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / "icons").mkdir()
    (folder / "index.html").write_text("<!doctype html>" + " " * 500)
    (folder / "sw.js").write_text("self;" * 100)
    (folder / "assets" / "app-DsX3_f-a.js").write_text("let a = 1;" * 100)
    (folder / "assets" / "app-DsX3_f-a.js.br").write_bytes(b"brotli")
    (folder / "assets" / "app-DsX3_f-a.js.map").write_text("{}")
    (folder / "icons" / "planner-maskable.png").write_bytes(os.urandom(300))
    manifest = {
        "src/desk.ts": {
            "file": "assets/desk-1.js",
            "css": ["assets/desk-1.css"],
            "imports": ["_shared.js"],
        },
        "_shared.js": {"file": "assets/shared-1.js", "css": ["assets/shared-1.css"]},
    }
    (folder / ".vite" / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def browser(build: Path) -> TestClient:
    files = StaticFiles(static_files.app_files(build), fallback="/app/")
    app = Starlette(
        routes=[Mount("/app", files)],
        middleware=[Middleware(SecurityHeaders, is_https=False)],
        exception_handlers={
            WaymarkError: responses.answer_fault,
            HTTPException: responses.answer_fault,
        },
    )
    return TestClient(app)


def test_what_has_its_hash_in_its_name_is_kept_and_the_rest_is_asked_for(
    browser: TestClient,
) -> None:
    kept = browser.get("/app/assets/app-DsX3_f-a.js").headers["cache-control"]
    assert kept == "public, max-age=31536000, immutable"
    icon = browser.get("/app/icons/planner-maskable.png").headers["cache-control"]
    assert icon == "public, max-age=604800"
    for path in ("/app/", "/app/sw.js"):
        assert browser.get(path).headers["cache-control"] == "no-cache"


def test_a_page_and_a_worker_carry_the_whole_policy_and_a_part_of_a_page_needs_none(
    browser: TestClient,
) -> None:
    for path in ("/app/", "/app/sw.js"):
        assert browser.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    part = browser.get("/app/assets/app-DsX3_f-a.js").headers
    assert part["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert part["x-content-type-options"] == "nosniff"
    assert "permissions-policy" not in part


def test_the_best_encoding_that_is_accepted_is_sent(browser: TestClient) -> None:
    def ask(accepted: str) -> tuple[str | None, int]:
        url = "/app/assets/app-DsX3_f-a.js"
        with browser.stream("GET", url, headers={"accept-encoding": accepted}) as answer:
            assert answer.headers["vary"] == "Accept-Encoding"
            raw = b"".join(answer.iter_raw())
            return answer.headers.get("content-encoding"), len(raw)

    assert ask("gzip, deflate, br") == ("br", 6)
    assert ask("br;q=0, gzip;q=1.0") == ("gzip", len(gzip.compress(b"let a = 1;" * 100, 9)))
    assert ask("identity") == (None, 1000)
    assert ask("") == (None, 1000)


def test_what_does_not_shrink_goes_as_it_is(browser: TestClient) -> None:
    answer = browser.get("/app/icons/planner-maskable.png")
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-type"] == "image/png"
    assert len(answer.content) == 300


def test_what_is_known_is_not_sent_again(browser: TestClient) -> None:
    first = browser.get("/app/sw.js")
    again = browser.get("/app/sw.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    assert browser.head("/app/sw.js").content == b""


def test_addresses_of_screens_show_the_page_of_the_app(browser: TestClient) -> None:
    assert browser.get("/app/talk").text.startswith("<!doctype html>")
    assert browser.get("/app/talk").headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/app/.vite/manifest.json",
        "/app/assets/app-DsX3_f-a.js.map",
        "/app/assets/app-DsX3_f-a.js.br",
        "/app/%2e%2e/pyproject.toml",
        "/app/missing.js",
    ],
)
def test_nothing_else_is_reachable(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_files_are_only_read(browser: TestClient) -> None:
    answer = browser.post("/app/sw.js")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_an_older_variant_is_left_alone(build: Path) -> None:
    script = build / "assets" / "app-DsX3_f-a.js"
    os.utime(script.with_name(script.name + ".br"), (1, 1))
    files = static_files.app_files(build)
    assert "br" not in files["/app/assets/app-DsX3_f-a.js"].bodies


def test_pages_find_the_entries_of_the_build(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_files, "BUILD", build)
    static_files.built.cache_clear()
    desk = static_files.built("src/desk.ts")
    assert desk.script == "/app/assets/desk-1.js"
    assert desk.styles == ("/app/assets/desk-1.css", "/app/assets/shared-1.css")
    assert static_files.built("src/other.ts").script is None
    static_files.built.cache_clear()


def test_our_own_files_have_their_hash_in_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "OWN", tmp_path)
    static_files.url.cache_clear()
    (tmp_path / "print.css").write_text("p{}")
    address = static_files.url("print.css")
    assert address.startswith("/static/")
    assert list(static_files.own_files(tmp_path)) == [address]
    (tmp_path / "print.css").write_text("q{}")
    static_files.url.cache_clear()
    assert static_files.url("print.css") != address
    with pytest.raises(FileNotFoundError):
        static_files.url("nothing.css")
    static_files.url.cache_clear()


def test_the_page_is_called_as_the_server_says_and_not_as_it_was_built(build: Path) -> None:
    (build / "index.html").write_text("<!doctype html><title>Planner</title>" + " " * 500)
    files = StaticFiles(
        static_files.app_files(build),
        fallback="/app/",
        title_of=lambda scope: scope["app"].state.name,
    )
    app = Starlette(routes=[Mount("/app", files)])
    for name, shown in (("Mein Tag", "Mein Tag"), ("<b>&", "&lt;b&gt;&amp;"), (r"\1", r"\1")):
        app.state.name = name
        for path in ("/app/", "/app/plan"):
            answer = TestClient(app).get(path, headers={"accept-encoding": "gzip"})
            assert f"<title>{shown}</title>" in answer.text
            assert "Planner" not in answer.text
            assert answer.headers["content-encoding"] == "gzip"
            again = TestClient(app).get(path, headers={"if-none-match": answer.headers["etag"]})
            assert again.status_code == 304


async def test_before_pairing_the_app_is_called_as_the_settings_say(
    db: Database, tmp_path: Path
) -> None:
    settings = load(
        {
            "WAYMARK_DATABASE_URL": db.url,
            "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
            "WAYMARK_DISPLAY_NAME": "Mein Tag",
            "WAYMARK_VAR": str(tmp_path / "var"),
        },
        tmp_path,
    )
    transport = httpx2.ASGITransport(create_app(settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as phone:
        page = await phone.get("/app/")
        manifest = (await phone.get("/app/manifest.webmanifest")).json()
    assert "<title>Mein Tag</title>" in page.text
    assert "Planner" not in page.text
    assert (manifest["name"], manifest["short_name"]) == ("Mein Tag", "Mein Tag")


SHEETS = sorted(Path(static_files.__file__).with_name("static").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_no_rule_of_a_style_sheet_is_inside_another_one(sheet: Path) -> None:
    """Without a bracket all that follows is in the rule before, and no browser says so."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    around: list[str] = []
    inside: list[str] = []
    for head, mark in re.findall(r"([^{};]*)([{};])", text):
        if mark == "{":
            if any(not each.startswith("@") for each in around):
                inside.append(head.strip())
            around.append(head.strip())
        elif mark == "}":
            around.pop()
    assert inside == []
    assert around == []
