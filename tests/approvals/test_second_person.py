"""A second pair of eyes: what waits for it, who may give it, and what it never holds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts import climbing
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.approvals import actions as approvals
from server.approvals.actions import set_wanted
from server.approvals.models import Approval
from server.approvals.rules import (
    LONG_PASS,
    Closing,
    Ending,
    Pass,
    Question,
    Times,
    What,
    in_total,
    needs_second_person,
)
from server.audit.models import Entry
from server.errors import Conflict, Denied, SecondPersonNeeded
from server.notify.models import Message
from server.people.models import Child, Person
from server.people.rules import Leaving, Role
from server.people.ties import AddTie, add_tie
from server.placements import actions as placements
from server.security import encryption
from server.storage.db import fetch
from server.tasks import telling
from server.tasks.models import Task
from server.watch import watch_alerts
from server.watch.actions import SightingRequest, note_sighting
from server.watch.models import Pause
from server.watch.rhythm.agreements import pause
from tests.approvals.asking import a_pass, ask_for_a_pass, wants
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import together
from tests.test_access import open_concern

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERYTHING = frozenset(What)
days = st.integers(0, 60)


@given(st.lists(st.tuples(days, days), max_size=6), days, days)
def test_passes_that_touch_count_together_whatever_their_order(
    others: list[tuple[int, int]], begin: int, length: int
) -> None:
    def times(first: int, many: int) -> Times:
        return Times(NOW + first * DAY, NOW + (first + many + 1) * DAY)

    rows = [times(*one) for one in others]
    mine = times(begin, length)
    total = in_total(mine, rows)
    assert total == in_total(mine, rows[::-1])
    assert mine.end - mine.begin <= total
    last = max(row.end for row in (mine, *rows))
    assert total <= last - min(row.begin for row in (mine, *rows))
    assert in_total(mine, []) == mine.end - mine.begin


def test_only_what_an_agency_chose_needs_a_second_person() -> None:
    def lasting(length: timedelta) -> Pass:
        return Pass(Times(NOW, NOW + length))

    halves = [Times(NOW + 8 * DAY, NOW + 16 * DAY)]
    table: list[tuple[Question, What, bool]] = [
        (Ending(), What.END, True),
        (lasting(LONG_PASS), What.ABSENCE, False),
        (lasting(LONG_PASS + timedelta(minutes=1)), What.ABSENCE, True),
        (Pass(Times(NOW, NOW + 7.5 * DAY), halves), What.ABSENCE, True),
        (Pass(Times(NOW, NOW + 6 * DAY), halves), What.ABSENCE, False),
        (Closing(is_high=True, was_seen=False), What.CLOSE, True),
        (Closing(is_high=True, was_seen=True), What.CLOSE, False),
        (Closing(is_high=False, was_seen=False), What.CLOSE, False),
    ]
    for question, what, needed in table:
        assert needs_second_person(EVERYTHING, question) is needed
        assert not needs_second_person(EVERYTHING - {what}, question)


async def asked_to_close(cast: Cast, by: str = "tom") -> tuple[Alert, Approval]:
    """An alert of the high level that waits to be closed without anyone having seen Mia."""
    await wants(cast, What.CLOSE)
    alert = await open_concern(cast)
    with pytest.raises(SecondPersonNeeded) as needed:
        await close(cast, alert, Outcome.TECHNICAL, by)
    return alert, await Approval.get(id=needed.value.extra["approval"])


async def close(cast: Cast, alert: Alert, outcome: Outcome, by: str = "tom") -> Alert:
    actor = cast.actor(by)
    return await watch_alerts.close_alert(actor, alert.id, outcome, "I know.", cast.clock())


async def say(cast: Cast, name: str, approval: Approval, *, is_yes: bool = True) -> Approval:
    return await approvals.decide(
        cast.actor(name), approval.id, is_yes=is_yes, words=None, now=cast.clock()
    )


async def end(cast: Cast, by: str = "tom") -> Child:
    return await placements.end(
        cast.actor(by), cast.mia.id, Leaving.HOME, cast.clock(), now=cast.clock()
    )


async def test_without_the_setting_one_person_does_all_three(cast: Cast) -> None:
    alert = await open_concern(cast)
    assert (await close(cast, alert, Outcome.TECHNICAL)).closed_at
    assert await pause(cast.actor("tom"), cast.mia.id, a_pass(cast, 60), cast.clock())
    assert (await end(cast)).left_at
    assert not await Approval.all().exists()


async def test_a_placement_ends_once_a_second_person_said_yes_and_as_it_was_asked(
    cast: Cast,
) -> None:
    await wants(cast, What.END)
    for _ in range(2):
        with pytest.raises(SecondPersonNeeded):
            await end(cast)
    approval = await Approval.get()
    assert not (await Child.get(id=cast.mia.id)).left_at
    [row] = await fetch("SELECT content FROM approval", [])
    assert row["content"].startswith(encryption.MARK)
    asked_at = cast.clock()
    cast.clock.advance(hours=5)
    for _ in range(2):
        assert (await say(cast, "ines", approval)).state == "yes"
    child = await Child.get(id=cast.mia.id)
    assert child.left_at == asked_at
    assert await Entry.filter(what="placement:end", who_id=cast.tom.id).count() == 1
    settled = await Entry.get(what="approval:settle")
    assert (settled.who_id, settled.why) == (cast.ines.id, "yes")
    assert await Message.filter(person_id=cast.tom.id, kind="answered").count() == 1
    assert not await Task.filter(kind="approval", state="open").exists()


async def test_nobody_is_their_own_second_person_nor_is_who_stands_in_for_them(
    cast: Cast,
) -> None:
    await wants(cast)
    approval = await ask_for_a_pass(cast)
    await Person.filter(id=cast.tom.id).update(deputy_id=cast.eve.id)
    for name in ("tom", "eve", "sam", "root"):
        with pytest.raises(Denied):
            await say(cast, name, approval)
    assert (await Approval.get()).state == "waiting"
    await cast.on_duty("eve")
    assert (await say(cast, "eve", approval)).state == "yes"
    assert await Pause.filter(made_by=cast.tom.id).count() == 1


async def test_what_a_person_asked_who_has_left_since_is_decided_all_the_same(
    cast: Cast,
) -> None:
    await wants(cast)
    approval = await ask_for_a_pass(cast)
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    async with at_desk(cast, "ines") as ines:
        assert cast.tom.name in (await ines.get(f"/desk/approvals/{approval.id}")).text
    assert (await say(cast, "ines", approval)).state == "yes"


async def test_two_who_answer_at_once_are_one_answer(cast: Cast) -> None:
    await wants(cast)
    approval = await ask_for_a_pass(cast)
    await cast.on_duty("eve")
    answers = await together(say(cast, "ines", approval), say(cast, "eve", approval, is_yes=False))
    faults = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(fault) for fault in faults] == [Conflict]
    settled = await Approval.get()
    assert await Pause.all().count() == (settled.state == "yes")
    assert await Message.filter(kind="answered").count() == 1


async def test_a_no_changes_nothing_and_a_request_can_be_taken_back(cast: Cast) -> None:
    await wants(cast)
    first = await ask_for_a_pass(cast)
    assert (await say(cast, "ines", first, is_yes=False)).state == "no"
    with pytest.raises(Conflict):
        await say(cast, "ines", first)
    second = await ask_for_a_pass(cast)
    with pytest.raises(Denied):
        await approvals.take_back(cast.actor("ines"), second.id, cast.clock())
    for _ in range(2):
        await approvals.take_back(cast.actor("tom"), second.id, cast.clock())
    assert not await Pause.all().exists()
    assert not await Task.filter(kind="approval", state="open").exists()


async def test_prolonging_a_pass_step_by_step_does_not_get_round_it(cast: Cast) -> None:
    await wants(cast, What.ABSENCE)
    tom, mia = cast.actor("tom"), cast.mia.id
    await pause(tom, mia, a_pass(cast, 10), cast.clock())
    with pytest.raises(SecondPersonNeeded):
        await pause(tom, mia, a_pass(cast, 10, after=11), cast.clock())
    await pause(tom, mia, a_pass(cast, 10, after=30), cast.clock())
    assert await Pause.all().count() == 2


async def test_while_closing_waits_the_alert_is_held_and_then_others_are_called(
    cast: Cast,
) -> None:
    alert, _ = await asked_to_close(cast)
    await alert.refresh_from_db()
    assert (alert.closed_at, alert.acknowledged_by) == (None, cast.tom.id)
    calls = Message.filter(subject_id=alert.id, person_id=cast.ines.id)
    before = await calls.count()
    cast.clock.advance(hours=3)
    for _ in range(6):
        await climbing.ALERTS.tick(cast.clock())
        cast.clock.advance(minutes=15)
    await alert.refresh_from_db()
    assert (alert.closed_at, alert.acknowledged_by) == (None, None)
    assert await calls.count() > before


async def test_once_the_child_is_seen_one_person_closes_and_the_request_is_settled(
    cast: Cast,
) -> None:
    alert, approval = await asked_to_close(cast)
    closed = await close(cast, alert, Outcome.SEEN, "ines")
    assert closed.outcome == "seen"
    after = await Approval.get(id=approval.id)
    assert (after.state, after.why) == ("overtaken", "closed")
    with pytest.raises(Conflict):
        await say(cast, "ines", approval)


async def test_a_yes_to_what_no_longer_fits_does_nothing_and_says_why(cast: Cast) -> None:
    alert, approval = await asked_to_close(cast)
    cast.clock.advance(minutes=1)
    seen = SightingRequest(uuid4(), "seen")
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, seen, cast.clock())
    cast.clock.advance(minutes=1)
    after = await say(cast, "ines", approval)
    assert (after.state, after.why) == ("overtaken", "seen")
    assert (await Alert.get(id=alert.id)).closed_at is None
    # A further miss changes what was asked about as well.
    with pytest.raises(SecondPersonNeeded) as needed:
        await close(cast, alert, Outcome.TECHNICAL)
    await Alert.filter(id=alert.id).update(misses=alert.misses + 1)
    again = await Approval.get(id=needed.value.extra["approval"])
    assert (await say(cast, "ines", again)).why == "missed"


async def test_reporting_missing_never_waits(cast: Cast) -> None:
    await wants(cast)
    alert = await open_concern(cast)
    closed = await close(cast, alert, Outcome.MISSING)
    assert closed.closed_at
    assert await Alert.filter(cause=Cause.MISSING, closed_at__isnull=True).exists()
    assert not await Approval.all().exists()


async def test_an_alert_that_opened_since_stops_the_end_of_a_placement_for_a_time(
    cast: Cast,
) -> None:
    await wants(cast, What.END)
    with pytest.raises(SecondPersonNeeded):
        await end(cast)
    approval, alert = await Approval.get(), await open_concern(cast)
    with pytest.raises(Conflict) as fault:
        await say(cast, "ines", approval)
    assert fault.value.code == "alert_open"
    assert (await Approval.get()).state == "waiting"
    await close(cast, alert, Outcome.SEEN)
    assert (await say(cast, "ines", approval)).state == "yes"


async def test_after_two_hours_others_are_asked_too_and_never_the_one_who_asked(
    cast: Cast,
) -> None:
    await wants(cast)
    other = AddTie(person_id=cast.eve.id, role=Role.CASEWORKER)
    await add_tie(cast.actor("ines"), cast.children["mia"], other, cast.clock())
    await ask_for_a_pass(cast)
    task = await Task.get(kind="approval")

    async def told() -> set[str]:
        await telling.TASKS.tick(cast.clock())
        messages = Message.filter(kind="due", subject_id=task.id)
        people = await messages.values_list("person_id", flat=True)
        return {name for name, person in cast.persons.items() if person.id in people}

    assert await told() == {"ines"}
    cast.clock.advance(hours=2)
    assert await told() == {"ines", "eve"}
    cast.clock.advance(days=9)
    assert await told() == {"ines", "eve"}
    assert not await Pause.all().exists(), "it never runs by itself"


async def test_at_the_desk_it_is_one_tap_from_the_board_and_one_to_say_yes(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    async with at_desk(cast, "ines") as ines:
        settings = "/desk/policies/second-person"
        assert (await ines.get(settings)).status_code == 200
        saved = await ines.post(settings, data={"absence": "yes"})
        assert saved.status_code == 303
        async with at_desk(cast, "tom") as tom:
            assert (await tom.get(settings)).status_code == 200
            assert (await tom.post(settings, data={})).status_code == 403
            until = (cast.clock() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
            asked = await tom.post(
                f"{path}/pauses", data={"until": until, "words": "At home.", "reason": "family"}
            )
            where = asked.headers["location"]
            mine = (await tom.get(where)).text
            assert "/back" in mine
            assert "/answer" not in mine
        assert where in (await ines.get("/desk/")).text
        assert where in (await ines.get(path)).text
        page = await ines.get(where)
        assert "At home." in page.text
        assert "/answer" in page.text
        assert (await ines.post(f"{where}/answer", data={"answer": "x"})).status_code == 422
        assert (await ines.post(f"{where}/answer", data={"answer": "yes"})).status_code == 303
        assert "said yes" in (await ines.get(where)).text
    assert await Pause.all().count() == 1


async def test_over_the_api_closing_says_that_a_second_person_is_needed(cast: Cast) -> None:
    alert = await open_concern(cast)
    await set_wanted(cast.actor("ines"), cast.agency.id, [What.CLOSE], cast.clock())
    body = {"outcome": "technical", "words": "The network."}
    async with cast.client_as("tom") as tom, cast.client_as("ines") as ines:
        first = await tom.post(f"/api/v1/alerts/{alert.id}/close", json=body)
        assert (first.status_code, first.json()["code"]) == (409, "second_person_needed")
        id_ = first.json()["approval"]
        again = await tom.post(f"/api/v1/alerts/{alert.id}/close", json=body)
        assert again.json()["approval"] == id_
        mine = await tom.get(f"/api/v1/approvals/{id_}")
        assert (mine.json()["may_answer"], mine.json()["content"]["words"]) == (
            False,
            "The network.",
        )
        yes = await ines.post(f"/api/v1/approvals/{id_}/answer", json={"answer": "yes"})
        assert (yes.status_code, yes.json()["state"]) == (200, "yes")
        closed = (await ines.get(f"/api/v1/alerts/{alert.id}")).json()
        assert (closed["outcome"], closed["closed_by"]["id"]) == ("technical", str(cast.tom.id))
        late = await tom.delete(f"/api/v1/approvals/{id_}")
        assert (late.status_code, late.json()["code"]) == (409, "decided")
