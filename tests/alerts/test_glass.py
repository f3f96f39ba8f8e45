"""Breaking the glass: who may, what it opens, who hears of it, and what attacks get."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts import actions as alerts
from server.alerts.climbing import ALERTS
from server.alerts.glass.models import Glass
from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.notify.actions import set_last_resorts
from server.notify.models import Message
from server.people import actions as people
from server.people.models import Child, Person, Tie
from server.people.rules import Leaving, Role
from server.placements import actions as placements
from server.security import encryption
from server.storage.db import write
from server.watch.models import Sighting
from server.watch.watch_alerts import open_missing
from tests.alerts.calls import queue_call
from tests.cast import Cast

WHY = "Police found them at the station."
MIA = "Mia Castellane"


def asked(name: str = MIA, reason: str = WHY, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "name_or_reference": name, "reason": reason, **more}


async def send(cast: Cast, who: str, body: Mapping[str, Any]) -> httpx2.Response:
    async with cast.client_as(who) as client:
        return await client.post("/api/v1/glass", json=body)


async def broken(cast: Cast, who: str = "eve") -> UUID:
    """The id of a glass that this person has broken for Mia."""
    answer = await send(cast, who, body := asked())
    assert answer.status_code == 201, answer.text
    return UUID(body["id"])


async def status(cast: Cast, who: str, path: str) -> int:
    async with cast.browser_as(who) as browser:
        return (await browser.get(path)).status_code


async def leave(cast: Cast) -> None:
    """Mia goes home for good."""
    now = cast.clock()
    await placements.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now, now=now)


async def another_child(cast: Cast, name: str, born: str | None = None) -> Child:
    child = await people.add_child(
        SYSTEM,
        cast.agency.id,
        people.AddChild(
            name=name, language="en", zone="Europe/Paris", caseworker_id=cast.tom.id, home_id=None
        ),
        cast.clock(),
    )
    if born is not None:
        await Child.filter(id=child.id).update(born_on=born)
    return child


# --- the way in


async def test_eve_opens_the_page_of_a_child_by_the_full_name_and_a_reason(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    assert await status(cast, "eve", path) == 404
    answer = await send(cast, "eve", asked(" mia   CASTELLANE "))
    until = (cast.clock() + timedelta(minutes=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.status_code == 201
    assert answer.json() == {"child": {"id": str(cast.mia.id), "name": MIA}, "until": until}
    async with cast.browser_as("eve") as browser:
        first = await browser.get(path)
        assert (first.status_code, first.headers["location"]) == (303, f"{path}/emergency")
        page = (await browser.get(first.headers["location"])).text
    assert MIA in page
    assert "Tom Verhoeven" in page
    assert "Grab pack" in page
    assert "Check-in times" not in page


async def test_the_form_of_the_desk_opens_it_and_lists_what_is_open(cast: Cast) -> None:
    async with cast.browser_as("eve") as browser:
        before = (await browser.get("/desk/glass")).text
        assert "supervisor and caseworker at once" in before
        form = {"id": str(uuid4()), "name": MIA, "reason": WHY, "birthday": ""}
        answer = await browser.post("/desk/glass", data=form)
        assert answer.headers["location"] == f"/desk/children/{cast.mia.id}/emergency"
        assert f"/desk/children/{cast.mia.id}/emergency" in (await browser.get("/desk/glass")).text


async def test_a_browser_left_open_breaks_no_glass_by_the_api_either(cast: Cast) -> None:
    async with cast.browser_as("eve") as browser:
        cast.clock.advance(minutes=12)
        form = await browser.get("/desk/glass")
        assert form.headers["location"] == "/desk/again?next=/desk/glass"
        browser.headers["accept"] = "application/json"
        answer = await browser.post("/api/v1/glass", json=asked())
    assert answer.status_code == 403, answer.text
    assert not await Glass.all().exists()


async def test_a_form_sent_by_another_site_opens_nothing(cast: Cast) -> None:
    form = {"id": str(uuid4()), "name": MIA, "reason": WHY, "birthday": ""}
    async with cast.browser_as("eve") as browser:
        browser.headers["sec-fetch-site"] = "cross-site"
        assert (await browser.post("/desk/glass", data=form)).status_code == 403
    assert not await Glass.all().exists()


async def test_who_acts_for_the_child_anyway_is_led_to_the_page_and_nobody_is_told(
    cast: Cast,
) -> None:
    answer = await send(cast, "tom", asked())
    assert answer.json()["until"] is None
    await cast.on_duty("eve")
    assert (await send(cast, "eve", asked())).json()["until"] is None
    assert not await Glass.all().exists()
    assert not await Message.filter(kind="glass").exists()


async def test_two_children_of_one_name_need_the_birthday_and_nothing_is_shown(cast: Cast) -> None:
    await Child.filter(id=cast.mia.id).update(born_on="2010-05-17")
    other = await another_child(cast, MIA, "2011-01-02")
    nobody = await send(cast, "eve", asked("Nobody Atall"))
    for wrong in (asked(), asked(birthday="2001-01-01")):
        answer = await send(cast, "eve", wrong)
        assert (answer.status_code, answer.content) == (404, nobody.content)
    right = await send(cast, "eve", asked(birthday="2011-01-02"))
    assert right.json()["child"]["id"] == str(other.id)


# --- the same answer


@pytest.mark.parametrize("reason", ["", "   ", "help now", "\u00a0\u2003 \n"])
async def test_without_a_reason_the_answer_is_the_same_as_for_no_such_child(
    cast: Cast, reason: str
) -> None:
    nobody = await send(cast, "eve", asked("Nobody Atall"))
    for name in (MIA, "Nobody Atall", "Lia Marchetti", "", "m" * 9_000, "%", "Mia"):
        answer = await send(cast, "eve", asked(name, reason))
        assert (answer.status_code, answer.content) == (404, nobody.content)
        assert dict(answer.headers).keys() == dict(nobody.headers).keys()
    assert not await Glass.all().exists()


async def test_the_pages_answer_is_the_same_too_but_for_what_was_typed(cast: Cast) -> None:
    answers = []
    async with cast.browser_as("eve") as browser:
        id_ = str(uuid4())
        for name, reason in ((MIA, ""), ("Nobody Atall", ""), ("Nobody Atall", WHY)):
            form = {"id": id_, "name": name, "reason": reason, "birthday": ""}
            answer = await browser.post("/desk/glass", data=form)
            assert answer.status_code == 404
            answers.append(answer.text.replace(f'value="{name}"', "").replace(WHY, ""))
    assert len(set(answers)) == 1


@pytest.mark.parametrize("who", ["root", "sam", "ada"])
async def test_administrators_carers_and_guardians_get_one_answer_for_each_name(
    cast: Cast, who: str
) -> None:
    contents = {(await send(cast, who, asked(name))).content for name in (MIA, "Nobody Atall")}
    assert len(contents) == 1
    assert (await send(cast, who, asked())).status_code == 403
    assert await status(cast, who, "/desk/glass") == 403
    assert not await Glass.all().exists()


async def test_a_child_of_another_agency_or_who_has_left_is_no_such_child(cast: Cast) -> None:
    nobody = await send(cast, "eve", asked("Nobody Atall"))
    await leave(cast)
    for name in ("Lia Marchetti", MIA):
        answer = await send(cast, "eve", asked(name))
        assert (answer.status_code, answer.content) == (404, nobody.content)


async def test_the_glass_is_over_for_a_child_who_leaves(cast: Cast) -> None:
    await broken(cast)
    await leave(cast)
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency") == 404


async def test_a_reason_that_is_too_long_or_bears_the_seal_is_refused(cast: Cast) -> None:
    for name in (MIA, "Nobody Atall"):
        assert (await send(cast, "eve", asked(name, "a b c " * 100))).status_code == 422
        assert (await send(cast, "eve", asked(name, "a b c" * 5_000))).status_code == 422
        sealed = await send(cast, "eve", asked(name, encryption.seal("Two more words.")))
        assert sealed.status_code in (400, 422)
    assert not await Glass.all().exists()


# --- how often, and twice


async def test_five_in_24_hours_and_the_sixth_is_told_so_whatever_the_name(cast: Cast) -> None:
    names = [f"Child Number {n}" for n in range(6)]
    for name in names:
        await another_child(cast, name)
    for name in names[:5]:
        assert (await send(cast, "eve", asked(name))).status_code == 201
    sixth, nobody = [await send(cast, "eve", asked(n)) for n in (names[5], "Nobody Atall")]
    assert (sixth.status_code, sixth.content) == (429, nobody.content)
    assert (await send(cast, "eve", asked(names[4]))).status_code == 201  # Open already.
    cast.clock.advance(hours=24, seconds=1)
    await cast.new_token("eve")
    assert (await send(cast, "eve", asked(names[5]))).status_code == 201


async def test_many_at_once_by_several_sessions_open_five(cast: Cast) -> None:
    names = [f"Child Number {n}" for n in range(8)]
    for name in names:
        await another_child(cast, name)
    first = cast.tokens["eve"]
    second = await cast.new_token("eve")

    async def by(token: str, name: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        async with cast.client(headers=headers) as client:
            return (await client.post("/api/v1/glass", json=asked(name))).status_code

    tokens = [first, second] * 4
    codes = await asyncio.gather(*(by(t, n) for t, n in zip(tokens, names, strict=True)))
    assert sorted(codes) == [201] * 5 + [429] * 3
    assert await Glass.filter(person_id=cast.eve.id).count() == 5


async def test_twice_by_one_person_is_one_and_extends_nothing(cast: Cast) -> None:
    first = await send(cast, "eve", body := asked())
    cast.clock.advance(minutes=30)
    again, anew = await send(cast, "eve", body), await send(cast, "eve", asked())
    assert first.json() == again.json() == anew.json()
    assert await Glass.all().count() == 1
    assert await Entry.filter(what="glass:open").count() == 1
    assert await Message.filter(kind="glass").count() == 2


async def test_a_replayed_form_opens_nothing_once_it_is_over(cast: Cast) -> None:
    await send(cast, "eve", body := asked())
    cast.clock.advance(minutes=61)
    assert (await send(cast, "eve", body)).status_code == 201
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency") == 404
    assert (
        await send(cast, "eve", {**asked("Noor Haddadin"), "id": body["id"]})
    ).status_code == 409


async def test_two_people_at_once_both_stand_and_each_is_told(cast: Cast) -> None:
    zoe = await people.add_person(
        SYSTEM,
        cast.agency.id,
        people.AddPerson(role=Role.SUPERVISOR, name="Zoe Lund", language="en", zone="UTC"),
        cast.clock(),
    )
    cast.persons["zoe"] = zoe
    await cast.new_token("zoe")
    answers = await asyncio.gather(send(cast, "eve", asked()), send(cast, "zoe", asked()))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert await Glass.all().count() == 2
    assert await Message.filter(kind="glass").count() == 4


# --- told at once


async def test_the_supervisor_and_the_caseworker_are_told_at_once_and_urgently(cast: Cast) -> None:
    glass_id = await broken(cast)
    told = await Message.filter(kind="glass")
    assert {message.person_id for message in told} == {cast.tom.id, cast.ines.id}
    assert {message.urgency for message in told} == {"high"}
    assert {(message.data or {})["path"] for message in told} == {f"/desk/glass/{glass_id}"}


async def test_where_nobody_answers_for_the_child_duty_is_told_and_else_the_last_resort(
    cast: Cast,
) -> None:
    await Tie.filter(child_id=cast.mia.id).update(until_at=cast.clock())
    await cast.on_duty("ines")
    await broken(cast)
    assert [m.person_id for m in await Message.filter(kind="glass")] == [cast.ines.id]
    cast.clock.advance(minutes=61)
    set_last_resorts(1)
    try:
        await broken(cast)
    finally:
        set_last_resorts(0)
    assert await Message.filter(kind="glass", last_resort=0).count() == 1


async def test_the_page_for_the_supervisor_says_who_why_and_what_and_ends_it(cast: Cast) -> None:
    glass_id = await broken(cast)
    await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency")
    async with cast.browser_as("ines") as browser:
        page = (await browser.get(f"/desk/glass/{glass_id}")).text
        assert "Eve Thackeray opened the page of Mia Castellane in an emergency" in page
        assert WHY in page
        assert "Looked at the child" in page
        ended = await browser.post(f"/desk/glass/{glass_id}/end")
        assert ended.headers["location"] == f"/desk/glass/{glass_id}"
        again = await browser.post(f"/desk/glass/{glass_id}/end")
        assert again.status_code == 303
        assert "Ines Quintanar ended it" in (await browser.get(f"/desk/glass/{glass_id}")).text
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency") == 404
    assert await Entry.filter(what="glass:end").count() == 1


async def test_the_caseworker_reads_it_and_cannot_end_it(cast: Cast) -> None:
    glass_id = await broken(cast)
    async with cast.browser_as("tom") as browser:
        assert "End it now" not in (await browser.get(f"/desk/glass/{glass_id}")).text
        assert (await browser.post(f"/desk/glass/{glass_id}/end")).status_code == 403


async def test_eve_can_end_it_herself(cast: Cast) -> None:
    glass_id = await broken(cast)
    async with cast.browser_as("eve") as browser:
        answer = await browser.post(f"/desk/glass/{glass_id}/end")
        assert answer.headers["location"] == "/desk/glass"
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency") == 404


# --- what the child reads


async def looks_of_mia(cast: Cast) -> list[dict[str, Any]]:
    async with cast.client_as("mia") as client:
        looks: list[dict[str, Any]] = (await client.get("/api/v1/looks")).json()["looks"]
    return [look for look in looks if look["who"] and look["who"]["name"] == "Eve Thackeray"]


async def test_the_child_reads_who_opened_the_page_and_the_reason_in_words(cast: Cast) -> None:
    await broken(cast)
    await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency")
    looks = await looks_of_mia(cast)
    assert {(look["what"], look["why"]) for look in looks} == {
        ("Opened your page in an emergency", WHY),
        ("Your page", "They opened your page in an emergency."),
    }


async def test_a_pack_that_a_broken_glass_opened_is_named_and_not_while_an_alert_is_open(
    cast: Cast,
) -> None:
    await broken(cast)
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/pack") == 200
    opened = (
        "What we keep in case you go missing",
        "They opened your page in an emergency.",
    )
    assert opened in {(look["what"], look["why"]) for look in await looks_of_mia(cast)}
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    assert {look["what"] for look in await looks_of_mia(cast)} == {"Your page"}
    await Alert.filter(id=alert.id).update(
        closed_at=cast.clock(), outcome="seen", state="closed", next_action_at=None
    )
    assert opened in {(look["what"], look["why"]) for look in await looks_of_mia(cast)}


async def test_while_an_alert_is_open_a_stranger_with_the_phone_learns_nothing_of_it(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await broken(cast)
    async with cast.browser_as("eve") as browser:
        await browser.get(f"/desk/alerts/{alert.id}")
    assert {(look["what"], look["why"]) for look in await looks_of_mia(cast)} == {
        ("Your page", None)
    }
    await Alert.filter(id=alert.id).update(
        closed_at=cast.clock(), outcome="seen", state="closed", next_action_at=None
    )
    assert WHY in {look["why"] for look in await looks_of_mia(cast)}


async def test_the_reason_is_sealed_where_it_is_stored(cast: Cast) -> None:
    await broken(cast)
    entry = await Entry.get(what="look:emergency:open")
    assert WHY not in (entry.why or "")


# --- what it opens


async def test_a_sighting_behind_the_glass_counts_as_that_of_a_colleague(cast: Cast) -> None:
    await broken(cast)
    form = {"id": str(uuid4()), "answer": "seen"}
    path = f"/desk/children/{cast.mia.id}"
    async with cast.browser_as("eve") as browser:
        answer = await browser.post(f"{path}/sighting", data=form)
    assert answer.headers["location"] == f"{path}/emergency?done=seen"
    assert (await Sighting.get(id=UUID(form["id"]))).by_role == "caseworker"


async def test_the_pack_opens_without_another_reason(cast: Cast) -> None:
    await broken(cast)
    async with cast.client_as("eve") as client:
        answer = await client.get(f"/api/v1/children/{cast.mia.id}/pack.txt")
    assert answer.status_code == 200
    look = await Entry.get(what="look:pack:open", who_id=cast.eve.id)
    assert look.why == "glass"


async def test_an_alert_taken_behind_the_glass_goes_on_when_the_glass_ends(cast: Cast) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    glass_id = await broken(cast)
    taken = await alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock())
    assert not taken.held_by_call
    ends = cast.clock() + timedelta(minutes=60)
    assert taken.has_until is not None
    assert taken.has_until <= ends
    async with cast.browser_as("ines") as browser:
        await browser.post(f"/desk/glass/{glass_id}/end")
    alert = await Alert.get(id=alert.id)
    assert alert.acknowledged_by is None
    assert await Message.filter(kind="went_on", person_id=cast.eve.id).exists()


async def test_an_alert_taken_behind_the_glass_goes_on_after_the_hour(cast: Cast) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await broken(cast)
    await Alert.filter(id=alert.id).update(ladder={**alert.ladder, "lapse": 6 * 3600})
    await alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock())
    cast.clock.advance(minutes=60, seconds=1)
    assert await ALERTS.tick(cast.clock()) == 1
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


async def test_who_was_called_and_broke_the_glass_keeps_the_alert_after_the_hour(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    async with write():
        await queue_call(alert, cast.eve.id, cast.clock())
    await broken(cast)
    taken = await alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock())
    assert taken.held_by_call
    cast.clock.advance(minutes=61)
    assert await status(cast, "eve", f"/desk/alerts/{alert.id}") == 200
    assert await status(cast, "eve", f"/desk/children/{cast.mia.id}/emergency") == 403


async def test_the_board_and_the_lists_show_the_child_as_long_as_it_is_open(cast: Cast) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await broken(cast)

    async def seen() -> tuple[bool, list[str]]:
        async with cast.browser_as("eve") as browser:
            board = (await browser.get("/desk/")).text
        async with cast.client_as("eve") as client:
            listed = (await client.get("/api/v1/alerts")).json()["alerts"]
        return MIA in board, [row["id"] for row in listed]

    assert await seen() == (True, [str(alert.id)])
    cast.clock.advance(minutes=60)
    assert await seen() == (False, [])


async def test_a_person_who_is_disabled_meanwhile_opens_nothing(cast: Cast) -> None:
    await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    assert (await send(cast, "eve", asked())).status_code in (401, 404)
    assert not await Glass.all().exists()


async def test_the_404_of_a_child_leads_those_who_may_to_the_glass(cast: Cast) -> None:
    for path in (f"/desk/children/{cast.mia.id}", f"/desk/children/{uuid4()}"):
        async with cast.browser_as("eve") as browser:
            assert 'href="/desk/glass"' in (await browser.get(path)).text
        async with cast.browser_as("root") as browser:
            assert 'href="/desk/glass"' not in (await browser.get(path)).text


async def test_the_same_child_several_times_at_once_is_one(cast: Cast) -> None:
    answers = await asyncio.gather(*(send(cast, "eve", asked()) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert await Glass.all().count() == 1
    assert await Message.filter(kind="glass").count() == 2
