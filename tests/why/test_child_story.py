"""What a child reads of a silence: why we acted, and never what another reader could use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin.duress import agreed_sign
from server.checkin.duress.models import DuressHeard
from server.checkin.duress.rules import Sign
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import opening
from server.missing.search.opening import Saying
from server.watch.models import Round, Watch
from server.watch.trusted import contacts
from server.why.child_rules import ALWAYS, Call, Search, Step, is_over, readable
from tests.cast import Cast
from tests.desk.walking import at
from tests.walks.stage import Stage

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def read(stage: Stage, name: str = "mia", before: str | None = None) -> dict[str, Any]:
    """What the phone gets."""
    query = f"?before={before}" if before is not None else ""
    answer: dict[str, Any] = await stage.call(name, "GET", f"/api/v1/why{query}")
    return answer


async def texts(stage: Stage, name: str = "mia") -> list[str]:
    return [
        step["text"] for story in (await read(stage, name))["stories"] for step in story["steps"]
    ]


async def silent(stage: Stage, *more: str) -> None:
    """Mia does not answer at 18:00; Tom and Ines are called."""
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines", "sam", *more)
    await stage.until(at(20, 30))


ADULTS = ("Sam", "Tom", "Ines")
NIGHT = [
    *["We reminded you."] * 3,
    "We had no answer for 18:00 yet.",
    "You had not answered since 18:00, so we asked Sam Oyelaran if they had seen you.",
    "You had not answered since 18:00, so we told Tom Verhoeven.",
    "We told Ines Quintanar too.",
    "You answered, so we stopped waiting.",
    "We stopped calling adults about it.",
]


async def test_once_it_is_over_the_child_reads_who_was_asked_and_told_and_why(
    stage: Stage,
) -> None:
    await silent(stage)
    await stage.check_in("mia")
    [story] = (await read(stage))["stories"]
    assert [step["text"] for step in story["steps"]] == NIGHT
    assert story["is_over"]
    assert story["due_at"] == "2026-03-02T17:00:00Z"
    again = (await read(stage))["stories"][0]["steps"]
    assert [step["id"] for step in again] == [step["id"] for step in story["steps"]]
    assert len({step["id"] for step in again}) == len(NIGHT)


async def test_as_long_as_we_call_adults_the_phone_shows_reminders_and_late_alone(
    stage: Stage,
) -> None:
    await silent(stage)
    [story] = (await read(stage))["stories"]
    assert {step["code"] for step in story["steps"]} == {"reminded", "late"}
    assert not story["is_over"]
    assert not any(name in text for text in await texts(stage) for name in ADULTS)


async def test_in_the_high_level_it_waits_until_a_person_has_confirmed(stage: Stage) -> None:
    await stage.only("noor")
    await stage.subscribe("noor", "tom", "ines")
    await stage.until(at(22))
    await stage.check_in("noor")
    stories = (await read(stage, "noor"))["stories"]
    codes = {step["code"] for story in stories for step in story["steps"]}
    assert codes <= ALWAYS
    assert "you_answered" in codes
    [alert] = await Alert.filter(child_id=stage.cast.noor.id, closed_at__isnull=True)
    await stage.close("tom", alert.id)
    told = [step for story in (await read(stage, "noor"))["stories"] for step in story["steps"]]
    assert "told" in {step["code"] for step in told}


async def test_an_answer_under_force_changes_nothing_that_the_phone_shows(stage: Stage) -> None:
    cast = stage.cast
    await agreed_sign.agree(cast.actor("tom"), cast.children["mia"], Sign("b", None), T0)
    await silent(stage)
    await stage.check_in("mia", mark="b")
    await stage.until(minutes=5)
    assert await DuressHeard.exists()
    assert await Alert.exists(child_id=cast.mia.id, cause=Cause.CONCERN, closed_at__isnull=True)
    assert await texts(stage) == NIGHT


async def test_a_call_for_help_and_a_wish_to_talk_are_not_told(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia", "tom", "ines")
    await stage.check_in("mia", want="help")
    await stage.check_in("mia", want="talk")
    await stage.until(hours=3)
    assert await Alert.filter(child_id=stage.cast.mia.id).count() >= 1
    assert (await read(stage))["stories"] == []


async def test_a_person_the_child_trusts_is_never_named(stage: Stage) -> None:
    cast = stage.cast
    wanted = contacts.TrustedRequest(uuid4(), "Aunt Joy", "joy@example.org")
    await contacts.name_person(cast.actor("mia"), cast.children["mia"], wanted, stage.clock())
    contact = contacts.Contact("email", "joy@example.org", "fr")
    await contacts.say_yes(cast.actor("tom"), cast.mia.id, wanted.id, contact, stage.clock())
    await silent(stage)
    await stage.check_in("mia")
    assert stage.mails_to("joy@example.org")
    assert await texts(stage) == NIGHT


async def test_a_search_that_is_on_is_not_shown_and_after_the_return_the_silence_is_told(
    stage: Stage,
) -> None:
    cast = stage.cast
    await silent(stage)
    now = stage.clock()
    said = (cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    episode, _ = await opening.open_episode(*said)
    for alert in await Alert.filter(child_id=cast.mia.id, cause="silence", closed_at__isnull=True):
        await stage.close("tom", alert.id)
    assert not any(name in text for text in await texts(stage) for name in ADULTS)
    found = Found(stage.clock(), "At home", "Tom", "Tired.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), found, stage.clock())
    [story] = (await read(stage))["stories"]
    assert "told" in {step["code"] for step in story["steps"]}
    assert not any(word in str(story).lower() for word in ("search", "missing", "police"))


async def test_a_search_that_begins_later_takes_nothing_out_of_the_list(stage: Stage) -> None:
    await silent(stage)
    await stage.check_in("mia")
    before = await texts(stage)
    await stage.until(hours=1)
    now = stage.clock()
    cast = stage.cast
    await opening.open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    assert (await texts(stage))[-len(before) :] == before


async def test_who_saw_the_child_is_told_and_a_child_elsewhere_reads_nothing(stage: Stage) -> None:
    await stage.only("mia")
    await stage.subscribe("mia")
    await stage.until(at(19, 10))
    body = {"id": str(uuid4()), "answer": "seen"}
    await stage.call("sam", "POST", f"/api/v1/children/{stage.cast.mia.id}/sightings", body)
    assert "Sam Oyelaran saw you, so we stopped waiting." in await texts(stage)
    assert (await read(stage, "lia"))["stories"] == []


async def test_it_is_told_in_the_childs_language_by_the_childs_clock(stage: Stage) -> None:
    await stage.only("noor")
    await stage.subscribe("noor")
    await stage.until(at(20, 30))
    [late] = [
        step["text"]
        for story in (await read(stage, "noor"))["stories"]
        for step in story["steps"]
        if step["code"] == "late"
    ]
    assert "6:00" in late, "18:00 in Lisbon, as Arabic writes it"
    assert "We had" not in late


async def test_it_reaches_back_four_weeks_a_part_at_a_time(cast: Cast) -> None:
    now = cast.clock()
    await Watch.filter(child_id=cast.mia.id).delete()
    for hours in range(4, 24 * 40, 12):
        due = now - timedelta(hours=hours)
        await Round.create(
            id=uuid4(),
            child_id=cast.mia.id,
            opens_at=due - timedelta(hours=2),
            due_at=due,
            late_at=due + timedelta(hours=1),
            state="answered_late",
            settled_at=due + timedelta(hours=2),
        )
    dues: list[str] = []
    async with cast.client_as("mia") as phone:
        path = "/api/v1/why"
        for _ in range(9):
            part = (await phone.get(path)).json()
            dues += [story["due_at"] for story in part["stories"]]
            if part["next"] is None:
                break
            path = f"/api/v1/why?before={part['next']}"
        assert (await phone.get("/api/v1/why?before=x")).status_code == 422
    assert dues == sorted(set(dues), reverse=True)
    assert len(dues) == 24 * 28 // 12


# --- the rule

_MINUTES = st.integers(0, 600).map(lambda n: T0 + timedelta(minutes=n))


@st.composite
def _spans(draw: st.DrawFn) -> tuple[datetime, datetime | None]:
    begin = draw(_MINUTES)
    return begin, draw(st.none() | _MINUTES.map(lambda end: max(begin, end)))


class _Row:
    def __init__(self, late_at: datetime, settled_at: datetime | None) -> None:
        self.late_at, self.settled_at = late_at, settled_at


_ROWS = _spans().map(lambda span: _Row(*span))
_CALLS = st.lists(_spans().map(lambda span: Call(*span)), max_size=3)
_STEPS = st.lists(
    st.builds(
        Step,
        _MINUTES,
        st.sampled_from(sorted({"asked", "told", "told_too", "seen", "over", *ALWAYS})),
        st.just(UUID(int=1)),
    ),
    max_size=6,
)


@given(_ROWS, _CALLS, _STEPS, st.lists(_spans().map(lambda span: Search(*span)), max_size=2))
def test_before_it_is_over_nothing_of_adults_can_be_read_and_afterwards_everything(
    row: _Row, calls: list[Call], steps: list[Step], searches: list[Search]
) -> None:
    shown = readable(row, steps, calls, searches)
    if is_over(row, calls, searches):
        assert sorted(map(id, shown)) == sorted(map(id, steps))
    else:
        assert all(step.code in ALWAYS for step in shown)
        assert len(shown) == sum(step.code in ALWAYS for step in steps)
    assert [step.at for step in shown] == sorted(step.at for step in shown)


@given(_ROWS, _CALLS, _spans())
def test_what_could_be_read_once_stays_whatever_begins_later(
    row: _Row, calls: list[Call], span: tuple[datetime, datetime | None]
) -> None:
    if not is_over(row, calls, []):
        return
    ends = [row.settled_at, *(call.closed_at for call in calls)]
    end = max(moment for moment in ends if moment is not None)
    later = end + timedelta(minutes=1)
    assert is_over(row, [*calls, Call(later, None)], [Search(later, None)])
