"""What a move of code must leave as it is: `python -m tools.net keep|compare FOLDER`.

Writes, as files: the OpenAPI document, the routes, the settings, the help of each command, what
`replay` says of a fixed cohort, and each English page that the people of the demo reach by links,
at a fixed time. `compare` prints which files differ from those kept, and exits with 1. Ids, tokens
and one-time values differ from run to run and are replaced.

Kept until the rooms have their last names; then it goes.
"""

import asyncio
import contextlib
import hashlib
import io
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx2
from starlette.routing import Route

from server import __main__ as waymark
from server import settings
from server.app import create_app, routes
from server.demo import loader
from server.web.openapi import document

NOW = datetime(2026, 3, 4, 19, 30, tzinfo=UTC)
MOST_PAGES = 300
COMMANDS = (
    *"serve tick migrate check demo keys audit person agency invite replay cohort".split(),
    *("backup", "restore", "person add", "person list", "agency add", "agency list"),
)
CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\b[0-9a-f]{32,64}\b", "HEX"),
    (r'(name="csrf" value|nonce)="[^"]*"', r'\1="…"'),
    (r"\?v=[\w-]+", "?v="),
    (r"server\.[\w.]+\.(?=[A-Z])", ""),
    (r'data-key="[^"]*"', 'data-key="…"'),
    (r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b", "CODE"),
)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, by in CHANGING:
        text = re.sub(pattern, by, text)
    return text


def plain_files() -> Iterator[tuple[str, str]]:
    """What needs no database."""
    found = [route for route in routes() if isinstance(route, Route)]
    yield "openapi.json", json.dumps(document(routes(), server_url="http://x"), indent=1)
    yield (
        "routes.txt",
        "\n".join(sorted(f"{one.path} {sorted(one.methods or ())}" for one in found)),
    )
    yield (
        "settings.txt",
        "\n".join(
            f"{name} {value!r}"
            for name, value in sorted(
                vars_of(settings.load({"WAYMARK_SECRET_KEYS": "x" * 40})).items()
            )
            if "key" not in name
        ),
    )
    for words in ("", *COMMANDS):
        yield f"help {words or 'all'}.txt", _printed([*words.split(), "--help"])


def vars_of(value: object) -> dict[str, object]:
    """The fields of a dataclass with slots."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]


def _printed(words: list[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        with contextlib.suppress(SystemExit):
            waymark.main(words)
    return out.getvalue()


def replayed() -> Iterator[tuple[str, str]]:
    """Replay's bytes for a fixed cohort."""
    with tempfile.TemporaryDirectory() as folder:
        events, truth, alerts = (f"{folder}/{name}.csv" for name in ("events", "truth", "alerts"))
        made = ["--children", "60", "--days", "60", "--seed", "7"]
        yield (
            "cohort.txt",
            _printed(["cohort", "--events", events, "--truth", truth, *made]).replace(folder, ""),
        )
        said = _printed(["replay", events, "--alerts", alerts, "--truth", truth])
        yield "replay.txt", said.replace(folder, "")
        for name in (events, truth, alerts):
            data = Path(name).read_bytes()
            yield f"replay {Path(name).stem}.txt", f"{len(data)} {hashlib.sha256(data).hexdigest()}"


async def pages() -> list[tuple[str, str]]:
    """Each English page that the people of the demo reach by links."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        told = settings.load(
            {
                "WAYMARK_VAR": folder,
                "WAYMARK_DATABASE_URL": f"sqlite://{folder}/waymark.sqlite3",
                "WAYMARK_PUBLIC_URL": "http://localhost",
            }
        )
        app = create_app(told, clock=lambda: NOW)
        async with waymark._opened(told):
            ways_in = await loader.prepare(told, app.state.passwords, lambda _line: None, NOW)
            transport = httpx2.ASGITransport(app, client=("203.0.113.7", 50000))
            for name, entry in ways_in["staff"].items():
                async with httpx2.AsyncClient(
                    transport=transport, base_url="http://localhost"
                ) as one:
                    said = {"name": name, "password": entry["password"]}
                    token = (await one.post("/api/v1/sessions", json=said)).json()["token"]
                    one.headers["authorization"] = f"Bearer {token}"
                    found += await _crawled(name, one)
    return found


async def _crawled(name: str, browser: httpx2.AsyncClient) -> list[tuple[str, str]]:
    waiting, seen = ["/desk/"], {"/desk/"}
    texts: dict[str, str] = {}
    while waiting and len(texts) < MOST_PAGES:
        path = waiting.pop(0)
        answer = await browser.get(path, follow_redirects=False)
        kind = answer.headers.get("content-type", "")
        text = answer.text if "html" in kind or "json" in kind else kind
        texts.setdefault(steady(path), f"{answer.status_code} {steady(text)}")
        for link in re.findall(r'(?:href)="(/[^"#]*)', unescape(text)):
            if link not in seen and not link.startswith(("/static", "/app")):
                seen.add(link)
                waiting.append(link)
    return [(f"page {name} {path.replace('/', '|')[:150]}.html", t) for path, t in texts.items()]


def files() -> dict[str, str]:
    """Each file by its name."""
    found = dict([*plain_files(), *replayed()])
    return found | dict(asyncio.run(pages()))


def main(what: str, folder: Path) -> int:
    """The command."""
    found = files()
    if what == "keep":
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8")
        print(f"{len(found)} files kept")
        return 0
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    other = folder.with_name(f"{folder.name}-now")
    other.mkdir(exist_ok=True)
    different = sorted(n for n in kept.keys() | found.keys() if kept.get(n) != found.get(n))
    for name in different:
        (other / name).write_text(found.get(name, ""), encoding="utf-8")
    print(*(different or ["Nothing has changed."]), sep="\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
