"""The settings, as docs/reference/settings.md lists them: what each means, and its default."""

from typing import NamedTuple

from server.setting_parsers import PUBLIC_PUSH_ORIGINS


class Setting(NamedTuple):
    """One row of docs/reference/settings.md."""

    name: str
    meaning: str
    default: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "WAYMARK_DATABASE_URL",
        "The database: `sqlite://PATH` or `postgres://user:pass@host:port/db`. SQLite is enough for"
        " one process on one machine. Several PostgreSQL servers, of which one takes writes:"
        " `postgres://user:pass@one:5432,two:5432/db`; it is found, and found again after a"
        " fail-over.",
        "`sqlite://var/waymark.sqlite3`",
    ),
    Setting(
        "WAYMARK_LISTEN_URL",
        "The direct address of PostgreSQL, where `WAYMARK_DATABASE_URL` leads to a pooler that"
        " gives out a connection for each transaction (PgBouncer). Open pages hear changes by it.",
        "the database's own",
    ),
    Setting(
        "WAYMARK_REPLICA_URL",
        "A copy of the PostgreSQL database that follows it (streaming replication): boards, lists"
        " and reports are read there. Where it is away or too far behind, the database itself is"
        " read.",
        "none",
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
        " Operators are told of faults here too. An agency can have its own besides.",
        "none; must be set, by a channel that is set up, before the first start with a public URL"
        " that is not loopback",
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
    Setting(
        "WAYMARK_UNENCRYPTED_HOSTS",
        "Hosts, comma-separated, as the other settings write them, to which the database, mail or a"
        " gateway may go without TLS because something else encrypts the way, such as a tunnel."
        " Nothing is said of them.",
        "none: each way without TLS to another machine is a line of the log and of `check`, and the"
        " first start is refused if it leads to a public address",
    ),
    Setting(
        "WAYMARK_ALIVE_FILE",
        "A file that we touch every five seconds: by its age others see that our loop runs.",
        "none",
    ),
    Setting(
        "OTEL_TRACES_EXPORTER",
        "`otlp` sends traces (`make traces` first) where OpenTelemetry's other variables say.",
        "none",
    ),
    Setting("WAYMARK_VAR", "The folder for keys and the embedded database.", "`var`"),
    Setting("HOST", "The address to listen on.", "`127.0.0.1`"),
    Setting("PORT", "The port to listen on.", "`8000`"),
)
