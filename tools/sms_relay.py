"""Hands texts from a gateway that cannot sign (Kannel) on to Waymark, signed.

    RELAY_URL=https://plan.example.org/hooks/sms RELAY_SECRET=... python3 tools/sms_relay.py

The gateway calls `GET /?id=%I&from=%p&text=%b&charset=%C` on 127.0.0.1, port 13080. A text is
written to a folder before the gateway hears 200, and stays there until Waymark has taken it:
nothing that a child says is lost while Waymark restarts. It needs nothing but Python 3.11.

RELAY_URL     where Waymark takes texts: its address, /hooks/ and the NAME in WAYMARK_INBOUND
RELAY_SECRET  the secret of that NAME in WAYMARK_INBOUND
RELAY_SPOOL   the folder for texts that wait, as plain text (relay-spool; made with mode 0700)
RELAY_PORT    the port on 127.0.0.1 (13080)
"""

import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

TIMEOUT_S = 20
AGAIN_S = 5.0
# What Waymark will never take, however often it is sent: these are kept for a person to look at.
NEVER = (400, 413, 415, 422)


def text_of(query: str) -> dict[str, str]:
    """`id`, `from` and `text` of the gateway's call, empty where one is missing: Waymark hears
    that, too. KeyError where there is none of them.

    Each value is decoded as a whole, since `charset` may be one of two bytes a letter.
    """
    pairs = (part.partition("=") for part in query.split("&"))
    raw = {name: unquote_to_bytes(value.replace("+", " ")) for name, _, value in pairs}
    charset = raw.get("charset", b"").decode("ascii", "replace")
    if not raw.keys() & {"id", "from", "text"}:
        raise KeyError("text")
    said = {name: decoded(raw.get(name, b"")) for name in ("id", "from")}
    return said | {"text": decoded(raw.get("text", b""), charset)}


def decoded(value: bytes, charset: str = "") -> str:
    """As `charset` says where that fits, else UTF-8, else the charset in which every byte fits."""
    for name in (charset, "utf-8"):
        try:
            return value.decode(name)
        except (LookupError, ValueError):
            continue
    return value.decode("latin-1")


def signed(secret: str, body: bytes, now: float) -> dict[str, str]:
    """The headers by which Waymark knows who sent this body, good for five minutes."""
    stamp = str(int(now))
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Waymark-Timestamp": stamp,
        "X-Waymark-Signature": f"sha256={mac}",
    }


class Spool:
    """Texts that wait for Waymark, a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, said: Mapping[str, str]) -> None:
        """Keep a text. The same one under the same id is one."""
        heard = f"{said['from']} {said['id']} {said['text']}"
        name = hashlib.sha256(heard.encode("utf-8", "replace")).hexdigest()
        made = self.folder / f"{name}.new"
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps(said).encode())
            file.flush()
            os.fsync(file.fileno())
        made.replace(self.folder / f"{name}.json")

    def waiting(self) -> list[Path]:
        """The oldest first."""
        return sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime)


def hand_on(spool: Spool, url: str, secret: str, now: Callable[[], float] = time.time) -> int:
    """Send what waits; how many Waymark took. One that it cannot take yet stays."""
    taken = 0
    for file in spool.waiting():
        body = file.read_bytes()
        status = _post(url, body, signed(secret, body, now()))
        if 200 <= status < 300:
            file.unlink()
            taken += 1
        elif status in NEVER:
            file.rename(file.with_suffix(".refused"))
            _say(f"Waymark refused a text ({status}): {file.stem}.refused is kept")
        else:
            _say(f"Waymark did not take a text ({status or 'unreachable'}): trying again")
            break
    return taken


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as fault:
        return fault.code
    except OSError:
        return 0


def server(spool: Spool, port: int, has_come: threading.Event) -> ThreadingHTTPServer:
    """What the gateway calls, on this machine alone. An empty answer: nothing is texted back."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                spool.put(text_of(urlsplit(self.path).query))
            except KeyError:
                return self._answer(400)
            except OSError as fault:
                _say(f"The text could not be kept: {fault.strerror}")
                return self._answer(503)
            has_come.set()
            return self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the address of a call holds a number and a text."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Run until stopped."""
    url, secret = os.environ.get("RELAY_URL", ""), os.environ.get("RELAY_SECRET", "")
    if not url.startswith(("http://", "https://")) or not secret:
        _say("Set RELAY_URL and RELAY_SECRET: see the head of this file.")
        return 2
    spool = Spool(Path(os.environ.get("RELAY_SPOOL", "relay-spool")))
    has_come = threading.Event()
    listening = server(spool, int(os.environ.get("RELAY_PORT", "13080")), has_come)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    while True:
        hand_on(spool, url, secret)
        has_come.wait(AGAIN_S)
        has_come.clear()


if __name__ == "__main__":
    sys.exit(main())
