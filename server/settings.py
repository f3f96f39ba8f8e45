"""The environment, read once.

`load` turns it into one frozen `Settings`; later changes in the environment change nothing. A wrong
setting stops the start with one line that names it and says why. Secrets appear neither in such a
line nor in a repr. An empty variable counts as one that is not set.

Missing keys are made under var/keys/ while the public URL is loopback, so that you can try Waymark
without preparation. Anywhere else they must be given: the operator must know where the keys are,
since losing them loses every word.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit
from uuid import UUID

from server.security import keys
from server.storage.engines import address

PUBLIC_PUSH_ORIGINS = (
    "https://fcm.googleapis.com",
    "https://jmt17.google.com",
    "https://*.push.services.mozilla.com",
    "https://*.push.apple.com",
    "https://*.notify.windows.com",
)
"""The push services of today's browsers, November 2026: Chrome and its kin; Chromium as Linux
distributions build it; Firefox; Safari and all on iPhones; Edge on Windows."""

SHORTEST_SECRET = 32
LONGEST_DISPLAY_NAME = 30


class Setting(NamedTuple):
    """One row of docs/reference/settings.md."""

    name: str
    meaning: str
    default: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "WAYMARK_DATABASE_URL",
        "The database: `sqlite://PATH` or `postgres://user:pass@host:port/db`. SQLite is enough for"
        " one process on one machine.",
        "`sqlite://var/waymark.sqlite3`",
    ),
    Setting(
        "WAYMARK_LISTEN_URL",
        "The direct address of PostgreSQL, where `WAYMARK_DATABASE_URL` leads to a pooler that"
        " gives out a connection for each transaction (PgBouncer). Open pages hear changes by it.",
        "the database's own",
    ),
    Setting(
        "WAYMARK_SECRET_KEYS",
        "Secrets, comma-separated, of at least 32 characters each. The first signs and encrypts;"
        " all verify and decrypt. To change the secret, put a new one in front and keep the old"
        " one behind it. Without them, every sealed word is lost for good.",
        "made under `var/keys/` while the public URL is loopback; must be set otherwise",
    ),
    Setting(
        "WAYMARK_PUBLIC_URL",
        "The address that phones and browsers use: scheme and host alone. It must be `https` unless"
        " it is loopback, because browsers allow push and offline apps for nothing else. Choose a"
        " host name that tells nothing: children's browsers show it.",
        "`http://HOST:PORT`, with the loopback address where HOST means every address",
    ),
    Setting(
        "WAYMARK_DISPLAY_NAME",
        "The name on the child's phone, for agencies that chose none. At most 30 characters.",
        "`Planner`",
    ),
    Setting(
        "WAYMARK_VAPID_PRIVATE_KEY_FILE",
        "PEM file with the P-256 key by which push services know this server."
        " `waymark keys --vapid FILE` makes one.",
        "made under `var/keys/` while the public URL is loopback; must be set otherwise",
    ),
    Setting(
        "WAYMARK_VAPID_SUBJECT",
        "Where a push service can write about our pushes: `mailto:ADDRESS` or an `https` URL.",
        "the public URL where it is `https`, else `mailto:` and the sender of our mail",
    ),
    Setting(
        "WAYMARK_SMTP_URL",
        "The mail server: `smtps://user:pass@host:port`, `smtp://…?starttls=1`, or `smtp://…`"
        " without encryption, which sends a password to this machine alone.",
        "none: no e-mail is sent",
    ),
    Setting(
        "WAYMARK_MAIL_FROM",
        "The sender of our mail: `address` or `Name <address>`.",
        "`waymark@` and the public host",
    ),
    Setting(
        "WAYMARK_CHANNELS",
        "Further channels, `NAME=URL` separated by spaces. The URL is an Apprise URL in which"
        " `{address}` becomes the person's address of that NAME, percent-encoded.",
        "none",
    ),
    Setting(
        "WAYMARK_INBOUND",
        "Channels by which answers come back to `POST /hooks/NAME`: `NAME=SECRET` separated by"
        " spaces. NAME is one of `WAYMARK_CHANNELS` or `email`; SECRET has at least 32 characters."
        " Give the same NAME twice while you change a secret.",
        "none: nothing comes in",
    ),
    Setting(
        "WAYMARK_INBOUND_NUMBERS",
        "The numbers that people text to: `NAME=+33612345678` separated by spaces. NAME is one of"
        " `WAYMARK_INBOUND`. Shown to a child that has agreed words.",
        "none",
    ),
    Setting(
        "WAYMARK_OIDC",
        "Providers of sign-in (OpenID Connect), separated by spaces:"
        " `NAME=ISSUER?agency=ID&client=ID&secret=FILE`. NAME is in small letters, ISSUER exactly"
        " as the provider writes it, the agency's ID as `agency list` shows it, and FILE holds the"
        " client's secret.",
        "none: staff sign in with a password or a passkey",
    ),
    Setting(
        "WAYMARK_LAST_RESORT",
        "Who is called when nobody else can be: `email:ADDRESS` or `NAME:ADDRESS`, comma-separated."
        " Operators are told of faults here too.",
        "none",
    ),
    Setting(
        "WAYMARK_WATCHDOG_URL",
        "Pinged once a minute while ticks and deliveries end well and every open alert has a next"
        " step. Point it at a dead man's switch outside your own house.",
        "none",
    ),
    Setting(
        "WAYMARK_PUSH_ORIGINS",
        "The only push services that we send to, comma-separated. `https://*.host` allows its"
        " subdomains; `default` means the public ones.",
        "the public ones: " + ", ".join(f"`{origin}`" for origin in PUBLIC_PUSH_ORIGINS),
    ),
    Setting(
        "WAYMARK_METRICS_TOKEN",
        "A bearer token that opens `/metrics` from anywhere.",
        "none: from loopback alone",
    ),
    Setting(
        "WAYMARK_TRUSTED_PROXIES",
        "Addresses or networks, comma-separated, whose `X-Forwarded-For` and `X-Forwarded-Proto`"
        " we believe.",
        "none",
    ),
    Setting("WAYMARK_VAR", "The folder for keys and the embedded database.", "`var`"),
    Setting("HOST", "The address to listen on.", "`127.0.0.1`"),
    Setting("PORT", "The port to listen on.", "`8000`"),
)


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


def is_address(host: str) -> bool:
    """Whether it is a bare number of a machine and no name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether the name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


T = TypeVar("T")


class _Wrong(Exception):
    """Why a value cannot be used; `_Reader.take` adds the name."""


class _Reader:
    """Reads setting by setting and collects what is wrong, so that `check` can tell all of it."""

    def __init__(self, environ: Mapping[str, str], base: Path, *, makes_keys: bool) -> None:
        self.environ = environ
        self.base = base
        self.makes_keys = makes_keys
        self.faults: list[SettingFault] = []

    def settings(self) -> Settings:
        host = self.take("HOST", _host, "127.0.0.1")
        port = self.take("PORT", _port, 8000)
        # A server that listens on all addresses is reached here by this machine's own address.
        named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        shown_host = f"[{named}]" if ":" in named else named
        public_url = self.take("WAYMARK_PUBLIC_URL", _public_url, f"http://{shown_host}:{port}")
        var = self.take("WAYMARK_VAR", lambda text: self.base / text, self.base / "var")
        public_host = urlsplit(public_url).hostname or "localhost"
        mail_host = "localhost" if is_loopback(public_host) else public_host
        mail_from = self.take("WAYMARK_MAIL_FROM", _mail_from, f"waymark@{mail_host}")
        no_channels: dict[str, str] = {}
        channels = self.take("WAYMARK_CHANNELS", _channels, no_channels)
        no_inbound: dict[str, tuple[str, ...]] = {}
        inbound = self.take("WAYMARK_INBOUND", lambda text: _inbound(text, channels), no_inbound)
        no_numbers: dict[str, str] = {}
        no_providers: dict[str, Provider] = {}
        database_url = self.take(
            "WAYMARK_DATABASE_URL",
            lambda text: _database_url(text, self.base),
            f"sqlite://{(var / 'waymark.sqlite3').absolute()}",
        )
        return Settings(
            database_url=database_url,
            listen_url=self.take(
                "WAYMARK_LISTEN_URL", lambda text: _listen_url(text, database_url), None
            ),
            secret_keys=self.secret_keys(public_url, var),
            public_url=public_url,
            display_name=self.take("WAYMARK_DISPLAY_NAME", _display_name, "Planner"),
            vapid_private_key_file=self.vapid_private_key_file(public_url, var),
            vapid_subject=self.take(
                "WAYMARK_VAPID_SUBJECT", _subject, _default_subject(public_url, mail_from)
            ),
            smtp_url=self.take("WAYMARK_SMTP_URL", _smtp_url, None),
            mail_from=mail_from,
            channels=channels,
            inbound=inbound,
            inbound_numbers=self.take(
                "WAYMARK_INBOUND_NUMBERS", lambda text: _numbers(text, inbound), no_numbers
            ),
            oidc=self.take("WAYMARK_OIDC", lambda text: _oidc(text, self.base), no_providers),
            last_resort=self.take(
                "WAYMARK_LAST_RESORT", lambda text: _last_resort(text, channels), ()
            ),
            watchdog_url=self.take("WAYMARK_WATCHDOG_URL", _web_url, None),
            push_origins=self.take("WAYMARK_PUSH_ORIGINS", _push_origins, PUBLIC_PUSH_ORIGINS),
            metrics_token=self.take("WAYMARK_METRICS_TOKEN", _metrics_token, None),
            trusted_proxies=self.take("WAYMARK_TRUSTED_PROXIES", _networks, ()),
            var=var,
            host=host,
            port=port,
        )

    def take(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed value, or the default where it is not set or wrong."""
        text = self.environ.get(name, "").strip()
        if not text:
            return default
        try:
            if not text.isprintable():
                raise _Wrong("holds a character that cannot be printed")
            return parse(text)
        except _Wrong as fault:
            self.faults.append(SettingFault(name, str(fault)))
            return default

    def secret_keys(self, public_url: str, var: Path) -> tuple[str, ...]:
        name = "WAYMARK_SECRET_KEYS"
        none: tuple[str, ...] = ()
        given = self.take(name, _secret_keys, none)
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
        given = self.take(name, lambda text: _vapid_file(self.base / text), None)
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


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        parts.port  # noqa: B018
    except ValueError as fault:
        raise _Wrong("is not a URL") from fault
    return parts


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _host(text: str) -> str:
    host = text.strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise _Wrong("is not an address or a host name")
    return host


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise _Wrong("is not a port between 1 and 65535")
    return int(text)


def _database_url(text: str, base: Path) -> str:
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in ("sqlite", "postgres", "postgresql"):
        raise _Wrong("must begin with sqlite:// or postgres://")
    if scheme == "sqlite":
        path, query_mark, query = rest.partition("?")
        if not path:
            raise _Wrong("names no file after sqlite://")
        place = path if path == ":memory:" else str((base / path).absolute())
        return f"sqlite://{place}{query_mark}{query}"
    parts = _split(text)
    if not parts.path.strip("/"):
        raise _Wrong("names no database: postgres://user:pass@host:port/db")
    return f"postgres://{rest}"


def _listen_url(text: str, database_url: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgres", "postgresql"):
        raise _Wrong("must begin with postgres://")
    if database_url.startswith("sqlite"):
        raise _Wrong("is for PostgreSQL: WAYMARK_DATABASE_URL is a file")
    try:
        address.parse(f"postgres://{rest}")
    except ValueError as fault:
        raise _Wrong(f"cannot be read: {fault}") from None
    return f"postgres://{rest}"


def _secret_keys(text: str) -> tuple[str, ...]:
    items = _items(text)
    if not items:
        raise _Wrong("holds no key")
    if any(len(item) < SHORTEST_SECRET for item in items):
        raise _Wrong(f"holds a key of fewer than {SHORTEST_SECRET} characters")
    if len(set(items)) != len(items):
        raise _Wrong("holds the same key twice")
    return tuple(items)


def _public_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _Wrong("is not an http or https URL")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise _Wrong("must be a scheme and a host alone, such as https://planner.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise _Wrong("must begin with https:// unless it is this machine itself")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _display_name(text: str) -> str:
    if len(text) > LONGEST_DISPLAY_NAME:
        raise _Wrong(f"is longer than {LONGEST_DISPLAY_NAME} characters")
    return text


def _vapid_file(file: Path) -> Path:
    if fault := keys.vapid_key_fault(file):
        raise _Wrong(fault)
    return file


def _default_subject(public_url: str, mail_from: str) -> str:
    return public_url if public_url.startswith("https:") else f"mailto:{_address(mail_from)}"


def _subject(text: str) -> str:
    if text.startswith("mailto:") and _is_address(text.removeprefix("mailto:")):
        return text
    if text.startswith("https://") and _split(text).hostname:
        return text
    raise _Wrong("must be mailto:ADDRESS or an https URL")


def _smtp_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise _Wrong("must be smtp://HOST:PORT or smtps://HOST:PORT, with user:pass@ where needed")
    return text


def _address(text: str) -> str:
    """The bare address in `Name <address>` or `address`."""
    named = re.fullmatch(r"[^<>]*<([^<>]+)>", text)
    return (named[1] if named else text).strip()


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return bool(address.username and address.domain)


def _mail_from(text: str) -> str:
    if not _is_address(_address(text)):
        raise _Wrong("is not an e-mail address")
    return text


def _channels(text: str) -> dict[str, str]:
    channels: dict[str, str] = {}
    for item in text.split():
        name, mark, url = item.partition("=")
        if not mark or not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
            raise _Wrong("must be NAME=URL, separated by spaces, NAME in small letters")
        if name in channels or name in ("email", "push"):
            raise _Wrong(f"names {name} twice, or takes a name that Waymark uses itself")
        if "://" not in url or "{address}" not in url:
            raise _Wrong(f"gives {name} a URL without {{address}} in it")
        channels[name] = url
    return channels


def _inbound(text: str, channels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    secrets_by_channel: dict[str, tuple[str, ...]] = {}
    for item in text.split():
        name, mark, secret = item.partition("=")
        if not mark or not name:
            raise _Wrong("must be NAME=SECRET, separated by spaces")
        if name != "email" and name not in channels:
            raise _Wrong("names a channel that WAYMARK_CHANNELS does not have")
        if len(secret) < SHORTEST_SECRET:
            raise _Wrong(f"holds a secret of fewer than {SHORTEST_SECRET} characters")
        secrets_by_channel[name] = (*secrets_by_channel.get(name, ()), secret)
    return secrets_by_channel


def _numbers(text: str, inbound: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    number_by_channel: dict[str, str] = {}
    for item in text.split():
        name, _, number = item.partition("=")
        if name not in inbound:
            raise _Wrong("names a channel that WAYMARK_INBOUND does not have")
        if not re.fullmatch(r"\+[0-9]{5,15}", number):
            raise _Wrong("holds a number that is not written as +33612345678")
        number_by_channel[name] = number
    return number_by_channel


def _oidc(text: str, base: Path) -> dict[str, Provider]:
    providers: dict[str, Provider] = {}
    for item in text.split():
        name, mark, address = item.partition("=")
        if not mark or not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise _Wrong("must be NAME=ISSUER?…, separated by spaces, NAME in small letters")
        if name in providers:
            raise _Wrong(f"names {name} twice")
        providers[name] = _provider(name, address, base)
    return providers


def _provider(name: str, address: str, base: Path) -> Provider:
    """No issuer has a query of its own (OpenID Connect Discovery), so our own parameters can follow
    it."""
    issuer, _, query = address.partition("?")
    parts, parameters = _split(issuer), dict(parse_qsl(query))
    is_near = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or "@" in parts.netloc or not (parts.scheme == "https" or is_near):
        raise _Wrong(f"gives {name} an issuer that is not an https URL")
    if set(parameters) != {"agency", "client", "secret"}:
        raise _Wrong(f"must give {name} its agency=, client= and secret=, joined by &")
    try:
        agency_id = UUID(parameters["agency"])
    except ValueError:
        raise _Wrong(f"gives {name} an agency= that is no id: see waymark agency list") from None
    secret = _secret_of(name, base / parameters["secret"])
    return Provider(
        name=name, issuer=issuer, agency_id=agency_id, client_id=parameters["client"], secret=secret
    )


def _secret_of(name: str, file: Path) -> str:
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise _Wrong(f"names a file for the secret of {name} that cannot be read") from None
    if not secret or not secret.isprintable():
        raise _Wrong(f"names a file for the secret of {name} that holds none")
    return secret


def _last_resort(text: str, channels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    resorts = []
    for item in _items(text):
        channel, mark, address = item.partition(":")
        if not mark or not address:
            raise _Wrong("must be email:ADDRESS or NAME:ADDRESS, separated by commas")
        if channel == "email" and not _is_address(address):
            raise _Wrong("holds an email: that is not an e-mail address")
        if channel != "email" and channel not in channels:
            raise _Wrong("names a channel that WAYMARK_CHANNELS does not have")
        resorts.append((channel, address))
    return tuple(resorts)


def _web_url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _Wrong("is not an http or https URL")
    return text


def _push_origins(text: str) -> tuple[str, ...]:
    origins: list[str] = []
    for item in text.replace(",", " ").split():
        origins += PUBLIC_PUSH_ORIGINS if item == "default" else [_push_origin(item)]
    if not origins:
        raise _Wrong("holds no origin")
    return tuple(dict.fromkeys(origins))


def _push_origin(text: str) -> str:
    parts = _split(text)
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not host or not is_bare or "*" in host.removeprefix("*."):
        raise _Wrong("holds something other than origins such as https://push.example.org")
    # A push goes to a URL that a browser hands in; unencrypted is for the tests' own service.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _Wrong("holds an origin that is not https")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _metrics_token(text: str) -> str:
    if not text.isascii() or " " in text:
        raise _Wrong("must be plain characters without spaces")
    return text


def _networks(text: str) -> tuple[str, ...]:
    networks = []
    for item in _items(text):
        try:
            networks.append(str(ipaddress.ip_network(item, strict=False)))
        except ValueError as fault:
            raise _Wrong("holds something that is not an address or a network") from fault
    return tuple(networks)
