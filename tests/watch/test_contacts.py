""" "Ask her first": named by the child, vetted, asked in parallel, and never instead of anyone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.errors import Conflict, NotFound, Refused
from server.notify.models import Message
from server.notify.rules import Kind
from server.storage.db import fetch
from server.watch.trusted import contacts
from server.watch.trusted.models import Trusted, TrustedAsk
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together
from tests.walks.stage import Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
JOY = "joy@example.org"
NAMED = {"name": "Aunt Joy", "reach": "+33 6 12 34 56 78"}


async def named(cast: Cast, **more: Any) -> UUID:
    id_ = uuid4()
    async with cast.client_as("mia") as phone:
        answer = await phone.post("/api/v1/trusted", json={"id": str(id_), **NAMED, **more})
        assert answer.status_code == 201, answer.text
    return id_


async def vetted(cast: Cast, **more: Any) -> UUID:
    id_ = await named(cast, **more)
    await contacts.say_yes(
        cast.actor("tom"), cast.mia.id, id_, contacts.Contact("email", JOY, "fr"), cast.clock()
    )
    return id_


def link_to_her(stage: Stage) -> str:
    [mail] = stage.mails_to(JOY)
    text = "\n".join(mail.read())
    assert "Mia" not in text
    assert "Merci de répondre à une question." in text
    found = re.search(r"/ask/(\S+)", text)
    assert found is not None
    return found[1]


async def silent(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines")
    await stage.until(DUE + timedelta(hours=6))


async def test_a_child_names_a_trusted_person_and_the_caseworker_is_asked_to_look(
    cast: Cast,
) -> None:
    id_ = await named(cast)
    async with cast.client_as("mia") as phone:
        body = {"id": str(id_), **NAMED}
        again = await phone.post("/api/v1/trusted", json=body)
        other = await phone.post("/api/v1/trusted", json={**body, "name": "Someone else"})
        [mine] = (await phone.get("/api/v1/trusted")).json()["trusted"]
    assert (again.status_code, other.status_code) == (200, 409)
    assert (mine["name"], mine["state"]) == ("Aunt Joy", "named")
    assert await Message.filter(kind=Kind.DUE, person_id=cast.tom.id).count() == 1
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}")).text
        assert "Decide about a trusted person" in page
        assert "Aunt Joy" in (await browser.get(f"/desk/children/{cast.mia.id}/trusted")).text


async def test_nothing_of_her_stands_readable_in_the_rows(cast: Cast) -> None:
    await vetted(cast)
    [row] = await fetch("SELECT name, reach, address FROM trusted", [])
    assert not any(word in str(row[column]) for column in row for word in ("Joy", "612", "joy"))


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"reach": ""}, {"reach": "x\u0007"}, {"name": "x\u202e"}]
)
async def test_what_is_no_name_or_no_way_is_refused(cast: Cast, wrong: dict[str, str]) -> None:
    async with cast.client_as("mia") as phone:
        answer = await phone.post("/api/v1/trusted", json={"id": str(uuid4()), **NAMED, **wrong})
    assert answer.status_code in (400, 422)
    assert not await Trusted.exists()


async def test_three_are_enough_also_at_once(cast: Cast) -> None:
    child = cast.children["mia"]

    async def name() -> None:
        await contacts.name_person(
            cast.actor("mia"),
            child,
            contacts.TrustedRequest(uuid4(), "Joy", "1", also_help=False),
            cast.clock(),
        )

    no_fault(await together(*(name() for _ in range(6))), Refused)
    assert await Trusted.all().count() == contacts.MOST


async def test_no_comes_with_a_reason_that_the_child_reads(cast: Cast) -> None:
    id_ = await named(cast)
    path = f"/desk/children/{cast.mia.id}/trusted/{id_}"
    async with at_desk(cast, "tom") as browser:
        empty = await browser.post(path, data={"answer": "no", "why": " "})
        assert empty.status_code == 422
        assert "Say why, in words for the child." in empty.text
        form = {"answer": "no", "why": "She moved away. Who else?"}
        for _ in range(2):
            assert (await browser.post(path, data=form)).status_code == 303
        late = await browser.post(
            path, data={"answer": "yes", "channel": "email", "address": JOY, "language": "en"}
        )
        assert late.status_code == 409
    async with cast.client_as("mia") as phone:
        [mine] = (await phone.get("/api/v1/trusted")).json()["trusted"]
    assert (mine["state"], mine["why"]) == ("no", "She moved away. Who else?")


async def test_a_trusted_person_nobody_has_vetted_is_not_asked(stage: Stage) -> None:
    await named(stage.cast)
    await silent(stage)
    assert await stage.open_alert("mia")
    assert not await TrustedAsk.exists()


async def test_she_is_asked_when_adults_are_called_and_they_are_called_all_the_same(
    stage: Stage,
) -> None:
    await vetted(stage.cast)
    await silent(stage)
    link = link_to_her(stage)
    one = await TrustedAsk.get()
    alert = await stage.open_alert("mia")
    assert one.asked_at == alert.noticed_at
    assert len(stage.shown("tom")) >= 1
    assert len(stage.shown("ines")) >= 1, "the ladder has climbed beside her"
    async with stage.cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
        page = (await stranger.get(f"/ask/{link}")).text
        for word in ("Mia", "Castellane", "aymark", "Joy", "18:00"):
            assert word not in page.replace("/static/", "")
        assert (await TrustedAsk.get()).answer is None, "looking answers nothing"
        for said in ("spoke", "not"):
            answer = await stranger.post(f"/ask/{link}", data={"answer": said})
            assert answer.status_code == 200
    assert (await TrustedAsk.get()).answer == "spoke"


async def test_her_word_ends_nothing_and_a_person_is_asked_to_confirm_it(stage: Stage) -> None:
    await vetted(stage.cast)
    await silent(stage)
    before = await stage.open_alert("mia")
    told = len(stage.shown("tom"))
    await contacts.answer(link_to_her(stage), "spoke", stage.clock())
    after = await stage.open_alert("mia")
    assert (after.state, after.rung, after.next_action_at) == (
        before.state,
        before.rung,
        before.next_action_at,
    )
    await stage.beat()
    assert len(stage.shown("tom")) == told + 1
    assert stage.paths("tom")[-1] == f"/desk/alerts/{after.id}"
    async with at_desk(stage.cast, "tom") as browser:
        page = (await browser.get(f"/desk/alerts/{after.id}")).text
    assert "they said they saw or spoke to the child" in page
    assert "Please confirm it." in page


async def test_once_it_is_settled_she_is_not_asked_any_more(stage: Stage) -> None:
    await vetted(stage.cast)
    stage.relay.answers["."] = "451 later"
    await silent(stage)
    assert not stage.mails_to(JOY)
    await stage.check_in("mia")
    del stage.relay.answers["."]
    await stage.until(hours=2)
    assert not stage.mails_to(JOY)


async def test_when_help_is_called_she_is_asked_only_where_the_child_wants_it(
    stage: Stage,
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom")
    await vetted(stage.cast)
    await stage.check_in("mia", want="help")
    await stage.beat()
    assert not stage.mails_to(JOY)
    await stage.close("tom", (await stage.open_alert("mia")).id, "spoke_to")
    await vetted(stage.cast, also_help=True)
    await stage.check_in("mia", want="help")
    await stage.beat()
    assert len(stage.mails_to(JOY)) == 1


async def test_taken_back_by_the_child_her_link_is_over_and_so_is_the_caseworkers_yes(
    stage: Stage,
) -> None:
    cast = stage.cast
    id_ = await vetted(cast)
    await silent(stage)
    link = link_to_her(stage)
    for _ in range(2):
        await stage.call("mia", "DELETE", f"/api/v1/trusted/{id_}")
    with pytest.raises(NotFound):
        await contacts.answer(link, "spoke", stage.clock())
    with pytest.raises(Conflict):
        await contacts.say_no(cast.actor("tom"), cast.mia.id, id_, "No.", stage.clock())
    assert (await Trusted.get(id=id_)).address is None
    assert (await stage.send("noor", "DELETE", f"/api/v1/trusted/{id_}")).status_code == 404


async def test_her_link_is_over_after_a_day_and_no_other_link_opens_it(stage: Stage) -> None:
    await vetted(stage.cast)
    await silent(stage)
    link = link_to_her(stage)
    stage.clock.advance(hours=25)
    async with stage.cast.client(headers={"sec-fetch-site": "same-origin"}) as stranger:
        for token in (link, "nonsense"):
            answer = await stranger.get(f"/ask/{token}")
            assert answer.status_code == 404
            assert "This question is closed" in answer.text
