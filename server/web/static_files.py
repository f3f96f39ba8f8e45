"""The phone's build and our own few files, in memory, compressed once, with the right caching.

A file whose name or address contains a hash of its content never changes: it may be kept for a
year, and an icon for a week. Browsers ask for everything else (the page of the app, its worker)
again each time, by its ETag. Where the build left a brotli or gzip variant beside a file, we use
it; where not, we make gzip here.
"""

import gzip
import hashlib
import html
import json
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.errors import NotFound
from server.i18n import N_

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "pwa" / "dist"
OWN = Path(__file__).parent / "static"

APP_PREFIX = "/app/"
OWN_PREFIX = "/static/"

_KEEP = "public, max-age=31536000, immutable"
_WEEK = "public, max-age=604800"
_ASK = "no-cache"
_HASHED = re.compile(r"assets/.*-[\w-]{8,}\.\w+\Z")
_COMPRESSIBLE = re.compile(r"text/|application/(json|manifest\+json|javascript)|image/svg")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_MARKS = {"br": ".br", "gzip": ".gz"}


@dataclass(frozen=True)
class StaticFile:
    """One file as it goes on the wire. `built` has it in each encoding that the build made."""

    built: Mapping[str, bytes]
    media_type: str
    etag: str
    cache_control: str

    @cached_property
    def bodies(self) -> Mapping[str, bytes]:
        """In each encoding that we have. What the build did not compress we do, when it is first
        asked for; a variant that is no smaller is left out."""
        bodies, body = {**self.built}, self.built["identity"]
        if "gzip" not in bodies and _COMPRESSIBLE.match(self.media_type):
            bodies["gzip"] = gzip.compress(body, 9, mtime=0)
        return {
            name: content
            for name, content in bodies.items()
            if name == "identity" or len(content) < len(body)
        }

    def answer(self, headers: Headers) -> Response:
        """The body in the best encoding that is accepted, or 304 where it is known."""
        encoding = _best(self.bodies, headers.get("accept-encoding", ""))
        sent = {
            "cache-control": self.cache_control,
            "etag": self.etag,
            "vary": "Accept-Encoding",
        }
        if self.etag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=sent)
        if encoding != "identity":
            sent["content-encoding"] = encoding
        return Response(self.bodies[encoding], headers=sent, media_type=self.media_type)


class StaticFiles:
    """An ASGI application over files in memory, by their full address.

    With `fallback`, addresses without a dot in their last part show that file: an app whose screens
    have addresses of their own answers all of them with one page. `title_of` gives that page its
    title in the running application; without it, the title of the build stays.
    """

    def __init__(
        self,
        files: Mapping[str, StaticFile],
        *,
        fallback: str | None = None,
        title_of: Callable[[Scope], str] | None = None,
    ) -> None:
        self.files = files
        self.fallback = fallback
        self._page = files.get(fallback) if fallback and title_of else None
        self._title_of = title_of
        self._titled: dict[str, StaticFile] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        file = self.files.get(path)
        if file is None and self.fallback and "." not in path.rpartition("/")[2]:
            file = self.files.get(self.fallback)
        if file is not None and file is self._page:
            file = self._page_of(file, scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"allow": "GET, HEAD"})
        if file is None:
            raise NotFound(N_("This page does not exist."))
        await file.answer(Headers(scope=scope))(scope, receive, send)

    def _page_of(self, page: StaticFile, scope: Scope) -> StaticFile:
        assert self._title_of is not None
        title = self._title_of(scope)
        if title not in self._titled:
            self._titled[title] = titled(page, title)
        return self._titled[title]


@dataclass(frozen=True)
class Built:
    """What a page includes of one entry of the build; nothing where there is no build."""

    script: str | None
    styles: tuple[str, ...]


def app_files(folder: Path = BUILD) -> dict[str, StaticFile]:
    """The build by address: its page at /app/, everything else under its name."""
    files = {
        APP_PREFIX + name: _read(file, cache_control=_caching(name)) for name, file in _walk(folder)
    }
    if (page := files.pop(f"{APP_PREFIX}index.html", None)) is not None:
        files[APP_PREFIX] = page
    return files


def _caching(name: str) -> str:
    if _HASHED.match(name):
        return _KEEP
    # Each opening of the app would ask for its icon anew.
    return _WEEK if name.startswith("icons/") else _ASK


def titled(page: StaticFile, title: str) -> StaticFile:
    """The same page under another title."""
    text = page.built["identity"].decode()
    element = f"<title>{html.escape(title)}</title>"
    body = _TITLE.sub(lambda _: element, text, count=1).encode()
    return _in_memory(
        {"identity": body}, media_type=page.media_type, cache_control=page.cache_control
    )


def own_files(folder: Path = OWN) -> dict[str, StaticFile]:
    """The files of server/web/static, each under the address that `url` gives it."""
    return {_address(name, file): _read(file, cache_control=_KEEP) for name, file in _walk(folder)}


@cache
def url(name: str) -> str:
    """The address of a file of server/web/static: its content's hash is part of it."""
    file = OWN / name
    if not file.is_file():
        raise FileNotFoundError(f"server/web/static has no {name}")
    return _address(name, file)


@cache
def built(entry: str) -> Built:
    """Script and styles of an entry of the build, such as "src/desk.ts"."""
    try:
        manifest = json.loads((BUILD / ".vite" / "manifest.json").read_text(encoding="utf-8"))
        chunk = manifest[entry]
    except (OSError, KeyError):
        return Built(script=None, styles=())
    styles: dict[str, None] = {}
    for name in _with_imports(manifest, entry):
        styles |= dict.fromkeys(APP_PREFIX + css for css in manifest[name].get("css", ()))
    return Built(script=APP_PREFIX + chunk["file"], styles=tuple(styles))


def _with_imports(manifest: Mapping[str, dict[str, list[str]]], entry: str) -> list[str]:
    order = [entry]
    for name in order:
        order += [other for other in manifest[name].get("imports", ()) if other not in order]
    return order


def _address(name: str, file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"{OWN_PREFIX}{digest}/{name}"


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and files to serve: no hidden ones, no variants, no maps of the source."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        if file.is_file() and not is_hidden and file.suffix not in (".br", ".gz", ".map"):
            yield name, file


def _read(file: Path, *, cache_control: str) -> StaticFile:
    body = file.read_bytes()
    guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    media_type = _TYPES.get(file.suffix, guessed)
    bodies = {"identity": body}
    for encoding, mark in _MARKS.items():
        variant = file.with_name(file.name + mark)
        # A variant that is older than the file belongs to an earlier build.
        if variant.is_file() and variant.stat().st_mtime >= file.stat().st_mtime:
            bodies[encoding] = variant.read_bytes()
    return _in_memory(bodies, media_type=media_type, cache_control=cache_control)


def _in_memory(bodies: dict[str, bytes], *, media_type: str, cache_control: str) -> StaticFile:
    return StaticFile(
        built=bodies,
        media_type=media_type,
        etag=f'"{hashlib.sha256(bodies["identity"]).hexdigest()[:24]}"',
        cache_control=cache_control,
    )


def _best(bodies: Mapping[str, bytes], accepted: str) -> str:
    """The smallest body among the encodings that the header allows."""
    allowed = {"identity"}
    for item in accepted.lower().split(","):
        name, _, parameters = item.partition(";")
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters):
            allowed.add(name.strip())
    return min((name for name in bodies if name in allowed), key=lambda name: len(bodies[name]))
