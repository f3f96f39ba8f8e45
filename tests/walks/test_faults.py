"""What can go wrong underneath: nobody looked, two look, the disk is full, the database is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from server.alerts.models import Alert
from server.audit.actions import Actor, seal, verify
from server.checkin.actions import record
from server.checkin.models import CheckIn
from server.checkin.rules import Answer
from server.notify.models import Message
from server.people.rules import Role
from server.storage.db import fetch
from server.watch import ticking
from server.watch.carer.models import Question
from server.watch.models import Beat, Blind, Round, Watch
from tests import postgres as postgresql
from tests.races import no_fault, together
from tests.walks.crowd import crowd
from tests.walks.stage import LAST_RESORT, Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def doubled(table: str, *columns: str) -> list[object]:
    """Rows that stand more than once for what must stand once."""
    what = ", ".join(columns)
    return list(
        await fetch(
            f"SELECT {what}, count(*) AS n FROM {table} GROUP BY {what} HAVING count(*) > 1"  # noqa: S608
        )
    )


async def nothing_doubled() -> None:
    assert not await doubled("round", "child_id", "due_at")
    assert not await doubled("alert", "child_id", "cause")
    once = ("subject_id", "kind", "rung", "turn", "to_key", "channel")
    assert not await doubled("message", *once)


# --- nobody looked


async def test_after_twelve_hours_of_downtime_everything_is_found_once_and_the_oldest_first(
    stage: Stage,
) -> None:
    await stage.subscribe("mia", "sam", "tom", "ines")
    await crowd(stage.cast, 20)
    await stage.beat()
    begun = stage.clock()
    stage.clock.advance(hours=12)
    await stage.ticker.tick()
    await nothing_doubled()

    [blind] = await Blind.all()
    assert (blind.from_at, blind.until_at) == (begun, stage.clock())
    alerts = await Alert.all()
    assert len(alerts) == 23
    for alert in alerts:
        assert alert.opened_at < alert.noticed_at == stage.clock()
        assert alert.facts["unseen"] == [begun.isoformat(), stage.clock().isoformat()]
    rounds = await Round.filter(child_id=stage.cast.mia.id)
    assert [(one.due_at, one.state) for one in rounds] == [(DUE, "late")]

    # Grouped: of each child one reminder to the child, one question, one call to the caseworker.
    per_child = Counter(await Message.all().values_list("child_id", "kind"))
    assert set(per_child.values()) == {1}
    while await stage.ticker.worker.run_once():
        pass
    assert len(stage.shown("tom")) == 1, "one about all children of his"
    assert not stage.shown("ines"), "the deputy has not had her turn"
    await stage.ticker.tick()
    await nothing_doubled()
    assert len(stage.shown("tom")) == 1


async def test_the_ladder_gives_everyone_their_whole_time_after_downtime(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    await stage.beat()
    stage.clock.advance(hours=12)
    await stage.beat()
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == (1, 0)
    await stage.until(minutes=29)
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == (1, 0)
    await stage.until(minutes=1)
    assert (len(stage.shown("tom")), len(stage.shown("ines"))) == (1, 1)


async def test_a_mail_after_downtime_says_from_when_until_when_we_saw_nothing(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.beat()
    stage.clock.advance(hours=12)
    await stage.beat()
    await stage.ticker.send()
    [mail] = stage.mails_to(LAST_RESORT)
    said = mail.message.get_content()
    assert "Our server was down" in said
    assert "Mia" not in said


async def test_an_open_alert_whose_ladder_passed_in_the_dark_tells_each_person_once(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    await stage.until(DUE + 105 * MINUTE)
    assert len(stage.shown("tom")) == 1
    stage.clock.advance(hours=12)
    await stage.beat()
    await stage.ticker.send()
    kinds = Counter((str(m.to_key), m.kind) for m in await Message.filter(queued_at=stage.clock()))
    assert set(kinds.values()) == {1}
    alert = await stage.open_alert("mia")
    assert alert.next_action_at is not None
    assert alert.next_action_at > stage.clock()


@pytest.mark.parametrize(
    ("day", "due"),
    [
        # The clocks of Paris go forward on the 29th of March, and back on the 25th of October.
        ((2026, 3, 28), [(2026, 3, 28, 17), (2026, 3, 29, 16), (2026, 3, 30, 16)]),
        ((2026, 10, 24), [(2026, 10, 24, 16), (2026, 10, 25, 17), (2026, 10, 26, 17)]),
    ],
)
async def test_when_the_clocks_change_the_child_is_asked_at_the_same_hour_of_its_wall(
    stage: Stage, day: tuple[int, int, int], due: list[tuple[int, int, int, int]]
) -> None:
    await stage.only("mia")
    stage.clock.set(datetime(*day, 0, tzinfo=UTC))
    await stage.ticker.tick()
    await stage.check_in("mia")
    for alert in await Alert.filter(closed_at__isnull=True):
        await stage.close("tom", alert.id)
    await stage.subscribe("mia")
    for moment in due:
        at = datetime(*moment, tzinfo=UTC)
        await stage.until(at - 61 * MINUTE)
        shown = len(stage.shown("mia"))
        assert (await stage.watch("mia")).due_at == at
        await stage.until(at - 60 * MINUTE)
        assert len(stage.shown("mia")) == shown + 1
        assert (await stage.check_in("mia"))["standing"] == "well"
    answered = await Round.filter(child_id=stage.cast.mia.id, state="answered")
    assert {one.due_at for one in answered} >= {datetime(*one, tzinfo=UTC) for one in due}


async def test_a_clock_that_is_set_back_calls_nobody_twice(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "sam", "mia")
    await stage.until(DUE + 105 * MINUTE)
    before = [len(stage.shown(name)) for name in ("tom", "sam", "mia")]
    stage.clock.advance(minutes=-10)
    for _ in range(10):
        stage.clock.advance(minutes=1)
        await stage.beat()
    assert [len(stage.shown(name)) for name in ("tom", "sam", "mia")] == before
    await nothing_doubled()


# --- two look


async def test_two_tickers_and_two_hundred_rows_that_are_due_double_nothing(
    stage: Stage,
) -> None:
    await crowd(stage.cast, 200)
    stage.clock.set(DUE + 105 * MINUTE)
    tickers = [stage.ticker, stage.another_ticker(), stage.another_ticker()]
    no_fault(await together(*(ticker.tick() for ticker in tickers)))
    await stage.ticker.tick()
    await nothing_doubled()
    assert await Alert.all().count() == 203
    assert await Question.all().count() == 201
    assert await Round.filter(state="late").count() == 203
    assert await Message.filter(kind="alert").count() == 203
    stage.clock.advance(minutes=30)
    no_fault(await together(*(ticker.tick() for ticker in tickers)))
    await stage.ticker.tick()
    await nothing_doubled()
    assert not await Alert.filter(next_action_at__lte=stage.clock())
    assert await verify() is None
    while await seal(stage.clock()):
        pass
    assert await verify() is None


async def test_answers_that_race_two_tickers_are_all_kept(stage: Stage) -> None:
    """Two hundred children are called about while some of them answer."""
    children = await crowd(stage.cast, 40)
    stage.clock.set(DUE + 105 * MINUTE)

    async def settle(child_id: UUID) -> None:
        actor = Actor(child_id, "child", stage.cast.agency.id)
        answer = Answer(uuid4(), stage.clock())
        await record(actor, Role.CHILD, child_id, answer, stage.clock())

    half = children[::2]
    found = await together(
        stage.ticker.tick(), *(settle(id) for id in half), stage.another_ticker().tick()
    )
    no_fault(found)
    await stage.ticker.tick()
    await nothing_doubled()
    assert await CheckIn.all().count() == len(half)
    standings = Counter(await Watch.filter(child_id__in=half).values_list("standing", flat=True))
    assert standings == {"well": len(half)}
    assert not await Alert.filter(child_id__in=half, closed_at__isnull=True)
    others = await Watch.filter(child_id__in=children[1::2]).values_list("standing", flat=True)
    assert set(others) == {"alerted"}


# --- a phone hangs up


async def test_a_request_that_is_cancelled_anywhere_writes_all_or_nothing(stage: Stage) -> None:
    await stage.only("mia")
    await stage.until(DUE - HOUR)
    mia = stage.cast.mia.id
    outcomes: Counter[str] = Counter()
    for steps in [*range(0, 60, 3), *range(60, 400, 20)]:
        id = uuid4()
        body = {"id": str(id), "said_at": stage.clock().isoformat(), "note": "Hello"}
        task = asyncio.create_task(stage.send("mia", "POST", "/api/v1/check-ins", body))
        for _ in range(steps):
            if task.done():
                break
            await asyncio.sleep(0 if steps % 2 else 0.0001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        kept = await CheckIn.filter(id=id).exists()
        entries = await fetch("SELECT id FROM entry WHERE about_id = $1", [id])
        assert len(entries) == int(kept), steps
        outcomes["kept" if kept else "nothing"] += 1
        again = await stage.send("mia", "POST", "/api/v1/check-ins", body)
        assert again.status_code == (200 if kept else 201), again.text
    assert outcomes["nothing"] > 0
    assert await CheckIn.filter(child_id=mia).count() == sum(outcomes.values())
    assert (await Watch.get(child_id=mia)).due_at == DUE + DAY


# --- the disk is full


@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_full_disk_says_so_loses_nothing_and_is_over_when_there_is_room(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await crowd(stage.cast, 60)
    await stage.subscribe("tom")
    await stage.until(DUE - HOUR)
    [pages] = await fetch("PRAGMA page_count")
    await fetch(f"PRAGMA max_page_count = {pages['page_count'] + 2}")
    kept, refused = [], []
    for _ in range(30):
        body = {"id": str(uuid4()), "said_at": stage.clock().isoformat(), "note": "x" * 2000}
        answer = await stage.send("mia", "POST", "/api/v1/check-ins", body)
        (kept if answer.status_code == 201 else refused).append(body)
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            problem = answer.json()
            assert problem["code"] == "unavailable"
            assert answer.headers["content-type"].startswith("application/problem+json")
    assert kept
    assert refused
    assert await CheckIn.all().count() == len(kept)
    stage.clock.set(DUE + DAY + 105 * MINUTE)
    await stage.ticker.first()
    assert (await stage.watch("mia")).standing != "alerted", "nothing could be written"
    assert (await stage.send("mia", "GET", "/api/v1/me")).status_code == 200, "reading goes on"

    await fetch("PRAGMA max_page_count = 1073741823")
    stage.clock.advance(minutes=1)
    await stage.ticker.first()
    assert (await stage.watch("mia")).standing == "alerted"
    for body in refused:
        answer = await stage.send("mia", "POST", "/api/v1/check-ins", body)
        assert answer.status_code == 201
    assert await CheckIn.all().count() == 30
    for _ in range(2):  # A pass of the worker takes a hundred of what is due, and there is more.
        await stage.ticker.send()
    assert stage.shown("tom")
    await nothing_doubled()


# --- the database is away


@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
async def test_the_database_is_away_for_a_minute_and_everything_is_caught_up(
    stage: Stage, postgres: postgresql.Server
) -> None:
    await stage.only("mia")
    await stage.subscribe("tom", "mia")
    await stage.until(DUE + 105 * MINUTE - timedelta(seconds=30))
    body = {"id": str(uuid4()), "said_at": stage.clock().isoformat()}

    async def health() -> int:
        async with stage.cast.client() as client:
            return (await client.get("/health")).status_code

    assert await health() == 200
    with postgres.away():
        stage.clock.advance(minutes=1)
        await stage.ticker.first()
        with pytest.raises(Exception):  # noqa: B017, PT011 (whatever the worker meets is logged by its loop)
            await stage.ticker.send()
        assert await health() == 503
        async with stage.cast.client_as("mia") as client:
            answer = await client.post("/api/v1/check-ins", json=body)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not stage.shown("tom")
    await stage.ticker.first()
    await stage.ticker.send()
    assert await health() == 200
    alert = await stage.open_alert("mia")
    assert alert.opened_at == DUE + 105 * MINUTE
    assert len(stage.shown("tom")) == 1
    answer = await stage.send("mia", "POST", "/api/v1/check-ins", body)
    assert answer.status_code == 201
    await nothing_doubled()


async def test_a_beat_is_shared_by_all_tickers(stage: Stage) -> None:
    other = stage.another_ticker()
    for _ in range(5):
        stage.clock.advance(minutes=1)
        await (other if _ % 2 else stage.ticker).tick()
    assert not await Blind.all()
    assert await Beat.filter(name=ticking.TICK).count() == 1
