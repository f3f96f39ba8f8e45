"""A search is passed on at every change of shift, and no clock of it waits for that."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts import climbing
from server.alerts.actions import acknowledge
from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.missing.returns import child_found
from server.missing.returns.child_found import Found
from server.missing.search import actions, opening, timeline
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import actions as handovers
from server.missing.search.models import Episode, SearchHandover, TimelineEntry
from server.missing.search.opening import Saying
from server.notify.models import Message
from server.people.models import Person
from server.rota.models import Duty, FixedShift
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.rules import OF_A_SHIFT, Kind, State
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def shift(cast: Cast, name: str, begin: datetime, end: datetime) -> FixedShift:
    return await FixedShift.create(
        agency_id=cast.agency.id, person_id=cast.persons[name].id, from_at=begin, until_at=end
    )


async def missing(cast: Cast) -> Episode:
    now = cast.clock()
    episode, _ = await opening.open_episode(
        cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now
    )
    await handovers.SEARCHES.tick(now)
    return episode


async def moved(cast: Cast, **how: float) -> None:
    """Time goes on, and somebody looks."""
    cast.clock.advance(**how)
    await handovers.SEARCHES.tick(cast.clock())


async def tom_then_eve(cast: Cast) -> Episode:
    """Tom has it for an hour, and then Eve, who has no tie to the child, for eight."""
    now = cast.clock()
    await shift(cast, "tom", now - HOUR, now + HOUR)
    await shift(cast, "eve", now + HOUR, now + 9 * HOUR)
    return await missing(cast)


async def told_the_police(cast: Cast, episode: Episode) -> None:
    await actions.enter(
        cast.actor("tom"),
        episode.id,
        EntryRequest(
            uuid4(), Act.REPORT, details={"to": "police", "way": "phone", "reference": "26/4711"}
        ),
        cast.clock(),
    )


async def parts() -> list[tuple[str, str, bool]]:
    """Whose part it is, which one, and whether they are still asked."""
    rows = await SearchHandover.all().order_by("at", "part", "made_at")
    names = {one.id: one.name.split()[0].lower() for one in await Person.all()}
    return [
        (names[row.person_id], row.part, row.done_at is None and row.dropped_at is None)
        for row in rows
    ]


async def asked(kind: Kind) -> list[Task]:
    return await Task.filter(kind=kind, state=State.OPEN).order_by("due_at")


async def told(cast: Cast, kind: Kind) -> set[str]:
    """Who has been told of what is open of this kind."""
    ids = [due.id for due in await asked(kind)]
    names = {person.id: name for name, person in cast.persons.items()}
    return {names[one.person_id] for one in await Message.filter(subject_id__in=ids)}


async def note(
    cast: Cast, name: str, words: str | None = "Her aunt is to be asked."
) -> TimelineEntry:
    [row] = await SearchHandover.filter(person_id=cast.persons[name].id, part="out")
    return await handovers.write_note(cast.actor(name), row.id, uuid4(), words, cast.clock())


# --- who is asked, and when


async def test_the_person_on_duty_at_the_beginning_is_asked_nothing(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=5)
    assert await parts() == []


async def test_a_person_going_off_duty_is_asked_before_the_end_while_they_may_still_read(
    cast: Cast,
) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=29)
    assert await parts() == []
    await moved(cast, minutes=2)
    assert await parts() == [("tom", "out", True)]
    [due] = await asked(Kind.HANDOVER)
    assert due.due_at == cast.clock() + 29 * MINUTE
    assert due.owner_id == cast.tom.id
    await telling.TASKS.tick(cast.clock())
    assert await told(cast, Kind.HANDOVER) == {"tom"}
    [message] = await Message.filter(subject_id=due.id)
    assert message.data["path"] == f"/desk/dues/{due.id}"
    async with at_desk(cast, "tom") as browser:
        onward = await browser.get(f"/desk/dues/{due.id}")
    assert onward.headers["location"] == f"/desk/handovers/{due.subject_id}"


async def test_the_next_person_on_duty_is_asked_to_read_the_search_without_an_assignment(
    cast: Cast,
) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=31)
    await moved(cast, minutes=30)
    assert await parts() == [("eve", "in", True), ("tom", "out", True)]
    await telling.TASKS.tick(cast.clock())
    assert await told(cast, Kind.HANDOVER_READ) == {"eve"}


async def test_nobody_confirming_rings_on_and_others_hear_of_it(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=61)
    [due] = await asked(Kind.HANDOVER_READ)
    for _ in range(5):
        cast.clock.advance(minutes=15)
        await telling.TASKS.tick(cast.clock())
    assert await told(cast, Kind.HANDOVER_READ) == {"eve", "ines"}
    first = (await Task.get(id=due.id)).told
    cast.clock.advance(hours=3)
    await telling.TASKS.tick(cast.clock())
    assert (await Task.get(id=due.id)).told == first + 3
    assert (await Task.get(id=due.id)).state == State.OPEN


async def test_a_person_who_has_read_about_the_search_has_the_alert_until_their_shift_ends(
    cast: Cast,
) -> None:
    """The 14 hours are the most: nobody has an alert who is off shift, and the next are called."""
    begins = cast.clock()
    episode = await tom_then_eve(cast)
    alert_id = episode.alert_id
    assert alert_id is not None
    await acknowledge(cast.actor("tom"), alert_id, cast.clock())
    await told_the_police(cast, episode)
    await moved(cast, minutes=61)
    [row] = await SearchHandover.filter(part="in")
    for _ in range(2):
        await handovers.confirm(cast.actor("eve"), row.id, cast.clock())
    alert = await Alert.get(id=alert_id)
    assert alert.acknowledged_by == cast.eve.id
    assert alert.held_until == cast.clock() + 14 * HOUR
    assert alert.has_until == begins + 9 * HOUR
    assert await Entry.filter(what="alert:acknowledge", who_id=cast.eve.id).count() == 1
    called = await Message.filter(subject_id=alert_id).count()
    await shift(cast, "ines", begins + 9 * HOUR, begins + 20 * HOUR)
    cast.clock.set(begins + 9 * HOUR - MINUTE)
    await climbing.ALERTS.tick(cast.clock())
    assert await Message.filter(subject_id=alert_id).count() == called
    cast.clock.advance(minutes=1)
    await climbing.ALERTS.tick(cast.clock())
    told = await Message.filter(subject_id=alert_id).order_by("-id").limit(3)
    by_kind = {(one.kind == "went_on", one.person_id) for one in told}
    assert by_kind == {(False, cast.tom.id), (False, cast.ines.id), (True, cast.eve.id)}
    # Whoever comes reads how it stands, and has it in their turn.
    await handovers.SEARCHES.tick(cast.clock())
    [row] = await SearchHandover.filter(part="in", person_id=cast.ines.id)
    await handovers.confirm(cast.actor("ines"), row.id, cast.clock())
    assert (await Alert.get(id=alert_id)).acknowledged_by == cast.ines.id


async def test_before_the_police_are_told_the_person_with_the_alert_is_asked_again_soon(
    cast: Cast,
) -> None:
    episode = await missing(cast)
    assert episode.alert_id is not None
    await acknowledge(cast.actor("tom"), episode.alert_id, cast.clock())
    assert (await Alert.get(id=episode.alert_id)).held_until == cast.clock() + HOUR / 2
    cast.clock.advance(minutes=10)
    for _ in range(2):
        await told_the_police(cast, episode)
        alert = await Alert.get(id=episode.alert_id)
        assert (alert.acknowledged_by, alert.state) == (cast.tom.id, "acknowledged")
        assert alert.held_until == cast.clock() + 14 * HOUR
    assert await Entry.filter(what="alert:hold").count() == 1


async def test_a_report_about_the_time_before_quietens_nothing_of_the_search_of_now(
    cast: Cast,
) -> None:
    before = await missing(cast)
    what = Found(cast.clock(), "Here", "Sam", "Well.")
    await child_found.record_found(cast.actor("tom"), before.id, uuid4(), what, cast.clock())
    cast.clock.advance(hours=5)
    episode = await missing(cast)
    assert episode.alert_id not in (None, before.alert_id)
    await acknowledge(cast.actor("tom"), episode.alert_id, cast.clock())
    alert = await Alert.get(id=episode.alert_id)
    assert alert.decide_at is not None
    await told_the_police(cast, before)
    same = await Alert.get(id=episode.alert_id)
    assert (same.version, same.decide_at, same.held_until) == (
        alert.version,
        alert.decide_at,
        cast.clock() + HOUR / 2,
    )


async def test_what_nobody_has_calls_on_though_the_police_are_told(cast: Cast) -> None:
    episode = await missing(cast)
    await told_the_police(cast, episode)
    alert = await Alert.get(id=episode.alert_id)
    assert (alert.state, alert.next_action_at) == ("open", cast.clock() + HOUR / 4)
    await acknowledge(cast.actor("ines"), alert.id, cast.clock())
    assert (await Alert.get(id=alert.id)).held_until == cast.clock() + 14 * HOUR


async def test_a_child_that_was_seen_gives_its_alert_to_nobody(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    await moved(cast, minutes=61)
    [row] = await SearchHandover.filter(part="in")
    what = Found(cast.clock(), "Here", "Sam", "Well.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, cast.clock())
    before = await Alert.get(id=episode.alert_id)
    await handovers.confirm(cast.actor("eve"), row.id, cast.clock())
    after = await Alert.get(id=episode.alert_id)
    assert (after.state, after.acknowledged_by) == (before.state, before.acknowledged_by)


async def test_no_clock_of_the_search_moves_by_a_change_of_shift(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    held = {due.kind: due.due_at for due in await Task.filter(subject_id=episode.id)}
    for _ in range(4):
        await moved(cast, minutes=31)
    await note(cast, "tom")
    after = await Task.filter(subject_id=episode.id, state=State.OPEN)
    assert {due.kind: due.due_at for due in after} == held


async def test_looking_often_asks_once(cast: Cast) -> None:
    await tom_then_eve(cast)
    for _ in range(130):
        await moved(cast, minutes=1)
    assert [one[:2] for one in await parts()] == [("eve", "in"), ("tom", "out")]
    assert await Task.filter(kind__in=list(OF_A_SHIFT)).count() == 2


async def test_looking_once_and_late_comes_to_the_same(cast: Cast) -> None:
    await tom_then_eve(cast)
    begins = cast.clock() + HOUR
    await moved(cast, hours=3)
    assert await parts() == [("eve", "in", True), ("tom", "out", True)]
    assert set(await SearchHandover.all().values_list("at", flat=True)) == {begins}
    # What is late has its whole time from now on: nobody is scolded for our blindness.
    assert (await asked(Kind.HANDOVER_READ))[0].due_at == cast.clock() + 15 * MINUTE


async def test_two_tickers_in_one_moment_ask_once(cast: Cast) -> None:
    await tom_then_eve(cast)
    cast.clock.advance(minutes=61)
    now = cast.clock()
    no_fault(await together(handovers.SEARCHES.tick(now), handovers.SEARCHES.tick(now)))
    assert await SearchHandover.all().count() == 2
    assert await Task.filter(kind__in=list(OF_A_SHIFT), state=State.OPEN).count() == 2


async def test_a_person_whose_next_shift_follows_passes_nothing_on(cast: Cast) -> None:
    now = cast.clock()
    await shift(cast, "tom", now - HOUR, now + HOUR)
    await shift(cast, "tom", now + HOUR, now + 8 * HOUR)
    await missing(cast)
    await moved(cast, minutes=50)
    await moved(cast, minutes=50)
    assert await parts() == []


# --- holes, two on one shift, another plan, the night of the clocks


async def test_in_a_rota_gap_the_note_is_asked_for_and_the_next_person_on_duty_reads_it(
    cast: Cast,
) -> None:
    now = cast.clock()
    await shift(cast, "tom", now - HOUR, now + HOUR)
    await shift(cast, "eve", now + 5 * HOUR, now + 9 * HOUR)
    await missing(cast)
    await moved(cast, minutes=61)
    assert await parts() == [("tom", "out", True)]
    await moved(cast, minutes=120)
    assert await parts() == [("tom", "out", True)]
    await moved(cast, minutes=121)
    assert await parts() == [("tom", "out", True), ("eve", "in", True)]


async def test_of_two_who_leave_one_note_is_enough_and_of_two_who_come_one_reader(
    cast: Cast,
) -> None:
    now = cast.clock()
    for name in ("tom", "ines"):
        await shift(cast, name, now - HOUR, now + HOUR)
    await shift(cast, "eve", now + HOUR, now + 9 * HOUR)
    await missing(cast)
    await moved(cast, minutes=40)
    assert sorted(await parts()) == [("ines", "out", True), ("tom", "out", True)]
    line = await note(cast, "ines")
    assert sorted(await parts()) == [("ines", "out", False), ("tom", "out", False)]
    assert await asked(Kind.HANDOVER) == []
    assert line.details == {"who": "Eve Thackeray"}


async def test_of_two_who_come_the_second_may_still_say_so(cast: Cast) -> None:
    now = cast.clock()
    await shift(cast, "ines", now - HOUR, now + HOUR)
    for name in ("tom", "eve"):
        await shift(cast, name, now + HOUR, now + 9 * HOUR)
    await missing(cast)
    await moved(cast, minutes=61)
    assert len(await asked(Kind.HANDOVER_READ)) == 2
    for name in ("tom", "eve"):
        [row] = await SearchHandover.filter(person_id=cast.persons[name].id, part="in")
        for _ in range(2):
            await handovers.confirm(cast.actor(name), row.id, cast.clock())
        assert await asked(Kind.HANDOVER_READ) == []
    assert await TimelineEntry.filter(what="handover_read").count() == 2


async def test_a_shift_that_is_made_longer_takes_the_question_back(cast: Cast) -> None:
    now = cast.clock()
    row = await shift(cast, "tom", now - HOUR, now + HOUR)
    await missing(cast)
    await moved(cast, minutes=45)
    assert await parts() == [("tom", "out", True)]
    await FixedShift.filter(id=row.id).update(until_at=now + 5 * HOUR)
    await moved(cast, minutes=1)
    assert await parts() == [("tom", "out", False)]
    assert await asked(Kind.HANDOVER) == []
    await FixedShift.filter(id=row.id).update(until_at=now + HOUR)
    await moved(cast, minutes=1)
    assert await parts() == [("tom", "out", True)]
    assert len(await asked(Kind.HANDOVER)) == 1


async def test_a_shift_that_is_cut_short_is_passed_on_all_the_same(cast: Cast) -> None:
    now = cast.clock()
    row = await shift(cast, "tom", now - HOUR, now + 8 * HOUR)
    await missing(cast)
    await moved(cast, minutes=10)
    await FixedShift.filter(id=row.id).update(until_at=cast.clock())
    await shift(cast, "eve", cast.clock(), now + 8 * HOUR)
    await moved(cast, minutes=1)
    assert await parts() == [("eve", "in", True), ("tom", "out", True)]


async def test_a_person_whose_shift_is_over_is_no_longer_asked_to_read_once_another_has_duty(
    cast: Cast,
) -> None:
    now = cast.clock()
    await shift(cast, "tom", now - HOUR, now + HOUR)
    await shift(cast, "eve", now + HOUR, now + 2 * HOUR)
    await shift(cast, "ines", now + 2 * HOUR, now + 9 * HOUR)
    await missing(cast)
    await moved(cast, minutes=61)
    await moved(cast, minutes=60)
    still = [one for one in await parts() if one[2]]
    assert sorted(still) == [("eve", "out", True), ("ines", "in", True), ("tom", "out", True)]


@pytest.mark.parametrize(
    ("night", "begins", "hours"),
    [(date(2026, 3, 28), "2026-03-28T21:00", 9), (date(2026, 10, 24), "2026-10-24T20:00", 11)],
)
async def test_over_the_night_in_which_the_clocks_change_it_is_passed_on_at_the_true_end(
    cast: Cast, night: date, begins: str, hours: int
) -> None:
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    cast.clock.set(start + HOUR)
    day = night + timedelta(days=1)
    for name, days, at, until in (
        ("tom", [night.weekday()], time(22), time(8)),
        ("eve", [day.weekday()], time(8), time(20)),
    ):
        await Duty.create(
            id=uuid4(),
            agency_id=cast.agency.id,
            days=days,
            begins=f"{at:%H:%M}",
            ends=f"{until:%H:%M}",
            zone="Europe/Paris",
            people=[str(cast.persons[name].id)],
            first_on=night - timedelta(days=7),
            made_at=start,
        )
    await missing(cast)
    cast.clock.set(start + hours * HOUR - 20 * MINUTE)
    await handovers.SEARCHES.tick(cast.clock())
    [due] = await asked(Kind.HANDOVER)
    assert due.due_at == start + hours * HOUR
    cast.clock.set(start + hours * HOUR)
    await handovers.SEARCHES.tick(cast.clock())
    [row] = await SearchHandover.filter(part="in")
    assert (row.person_id, row.at) == (cast.eve.id, start + hours * HOUR)


# --- what they write and read


async def test_the_note_is_a_line_and_ends_the_asking(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=40)
    [row] = await SearchHandover.all()
    id_ = uuid4()
    for _ in range(2):
        line = await handovers.write_note(cast.actor("tom"), row.id, id_, "Ask Rosa.", cast.clock())
    assert (line.what, line.words, line.who_id) == ("handover", "Ask Rosa.", cast.tom.id)
    assert line.details == {"who": "Eve Thackeray"}
    assert await TimelineEntry.filter(what="handover").count() == 1
    assert await asked(Kind.HANDOVER) == []
    assert await timeline.verify() is None


async def test_a_note_without_words_is_none_and_nobody_writes_anothers(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=40)
    [row] = await SearchHandover.all()
    with pytest.raises(Refused):
        await note(cast, "tom", None)
    for name in ("ines", "eve"):
        with pytest.raises(NotFound):
            await handovers.write_note(cast.actor(name), row.id, uuid4(), "Me.", cast.clock())
        with pytest.raises(NotFound):
            await handovers.confirm(cast.actor(name), row.id, cast.clock())
    assert len(await asked(Kind.HANDOVER)) == 1


async def test_an_entry_of_theirs_in_the_search_is_the_note_too(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    await moved(cast, minutes=40)
    await actions.enter(
        cast.actor("tom"),
        episode.id,
        EntryRequest(uuid4(), Act.HANDOVER, words="By telephone.", details={"who": "Eve"}),
        cast.clock(),
    )
    assert await parts() == [("tom", "out", False)]


async def test_being_seen_ends_it_for_everyone(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    await moved(cast, minutes=61)
    what = Found(cast.clock(), "Here", "Sam", "Well.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, cast.clock())
    assert not [one for one in await parts() if one[2]]
    assert not await Task.exists(kind__in=list(OF_A_SHIFT), state=State.OPEN)
    await moved(cast, hours=9)
    assert await SearchHandover.all().count() == 2


async def test_a_tick_and_being_seen_in_one_moment_leave_nobody_asked(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    cast.clock.advance(minutes=61)
    now = cast.clock()
    what = Found(now, "Here", "Sam", "Well.")
    no_fault(
        await together(
            child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, now),
            handovers.SEARCHES.tick(now),
        )
    )
    await handovers.SEARCHES.tick(now + MINUTE)
    assert not await Task.exists(kind__in=list(OF_A_SHIFT), state=State.OPEN)


async def test_a_person_who_has_left_is_asked_nothing_and_others_are_told(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=61)
    await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    cast.clock.advance(minutes=16)
    await telling.TASKS.tick(cast.clock())
    assert "tom" in await told(cast, Kind.HANDOVER_READ), "her caseworker, where its owner is gone"


# --- at the desk


async def page(cast: Cast, name: str, part: str, **who: Any) -> tuple[str, str]:
    [row] = await SearchHandover.filter(person_id=cast.persons[name].id, part=part)
    path = f"/desk/handovers/{row.id}"
    async with at_desk(cast, who.get("by", name)) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return path, answer.text


async def test_the_next_person_on_duty_reads_about_the_search_in_plain_sentences(
    cast: Cast,
) -> None:
    episode = await tom_then_eve(cast)
    tom = cast.actor("tom")
    for act, details in (
        (Act.REPORT, {"to": "police", "way": "phone", "reference": "A 17"}),
        (Act.ATTEMPT, {"how": "visit", "whom": "Station", "result": "not_there"}),
    ):
        await actions.enter(
            tom, episode.id, EntryRequest(uuid4(), act, details=details), cast.clock()
        )
    await moved(cast, minutes=40)
    await note(cast, "tom", "Rosa comes at seven.")
    await moved(cast, minutes=30)
    path, text = await page(cast, "eve", "in")
    for words in (
        "Reported missing",
        "Reference: A 17",
        "1 attempt to reach the child",
        "Visited a place (Station), Not there.",
        "No sign of life is logged since the search began.",
        "Next: Try to reach the child again, by",
        "This is for Tom Verhoeven.",
        "Rosa comes at seven.",
    ):
        assert words in text
    async with at_desk(cast, "eve") as browser:
        for _ in range(2):
            done = await browser.post(path, data={"id": str(uuid4())})
            assert done.headers["location"] == f"/desk/episodes/{episode.id}"
        after = (await browser.get(done.headers["location"])).text
    assert "Read where the search stands and took over" in after
    assert await TimelineEntry.filter(what="handover_read").count() == 1


async def test_a_person_writes_the_note_after_their_shift_and_reads_nothing_of_the_child(
    cast: Cast,
) -> None:
    now = cast.clock()
    await shift(cast, "eve", now - HOUR, now + HOUR)
    await missing(cast)
    await moved(cast, minutes=70)
    path, text = await page(cast, "eve", "out")
    assert "What does the next person need to know?" in text
    assert "Mia" not in text
    assert "Reported missing" not in text
    async with at_desk(cast, "eve") as browser:
        empty = await browser.post(path, data={"id": str(uuid4()), "words": ""})
        assert empty.status_code == 422
        assert "Say in a few words" in empty.text
        done = await browser.post(path, data={"id": str(uuid4()), "words": "Ask Rosa."})
        assert done.headers["location"] == path
        after = (await browser.get(path)).text
    assert "Search handover saved" in after
    assert "Mia" not in after
    assert (await TimelineEntry.get(what="handover")).words == "Ask Rosa."


async def test_the_page_of_the_search_says_who_is_asked(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    await moved(cast, minutes=61)
    async with at_desk(cast, "tom") as browser:
        text = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "must write the search handover by" in text
    assert "They have not confirmed yet that they read where the search stands" in text
    assert "Read where the search stands</a>" not in text


async def test_nobody_else_reads_the_part_of_another(cast: Cast) -> None:
    await tom_then_eve(cast)
    await moved(cast, minutes=61)
    [row] = await SearchHandover.filter(part="in")
    for name in ("sam", "root", "uwe"):
        async with at_desk(cast, name) as browser:
            answer = await browser.get(f"/desk/handovers/{row.id}")
        assert answer.status_code in (403, 404)
    async with at_desk(cast, "ines") as browser:
        text = (await browser.get(f"/desk/handovers/{row.id}")).text
        assert "I&#39;ve read it" not in text
        answer = await browser.post(f"/desk/handovers/{row.id}", data={"id": str(uuid4())})
    assert answer.status_code == 404


# --- over the wire


async def test_over_the_wire_it_is_the_same(cast: Cast) -> None:
    episode = await tom_then_eve(cast)
    await moved(cast, minutes=40)
    base = f"/api/v1/children/{cast.mia.id}/episodes/{episode.id}/handovers"
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:
        [part] = (await tom.get(base)).json()["handovers"]
        assert (part["part"], part["name"], part["is_asked"]) == ("out", "Tom Verhoeven", True)
        empty = await tom.post(f"{base}/{part['id']}", json={"id": str(uuid4())})
        assert (empty.status_code, empty.json()["field"]) == (422, "words")
        said = {"id": str(uuid4()), "words": "Ask Rosa."}
        for _ in range(2):
            answer = await tom.post(f"{base}/{part['id']}", json=said)
            assert answer.status_code == 200
        assert not answer.json()["handovers"][0]["is_asked"]
    await moved(cast, minutes=21)
    await cast.new_token("eve")
    async with cast.client_as("eve") as eve:
        seen = (await eve.get(base)).json()
        assert seen["stands"][1] == "No report to the police is logged."
        mine = seen["handovers"][0]
        assert (mine["part"], mine["name"]) == ("in", "Eve Thackeray")
        done = await eve.post(f"{base}/{mine['id']}", json={"id": str(uuid4())})
        assert done.json()["handovers"][0]["done_at"] is not None
        other = await eve.post(f"{base}/{part['id']}", json=said)
        assert other.status_code == 404
    assert await TimelineEntry.filter(what__in=["handover", "handover_read"]).count() == 2
