"""The page of an alert as a place of action: numbers to call, attempts in two taps."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from server.alerts.models import Alert, Attempt
from server.audit.models import Entry
from server.desk.ladder import initials
from server.missing.profile.actions import put
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode
from server.people.agencies.actions import HomeDetails, change_home
from server.people.models import Home, Person
from server.people.rules import Role
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.desk.walking import at, at_desk, run_until


@pytest.fixture
async def alert(cast: Cast) -> Alert:
    """Mia's silence, told to Tom."""
    await run_until(cast, at(19, 50))
    return await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)


async def look(cast: Cast, name: str, path: str) -> str:
    async with at_desk(cast, name) as browser:
        response = await browser.get(path)
    assert response.status_code == 200
    return response.text


async def send(cast: Cast, name: str, alert: Alert, **form: Any) -> httpx2.Response:
    given = {"id": str(uuid4()), "tried": "call:home", "result": "no_answer", "ago": "now", **form}
    async with at_desk(cast, name) as browser:
        return await browser.post(f"/desk/alerts/{alert.id}/attempts", data=given)


@pytest.mark.parametrize(
    ("name", "face"),
    [("Tom Verhoeven", "TV"), ("Mia", "M"), ("Ana Maria de Souza", "AS"), ("نور حداد", "ن")],
)
def test_a_face_has_the_initials_of_its_person(name: str, face: str) -> None:
    assert initials(name) == face


async def test_the_numbers_are_sealed_until_one_opens_them_and_that_is_a_look(
    cast: Cast, alert: Alert
) -> None:
    home = await Home.get(id=cast.children["mia"].home_id)
    details = HomeDetails(name=home.name, zone=home.zone, phone="+33 1 40 00 00 01")
    await change_home(cast.actor("root"), cast.agency.id, home.id, details, cast.clock())
    fields = {"phone_number": "+33 6 00 00 00 02", "school_phone": "ask Rosa"}
    await put(
        cast.actor("tom"),
        cast.children["mia"],
        [Role.CASEWORKER],
        base=0,
        given=fields,
        now=cast.clock(),
    )
    await Person.filter(id=cast.sam.id).update(phone="+33 6 00 00 00 03")
    looks = Entry.filter(child_id=cast.mia.id, what="look:alert:numbers")
    page = await look(cast, "tom", f"/desk/alerts/{alert.id}")
    assert "tel:" not in page
    assert "Show the numbers" in page
    assert not await looks.exists()
    page = await look(cast, "tom", f"/desk/alerts/{alert.id}/numbers")
    for link in ("tel:+33600000002", "tel:+33140000001", "tel:+33600000003"):
        assert f'href="{link}"' in page
    assert "ask Rosa" in page
    assert page.count("tel:") == 3
    assert await looks.count() == 1


async def test_who_can_add_a_number_that_is_missing_is_said_with_the_way_there(
    cast: Cast, alert: Alert
) -> None:
    page = await look(cast, "tom", f"/desk/alerts/{alert.id}/numbers")
    assert "The caseworker can add it to the grab pack." in page
    assert f"/desk/children/{cast.mia.id}/pack/group/phones" in page
    assert "An administrator can add it under “Homes”." in page


async def test_the_numbers_are_sealed_again_when_the_alert_is_closed(
    cast: Cast, alert: Alert
) -> None:
    async with at_desk(cast, "tom") as browser:
        said = {"outcome": "seen", "words": "At home."}
        await browser.post(f"/desk/alerts/{alert.id}/close", data=said)
        sealed = await browser.get(f"/desk/alerts/{alert.id}/numbers")
    assert sealed.headers["location"] == f"/desk/alerts/{alert.id}"


async def test_an_attempt_is_logged_and_the_next_person_begins_with_it(
    cast: Cast, alert: Alert
) -> None:
    form = {"id": str(uuid4()), "words": "Rosa says <b>no</b>."}
    logged = await send(cast, "tom", alert, **form, result="other_answered", ago="30")
    assert logged.headers["location"] == f"/desk/alerts/{alert.id}?done=logged"
    again = await send(cast, "tom", alert, **form, result="other_answered", ago="30")
    assert again.is_redirect
    attempt = await Attempt.get(alert_id=alert.id)
    assert attempt.at == at(19, 20)
    page = await look(cast, "ines", f"/desk/alerts/{alert.id}")
    tried = page[page.index('id="tried"') :]
    assert "Called · The home" in tried
    assert "Someone else answered" in tried
    assert "Rosa says &lt;b&gt;no&lt;/b&gt;." in tried


async def test_who_reached_the_child_has_it_and_board_and_page_say_not_yet_seen(
    cast: Cast, alert: Alert
) -> None:
    logged = await send(cast, "tom", alert, tried="call:child", result="reached", numbers="yes")
    assert logged.headers["location"] == f"/desk/alerts/{alert.id}/numbers?done=contacted"
    page = await look(cast, "tom", logged.headers["location"])
    assert "The alert stays open until someone has seen Mia Castellane." in page
    assert "Contacted, not yet seen, 19:50 by Tom Verhoeven." in page
    assert "With you until" in page
    assert "Contacted, not yet seen" in await look(cast, "ines", "/desk/")


async def test_a_form_that_is_not_complete_comes_back_with_what_was_typed(
    cast: Cast, alert: Alert
) -> None:
    nothing = await send(cast, "tom", alert, tried="", words="Nobody at the door.")
    assert (nothing.status_code, "Choose what you tried." in nothing.text) == (422, True)
    assert "Nobody at the door." in nothing.text
    no_result = await send(cast, "tom", alert, result="")
    assert (no_result.status_code, "Choose what came of it." in no_result.text) == (422, True)
    assert 'value="call:home" checked' in no_result.text
    no_time = await send(cast, "tom", alert, ago="other", at="")
    assert (no_time.status_code, "Enter a date and a time." in no_time.text) == (422, True)
    assert not await Attempt.exists()


async def test_a_second_attempt_under_the_same_id_keeps_what_was_typed(
    cast: Cast, alert: Alert
) -> None:
    id_ = str(uuid4())
    await send(cast, "tom", alert, id=id_)
    other = await send(cast, "tom", alert, id=id_, words="They called back.")
    assert (other.status_code, "They called back." in other.text) == (409, True)
    assert f'name="id" value="{id_}"' not in other.text
    assert await Attempt.all().count() == 1


async def test_an_attempt_logged_after_the_end_is_marked_late_and_opens_nothing(
    cast: Cast, alert: Alert
) -> None:
    async with at_desk(cast, "tom") as browser:
        said = {"outcome": "seen", "words": "At home."}
        await browser.post(f"/desk/alerts/{alert.id}/close", data=said)
    cast.clock.advance(minutes=2)
    late = await send(cast, "ines", alert, tried="call:child", result="reached")
    assert late.headers["location"] == f"/desk/alerts/{alert.id}?done=late"
    page = await look(cast, "ines", late.headers["location"])
    assert "logged after the alert was closed" in page
    assert (await Alert.get(id=alert.id)).state == "closed"


async def test_thirty_attempts_are_a_short_list_and_a_fold(cast: Cast, alert: Alert) -> None:
    for _ in range(30):
        await send(cast, "tom", alert)
    page = await look(cast, "tom", f"/desk/alerts/{alert.id}")
    assert "24 earlier attempts" in page


async def test_the_reader_sees_where_they_are_on_the_ladder(cast: Cast, alert: Alert) -> None:
    page = await look(cast, "tom", f"/desk/alerts/{alert.id}")
    ladder = page[page.index('id="rungs"') : page.index('id="evidence"')]
    assert ladder.count("This is you") == 1
    assert ladder.index("Tom Verhoeven") < ladder.index("This is you")


async def test_report_missing_is_not_offered_where_a_search_is_open(cast: Cast) -> None:
    missing = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    page = await look(cast, "tom", f"/desk/alerts/{missing.id}")
    assert "report missing" not in page.lower()
    assert "Search: next steps" in page


async def test_what_was_tried_in_the_search_is_in_the_list_of_its_alert_once(cast: Cast) -> None:
    missing = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    await send(cast, "tom", missing, words="From the alert.")
    episode = await Episode.get(child_id=cast.mia.id)
    asked = {"how": "hospital", "whom": "Saint Roch", "result": "not_there"}
    entry = EntryRequest(uuid4(), Act.ATTEMPT, details=asked, words="From the search.")
    await enter(cast.actor("ines"), episode.id, entry, cast.clock())
    page = await look(cast, "ines", f"/desk/alerts/{missing.id}")
    assert page.count("From the alert.") == page.count("From the search.") == 1
    assert "Asked a hospital · Saint Roch" in page
    search = await look(cast, "ines", f"/desk/episodes/{episode.id}")
    assert search.count("From the alert.") == search.count("From the search.") == 1
    assert "The home" in search


async def test_a_person_who_is_called_and_not_signed_in_comes_back_to_the_alert(
    cast: Cast, alert: Alert
) -> None:
    async with cast.client() as stranger:
        asked = await stranger.get(f"/desk/alerts/{alert.id}", headers={"accept": "text/html"})
    assert str(alert.id) in asked.headers.get("location", "") + asked.text


async def test_an_adult_sets_their_own_number_for_calls(cast: Cast) -> None:
    async with at_desk(cast, "sam") as browser:
        wrong = await browser.post("/desk/settings/phone", data={"phone": "call me"})
        right = await browser.post("/desk/settings/phone", data={"phone": "+33 6 00 00 00 03"})
    assert (wrong.status_code, "call me" in wrong.text) == (422, True)
    assert right.headers["location"] == "/desk/settings?saved=phone"
    assert (await Person.get(id=cast.sam.id)).phone == "+33 6 00 00 00 03"


async def test_an_administrator_sets_the_number_of_a_home(cast: Cast) -> None:
    home = await Home.get(id=cast.children["mia"].home_id)
    async with at_desk(cast, "root") as browser:
        path = f"/desk/people/homes/{home.id}"
        form = {"name": home.name, "zone": home.zone}
        wrong = await browser.post(path, data={**form, "phone": "none"})
        right = await browser.post(path, data={**form, "phone": "+33 1 40 00 00 01"})
    assert (wrong.status_code, right.status_code) == (422, 303)
    assert (await Home.get(id=home.id)).phone == "+33 1 40 00 00 01"
