"""The demo agency: what a newcomer and a trainer find, at the first start and at each one after."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pypdfium2 import PdfDocument

from server.__main__ import _make_ready
from server.alerts import climbing
from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.audit.actions import SYSTEM, verify
from server.auth.passwords import new_password
from server.auth.rules import is_good_password
from server.checkin.models import CheckIn
from server.demo import fast, loader
from server.demo.cast import CAST
from server.errors import Refused
from server.missing.profile.rules import age_on
from server.notify.models import Message
from server.people.agencies.actions import AddAgency, add_agency
from server.people.models import Agency, Child, Person
from server.policy.model import SHIPPED, Tier
from server.policy.parser import read
from server.storage.db import close_database, open_database
from server.watch import ticking
from server.watch.carer.models import Question
from server.watch.models import Round, Watch
from server.watch.watch_alerts import open_missing
from tests.copies import replace
from tests.snapshot import Rows, dump, restore

STAFF = {"tom", "ines", "ada", "sam", "eve", "root", "uwe"}
CHILDREN = {"mia", "noor", "lia"}
FIRST_LOAD_S = 6


@pytest.fixture
def prepare(db, settings, passwords, clock):
    """`await prepare()`: what a start of the demo does, now; it returns the ways in."""
    return lambda: loader.prepare(settings, passwords, lambda _line: None, clock())


# What lay there before the first load: one password that a script knows.
KEPT = {"staff": {"tom": {"password": "the kept one of Tom"}}}


@dataclass(frozen=True)
class Loaded:
    """What a first load made, in a database that is gone since."""

    rows: Rows
    ways_in: dict[str, Any]
    file: str
    mode: int
    took_s: float


# Made once for each kind of database and moment; every further first start gets the same rows.
_loaded: dict[object, Loaded] = {}


@pytest.fixture
def load(prepare, db, settings, clock):
    """`await load()`: a first load as it was, or now where there was none at this moment."""

    async def load() -> Loaded:
        file, key = settings.var / "demo.json", (db.dialect, clock())
        if key not in _loaded:
            file.write_text(json.dumps(KEPT))
            file.chmod(0o644)
            began = time.process_time()
            ways_in = await prepare()
            took_s = time.process_time() - began
            mode = stat.S_IMODE(file.stat().st_mode)
            _loaded[key] = Loaded(await dump(), ways_in, file.read_text(), mode, took_s)
        return _loaded[key]

    return load


@pytest.fixture
def start(prepare, load, settings):
    """What a start does; where nothing is there yet, with the rows of an earlier load."""

    async def start():
        file = settings.var / "demo.json"
        if file.exists() or await Agency.exists():
            return await prepare()
        loaded = await load()
        if not await Agency.exists():
            await restore(loaded.rows)
            loader._write(file, loaded.ways_in)
        return loaded.ways_in

    return start


@pytest.fixture
def client(app):
    transport = httpx2.ASGITransport(app, client=("203.0.113.7", 50000))
    return lambda **how: httpx2.AsyncClient(transport=transport, base_url="http://localhost", **how)


async def _signed_in(client, ways_in, name):
    said = {"name": name, "password": ways_in["staff"][name]["password"]}
    async with client() as stranger:
        answer = await stranger.post("/api/v1/sessions", json=said)
    assert answer.status_code == 201, answer.text
    return client(headers={"authorization": f"Bearer {answer.json()['token']}"})


# --- the ways in


@pytest.mark.slow
async def test_the_file_for_scripts_has_the_shape_that_was_promised(load, settings):
    loaded = await load()
    found = json.loads(loaded.file)
    assert found == loaded.ways_in
    assert set(found) == {"url", "staff", "children"}
    assert found["url"] == settings.public_url
    assert set(found["staff"]) == STAFF
    assert all(set(entry) == {"password"} for entry in found["staff"].values())
    assert set(found["children"]) == CHILDREN
    for entry in found["children"].values():
        assert set(entry) == {"id", "code", "link"}
        assert UUID(entry["id"])
        assert entry["link"] == f"{settings.public_url}/app/#pair={entry['code']}"


async def test_nobody_else_can_read_the_file_that_lay_open_before(load, start, settings):
    assert (await load()).mode == 0o600
    await start()
    (settings.var / "demo.json").write_text("{}")
    (settings.var / "demo.json").chmod(0o644)
    await start()
    assert stat.S_IMODE((settings.var / "demo.json").stat().st_mode) == 0o600


@pytest.mark.slow
async def test_everybody_comes_in_and_sees_what_is_theirs(start, client):
    ways_in = await start()
    seen = {}
    for name in STAFF:
        async with await _signed_in(client, ways_in, name) as browser:
            answer = (await browser.get("/api/v1/children")).json()
            seen[name] = {child["name"].split()[0].lower() for child in answer["children"]}
    nobody: set[str] = set()
    assert seen == {
        "tom": {"mia", "noor"},
        "ines": {"mia", "noor"},
        "ada": {"noor"},
        "sam": {"mia"},
        "eve": nobody,
        "root": nobody,
        "uwe": {"lia"},
    }


async def test_passwords_stay_over_restarts_and_codes_are_new_each_time(start, client, clock):
    first = await start()
    clock.advance(hours=3)
    second = await start()
    assert second["staff"] == first["staff"]
    assert all(first["children"][c]["code"] != second["children"][c]["code"] for c in CHILDREN)
    assert all(first["children"][c]["id"] == second["children"][c]["id"] for c in CHILDREN)
    async with await _signed_in(client, second, "tom") as tom:
        assert (await tom.get("/api/v1/me")).json()["person"]["name"] == "Tom Verhoeven"


async def test_a_password_whose_file_is_lost_is_made_anew_and_works(start, client, settings):
    first = await start()
    (settings.var / "demo.json").unlink()
    second = await start()
    assert stat.S_IMODE((settings.var / "demo.json").stat().st_mode) == 0o600
    assert all(first["staff"][name] != second["staff"][name] for name in STAFF)
    async with await _signed_in(client, second, "ines") as ines:
        assert (await ines.get("/api/v1/me")).status_code == 200


async def test_passwords_stay_where_the_database_is_lost(load):
    staff = (await load()).ways_in["staff"]
    assert staff["tom"] == KEPT["staff"]["tom"]
    assert len({entry["password"] for entry in staff.values()}) == len(STAFF)


async def test_a_code_pairs_a_phone_once(start, client):
    await start()
    children = (await start())["children"]
    for name in sorted(CHILDREN):
        said = {"code": children[name]["code"], "device": {"id": str(uuid4())}}
        async with client() as phone:
            answer = await phone.post("/api/v1/pair", json=said)
            assert answer.status_code == 201, (name, answer.text)
            assert answer.json()["child"]["id"] == str(loader.id_of(name))
            again = await phone.post("/api/v1/pair", json={**said, "device": {"id": str(uuid4())}})
            assert again.status_code in (404, 409, 422), name


def test_what_is_printed_holds_every_way_in():
    staff = {name: {"password": f"p-{name}"} for name in STAFF}
    children = {c: {"id": c, "code": f"C{c}", "link": f"http://x/app/#pair=C{c}"} for c in CHILDREN}
    found = {"url": "http://x", "staff": staff, "children": children}
    told = "\n".join(loader.lines(found, is_served=True))
    assert "http://x" in told
    assert all(f"{name} " in told and f"p-{name}" in told for name in STAFF)
    assert "Stop with" in told
    assert "waymark serve" in "\n".join(loader.lines(found, is_served=False))
    assert all(f"C{c} " in told and f"http://x/app/#pair=C{c}" in told for c in CHILDREN)


# --- what is there


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=7), timedelta(days=12)])
async def test_noor_is_in_her_first_72_hours_whenever_it_is_started(start, clock, later):
    await start()
    clock.advance(seconds=later.total_seconds())
    await start()
    noor = await Child.get(id=loader.id_of("noor"))
    watch = await Watch.get(child_id=noor.id)
    assert clock() - timedelta(hours=72) < noor.placed_at < clock()
    assert (watch.tier, watch.tier_then) == ("high", "mid")
    assert watch.tier_until_at == noor.placed_at + timedelta(hours=72)
    clock.set(watch.tier_until_at)
    await ticking.WATCHES.tick(clock())
    assert (await Watch.get(child_id=noor.id)).tier == "mid"


async def test_the_children_are_as_old_as_the_cast_however_old_the_demo_is(start, clock):
    await start()
    began = clock.set(datetime(2028, 2, 29, 23, 30, tzinfo=UTC))
    await start()
    first = {name: (await Child.get(id=loader.id_of(name))).birthday for name in CHILDREN}
    for later in (0, 63, 300, 303, 1_200):
        clock.set(began + timedelta(days=later))
        await start()
        for name, age in (("mia", 14), ("noor", 16), ("lia", 15)):
            child = await Child.get(id=loader.id_of(name))
            assert age_on(child.birthday, clock().date()) == age, (name, later)
            if later <= 63:
                assert child.birthday == first[name], "a birthday stays while the age is right"


async def test_the_packs_of_the_demo_say_when_the_child_was_born(start, client):
    ways_in = await start()
    why = {"x-waymark-reason": "for a test"}
    async with await _signed_in(client, ways_in, "tom") as tom:
        for name, age in (("mia", 14), ("noor", 16)):
            child = await Child.get(id=loader.id_of(name))
            pack = await tom.get(f"/api/v1/children/{child.id}/pack", headers=why)
            paper = await tom.get(f"/api/v1/children/{child.id}/pack.pdf", headers=why)
            desk = await tom.get(f"/desk/children/{child.id}/people")
            record = pack.json()["record"]
            assert (record["born_on"], record["age"]) == (child.born_on, age), name
            pages = PdfDocument(paper.content)
            words = " ".join(page.get_textpage().get_text_range() for page in pages)
            for shown in (words, desk.text):
                assert str(child.birthday.year) in shown, name
            assert "Born: not known" not in " ".join(words.split()), name


async def test_there_are_four_weeks_of_history_like_real_ones(start, clock):
    await start()
    for name, a_day in (("mia", 1), ("noor", 2), ("lia", 1)):
        child = loader.id_of(name)
        rounds = await Round.filter(child_id=child, state__not="open")
        assert 27 * a_day <= len(rounds) <= 28 * a_day + 1
        first = min(one.due_at for one in rounds)
        assert clock() - timedelta(days=28) <= first <= clock() - timedelta(days=27)
        said = await CheckIn.filter(child_id=child)
        assert any(one.note for one in said)
        assert {one.mood for one in said} >= {None, 3, 4}
    assert await CheckIn.filter(is_late=True).exists()
    assert await Question.filter(answer="seen").exists()
    assert await Alert.filter(closed_at__isnull=False).exists()


async def test_the_board_is_calm_and_nothing_is_left_to_do_or_to_send(start, clock):
    await start()
    assert not await Alert.filter(closed_at__isnull=True).exists()
    assert not await Message.filter(state="waiting").exists()
    assert not await Watch.filter(next_action_at__lte=clock()).exists()
    assert {watch.standing for watch in await Watch.all()} <= {"well", "due"}


async def test_the_record_of_it_is_whole(start):
    await start()
    assert await verify() is None


async def test_agencies_are_two(start):
    await start()
    assert {agency.name for agency in await Agency.all()} == {"Harbour", "Lantern"}
    lia = await Person.get(id=loader.id_of("lia"))
    uwe = await Person.get(id=loader.id_of("uwe"))
    mia = await Person.get(id=loader.id_of("mia"))
    assert lia.agency_id == uwe.agency_id != mia.agency_id


async def test_a_database_of_others_is_refused_and_left_alone(prepare, clock, settings):
    now = clock()
    await add_agency(SYSTEM, AddAgency(name="Another", language="en", zone="Europe/Paris"), now)
    with pytest.raises(Refused, match="not the demo's"):
        await prepare()
    assert await Agency.all().count() == 1
    assert not await Person.exists()
    assert not (settings.var / "demo.json").exists()


@pytest.mark.slow
async def test_two_starts_at_once_load_it_once(prepare):
    first, second = await asyncio.gather(prepare(), prepare())
    assert await Agency.all().count() == 2
    assert await Person.all().count() == len(STAFF | CHILDREN)
    assert first["children"].keys() == second["children"].keys()


async def test_the_first_load_does_not_let_a_newcomer_wait(load):
    assert (await load()).took_s < FIRST_LOAD_S


# --- a rhythm of seconds


async def _watch_until(clock, moment):
    while clock() < moment:
        clock.advance(seconds=5)
        await ticking.WATCHES.tick(clock())
        await climbing.ALERTS.tick(clock())


async def _is_shipped():
    watch = await Watch.get(child_id=loader.id_of("mia"))
    policy, _ = await policy_of(loader.id_of("harbour"))
    return watch.rhythm == {"at": ["18:00"]} and policy == read(SHIPPED)


async def test_a_trainer_can_show_everything_within_two_minutes(start, clock):
    await start()
    await fast.begin_fast(clock())
    began = clock()
    mia = loader.id_of("mia")
    await _watch_until(clock, began + timedelta(seconds=120))
    messages = await Message.filter(child_id=mia, queued_at__gte=began)
    told = [(message.person_id, message.queued_at - began) for message in messages]
    first = {person: min(at for p, at in told if p == person) for person, _ in told}
    people = [loader.id_of(name) for name in ("mia", "sam", "tom", "ines")]
    assert [first[person] for person in people] == sorted(first[person] for person in people)
    assert first[loader.id_of("ines")] <= timedelta(seconds=120)
    alert = await Alert.get(child_id=mia, closed_at__isnull=True)
    assert alert.opened_at - began <= timedelta(seconds=100)


@pytest.mark.parametrize("hour", [13, 16, 17, 20])
async def test_the_first_is_due_within_a_minute_at_any_time_of_day(start, clock, hour):
    await start()
    day = clock().astimezone(ZoneInfo("Europe/Paris"))
    clock.set(day.replace(hour=hour, minute=29, second=30))
    await ticking.WATCHES.tick(clock())
    await start()
    await _is_due_within_a_minute(clock)


# A first load at another moment takes seconds, and what the databases do is the same in each.
@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_the_first_is_due_within_a_minute_where_the_demo_was_loaded_after_the_check_in(
    start, clock
):
    day = clock().astimezone(ZoneInfo("Europe/Paris"))
    clock.set(day.replace(hour=18, minute=29, second=30))
    await start()
    await start()
    await _is_due_within_a_minute(clock)


async def _is_due_within_a_minute(clock):
    await fast.begin_fast(clock())
    watch = await Watch.get(child_id=loader.id_of("mia"))
    assert watch.due_at - clock() <= timedelta(seconds=60)


@pytest.mark.parametrize("looks", [1, 60])
async def test_every_miss_is_counted_however_often_one_looks(start, clock, looks):
    await start()
    await fast.begin_fast(clock())
    for _ in range(looks):
        clock.advance(minutes=60 / looks)
        await ticking.WATCHES.tick(clock())
    late = await Round.filter(child_id=loader.id_of("mia"), state="late").count()
    alert = await Alert.get(child_id=loader.id_of("mia"), closed_at__isnull=True)
    assert (late, alert.misses) == (59, 59)


async def test_only_mia_is_fast(start, clock):
    await start()
    before = {w.child_id: w.rhythm for w in await Watch.exclude(child_id=loader.id_of("mia"))}
    await fast.begin_fast(clock())
    policy, _ = await policy_of(loader.id_of("harbour"))
    for tier in (Tier.HIGH, Tier.MID):
        assert policy.tiers[tier].ladder == read(SHIPPED).tiers[tier].ladder
        steps = replace(policy.tiers[tier].steps, rest=None)
        assert steps == replace(read(SHIPPED).tiers[tier].steps, rest=None)
    assert before == {
        w.child_id: w.rhythm for w in await Watch.exclude(child_id=loader.id_of("mia"))
    }


async def test_it_ends_with_a_calm_board_and_the_rhythm_from_before(start, clock):
    await start()
    await fast.begin_fast(clock())
    assert not await _is_shipped()
    await _watch_until(clock, clock() + timedelta(minutes=2))
    await fast.end_fast(clock())
    assert await _is_shipped()
    assert not await Alert.filter(closed_at__isnull=True).exists()
    assert (await Watch.get(child_id=loader.id_of("mia"))).next_action_at > clock()
    await fast.end_fast(clock())
    assert await _is_shipped()


async def test_a_start_after_mia_was_said_to_be_missing_goes_on_with_the_search(start, clock):
    await start()
    await fast.begin_fast(clock())
    alert = await open_missing(SYSTEM, loader.id_of("mia"), None, clock())
    clock.advance(minutes=1)
    await fast.end_fast(clock())
    await fast.begin_fast(clock())
    assert (await Alert.get(id=alert.id)).closed_at is None
    assert (await Watch.get(child_id=loader.id_of("mia"))).is_missing


async def test_it_can_begin_again(start, clock):
    await start()
    for _ in range(2):
        await fast.begin_fast(clock())
        await _watch_until(clock, clock() + timedelta(seconds=30))
        await fast.end_fast(clock())
        clock.advance(minutes=1)
    assert await _is_shipped()


async def test_after_a_kill_the_next_start_ends_fast_mode_no_matter_who_starts(
    start, db, settings, clock
):
    await start()
    await fast.begin_fast(clock())
    await close_database()
    await _make_ready(settings)
    await open_database(db.url)
    assert await _is_shipped()


async def test_without_a_demo_nothing_is_slowed_down(db, clock):
    await fast.end_fast(clock())
    assert not await Agency.exists()


def test_an_hour_is_the_most():
    assert timedelta(hours=1) >= fast.FAST_LASTS


def test_the_cast_of_the_demo_is_that_of_the_tests():
    from tests.cast import SURNAMES

    assert {person.surname for person in (*CAST.adults, *CAST.children)} == set(SURNAMES)


def test_the_demo_file_lies_where_the_readme_says():
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    assert "var/demo.json" in readme


def test_no_drawn_password_is_one_that_a_sign_in_refuses() -> None:
    drawn = [(adult.name, new_password()) for adult in CAST.adults * 300]
    assert [(name, each) for name, each in drawn if not is_good_password(each, name)] == []
