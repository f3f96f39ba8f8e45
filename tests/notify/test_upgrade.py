"""Addresses of the releases before somebody had to answer from there: nobody gets out of reach, and
each is told that nobody has ever answered from theirs."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from server.app import create_app
from server.auth.passwords import Passwords
from server.notify.actions import Saying, queue
from server.notify.channels.email import Email
from server.notify.contact_routes import ways_of
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.notify.worker import Worker
from server.people.models import Agency, Home, Person
from server.people.rules import Role
from server.security import encryption
from server.settings import load
from server.storage import bulk
from server.storage.db import fetch, write
from server.storage.engines.migrate import migrate
from tests.cast import ORIGIN, Cast
from tests.desk.walking import at_desk
from tests.doubles.smtp import Relay
from tests.fixtures import Database, DrivenClock
from tests.storage.test_migrate import opened

BEFORE = "0020_by_way"
NOBODY_ANSWERED = "you have never confirmed it"


async def stored_before(clock: DrivenClock) -> Person:
    """Tom with an address, written as that release wrote it."""
    agency, tom, now = uuid4(), uuid4(), clock()
    common = {"agency_id": agency, "made_at": now}
    who = {"role": Role.CASEWORKER, "name": "Tom Verhoeven", "language": "en", "zone": "UTC"}
    what = {
        "channel": "email",
        "value": "tom@example.org",
        "value_index": encryption.blind("email:tom@example.org"),
    }
    async with write():
        house = {"name": "Harbour", "language": "en", "zone": "UTC"}
        await bulk.insert(Agency, [{"id": agency, **house, "made_at": now}])
        await bulk.insert(Person, [{"id": tom, **common, **who}])
        await bulk.insert(Address, [{"id": uuid4(), "person_id": tom, **common, **what}])
    [stored] = await fetch("SELECT * FROM address")
    assert "verified_at" not in stored, "that release knew of nothing to prove"
    return Person(id=tom, agency_id=agency, role=Role.CASEWORKER)


async def test_an_address_from_before_is_called_and_its_person_told_that_nobody_ever_answered(
    empty: Database,
    keyring: encryption.Keyring,
    clock: DrivenClock,
    passwords: Passwords,
    relay: Relay,
    tmp_path: Path,
) -> None:
    await migrate(empty.url, target=BEFORE)
    async with opened(empty):
        tom = await stored_before(clock)
    await migrate(empty.url)
    async with opened(empty):
        await is_called_as_ever(tom, clock, relay)
        cast = await as_cast(tom, empty, clock, passwords, tmp_path)
        await is_told_until_a_code_comes_back(cast)


async def is_called_as_ever(tom: Person, clock: DrivenClock, relay: Relay) -> None:
    assert (await ways_of([tom.id], clock()))[tom.id].proven == ("email",)
    mail = Email(relay.url, mail_from="planner@example.org", clock=clock)
    worker = Worker(
        {"email": mail}, public_url=ORIGIN, display_name="Planner", last_resort=(), clock=clock
    )
    saying = Saying(
        kind=Kind.ALERT,
        agency_id=tom.agency_id,
        subject_kind="alert",
        subject_id=uuid4(),
        person_id=tom.id,
        urgency="high",
    )
    async with write():
        await queue([saying], clock())
    assert await worker.run_once() == 1
    assert [one.recipients for one in relay.mails] == [["tom@example.org"]]
    assert (await Message.get(kind=Kind.ALERT.value)).state == "done"


async def as_cast(
    tom: Person, empty: Database, clock: DrivenClock, passwords: Passwords, folder: Path
) -> Cast:
    values = {
        "WAYMARK_DATABASE_URL": empty.url,
        "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
        "WAYMARK_PUBLIC_URL": ORIGIN,
        "WAYMARK_VAR": str(folder / "var"),
    }
    settings = load(values, folder)
    app = create_app(settings, clock=clock, passwords=passwords)
    agency = await Agency.get(id=tom.agency_id)
    persons = {"tom": await Person.get(id=tom.id)}
    return Cast(app, clock, settings, agency, agency, Home(), persons=persons)


async def is_told_until_a_code_comes_back(cast: Cast) -> None:
    path = f"/desk/settings/addresses/{(await Address.get()).id}"
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/settings")).text
        assert NOBODY_ANSWERED in page
        assert "we do not use it" not in page
        [shown] = (await browser.get("/api/v1/me/reaching")).json()["addresses"]
        assert (shown["verified_at"] is not None, shown["has_answered"]) == (True, False)
        assert (await browser.post(f"{path}/again", data={})).status_code == 303
        sent = await Message.get(kind=Kind.VERIFY.value)
        wrong = await browser.post(f"{path}/code", data={"code": "nonsense"})
        assert wrong.status_code == 422
        # It counts meanwhile, and after a wrong guess too.
        ways = await ways_of([cast.tom.id], cast.clock())
        assert ways[cast.tom.id].proven == ("email",)
        done = await browser.post(f"{path}/code", data={"code": sent.data["code"]})
        page = (await browser.get(done.headers["location"])).text
    assert "Address confirmed." in page
    assert NOBODY_ANSWERED not in page
    assert (await Address.get()).has_answered
