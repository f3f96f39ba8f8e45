"""`waymark check` says what would keep an alert from going out, and from reaching somebody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from server import checking
from server.alerts.ladder import Reachable
from server.app import create_app
from server.auth.passwords import Passwords
from server.checking import Channels
from server.clock import utcnow
from server.notify.addresses import AddAddress, add_address
from server.notify.channels.other import Place, place_of
from server.notify.channels.reach import try_channels, untried_line
from server.notify.models import Address
from server.people.models import Child, Person, Tie
from server.policy.model import PEOPLED
from server.rota.models import Leave
from server.security import encryption
from server.settings import load
from server.storage.db import close_database, open_database
from tests.cast import Cast, build
from tests.doubles.gateway import Gateway
from tests.doubles.smtp import Relay
from tests.ports import free_port
from tests.test_commands import SECRET

NIGHT = "night@example.org"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as there:
        yield there


# --- the command


@pytest.fixture
def with_cast(environment, migrated_var: Path, passwords: Passwords) -> dict[str, str]:
    """The settings that a database has in which the cast is, paired, and no address of anybody."""
    words = {"WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": str(migrated_var)}
    settings = load(words)

    async def fill() -> None:
        encryption.use(encryption.Keyring(settings.secret_keys))
        await open_database(settings.database_url)
        app = create_app(settings, passwords=passwords)
        await build(app, settings, utcnow, passwords)
        await close_database()

    asyncio.run(fill())
    return words


def test_a_last_resort_by_mail_without_a_mail_server_is_a_fault(run, migrated_var: Path) -> None:
    code, _, err = run("check", WAYMARK_LAST_RESORT=f"email:{NIGHT}")
    assert code == 1
    assert err == [
        "WAYMARK_LAST_RESORT: its entry 1 goes by email, which is not set up: set WAYMARK_SMTP_URL"
    ]


def test_a_gateway_on_a_dead_port_is_a_fault(run, migrated_var: Path, relay: Relay) -> None:
    code, _, err = run(
        "check",
        WAYMARK_SMTP_URL=relay.url,
        WAYMARK_LAST_RESORT=f"email:{NIGHT}",
        WAYMARK_CHANNELS=f"sms=json://127.0.0.1:{free_port()}/{{address}}",
    )
    assert code == 1
    assert [line.partition(":")[0] for line in err] == ["WAYMARK_CHANNELS"]
    assert "sms cannot be used: nothing answers there" in err[0]


def test_https_without_a_trusted_proxy_is_a_fault(
    run,
    migrated_var: Path,
    relay: Relay,
    tmp_path: Path,
) -> None:
    assert run("keys", "--vapid", str(tmp_path / "vapid.pem"))[0] == 0
    settings = {
        "WAYMARK_PUBLIC_URL": "https://planner.example.org",
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(tmp_path / "vapid.pem"),
        "WAYMARK_SMTP_URL": relay.url,
        "WAYMARK_LAST_RESORT": f"email:{NIGHT}",
    }
    code, _, err = run("check", **settings)
    assert code == 1
    assert [line for line in err if line.startswith("WAYMARK_TRUSTED_PROXIES is not set")]
    code, _, err = run("check", **settings, WAYMARK_TRUSTED_PROXIES="127.0.0.1")
    assert (code, err) == (0, [])


def test_an_agency_in_which_an_alert_reaches_nobody_is_a_fault(
    run,
    relay: Relay,
    with_cast: dict[str, str],
) -> None:
    code, out, err = run("check", **with_cast)
    assert code == 1
    alone = [line for line in err if "would reach nobody" in line]
    assert len(alone) == 2, "one line for each agency"
    assert "of 7 adults" in out
    # A last resort that works is not who answers for a child.
    resort = with_cast | {"WAYMARK_SMTP_URL": relay.url, "WAYMARK_LAST_RESORT": f"email:{NIGHT}"}
    code, out, err = run("check", **resort)
    assert code == 1
    assert [line.count("would reach the last resort alone") for line in err] == [1, 1]
    assert "All is well" not in out
    # One that the mail server refuses is nobody.
    relay.refused.add(NIGHT)
    code, _, err = run("check", **resort)
    assert code == 1
    assert len([line for line in err if "would reach nobody" in line]) == 2


# --- channels


async def found(cast: Cast, *, within_s: float = 5, **settings: object) -> dict[str, object]:
    changed = replace(cast.settings, push_origins=(), **settings)  # type: ignore[arg-type]
    tried = await try_channels(changed, cast.clock, within=timedelta(seconds=within_s))
    return {one.channel: one for one in tried}


@pytest.mark.parametrize("command", ["CONNECT", "MAIL"])
async def test_a_mail_server_that_refuses_us_is_a_fault(
    cast: Cast, relay: Relay, command: str
) -> None:
    relay.answers[command] = "550 5.1.8 not you"
    mail = (await found(cast, smtp_url=relay.url, last_resort=(("email", NIGHT),)))["email"]
    assert mail.is_dead  # type: ignore[attr-defined]
    assert len(mail.faults) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answer", ["550 5.1.1 unknown", "550 5.7.1 no relaying", "450 4.2.0 later"]
)
async def test_a_last_resort_that_the_mail_server_refuses_is_a_fault_that_names_no_address(
    cast: Cast, relay: Relay, answer: str
) -> None:
    relay.answers["RCPT"] = answer
    mail = (await found(cast, smtp_url=relay.url, last_resort=(("email", NIGHT),)))["email"]
    assert not mail.is_dead  # type: ignore[attr-defined]
    [line] = mail.faults  # type: ignore[attr-defined]
    assert line.startswith("WAYMARK_LAST_RESORT: no mail goes to its entry 1: ")
    assert NIGHT not in line
    assert mail.dead_resorts == (("email", NIGHT),)  # type: ignore[attr-defined]


async def test_a_mail_is_rehearsed_up_to_its_recipient_and_taken_back(
    cast: Cast, relay: Relay
) -> None:
    mail = (await found(cast, smtp_url=relay.url, last_resort=(("email", NIGHT),)))["email"]
    assert (mail.faults, mail.is_dead) == ((), False)  # type: ignore[attr-defined]
    verbs = [line.split()[0].upper() for line in relay.said]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
    assert relay.mails == []


async def test_channels_that_hang_are_tried_side_by_side(cast: Cast, relay: Relay) -> None:
    relay.answers["CONNECT"] = "hang"
    with Relay(answers={"CONNECT": "hang"}) as second:
        began = time.monotonic()
        tried = await found(
            cast,
            within_s=1,
            smtp_url=relay.url,
            watchdog_url=f"https://127.0.0.1:{second.port}/ping",
        )
    assert time.monotonic() - began < 1.9
    assert "no answer within ten seconds" in tried["email"].faults[0]  # type: ignore[attr-defined]
    assert tried["watchdog"].faults  # type: ignore[attr-defined]


async def test_a_gateway_is_reached_and_gets_nothing(cast: Cast, gateway: Gateway) -> None:
    tried = await found(cast, channels={"sms": gateway.template})
    assert not tried["sms"].faults  # type: ignore[attr-defined]
    assert gateway.taken == []


async def test_what_was_not_tried_is_said_in_one_line(cast: Cast, gateway: Gateway) -> None:
    channels = {"sms": gateway.template, "log": "syslog://{address}"}
    tried = await found(cast, channels=channels)
    line = untried_line(list(tried.values()))  # type: ignore[arg-type]
    assert line is not None
    assert "\n" not in line
    assert line.startswith("Not tried, since it would send: push: ")
    assert "sms: whether the gateway knows us" in line
    assert "log: anything" in line


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("json://127.0.0.1:8080/{address}", Place("127.0.0.1", 8080, is_tls=False)),
        ("jsons://sms.example.org/{address}", Place("sms.example.org", 443, is_tls=True)),
        ("mailto://u:p@example.org?to={address}", Place("example.org", 25, is_tls=False)),
        ("gotify://chat.example.org/token", Place("chat.example.org", 80, is_tls=False)),
        (
            "tgram://123456789:abcdefg_hijklmnop/{address}",
            Place("api.telegram.org", 443, is_tls=True),
        ),
        (
            f"twilio://AC{'a' * 32}:{'b' * 32}@15551234567/{{address}}",
            None,
        ),
        ("syslog://{address}", None),
    ],
)
def test_which_server_a_gateway_is(template: str, place: Place | None) -> None:
    assert place_of(template) == place


# --- people


def working(*names: str, resorts: int = 0) -> Channels:
    return Channels((), (), names, resorts)


async def proven(cast: Cast, name: str, channel: str = "email") -> None:
    person = cast.persons[name]
    value = f"{name}@example.org"
    await add_address(
        cast.actor(name), person.id, AddAddress(channel=channel, value=value), cast.clock()
    )


async def lines(cast: Cast, channels: Channels) -> list[str]:
    faults, notes = await checking.unreached(channels, cast.clock())
    assert not (faults and notes)
    return faults or notes


async def test_each_agency_counts_its_own_children(cast: Cast) -> None:
    here, there = await lines(cast, working("email"))
    assert "about 2 of 2 children would reach nobody" in here
    assert "about 1 of 1 children would reach nobody" in there


async def test_a_proven_address_of_the_caseworker_is_enough(cast: Cast) -> None:
    await proven(cast, "tom")
    [there] = await lines(cast, working("email"))
    assert "about 1 of 1 children" in there


async def test_an_address_by_a_channel_that_does_not_work_is_none(cast: Cast) -> None:
    await proven(cast, "tom")
    assert len(await lines(cast, working("push"))) == 2


async def test_an_address_that_nobody_has_proven_or_that_was_given_up_is_none(cast: Cast) -> None:
    await proven(cast, "tom")
    await Address.all().update(verified_at=None)
    assert len(await lines(cast, working("email"))) == 2
    await Address.all().update(verified_at=cast.clock(), dropped_at=cast.clock())
    assert len(await lines(cast, working("email"))) == 2


async def test_a_person_who_has_left_or_is_no_longer_assigned_counts_as_nobody(cast: Cast) -> None:
    await proven(cast, "tom")
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    assert len(await lines(cast, working("email"))) == 2
    await Person.filter(id=cast.tom.id).update(disabled_at=None)
    await Tie.filter(person_id=cast.tom.id).update(until_at=cast.clock())
    assert len(await lines(cast, working("email"))) == 2


async def test_a_deputy_counts_as_a_person_to_reach(cast: Cast) -> None:
    await Person.filter(id=cast.tom.id).update(deputy_id=cast.eve.id)
    await proven(cast, "eve")
    assert len(await lines(cast, working("email"))) == 1


async def test_who_is_on_duty_is_there_for_all_children(cast: Cast) -> None:
    await proven(cast, "eve")
    assert len(await lines(cast, working("email"))) == 2
    await cast.on_duty("eve", hours=8)
    assert len(await lines(cast, working("email"))) == 1


async def test_people_count_by_the_rungs_that_alerts_call(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_more_rung(children: dict[UUID, UUID], now: datetime) -> dict[UUID, Reachable]:
        return {child: Reachable({PEOPLED[-1]: {cast.eve.id}}) for child in children}

    await proven(cast, "eve")
    monkeypatch.setattr(checking, "reach_of", one_more_rung)
    assert await lines(cast, working("email")) == []


async def test_a_person_on_leave_counts_by_their_cover(cast: Cast) -> None:
    await proven(cast, "tom")
    now = cast.clock()
    await Leave.create(
        agency_id=cast.agency.id,
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=now,
        until_at=now + timedelta(days=7),
        made_at=now,
    )
    assert len(await lines(cast, working("email"))) == 2
    await proven(cast, "eve")
    assert len(await lines(cast, working("email"))) == 1


async def test_children_whose_placement_has_ended_need_nobody(cast: Cast) -> None:
    await Child.all().update(left_at=cast.clock())
    assert await lines(cast, working("email")) == []


async def test_a_last_resort_alone_is_a_fault_too(cast: Cast) -> None:
    faults, notes = await checking.unreached(working("email", resorts=1), cast.clock())
    assert [line.count("the last resort alone") for line in faults] == [1, 1]
    assert notes == []


async def test_an_address_that_its_service_refused_last_is_none(cast: Cast) -> None:
    await proven(cast, "tom")
    await Address.all().update(refused_at=cast.clock(), refused_why="no_mailbox")
    assert len(await lines(cast, working("email"))) == 2


async def test_adults_without_an_address_are_counted_and_only_the_first_are_listed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await proven(cast, "tom")
    adults = await Person.exclude(role="child").count()
    first, *ids = await checking.without_address(working("email"))
    assert f"{adults - 1} of {adults} adults" in first
    assert len(ids) == adults - 1
    assert not any(str(cast.tom.id) in line for line in ids)
    monkeypatch.setattr(checking, "MOST_LISTED", 2)
    assert (await checking.without_address(working("email")))[-1] == f"  and {adults - 3} more"


async def test_what_is_printed_names_no_person(cast: Cast) -> None:
    text = " ".join([*await lines(cast, working()), *await checking.without_address(working())])
    assert not [person.name for person in cast.persons.values() if person.name in text]
