"""An advocate: invited at the child's wish, for a time, and ended by the child at any moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.advocates import actions, joining, rules
from server.advocates.models import Advocacy
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.people.events import Rights
from server.people.models import Child, Person, Tie
from server.people.offboarding import Takers
from server.people.rules import LONGEST_ADVOCACY, PROFESSIONAL, Role, may_hold
from server.people.ties import AddTie, add_tie, end_tie
from server.plan.offboarding.actions import leave
from server.records.transfer import acceptance
from server.records.transfer import actions as transfers
from server.records.transfer.acceptance import Acceptance
from server.records.transfer.actions import Offer
from server.storage.due_rows import DueRows
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.watch.watch_alerts import open_missing
from tests.advocates.made import advocate
from tests.cast import Cast
from tests.records.made import a_code

DESK = "/desk/children"


async def ask(cast: Cast, who: str, method: str, path: str, **how: Any) -> Any:
    async with cast.client_as(who) as client:
        return await client.request(method, f"/api/v1{path}", **how)


async def post(cast: Cast, who: str, path: str, **fields: str) -> Any:
    async with cast.browser_as(who) as browser:
        return await browser.post(f"{DESK}/{cast.mia.id}{path}", data=fields)


async def page(cast: Cast, who: str, path: str) -> str:
    async with cast.browser_as(who) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.text)


async def tick(cast: Cast, rows: DueRows[Any] = actions.ADVOCACIES) -> None:
    async def tell(_code: str, _now: datetime) -> None:
        raise AssertionError("a row was set apart")

    await rows.go_through(cast.clock(), tell)


async def tasks(cast: Cast, kind: Kind) -> list[Task]:
    return await Task.filter(child_id=cast.mia.id, kind=kind, state=State.OPEN)


def invitation(**given: str) -> Mapping[str, str]:
    return {"id": str(uuid4()), "name": "Ruth Okonjo", "wants": "yes", **given}


# --- who can be one, and for how long


@pytest.mark.parametrize("role", list(Role))
def test_who_works_for_the_agency_or_cares_for_the_child_is_no_advocate(role: Role) -> None:
    assert may_hold(role, Role.ADVOCATE) is (role is Role.ADVOCATE)
    assert not any(may_hold(Role.ADVOCATE, tie) for tie in (*PROFESSIONAL, Role.CARER))


@given(
    hours=st.integers(0, 600_000),
    zone=st.sampled_from(["UTC", "Europe/Paris", "Pacific/Auckland", "America/Adak"]),
)
def test_every_day_that_the_form_allows_is_within_twelve_months(hours: int, zone: str) -> None:
    now, there = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours), ZoneInfo(zone)
    for day in (rules.usual_day(now, there), rules.latest_day(now, there)):
        end = rules.end_of_day(day, there)
        assert now < end <= now + LONGEST_ADVOCACY
        assert rules.last_day(end, there) == day
        assert now <= rules.ask_at(end, now) <= end


@pytest.mark.parametrize("lasts", [None, timedelta(days=367), timedelta(days=-1)])
async def test_an_advocate_has_an_end_within_twelve_months(
    cast: Cast, lasts: timedelta | None
) -> None:
    await advocate(cast, child="noor")
    now = cast.clock()
    until = None if lasts is None else now + lasts
    tie = AddTie(person_id=cast.ruth.id, role=Role.ADVOCATE, until_at=until)
    with pytest.raises(Refused):
        await add_tie(SYSTEM, cast.children["mia"], tie, now)


async def test_ties_of_an_advocate_are_made_by_inviting_alone(cast: Cast) -> None:
    await advocate(cast, child="noor")
    until = (cast.clock() + timedelta(days=30)).isoformat()
    body = {"id": str(uuid4()), "person_id": str(cast.ruth.id), "role": "advocate"}
    answer = await ask(
        cast, "root", "POST", f"/children/{cast.mia.id}/ties", json={**body, "until_at": until}
    )
    assert answer.status_code == 422
    assert "advocate" not in await page(cast, "ines", f"{DESK}/{cast.mia.id}/ties")


# --- inviting and joining


async def test_a_caseworker_invites_and_the_link_works_once(cast: Cast) -> None:
    form = invitation(until="2026-08-31")
    shown = await post(cast, "tom", "/advocate", **form)
    assert shown.status_code == 201
    token = shown.text.split("/join/")[1].split('"')[0]
    async with cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
        welcome = await stranger.get(f"/join/{token}")
        assert welcome.status_code == 200
        assert not any(name in welcome.text for name in ("Mia", "Castellane", "Tom", "Harbour"))
        easy = await stranger.post(
            f"/join/{token}", data={"sign_in_name": "ruth", "password": "short"}
        )
        assert easy.status_code == 422
        assert 'value="ruth"' in easy.text
        chosen = {"sign_in_name": "ruth", "password": "four plain words here"}
        joined = await stranger.post(f"/join/{token}", data=chosen)
        assert (joined.status_code, joined.headers["location"]) == (303, "/desk/")
        board = await stranger.get("/desk/")
        assert "Mia Castellane" in board.text
        for method in ("GET", "POST"):
            again = await stranger.request(method, f"/join/{token}", data=chosen)
            assert again.status_code == 404
    # Sent twice, it is one advocate.
    assert (await post(cast, "tom", "/advocate", **form)).headers["location"].endswith("invited")
    assert await Tie.filter(child_id=cast.mia.id, role=Role.ADVOCATE).count() == 1


async def test_a_new_link_a_later_day_and_an_end_shut_the_link_before(cast: Cast) -> None:
    id_ = await advocate(cast, has_joined=False)
    mia, tom = cast.children["mia"], cast.actor("tom")
    first = joining.token_of(await actions.new_link(tom, mia, id_, cast.clock()))
    cast.clock.advance(minutes=1)
    second = joining.token_of(await actions.new_link(tom, mia, id_, cast.clock()))
    with pytest.raises(NotFound):
        await joining.invited(first, cast.clock())
    assert (await joining.invited(second, cast.clock())).id == cast.ruth.id
    for spoilt in ("", "x", second[:-1], second + "A"):
        with pytest.raises(NotFound):
            await joining.invited(spoilt, cast.clock())
    await actions.end_by_child(cast.actor("mia"), mia, id_, cast.clock())
    with pytest.raises(NotFound):
        await joining.invited(second, cast.clock())


async def test_an_advocate_is_offered_for_another_child_only_once_they_have_joined(
    cast: Cast,
) -> None:
    of_noor = await advocate(cast, child="noor", has_joined=False)
    await advocate(cast, "ben", child="noor")
    shown = await page(cast, "tom", f"{DESK}/{cast.mia.id}/advocate")
    assert "Ben Okonjo" in shown
    assert "Ruth Okonjo" not in shown
    ruth = str(cast.ruth.id)
    form = invitation(name="", person_id=ruth, until="2026-08-31")
    refused = await post(cast, "tom", "/advocate", **form)
    assert refused.status_code == 422
    assert "has not joined yet" in refused.text
    assert not await Tie.exists(child_id=cast.mia.id, person_id=ruth)
    # The link for the first child still works, and opens that child alone.
    noor = cast.children["noor"]
    row = await actions.new_link(cast.actor("tom"), noor, of_noor, cast.clock())
    assert (await joining.invited(joining.token_of(row), cast.clock())).id == cast.ruth.id


async def test_a_person_of_two_children_who_has_not_joined_gets_no_link(cast: Cast) -> None:
    id_ = await advocate(cast, has_joined=False)
    tie = AddTie(person_id=cast.ruth.id, role=Role.ADVOCATE, until_at=cast.clock() + rules.USUAL)
    await add_tie(cast.actor("tom"), cast.children["noor"], tie, cast.clock())
    answer = await post(cast, "tom", f"/advocate/{id_}/link")
    assert answer.status_code == 422
    assert "invited for another child too" in answer.text
    assert (await Advocacy.get(id=id_)).link_at is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"wants": ""}, "wants"),
        ({"name": ""}, "name"),
        ({"until": ""}, "until"),
        ({"until": "2030-01-01"}, "until"),
        ({"until": "nonsense"}, "until"),
        ({"words": "x" * 20_001}, "words"),
    ],
)
async def test_a_refused_invitation_comes_back_with_its_words(
    cast: Cast, changed: dict[str, str], field: str
) -> None:
    given_ = {**invitation(until="2026-08-31", words="She asked me."), **changed}
    answer = await post(cast, "tom", "/advocate", **given_)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert given_["words"][:1000] in answer.text
    assert not await Tie.exists(child_id=cast.mia.id, role=Role.ADVOCATE)
    assert not await Person.exists(role=Role.ADVOCATE)


async def test_a_child_has_three_advocates_at_most(cast: Cast) -> None:
    for name in ("ruth", "ben", "kim"):
        await advocate(cast, name)
    with pytest.raises(Refused):
        await advocate(cast, "lou")


# --- the child's own


async def test_the_child_asks_sees_shares_and_ends(cast: Cast) -> None:
    assert (await ask(cast, "mia", "GET", "/advocates")).json() == {
        "advocates": [],
        "asked_at": None,
    }
    for _ in range(2):
        wished = await ask(cast, "mia", "POST", "/advocate-wish")
        assert wished.json()["asked_at"] is not None
    assert len(await tasks(cast, Kind.ADVOCATE_WISH)) == 1
    id_ = await advocate(cast)
    assert await tasks(cast, Kind.ADVOCATE_WISH) == []
    [seat] = (await ask(cast, "mia", "GET", "/advocates")).json()["advocates"]
    assert (seat["id"], seat["name"], seat["tells_alerts"]) == (str(id_), "Ruth Okonjo", False)
    shared = await ask(cast, "mia", "PATCH", f"/advocates/{id_}", json={"tells_alerts": True})
    assert shared.json()["advocates"][0]["tells_alerts"] is True
    for _ in range(2):
        assert (await ask(cast, "mia", "DELETE", f"/advocates/{id_}")).status_code == 204
    assert (await ask(cast, "mia", "GET", "/advocates")).json()["advocates"] == []
    for path in ("/project", "/sync"):
        method = "POST" if path == "/sync" else "GET"
        gone = await ask(cast, "ruth", method, f"/children/{cast.mia.id}{path}", json={})
        assert gone.status_code == (404 if method == "GET" else 200)
    assert await tasks(cast, Kind.ADVOCATE_ENDS) == []


async def test_no_child_touches_the_advocate_of_another(cast: Cast) -> None:
    id_ = await advocate(cast)
    for method, body in (("PATCH", {"tells_alerts": True}), ("DELETE", None)):
        answer = await ask(cast, "noor", method, f"/advocates/{id_}", json=body)
        assert answer.status_code == 404
    assert await Tie.exists(Tie.standing_at(cast.clock()), id=id_)
    assert not (await Advocacy.get(id=id_)).tells_alerts


async def test_a_wish_stays_until_the_child_has_an_advocate_or_takes_it_back(cast: Cast) -> None:
    await ask(cast, "mia", "POST", "/advocate-wish")
    await post(cast, "tom", "/advocate/none")
    [task] = await tasks(cast, Kind.ADVOCATE_WISH)
    assert "asked for an advocate" in await page(cast, "tom", f"{DESK}/{cast.mia.id}/advocate")
    assert (await ask(cast, "mia", "DELETE", "/advocate-wish")).status_code == 204
    assert (await Task.get(id=task.id)).state == State.DONE


# --- alerts


async def test_an_advocate_hears_of_an_alert_only_where_the_child_lets_them(cast: Cast) -> None:
    id_ = await advocate(cast)
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    for path in ("/desk/", f"{DESK}/{cast.mia.id}/advocacy", "/desk/children"):
        shown = await page(cast, "ruth", path)
        assert "An alert has been open" not in shown
        assert "is-missing" not in shown
        assert "/desk/alerts/" not in shown
    await ask(cast, "mia", "PATCH", f"/advocates/{id_}", json={"tells_alerts": True})
    for path in ("/desk/", f"{DESK}/{cast.mia.id}/advocacy"):
        shown = await page(cast, "ruth", path)
        assert "An alert has been open since" in shown
        assert "/desk/alerts/" not in shown
    assert (await ask(cast, "ruth", "GET", "/alerts")).json()["alerts"] == []


async def test_the_page_of_a_sighting_tells_an_advocate_nothing_of_an_alert(cast: Cast) -> None:
    await advocate(cast)
    path = f"{DESK}/{cast.mia.id}/sighting"
    shown: list[tuple[str, str, str]] = []
    for is_missing in (False, True):
        if is_missing:
            assert "An alert is open already" not in shown[0][0]
            await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
        asked = re.sub(r'value="[^"]*"', "", await page(cast, "ruth", path))
        noted = await post(cast, "ruth", "/sighting", answer="not_seen")
        said = await page(cast, "ruth", noted.headers["location"])
        assert "If you are worried, do not wait." in asked
        assert "Noted: “Could not find”. If you are worried" in said
        shown.append((asked, noted.headers["location"], said))
    assert shown[0] == shown[1]
    assert "An alert is open already" in await page(cast, "tom", path)
    noted = await post(cast, "tom", "/sighting", answer="not_seen")
    assert noted.headers["location"].endswith("done=not_seen")


async def test_what_an_advocate_looks_at_the_child_can_read(cast: Cast) -> None:
    await advocate(cast)
    await page(cast, "ruth", f"{DESK}/{cast.mia.id}/advocacy")
    await ask(cast, "ruth", "GET", f"/children/{cast.mia.id}/project")
    looks = (await ask(cast, "mia", "GET", "/looks")).json()["looks"]
    assert [look["who"]["name"] for look in looks] == ["Ruth Okonjo"] * 2
    assert {look["what"] for look in looks} == {"Your page", "Your project"}


async def test_an_advocate_reports_missing_and_notes_a_sighting(cast: Cast) -> None:
    await advocate(cast)
    seen = await ask(
        cast,
        "ruth",
        "POST",
        f"/children/{cast.mia.id}/sightings",
        json={"id": str(uuid4()), "answer": "seen"},
    )
    assert seen.status_code == 201
    opened = await post(cast, "ruth", "/missing")
    assert (opened.status_code, opened.headers["location"]) == (303, "/desk/?done=missing")


# --- the end


async def test_the_time_ends_by_itself_and_two_weeks_before_the_caseworker_is_asked(
    cast: Cast,
) -> None:
    id_ = await advocate(cast, lasts=timedelta(days=30))
    [task] = await tasks(cast, Kind.ADVOCATE_ENDS)
    assert task.due_at == cast.clock() + timedelta(days=16)
    cast.clock.advance(days=17)
    await cast.new_token("tom")
    assert "time is ending" in await page(cast, "tom", f"{DESK}/{cast.mia.id}/advocate")
    cast.clock.advance(days=13)
    gone = await ask(cast, "ruth", "GET", f"/children/{cast.mia.id}/project")
    assert gone.status_code in (401, 404)
    for _ in range(2):
        await tick(cast)
    assert (await Advocacy.get(id=id_)).next_action_at is None
    assert await Entry.filter(what="advocate:over").count() == 1
    await cast.new_token("tom")
    await post(cast, "tom", "/advocate/none")
    assert await tasks(cast, Kind.ADVOCATE_ENDS) == []


async def test_a_later_day_moves_the_end_and_the_question_about_it(cast: Cast) -> None:
    id_ = await advocate(cast, lasts=timedelta(days=20))
    answer = await post(cast, "tom", f"/advocate/{id_}/longer", until="2026-12-31")
    assert answer.headers["location"].endswith("longer")
    tie = await Tie.get(id=id_)
    assert tie.until_at == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert (await Advocacy.get(id=id_)).next_action_at == tie.until_at
    [task] = await tasks(cast, Kind.ADVOCATE_ENDS)
    assert task.due_at == tie.until_at - rules.ASK_BEFORE
    late = await post(cast, "tom", f"/advocate/{id_}/longer", until="2029-12-31")
    assert late.status_code == 422
    assert 'value="2029-12-31"' in late.text


async def test_an_advocate_who_cannot_go_on_ends_it_and_the_caseworker_is_asked(
    cast: Cast,
) -> None:
    await advocate(cast)
    answer = await post(cast, "ruth", "/advocacy/end", sure="yes")
    assert answer.headers["location"] == "/desk/"
    [task] = await tasks(cast, Kind.ADVOCATE_ENDS)
    assert task.due_at == cast.clock()
    assert "Mia" not in await page(cast, "ruth", "/desk/")


async def test_an_advocate_who_leaves_has_no_successor_that_the_child_did_not_choose(
    cast: Cast,
) -> None:
    await advocate(cast)
    await advocate(cast, "ben", child="noor")
    takers = Takers(everything=cast.ben.id)
    await leave(cast.actor("root"), cast.agency.id, cast.ruth.id, takers, cast.clock())
    held = Tie.filter(Tie.standing_at(cast.clock()), child_id=cast.mia.id, role=Role.ADVOCATE)
    assert not await held.exists()


@pytest.mark.parametrize("how", ["leaves", "ended", "transfer", "child"])
async def test_an_advocate_who_goes_early_is_talked_about_now(cast: Cast, how: str) -> None:
    id_ = await advocate(cast)
    other = await advocate(cast, "ben", child="noor")
    cast.clock.advance(days=1)
    now, mia = cast.clock(), cast.children["mia"]
    if how == "leaves":
        takers = Takers(everything=None)
        await leave(cast.actor("root"), cast.agency.id, cast.ruth.id, takers, now)
    elif how == "ended":
        await end_tie(cast.actor("ines"), mia, id_, now)
    elif how == "child":
        await actions.end_by_child(cast.actor("mia"), mia, id_, now)
    else:
        code = await a_code(cast, "uwe")
        offer = Offer("She moves.")
        made = await transfers.offer(cast.actor("ines"), mia, code, offer, id=uuid4(), now=now)
        await acceptance.accept(cast.actor("uwe"), made.id, Acceptance(cast.uwe.id), now)
    due = [] if how == "child" else [now]
    held = await tasks(cast, Kind.ADVOCATE_ENDS)
    assert [task.due_at for task in held] == due
    child = await Child.get(id=cast.mia.id)
    assert {task.agency_id for task in held} <= {child.agency_id}
    assert (await Advocacy.get(id=id_)).next_action_at is None
    still = await Task.get(subject_id=other, state=State.OPEN)
    assert still.due_at > now
    # Nothing moves once more.
    await actions.hear(Rights(child_id=cast.mia.id), now + timedelta(hours=1))
    assert [task.due_at for task in await tasks(cast, Kind.ADVOCATE_ENDS)] == due


async def test_what_changes_for_an_advocate_costs_as_much_for_two_children_as_for_one(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    async def statements() -> int:
        caplog.clear()
        await actions.hear(Rights(person_id=cast.ruth.id), cast.clock())
        return len(caplog.records)

    caplog.set_level("DEBUG", logger="tortoise.db_client")
    await advocate(cast)
    few = await statements()
    await advocate(cast, child="noor")
    assert 0 < await statements() <= few


async def test_a_deputy_tie_or_a_duty_makes_nobody_an_advocate(cast: Cast) -> None:
    await advocate(cast)
    await cast.on_duty("eve")
    for who in ("eve", "tom", "ines", "root"):
        async with cast.browser_as(who) as browser:
            answer = await browser.get(f"{DESK}/{cast.mia.id}/advocacy")
        assert answer.status_code in (403, 404)
