"""A child is back: what is still to do, each with its link, and one summary once all of it is
done."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.audit.models import Entry
from server.errors import Conflict, Refused
from server.i18n import gettext
from server.missing.returns import child_found, interview_actions
from server.missing.returns.child_found import Found
from server.missing.search import actions, opening, searches, timeline
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import FOLLOWED_UP, Act
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import Saying
from server.people.actions import set_language
from server.people.events import Happening
from server.storage.db import write
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.watch.models import Pause
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together

ENDS = {
    Act.SAFE_AND_WELL: {"who": "Tom", "hurt": "no", "afraid": "yes", "crime": "unknown"},
    Act.MEDICAL: {"needed": "yes", "visit": "Dr Blanc, Monday"},
    Act.RESCREEN: {"signs": "no"},
    Act.PHONE_CHECK: {"new": "no", "others": "no"},
    Act.PACK_UPDATE: {},
}
NEEDED = {
    Act.SAFE_AND_WELL: ["who", "hurt", "afraid"],
    Act.MEDICAL: ["needed"],
    Act.RESCREEN: ["signs", "words"],
    Act.PHONE_CHECK: ["new", "others"],
    Act.NOT_POSSIBLE: ["task", "words"],
}
HELD = {
    "answer": "accepted", "at": "2026-03-02T16:00:00+00:00", "interviewer": "Rana",
    "independent": "yes", "push": ["bored"], "stop": "More to do.", "share_reasons": "yes",
    "action_1": "Find a football club", "owner_1": "Tom", "day_1": "2026-03-20",
    "own": "I was at the sea.",
}  # fmt: skip


async def away(cast: Cast, child: str = "mia") -> Episode:
    now, id_ = cast.clock(), cast.persons[child].id
    saying = Saying(now, "Not in the room.")
    return (await opening.open_episode(cast.actor("tom"), id_, uuid4(), saying, now))[0]


async def back(cast: Cast, child: str = "mia") -> Episode:
    episode = await away(cast, child)
    cast.clock.advance(hours=13)
    what = Found(cast.clock(), "At the station", "Sam", "Tired, not hurt.")
    return await child_found.record_found(
        cast.actor("tom"), episode.id, uuid4(), what, cast.clock()
    )


async def log(cast: Cast, episode: Episode, act: Act, who: str = "tom") -> TimelineEntry:
    entry = EntryRequest(uuid4(), act, words="As agreed.", details=ENDS[act])
    return await actions.enter(cast.actor(who), episode.id, entry, cast.clock())


async def interview(cast: Cast, episode: Episode) -> None:
    actor, now = cast.actor("ines"), cast.clock()
    answers = {**HELD, "at": now.isoformat()}
    await interview_actions.save(actor, episode.id, 0, answers, now)
    await interview_actions.hold(actor, episode.id, now)


async def review(cast: Cast, episode: Episode) -> None:
    now = cast.clock()
    async with write():
        await child_found.hear(
            cast.actor("tom"), episode.child_id, Happening.REVIEWED, now, about=uuid4(), at=now
        )


async def all_but(cast: Cast, episode: Episode, *left: Act) -> None:
    await interview(cast, episode)
    await review(cast, episode)
    for act in ENDS:
        if act not in left:
            await log(cast, episode, act)


async def complete(cast: Cast, child: str = "mia") -> Episode:
    episode = await back(cast, child)
    await all_but(cast, episode)
    return await Episode.get(id=episode.id)


async def read(cast: Cast, name: str, path: str) -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


# --- the page of a child who is back


async def test_a_child_found_at_once_was_missing_for_less_than_a_minute(cast: Cast) -> None:
    episode = await away(cast)
    what = Found(cast.clock(), "At home", "Sam", "Tired, not hurt.")
    await child_found.record_found(cast.actor("tom"), episode.id, uuid4(), what, cast.clock())
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert "Found less than a minute after the report." in page


async def test_the_page_begins_with_the_sentence_and_links_each_task(cast: Cast) -> None:
    episode = await back(cast)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert "by Sam: At the station." in page
    assert "Found 13 hr" in page
    assert "Tired, not hurt." in page
    todo = page.split('id="todo"')[1].split("</section>")[0]
    for act in ("safe_and_well", "medical", "rescreen", "phone_check"):
        assert f'href="/desk/episodes/{episode.id}/enter/{act}"' in todo
    assert f'href="/desk/episodes/{episode.id}/interview"' in todo
    assert "Tom Verhoeven" in todo
    await log(cast, episode, Act.SAFE_AND_WELL)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    done = page.split('id="done-title"')[1].split("</section>")[0]
    assert "Check that the child is safe and well" in done
    assert "Tom Verhoeven" in done
    assert "/enter/safe_and_well" not in page.split('id="todo"')[1].split("</section>")[0]


async def test_a_guardian_reads_what_is_left_and_is_asked_for_nothing(cast: Cast) -> None:
    episode = await back(cast, "noor")
    page = await read(cast, "ada", f"/desk/episodes/{episode.id}")
    assert "/enter/" not in page


async def test_not_possible_yet_keeps_the_task_and_its_deadline(cast: Cast) -> None:
    episode = await back(cast)
    before = await Task.get(subject_id=episode.id, kind=Kind.MEDICAL, state=State.OPEN)
    where = f"/desk/episodes/{episode.id}/enter/not_possible"
    async with at_desk(cast, "tom") as browser:
        form = (await browser.get(f"{where}?task=medical")).text
        assert 'type="hidden" name="task" value="medical"' in form
        id_ = re.search(r'name="id" value="([^"]+)"', form)
        assert id_ is not None
        refused = await browser.post(where, data={"id": id_[1], "task": "medical"})
        assert refused.status_code == 422
        data = {"id": id_[1], "task": "medical", "words": "Asleep. At 9 in the morning."}
        for _ in range(2):
            assert (await browser.post(where, data=data)).status_code == 303
    assert await TimelineEntry.filter(what="not_possible").count() == 1
    after = await Task.get(subject_id=episode.id, kind=Kind.MEDICAL, state=State.OPEN)
    assert (after.id, after.due_at) == (before.id, before.due_at)
    page = await read(cast, "ines", f"/desk/episodes/{episode.id}")
    todo = page.split('id="todo"')[1].split("</section>")[0]
    assert "Asleep. At 9 in the morning." in todo
    assert "Next reminder:" in todo


async def test_not_possible_yet_belongs_to_a_return(cast: Cast) -> None:
    episode = await away(cast)
    entry = EntryRequest(uuid4(), Act.NOT_POSSIBLE, words="No.", details={"task": "medical"})
    with pytest.raises(Conflict, match="after the return"):
        await actions.enter(cast.actor("tom"), episode.id, entry, cast.clock())
    episode = await child_found.record_found(
        cast.actor("tom"), episode.id, uuid4(), Found(cast.clock(), "A", "B", "C"), cast.clock()
    )
    entry = EntryRequest(uuid4(), Act.NOT_POSSIBLE, words="No.", details={"task": "report"})
    with pytest.raises(Refused):
        await actions.enter(cast.actor("tom"), episode.id, entry, cast.clock())


async def test_the_form_of_a_task_names_it_and_its_deadline(cast: Cast) -> None:
    episode = await back(cast)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}/enter/safe_and_well")
    assert "<h1>Check that the child is safe and well</h1>" in page
    assert "See Mia Castellane face to face." in page
    assert "Due " in page
    assert "enter/not_possible?task=safe_and_well" in page


async def test_an_interview_is_begun_by_one_tap_and_goes_on_where_it_was_left(cast: Cast) -> None:
    episode = await back(cast)
    where = f"/desk/episodes/{episode.id}/interview"
    assert f'href="{where}/offer"' in await read(cast, "ines", where)
    async with at_desk(cast, "ines") as browser:
        saved = await browser.post(f"{where}/offer", data={"base": "0", "answer": "accepted"})
        assert saved.headers["location"] == f"{where}/held"
    page = await read(cast, "ines", where)
    assert re.search(rf'class="button main" href="{where}/held">Continue the interview', page)
    assert "enter/not_possible?task=return_interview" in page
    page = await read(cast, "ines", f"/desk/episodes/{episode.id}")
    assert "Continue the interview" in page


# --- the summary


async def test_the_last_task_closes_the_return_with_one_summary(cast: Cast) -> None:
    episode = await back(cast)
    await all_but(cast, episode, Act.MEDICAL)
    where = f"/desk/episodes/{episode.id}"
    async with at_desk(cast, "tom") as browser:
        early = await browser.get(f"{where}/summary")
        assert early.headers["location"] == where
        form = (await browser.get(f"{where}/enter/medical")).text
        id_ = re.search(r'name="id" value="([^"]+)"', form)
        assert id_ is not None
        for _ in range(2):
            data = {"id": id_[1], **ENDS[Act.MEDICAL]}
            done = await browser.post(f"{where}/enter/medical", data=data)
            assert done.headers["location"] == f"{where}/summary"
    assert (await Episode.get(id=episode.id)).stage == "followed_up"
    assert await TimelineEntry.filter(what=FOLLOWED_UP).count() == 1
    assert await Entry.filter(what="episode:followed_up").count() == 1
    page = await read(cast, "tom", f"{where}/summary")
    for words in (
        "The return of Mia Castellane is complete",
        "Seen by Sam: At the station",
        "Mia Castellane is afraid of someone.",
        "We do not know if anyone did something wrong to Mia Castellane.",
        "Mia Castellane needs a doctor.",
        "Dr Blanc, Monday",
        "Nothing to do",
        "More to do.",
        "Find a football club",
        "Tom Verhoeven finished the last task",
    ):
        assert words in page, words
    assert "Mia Castellane was hurt" not in page
    assert await timeline.verify() is None


async def test_two_people_who_end_the_last_two_tasks_at_once_close_it_once(cast: Cast) -> None:
    episode = await back(cast)
    await all_but(cast, episode, Act.MEDICAL, Act.RESCREEN)
    no_fault(
        await together(
            log(cast, episode, Act.MEDICAL, "tom"), log(cast, episode, Act.RESCREEN, "ines")
        )
    )
    after = await Episode.get(id=episode.id)
    assert (after.stage, after.followed_up_at) == ("followed_up", cast.clock())
    assert await TimelineEntry.filter(what=FOLLOWED_UP).count() == 1
    assert await timeline.verify() is None


async def test_what_is_logged_after_the_end_opens_nothing_again(cast: Cast) -> None:
    episode = await complete(cast)
    cast.clock.advance(days=1)
    await log(cast, episode, Act.SAFE_AND_WELL)
    after = await Episode.get(id=episode.id)
    assert after.followed_up_at == episode.followed_up_at
    assert await TimelineEntry.filter(what=FOLLOWED_UP).count() == 1
    assert not await Task.exists(subject_id=episode.id, state=State.OPEN)


async def test_a_note_corrects_the_summary_once_and_changes_no_entry(cast: Cast) -> None:
    episode = await complete(cast)
    where = f"/desk/episodes/{episode.id}/summary"
    before = await TimelineEntry.filter(episode_id=episode.id).count()
    cast.clock.advance(hours=1)
    async with at_desk(cast, "tom") as browser:
        id_ = re.search(r'name="id" value="([^"]+)"', (await browser.get(where)).text)
        assert id_ is not None
        empty = await browser.post(where, data={"id": id_[1], "words": ""})
        assert empty.status_code == 422
        for _ in range(2):
            data = {"id": id_[1], "words": "It was Tuesday, not Monday."}
            assert (await browser.post(where, data=data)).status_code == 303
    page = await read(cast, "ines", where)
    assert "It was Tuesday, not Monday." in page.split("Added later")[1]
    assert await TimelineEntry.filter(episode_id=episode.id).count() == before + 1


async def test_in_arabic_a_name_moves_no_time_beside_it(cast: Cast) -> None:
    """A line that begins with a Latin name is read from the left where it may choose its side."""
    episode = await complete(cast)
    await set_language(cast.actor("ines"), cast.ines.id, "ar", cast.clock())
    page = await read(cast, "ines", f"/desk/episodes/{episode.id}/summary")
    assert '<p class="soft">\u2068Tom Verhoeven\u2069 · ' in page


async def test_the_summary_is_printed_in_the_language_of_its_reader(cast: Cast) -> None:
    episode = await complete(cast)
    for name in ("tom", "ines"):
        async with at_desk(cast, name) as browser:
            paper = await browser.get(f"/desk/episodes/{episode.id}/summary.pdf")
        assert paper.headers["content-type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF")
        assert "Mia" not in paper.headers["content-disposition"]


async def test_a_guardian_reads_of_the_interview_only_what_the_child_allows(cast: Cast) -> None:
    episode = await complete(cast, "noor")
    page = await read(cast, "ada", f"/desk/episodes/{episode.id}/summary")
    for words in ("More to do.", "Find a football club", 'method="post"'):
        assert words not in page.split("<main")[1]


async def test_the_child_reads_of_the_return_that_it_is_over_and_their_own_words(
    cast: Cast,
) -> None:
    episode = await complete(cast)
    path = f"/api/v1/children/{cast.mia.id}/episodes/{episode.id}"
    async with cast.client_as("mia") as phone:
        seen = (await phone.get(path)).json()
        own = (await phone.get(f"{path}/interview")).json()
        assert (await phone.get(f"/desk/episodes/{episode.id}/summary")).status_code == 404
    assert seen["stage"] == "followed_up"
    assert not any(line["words"] or line["details"] for line in seen["timeline"])
    assert own["answers"]["own"] == "I was at the sea."
    assert "stop" not in own["answers"]


async def test_a_summary_is_a_look_at_the_search_and_at_the_interview(cast: Cast) -> None:
    episode = await complete(cast)
    await read(cast, "ines", f"/desk/episodes/{episode.id}/summary")
    looks = set(await Entry.filter(who_id=cast.ines.id).values_list("what", flat=True))
    assert {"look:episode:see", "look:interview:see"} <= looks


async def test_strangers_get_nothing_of_a_return(cast: Cast) -> None:
    episode = await complete(cast)
    for name in ("eve", "root", "uwe", "sam"):
        async with at_desk(cast, name) as browser:
            for rest in ("", "/summary", "/summary.pdf"):
                answer = await browser.get(f"/desk/episodes/{episode.id}{rest}")
                assert answer.status_code == (403 if name == "sam" else 404), (name, rest)


# --- lists


async def test_the_page_of_a_child_lists_all_searches_the_newest_first(cast: Cast) -> None:
    ended = await complete(cast)
    cast.clock.advance(days=2)
    returned = await back(cast)
    cast.clock.advance(days=2)
    missing = await away(cast)
    page = await read(cast, "tom", f"/desk/children/{cast.mia.id}")
    part = page.split('id="searches"')[1].split("</section>")[0]
    paths = re.findall(r'href="(/desk/episodes/[^"]+)"', part)
    assert paths == [
        f"/desk/episodes/{missing.id}",
        f"/desk/episodes/{returned.id}",
        f"/desk/episodes/{ended.id}/summary",
    ]
    assert "7 tasks still to do. First: Check that the child is safe and well" in part
    assert "All searches" not in part
    assert await Entry.filter(who_id=cast.tom.id, what="look:episode:see").exists()


async def test_many_searches_come_in_parts(cast: Cast) -> None:
    ids = [(await _short(cast)).id for _ in range(7)]
    part = (await read(cast, "tom", f"/desk/children/{cast.mia.id}")).split('id="searches"')[1]
    assert part.count('href="/desk/episodes/') == searches.ON_A_CHILDS_PAGE
    assert f'href="/desk/searches?child={cast.mia.id}"' in part
    page = await read(cast, "tom", f"/desk/searches?child={cast.mia.id}&before={ids[2]}")
    assert re.findall(r'href="/desk/episodes/([^"/]+)"', page) == [str(ids[1]), str(ids[0])]
    assert "Newest searches" in page


async def _short(cast: Cast) -> Episode:
    episode = await back(cast)
    cast.clock.advance(hours=1)
    return episode


async def test_searches_are_filtered_and_paged_without_gaps(cast: Cast) -> None:
    await _many(cast, 120)
    seen: list[str] = []
    path = "/desk/searches?show=done"
    while path:
        page = await read(cast, "tom", path)
        seen += re.findall(r'href="/desk/episodes/([^"/]+)/summary"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    rows = await Episode.all().order_by("-opened_at", "-id").values_list("id", flat=True)
    assert seen == [str(id_) for id_ in rows]
    assert "No searches here" in await read(cast, "tom", "/desk/searches?show=open")
    assert "No searches here" in await read(cast, "tom", "/desk/searches?show=back")


async def _many(cast: Cast, count: int) -> None:
    """Ended searches, several in one moment."""
    now = cast.clock()
    for number in range(count):
        at = now - timedelta(days=number // 3)
        await Episode.create(
            id=uuid4(), agency_id=cast.agency.id, child_id=cast.mia.id, opened_at=at, said_at=at,
            opened_role="caseworker", tier="high", stage="followed_up", found_at=at,
            followed_up_at=at,
        )  # fmt: skip


async def test_each_reader_sees_only_searches_of_their_own_children(cast: Cast) -> None:
    mias, noors = await back(cast), await back(cast, "noor")

    async def listed(name: str, query: str = "") -> set[str]:
        page = await read(cast, name, f"/desk/searches{query}")
        return set(re.findall(r'href="/desk/episodes/([^"/]+)"', page))

    assert await listed("tom") == {str(mias.id), str(noors.id)}
    assert await listed("ada") == {str(noors.id)}
    for name in ("eve", "root", "uwe", "sam"):
        assert await listed(name) == set()
    assert await listed("uwe", f"?child={cast.mia.id}&before={mias.id}") == set()
    assert await listed("tom", "?child=nonsense&before=nonsense&show=nonsense") == {
        str(mias.id),
        str(noors.id),
    }
    looks = Entry.filter(who_id=cast.tom.id, what="look:episode:see")
    assert set(await looks.values_list("child_id", flat=True)) == {cast.mia.id, cast.noor.id}
    await cast.on_duty("eve", hours=5)
    assert await listed("eve") == {str(mias.id), str(noors.id)}


# --- what else may happen


async def test_an_absence_that_ends_during_a_search_ends_no_search(cast: Cast) -> None:
    now = cast.clock()
    await Pause.create(
        child_id=cast.mia.id, from_at=now - timedelta(hours=1), until_at=now + timedelta(hours=2),
        made_by=cast.tom.id, made_at=now,
    )  # fmt: skip
    episode = await away(cast)
    assert "An absence is agreed until" in await read(cast, "tom", f"/desk/episodes/{episode.id}")
    cast.clock.advance(hours=3)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert "The search goes on." in page
    assert (await Episode.get(id=episode.id)).is_open


async def test_a_child_found_twice_says_so_and_saves_nothing(cast: Cast) -> None:
    episode = await back(cast)
    where = f"/desk/episodes/{episode.id}/found"
    async with at_desk(cast, "ines") as browser:
        onward = (await browser.get(where)).headers["location"]
        assert "Nothing was saved twice." in (await browser.get(onward)).text
        late = await browser.post(where, data={"by": "Ines", "where": "Here", "words": "Well."})
        assert late.status_code == 409
        assert f'href="/desk/episodes/{episode.id}"' in late.text
    assert await TimelineEntry.filter(what="found").count() == 1


async def test_found_by_mistake_is_a_new_search_and_both_stay(cast: Cast) -> None:
    episode = await back(cast)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert f'href="/desk/children/{cast.mia.id}/missing"' in page
    assert "Report missing again" in page
    again = await away(cast)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert "is missing again." in page
    assert f'href="/desk/episodes/{again.id}"' in page
    assert "Report missing again" not in page
    assert UUID(str(again.id)) != episode.id
    # The deadlines of the return stay: the interview about the first time is still owed.
    assert await Task.exists(subject_id=episode.id, state=State.OPEN)


async def test_the_pages_of_a_child_who_is_back_lead_to_the_next_task_of_the_return(
    cast: Cast,
) -> None:
    await back(cast)
    page = await read(cast, "tom", f"/desk/children/{cast.mia.id}/safety")
    head = page.split('class="is-back head"')[1].split("<nav")[0]
    assert "Returned" in head
    assert "Check that the child is safe and well" in head
    assert "and 6 more tasks" in head
    assert 'href="/desk/episodes/' in head
    assert "Returned" in await read(cast, "tom", "/desk/children")


async def test_the_board_leads_to_all_searches_and_that_list_to_one_that_has_ended(
    cast: Cast,
) -> None:
    episode = await back(cast)
    assert 'href="/desk/searches"' in await read(cast, "tom", "/desk/")
    assert f"/desk/episodes/{episode.id}" in await read(cast, "tom", "/desk/searches")
    assert 'href="/desk/searches"' not in await read(cast, "sam", "/desk/")


def marked(page: str) -> list[str]:
    """The questions with a fault beside them, in the order of the page."""
    return re.findall(r'class="error" id="([a-z]+)-error"', page)


async def test_a_form_names_all_that_is_missing_at_once_and_keeps_what_was_typed(
    cast: Cast,
) -> None:
    episode = await back(cast)
    async with at_desk(cast, "tom") as browser:
        for act, needed in NEEDED.items():
            path = f"/desk/episodes/{episode.id}/enter/{act}"
            page = await browser.post(path, data={"ago": "other"})
            assert page.status_code == 422
            # That it is not possible yet is said now; everything else has a time of its own.
            when = [] if act == Act.NOT_POSSIBLE else ["at"]
            assert marked(page.text) == [*needed, *when], act
            assert page.text.count("autofocus") == 1, act
            first = page.text.index(f'id="{needed[0]}-error"')
            assert abs(page.text.index("autofocus") - first) < 300, act
        typed = {"ago": "now", "words": "She slept.", "who": "Tom"}
        page = await browser.post(path.replace(act, Act.SAFE_AND_WELL), data=typed)
        assert marked(page.text) == ["hurt", "afraid"]
        assert "She slept." in page.text
        assert 'value="Tom"' in page.text
    assert not await TimelineEntry.filter(what__in=[*NEEDED]).exists()


async def test_each_missing_answer_is_asked_for_in_the_words_of_its_question(cast: Cast) -> None:
    episode = await back(cast)
    await set_language(cast.actor("tom"), cast.persons["tom"].id, "fr", cast.clock())
    async with at_desk(cast, "tom") as browser:
        page = await browser.post(
            f"/desk/episodes/{episode.id}/enter/phone_check", data={"ago": "now"}
        )
    for label in ("Is the phone a new one?", "Does anyone else use it?"):
        wanted = gettext("fr", "Fill in: {label}", label=gettext("fr", label))
        assert wanted in html.unescape(page.text)


async def test_the_api_names_all_that_is_missing(cast: Cast) -> None:
    episode = await back(cast)
    path = f"/api/v1/children/{episode.child_id}/episodes/{episode.id}/entries"
    await cast.new_token("tom")
    async with cast.client_as("tom") as tom:
        for act, needed in NEEDED.items():
            answer = await tom.post(path, json={"id": str(uuid4()), "what": act})
            problem = answer.json()
            assert (answer.status_code, problem["field"]) == (422, needed[0])
            assert problem["missing"] == needed


async def test_who_saw_the_child_where_and_how_are_asked_for_at_once(cast: Cast) -> None:
    episode = await away(cast)
    path = f"/desk/episodes/{episode.id}/found"
    async with at_desk(cast, "tom") as browser:
        page = await browser.post(path, data={"ago": "other"})
        assert marked(page.text) == ["by", "where", "words", "at"]
        page = await browser.post(path, data={"ago": "now", "by": "Sam", "where": "Station"})
        assert marked(page.text) == ["words"]
        assert 'value="Station"' in page.text
