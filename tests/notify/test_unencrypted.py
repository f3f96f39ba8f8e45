"""A way without TLS to another machine is said, and does not begin across the internet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from server import checking
from server.notify.channels.unencrypted import Far, Way, far_of, plain_ways, ways
from server.people.models import Child
from server.settings import SettingFault, Settings, load
from tests.auth.test_checked import lines, told
from tests.cast import Cast

__all__ = ["lines"]

DB, MAIL, DOG = "WAYMARK_DATABASE_URL", "WAYMARK_SMTP_URL", "WAYMARK_WATCHDOG_URL"
# Of the ranges that are kept for documents, and public by their numbers.
PUBLIC = "smtp://93.184.215.14"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({}, []),
        ({DB: "postgres://w@127.0.0.1/w"}, []),
        ({DB: "postgres://w@localhost/w"}, []),
        ({DB: "postgres://w@/w?host=/run/postgresql"}, []),
        ({DB: "postgres://w@db:5432/w"}, [Way(DB, "db")]),
        ({DB: "postgres://w@db/w?sslmode=prefer"}, [Way(DB, "db")]),
        ({DB: "postgres://w@db/w?sslmode=require"}, []),
        ({DB: "postgres://w@db/w?ssl=verify-full"}, []),
        ({DB: "postgres://w@one,two:5433/w"}, [Way(DB, "one"), Way(DB, "two")]),
        ({DB: "postgres://w@one,two/w", "WAYMARK_UNENCRYPTED_HOSTS": "ONE, two"}, []),
        ({DB: "postgres://w@[2001:db8::1]:5432/w"}, [Way(DB, "2001:db8::1")]),
        (
            {DB: "postgres://w@localhost/w", "WAYMARK_REPLICA_URL": "postgres://w@copy/w"},
            [Way("WAYMARK_REPLICA_URL", "copy")],
        ),
        (
            {DB: "postgres://w@localhost/w", "WAYMARK_LISTEN_URL": "postgres://w@near/w"},
            [Way("WAYMARK_LISTEN_URL", "near")],
        ),
        ({MAIL: "smtp://relay:25"}, [Way(MAIL, "relay")]),
        ({MAIL: "smtp://localhost"}, []),
        ({MAIL: "smtp://u:p@relay?starttls=1"}, []),
        ({MAIL: "smtps://relay"}, []),
        ({DOG: "http://dog.example.org/x"}, [Way(DOG, "dog.example.org")]),
        ({DOG: "https://dog.example.org/x"}, []),
    ],
)
def test_which_ways_lead_to_another_machine_without_tls(
    words: dict[str, str], found: list[Way], tmp_path: Any
) -> None:
    settings = load({"WAYMARK_VAR": str(tmp_path), **words})
    assert ways(settings) == found


@pytest.mark.parametrize(
    ("template", "hosts"),
    [
        ("json://127.0.0.1:8080/{address}", []),
        ("json://sms.example.org/{address}", ["sms.example.org"]),
        ("jsons://sms.example.org/{address}", []),
        ("mailto://u:p@example.org?to={address}", ["example.org"]),
        ("mailtos://u:p@example.org?to={address}", []),
        ("syslog://{address}", []),
    ],
)
def test_which_gateways_are_spoken_to_without_tls(
    template: str, hosts: list[str], settings: Settings
) -> None:
    found = ways(replace(settings, channels={"sms": template}))
    assert found == [Way("WAYMARK_CHANNELS", host) for host in hosts]


@pytest.mark.parametrize(
    ("numbers", "far"),
    [
        (["127.0.0.1"], None),
        (["::1", "127.0.0.1"], None),
        (["10.1.2.3"], Far.PRIVATE),
        (["172.18.0.2", "192.168.1.4"], Far.PRIVATE),
        (["fd00::7", "fe80::1%eth0"], Far.PRIVATE),
        (["100.64.0.9"], Far.PRIVATE),
        (["10.1.2.3", "93.184.215.14"], Far.PUBLIC),
        (["2606:2800:220:1::1"], Far.PUBLIC),
        ([], Far.UNKNOWN),
    ],
)
def test_how_far_a_host_is_away(numbers: list[str], far: Far | None) -> None:
    assert far_of(numbers) is far


async def test_a_name_that_leads_here_is_this_machine_and_one_without_address_is_not_known(
    settings: Settings,
) -> None:
    there = replace(settings, smtp_url="smtp://no-such-host.invalid")
    [plain] = await plain_ways(there)
    assert plain.far is Far.UNKNOWN
    assert str(plain).startswith("WAYMARK_SMTP_URL leads without TLS to no-such-host.invalid, ")


async def test_before_the_first_child_a_public_address_is_refused_and_a_private_one_is_said(
    db: Any, settings: Settings, lines: Any
) -> None:
    with pytest.raises(SettingFault, match="WAYMARK_SMTP_URL leads without TLS"):
        await checking.first_start(replace(settings, smtp_url=PUBLIC))
    tunnel = replace(settings, smtp_url=PUBLIC, unencrypted_hosts=("93.184.215.14",))
    await checking.first_start(tunnel)
    assert [line["far"] for line in told(lines, "unencrypted")] == ["public"]
    await checking.first_start(replace(settings, smtp_url="smtp://10.0.0.7"))
    [*_, line] = told(lines, "unencrypted")
    assert (line["level"], line["setting"]) == ("warning", "waymark_smtp_url")
    assert (line["host"], line["far"]) == ("10.0.0.7", "private")


async def test_where_children_are_watched_over_the_start_goes_on_and_says_it(
    cast: Cast, lines: Any
) -> None:
    assert await Child.exists()
    await checking.first_start(replace(cast.settings, smtp_url=PUBLIC))
    [line] = told(lines, "unencrypted")
    assert (line["setting"], line["host"]) == ("waymark_smtp_url", "93.184.215.14")


async def test_where_children_are_watched_over_nothing_is_looked_up_and_no_fault_stops_the_start(
    cast: Cast, lines: Any
) -> None:
    broken = replace(cast.settings, smtp_url="smtp://[no", channels={"sms": "json://far/{address}"})
    await checking.first_start(broken)
    assert len(told(lines, "unencrypted_not_known")) == 1
    assert told(lines, "unencrypted") == []


def test_check_calls_a_public_address_a_fault_and_a_private_one_a_note(
    run: Any, migrated_var: Any
) -> None:
    where = {"WAYMARK_VAR": str(migrated_var)}
    code, _, err = run("check", **where, WAYMARK_SMTP_URL="smtp://93.184.215.14:9")
    assert code == 1
    assert [line for line in err if line.startswith("WAYMARK_SMTP_URL leads without TLS to 93.")]
    _, out, err = run("check", **where, WAYMARK_SMTP_URL="smtp://10.255.255.1:9")
    said = [line for line in err if "leads without TLS" in line]
    assert "in a private network" in out
    assert said == []
