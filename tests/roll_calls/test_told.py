"""What people read of a roll call: in an alert, in a child's night, and on the child's phone."""

from __future__ import annotations

from datetime import date, timedelta

from server.alerts.ladder import Outcome
from server.alerts.models import Alert
from server.people.models import Child
from server.roll_calls import actions
from server.roll_calls.models import RollCall
from server.watch import evidence, ticking
from server.watch.watch_alerts import close_alert
from server.why.child_story import stories
from tests.cast import Cast
from tests.desk.walking import PARIS
from tests.roll_calls.homes import asked, furnish, latest, say, tick
from tests.why.telling import read

NIGHT = date(2026, 3, 2)


async def test_an_alert_names_the_word_of_the_home_and_when_it_was_said(cast: Cast) -> None:
    call = await asked(cast)
    cast.clock.advance(minutes=4)
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    facts = (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]
    said = "The home said that they were not there, 13:34"
    assert evidence.sentence(facts, "en", PARIS, cast.clock()).startswith(said)
    assert evidence.brief(facts, "en", PARIS, cast.clock()).startswith(said)
    points = {p.label: p.text for p in evidence.points(facts, "en", PARIS, cast.clock())}
    assert points["Roll call"] == f"{said}."
    assert (await read(cast)).answer.startswith(
        "An alert opened at 13:34: The home said: not here. Why: the home said that the child was"
        " not there."
    )
    noor = (await evidence.of([cast.noor.id], cast.clock()))[cast.noor.id]
    assert "not there" not in evidence.sentence(noor, "en", PARIS, cast.clock())


async def test_the_night_of_a_child_tells_what_was_asked_done_undone_and_said(cast: Cast) -> None:
    await furnish(cast, "19:30", "21:30", workers=("sam", "tom"))
    await tick(cast.clock.set(cast.clock() + timedelta(hours=6, minutes=30)))
    first = await latest(cast)
    await tick(cast.clock.advance(minutes=40))
    await say(cast, first, {"mia": "here", "noor": "here"}, said_at=first.due_at)
    await tick(cast.clock.advance(hours=1, minutes=20))
    second = await latest(cast)
    until = cast.clock() + timedelta(hours=2)
    await say(cast, second, {"mia": "excused"}, until_at=until)
    await say(cast, second, {"noor": "here", "mia": "not_here"}, by="tom")
    lines = (await read(cast, night=NIGHT)).lines
    wanted = [
        "19:30 We asked the home which children were there: roll call of 19:30.",
        "20:10 Sam Oyelaran said at the roll call that Mia Castellane was there. That is no answer"
        " to a check-in. They said it at 19:30. It arrived later, when the device was online.",
        "20:10 Sam Oyelaran finished the roll call of 19:30.",
        "20:10 The roll call of 19:30 was not done. We told the people who follow up.",
        "21:30 We asked the home which children were there: roll call of 21:30.",
        "21:30 Tom Verhoeven said at the roll call that Mia Castellane was not there. That is no"
        " answer to a check-in.",
        "21:30 Sam Oyelaran said at the roll call that Mia Castellane was away with permission"
        " until 23:30. That is no answer to a check-in.",
        "21:30 Tom Verhoeven finished the roll call of 21:30.",
    ]
    told = [line for line in lines if "roll call" in line]
    assert sorted(told) == sorted(wanted)


async def test_a_child_reads_what_was_said_of_them_once_it_is_over(cast: Cast) -> None:
    await furnish(cast, "19:30")
    child = await Child.get(id=cast.mia.id)
    await ticking.WATCHES.tick(cast.clock.set(cast.clock() + timedelta(hours=7)))
    await tick(cast.clock())
    cast.clock.advance(minutes=1)
    await say(cast, await latest(cast), {"mia": "not_here"})
    [story], _ = await stories(child, cast.clock())
    assert "home_not_here" not in {step.code for step in story.steps}
    [alert] = await Alert.filter(child_id=cast.mia.id)
    cast.clock.advance(minutes=5)
    await close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, None, cast.clock())
    [story], _ = await stories(child, cast.clock())
    [step] = [step for step in story.steps if step.code.startswith("home_")]
    assert (step.code, step.who) == ("home_not_here", cast.sam.id)


async def test_of_a_home_that_the_child_has_left_only_words_about_them_are_told(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await say(cast, call, {"noor": "here"})
    await Child.filter(id=cast.mia.id).update(home_id=None)
    lines = (await read(cast, night=NIGHT)).lines
    assert not [line for line in lines if "roll call" in line]
    await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    assert (await RollCall.get(id=call.id)).state == "open"
