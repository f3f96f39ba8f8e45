"""What a person in a home reads after "not here", "here after all" and "don't know", and who else
hears of it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.actions import acknowledge
from server.alerts.models import Alert
from server.missing.account.account import account
from server.missing.profile.reading import Reader, at_the_time
from server.missing.profile.rules import Copy
from server.missing.search.opening import Saying, open_episode
from server.missing.search.summary import how_it_stands
from server.missing.search.view import view
from server.notify.models import Message
from server.people.actions import set_language, set_phone
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import Role
from server.policy.roll_call import Word
from server.records.transfer.models import Transfer
from server.records.transfer.package import build
from server.roll_calls import actions, reading
from server.roll_calls.calling import calling_of
from server.roll_calls.models import RollCall
from server.storage.ids import uuid7
from server.watch import evidence
from server.watch.machine.witnesses import Spoken, counted
from server.watch.spoken import last_said
from tests.cast import Cast
from tests.desk.walking import PARIS
from tests.roll_calls.homes import asked, furnish, latest, say, tick

moments = st.datetimes(timezones=st.just(UTC))
PHONES = {"tom": "+33 1 99 00 11 11", "ines": "+33 1 99 00 22 22"}
HOME_SAID = "The home said: not here"


@pytest_asyncio.fixture(autouse=True)
async def english(cast: Cast) -> None:
    await set_language(cast.actor("sam"), cast.sam.id, "en", cast.clock())
    for name, phone in PHONES.items():
        await set_phone(cast.actor(name), cast.persons[name].id, phone, cast.clock())


def path_of(cast: Cast) -> str:
    return f"/desk/homes/{cast.home.id}/roll-call"


async def main_of(cast: Cast, path: str, name: str = "sam") -> str:
    async with cast.browser_as(name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, path
    return answer.text.partition("<main")[2].partition("</main")[0]


async def away(cast: Cast) -> tuple[RollCall, Alert]:
    """The home has said "not here" of Mia, which opened an alert, and "here" of Noor."""
    call = await asked(cast)
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    return call, await Alert.get(child_id=cast.mia.id)


# --- who to call


async def test_after_not_here_the_page_names_the_caseworker_with_a_link_that_calls(
    cast: Cast,
) -> None:
    await away(cast)
    page = await main_of(cast, path_of(cast))
    assert "An alert is open." in page
    assert 'href="tel:+33199001111"' in page
    assert "Call Tom Verhoeven" in page
    assert "What to do now" in page
    # Sam has no right to the alert, and learns no number but those of colleagues at work.
    assert "/desk/alerts/" not in page
    assert page.count('href="tel:') == 1


async def test_who_has_the_alert_comes_first_then_who_is_on_duty(cast: Cast) -> None:
    _, alert = await away(cast)
    await cast.on_duty("ines")
    page = await main_of(cast, path_of(cast))
    assert page.index("Call Ines Quintanar") < page.index("Call Tom Verhoeven")
    assert "on duty now" in page
    await acknowledge(cast.actor("tom"), alert.id, cast.clock())
    page = await main_of(cast, path_of(cast))
    assert page.index("Call Tom Verhoeven") < page.index("Call Ines Quintanar")
    assert "has the alert" in page


async def test_a_worker_who_may_open_the_alert_gets_its_link_and_is_not_told_to_call_themselves(
    cast: Cast,
) -> None:
    await furnish(cast, workers=("sam", "tom"))
    await tick(cast.clock.advance(minutes=30))
    await say(cast, await latest(cast), {"mia": "not_here", "noor": "here"})
    alert = await Alert.get(child_id=cast.mia.id)
    page = await main_of(cast, path_of(cast), "tom")
    assert f'href="/desk/alerts/{alert.id}"' in page
    assert f'href="/desk/children/{cast.mia.id}"' in page
    assert "Call Tom" not in page


async def test_without_a_number_of_a_person_the_agency_can_be_called(cast: Cast) -> None:
    await away(cast)
    await Person.filter(id__in=[cast.tom.id, cast.ines.id]).update(phone=None)
    await Agency.filter(id=cast.agency.id).update(help_phone="+33 1 99 00 33 33")
    page = await main_of(cast, path_of(cast))
    assert "Tom Verhoeven" in page
    assert "We have no number for them." in page
    assert 'href="tel:+33199003333"' in page


async def test_a_child_whom_nobody_answers_for_still_has_someone_to_call(cast: Cast) -> None:
    await Tie.filter(child_id=cast.mia.id).update(until_at=cast.clock())
    await cast.on_duty("ines")
    calling = await calling_of([cast.mia.id], cast.agency.id, cast.sam.id, "en", cast.clock())
    assert [contact.name for contact in calling[cast.mia.id].contacts] == ["Ines Quintanar"]


# --- a correction while the alert is open


async def test_a_correction_leaves_the_alert_open_says_so_and_tells_the_caseworker_once(
    cast: Cast,
) -> None:
    call, alert = await away(cast)
    cast.clock.advance(minutes=16)
    form = uuid7()
    for _ in range(2):
        await say(cast, call, {"mia": "here"}, id_=form)
    told = await Message.filter(kind="home_says")
    assert [(row.person_id, row.subject_id) for row in told] == [(cast.tom.id, alert.id)]
    page = await main_of(cast, path_of(cast))
    assert "The alert stays open. Tell Tom Verhoeven that Mia Castellane is here." in page
    assert 'href="tel:+33199001111"' in page
    facts = (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]
    sentence = evidence.sentence(facts, "en", PARIS, cast.clock())
    assert sentence.startswith("The home said “not here” 13:30, then “here” 13:46,")
    # Said again, it is no news.
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"})
    assert await Message.filter(kind="home_says").count() == 1


async def test_without_an_alert_a_correction_tells_nobody(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "unknown", "noor": "unknown"})
    await say(cast, call, {"mia": "here"})
    assert not await Message.filter(kind="home_says").exists()
    assert "The alert stays open" not in await main_of(cast, path_of(cast))


async def test_the_alert_and_the_board_say_that_the_home_said_so_and_that_a_person_differs(
    cast: Cast,
) -> None:
    await furnish(cast, workers=("sam", "ines"))
    await tick(cast.clock.advance(minutes=30))
    call = await latest(cast)
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    cast.clock.advance(minutes=5)
    await say(cast, call, {"mia": "here"}, by="ines")
    alert = await Alert.get(child_id=cast.mia.id)
    both = "not there, 13:30, another person there said “here” 13:35"
    for path in ("/desk/", f"/desk/alerts/{alert.id}", f"/desk/children/{cast.mia.id}"):
        page = await main_of(cast, path, "tom")
        assert both in page, path
        assert HOME_SAID in page, path
    assert not await Message.filter(kind="home_says").exists()


async def test_the_page_of_a_child_lists_the_last_words_with_who_when_and_the_roll_call(
    cast: Cast,
) -> None:
    first = await asked(cast, "13:30", "14:30")
    await say(cast, first, {"mia": "unknown", "noor": "here"})
    await tick(cast.clock.advance(hours=1))
    await cast.new_token("tom")
    await say(cast, await latest(cast), {"mia": "here", "noor": "here"})
    page = await main_of(cast, f"/desk/children/{cast.mia.id}", "tom")
    said = page.partition("What the home said")[2]
    assert said.index(">14:30<") < said.index("Don&#39;t know") < said.index(">13:30<")
    assert f'href="{path_of(cast)}?call={first.id}"' in said
    earlier = await main_of(cast, f"{path_of(cast)}?call={first.id}", "tom")
    assert "Roll call, 13:30" in earlier
    assert "This is an earlier roll call." in earlier
    # Guardians do not read what homes say of the children.
    await cast.new_token("ada")
    assert "What the home said" not in await main_of(cast, f"/desk/children/{cast.noor.id}", "ada")


# --- on paper, in a search, and to another agency


async def test_papers_and_summaries_tell_what_the_home_said_who_said_it_and_when(
    cast: Cast,
) -> None:
    begin = cast.clock()
    await away(cast)
    tom, now = cast.actor("tom"), cast.clock.advance(minutes=10)
    facts = await account(cast.mia.id, begin, now, "en")
    assert [(fact.what, fact.who, fact.how) for fact in facts if fact.what == HOME_SAID] == [
        (HOME_SAID, "Sam Oyelaran", "The house")
    ]
    assert [fact.how for fact in facts if fact.what == "An alert opened"] == [HOME_SAID]
    episode, _ = await open_episode(tom, cast.mia.id, uuid7(), Saying(now), now)
    [seen] = await view([episode], {Role.CASEWORKER}, cast.tom.id, now)
    told = [text for text in how_it_stands(seen, "en", str) if "word of the home" in text]
    assert len(told) == 1
    assert "“Not here”" in told[0]
    assert "(Sam Oyelaran)" in told[0]
    child = await Child.get(id=cast.mia.id)
    known = await at_the_time(child, Copy.POLICE, Reader("en", PARIS, lasts=True), now)
    assert known is not None
    [point] = [point for point in known.points if point.label == "Said at the home"]
    assert point.text.startswith("Not here, ")
    assert point.text.endswith("13:30, Sam Oyelaran, The house")
    transfer = Transfer(id=uuid7(), agency_id=cast.agency.id, to_agency_id=cast.other_agency.id)
    document = msgspec.json.decode(await build(transfer, child, now))
    assert [(word["word"], word["by"]) for word in document["home_words"]] == [
        ("not_here", "Sam Oyelaran")
    ]


# --- "don't know"


async def test_dont_know_ends_the_roll_call_and_stays_in_sight_until_it_is_said(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "unknown", "noor": "here"})
    assert (await latest(cast)).state == "done"
    page = await main_of(cast, path_of(cast))
    assert "Still unknown: Mia Castellane." in page
    assert "Look in their room and ask the others. Then say it here." in page
    board = await main_of(cast, "/desk/")
    assert "Still unknown: M. C." in board
    assert f'href="{path_of(cast)}?correct=yes"' in board
    cast.clock.advance(minutes=3)
    await say(cast, call, {"mia": "here"})
    assert "Still unknown" not in await main_of(cast, path_of(cast))
    assert "Still unknown" not in await main_of(cast, "/desk/")


async def test_a_child_who_moved_away_is_not_unknown_any_more(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "unknown", "noor": "here"})
    await Child.filter(id=cast.mia.id).update(home_id=None)
    [place] = await reading.homes_of(cast.sam.id, cast.clock())
    assert place.unknown == ()


# --- whose clock, and which homes


async def test_another_clock_than_the_homes_is_named(cast: Cast) -> None:
    await asked(cast)
    assert "Times here are those" not in await main_of(cast, path_of(cast))
    await Person.filter(id=cast.sam.id).update(zone="Asia/Tokyo")
    await cast.new_token("sam")
    page = await main_of(cast, path_of(cast))
    assert "Times here are those of The house, where it is 13:30 now." in page
    assert "Roll call at The house, 13:30 there" in await main_of(cast, "/desk/")


async def test_permission_tells_when_it_was_said_and_the_sum_keeps_it_apart(cast: Cast) -> None:
    call = await asked(cast)
    await say(cast, call, {"mia": "excused", "noor": "not_here"})
    page = await main_of(cast, f"{path_of(cast)}?correct=yes")
    assert "Away with permission, said 13:30" in page
    assert "0 here, 1 not here, 1 with permission" in await main_of(cast, path_of(cast))


async def test_an_open_roll_call_is_found_however_many_homes_a_person_works_in(
    cast: Cast,
) -> None:
    now = cast.clock()
    homes = [
        await Home.create(agency_id=cast.agency.id, name=f"H{n}", zone="Europe/Paris", made_at=now)
        for n in range(reading.MOST_HOMES + 1)
    ]
    last = max(homes, key=lambda home: home.id)
    for home in homes:
        await actions.add_worker(cast.actor("root"), home.id, cast.sam.id, now)
    await RollCall.create(
        id=uuid7(),
        agency_id=cast.agency.id,
        home_id=last.id,
        due_at=now,
        asked_at=now,
        zone="Europe/Paris",
    )
    places = await reading.homes_of(cast.sam.id, now)
    assert len(places) == reading.MOST_HOMES
    assert places[0].home_id == last.id


# --- the rule: what was said last


@given(
    words=st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(list(Word)), moments, st.sampled_from("xy")
        ),
        max_size=6,
    )
)
def test_the_last_word_is_one_that_counts_and_what_is_told_beside_it_is_calmed_or_differs(
    words: list[tuple[str, Word, datetime, str]],
) -> None:
    ids = {letter: uuid7() for letter in "abxy"}
    each = [(ids[call], Spoken(uuid7(), word, at, at, ids[by])) for call, word, at, by in words]
    said = last_said(each)
    if not each:
        assert said is None
        return
    assert said is not None
    of_calls = {call: counted(w for id_, w in each if id_ == call) for call in {c for c, _ in each}}
    assert said.counts in of_calls.values()
    if said.before is not None:
        assert said.counts.word is not Word.NOT_HERE
        assert said.before.word is Word.NOT_HERE
        assert said.before.said_at <= said.counts.said_at
    if said.differs is not None:
        assert said.differs.word is not said.counts.word
        assert said.differs.by_id != said.counts.by_id
