"""Whom we call when nobody else can be: an agency's own addresses, and the installation's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.drills import actions as drills
from server.alerts.ladder import Cause
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of, reach_of
from server.errors import NotFound, Refused
from server.i18n import gettext
from server.notify.actions import set_last_resorts
from server.notify.last_resort import actions as addresses
from server.notify.last_resort.reading import resorts_of
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.policy.model import Rung, Tier
from server.storage.db import write
from server.watch.models import Watch
from tests.cast import Cast
from tests.notify.test_worker import say, send
from tests.races import no_fault, together
from tests.walks.stage import LAST_RESORT, Stage

OWN = "desk@harbour.example.org"


async def entered(stage: Stage, value: str = OWN, name: str = "root") -> Address:
    return await addresses.enter(stage.cast.actor(name), "email", value, stage.clock())


async def code_of(stage: Stage, value: str = OWN) -> str:
    """The code in the last mail to an address."""
    while await send(stage):
        pass
    text = stage.mails_to(value)[-1].message.get_content()
    return re.findall(r"\b\d{6}\b", text)[0]


async def proven(stage: Stage, value: str = OWN, name: str = "root") -> Address:
    address = await entered(stage, value, name)
    code = await code_of(stage, value)
    await addresses.prove(stage.cast.actor(name), address.id, code, stage.clock())
    return address


async def called(stage: Stage) -> dict[str, int]:
    """Alert to Tom, who has no address: how many mails each last resort got about it."""
    before = {to: len(stage.mails_to(to)) for to in (OWN, LAST_RESORT)}
    await say(stage, subject_id=uuid4())
    while await send(stage):
        pass
    return {to: len(stage.mails_to(to)) - before[to] for to in before}


async def test_an_own_address_counts_once_its_code_came_back(stage: Stage) -> None:
    assert await called(stage) == {OWN: 0, LAST_RESORT: 1}
    await proven(stage)
    assert await called(stage) == {OWN: 1, LAST_RESORT: 0}


async def test_until_then_the_installations_is_called_too(stage: Stage) -> None:
    await entered(stage)
    while await send(stage):
        pass
    assert await called(stage) == {OWN: 1, LAST_RESORT: 1}


async def test_the_link_beside_the_code_confirms_it_without_signing_in(stage: Stage) -> None:
    await entered(stage)
    await code_of(stage)
    text = stage.mails_to(OWN)[-1].message.get_content()
    path = re.findall(r"http://localhost:8000(/reach/\S+)", text)[0]
    async with stage.cast.client() as stranger:
        page = await stranger.get(path)
        assert "Do messages reach you here?" in page.text
        assert (await stranger.post(path)).status_code == 200
    assert await called(stage) == {OWN: 1, LAST_RESORT: 0}


@pytest.mark.parametrize("fault", ["refused", "no_channel", "dropped"])
async def test_one_that_fails_falls_back_on_the_installations(stage: Stage, fault: str) -> None:
    own = await proven(stage)
    if fault == "refused":
        stage.relay.refused.add(OWN)
    elif fault == "no_channel":
        await Address.filter(id=own.id).update(channel="pager")
    else:
        # Between queueing and sending.
        await say(stage, person_id=None, resort_id=own.id, channel="email", subject_id=uuid4())
        await addresses.drop(stage.cast.actor("root"), own.id, stage.clock())
    assert (await called(stage))[LAST_RESORT] >= 1
    if fault == "dropped":
        states = await Message.filter(resort_id=own.id, kind=Kind.ALERT).values_list("state", "why")
        assert [tuple(state) for state in states] == [("failed", "no_address")]
        assert len(stage.mails_to(LAST_RESORT)) == 2


async def test_several_are_all_called_and_another_agency_has_its_own(stage: Stage) -> None:
    await proven(stage)
    await proven(stage, "second@harbour.example.org")
    cast = stage.cast
    resorts = await resorts_of([cast.agency.id, cast.other_agency.id])
    assert [to.channel for to in resorts[cast.agency.id]] == ["email", "email"]
    assert [to.last_resort for to in resorts[cast.other_agency.id]] == [0]
    assert await called(stage) == {OWN: 1, LAST_RESORT: 0}
    assert len(stage.mails_to("second@harbour.example.org")) == 2, "its code, and the call"


async def test_it_is_on_the_ladder_where_the_installation_has_none(stage: Stage) -> None:
    set_last_resorts(0)
    cast = stage.cast
    children = {cast.mia.id: cast.agency.id, cast.lia.id: cast.other_agency.id}
    await proven(stage)
    reach = await reach_of(children, stage.clock())
    assert Rung.LAST_RESORT in reach[cast.mia.id].there
    assert Rung.LAST_RESORT not in reach[cast.lia.id].there


async def test_an_alert_that_reaches_it_says_no_name_in_the_language_of_the_agency(
    stage: Stage,
) -> None:
    await proven(stage)
    await type(stage.cast.agency).filter(id=stage.cast.agency.id).update(language="fr")
    before = len(stage.mails_to(OWN))
    await called(stage)
    text = stage.mails_to(OWN)[before].message.get_content()
    assert "Mia" not in text
    assert "Harbour" not in text
    assert "We" not in text.split()


async def test_a_wish_to_talk_that_nobody_takes_ends_there_too(stage: Stage) -> None:
    await proven(stage)
    await Watch.all().delete()
    cast = stage.cast
    policy, _ = await policy_of(cast.agency.id)
    opening = Opening(
        child_id=cast.mia.id,
        agency_id=cast.agency.id,
        cause=Cause.TALK,
        tier=Tier.MID,
        reason="said_talk",
        opened_at=stage.clock(),
    )
    async with write():
        [alert] = await open_alerts([opening], {cast.agency.id: policy}, stage.clock())
    before = len(stage.mails_to(OWN))
    await stage.until(hours=48)
    assert len(stage.mails_to(OWN)) > before
    assert await Message.filter(subject_id=alert.id, resort_id__isnull=False).exists()


async def test_a_drill_calls_it_and_its_tap_counts(stage: Stage) -> None:
    await proven(stage)
    cast = stage.cast
    before = len(stage.mails_to(OWN))
    await drills.begin(cast.actor("ines"), uuid4(), cast.tom.id, drills.rules.EACH, stage.clock())
    await stage.until(minutes=30)
    [mail] = stage.mails_to(OWN)[before:]
    path = re.findall(r"/drill/(\S+)", mail.message.get_content())[0]
    tapped = await drills.read_tap(path, stage.clock())
    assert tapped.person is None


async def test_faults_of_the_server_go_to_the_installations_alone(stage: Stage) -> None:
    await proven(stage)
    before = len(stage.mails_to(OWN))
    await stage.ticker._tell("ticker:tick")
    while await send(stage):
        pass
    assert len(stage.mails_to(OWN)) == before
    assert len(stage.mails_to(LAST_RESORT)) == 1


async def test_the_same_address_twice_at_once_is_entered_once(stage: Stage) -> None:
    found = await together(*(entered(stage) for _ in range(4)))
    no_fault(found)
    assert await Address.filter(person_id__isnull=True).count() == 1
    assert await Message.filter(kind=Kind.VERIFY).count() == 1


async def test_another_agency_can_neither_confirm_nor_remove_it(stage: Stage) -> None:
    own = await entered(stage)
    uwe = stage.cast.actor("uwe")
    for verb in (
        addresses.send_code(uwe, own.id, stage.clock()),
        addresses.prove(uwe, own.id, "123456", stage.clock()),
        addresses.drop(uwe, own.id, stage.clock()),
    ):
        with pytest.raises(NotFound):
            await verb


async def test_there_are_five_at_most_and_each_can_be_removed(stage: Stage) -> None:
    for number in range(addresses.MOST):
        last = await entered(stage, f"{number}@harbour.example.org")
    with pytest.raises(Refused):
        await entered(stage, "one.more@harbour.example.org")
    for _ in range(2):
        await addresses.drop(stage.cast.actor("root"), last.id, stage.clock())
    await entered(stage, "one.more@harbour.example.org")


# --- the page, and who hears that there is none


def public(cast: Cast) -> None:
    """As on a server that others reach: without a last resort."""
    cast.app.state.settings = replace(
        cast.app.state.settings, public_url="http://plan.example.org", last_resort=()
    )


async def seen(cast: Cast, name: str, path: str) -> str:
    async with cast.browser_as(name) as browser:
        text: str = (await browser.get(path)).text
        return text


async def test_the_boards_of_those_who_answer_for_it_say_that_there_is_none(cast: Cast) -> None:
    missing, link = "There is no last resort.", 'href="/desk/people/last-resort"'
    assert missing not in await seen(cast, "ines", "/desk/"), "on this machine alone"
    public(cast)
    for name, path, says in (
        ("ines", "/desk/", True),
        ("root", "/desk/admin", True),
        ("tom", "/desk/", False),
        ("sam", "/desk/", False),
    ):
        page = await seen(cast, name, path)
        assert (missing in page and link in page) is says, (name, path)
    await Address.create(
        agency_id=cast.agency.id,
        channel="email",
        value=OWN,
        value_index=str(uuid4()),
        made_at=cast.clock(),
        verified_at=cast.clock(),
    )
    assert missing not in await seen(cast, "ines", "/desk/")


async def test_an_administrator_sets_it_and_a_wrong_address_or_code_comes_back(
    stage: Stage,
) -> None:
    path, cast = "/desk/people/last-resort", stage.cast
    async with cast.browser_as("root") as root:

        async def post(where: str = "", **form: Any) -> Any:
            return await root.post(path + where, data=form)

        answer = await post(channel="email", address="not an address")
        assert answer.status_code == 422
        assert "not an address" in answer.text
        answer = await post(channel="email", address=OWN)
        assert answer.status_code == 303
        own = await Address.get(person_id__isnull=True)
        assert "Not confirmed yet" in (await root.get(path)).text
        answer = await post(f"/{own.id}/code", code="000 000")
        assert answer.status_code == 422
        assert "000 000" in answer.text
        assert (await post(f"/{own.id}/code", code=await code_of(stage))).status_code == 303
        assert "We call your agency&#39;s own addresses." in (await root.get(path)).text
        assert (await post(f"/{own.id}/drop")).status_code == 303
    assert (await Address.get(id=own.id)).dropped_why == "by_person"


async def test_a_supervisor_reads_it_and_has_no_form(stage: Stage) -> None:
    await proven(stage)
    page = await seen(stage.cast, "ines", "/desk/people/last-resort")
    assert OWN in page
    assert "<form" not in page.split("<main", 1)[1].split("</main", 1)[0]

    # --- who we cannot reach, before there is an alert


async def test_each_person_reads_on_their_board_that_we_cannot_reach_them(stage: Stage) -> None:
    link = 'href="/desk/settings"'
    says = "We cannot reach you. Add an address, or turn alarms on in this browser."
    in_french = gettext("fr", says)
    for name, words in (("tom", says), ("ines", says), ("sam", in_french)):
        page = await seen(stage.cast, name, "/desk/")
        assert words in page, name
        assert link in page, name
    assert says not in await seen(stage.cast, "root", "/desk/admin"), "alerts call no administrator"
    await stage.subscribe("tom", "sam")
    for name, words in (("tom", says), ("sam", in_french)):
        assert words not in await seen(stage.cast, name, "/desk/")


@pytest.mark.parametrize("fault", ["closed_channel", "not_proven", "refused", "gone"])
async def test_an_address_by_which_nothing_arrives_is_none_on_the_board(
    stage: Stage, fault: str
) -> None:
    cast = stage.cast
    await stage.subscribe("tom")
    changes = {
        "closed_channel": {"channel": "pager"},
        "not_proven": {"channel": "email", "verified_at": None},
        "refused": {"refused_at": stage.clock(), "refused_why": "no_mailbox"},
        "gone": {"dropped_at": stage.clock(), "dropped_why": "gone"},
    }
    await Address.filter(person_id=cast.tom.id).update(**changes[fault])
    assert "We cannot reach you." in await seen(cast, "tom", "/desk/")


async def test_supervisors_and_administrators_read_how_many_and_who(stage: Stage) -> None:
    link = 'href="/desk/people/last-resort#unreached"'
    for name, path in (("ines", "/desk/"), ("root", "/desk/admin")):
        page = await seen(stage.cast, name, path)
        assert "We cannot reach 3 people who should get alerts." in page
        assert link in page
        who = await seen(stage.cast, name, "/desk/people/last-resort")
        part = who.split('id="unreached"', 1)[1].split("</section>", 1)[0]
        assert all(other in part for other in ("Tom", "Ines", "Eve"))
        assert "Uwe" not in part, "another agency"
    assert link not in await seen(stage.cast, "tom", "/desk/")
    await stage.subscribe("tom", "ines")
    assert "We cannot reach 1 person who should get alerts." in await seen(
        stage.cast, "ines", "/desk/"
    )
    await stage.subscribe("eve")
    assert link not in await seen(stage.cast, "ines", "/desk/")
