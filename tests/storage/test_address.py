"""Database URLs: what they mean, and what is wrong with them in a sentence without the password."""

import pytest

from server.errors import WaymarkError
from server.storage.db import close_database, open_database
from server.storage.engines.address import parse
from server.storage.servers import connecting


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite://var/waymark.sqlite3", "var/waymark.sqlite3"),
        ("sqlite:///srv/waymark.sqlite3", "/srv/waymark.sqlite3"),
        ("sqlite://my%20files/w.sqlite3", "my files/w.sqlite3"),
    ],
)
def test_an_sqlite_url_is_a_path(url, path):
    place = parse(url)
    assert (place.dialect, place.engine) == ("sqlite", "server.storage.engines.sqlite")
    assert str(place.file) == path


def test_what_follows_is_a_pragma():
    assert parse("sqlite://w.sqlite3?synchronous=NORMAL&cache_size=-2000").credentials == {
        "file_path": "w.sqlite3",
        "synchronous": "NORMAL",
        "cache_size": "-2000",
    }


def test_a_postgres_url_names_everything():
    place = parse(
        "postgres://way%40mark:p%3Ass%2F@db.example:5433/waymark?maxsize=20&sslmode=require"
    )
    found = place.credentials
    assert place.engine == "server.storage.engines.postgres"
    assert (found["user"], found["password"]) == ("way@mark", "p:ss/")
    assert (found["host"], found["port"], found["database"]) == ("db.example", 5433, "waymark")
    assert (found["minsize"], found["maxsize"]) == (1, 20)
    assert found["ssl"] == "require"
    assert "sslmode" not in found
    assert found["server_settings"]["application_name"] == "waymark"


def test_the_other_scheme_and_the_defaults():
    found = parse("postgresql://waymark@localhost/waymark").credentials
    assert (found["port"], found["password"], found["maxsize"]) == (5432, None, 10)


def test_a_socket_is_named_behind_the_database():
    found = parse("postgres://waymark@/waymark?host=/run/postgresql").credentials
    assert (found["host"], found["user"]) == ("/run/postgresql", "waymark")


def test_of_several_hosts_the_one_that_takes_writes_is_wanted():
    found = parse("postgres://w@one:5433,two,[::1]:5434/waymark").credentials
    assert (found["host"], found["port"]) == (["one", "two", "::1"], [5433, 5432, 5434])
    assert found["target_session_attrs"] == "read-write"
    assert (
        parse("postgres://w@a,b/w?target_session_attrs=any").credentials["target_session_attrs"]
        == "any"
    )
    assert "target_session_attrs" not in parse("postgres://w@one/w").credentials


def test_an_address_of_ipv6_is_in_brackets():
    assert parse("postgres://w@[::1]:5433/w").credentials["host"] == "::1"
    assert parse("postgres://w@[::1]/w").credentials["host"] == "::1"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://w:secret@h/w", "sqlite:// or postgres://"),
        ("", "sqlite:// or postgres://"),
        ("sqlite://", "path of a file"),
        ("sqlite://:memory:", "path of a file"),
        ("sqlite://w.sqlite3?a;b=1", "not a PRAGMA"),
        ("sqlite://w.sqlite3?synchronous=OFF;DROP", "not a PRAGMA"),
        ("postgres://w:secret@h", "no database"),
        ("postgres://w:secret@h:one/w", "its port is a number"),
        ("postgres://w:secret@a:1,b:99999/w", "its port is a number"),
        ("postgres://w:secret@a,,b/w", "has a name"),
        ("postgres://w:secret@a,b/w?target_session_attrs=first", "is one of any, primary"),
        ("postgres://w:secret@h/w?host=/run", "names a host twice"),
        ("postgres://w:secret@h/w?maxsize=many", "maxsize is a number"),
        ("postgres://w:secret@h/w?colour=blue", "'colour' is not known"),
        ("postgres://w:secret@h/w?sslmode=Require", "sslmode is one of disable, allow"),
    ],
)
def test_a_url_that_cannot_be_ours_says_why_and_not_the_password(url, why):
    with pytest.raises(ValueError, match=why) as told:
        parse(url)
    assert "secret" not in str(told.value)


def asking(url: str, mode: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}sslmode={mode}"


async def test_a_server_without_tls_is_not_spoken_to_where_tls_is_asked_for(postgres):
    url = postgres.url("postgres")
    await open_database(asking(url, "disable"))
    await close_database()
    with pytest.raises((ConnectionError, WaymarkError)):
        await open_database(asking(url, "require"))
    line = await connecting.connect(parse(asking(url, "disable")).credentials)
    await line.close()
    with pytest.raises(ConnectionError):
        await connecting.connect(parse(asking(url, "require")).credentials)
