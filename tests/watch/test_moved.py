"""A person who is not asked about a child any more says on an open question that they could not
find them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import Refused
from server.notify.models import Message
from server.people.models import Child, Tie
from server.people.rules import Role
from server.security import encryption
from server.watch.carer.models import Question
from server.watch.carer.questions import answer_question
from server.watch.models import Sighting, Watch
from tests.cast import Cast
from tests.roll_calls.test_instead_of_carer import late


async def former(cast: Cast) -> Question:
    """Sam was asked about Mia, and is her carer no longer."""
    [question] = await late(cast)
    assert question.person_id == cast.sam.id
    await Tie.filter(child_id=cast.mia.id, role=Role.CARER).update(until_at=cast.clock())
    return question


async def told(cast: Cast) -> list[tuple[str, str]]:
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind="roll_call_away", state="waiting", child_id=cast.mia.id)
    return sorted(
        {(names[row.person_id], (row.data or {})["path"]) for row in rows if row.person_id}
    )


async def test_who_has_the_child_now_hears_that_a_former_carer_could_not_find_them(
    cast: Cast,
) -> None:
    question = await former(cast)
    watch, alerts = dict(await Watch.get(child_id=cast.mia.id)), await Alert.all().count()
    path = f"/q/{encryption.sign(str(question.id), 'question', until=question.expires_at)}"
    async with cast.client(headers={"sec-fetch-site": "same-origin"}) as browser:
        for _ in range(2):
            page = await browser.post(path, data={"answer": "not_seen"})
            assert page.status_code == 404
            assert "This question is closed" in page.text
            assert "We passed on that you could not find" in page.text
    assert await told(cast) == [("tom", f"/desk/children/{cast.mia.id}")]
    entry = await Entry.get(what="carer:moved")
    assert (entry.child_id, entry.who_id) == (cast.mia.id, cast.sam.id)
    assert not await Sighting.all().exists(), "it is no word of a person who is asked"
    assert dict(await Watch.get(child_id=cast.mia.id)) == watch
    assert await Alert.all().count() == alerts
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        page = await browser.get(f"/desk/children/{cast.mia.id}")
    assert "“Could not find”, said by a person we no longer ask" in page.text


async def test_seen_by_a_former_carer_vouches_for_nothing(cast: Cast) -> None:
    question = await former(cast)
    with pytest.raises(Refused):
        await answer_question(question.id, "seen", cast.clock())
    assert await told(cast) == []
    assert not await Sighting.all().exists()
    assert not await Entry.filter(what="carer:moved").exists()


@pytest.mark.parametrize("why", ["day", "left"])
async def test_after_its_day_or_where_the_child_has_left_nobody_hears(cast: Cast, why: str) -> None:
    question = await former(cast)
    if why == "left":
        await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    else:
        cast.clock.set(question.asked_at + timedelta(hours=24))
    with pytest.raises(Refused):
        await answer_question(question.id, "not_seen", cast.clock())
    assert await told(cast) == []
