"""A real Firefox whose push service is the one of the tests.

Nothing in it is a stand-in but the address of the push service: the page subscribes, the worker
wakes, the notification is drawn and can be clicked. Driven by Marionette, which Firefox brings.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")

PROGRAMS = ("firefox-esr", "firefox")

OPTIONS = (
    "--no-remote",
    "--new-instance",
    "--marionette",
    "--remote-allow-system-access",
    "--headless",
)

PREFS: dict[str, object] = {
    # The prefs that automation usually sets switch push off, and a value that equals a default is
    # no value of the user's. So none of them is taken, and Firefox is kept at home by hand.
    "remote.prefs.recommended": False,
    "dom.push.connection.enabled": True,
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.retryBaseInterval": 200,
    "permissions.default.desktop-notification": 1,
    # Firefox draws notifications itself, so that they can be read and clicked.
    "alerts.useSystemBackend": False,
    # Offline means loopback as well.
    "network.disable-localhost-when-offline": True,
    "network.dns.offline-localhost": False,
    "marionette.port": 0,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "app.update.auto": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.newtabpage.activity-stream.feeds.system.topsites": False,
    "browser.newtabpage.activity-stream.feeds.topsites": False,
    "browser.region.network.url": "",
    "browser.region.update.enabled": False,
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.search.update": False,
    "browser.sessionstore.resume_from_crash": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "browser.urlbar.suggest.searches": False,
    "captivedetect.canonicalURL": "",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "dom.disable_open_during_load": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "geo.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.trr.mode": 5,
    "nimbus.enabled": False,
    "privacy.trackingprotection.enabled": False,
    "security.certerrors.mitm.priming.enabled": False,
    "security.remote_settings.crlite_filters.enabled": False,
    "security.remote_settings.intermediates.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "signon.autofillForms": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
}


class PageGone(Exception):
    """Another page came while this one was being asked."""


def program() -> str:
    """Where Firefox is. AssertionError, with what to do, where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, "no Firefox on the PATH: install firefox-esr"
    return found


class Firefox:
    """Start with `with`. `push_url` is the WebSocket address of the push service.

    With `profile` the same browser starts again later: its subscriptions are still there.
    """

    def __init__(
        self, push_url: str, *, profile: Path | None = None, prefs: dict[str, object] | None = None
    ) -> None:
        self._own = None if profile else tempfile.TemporaryDirectory(prefix="firefox-")
        self.profile = profile or Path(self._own.name if self._own else "")
        self._prefs = PREFS | {"dom.push.serverURL": push_url} | (prefs or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._driver: Any = None

    def __enter__(self) -> Self:
        self.profile.mkdir(parents=True, exist_ok=True)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in self._prefs.items()]
        (self.profile / "user.js").write_text("\n".join(lines), "utf-8")
        port_file = self.profile / "MarionetteActivePort"
        port_file.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [program(), "--profile", self.profile, *OPTIONS],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A home of its own, and a group of its own that can be ended as a whole.
            env=os.environ | {"HOME": str(self.profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
            start_new_session=True,
        )
        try:
            until(port_file.exists, 60)
            port = until(lambda: port_file.read_text().strip(), 10)
            self._driver = _marionette(int(port))
            self._driver.start_session()
            self._driver.timeout.script = 20
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            if self._driver is not None:
                # Else the collector would connect once more, to end the session.
                with suppress(Exception):
                    self._driver.delete_session()
                self._driver = None
            # Asked first, so that a profile that is used again is written to the end.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)
        if self._own is not None:
            shutil.rmtree(self.profile, ignore_errors=True)
            self._own.cleanup()

    # Pages.

    @property
    def driver(self) -> Any:
        """Marionette itself, for what is not here: find_element, set_window_rect …"""
        return self._driver

    @property
    def url(self) -> str:
        return str(self._driver.get_url())

    def open(self, url: str) -> None:
        """Go there and wait until it has loaded."""
        self._driver.navigate(url)

    def to_front(self) -> None:
        """Look at this page again, where a click on a notification has opened another one."""
        self._driver.switch_to_window(self._driver.current_window_handle, focus=True)

    def run(self, script: str, *arguments: object) -> Any:
        """Run an async function's body in the page, with `arguments`; what it returns, as JSON.

        AssertionError with the page's own words where it throws; PageGone where another page came.
        """
        from marionette_driver.errors import JavascriptException

        wrapped = (
            "const given = Array.from(arguments), done = given.pop();"
            f"(async (...args) => {{ {script} }})(...given)"
            ".then(v => done({ok: v === undefined ? null : v}), e => done({no: String(e)}));"
        )
        try:
            answer = self._driver.execute_async_script(
                wrapped, script_args=list(arguments), sandbox=None
            )
        except JavascriptException as fault:
            if "unloaded" in str(fault):
                raise PageGone from None
            raise
        if answer is None:
            raise PageGone
        assert "ok" in answer, answer.get("no")
        return answer["ok"]

    def ask(self, script: str, *arguments: object) -> Any:
        """What `run` gives; None while another page comes: to ask again until it is there."""
        try:
            return self.run(script, *arguments)
        except PageGone:
            return None

    def inside(self, script: str, *arguments: object) -> Any:
        """Run a script with the rights of the browser itself."""
        with self._driver.using_context("chrome"):
            return self._driver.execute_script(script, script_args=list(arguments))

    def subscribe(self, application_server_key: str) -> dict[str, Any]:
        """Subscribe the page's ready worker, as the page itself would: the JSON of it."""
        found = self.run(
            """
            const worker = await navigator.serviceWorker.ready;
            const key = args[0].replace(/-/g, "+").replace(/_/g, "/");
            const bytes = Uint8Array.from(atob(key), c => c.charCodeAt(0));
            const made = await worker.pushManager.subscribe(
                {userVisibleOnly: true, applicationServerKey: bytes});
            return made.toJSON();
            """,
            application_server_key,
        )
        assert isinstance(found, dict)
        return found

    # Notifications.

    def shown(self) -> list[dict[str, Any]]:
        """The notifications that stand now, as the page's worker lists them."""
        found = self.run(
            """
            const worker = await navigator.serviceWorker.ready;
            return (await worker.getNotifications()).map(n => (
                {title: n.title, body: n.body, tag: n.tag, lang: n.lang, dir: n.dir,
                 data: n.data}));
            """
        )
        assert isinstance(found, list)
        return found

    def drawn(self) -> list[dict[str, str]]:
        """The notifications that Firefox has drawn, as a person sees them."""
        found = self.inside(
            """
            const text = (w, id) => {
                const label = w.document.getElementById(id);
                return label.getAttribute("value") || label.textContent;
            };
            // A window that has only just opened has no words in it yet.
            const ready = w => ["alertTitleLabel", "alertTextLabel"].every(
                id => w.document?.getElementById(id));
            return [...Services.wm.getEnumerator("alert:alert")].filter(ready).map(w => ({
                title: text(w, "alertTitleLabel"),
                body: text(w, "alertTextLabel"),
                dir: w.document.documentElement.style.direction || "ltr",
            }));
            """
        )
        assert isinstance(found, list)
        return found

    def click(self, title: str | None = None) -> None:
        """Click a drawn notification: the one with this title, or the first. Waits for it."""

        def clicked() -> bool:
            return bool(
                self.inside(
                    """
                    const wins = [...Services.wm.getEnumerator("alert:alert")];
                    const label = w =>
                        w.document.getElementById("alertTitleLabel")?.getAttribute("value");
                    const win = wins.find(w => arguments[0] === null || label(w) === arguments[0]);
                    if (!win || label(win) === undefined) return false;
                    win.onAlertClick();
                    return true;
                    """,
                    title,
                )
            )

        until(clicked)

    def tabs(self) -> list[str]:
        """The addresses of every open page."""
        found = self.inside(
            """
            return [...Services.wm.getEnumerator("navigator:browser")].flatMap(
                w => w.gBrowser.tabs.map(t => t.linkedBrowser.currentURI.spec));
            """
        )
        assert isinstance(found, list)
        return found

    # The network.

    def offline(self, *, is_offline: bool = True) -> None:
        """Cut every connection, loopback as well, or give the network back."""
        self.inside(
            """
            Services.io.offline = arguments[0];
            if (arguments[0]) Services.obs.notifyObservers(null, "net:cancel-all-connections");
            """,
            is_offline,
        )


def until(holds: Callable[[], T], seconds: float = 30) -> T:
    """What `holds()` gives as soon as it is true: another program's state, asked every 20 ms."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def _marionette(port: int) -> Any:
    # The driver's own dependencies warn at import, and leave sockets to the collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from marionette_driver.marionette import Marionette

        return Marionette(host="127.0.0.1", port=port, socket_timeout=60)
