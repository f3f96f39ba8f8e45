"""Everyone the ladder has called may act, with or without a tie, until the alert is closed."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts import climbing
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.audit.actions import SYSTEM, Actor
from server.audit.models import Entry
from server.auth import actions as doors
from server.errors import Conflict, NotFound
from server.inbound import actions as inbound
from server.inbound.actions import Hook
from server.missing.search.models import Episode
from server.notify.actions import set_inbound
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.people import actions as people
from server.people.looks.log import looks_at
from server.people.models import Person
from server.policy.model import Tier
from server.storage.db import write
from server.watch.watch_alerts import close_alert, open_missing
from tests.cast import Cast
from tests.races import no_fault, together

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NUMBER = "+33611112222"


async def opened(cast: Cast, cause: Cause = Cause.SILENCE, name: str = "mia") -> Alert:
    child = cast.children[name]
    one = Opening(
        child_id=child.id,
        agency_id=child.agency_id,
        cause=cause,
        tier=Tier.MID,
        reason="carer_silent",
        opened_at=cast.clock(),
    )
    policy, _ = await policy_of(child.agency_id)
    async with write():
        [alert] = await open_alerts([one], {child.agency_id: policy}, cast.clock())
    return alert


async def eve_is_deputy(cast: Cast) -> None:
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.eve.id, cast.clock())


async def eve_is_called(cast: Cast, cause: Cause = Cause.SILENCE) -> Alert:
    """Tom does not answer, and the ladder calls his deputy, who has no tie to Mia."""
    await eve_is_deputy(cast)
    alert = await opened(cast, cause)
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    assert await Message.exists(subject_id=alert.id, person_id=cast.eve.id)
    await cast.new_token("eve")
    return alert


async def statuses(cast: Cast, name: str, *paths: str) -> list[int]:
    async with cast.client_as(name) as client:
        return [(await client.get(path)).status_code for path in paths]


def needed(cast: Cast, alert: Alert) -> list[str]:
    """What has to be read to act."""
    child = f"/api/v1/children/{cast.mia.id}"
    return [
        f"/api/v1/alerts/{alert.id}",
        f"/desk/alerts/{alert.id}",
        f"{child}/pack",
        f"{child}/pack.pdf",
        f"/desk/children/{cast.mia.id}/pack",
        f"{child}/episodes",
    ]


def the_rest(cast: Cast) -> list[str]:
    """What no alert needs."""
    child = f"/api/v1/children/{cast.mia.id}"
    return [
        f"{child}/project",
        f"{child}/project/history",
        f"{child}/project/live",
        f"{child}/check-ins",
        f"{child}/watch",
        f"{child}/looks",
        f"{child}/return-reasons",
        f"/desk/children/{cast.mia.id}",
        f"/desk/children/{cast.mia.id}/account",
    ]


# --- what a call opens, and until when


async def test_a_deputy_without_a_tie_opens_takes_and_closes_the_alert_that_called_them(
    cast: Cast,
) -> None:
    alert = await eve_is_called(cast)
    async with cast.client_as("eve") as eve:
        [listed] = (await eve.get("/api/v1/alerts")).json()["alerts"]
        assert (listed["id"], listed["child"]["name"]) == (str(alert.id), "Mia Castellane")
        taken = await eve.post(f"/api/v1/alerts/{alert.id}/acknowledge", json={})
        assert taken.json()["acknowledged_by"]["name"] == "Eve Thackeray"
        said = {"outcome": "spoke_to", "words": "On the phone, she is at home."}
        closed = await eve.post(f"/api/v1/alerts/{alert.id}/close", json=said)
        assert (closed.status_code, closed.json()["outcome"]) == (200, "spoke_to")
        # The answer got lost on its way: the same request again gets the first answer.
        again = await eve.post(f"/api/v1/alerts/{alert.id}/close", json=said)
        assert again.json()["closed_at"] == closed.json()["closed_at"]
        assert (await eve.get("/api/v1/alerts")).json()["alerts"] == []


async def test_a_list_of_alerts_asks_the_database_for_the_readers_children_alone(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    for child in (cast.mia, cast.noor):
        await open_missing(cast.actor("tom"), child.id, None, cast.clock())
    async with cast.client_as("ada") as ada:
        caplog.set_level("DEBUG", logger="tortoise.db_client")
        [listed] = (await ada.get("/api/v1/alerts")).json()["alerts"]
        caplog.set_level("INFO", logger="tortoise.db_client")
    assert listed["child"]["id"] == str(cast.noor.id)
    assert str(cast.noor.id) in caplog.text
    assert str(cast.mia.id) not in caplog.text


async def test_what_an_alert_needs_is_open_until_it_is_closed_and_nothing_else_ever(
    cast: Cast,
) -> None:
    alert = await eve_is_called(cast)
    assert set(await statuses(cast, "eve", *needed(cast, alert))) == {200}
    assert set(await statuses(cast, "eve", *the_rest(cast))) == {404}
    await alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock())
    assert set(await statuses(cast, "eve", *needed(cast, alert))) == {404}
    async with cast.client_as("eve") as eve:
        for verb, said in (("acknowledge", {}), ("close", {"outcome": "seen", "words": "Yes."})):
            late = await eve.post(f"/api/v1/alerts/{alert.id}/{verb}", json=said)
            assert late.status_code == 404


async def test_nobody_who_was_not_called_gets_in_by_the_call_of_another(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    for name in ("root", "sam", "uwe"):
        assert (await statuses(cast, name, f"/api/v1/alerts/{alert.id}"))[0] in (403, 404)
    before = await opened(cast, Cause.TALK)
    assert await statuses(cast, "eve", f"/api/v1/alerts/{before.id}") == [404]


async def test_a_call_about_one_alert_opens_no_other_one_of_the_child(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    other = await opened(cast, Cause.TALK)
    assert await statuses(cast, "eve", f"/api/v1/alerts/{other.id}") == [404]
    async with cast.client_as("eve") as eve:
        assert [one["id"] for one in (await eve.get("/api/v1/alerts")).json()["alerts"]] == [
            str(alert.id)
        ]
        taken = await eve.post(f"/api/v1/alerts/{other.id}/acknowledge", json={})
        assert taken.status_code == 404


async def test_the_pack_is_read_and_not_written_by_a_call(cast: Cast) -> None:
    await eve_is_called(cast)
    async with cast.client_as("eve") as eve:
        path = f"/api/v1/children/{cast.mia.id}/pack"
        said = {"base": 0, "fields": {"height": "1.60"}}
        assert (await eve.put(path, json=said)).status_code == 403
        shown = (await eve.get(f"/desk/children/{cast.mia.id}/pack")).text
    assert "Mia Castellane" in shown
    assert "/pack/group/" not in shown
    assert f'href="/desk/children/{cast.mia.id}"' not in shown


async def test_a_deputy_who_is_called_works_on_the_search_and_ends_it(cast: Cast) -> None:
    await eve_is_deputy(cast)
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    episode = await Episode.get(child_id=cast.mia.id)
    path = f"/api/v1/children/{cast.mia.id}/episodes/{episode.id}"
    async with cast.client_as("eve") as eve:
        said = {"id": str(uuid4()), "what": "note", "words": "Her aunt was called."}
        assert (await eve.post(f"{path}/entries", json=said)).status_code == 201
        assert (await eve.get(path)).json()["timeline"][-1]["words"] == "Her aunt was called."
        page = await eve.get(f"/desk/episodes/{episode.id}")
        assert page.status_code == 200
        assert f'href="/desk/children/{cast.mia.id}"' not in page.text
        found = {"id": str(uuid4()), "at": cast.clock().isoformat(), "where": "At her aunt's"}
        found |= {"by": "Eve", "condition": "Well."}
        assert (await eve.post(f"{path}/found", json=found)).status_code == 200
        # With the search the alert is over, and a search of before is nothing of the next one.
        assert (await eve.get(path)).status_code == 404
        cast.clock.advance(hours=1)
        await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
        assert (await eve.get(path)).status_code == 404
        seen = (await eve.get(f"/api/v1/children/{cast.mia.id}/episodes")).json()["episodes"]
        assert [one["id"] for one in seen] != [str(episode.id)]
        assert len(seen) == 1


# --- who is called no longer


async def test_a_call_gives_no_access_back_to_a_disabled_person(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    await doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    assert await statuses(cast, "eve", f"/api/v1/alerts/{alert.id}") == [401]
    with pytest.raises(NotFound):
        await alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock())


async def test_a_called_person_who_is_offboarded_in_between_has_nothing(cast: Cast) -> None:
    """Whichever comes first: in the end nobody who has left has the alert."""
    alert = await eve_is_called(cast)
    both = await together(
        alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock()),
        doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock()),
    )
    no_fault(both, NotFound)
    after = await Alert.get(id=alert.id)
    assert (after.acknowledged_by, after.state) == (None, "open")


async def test_a_call_of_one_agency_counts_in_no_other(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    await Alert.filter(id=alert.id).update(agency_id=cast.other_agency.id)
    assert set(await statuses(cast, "eve", *needed(cast, alert))) == {404}
    async with cast.client_as("eve") as eve:
        assert (await eve.get("/api/v1/alerts")).json()["alerts"] == []


async def test_of_a_deputy_and_a_caseworker_who_answer_at_once_one_has_it(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    await cast.new_token("tom")
    async with cast.client_as("eve") as eve, cast.client_as("tom") as tom:
        path = f"/api/v1/alerts/{alert.id}/acknowledge"
        answers = await together(*(who.post(path, json={}) for who in (eve, tom, eve)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([200, 200, 409], [200, 409, 409])
    won = await Alert.get(id=alert.id)
    assert won.acknowledged_by in (cast.eve.id, cast.tom.id)


async def test_two_taps_of_someone_called_are_one(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    both = await together(
        *(alerts.acknowledge(cast.actor("eve"), alert.id, cast.clock()) for _ in range(2))
    )
    no_fault(both)
    taken = Entry.filter(what="alert:acknowledge", about_id=alert.id)
    assert await taken.count() == 1
    both = await together(
        *(
            close_alert(cast.actor("eve"), alert.id, Outcome.SEEN, "At home.", cast.clock())
            for _ in range(2)
        )
    )
    no_fault(both, Conflict)
    assert await Entry.filter(what="alert:close", about_id=alert.id).count() == 1


# --- what the child reads of it


async def looks_by(cast: Cast, name: str) -> list[tuple[str, str | None]]:
    whose = cast.persons[name].id
    seen = await looks_at(cast.mia.id, "en", is_child=True)
    return [(one.what, one.why) for one in seen if one.who is not None and one.who.id == whose]


async def test_each_look_of_someone_called_is_one_entry_that_the_child_can_read(
    cast: Cast,
) -> None:
    alert = await eve_is_called(cast)
    says = ("Your page", None)  # No reason: whoever holds the phone must not learn of a call.
    for path in (f"/api/v1/alerts/{alert.id}", f"/desk/alerts/{alert.id}"):
        cast.clock.advance(minutes=61)  # A look is one line an hour.
        before = len(await looks_by(cast, "eve"))
        assert await statuses(cast, "eve", path) == [200]
        after = await looks_by(cast, "eve")
        assert (len(after), after[0]) == (before + 1, says)
    for path in needed(cast, alert)[2:]:
        cast.clock.advance(minutes=61)
        before = len(await looks_by(cast, "eve"))
        assert await statuses(cast, "eve", path) == [200]
        assert len(await looks_by(cast, "eve")) == before + 1, path
    for word in ("alert", "called", "missing"):
        said = " ".join(f"{what} {why}" for what, why in await looks_by(cast, "eve"))
        assert word not in said.lower(), "whoever holds the phone must not learn of it"


async def test_taking_and_reading_in_one_go_are_one_look(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    async with cast.client_as("eve") as eve:
        await eve.get(f"/desk/alerts/{alert.id}")
        await eve.post(f"/desk/alerts/{alert.id}/acknowledge")
        await eve.get(f"/desk/alerts/{alert.id}")
    assert len(await looks_by(cast, "eve")) == 1


# --- by text


async def by_text(cast: Cast, code: str, id_: str) -> None:
    await inbound.take(Hook("sms", id_, NUMBER, f"1 {code}"), cast.clock())


async def test_a_person_who_takes_an_alert_by_text_can_open_and_close_it(cast: Cast) -> None:
    set_inbound(["sms"])
    try:
        actor = Actor(cast.eve.id, "caseworker", cast.agency.id)
        await add_address(actor, cast.eve.id, AddAddress(channel="sms", value=NUMBER), cast.clock())
        alert = await eve_is_called(cast)
    finally:
        set_inbound([])
    message = await Message.get(subject_id=alert.id, person_id=cast.eve.id)
    await by_text(cast, message.data["reply"], "1")
    assert (await Alert.get(id=alert.id)).acknowledged_by == cast.eve.id
    assert await statuses(cast, "eve", *needed(cast, alert)) == [200] * len(needed(cast, alert))
    async with cast.client_as("eve") as eve:
        said = {"outcome": "seen", "words": "At home."}
        closed = await eve.post(f"/api/v1/alerts/{alert.id}/close", json=said)
    assert closed.status_code == 200


async def test_a_deputy_who_is_no_deputy_any_more_still_answers_the_call_by_text(
    cast: Cast,
) -> None:
    set_inbound(["sms"])
    try:
        actor = Actor(cast.eve.id, "caseworker", cast.agency.id)
        await add_address(actor, cast.eve.id, AddAddress(channel="sms", value=NUMBER), cast.clock())
        alert = await eve_is_called(cast)
    finally:
        set_inbound([])
    message = await Message.get(subject_id=alert.id, person_id=cast.eve.id)
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, None, cast.clock())
    await by_text(cast, message.data["reply"], "1")
    assert (await Alert.get(id=alert.id)).acknowledged_by == cast.eve.id


async def test_a_text_about_a_child_of_another_agency_by_now_takes_nothing(cast: Cast) -> None:
    set_inbound(["sms"])
    try:
        actor = Actor(cast.eve.id, "caseworker", cast.agency.id)
        await add_address(actor, cast.eve.id, AddAddress(channel="sms", value=NUMBER), cast.clock())
        alert = await eve_is_called(cast)
    finally:
        set_inbound([])
    message = await Message.get(subject_id=alert.id, person_id=cast.eve.id)
    await Alert.filter(id=alert.id).update(agency_id=cast.other_agency.id)
    await by_text(cast, message.data["reply"], "1")
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


# --- at the desk


async def page(cast: Cast, name: str, path: str) -> tuple[int, str]:
    async with cast.client_as(name) as client:
        answer = await client.get(path, headers={"accept": "text/html"})
    return answer.status_code, answer.text


async def test_the_board_shows_a_called_person_only_the_child_and_the_alert(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    _, text = await page(cast, "eve", "/desk/")
    assert "Mia Castellane" in text
    assert f'action="/desk/alerts/{alert.id}/acknowledge"' in text
    assert f'href="/desk/alerts/{alert.id}"' in text
    for path in ("", "/sighting", "/missing", "/check-in"):
        assert f'href="/desk/children/{cast.mia.id}{path}"' not in text
    assert 'class="strip"' not in text
    _, text = await page(cast, "eve", "/desk/duty")
    assert "Mia Castellane" in text
    await alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, "At home.", cast.clock())
    for path in ("/desk/", "/desk/duty"):
        assert "Mia" not in (await page(cast, "eve", path))[1]


async def test_the_page_names_the_child_and_leads_to_what_may_be_opened_alone(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    _, text = await page(cast, "eve", f"/desk/alerts/{alert.id}")
    assert "<bdi>Mia Castellane</bdi>" in text
    assert f'href="/desk/children/{cast.mia.id}/pack"' in text
    assert f'href="/desk/children/{cast.mia.id}/missing"' in text
    for path in (f"/desk/children/{cast.mia.id}", f"/desk/children/{cast.mia.id}#history"):
        assert f'href="{path}"' not in text


async def test_after_the_end_the_link_says_so_and_names_nobody(cast: Cast) -> None:
    alert = await eve_is_called(cast)
    async with cast.client_as("eve") as eve:
        said = {"outcome": "seen", "words": "At home."}
        done = await eve.post(f"/desk/alerts/{alert.id}/close", data=said)
        assert done.headers["location"] == "/desk/?done=alert-closed"
        assert "The alert is closed." in (await eve.get(done.headers["location"])).text
        for method, path in (("GET", ""), ("POST", "/acknowledge"), ("POST", "/close")):
            late = await eve.request(
                method, f"/desk/alerts/{alert.id}{path}", headers={"accept": "text/html"}
            )
            assert late.status_code == 404
            assert "This alert is closed" in late.text
            assert "Mia" not in late.text


async def test_someone_called_reads_why_where_the_reason_is_sealed(cast: Cast) -> None:
    alert = await eve_is_called(cast, Cause.CONCERN)
    code, _ = await page(cast, "eve", f"/desk/alerts/{alert.id}/sealed")
    assert code == 200


async def test_a_reason_is_no_way_in_without_a_call(cast: Cast) -> None:
    await opened(cast)
    path = f"/api/v1/children/{cast.mia.id}/pack"
    async with cast.client_as("eve") as eve:
        why = {"x-waymark-reason": quote("Looking for her")}
        assert (await eve.get(path, headers=why)).status_code == 404


async def test_someone_of_another_role_who_is_called_may_act_too(cast: Cast) -> None:
    """A small agency whose administrator is a deputy: called is called."""
    await people.set_deputy(SYSTEM, cast.agency.id, cast.tom.id, cast.root.id, cast.clock())
    alert = await opened(cast)
    assert await statuses(cast, "root", f"/api/v1/alerts/{alert.id}") == [404]
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    assert await statuses(cast, "root", f"/api/v1/alerts/{alert.id}") == [200]
    assert (await Person.get(id=cast.root.id)).role == "administrator"
