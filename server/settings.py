"""The environment, read once.

`load` turns it into one frozen `Settings`; later changes in the environment change nothing. A wrong
setting stops the start with one line that names it and says why. Secrets appear neither in such a
line nor in a repr. An empty variable counts as one that is not set.

Missing keys are made under var/keys/ while the public URL is loopback, so that you can try Waymark
without preparation. Anywhere else they must be given: the operator must know where the keys are,
since losing them loses every word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from server import setting_parsers as parse
from server import tracing
from server.security import keys
from server.setting_parsers import PUBLIC_PUSH_ORIGINS, SHORTEST_SECRET, is_loopback
from server.setting_table import SETTINGS


class SettingFault(Exception):
    """One setting that is wrong: which, and why, in one line without its value."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The provider that identifies the staff of one agency (OpenID Connect)."""

    name: str
    issuer: str
    agency_id: UUID
    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this process runs. What may hold a secret or an address stays out of the repr."""

    database_url: str = field(repr=False)
    listen_url: str | None = field(repr=False)
    replica_url: str | None = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    public_url: str
    display_name: str
    vapid_private_key_file: Path
    vapid_subject: str = field(repr=False)
    smtp_url: str | None = field(repr=False)
    mail_from: str = field(repr=False)
    channels: Mapping[str, str] = field(repr=False)
    inbound: Mapping[str, tuple[str, ...]] = field(repr=False)
    inbound_numbers: Mapping[str, str] = field(repr=False)
    oidc: Mapping[str, Provider]
    last_resort: tuple[tuple[str, str], ...] = field(repr=False)
    watchdog_url: str | None = field(repr=False)
    push_origins: tuple[str, ...]
    metrics_token: str | None = field(repr=False)
    trusted_proxies: tuple[str, ...]
    unencrypted_hosts: tuple[str, ...]
    alive_file: Path | None
    var: Path
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the public URL."""
        return is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def is_https(self) -> bool:
        """Whether cookies can be Secure and HSTS be sent."""
        return self.public_url.startswith("https:")


def load(environ: Mapping[str, str], base: Path | None = None) -> Settings:
    """Settings from this environment; relative paths begin at `base` (the current folder).

    Makes missing keys while the public URL is loopback. Raises SettingFault for the first setting
    that is wrong.
    """
    reader = _Reader(environ, base or Path.cwd(), makes_keys=True)
    settings = reader.settings()
    if reader.faults:
        raise reader.faults[0]
    return settings


def faults(environ: Mapping[str, str], base: Path | None = None) -> list[SettingFault]:
    """Everything that is wrong with this environment, without making keys: for `waymark check`."""
    reader = _Reader(environ, base or Path.cwd(), makes_keys=False)
    reader.settings()
    return reader.faults


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Names that look like ours and are not: most likely misspelt."""
    known_names = {setting.name for setting in SETTINGS}
    return sorted(
        name for name in environ if name.startswith("WAYMARK_") and name not in known_names
    )


T = TypeVar("T")


class _Reader:
    """Reads setting by setting and collects what is wrong, so that `check` can tell all of it."""

    def __init__(self, environ: Mapping[str, str], base: Path, *, makes_keys: bool) -> None:
        self.environ = environ
        self.base = base
        self.makes_keys = makes_keys
        self.faults: list[SettingFault] = []

    def settings(self) -> Settings:
        where = self._where()
        public_url, var = where["public_url"], where["var"]
        channels = self._channels(public_url)
        if why := tracing.fault_of(self.environ):
            self.faults.append(SettingFault(tracing.EXPORTER, why))
        return Settings(
            **where,
            **channels,
            **self._database(var),
            **self._keys(public_url, var, channels["mail_from"]),
            **self._outside(channels["channels"], channels["inbound"]),
            metrics_token=self.take("WAYMARK_METRICS_TOKEN", parse.metrics_token, None),
            unencrypted_hosts=self.take("WAYMARK_UNENCRYPTED_HOSTS", parse.hosts, ()),
            trusted_proxies=self.take("WAYMARK_TRUSTED_PROXIES", parse.networks, ()),
        )

    def _where(self) -> dict[str, Any]:
        host = self.take("HOST", parse.host, "127.0.0.1")
        port = self.take("PORT", parse.port, 8000)
        # A server that listens on all addresses is reached here by this machine's own address.
        named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        shown_host = f"[{named}]" if ":" in named else named
        default = f"http://{shown_host}:{port}"
        return {
            "host": host,
            "port": port,
            "public_url": self.take("WAYMARK_PUBLIC_URL", parse.public_url, default),
            "var": self.take("WAYMARK_VAR", lambda text: self.base / text, self.base / "var"),
            "alive_file": self.take("WAYMARK_ALIVE_FILE", lambda text: self.base / text, None),
        }

    def _channels(self, public_url: str) -> dict[str, Any]:
        public_host = urlsplit(public_url).hostname or "localhost"
        mail_host = "localhost" if is_loopback(public_host) else public_host
        mail_from = self.take("WAYMARK_MAIL_FROM", parse.mail_from, f"waymark@{mail_host}")
        no_channels: dict[str, str] = {}
        channels = self.take("WAYMARK_CHANNELS", parse.channels, no_channels)
        no_inbound: dict[str, tuple[str, ...]] = {}
        inbound = self.take(
            "WAYMARK_INBOUND", lambda text: parse.inbound(text, channels), no_inbound
        )
        return {"mail_from": mail_from, "channels": channels, "inbound": inbound}

    def _database(self, var: Path) -> dict[str, Any]:
        url = self.take(
            "WAYMARK_DATABASE_URL",
            lambda text: parse.database_url(text, self.base),
            f"sqlite://{(var / 'waymark.sqlite3').absolute()}",
        )
        listen_url = self.take("WAYMARK_LISTEN_URL", lambda text: parse.listen_url(text, url), None)
        replica_url = self.take(
            "WAYMARK_REPLICA_URL", lambda text: parse.listen_url(text, url), None
        )
        return {"database_url": url, "listen_url": listen_url, "replica_url": replica_url}

    def _keys(self, public_url: str, var: Path, mail_from: str) -> dict[str, Any]:
        subject = parse.default_subject(public_url, mail_from)
        return {
            "secret_keys": self.secret_keys(public_url, var),
            "display_name": self.take("WAYMARK_DISPLAY_NAME", parse.display_name, "Planner"),
            "vapid_private_key_file": self.vapid_private_key_file(public_url, var),
            "vapid_subject": self.take("WAYMARK_VAPID_SUBJECT", parse.subject, subject),
        }

    def _outside(
        self, channels: Mapping[str, str], inbound: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Any]:
        no_numbers: dict[str, str] = {}
        no_providers: dict[str, Provider] = {}
        no_resorts: tuple[tuple[str, str], ...] = ()
        origins: tuple[str, ...] = PUBLIC_PUSH_ORIGINS
        return {
            "smtp_url": self.take("WAYMARK_SMTP_URL", parse.smtp_url, None),
            "inbound_numbers": self.take(
                "WAYMARK_INBOUND_NUMBERS", lambda text: parse.numbers(text, inbound), no_numbers
            ),
            "oidc": self.take("WAYMARK_OIDC", self.providers, no_providers),
            "last_resort": self.take(
                "WAYMARK_LAST_RESORT", lambda text: parse.last_resort(text, channels), no_resorts
            ),
            "watchdog_url": self.take("WAYMARK_WATCHDOG_URL", parse.web_url, None),
            "push_origins": self.take("WAYMARK_PUSH_ORIGINS", parse.push_origins, origins),
        }

    def providers(self, text: str) -> dict[str, Provider]:
        return {name: Provider(**of) for name, of in parse.oidc(text, self.base).items()}

    def take(self, name: str, parser: Callable[[str], T], default: T) -> T:
        """The parsed value, or the default where it is not set or wrong."""
        text = self.environ.get(name, "").strip()
        if not text:
            return default
        try:
            if not text.isprintable():
                raise parse.Wrong("holds a character that cannot be printed")
            return parser(text)
        except parse.Wrong as fault:
            self.faults.append(SettingFault(name, str(fault)))
            return default

    def secret_keys(self, public_url: str, var: Path) -> tuple[str, ...]:
        name = "WAYMARK_SECRET_KEYS"
        none: tuple[str, ...] = ()
        given = self.take(name, parse.secret_keys, none)
        if given or self.has_fault(name):
            return given
        if not self.may_make(name, public_url):
            return ()
        made = self.make(name, lambda: keys.secret_key(var / "keys"))
        if made is not None and len(made) < SHORTEST_SECRET:
            self.faults.append(SettingFault(name, "is not set, and var/keys/secret_key is damaged"))
        return (made,) if made else ()

    def vapid_private_key_file(self, public_url: str, var: Path) -> Path:
        name = "WAYMARK_VAPID_PRIVATE_KEY_FILE"
        given = self.take(name, lambda text: parse.vapid_file(self.base / text), None)
        file = var / "keys" / "vapid_private_key.pem"
        if given is not None or self.has_fault(name) or not self.may_make(name, public_url):
            return given or file
        self.make(name, lambda: keys.vapid_private_key_file(var / "keys"))
        if file.exists() and (fault := keys.vapid_key_fault(file)):
            self.faults.append(SettingFault(name, f"is not set, and {file.name} {fault}"))
        return file

    def has_fault(self, name: str) -> bool:
        return any(fault.name == name for fault in self.faults)

    def may_make(self, name: str, public_url: str) -> bool:
        if self.has_fault("WAYMARK_PUBLIC_URL"):
            return False
        if is_loopback(urlsplit(public_url).hostname or ""):
            return True
        why = "must be set: keys are made only while WAYMARK_PUBLIC_URL is this machine itself"
        self.faults.append(SettingFault(name, why))
        return False

    def make(self, name: str, make: Callable[[], T]) -> T | None:
        if not self.makes_keys:
            return None
        try:
            return make()
        except (OSError, UnicodeDecodeError) as fault:
            why = getattr(fault, "strerror", None) or "the file is damaged"
            self.faults.append(SettingFault(name, f"is not set, and making a key failed: {why}"))
            return None
