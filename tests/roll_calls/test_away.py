"""A home says "not here", and no alert opens: an adult who answers for the child hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.alerts.words import HOME_SAID
from server.audit.actions import SYSTEM
from server.checkin import actions as check_ins
from server.checkin.rules import Answer
from server.desk.board import order as board_order
from server.desk.board.rows import group_of, shown_as
from server.desk.board.view import View
from server.errors import Refused
from server.notify.actions import last_resorts, set_last_resorts
from server.notify.models import Message
from server.notify.rules import Kind
from server.notify.wording import Facts, word
from server.people.actions import move, set_language
from server.people.finding.scope import Scope
from server.people.models import HomeKind, Person, Tie
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.models import Policy
from server.policy.roll_call import Word
from server.roll_calls import kinds
from server.roll_calls.models import RollCall
from server.roll_calls.visits.actions import VisitSaid, visit
from server.rota.models import Leave
from server.watch import evidence
from server.watch.machine.witnesses import Spoken
from server.watch.models import Pause, Watch
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements
from server.watch.spoken import by_call, last_of_home
from server.watch.watch_alerts import open_missing
from server.why.events import last_day
from server.why.night import tell
from tests.cast import Cast
from tests.races import no_fault, together
from tests.roll_calls.homes import asked, furnish, latest, say, tick
from tests.roll_calls.test_attacks import weigh
from tests.roll_calls.test_pages import path_of
from tests.walks.stage import Stage
from tests.watch.test_budgets import call as call_about

HOUR = timedelta(hours=1)
AWAY, CALM = Kind.ROLL_CALL_AWAY.value, Kind.HOME_SAYS.value


@pytest_asyncio.fixture(autouse=True)
async def _weighed(cast: Cast) -> None:
    """The policy weighs silences: one "not here" about a child who has answered opens no alert."""
    await weigh(cast, page=0.99)


async def told(cast: Cast, kind: str = AWAY, **which: object) -> list[tuple[str, str]]:
    """Who hears of which child, without what was withdrawn."""
    names = {person.id: name for name, person in cast.persons.items()}
    rows = Message.filter(kind=kind, **which).exclude(state="withdrawn")
    return sorted(
        (names[row.person_id] if row.person_id else "last resort", names[row.child_id])
        for row in await rows
        if row.child_id is not None
    )


async def away(cast: Cast, **how: object) -> RollCall:
    call = await asked(cast)
    await say(cast, call, {"mia": "not_here", "noor": "here"}, **how)  # type: ignore[arg-type]
    return call


async def sent_out(now: datetime | None = None) -> None:
    """The worker has sent what was queued: all, or what may go out by now."""
    went = {"state": "done", "attempts": 1, "channel": "push", "next_action_at": None}
    due = Message.filter(kind__in=[AWAY, CALM], state="waiting")
    await (due if now is None else due.filter(next_action_at__lte=now)).update(**went)


# --- how the child is shown


async def shown(cast: Cast) -> tuple[str, str, str]:
    """The group, the drawing and the word. The database says the same group."""
    facts = (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]
    assert not facts.alerts
    group = group_of(facts, None)
    order = await board_order.order(Scope(cast.tom.id, cast.agency.id, cast.clock()), View())
    assert group in [row.group for row in order.rows if row.child_id == cast.mia.id]
    return group.value, *shown_as(facts, group, None)


async def test_a_child_whose_home_says_not_here_is_not_shown_as_well(cast: Cast) -> None:
    call = await away(cast)
    assert await shown(cast) == ("late", "warn", HOME_SAID)
    async with cast.browser_as("tom") as tom:
        for path in ("/desk/", f"/desk/children/{cast.mia.id}"):
            assert HOME_SAID in (await tom.get(path)).text
    cast.clock.advance(minutes=5)
    await say(cast, call, {"mia": "here"})
    assert (await shown(cast))[0] == "unheard"


async def test_an_answer_after_the_homes_word_is_shown_as_before(cast: Cast) -> None:
    await away(cast)
    cast.clock.advance(minutes=5)
    await answers(cast)
    assert (await shown(cast))[0] == "well"


# --- who hears of it, and how often


async def test_the_caseworker_hears_once_of_an_empty_bed_although_no_alert_opens(
    cast: Cast,
) -> None:
    form = uuid4()
    call = await away(cast, id_=form)
    await say(cast, call, {"mia": "not_here", "noor": "here"}, id_=form)
    await say(cast, call, {"mia": "not_here"})
    assert not await Alert.exists()
    assert await told(cast) == [("tom", "mia")]
    message = await Message.get(kind=AWAY)
    assert (message.urgency, message.data["path"]) == ("high", f"/desk/children/{cast.mia.id}")


async def test_two_people_who_say_it_at_once_are_one_message(cast: Cast) -> None:
    call = await asked(cast, workers=("sam", "eve"))
    results = await together(
        say(cast, call, {"mia": "not_here"}), say(cast, call, {"mia": "not_here"}, by="eve")
    )
    no_fault(results)
    assert await told(cast) == [("tom", "mia")]


@pytest.mark.parametrize(
    ("ties", "duty", "leave", "expected"),
    [
        (True, True, "", ["tom"]),
        (True, True, "covered", ["ines"]),
        (True, True, "alone", ["eve"]),
        (False, True, "", ["eve"]),
        (False, False, "", ["ines"]),
    ],
)
async def test_without_a_caseworker_who_is_there_those_on_duty_hear_of_it_then_the_supervisor(
    cast: Cast, ties: bool, duty: bool, leave: str, expected: list[str]
) -> None:
    if not ties:
        await Tie.filter(child_id=cast.mia.id, role=Role.CASEWORKER).delete()
    if duty:
        await cast.on_duty("eve", hours=3)
    if leave:
        now = cast.clock()
        moments = {"from_at": now, "until_at": now + 3 * HOUR, "made_at": now}
        await Leave.create(agency_id=cast.agency.id, person_id=cast.tom.id, **moments)
        deputy = cast.ines.id if leave == "covered" else None
        await Person.filter(id=cast.tom.id).update(deputy_id=deputy)
    await away(cast)
    assert [who for who, _ in await told(cast)] == expected


async def test_where_nobody_answers_for_a_child_the_last_resort_hears_of_it(cast: Cast) -> None:
    before = last_resorts()
    set_last_resorts(1)
    try:
        await Tie.filter(child_id=cast.mia.id).delete()
        await away(cast)
    finally:
        set_last_resorts(before)
    assert await told(cast) == [("last resort", "mia")]


async def test_a_caseworker_who_says_it_themselves_is_not_told_and_those_on_duty_are(
    cast: Cast,
) -> None:
    await cast.on_duty("eve", hours=3)
    call = await asked(cast, workers=("tom",))
    await say(cast, call, {"mia": "not_here"}, by="tom")
    assert await told(cast) == [("eve", "mia")]


@pytest.mark.parametrize("word", ["here", "excused", "unknown"])
async def test_no_other_word_sends_anything(cast: Cast, word: str) -> None:
    await say(cast, await asked(cast), {"mia": word})
    assert await told(cast) == []


async def test_the_next_roll_call_is_another_bed_count(cast: Cast) -> None:
    call = await asked(cast, "13:30", "16:30")
    await say(cast, call, {"mia": "not_here"})
    await tick(cast.clock.advance(hours=1))
    await answers(cast)
    await tick(cast.clock.advance(hours=2))
    await say(cast, await latest(cast), {"mia": "not_here"})
    assert await told(cast) == [("tom", "mia")] * 2


async def answers(cast: Cast) -> None:
    """Mia checks in."""
    answer = Answer(uuid4(), cast.clock(), None, None)
    await check_ins.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, cast.clock())


# --- what others are told about, or know


async def test_where_the_word_opens_an_alert_its_ladder_tells_and_nothing_else_goes_out(
    cast: Cast,
) -> None:
    await weigh_low(cast)
    await away(cast)
    assert (await Alert.get(child_id=cast.mia.id)).reason == "not_here"
    assert await told(cast) == []


async def weigh_low(cast: Cast) -> None:
    await Policy.filter(agency_id=cast.agency.id, version=1).delete()
    await weigh(cast, page=0.01)


async def test_of_a_child_who_is_looked_for_or_away_by_agreement_it_says_nothing(
    cast: Cast,
) -> None:
    call, now = await asked(cast), cast.clock()
    await open_missing(cast.actor("tom"), cast.mia.id, None, now)
    away_until = agreements.PauseRequest(
        uuid4(), now, now + 3 * HOUR, returns=False, reason=Reason.FAMILY
    )
    await agreements.pause(cast.actor("tom"), cast.noor.id, away_until, now)
    assert await Pause.exists(child_id=cast.noor.id)
    await say(cast, call, {"mia": "not_here", "noor": "not_here"})
    assert await told(cast) == []


@pytest.mark.parametrize("by", ["sam", "eve"])
async def test_said_again_once_the_agreed_absence_was_ended_it_is_told(cast: Cast, by: str) -> None:
    call, now = await asked(cast, workers=("sam", "eve")), cast.clock()
    request = agreements.PauseRequest(
        uuid4(), now, now + 3 * HOUR, returns=False, reason=Reason.FAMILY
    )
    pause = await agreements.pause(cast.actor("tom"), cast.noor.id, request, now)
    await say(cast, call, {"noor": "not_here"})
    assert await told(cast) == []
    cast.clock.advance(minutes=20)
    await agreements.end_pause(cast.actor("tom"), cast.noor.id, pause.id, cast.clock())
    cast.clock.advance(minutes=1)
    for _ in range(2):
        await say(cast, call, {"noor": "not_here"}, by=by)
        # By a message of its own, or by the alert that a second word opens.
        heard = Message.filter(kind__in=[AWAY, Kind.ALERT.value], child_id=cast.noor.id)
        assert await heard.values_list("person_id", flat=True) == [cast.tom.id]


async def test_a_word_that_came_late_counts_while_it_is_the_last_that_is_known(
    cast: Cast,
) -> None:
    call, then = await asked(cast, "13:30", "16:30"), cast.clock()
    await tick(cast.clock.advance(hours=3))
    await say(cast, await latest(cast), {"noor": "here"})
    await say(cast, call, {"mia": "not_here", "noor": "not_here"}, said_at=then)
    assert await told(cast) == [("tom", "mia")]


async def test_what_was_said_before_the_child_answered_tells_nobody(cast: Cast) -> None:
    call, then = await asked(cast), cast.clock()
    cast.clock.advance(minutes=20)
    await answers(cast)
    await say(cast, call, {"mia": "not_here"}, said_at=then)
    assert await told(cast) == []


@pytest.mark.parametrize(
    ("state", "expected"), [("open", []), ("acknowledged", []), ("answered", [("tom", "mia")])]
)
async def test_an_open_alert_covers_an_empty_bed_only_until_the_child_has_answered(
    cast: Cast, state: str, expected: list[tuple[str, str]]
) -> None:
    call, now = await asked(cast), cast.clock()
    answered_at = now - HOUR if state == "answered" else None
    await call_about(cast, now - 3 * HOUR, closed_at=None, state=state, answered_at=answered_at)
    await say(cast, call, {"mia": "not_here"})
    assert await told(cast) == expected
    await sent_out()
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"})
    assert await told(cast, Kind.HOME_SAYS.value) == expected


async def test_taken_back_under_an_alert_and_said_again_is_heard_by_who_has_it_too(
    cast: Cast,
) -> None:
    call, now = await asked(cast), cast.clock()
    held: dict[str, Any] = {"state": "acknowledged", "acknowledged_by": cast.eve.id}
    await call_about(cast, now - 3 * HOUR, closed_at=None, **held)
    await Watch.filter(child_id=cast.mia.id).update(is_alerted=True)
    both = [("eve", "mia"), ("tom", "mia")]
    eve = both[:1]
    for said, away_told, calm_told in (
        ("not_here", eve, []),
        ("here", eve, both),
        ("not_here", sorted(eve + both), both),
        ("here", sorted(eve + both), sorted(both * 2)),
    ):
        cast.clock.advance(minutes=1)
        await say(cast, call, {"mia": said})
        assert await told(cast) == away_told
        assert await told(cast, Kind.HOME_SAYS.value) == calm_told
        await sent_out()


# --- while a person has the alert


async def held(cast: Cast, by: str = "eve", **more: Any) -> Alert:
    """Adults are called about Mia, and this person has the alert."""
    now = cast.clock()
    by_ = {"acknowledged_by": cast.persons[by].id, "held_until": now + HOUR}
    state = {"state": "acknowledged", **by_, **more}
    alert = await call_about(cast, now - 3 * HOUR, closed_at=None, **state)
    await Watch.filter(child_id=cast.mia.id).update(is_alerted=True)
    return alert


@pytest.mark.parametrize("state", ["acknowledged", "contacted"])
async def test_who_has_the_alert_hears_once_that_the_bed_is_empty(cast: Cast, state: str) -> None:
    call = await asked(cast, workers=("sam", "ines"))
    alert = await held(cast, state=state)
    for by in ("sam", "sam", "ines"):
        await say(cast, call, {"mia": "not_here"}, by=by)
    assert await told(cast) == [("eve", "mia")]
    message = await Message.get(kind=AWAY)
    assert (message.urgency, message.data["path"]) == ("high", f"/desk/alerts/{alert.id}")
    await cast.on_duty("eve", hours=3)
    async with cast.browser_as("eve") as eve:
        assert "were not there" in (await eve.get(message.data["path"])).text


async def test_who_has_the_alert_and_says_it_themselves_is_not_told(cast: Cast) -> None:
    call = await asked(cast, workers=("sam", "eve"))
    await held(cast)
    await say(cast, call, {"mia": "not_here"}, by="eve")
    assert await told(cast) == []


async def test_while_nobody_has_the_alert_its_ladder_calls_and_no_message_goes_out(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await held(cast, acknowledged_by=None, held_until=None, state="contacted")
    await say(cast, call, {"mia": "not_here"})
    assert await told(cast) == []


async def test_what_who_has_the_alert_has_not_got_yet_is_withdrawn_when_corrected(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await held(cast)
    await say(cast, call, {"mia": "not_here"})
    cast.clock.advance(seconds=20)
    await say(cast, call, {"mia": "here"})
    assert await told(cast) == []
    assert await told(cast, CALM) == [("eve", "mia"), ("tom", "mia")]


async def test_the_next_roll_call_tells_who_has_the_alert_again(cast: Cast) -> None:
    call = await asked(cast, "13:30", "16:30")
    await held(cast)
    await say(cast, call, {"mia": "not_here"})
    await tick(cast.clock.advance(hours=3))
    await say(cast, await latest(cast), {"mia": "not_here"})
    assert await told(cast) == [("eve", "mia")] * 2


# --- a word that goes back and forth


async def test_a_word_that_changes_every_twenty_seconds_is_heard_now_and_then_and_at_last(
    cast: Cast,
) -> None:
    call = await asked(cast)
    began = cast.clock()
    for turn in range(181):  # An hour.
        await say(cast, call, {"mia": "here" if turn % 2 else "not_here"})
        await sent_out(cast.clock())
        cast.clock.advance(seconds=20)
    heard = Message.filter(person_id=cast.tom.id, state="done", kind__in=[AWAY, CALM])
    assert await heard.count() <= 4 + 6
    await sent_out(cast.clock.advance(minutes=10))
    last = await heard.order_by("-ready_at").first()
    assert last is not None
    assert last.kind == AWAY
    assert last.ready_at <= began + 80 * timedelta(minutes=1)
    assert not await Message.exists(state="waiting", kind__in=[AWAY, CALM])


async def test_a_correction_that_was_itself_a_mistake_is_kept_back(cast: Cast) -> None:
    call = await away(cast)
    await sent_out()
    for corrected in ("here", "not_here"):
        cast.clock.advance(seconds=20)
        await say(cast, call, {"mia": corrected})
    assert await told(cast, CALM) == []
    assert await told(cast) == [("tom", "mia")]


async def test_those_who_look_for_a_child_hear_of_a_word_that_goes_back_and_forth_once(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    before = await Message.filter(kind=Kind.ALERT_AGAIN.value, person_id=cast.tom.id).count()
    for turn in range(10):
        await say(cast, call, {"mia": "not_here" if turn % 2 else "here"})
        cast.clock.advance(seconds=20)
    after = await Message.filter(kind=Kind.ALERT_AGAIN.value, person_id=cast.tom.id).count()
    assert 1 <= after - before <= 2


# --- corrected


async def test_corrected_before_it_went_out_it_stays_in_and_nobody_hears(cast: Cast) -> None:
    call = await away(cast)
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"})
    assert await told(cast) == []
    assert await told(cast, Kind.HOME_SAYS.value) == []


async def test_corrected_afterwards_those_who_were_told_hear_of_it_once(cast: Cast) -> None:
    call = await away(cast)
    await sent_out()
    cast.clock.advance(minutes=1)
    form = uuid4()
    for _ in range(2):
        await say(cast, call, {"mia": "here"}, id_=form)
    assert await told(cast, Kind.HOME_SAYS.value) == [("tom", "mia")]


async def test_taken_back_and_said_again_it_is_told_again(cast: Cast) -> None:
    call = await away(cast)
    await sent_out()
    for again in ("here", "not_here", "here"):
        cast.clock.advance(minutes=1)
        await say(cast, call, {"mia": again})
        await sent_out()
    assert await told(cast) == [("tom", "mia")] * 2
    assert await told(cast, Kind.HOME_SAYS.value) == [("tom", "mia")] * 2


# --- in other ways of a roll call


async def test_a_key_workers_visit_that_finds_nobody_there_is_told(cast: Cast) -> None:
    await furnish(cast)
    await kinds.set_kind(cast.actor("root"), cast.home.id, HomeKind.FLAT, cast.clock())
    for _ in range(2):
        seen = VisitSaid(uuid4(), None, cast.mia.id, Word.NOT_HERE)
        await visit(cast.actor("sam"), cast.home.id, seen, cast.clock.advance(minutes=5))
    assert await told(cast) == [("tom", "mia")]


async def test_a_visit_that_finds_a_child_who_moved_a_moment_ago_not_there_is_told(
    cast: Cast,
) -> None:
    await asked(cast)
    await kinds.set_kind(cast.actor("root"), cast.home.id, HomeKind.FLAT, cast.clock())
    await move(cast.actor("tom"), cast.mia.id, None, cast.clock())
    seen = VisitSaid(uuid4(), None, cast.mia.id, Word.NOT_HERE)
    with pytest.raises(Refused) as refused:
        await visit(cast.actor("sam"), cast.home.id, seen, cast.clock())
    assert refused.value.detail.endswith("We tell the people who have them now.")
    assert await told(cast) == [("tom", "mia")]


async def test_several_children_are_one_message_that_leads_to_the_roll_call(stage: Stage) -> None:
    cast = stage.cast
    await Watch.filter(child_id=cast.noor.id).update(tier="mid")  # In the high level it calls.
    await Tie.filter(child_id=cast.noor.id, role=Role.CASEWORKER).delete()
    tie = AddTie(person_id=cast.tom.id, role=Role.CASEWORKER)
    await add_tie(SYSTEM, cast.children["noor"], tie, cast.clock())
    await stage.subscribe("tom")
    call = await asked(cast)
    await say(cast, call, {"mia": "not_here", "noor": "not_here"})
    assert await told(cast) == [("tom", "mia"), ("tom", "noor")]
    await stage.beat()
    assert stage.paths("tom") == [path_of(cast)]


async def test_the_words_name_nobody_in_any_language() -> None:
    for language in ("en", "fr", "ar"):
        said = word(Kind.ROLL_CALL_AWAY, language, Facts(display_name="Diary", url="https://x/y"))
        assert "Mia" not in said.subject + said.body
        assert said.body.count("\n\n") == 1


# --- what is read afterwards


async def test_why_tells_who_was_told_and_the_page_of_the_home_too(cast: Cast) -> None:
    await set_language(cast.actor("sam"), cast.sam.id, "en", cast.clock())
    await away(cast)
    night = await tell(cast.children["mia"], last_day(cast.clock() + HOUR), cast.clock() + HOUR)
    sent = [event for event in night.events if event.values.get("kind") == AWAY]
    assert [event.values["to"] for event in sent] == [cast.tom.id]
    messages = Message.filter(kind=AWAY, person_id=cast.tom.id)
    sentences = {
        "waiting": "Our message to Tom Verhoeven has not gone out yet.",
        "failed": "We could not reach Tom Verhoeven. Call them.",
        "done": "We sent a message to Tom Verhoeven.",
    }
    async with cast.browser_as("sam") as browser:
        for state, sentence in sentences.items():
            await messages.update(state=state)
            page = (await browser.get(path_of(cast))).text
            assert [said for said in sentences.values() if said in page] == [sentence]


@given(
    words=st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from(list(Word)),
            st.integers(0, 50),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_the_last_word_of_a_home_is_none_of_an_outsider_and_none_comes_after_it(
    words: list[tuple[str, Word, int, bool]],
) -> None:
    begin = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
    calls = {"a": UUID(int=1), "b": UUID(int=2)}
    each = [
        (
            calls[call] if not outside else UUID(int=9),
            Spoken(uuid4(), word, begin + minute * HOUR, begin, calls[call], is_outside=outside),
        )
        for call, word, minute, outside in words
    ]
    counting = by_call(each)
    last = last_of_home(counting)
    homes = [word for word in counting.values() if not word.is_outside]
    assert (last is None) == (not homes)
    if last is not None:
        assert not last[1].is_outside
        assert last[1] is counting[last[0]]
        assert all(word.said_at <= last[1].said_at for word in homes)
