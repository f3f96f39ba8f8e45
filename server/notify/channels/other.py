"""Other channels of an agency: SMS gateways, chat, paging, through Apprise.

A channel of the setting is a NAME and an Apprise URL with `{address}` for the person's address. The
address is percent-encoded into it, so that a person's entry can be an address and nothing else: no
host, no second recipient, no option. Nothing here can make a doubled delivery show once; SMS and
chat have no way to do that.
"""

import asyncio
import logging
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from server.notify.refusals import GATEWAY, Stage, read
from server.notify.rules import Envelope, Outcome
from server.phone_numbers import dialled

TIMEOUT = timedelta(seconds=20)
THREADS = 4
ADDRESS = "{address}"
_WEB = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"[\w.+@:#!=~-]{1,254}\Z")
# Apprise reports a gateway's answer in its log alone: "…, error=429."
_STATUS = re.compile(r"\berror[= ](\d{3})\b")


def fill(template: str, address: str) -> str:
    """The Apprise URL for one address. ValueError for an invalid address.

    Encoding alone is not enough: after decoding, plugins cut at commas, spaces and slashes, and so
    one entry could become two recipients.
    """
    text = dialled(address) or address.strip()
    if not _ADDRESS.match(text) or text in (".", ".."):
        raise ValueError("not an address")
    return template.replace(ADDRESS, quote(text, safe=""))


def check_template(template: str) -> str:
    """Check that Apprise can read this template. ValueError, without any part of it, otherwise.

    Braces other than `{address}` are a typo, and would send all messages to the wrong place. This
    imports Apprise, which takes about a second.
    """
    rest = template.replace(ADDRESS, "")
    if "{" in rest or "}" in rest:
        raise ValueError("the only thing in braces is {address}")
    if _load().instantiate(fill(template, "+33612345678"), asset=_asset()) is None:
        raise ValueError("not a URL that Apprise knows")
    return template


class Place(msgspec.Struct, frozen=True):
    """Which server a gateway's URL leads to."""

    host: str
    port: int
    is_tls: bool


def place_of(template: str) -> Place | None:
    """The server that Apprise would call, where its plugin tells it. This imports Apprise.

    Some plugins have a telephone number in the place of the host: only a plugin that names a host
    among its own words has one. Others call one address that is fixed in the plugin.
    """
    plugin = _load().instantiate(fill(template, "+33612345678"), asset=_asset())
    if plugin is None:
        return None
    if "host" in plugin.template_tokens and plugin.host:
        return _own_place(plugin)
    parts = urlsplit(str(getattr(plugin, "notify_url", None) or ""))
    if parts.scheme not in _WEB or not parts.hostname or "{" in parts.netloc:
        return None
    return Place(parts.hostname, parts.port or _WEB[parts.scheme], parts.scheme == "https")


def _own_place(plugin: Any) -> Place | None:
    is_tls, relay = bool(plugin.secure), getattr(plugin, "smtp_host", None)
    if relay and plugin.port:
        # A mail server may begin in plain text and switch to TLS.
        return Place(relay, int(plugin.port), is_tls=False)
    if not hasattr(sys.modules[type(plugin).__module__], "requests"):
        return None  # Not HTTP: the port is unknown, and whether it uses TCP.
    return Place(plugin.host, int(plugin.port or _WEB["https" if is_tls else "http"]), is_tls)


class Other:
    """A channel of the setting `WAYMARK_CHANNELS`."""

    # A call that waits for a thread in here could no longer be withdrawn: it waits outside.
    side_by_side = THREADS

    def __init__(self, template: str, *, timeout: timedelta = TIMEOUT) -> None:
        self._template = template
        self._timeout = timeout.total_seconds()
        self._threads: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Start a few threads: Apprise blocks."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="channel")

    async def close(self) -> None:
        """Stop the threads. One that still talks to a gateway ends by its own time-out."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, envelope: Envelope) -> Outcome:
        """Hand one message to the gateway. Never raises for what happens there."""
        if self._threads is None:
            raise RuntimeError("open() comes before send()")
        try:
            # Half a character, which no encoding can carry, would make Apprise raise.
            envelope.body.encode()
        except ValueError:
            return Outcome.refused("content")
        try:
            url = fill(self._template, envelope.address)
        except ValueError:
            return Outcome.gone("bad_address")
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._threads, _notify, url, envelope, self._timeout)
        try:
            # The thread bounds itself; this also bounds the wait for a thread.
            return await asyncio.wait_for(call, self._timeout * 1.5)
        except TimeoutError:
            return Outcome.again("timeout")


class _OnlyStatus(logging.Filter):
    """Keeps only a gateway's status of what Apprise logs: the rest contains addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        match = _STATUS.search(record.getMessage())
        record.msg, record.args = match[0] if match else "a gateway could not be used", ()
        record.exc_info = record.exc_text = None
        return record.levelno >= logging.WARNING


_loading = Lock()
_only_status = _OnlyStatus()


def _load() -> Any:
    """Apprise, imported late because that takes about a second, and told to keep silent."""
    # It reads its plugins at the first use. One of them imports what Python calls deprecated.
    with _loading, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        logging.getLogger("apprise").addFilter(_only_status)
        logging.getLogger("apprise").propagate = False
        # The library below it logs every URL, and nothing else here uses it.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
        from apprise import Apprise

        Apprise.instantiate("json://127.0.0.1")
    return Apprise


def _asset(timeout: float = 0) -> Any:
    """How Apprise is to behave: no redirects, no files, no name or pictures of its own."""
    from apprise import AppriseAsset, PersistentStoreMode

    return AppriseAsset(
        app_id="Planner",
        app_desc="Planner",
        app_url="",
        image_url_mask=False,
        image_path_mask=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=timeout,
        allow_templates=False,
    )


def _notify(url: str, envelope: Envelope, timeout: float) -> Outcome:
    caller = _load()(asset=_asset(timeout))
    if not caller.add(url):
        return Outcome.fault("template")
    result = caller.notify(
        body=envelope.body, title="", body_format="text", interpret_escapes=False
    )
    if result:
        return Outcome.accepted()
    if result.status.name == "TIMEOUT":
        return Outcome.again("timeout")
    matches = [_STATUS.search(str(entry.message)) for entry in result.logs()]
    return read_status(next((int(match[1]) for match in matches if match), None))


def read_status(status: int | None) -> Outcome:
    """What a gateway's refusal means; `status` is None where it was not even reached.

    Never `gone`: a 404 says that the template is wrong, nothing about the person's address.
    """
    return read(GATEWAY, Stage.POST, status)
