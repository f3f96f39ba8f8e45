"""A child asks to be away for long, and a second person has to agree as well."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts.ladder import Outcome
from server.approvals import actions as approvals
from server.approvals.models import Approval
from server.approvals.rules import What
from server.errors import Conflict, SecondPersonNeeded
from server.notify.models import Message
from server.people.rules import Leaving
from server.placements import actions as placements
from server.tasks.models import Task
from server.watch import watch_alerts
from server.watch.absence import actions
from server.watch.absence.actions import AgreeRequest, AskRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Pause
from tests.approvals.asking import wants
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.test_access import open_concern

DAY = timedelta(days=1)
WORDS = "Have a good time."


async def ask(cast: Cast) -> AbsenceRequest:
    """For twenty days, from tomorrow on."""
    now = cast.clock()
    asked = AskRequest(uuid4(), now, now + DAY, now + 21 * DAY, "At my aunt's")
    row, _ = await actions.ask(cast.actor("mia"), cast.mia.id, asked, now)
    return row


async def agree(cast: Cast, row: AbsenceRequest, by: str = "tom", **terms: object) -> Approval:
    """Tom agrees, and waits for a second person."""
    wanted = AgreeRequest(**{"words": WORDS, **terms})  # type: ignore[arg-type]
    with pytest.raises(SecondPersonNeeded) as needed:
        await actions.agree(cast.actor(by), cast.mia.id, row.id, wanted, cast.clock())
    return await Approval.get(id=needed.value.extra["approval"])


async def say_yes(cast: Cast, approval: Approval) -> Approval:
    return await approvals.decide(
        cast.actor("ines"), approval.id, is_yes=True, words=None, now=cast.clock()
    )


async def on_the_phone(cast: Cast) -> tuple[str, str | None, str | None]:
    [asked] = (await cast.client_as("mia").get("/api/v1/absences")).json()["requests"]
    return asked["state"], asked["answer"], asked["decided_by"]


async def test_the_workers_words_wait_for_the_second_person_and_then_reach_the_child(
    cast: Cast,
) -> None:
    await wants(cast, What.ABSENCE)
    row = await ask(cast)
    approval = await agree(cast, row)
    assert (await agree(cast, row)).id == approval.id
    assert await on_the_phone(cast) == ("waiting", None, None)
    async with at_desk(cast, "ines") as ines:
        assert WORDS in (await ines.get(f"/desk/approvals/{approval.id}")).text
    assert (await say_yes(cast, approval)).state == "yes"
    assert await on_the_phone(cast) == ("agreed", WORDS, cast.tom.name)
    assert (await Pause.get(id=row.id)).words == "At my aunt's"


@pytest.mark.parametrize("words", [None, "  "])
async def test_without_words_the_second_persons_yes_agrees_all_the_same(
    cast: Cast, words: str | None
) -> None:
    await wants(cast, What.ABSENCE)
    approval = await agree(cast, await ask(cast), words=words)
    assert (await say_yes(cast, approval)).state == "yes"
    assert await on_the_phone(cast) == ("agreed", None, cast.tom.name)


async def test_an_alert_since_then_holds_up_the_second_yes_until_it_is_closed(cast: Cast) -> None:
    await wants(cast, What.ABSENCE)
    row = await ask(cast)
    approval, alert = await agree(cast, row), await open_concern(cast)
    async with at_desk(cast, "ines") as ines:
        path = f"/desk/approvals/{approval.id}/answer"
        answer = await ines.post(path, data={"answer": "yes"})
    assert answer.status_code == 409
    assert "An alert about this child is open. Close it first" in answer.text
    assert (await Approval.get(id=approval.id)).state == "waiting"
    assert await on_the_phone(cast) == ("waiting", None, None)
    assert not await Pause.exists()
    await watch_alerts.close_alert(
        cast.actor("tom"), alert.id, Outcome.SEEN, "Seen at home.", cast.clock()
    )
    assert (await say_yes(cast, approval)).state == "yes"
    assert await Pause.filter(id=row.id).exists()


async def another_no(cast: Cast, row: AbsenceRequest) -> None:
    await actions.decline(cast.actor("ines"), cast.mia.id, row.id, "Not now.", cast.clock())


async def another_yes(cast: Cast, row: AbsenceRequest) -> None:
    """To a shorter time, which one person alone may agree to."""
    wanted = AgreeRequest(until_at=row.from_at + 3 * DAY)
    await actions.agree(cast.actor("ines"), cast.mia.id, row.id, wanted, cast.clock())


async def the_child_takes_it_back(cast: Cast, row: AbsenceRequest) -> None:
    await actions.take_back(cast.actor("mia"), cast.mia.id, row.id, cast.clock())


async def the_child_asks_anew(cast: Cast, row: AbsenceRequest) -> None:
    await ask(cast)


async def the_placement_ends(cast: Cast, row: AbsenceRequest) -> None:
    now = cast.clock()
    await placements.end(cast.actor("ines"), cast.mia.id, Leaving.HOME, now, now=now)


@pytest.mark.parametrize(
    ("does", "why", "says"),
    [
        (another_no, "decided", "was answered, changed or taken back"),
        (another_yes, "decided", "was answered, changed or taken back"),
        (the_child_takes_it_back, "decided", "was answered, changed or taken back"),
        (the_child_asks_anew, "decided", "was answered, changed or taken back"),
        (the_placement_ends, "ended", "The placement has changed"),
    ],
)
async def test_what_settles_the_childs_request_settles_what_waits_for_a_second_person(
    cast: Cast, does: object, why: str, says: str
) -> None:
    await wants(cast, What.ABSENCE)
    row = await ask(cast)
    approval = await agree(cast, row)
    await does(cast, row)  # type: ignore[operator]
    after = await Approval.get(id=approval.id)
    assert (after.state, after.why) == ("overtaken", why)
    assert not await Task.filter(kind="approval", state="open").exists()
    assert await Message.filter(kind="answered", person_id=cast.tom.id).count() == 1
    async with at_desk(cast, "tom") as tom:
        assert says in (await tom.get(f"/desk/approvals/{approval.id}")).text
    with pytest.raises(Conflict):
        await say_yes(cast, approval)
    assert not await Pause.filter(until_at=row.until_at).exists()
