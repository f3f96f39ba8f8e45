"""The command line as people and their service files meet it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import UUID

import pytest

from server.__main__ import NOT_YET
from tests.doubles.oidc import Provider
from tests.doubles.smtp import Relay
from tests.fixtures import Database
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = sorted(file.stem for file in (ROOT / "migrations").glob("[0-9]*.py"))
COMMANDS = (
    "serve",
    "tick",
    "migrate",
    "check",
    "demo",
    "keys",
    "audit",
    "person",
    "person add",
    "person list",
    "person disable",
    "person reset",
    "agency",
    "agency add",
    "agency list",
    "area",
    "area add",
    "area put",
    "area list",
    "invite",
    "replay",
    "cohort",
    "why",
    "backup",
    "restore",
    "set-back",
)
START_S = 180
SECRET = "a secret of these tests and of no others"

# --- every command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, [])
    assert out.startswith(f"usage: waymark {command}")


def test_the_list_has_every_command_and_none_that_is_not_built(run):
    code, out, _ = run("--help")
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("    ")}
    assert code == 0
    assert {command.split()[0] for command in COMMANDS} <= listed
    assert not listed & set(NOT_YET)


@pytest.mark.parametrize("command", ["export"])
@pytest.mark.parametrize("more", [[], ["something"], ["--help"]])
def test_what_is_not_built_says_so(run, command, more):
    assert run(command, *more) == (2, "", [f"waymark {command} is not built yet."])


BAD = {
    "no command": [],
    "an unknown command": ["nonsense"],
    "an unknown option": ["serve", "--loud"],
    "a port that is no number": ["serve", "--port", "x"],
    "a port that cannot be": ["serve", "--port", "0"],
    "a port too high": ["serve", "--port", "70000"],
    "a host that is none": ["serve", "--host", "a b"],
    "no worker at all": ["serve", "--workers", "0"],
    "several workers on SQLite": ["serve", "--workers", "2"],
    "an audit of nothing": ["audit"],
    "an audit of something else": ["audit", "mend"],
    "nobody to disable": ["person", "disable", "nobody"],
    "no verb about people": ["person"],
    "no verb about agencies": ["agency"],
    "an agency in a zone that is none": ["agency", "add", "Harbour", "--zone", "Mars"],
    "a role that is none": ["person", "add", "Jo", "--sign-in", "jo", "--role", "child"],
    "a child that is not there": ["invite", "nobody"],
    "events that are not there": ["replay", "none.csv", "--alerts", "a.csv"],
    "no alerts to write": ["replay", "none.csv"],
    "a policy that is not there": ["replay", "e.csv", "--alerts", "a.csv", "--policy", "no.toml"],
    "a cohort of nobody": "cohort --children 0 --days 1 --seed 1 --events e --truth t".split(),
    "a key in a folder that is not there": ["keys", "--vapid", "nowhere/vapid.pem"],
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_line(run, words):
    code, out, err = run(*words)
    assert code in (1, 2)
    assert out == ""
    assert len(err) == 1, err
    assert "Errno" not in err[0]


# --- settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAYMARK_DATABASE_URL", "mysql://somewhere"),
        ("WAYMARK_SECRET_KEYS", "short"),
        ("WAYMARK_PUBLIC_URL", "planner.example.org"),
        ("WAYMARK_DISPLAY_NAME", "a name that is far too long for any phone"),
        ("WAYMARK_VAPID_PRIVATE_KEY_FILE", "nowhere.pem"),
        ("WAYMARK_VAPID_SUBJECT", "somebody"),
        ("WAYMARK_SMTP_URL", "mail.example.org"),
        ("WAYMARK_MAIL_FROM", "somebody"),
        ("WAYMARK_CHANNELS", "sms"),
        ("WAYMARK_LAST_RESORT", "pager:1"),
        ("WAYMARK_WATCHDOG_URL", "ftp://watch"),
        ("WAYMARK_PUSH_ORIGINS", "http://push.example.org"),
        ("WAYMARK_METRICS_TOKEN", "två ord"),
        ("WAYMARK_TRUSTED_PROXIES", "the proxy"),
        ("PORT", "many"),
    ],
)
def test_a_malformed_setting_stops_the_start_with_its_name(run, name, value):
    code, out, err = run("serve", **{name: value})
    assert (code, out) == (1, "")
    assert len(err) == 1
    assert err[0].startswith(f"{name} ")
    assert value not in err[0]


@pytest.mark.parametrize("words", ["tick", "demo", "demo --fast", "migrate", "audit verify"])
def test_it_stops_every_other_command_too(run, words):
    code, out, err = run(*words.split(), WAYMARK_SMTP_URL="mail.example.org")
    assert (code, out) == (1, "")
    assert len(err) == 1
    assert err[0].startswith("WAYMARK_SMTP_URL ")


def test_keys_are_not_made_for_others_than_this_machine(run, tmp_path):
    code, _, err = run("serve", WAYMARK_PUBLIC_URL="https://planner.example.org")
    assert code == 1
    assert len(err) == 1
    assert err[0].startswith("WAYMARK_SECRET_KEYS must be set")
    assert not (tmp_path / "var").exists()


def test_keys_are_made_on_this_machine_for_nobody_else_to_read(run, tmp_path):
    assert run("migrate") == (0, "".join(f"applied {name}\n" for name in MIGRATIONS), [])
    made = sorted((tmp_path / "var" / "keys").iterdir())
    assert [file.name for file in made] == ["secret_key", "vapid_private_key.pem"]
    assert {file.stat().st_mode & 0o777 for file in made} == {0o600}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1", "localhost"])  # noqa: S104
def test_a_server_that_listens_everywhere_still_tries_out_without_preparation(
    run, migrated_var, host
):
    assert run("migrate", HOST=host) == (0, "", [])
    assert (migrated_var / "keys").is_dir()


# --- check


def test_check_tells_every_fault_of_the_settings(run):
    code, out, err = run(
        "check",
        WAYMARK_PUBLIC_URL="https://planner.example.org",
        WAYMARK_SMTP_URL="mail",
        WAYMARK_PUBLICURL="misspelt",
        PORT="many",
    )
    assert (code, out) == (1, "")
    assert [line.split()[0] for line in err] == [
        "PORT",
        "WAYMARK_SECRET_KEYS",
        "WAYMARK_VAPID_PRIVATE_KEY_FILE",
        "WAYMARK_SMTP_URL",
        "WAYMARK_PUBLICURL",
    ]


def test_check_tells_everything_that_cannot_be_reached(run):
    nobody = free_port()
    code, _, err = run(
        "check",
        WAYMARK_DATABASE_URL=f"postgres://waymark:hidden@127.0.0.1:{nobody}/waymark",
        WAYMARK_SMTP_URL=f"smtp://127.0.0.1:{nobody}",
        WAYMARK_WATCHDOG_URL=f"http://127.0.0.1:{nobody}/ping",
    )
    assert code == 1
    assert [line.split()[0] for line in err] == [
        "WAYMARK_LAST_RESORT",
        "WAYMARK_DATABASE_URL",
        "WAYMARK_SMTP_URL",
        "WAYMARK_WATCHDOG_URL",
    ]
    assert "hidden" not in "".join(err)


def test_check_tells_that_the_mail_server_knows_us_not(run, relay: Relay):
    relay.answers["AUTH"] = "535 5.7.8 no"
    relay.extensions = (*relay.extensions, "AUTH PLAIN LOGIN")
    url = relay.url.replace("://", "://planner:hidden@")
    _, _, err = run("check", WAYMARK_SMTP_URL=url)
    assert [line for line in err if line.startswith("WAYMARK_SMTP_URL cannot be used: it refuses")]
    assert relay.mails == []


def test_check_tells_which_provider_of_sign_in_is_away_and_which_is_another_one(
    run, migrated_var, tmp_path
):
    (tmp_path / "secret").write_text("of the client")
    query = f"?agency={UUID(int=7)}&client=waymark&secret=secret"
    with Provider() as there:
        listed = {
            "good": there.issuer,
            # As it is written by hand, and as no provider calls itself.
            "slash": f"{there.issuer}/",
            "away": f"http://127.0.0.1:{free_port()}",
        }
        text = " ".join(f"{name}={issuer}{query}" for name, issuer in listed.items())
        _, _, err = run("check", WAYMARK_OIDC=text)
        assert [line for line in err if "OIDC" in line] == [
            "WAYMARK_OIDC: slash cannot be used: another issuer",
            "WAYMARK_OIDC: away cannot be used: unreachable",
        ]
        with Relay() as relay:
            code, out, _ = run(
                "check",
                WAYMARK_OIDC=f"good={there.issuer}{query}",
                WAYMARK_SMTP_URL=relay.url,
                WAYMARK_LAST_RESORT="email:night@example.org",
            )
    assert code == 0
    assert "WAYMARK_OIDC: good is of an agency that is not there" in out


def test_check_tells_that_the_database_is_empty_and_leaves_it_so(run, tmp_path):
    _, _, err = run("check")
    assert "the database has no tables yet: run waymark migrate" in err
    assert not list(tmp_path.glob("var/*.sqlite3"))


def test_check_tells_which_migrations_the_database_lacks(run, migrated_var: Path) -> None:
    with contextlib.closing(sqlite3.connect(migrated_var / "waymark.sqlite3")) as rows, rows:
        rows.execute("DELETE FROM tortoise_migrations WHERE name IN (?, ?)", MIGRATIONS[-2:])
    _, _, err = run("check", WAYMARK_VAR=str(migrated_var))
    assert f"the database lacks {', '.join(MIGRATIONS[-2:])}: run waymark migrate" in err


def test_check_tells_of_a_database_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").write_text("")
    _, _, err = run("check", WAYMARK_DATABASE_URL="sqlite://file/waymark.sqlite3")
    assert "WAYMARK_DATABASE_URL names a file that cannot be made" in err


def test_check_tells_of_a_database_that_is_none(run, tmp_path):
    (tmp_path / "some.sqlite3").write_text("no database at all " * 100)
    _, _, err = run("check", WAYMARK_DATABASE_URL="sqlite://some.sqlite3")
    assert [line for line in err if line.startswith("WAYMARK_DATABASE_URL cannot be reached")]


def test_check_names_each_file_and_folder_that_others_may_open(run, tmp_path):
    own = {"WAYMARK_VAR": "own", "WAYMARK_DATABASE_URL": "sqlite://shared/some.sqlite3"}
    (tmp_path / "shared").mkdir()
    assert run("migrate", **own)[0] == 0
    key = tmp_path / "own" / "keys" / "secret_key"
    open_ = [tmp_path / "own", key.parent, tmp_path / "shared", tmp_path / "shared/some.sqlite3"]
    for path in open_:
        path.chmod(0o755)
    key.chmod(0o644)
    code, _, err = run("check", **own)
    assert code == 1
    lines = [line for line in err if "open to other accounts" in line]
    assert len(lines) == len(open_) + 1
    assert f"{key} is open to other accounts (mode 0644): run chmod 600 {key}" in lines
    for path in open_:
        assert any(line.startswith(f"{path} ") and "run chmod" in line for line in lines)
    # Another folder may be shared with others: it is only named.
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o755


def test_the_folder_that_an_earlier_version_made_is_shut_by_the_next_start(run, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var").chmod(0o755)
    assert any("open to other accounts" in line for line in run("check")[2])
    assert run("migrate")[0] == 0
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var" / "waymark.sqlite3").stat().st_mode & 0o777 == 0o600
    assert not any("open to other accounts" in line for line in run("check")[2])


@pytest.mark.slow
def test_check_is_content_with_what_is_well(run, empty: Database, relay: Relay):
    settings = {
        "WAYMARK_DATABASE_URL": empty.url,
        "WAYMARK_SMTP_URL": relay.url,
        "WAYMARK_LAST_RESORT": "email:night@example.org",
    }
    assert run("migrate", **settings)[0] == 0
    code, out, err = run("check", **settings)
    untried, verdict = out.splitlines()[-2:]
    assert (code, err) == (0, [])
    assert untried.startswith("Not tried, since it would send: "), "a mail server takes no one back"
    assert verdict == "No fault. Read the lines above: they are yet to be looked at."
    assert relay.mails == []


# --- keys, audit, migrate


def test_keys_prints_a_new_secret_each_time_that_can_be_used(run, migrated_var):
    _, one, _ = run("keys")
    _, other, _ = run("keys")
    assert one != other
    assert run("migrate", WAYMARK_SECRET_KEYS=f"{one.strip()},{other.strip()}")[0] == 0


def test_a_key_for_push_is_written_once_and_can_be_used(run, migrated_var, tmp_path):
    file = tmp_path / "vapid.pem"
    assert run("keys", "--vapid", str(file)) == (0, "", [])
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    code, _, err = run("keys", "--vapid", str(file))
    assert (code, err) == (1, [f"{file}: File exists"])
    assert file.read_bytes() == before
    assert run("migrate", WAYMARK_VAPID_PRIVATE_KEY_FILE=str(file))[0] == 0


@pytest.fixture
def old_file(migrated_var: Path) -> Path:
    """A database of a version before 0.1, where the settings of a first start have it."""
    file = migrated_var / "waymark.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM tortoise_migrations WHERE name <> '0001_initial'")
        database.execute("UPDATE tortoise_migrations SET name = '0001_first'")
    return file


@pytest.mark.slow
def test_a_demo_from_before_0_1_is_set_aside_and_a_new_one_made(run, old_file: Path):
    (old_file.parent / "demo.json").write_text("{}")
    old = old_file.read_bytes()
    code, out, err = run("demo")
    assert (code, err) == (0, [])
    assert "made before version 0.1. It is now" in out
    assert "var/before-0.1.sqlite3; a new one is made." in out
    assert old_file.with_name("before-0.1.sqlite3").read_bytes() == old
    assert old_file.exists()
    assert run("demo")[0] == 0
    assert not old_file.with_name("before-0.1-2.sqlite3").exists()


@pytest.mark.parametrize("words", ["demo", "migrate", "serve", "tick"])
def test_any_other_database_from_before_0_1_is_left_alone(run, old_file: Path, words: str):
    old = old_file.read_bytes()
    code, _, err = run(words)
    assert code == 1
    assert err == [
        "This database was made before version 0.1 and cannot be upgraded. Keep it, and start with"
        " a new one (WAYMARK_DATABASE_URL)."
    ]
    assert old_file.read_bytes() == old


@pytest.mark.slow
def test_the_record_of_a_new_database_is_whole(run, empty: Database):
    found = run("audit", "verify", WAYMARK_DATABASE_URL=empty.url)
    assert found == (0, "The record is whole.\n", [])


def test_migrating_twice_does_nothing_the_second_time(run, empty: Database):
    code, out, _ = run("migrate", WAYMARK_DATABASE_URL=empty.url)
    assert (code, out.splitlines()[0]) == (0, "applied 0001_initial")
    assert run("migrate", WAYMARK_DATABASE_URL=empty.url) == (0, "", [])


@pytest.mark.slow
def test_an_operator_adds_a_person_from_the_terminal(run):
    words = ["person", "add", "Jo Doe", "--sign-in", "jo", "--role", "administrator"]
    code, out, _ = run(*words, "--agency", "Harbour")
    assert code == 0
    assert "password, shown this once: " in out
    assert "jo\tJo Doe" in run("person", "list")[1]
    code, out, err = run(*words, "--agency", "Harbour")
    assert (code, out) == (1, "")
    assert err[0].startswith("This sign-in name is already taken.")


# --- serving


class Served:
    """A server in a process of its own."""

    def __init__(self, folder: Path, url: str, *words: str) -> None:
        self.port = free_port()
        own = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", *words, "--port", str(self.port)],
            cwd=folder,
            env={**own, "PYTHONPATH": str(ROOT), "WAYMARK_DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def health(self) -> int:
        """The status of /health, as soon as there is one."""
        async with asyncio.timeout(START_S):
            while self.process.poll() is None:
                with contextlib.suppress(OSError):
                    return await asyncio.to_thread(self._health)
                await asyncio.sleep(0.1)  # Another process cannot be waited for in another way.
        raise AssertionError(self.process.communicate()[1])

    def _health(self) -> int:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=START_S) as answer:
                return int(answer.status)
        except HTTPError as answer:
            return answer.code

    def end(self) -> tuple[str, str]:
        """SIGTERM, and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=START_S)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def start(url: str, *words: str) -> Served:
        made.append(Served(tmp_path, url, *(words or ("serve",))))
        return made[-1]

    yield start
    for one in made:
        with contextlib.suppress(ProcessLookupError):
            one.process.kill()
        one.process.communicate()


@pytest.mark.slow
async def test_two_starts_at_once_share_one_fresh_database(serve, empty: Database):
    both = [serve(empty.url), serve(empty.url)]
    assert await asyncio.gather(*(one.health() for one in both)) == [200, 200]
    for one in both:
        out, err = one.end()
        assert '"level":"error"' not in err
        assert out == ""
        assert one.process.returncode in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_clear_line(serve, run, tmp_path):
    first = serve(f"sqlite://{tmp_path}/w.sqlite3")
    asyncio.run(first.health())
    for words in (["serve"], ["demo", "--serve"]):
        assert run(*words, "--port", str(first.port), WAYMARK_VAR="other") == (
            1,
            "",
            [f"Cannot listen on 127.0.0.1 port {first.port}: Address already in use"],
        )
    assert not (tmp_path / "other" / "waymark.sqlite3").exists()
