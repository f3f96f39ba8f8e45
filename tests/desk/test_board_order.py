"""The board of any size: exact counts, parts without gaps, filters, and only one's own children."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.datastructures import QueryParams

from server.alerts.models import Alert
from server.audit.models import Entry
from server.desk.board import order as board_order
from server.desk.board import view as board_view
from server.desk.board.rows import QUIET, group_of, look_of
from server.desk.board.view import AT_ONCE, FEW_WELL, MORE, MOST, Group, View
from server.missing.search.models import Episode
from server.people.finding.scope import Scope
from server.people.models import Child, Home, Tie
from server.policy.model import Tier
from server.rota.duty import on_rota
from server.tasks.actions import set_task
from server.tasks.rules import Kind, Setting
from server.watch import evidence
from server.watch.models import Watch
from tests.cast import Cast
from tests.copies import replace
from tests.desk import scenes
from tests.desk.test_board import board, groups
from tests.desk.walking import at, at_desk, run_until

RANKS = {"help": 0, "now": 1, "phone": 2, "confirm": 3, "talk": 4}


def scope(cast: Cast, name: str, **more: Any) -> Scope:
    person = cast.persons[name]
    return Scope(person.id, person.agency_id, cast.clock(), **more)


async def crowd_in_homes(cast: Cast, many: int) -> list[UUID]:
    """A crowd that lives in four homes and in none."""
    ids = await scenes.crowd(cast, many)
    homes = [
        await Home.create(
            agency_id=cast.agency.id, name=name, zone="Europe/Paris", made_at=cast.clock()
        )
        for name in ("Harbour", "Oak", "Birch")
    ]
    for place, home in enumerate([*homes, None]):
        home_id = None if home is None else home.id
        await Child.filter(id__in=ids[place::5]).update(home_id=home_id)
    return ids


async def stir(cast: Cast, ids: list[UUID], random: Random) -> None:
    """Any state of an alert, and any standing."""
    for alert in await Alert.filter(child_id__in=ids):
        await Alert.filter(id=alert.id).update(
            cause=random.choice(["silence", "help", "talk", "concern", "missing"]),
            state=random.choice(["open", "acknowledged", "answered"]),
            held_until=random.choice([None, cast.clock()]),
            acknowledged_by=random.choice([None, cast.tom.id]),
            answered_at=random.choice([None, cast.clock() - timedelta(minutes=5)]),
        )
    for id_ in random.sample(ids, len(ids) // 3):
        await Watch.filter(child_id=id_).update(
            standing=random.choice(["well", "due", "late", "alerted", "away", "missing"]),
            missed_due_at=random.choice([None, cast.clock() - timedelta(hours=3)]),
            not_here_at=random.choice([None, cast.clock() - timedelta(minutes=30)]),
        )
    for id_ in random.sample(ids, len(ids) // 3):
        await Watch.filter(child_id=id_).update(
            answered_at=None, heard_at=random.choice([None, None, cast.clock()])
        )


async def returned(cast: Cast, child_id: UUID, *kinds: Kind) -> Episode:
    """A child who was missing, with these tasks of the return."""
    episode = await Episode.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=child_id,
        opened_at=cast.clock() - timedelta(days=1),
        said_at=cast.clock() - timedelta(days=1),
        opened_by=cast.tom.id,
        opened_role="caseworker",
        tier="mid",
        stage="found",
        found_at=cast.clock() - timedelta(hours=1),
    )
    child = await Child.get(id=child_id)
    for place, kind in enumerate(kinds):
        due_at = cast.clock() + timedelta(hours=2 + place)
        setting = Setting(
            kind=kind,
            subject_id=episode.id,
            owner_id=None,
            owner_role="caseworker",
            due_at=due_at,
            zone="Europe/Paris",
        )
        await set_task(cast.actor("tom"), child, setting, cast.clock())
    return episode


@pytest.mark.parametrize("seed", range(6))
async def test_the_database_places_each_child_as_the_rules_do(cast: Cast, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    ids = await crowd_in_homes(cast, 40)
    await stir(cast, ids, random)
    back = random.sample(ids, 6)
    for id_ in back:
        await returned(cast, id_, Kind.SAFE_AND_WELL)
    everyone = View(open=(*(str(home.id) for home in await Home.all()), "none"))
    order = await board_order.order(scope(cast, "tom"), everyone)
    facts = await evidence.of([*ids, cast.mia.id, cast.noor.id], cast.clock())
    expected: Counter[Group] = Counter()
    for child, known_facts in facts.items():
        alert = known_facts.alerts[0] if known_facts.alerts else None
        group = group_of(known_facts, alert)
        if group in QUIET and child in back:
            group = Group.BACK
        expected[group] += 1
        [row] = [row for row in order.rows if row.child_id == child]
        assert row.group is group
        assert row.place.rank == RANKS.get(look_of(group, alert)[0], 0)
    assert {group: order.count(group) for group in Group if order.count(group)} == expected
    assert len(order.rows) == len({row.child_id for row in order.rows}) == len(facts)
    for group in Group:
        of_group = [row for row in order.rows if row.group is group]
        by_home: dict[object, list[Any]] = {}
        for row in of_group:
            by_home.setdefault(row.home_id if group is Group.WELL else None, []).append(row.place)
        for places in by_home.values():
            keys = [(place.rank, place.since, str(place.child_id)) for place in places]
            assert keys == sorted(keys)


async def test_the_counts_of_any_filter_are_the_rows_that_it_shows(cast: Cast) -> None:
    ids = await crowd_in_homes(cast, 60)
    await Watch.filter(child_id__in=ids[::3]).update(tier="high")
    await Tie.filter(child_id__in=ids[::4], person_id=cast.tom.id).update(person_id=cast.eve.id)
    homes = [*(str(home.id) for home in await Home.all()), "none", ""]
    for home in homes:
        for level in ("", *Tier):
            for whose in ("", "mine", str(cast.eve.id)):
                view = View(home=home, level=level, whose=whose, open=tuple(filter(None, homes)))
                order = await board_order.order(scope(cast, "ines"), view)
                assert sum(order.counts.values()) == len(order.rows)
                assert sum(order.counts.values()) + sum(order.beside.values()) == 62


async def test_a_board_reads_evidence_for_the_shown_rows_alone(cast: Cast) -> None:
    await crowd_in_homes(cast, 300)
    async with at_desk(cast, "tom") as browser:
        response = await browser.get("/desk/", headers={"accept-encoding": "gzip"})
    page = response.text
    assert page.count("kid is-") < 60
    # The counts of the homes add up to the one on top.
    top, *homes = [int(n) for n in re.findall(r"(\d+) on time<", page)]
    assert top == sum(homes) > 200
    assert int(response.headers["content-length"]) <= 15_000
    # Folded by home, the named ones by name, the others last.
    names = re.findall(r'class="opens[^>]*><a[^>]*>.*?<bdi>(.*?)</bdi>', page)
    assert names == [*sorted(names[:-1]), "No home"]


async def test_a_tap_opens_a_home_and_the_address_keeps_it_open(cast: Cast) -> None:
    await crowd_in_homes(cast, 360)
    harbour = await Home.get(id__in=[h.id for h in await Home.all() if h.name == "Harbour"])
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/")).text
        [path] = re.findall(rf'id="o-{harbour.id}" href="([^"]+)"', page)
        opened = (await browser.get(path.replace("&amp;", "&"))).text
        part = (await browser.get(path.replace("&amp;", "&") + "&part=well")).text
    assert f'id="o-{harbour.id}" href="/desk/"' in opened
    shown = opened.count("kid is-well")
    assert shown == AT_ONCE
    assert part.count("kid is-") == shown
    assert "<html" not in part
    [text] = re.findall(r"Harbour</bdi> <span[^>]*>(\d+) on time<", opened)
    assert f"Show {min(int(text) - AT_ONCE, MORE)} more" in opened


async def test_hundreds_of_homes_come_in_parts_and_then_by_name(cast: Cast) -> None:
    ids = await scenes.crowd(cast, 260)
    for place, child in enumerate(ids):
        home = await Home.create(
            agency_id=cast.agency.id, name=f"{place:03}", zone="Europe/Paris", made_at=cast.clock()
        )
        await Child.filter(id=child).update(home_id=home.id)
    await Watch.filter(child_id__in=ids).update(standing="well")
    await Alert.filter(child_id__in=ids).delete()
    path, shown = "/desk/", []
    async with at_desk(cast, "tom") as browser:
        while path.startswith("/desk/?") or not shown:
            page = (await browser.get(path)).text
            shown.append(page.count('class="opens'))
            [path] = re.findall(r'id="m-well" href="([^"]+)"', page)
            path = path.replace("&amp;", "&")
        assert "Choose a home" in page
        assert path == "/desk/filter?more=homes:200"
        assert "Show 25 more homes" in (await browser.get("/desk/?more=homes:175")).text
        assert (await browser.get(path)).status_code == 200
    assert shown == [25, 75, 125, 175, 200]


async def test_the_next_rows_come_without_gaps_or_doubles_while_rows_move(cast: Cast) -> None:
    ids = await scenes.crowd(cast, 300)
    await Watch.filter(child_id__in=ids).update(standing="late")
    await Alert.filter(child_id__in=ids).delete()
    seen: list[UUID] = []
    view = View(group=Group.LATE, more={"late": MOST})
    order = await board_order.order(scope(cast, "tom"), view)
    seen += [row.child_id for row in order.rows]
    assert len(seen) == MOST
    # One further down is answered, one of the first page is late for another round.
    await Watch.filter(child_id=seen[0]).update(standing="well", missed_due_at=None)
    rest = [id_ for id_ in ids if id_ not in seen]
    await Watch.filter(child_id=rest[-1]).update(standing="well", missed_due_at=None)
    after = replace(view, after=order.rows[-1].place)
    seen += [row.child_id for row in (await board_order.order(scope(cast, "tom"), after)).rows]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(ids) - {rest[-1]}


async def test_show_more_grows_to_a_bound_and_goes_on_on_a_page_of_its_own(cast: Cast) -> None:
    ids = await scenes.crowd(cast, 230)
    await Watch.filter(child_id__in=ids).update(standing="late")
    await Alert.filter(child_id__in=ids).delete()
    path, shown = "/desk/", []
    async with at_desk(cast, "tom") as browser:
        for _ in range(7):
            page = (await browser.get(path)).text
            shown.append(page.count("kid is-late"))
            [path] = re.findall(r'id="m-late" href="([^"]+)"', page) or [""]
            path = path.replace("&amp;", "&")
            if not path:
                break
    assert shown == [25, 75, 125, 175, 200, 25, 30]


async def test_more_or_opened_nonsense_in_the_address_is_left_out(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        for query in (
            "home=x&level=y&whose=z&group=q&after=1~2~3&open=../&more=late:-1&part=all",
            "more=late:99999999999999&more=:&group=late&after=0~2026-01-01T00:00~x",
            "home=none&whose=mine&level=high&group=well&after=9",
            # The first day of time begins before it, by UTC.
            f"group=now&after=0~0001-01-01T00:00:00%2B14:00~{uuid4()}",
            f"group=now&after=0~9999-12-31T23:59:59-14:00~{uuid4()}",
            f"whose={uuid4()}&home={uuid4()}",
        ):
            assert (await browser.get(f"/desk/?{query}")).status_code == 200
    view = board_view.read(QueryParams("more=late:100000&open=none&group=late"))
    assert view.more == {"late": MOST}
    assert board_view.read(QueryParams(view.path().partition("?")[2])) == view


async def test_a_filter_says_who_is_left_out_and_leads_back(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await Watch.filter(child_id=cast.noor.id).update(tier="high")
    await Watch.filter(child_id=cast.mia.id).update(tier="low")
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/?level=high")).text
    assert "Mia Castellane" not in page
    assert "You see only: <bdi>Watch level: High</bdi>" in page
    assert "1 child who is not shown here needs action now." in page
    assert '<a href="/desk/">Show all children</a>' in page
    assert "(2) Board" in page


async def test_the_filter_page_offers_only_what_the_reader_may_see(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get("/desk/filter")).text
    assert "Tom Verhoeven" in page
    assert "Uwe" not in page
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/filter")).text
    assert "My children" in page
    assert "Ines" not in page


async def test_a_few_who_are_well_stay_in_sight(cast: Cast) -> None:
    await scenes.crowd(cast, FEW_WELL - 4)
    page = await board(cast, "tom")
    assert "opens is-well" not in page
    assert page.count("kid is-well") <= FEW_WELL


async def test_who_is_back_comes_after_in_hand_and_leads_to_the_next_task(cast: Cast) -> None:
    episode = await returned(cast, cast.noor.id, Kind.SAFE_AND_WELL, Kind.MEDICAL, Kind.RESCREEN)
    page = await board(cast, "tom")
    assert groups(page) == ["back", "unheard"]
    assert "1 back, still to do" in page
    assert "Check that the child is safe and well, by" in page
    assert f'href="/desk/episodes/{episode.id}/enter/safe_and_well"' in page
    assert f'<a href="/desk/episodes/{episode.id}">and 2 more tasks</a>' in page
    assert "No alert is waiting for an adult now." not in page
    await Watch.filter(child_id=cast.noor.id).update(standing="late")
    page = await board(cast, "tom")
    assert groups(page) == ["late", "unheard"]
    assert "Check that the child is safe and well, by" in page


async def test_a_guardian_reads_what_is_next_but_gets_no_link_to_a_form(cast: Cast) -> None:
    episode = await returned(cast, cast.noor.id, Kind.SAFE_AND_WELL)
    page = await board(cast, "ada")
    assert groups(page) == ["back"]
    assert f"/desk/episodes/{episode.id}/enter" not in page
    assert f'href="/desk/episodes/{episode.id}"' in page


async def test_a_promise_that_is_late_leads_to_the_project(cast: Cast) -> None:
    child = await Child.get(id=cast.mia.id)
    setting = Setting(
        kind=Kind.STEP,
        subject_id=uuid4(),
        owner_id=None,
        owner_role="caseworker",
        due_at=cast.clock() - timedelta(hours=1),
        zone="Europe/Paris",
    )
    await set_task(cast.actor("tom"), child, setting, cast.clock())
    page = await board(cast, "tom")
    project = f"/desk/children/{cast.mia.id}/project"
    assert re.search(rf'<a href="{project}#[^"]*">1 promise is late</a>', page)
    assert "1 promise is late" not in await board(cast, "ines")


async def test_on_duty_only_the_shown_children_are_looked_at(cast: Cast) -> None:
    await crowd_in_homes(cast, 120)
    await cast.on_duty("eve")
    page = await board(cast, "eve")
    looks = await Entry.filter(who_id=cast.eve.id, what__startswith="look").count()
    assert looks == page.count("kid is-")
    assert looks < 80


async def test_a_called_reader_sees_their_alert_and_counts_nothing_else(cast: Cast) -> None:
    await scenes.crowd(cast, 30)
    alert = (await Alert.all())[0]
    only = scope(cast, "eve", called={alert.id: alert.child_id})
    order = await board_order.order(only, View())
    assert [row.child_id for row in order.rows] == [alert.child_id]
    assert sum(order.counts.values()) == 1
    await Alert.filter(id=alert.id).update(closed_at=cast.clock(), outcome="seen")
    # The call goes with the alert.
    gone = await board_order.order(scope(cast, "eve"), View())
    assert gone.counts == {}


async def test_no_reader_counts_children_of_another_agency(cast: Cast) -> None:
    await scenes.crowd(cast, 30)
    for name in ("uwe", "root", "sam"):
        order = await board_order.order(scope(cast, name), View())
        assert sum(order.counts.values()) + sum(order.beside.values()) == (name == "uwe")
    duty = await board_order.order(scope(cast, "uwe", is_on_duty=True), View())
    assert [row.child_id for row in duty.rows] == [cast.lia.id]


async def test_a_child_who_left_is_counted_only_while_an_alert_is_open(cast: Cast) -> None:
    await run_until(cast, at(19, 50))
    await Child.update_or_create(defaults={"left_at": cast.clock()}, id=cast.mia.id)
    tom = scope(cast, "tom")
    assert cast.mia.id in [row.child_id for row in (await board_order.order(tom, View())).rows]
    assert "1 placement has ended" not in await board(cast, "tom")
    await Alert.filter(child_id=cast.mia.id).update(closed_at=cast.clock(), outcome="seen")
    assert cast.mia.id not in [row.child_id for row in (await board_order.order(tom, View())).rows]
    assert "1 placement has ended" in await board(cast, "tom")


@pytest.mark.parametrize("name", ["tom", "ines", "ada", "uwe", "root", "eve"])
async def test_the_board_counts_the_children_that_the_list_of_the_api_shows(
    cast: Cast, name: str
) -> None:
    ids = await scenes.crowd(cast, 40)
    random = Random(name)  # noqa: S311
    for id_ in random.sample(ids, 12):
        await Tie.filter(child_id=id_).update(
            until_at=random.choice([cast.clock(), cast.clock() + timedelta(days=1)])
        )
    for id_ in random.sample(ids, 12):
        await Child.filter(id=id_).update(left_at=cast.clock())
    for is_on_duty in (False, True):
        if is_on_duty:
            await cast.on_duty(name)
        async with cast.client_as(name) as client:
            answer = await client.get("/api/v1/children")
        listed = {UUID(child["id"]) for child in answer.json()["children"]}
        homes = (*(str(home.id) for home in await Home.all()), "none")
        everyone = View(open=homes, more=dict.fromkeys((*homes, *Group), MOST))
        rota = await on_rota(cast.persons[name].id, cast.clock())
        reader = scope(cast, name, is_on_duty=rota.is_on_duty, covers=rota.covers)
        order = await board_order.order(reader, everyone)
        assert {row.child_id for row in order.rows} == listed


async def test_the_table_of_check_ins_comes_in_parts(cast: Cast) -> None:
    await scenes.crowd(cast, 60)
    names: list[str] = []
    async with at_desk(cast, "tom") as browser:
        for number in (1, 2, 3):
            page = (await browser.get(f"/desk/rounds?page={number}")).text
            names += re.findall(
                r'<th scope="row" role="rowheader"><a href="/desk/children/([^"]+)"', page
            )
        assert (await browser.get("/desk/rounds?page=nonsense")).status_code == 200
    assert len(names) == len(set(names)) == 62


async def test_cover_and_duty_count_what_the_page_shows(cast: Cast) -> None:
    covering = scope(cast, "eve", covers=frozenset({cast.tom.id}))
    assert sum((await board_order.order(covering, View())).counts.values()) == 2
    on_duty = scope(cast, "eve", is_on_duty=True)
    assert sum((await board_order.order(on_duty, View())).counts.values()) == 2


@pytest.mark.long
async def test_a_large_agency_costs_as_many_statements_as_a_small_one(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    async def asked(browser: Any) -> tuple[int, int]:
        caplog.clear()
        answer = await browser.get("/desk/", headers={"accept-encoding": "gzip"})
        return len(caplog.records), int(answer.headers["content-length"])

    caplog.set_level("DEBUG", logger="tortoise.db_client")
    await scenes.crowd(cast, 120)
    async with at_desk(cast, "tom") as browser:
        await asked(browser)
        few, _ = await asked(browser)
        await scenes.crowd(cast, 1500)
        many, on_the_wire = await asked(browser)
    assert 10 < many <= few + 2
    assert on_the_wire <= 30_000
