"""What weighed when adults were called: frozen into the alert, and read in words."""

from __future__ import annotations

from datetime import datetime, time
from functools import partial
from uuid import uuid4

from hypothesis import assume, given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.alerts.weighed import Fact, Kind, Misses, as_data, each_said, said, visible, weighed_in
from server.notify.models import Message
from server.policy.model import SHIPPED, Tier
from server.policy.parser import read
from server.watch.machine import rounds
from server.watch.machine.advancing import advance
from server.watch.machine.habit import Habit, Knowledge, Look
from server.watch.machine.standing import Standing, Terms, What
from server.watch.machine.weighing import weighed
from server.watch.rhythm.rules import Rhythm
from server.watch.signals.models import Observation
from tests.cast import Cast
from tests.copies import replace
from tests.desk.walking import PARIS, at, at_desk, run_until
from tests.watch.watches import DAY, HOUR, STARTS, any_terms, knowledges

DUE = STARTS[0]


def stamp(moment: datetime) -> str:
    return f"{moment:%d %H:%M}"


@given(any_terms(), knowledges, st.sampled_from(STARTS))
def test_every_call_has_a_fact_that_carries_it_and_tells_no_number(
    terms: Terms, knowledge: Knowledge, now: datetime
) -> None:
    terms = replace(terms, knowledge=knowledge)
    standing, changes = advance(rounds.begin(terms, now), terms, now + 30 * DAY)
    called = [change for change in changes if change.what is What.ALERT]
    assume(called)
    facts = weighed(standing, terms, called[0].why, called[0].at)
    assert facts
    assert len({fact.kind for fact in facts}) == len(facts), "each thing is told once"
    assert all(fact.at <= called[0].at for fact in facts)
    assert weighed_in({"weighed": as_data(facts)}, sees_signs=True) == list(facts)
    assert all(each_said(facts, "en", stamp))


def of_habit(answers: tuple[int, int], looks: tuple[Look, ...] = ()) -> Knowledge:
    habit = Habit({(h, weekend): answers for h in range(4) for weekend in (False, True)})
    return Knowledge(habit, looks=looks)


def medium(knowledge: Knowledge) -> Terms:
    steps = read(SHIPPED).tiers[Tier.MID].steps
    return Terms(Tier.MID, steps, Rhythm((time(18),)), PARIS, (), True, knowledge)


def test_the_heaviest_comes_first_and_a_word_that_calmed_is_told_as_one() -> None:
    standing = Standing(DUE + 2 * DAY, DUE + 2 * DAY, None, 0, DUE, DUE + DAY, DUE + DAY + HOUR)
    known = medium(of_habit((9, 10), (Look(DUE + 2 * HOUR, 200.0),)))
    facts = weighed(standing, known, None, DUE + 2 * DAY)
    assert [fact.kind for fact in facts] == [Kind.NOT_HERE, Kind.MISSED, Kind.SILENCE]
    calm = medium(of_habit((1, 10), (Look(DUE + 2 * HOUR, 0.01, DUE + 9 * HOUR),)))
    facts = weighed(standing, calm, None, DUE + 2 * DAY)
    assert facts[0].kind is Kind.HERE
    assert said(facts[0], "en", stamp).endswith("That spoke against a call.")
    assert next(fact for fact in facts if fact.kind is Kind.MISSED).misses is Misses.OFTEN


def test_what_adults_noticed_is_read_by_those_who_may_see_it() -> None:
    facts = {"weighed": as_data([Fact(Kind.WARNED, DUE), Fact(Kind.SILENCE, DUE)])}
    assert [fact.kind for fact in weighed_in(facts, sees_signs=False)] == [Kind.SILENCE]
    assert len(visible(facts, sees_signs=False)["weighed"]) == 1
    assert visible({"has_carer": True}, sees_signs=False) == {"has_carer": True}


def test_many_misses_and_returns_are_counted_in_words() -> None:
    words = partial(said, language="en", at=stamp)
    missed = words(Fact(Kind.MISSED, DUE, 3, Misses.SELDOM))
    assert missed == (
        "No answer to 3 check-ins in a row since 27 12:00."
        " They rarely miss one at this time of day."
    )
    assert words(Fact(Kind.CAME_BACK, DUE, 2)) == "They were missing 2 times before."
    assert words(Fact(Kind.TOO_MANY, DUE, 1)).startswith("1 check-in missed, due ")


async def test_the_alert_of_a_silence_shows_what_weighed_and_hides_signs_from_those_called(
    cast: Cast,
) -> None:
    await Observation.create(
        id=uuid4(),
        child_id=cast.mia.id,
        sign="packed_bag",
        by_id=cast.tom.id,
        by_role="caseworker",
        at=cast.clock(),
    )
    await run_until(cast, at(19, 1))
    await Message.filter(kind="ask_carer").update(state="done", channel="push")
    await run_until(cast, at(19, 50))
    alert = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    assert [row["kind"] for row in alert.facts["weighed"]][:2] == ["carer_silent", "missed"]
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/alerts/{alert.id}")).text
        told = (await browser.get(f"/api/v1/alerts/{alert.id}")).json()
    assert "What weighed most" in page
    assert "We asked whether they had been seen, 19:00, and had heard nothing by then." in page
    assert "No answer to 1 check-in, due 18:00." in page
    assert all(row["kind"] != "warned" for row in told["facts"]["weighed"])
