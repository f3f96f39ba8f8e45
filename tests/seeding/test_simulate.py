"""`waymark simulate`: a made-up country in an empty database, on which everything goes on."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from tortoise.models import Model

from server.alerts.models import Alert
from server.app import create_app
from server.audit.models import Entry
from server.auth.sessions import open_session
from server.checkin.models import CheckIn
from server.errors import Refused
from server.notify.models import Delivery, Message
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import Role
from server.seeding import people
from server.seeding.actions import fill, sizes
from server.seeding.plan import Size, plans
from server.settings import load
from server.storage.copying import copy
from server.storage.db import fetch, write
from server.ticker import Ticker
from server.watch.models import Pause, Round, Watch
from tests.fixtures import Database, DrivenClock
from tests.fixtures_commands import Run

COUNTRY = Size(children=60, days=10, agencies=2)
SECRET = "the key of this test and of nothing else"


class Stopped(Exception):
    """The command was ended."""


def unheard(_rows: int, _what: str) -> None:
    """Says nothing."""


async def test_each_child_has_a_home_adults_and_the_days_that_were_asked_for(
    db: Database, clock: DrivenClock
) -> None:
    heard: list[int] = []
    rows = await fill(COUNTRY, clock(), lambda rows, _: heard.append(rows))
    tables: tuple[type[Model], ...]
    tables = (Agency, Home, Person, Child, Tie, Round, CheckIn, Message, Delivery, Entry, Watch)
    counts = {table.__name__: await table.all().count() for table in tables}
    assert counts["Agency"] == 2
    assert counts["Child"] == counts["Watch"] == 60
    assert counts["Person"] == 60 + counts["Home"] + 2
    assert counts["Tie"] == 120
    assert counts["Round"] == counts["CheckIn"] == counts["Entry"] == 600
    assert counts["Message"] == counts["Delivery"] > 100
    tokens = (await fetch("SELECT COUNT(*) AS n FROM search_token"))[0]["n"]
    assert rows == sum(counts.values()) + tokens + await Pause.all().count()
    assert heard[-1] == rows
    assert heard == sorted(heard)
    settled = await Round.all().values_list("settled_by", flat=True)
    assert set(settled) == set(await CheckIn.all().values_list("id", flat=True))
    assert not await Round.filter(due_at__gt=clock()).exists()
    if db.dialect == "postgres":
        for name in ("round", "check_in", "message", "delivery", "entry"):
            [left] = await fetch(f"SELECT COUNT(*) AS n FROM {name}_default")  # noqa: S608
            assert left["n"] == 0, "each row is in the table of its month"
        assert {"round", "check_in", "entry"} <= {name for name, _, _ in await sizes()}


# SQLite ends no transaction that does nothing.
@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_a_busy_machine_may_compute_for_long_between_two_parts(
    db: Database, clock: DrivenClock
) -> None:
    table = next(people.tables(next(plans(Size(1, 0, 1), clock()))))
    async with write():
        await copy(table, lambda _: None)
        [limit] = await fetch("SHOW idle_in_transaction_session_timeout")
    assert limit["idle_in_transaction_session_timeout"] == "0"


async def test_a_child_who_is_away_has_a_pause_of_their_own_in_whatever_agency(
    db: Database, clock: DrivenClock
) -> None:
    size = Size(children=1200, days=0, agencies=3)
    places = [place for plan in plans(size, clock()) for place in plan.away]
    assert len(set(places)) < len(places), "two of them have the same place in their agency"
    await fill(size, clock(), unheard)
    assert await Pause.all().count() == len(places)


async def test_it_is_never_made_beside_anyone(db: Database, clock: DrivenClock) -> None:
    await fill(Size(1, 0, 1), clock(), unheard)
    with pytest.raises(Refused, match="in an empty one"):
        await fill(COUNTRY, clock(), unheard)
    assert await Child.all().count() == 1


async def test_stopped_in_the_middle_it_leaves_whole_agencies(
    db: Database, clock: DrivenClock
) -> None:
    parts = 0

    def stop(_rows: int, _what: str) -> None:
        nonlocal parts
        parts += 1
        if parts > 15:  # An agency is written in thirteen.
            raise Stopped

    with pytest.raises(Stopped):
        await fill(COUNTRY, clock(), stop)
    assert await Agency.all().count() == 1
    assert await Child.all().count() == await Watch.all().count() == 30


async def test_the_ticker_goes_on_from_there(db: Database, clock: DrivenClock) -> None:
    await fill(Size(children=30, days=2, agencies=1), clock(), unheard)
    ticker = Ticker(load({"WAYMARK_SECRET_KEYS": SECRET}, Path("/nowhere")), {}, clock)
    [away] = await Pause.all().values_list("child_id", flat=True)
    for _ in range(6):
        clock.advance(hours=5)
        await ticker.tick()
    assert not await Watch.filter(quarantined_at__isnull=False).exists()
    late = set(await Round.filter(state="late").values_list("child_id", flat=True))
    assert late == set(await Child.all().values_list("id", flat=True)) - {away}
    assert await Alert.all().count() > 0


async def test_a_supervisor_reads_the_board_and_finds_a_child(
    db: Database, clock: DrivenClock, tmp_path: Path
) -> None:
    environ = {"WAYMARK_DATABASE_URL": db.url, "WAYMARK_SECRET_KEYS": SECRET}
    app = create_app(load(environ | {"WAYMARK_VAR": str(tmp_path)}, tmp_path), clock=clock)
    await fill(COUNTRY, clock(), unheard)
    supervisor = (await Person.filter(role=Role.SUPERVISOR))[0]
    child = (await Child.filter(agency_id=supervisor.agency_id).prefetch_related("person"))[0]
    async with write():
        token, _ = await open_session(supervisor, now=clock())
    headers = {"authorization": f"Bearer {token}", "accept": "text/html"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        board = await client.get("/desk/", headers=headers)
        assert board.status_code == 200
        sealed = await client.post(
            "/desk/find", headers=headers, data={"q": child.person.name.split()[0]}
        )
        found = await client.get(sealed.headers["location"], headers=headers)
        assert str(child.id) in found.text
        page = await client.get(f"/desk/children/{child.id}", headers=headers)
        assert page.status_code == 200
        assert child.person.name in page.text


def test_the_same_seed_draws_the_same_names(clock: DrivenClock) -> None:
    def names(seed: int) -> list[str]:
        size = Size(40, 3, 2, seed)
        return [name for plan in plans(size, clock()) for name in plan.child_names]

    assert names(1) == names(1) != names(2)
    assert len(names(1)) == 40


def test_the_command_says_what_it_made(run: Run, migrated_var: Path) -> None:
    settings = {"WAYMARK_SECRET_KEYS": SECRET, "WAYMARK_VAR": str(migrated_var)}
    code, told, _ = run("simulate", "--children", "40", "--days", "2", **settings)
    assert code == 0
    assert told.startswith("Made: 1 agency with 40 children and 2 days behind each, ")
    code, _, wrong = run("simulate", "--children", "40", "--days", "2", **settings)
    assert (code, len(wrong)) == (1, 1)
    assert wrong[0].startswith("There is an agency in this database.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--children", "0", "--days", "2"), "--children is 1 or more"),
        (("--children", "5", "--days", "-1"), "--days is 0 or more"),
        (("--children", "5", "--days", "1", "--agencies", "6"), "--agencies is 1 or more"),
        (("--children", "many", "--days", "1"), "invalid int value"),
    ],
)
def test_a_size_that_cannot_be_is_one_clear_line(
    run: Run, migrated_var: Path, words: tuple[str, ...], says: str
) -> None:
    code, _, wrong = run("simulate", *words, WAYMARK_VAR=str(migrated_var))
    assert code != 0
    assert len(wrong) == 1
    assert says in wrong[0]
