"""The carer's link: one question, one tap, nothing else."""

from __future__ import annotations

import copy
import re

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.people.models import Agency
from server.policy.model import SHIPPED
from server.policy.models import Policy
from server.security import encryption
from server.watch import watch_alerts
from server.watch.carer.models import Question
from server.watch.forecast import Then, if_not_seen
from server.watch.models import Watch
from tests.cast import SURNAMES, Cast
from tests.desk.walking import answer, at, run_until

WORDS = {"en": ("Seen", "Could not find"), "fr": ("Vu", "Pas trouvé")}


async def link(cast: Cast) -> str:
    """Sam's link about Mia, at 19:05."""
    await run_until(cast, at(19, 5))
    question = await Question.get(child_id=cast.mia.id)
    return f"/q/{encryption.sign(str(question.id), 'question', until=question.expires_at)}"


async def test_it_asks_without_a_name_and_leads_nowhere(cast: Cast) -> None:
    path = await link(cast)
    async with cast.browser_as("sam") as browser:
        browser.cookies.clear()
        response = await browser.get(path)
    assert response.status_code == 200
    page = response.text
    assert "<title>Planner</title>" in page
    assert not any(name in page for name in ("Mia", "Waymark", *SURNAMES))
    links = re.findall(r'href="([^"]+)"', page)
    assert [href for href in links if not href.startswith(("/static/", "/app/", "#"))] == []
    assert page.count("<button") == 2
    assert 'lang="fr"' in page


async def test_it_shows_the_name_that_the_agency_chose(cast: Cast) -> None:
    await Agency.filter(id=cast.agency.id).update(display_name="Diary")
    async with cast.client(headers={"accept": "text/html"}) as browser:
        assert "<title>Diary</title>" in (await browser.get(await link(cast))).text


async def test_reading_it_answers_nothing(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        await browser.get(path)
        await browser.head(path)
    assert (await Question.get(child_id=cast.mia.id)).answer is None


async def test_one_tap_answers_and_a_second_one_changes_nothing(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        said = await browser.post(path, data={"answer": "seen"})
        assert (said.status_code, said.headers["location"]) == (303, path)
        assert "<button" not in (await browser.get(path)).text
        await browser.post(path, data={"answer": "not_seen"})
    assert (await Question.get(child_id=cast.mia.id)).answer == "seen"
    assert (await Watch.get(child_id=cast.mia.id)).standing == "well"
    assert not await Alert.exists(child_id=cast.mia.id)


async def test_not_seen_calls_adults_where_it_said_so(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        assert "nous appelons des adultes tout de suite." in (await browser.get(path)).text
        await browser.post(path, data={"answer": "not_seen"})
        page = (await browser.get(path)).text
    assert "112" in page
    assert "Une alerte est ouverte." in page
    assert (await Alert.get(child_id=cast.mia.id)).reason == "not_seen"


async def test_it_says_that_the_caseworker_was_called_when_that_is_over_too(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        await browser.post(path, data={"answer": "not_seen"})
        alert = await Alert.get(child_id=cast.mia.id)
        now = cast.clock.advance(minutes=5)
        await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, None, now)
        assert "Une alerte est ouverte." in (await browser.get(path)).text


async def test_it_says_that_nobody_is_called_where_the_check_in_has_come(cast: Cast) -> None:
    path = await link(cast)
    await answer(cast, "mia")
    async with cast.client(headers={"accept": "text/html"}) as browser:
        before = (await browser.get(path)).text
        assert "appelons personne" in before, "promised before the tap, too"
        await browser.post(path, data={"answer": "not_seen"})
        page = (await browser.get(path)).text
    assert not await Alert.exists(child_id=cast.mia.id)
    assert "appelons donc personne." in page


async def test_where_not_seen_is_weighed_it_says_that_nobody_is_called_yet(cast: Cast) -> None:
    content = copy.deepcopy(SHIPPED)
    content["mid"]["habit"]["ask"] = 0.00001  # At once.
    await Policy.create(agency_id=cast.agency.id, version=1, content=content, made_at=at(8))
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        before = (await browser.get(path)).text
        assert "appelons encore personne." in before
        again = await if_not_seen(cast.mia.id, cast.clock())
        assert again.then is Then.ASKED, "the rule of this child says so"
        await browser.post(path, data={"answer": "not_seen"})
        page = (await browser.get(path)).text
    assert not await Alert.exists(child_id=cast.mia.id)
    assert "Nous vous redemandons" in page
    assert "112" in page


async def test_it_says_when_the_check_in_came_and_still_takes_an_answer(
    cast: Cast,
) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        assert "est pas arrivée" in (await browser.get(path)).text
        await answer(cast, "mia")
        page = (await browser.get(path)).text
        assert "est pas arrivée" not in page
        assert page.count("<button") == 2


async def test_a_day_later_the_question_is_over(cast: Cast) -> None:
    path = await link(cast)
    cast.clock.advance(hours=25)
    async with cast.client(headers={"accept": "text/html", "accept-language": "en"}) as browser:
        late = await browser.get(path)
        said = await browser.post(path, data={"answer": "seen"})
    assert late.status_code == said.status_code == 404
    assert "This question is closed" in late.text
    assert (await Question.get(child_id=cast.mia.id)).answer is None


async def test_a_link_that_is_not_ours_is_over_too(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html", "accept-language": "en"}) as browser:
        for wrong in (path[:-3] + "abc", "/q/nonsense", f"/q/{encryption.sign('x', 'question')}"):
            assert (await browser.get(wrong)).status_code == 404
            assert (await browser.post(wrong, data={"answer": "seen"})).status_code == 404


async def test_nonsense_is_no_answer(cast: Cast) -> None:
    path = await link(cast)
    async with cast.client(headers={"accept": "text/html"}) as browser:
        assert (await browser.post(path, data={"answer": "perhaps"})).status_code == 303
        assert (await browser.post(path, data={"x": "seen"})).status_code == 303
    assert (await Question.get(child_id=cast.mia.id)).answer is None
