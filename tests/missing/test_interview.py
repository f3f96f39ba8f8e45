"""The talk after the return: nothing of it is lost, and it is read by those whom the child lets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.errors import Conflict, Refused
from server.missing.returns import child_found, interview, interview_actions
from server.missing.returns.child_found import Found
from server.missing.search import opening
from server.missing.search.models import Episode, ReturnInterview, TimelineEntry
from server.missing.search.opening import Saying
from server.missing.search.wording import details_of
from server.people.models import Tie
from server.people.rules import Role
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from tests.cast import SURNAMES, Cast
from tests.desk.walking import at_desk
from tests.pwa.talks import talk
from tests.races import together

HOUR = timedelta(hours=1)


async def tie(cast: Cast, name: str, role: Role) -> None:
    """That person is this to Mia, from now on."""
    await Tie.create(
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        person_id=cast.persons[name].id,
        role=role,
        from_at=cast.clock(),
    )


async def returned(cast: Cast, child: str = "mia") -> Episode:
    """A child was missing, and was seen."""
    now, tom = cast.clock(), cast.actor("tom")
    held, _ = await opening.open_episode(tom, cast.children[child].id, uuid4(), Saying(now), now)
    what = Found(now, "At the station", "Sam", "Tired.")
    return await child_found.record_found(tom, held.id, uuid4(), what, now)


def path_of(cast: Cast, episode: Episode) -> str:
    return f"/api/v1/children/{episode.child_id}/episodes/{episode.id}/interview"


def answers(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "answer": "accepted",
        "reason": "Because you asked.",
        "at": cast.clock().isoformat(),
        "interviewer": "Nadia Ferro",
        "from": "A children's advocate",
        "independent": "yes",
        "push": ["alone", "waiting"],
        "pull": ["debt"],
        "during": "",
        "own": "I was at a friend's.",
        "share_reasons": "yes",
        "share_guardian": ["before", "own"],
        "before": "A quarrel.",
        "told": "A man with a white car.",
        **more,
    }


def said(cast: Cast, **more: Any) -> dict[str, Any]:
    found = answers(cast, **more)
    found.pop("during")
    return found


async def put(cast: Cast, episode: Episode, base: int, body: dict[str, Any], **more: Any) -> Any:
    await cast.new_token("tom")
    async with cast.client_as("tom") as client:
        asked = {"base": base, "answers": body, **more}
        return await client.put(path_of(cast, episode), json=asked)


async def read(cast: Cast, name: str, episode: Episode) -> Any:
    await cast.new_token(name)
    async with cast.client_as(name) as client:
        return await client.get(path_of(cast, episode))


async def clock_of(episode: Episode) -> Task | None:
    kind = Kind.RETURN_INTERVIEW.value
    return await Task.get_or_none(subject_id=episode.id, kind=kind, state=State.OPEN)


async def has_clock(episode: Episode) -> bool:
    return await clock_of(episode) is not None


async def test_holding_the_talk_ends_its_clock_and_its_words_stay_out_of_the_timeline(
    cast: Cast,
) -> None:
    episode = await returned(cast)
    cast.clock.advance(hours=5)
    assert await has_clock(episode)
    answer = await put(cast, episode, 0, said(cast), is_held=True)
    assert answer.status_code == 200, answer.text
    assert answer.json()["held_at"] is not None
    assert not await has_clock(episode)
    line = await TimelineEntry.get(episode_id=episode.id, what="interview_held")
    assert line.details == {"independent": "yes", "hours": "5"}
    assert line.words is None
    again = await put(cast, episode, 2, said(cast), is_held=True)
    assert again.json()["version"] == answer.json()["version"] == 2
    assert await TimelineEntry.filter(episode_id=episode.id, what="interview_held").count() == 1


async def test_what_is_not_said_yet_is_named_and_what_was_said_is_kept(cast: Cast) -> None:
    episode = await returned(cast)
    for missing in ("at", "interviewer", "independent"):
        body = said(cast)
        body.pop(missing)
        held = await interview_actions.latest(episode.id)
        answer = await put(cast, episode, held.version if held else 0, body, is_held=True)
        assert (answer.status_code, answer.json()["field"]) == (422, missing)
        kept = await ReturnInterview.filter(episode_id=episode.id).order_by("-version").first()
        assert kept is not None
        assert kept.answers == body


async def test_everything_that_is_missing_is_asked_at_once_beside_its_field_and_then_logged(
    cast: Cast,
) -> None:
    asked = {question.name for question in interview.BY_NAME[interview.HELD].questions}
    assert interview.NEEDED.keys() <= asked, "one screen asks for all of it"
    episode = await returned(cast)
    path = f"/desk/episodes/{episode.id}/interview"
    async with cast.browser_as("tom") as tom:
        first = await tom.post(path, data={"what": "held"})
        assert first.status_code == 422
        assert "3 answers are missing" in first.text
        assert [first.text.count(f'id="{name}-error"') for name in interview.NEEDED] == [1, 1, 1]
        some = {"base": "0", "held": "1", "ago": "now", "interviewer": "Nadia Ferro"}
        second = await tom.post(f"{path}/held", data=some)
        assert second.status_code == 422
        assert "1 answer is missing" in second.text
        assert 'id="independent-error"' in second.text
        assert 'value="Nadia Ferro"' in second.text
        assert not await TimelineEntry.exists(episode_id=episode.id, what="interview_held")
        rest = {**some, "base": "1", "independent": "yes"}
        assert (await tom.post(f"{path}/held", data=rest)).headers["location"] == path
    assert await TimelineEntry.exists(episode_id=episode.id, what="interview_held")
    answer = await put(cast, episode, 0, {}, is_held=True)
    assert answer.status_code == 409


async def test_a_correction_is_a_new_version_beside_the_old_one(cast: Cast) -> None:
    episode = await returned(cast)
    await put(cast, episode, 0, said(cast), is_held=True)
    answer = await put(cast, episode, 2, said(cast, own="At my cousin's."))
    assert answer.json()["version"] == 3
    assert answer.json()["held_at"] is not None
    rows = await ReturnInterview.filter(episode_id=episode.id).order_by("version")
    assert [row.answers["own"] for row in rows] == [
        "I was at a friend's.",
        "I was at a friend's.",
        "At my cousin's.",
    ]


async def test_a_person_who_saw_an_older_version_gets_both_and_loses_nothing(cast: Cast) -> None:
    episode = await returned(cast)
    await put(cast, episode, 0, said(cast))
    answer = await put(cast, episode, 0, said(cast, own="Other words."))
    assert (answer.status_code, answer.json()["code"]) == (409, "other_base")
    assert answer.json()["version"] == 1
    assert answer.json()["answers"]["own"] == "I was at a friend's."
    same = await put(cast, episode, 0, said(cast))
    assert (same.status_code, same.json()["version"]) == (200, 1)


async def test_two_who_save_two_screens_at_once_keep_both(cast: Cast) -> None:
    episode, now = await returned(cast), cast.clock()
    both = await together(
        *(
            interview_actions.save_group(cast.actor(name), episode.id, group, 0, said_, now)
            for name, group, said_ in (
                ("tom", "own", {"own": "Mine."}),
                ("ines", "next", {"stop": "A room of my own."}),
            )
        )
    )
    assert not [one for one in both if isinstance(one, BaseException)]
    row = await interview_actions.latest(episode.id)
    assert row is not None
    assert (row.version, row.answers) == (2, {"own": "Mine.", "stop": "A room of my own."})


async def test_one_screen_answered_twice_shows_the_other_answer(cast: Cast) -> None:
    episode, now, tom = await returned(cast), cast.clock(), cast.actor("tom")
    await interview_actions.save_group(tom, episode.id, "own", 0, {"own": "One."}, now)
    with pytest.raises(Conflict) as caught:
        await interview_actions.save_group(tom, episode.id, "own", 0, {"own": "Two."}, now)
    assert caught.value.content["answers"] == {"own": "One."}


async def test_nobody_who_cares_for_the_child_or_works_in_its_home_leads_it(cast: Cast) -> None:
    episode = await returned(cast)
    with pytest.raises(Refused) as caught:
        await interview_actions.save(
            cast.actor("tom"),
            episode.id,
            0,
            {"interviewer": f"  {cast.sam.name.upper()} "},
            cast.clock(),
        )
    assert caught.value.field == "interviewer"


async def test_a_refusal_is_noted_once_and_the_talk_is_offered_again(cast: Cast) -> None:
    episode, now, tom = await returned(cast), cast.clock(), cast.actor("tom")
    with pytest.raises(Refused):
        await interview_actions.refused(tom, episode.id, now)
    await interview_actions.save_group(tom, episode.id, "offer", 0, {"answer": "refused"}, now)
    cast.clock.advance(hours=10)
    for _ in range(2):
        await interview_actions.refused(tom, episode.id, cast.clock())
    due = await clock_of(episode)
    assert due is not None
    assert due.due_at == cast.clock() + 72 * HOUR
    assert await TimelineEntry.filter(episode_id=episode.id, what="interview_offered").count() == 1
    with pytest.raises(Refused) as caught:
        await interview_actions.hold(tom, episode.id, cast.clock())
    assert caught.value.field == "answer"


async def says_no(cast: Cast, episode: Episode) -> None:
    tom = cast.actor("tom")
    row = await interview_actions.latest(episode.id)
    base, words = (row.version if row else 0), cast.clock().isoformat()
    no = {"answer": "refused", "reason": words}
    await interview_actions.save_group(tom, episode.id, "offer", base, no, cast.clock())
    await interview_actions.refused(tom, episode.id, cast.clock())


async def test_a_child_who_says_no_again_is_asked_no_more_and_the_return_can_end(
    cast: Cast,
) -> None:
    episode, tom = await returned(cast), cast.actor("tom")
    kept = Task.filter(subject_id=episode.id, kind=Kind.RETURN_INTERVIEW)
    await (
        Task.filter(subject_id=episode.id)
        .exclude(kind=Kind.RETURN_INTERVIEW)
        .update(state=State.DONE, next_action_at=None)
    )
    for hours in (0, 2):
        cast.clock.advance(hours=hours)
        await says_no(cast, episode)
        with pytest.raises(Refused) as early:
            await interview_actions.end_offers(tom, episode.id, cast.clock())
        assert early.value.code == "too_early"
    cast.clock.advance(days=3)
    await says_no(cast, episode)
    path = f"/desk/episodes/{episode.id}/interview"
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path)).text
        assert "has said no 3 times." in page
        assert "Do not offer it again" in page
        for _ in range(2):
            assert (await browser.post(path, data={"what": "ended"})).status_code == 303
        page = (await browser.get(path)).text
        assert "Nobody has to offer it again." in page
        assert "Begin the interview" in page or "Continue the interview" in page
    assert not await kept.filter(state=State.OPEN).exists()
    assert (await Episode.get(id=episode.id)).stage == "followed_up"
    assert await TimelineEntry.filter(episode_id=episode.id, what="offers_ended").count() == 1
    await says_no(cast, episode)
    assert not await kept.filter(state=State.OPEN).exists(), "a further no begins nothing anew"
    cast.clock.advance(days=1)
    last = await interview_actions.latest(episode.id)
    assert last is not None
    assert (await put(cast, episode, last.version, said(cast), is_held=True)).status_code == 200, (
        "and the child may still want it"
    )


async def test_over_the_wire_offers_end_only_after_two_noes(cast: Cast) -> None:
    episode = await returned(cast)
    no = {"answer": "refused", "interviewer": "Nadia"}
    first = await put(cast, episode, 0, no, is_refused=True, ends_offers=True)
    assert (first.status_code, first.json()["code"]) == (422, "too_early")
    cast.clock.advance(days=3)
    again = {**no, "reason": "Still not."}
    base = (await interview_actions.latest(episode.id)).version  # type: ignore[union-attr]
    last = await put(cast, episode, base, again, is_refused=True, ends_offers=True)
    assert last.status_code == 200
    assert not await interview_actions.is_offered(episode.id)


async def test_an_interview_that_begins_now_needs_no_time_to_be_typed(cast: Cast) -> None:
    episode = await returned(cast)
    path = f"/desk/episodes/{episode.id}/interview/held"
    async with at_desk(cast, "tom") as browser:
        for ago, at, minutes in (("now", "", 0), ("30", "", 30), ("other", "", None)):
            row = await interview_actions.latest(episode.id)
            form = {"base": str(row.version if row else 0), "ago": ago, "at": at}
            assert (await browser.post(path, data=form)).status_code == 303
            kept = (await interview_actions.latest(episode.id)).answers  # type: ignore[union-attr]
            begun = interview.moment_of(kept)
            assert begun == (
                cast.clock() - timedelta(minutes=minutes) if minutes is not None else None
            )


async def test_a_refusal_over_the_wire_stands_in_the_timeline_as_at_the_desk(cast: Cast) -> None:
    episode = await returned(cast)
    answers = {"answer": "refused", "interviewer": "Nadia"}
    for _ in range(2):
        assert (await put(cast, episode, 0, answers, is_refused=True)).status_code == 200
    [line] = await TimelineEntry.filter(episode_id=episode.id, what="interview_offered")
    assert line.details == {"answer": "refused", "who": "Nadia"}
    answer = await put(cast, episode, 1, {"interviewer": "Nadia"}, is_refused=True)
    assert (answer.status_code, answer.json()["field"]) == (422, "answer")


def test_a_talk_that_was_held_tells_who_led_it_and_how_soon() -> None:
    found = details_of("interview_held", {"independent": "yes", "hours": "12"}, "en")
    assert found == [
        ("Is this person independent of the home?", "yes"),
        ("Hours after the return", "12"),
    ]


async def test_everyone_reads_what_the_child_lets_them_read(cast: Cast) -> None:
    episode = await returned(cast)
    await tie(cast, "ada", Role.GUARDIAN)
    await put(cast, episode, 0, said(cast), is_held=True)
    whole = set((await read(cast, "tom", episode)).json()["answers"])
    assert {"told", "reason", "own"} <= whole
    guardian = (await read(cast, "ada", episode)).json()["answers"]
    assert {"before", "push", "own", "interviewer"} <= set(guardian)
    assert not {"told", "reason", "share_reasons"} & set(guardian)
    child = (await read(cast, "mia", episode)).json()["answers"]
    assert set(child) == {"own", "share_reasons", "share_guardian"}
    assert (await read(cast, "sam", episode)).status_code == 403
    assert (await read(cast, "eve", episode)).status_code == 404
    assert (await read(cast, "root", episode)).status_code == 404


async def test_nothing_of_it_is_there_while_the_child_is_missing(cast: Cast) -> None:
    now = cast.clock()
    held, _ = await opening.open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    answer = await put(cast, held, 0, said(cast))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_yet")
    assert (await read(cast, "mia", held)).status_code == 404


STOP = "Somebody I can call at night."


async def reasons(cast: Cast, who: str) -> list[dict[str, Any]]:
    await cast.new_token(who)
    async with cast.client_as(who) as client:
        answer = await client.get(f"/api/v1/children/{cast.mia.id}/return-reasons")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["reasons"])


async def test_the_reasons_are_shown_for_the_review_only_where_the_child_says_so(
    cast: Cast,
) -> None:
    episode = await returned(cast)
    await put(cast, episode, 0, said(cast, stop=STOP))
    assert await reasons(cast, "tom") == []  # The talk has not taken place.
    await put(cast, episode, 1, said(cast, stop=STOP), is_held=True)
    for who in ("tom", "ines"):
        [one] = await reasons(cast, who)
        assert (one["push"], one["pull"], one["stop"]) == (["alone", "waiting"], ["debt"], STOP)
        each = [(part["kind"], part["code"]) for part in one["each"]]
        assert each == [("push", "alone"), ("push", "waiting"), ("pull", "debt"), ("stop", "")]
        assert one["own"] == ""
    await put(cast, episode, 2, said(cast, stop=STOP, share_reasons="no"))
    for who in ("tom", "ines"):
        assert await reasons(cast, who) == []
    for who, status in (("sam", 403), ("eve", 404), ("root", 404)):
        await cast.new_token(who)
        async with cast.client_as(who) as client:
            path = f"/api/v1/children/{cast.mia.id}/return-reasons"
            assert (await client.get(path)).status_code == status


async def test_a_guardian_reads_of_the_reasons_what_the_child_lets_it_read(cast: Cast) -> None:
    episode = await returned(cast)
    await tie(cast, "ada", Role.GUARDIAN)
    await put(cast, episode, 0, said(cast, stop=STOP), is_held=True)
    [one] = await reasons(cast, "ada")
    assert (one["push"], one["pull"], one["stop"]) == (["alone", "waiting"], ["debt"], "")
    await put(cast, episode, 2, said(cast, stop=STOP, share_guardian=["next"]))
    [one] = await reasons(cast, "ada")
    assert (one["push"], one["pull"], one["stop"]) == ([], [], STOP)
    await put(cast, episode, 3, said(cast, stop=STOP, share_guardian=["own"]))
    assert await reasons(cast, "ada") == []


async def test_the_child_reads_its_own_words_and_none_of_the_reasons_on_its_phone(
    cast: Cast,
) -> None:
    episode = await returned(cast)
    await put(cast, episode, 0, said(cast, stop=STOP), is_held=True)
    [one] = await reasons(cast, "mia")
    assert set(one) == set(talk())  # What phones are tested with is what is told.
    assert (one["own"], one["may_be_used"]) == ("I was at a friend's.", True)
    assert (one["push"], one["pull"], one["stop"], one["each"]) == ([], [], "", [])
    await put(cast, episode, 2, said(cast, share_reasons="no"))
    [one] = await reasons(cast, "mia")
    assert one["may_be_used"] is False
    # Missing again: nobody knows who holds the phone.
    now = cast.clock()
    await opening.open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    assert await reasons(cast, "mia") == []
    assert (await read(cast, "mia", episode)).status_code == 404
    assert await reasons(cast, "tom") == []  # She had said no.
    assert (await read(cast, "tom", episode)).status_code == 200


async def test_a_reason_has_one_id_for_ever_that_tells_nothing_and_a_goal_can_name_it(
    cast: Cast,
) -> None:
    episode = await returned(cast)
    await put(cast, episode, 0, said(cast, stop=STOP), is_held=True)
    before = {
        (part["kind"], part["code"]): part["id"] for part in (await reasons(cast, "tom"))[0]["each"]
    }
    assert len(set(before.values())) == 4
    await put(cast, episode, 2, said(cast, stop="Something else.", push=["waiting", "rules"]))
    after = {
        (part["kind"], part["code"]): part["id"] for part in (await reasons(cast, "tom"))[0]["each"]
    }
    kept = {("push", "waiting"), ("pull", "debt"), ("stop", "")}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    # Another child's same reason has another id.
    assert interview_actions.reason_id(uuid4(), "push", "waiting") != UUID(
        before["push", "waiting"]
    )
    area, goal = str(uuid4()), str(uuid4())
    making = {"field": "*", "base": None, "said_at": cast.clock().isoformat()}
    changes = [
        {"id": str(uuid4()), "entity": "area", "entity_id": area, "value": {"kind": "safety"}},
        {
            "id": str(uuid4()),
            "entity": "goal",
            "entity_id": goal,
            "value": {"area_id": area, "worker_words": STOP, "reason_id": before["stop", ""]},
        },
        {
            "id": str(uuid4()),
            "entity": "step",
            "entity_id": str(uuid4()),
            "value": {"goal_id": goal, "text": STOP, "reason_id": "alone"},
        },
    ]
    async with cast.client_as("tom") as client:
        sent = {"cursor": None, "changes": [one | making for one in changes]}
        answer = await client.post(f"/api/v1/children/{cast.mia.id}/sync", json=sent)
        results = answer.json()["results"]
        assert [one["status"] for one in results] == ["applied", "applied", "refused"]
        assert results[2]["problem"]["code"] == "invalid"  # No word of it can stand there.
        whole = (await client.get(f"/api/v1/children/{cast.mia.id}/project")).json()
    [made] = [one for place in whole["areas"] for one in place["goals"] if one["id"] == goal]
    assert made["reason_id"] == before["stop", ""]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"what": "x"}, "what"),
        ({"push": ["moon"]}, "push"),
        ({"own": ["a"]}, "own"),
        ({"harmed": "perhaps"}, "harmed"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2026-03-01T10:00"}, "at"),
        ({"day_1": "2026-13-01"}, "day_1"),
        ({"day_1": "1026-01-01"}, "day_1"),
        ({"own": "x" * 20_001}, "own"),
    ],
)
def test_what_fits_no_question_is_refused_by_name(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        interview.read(wrong)
    assert caught.value.field == field


async def test_a_screen_is_saved_by_a_plain_form_and_leads_on(cast: Cast) -> None:
    episode = await returned(cast)
    path = f"/desk/episodes/{episode.id}/interview"
    async with cast.browser_as("tom") as tom:
        first = await tom.post(f"{path}/offer", data={"base": "0", "answer": "accepted"})
        assert (first.status_code, first.headers["location"]) == (303, f"{path}/held")
        talk = {
            "base": "1",
            "at": f"{cast.clock():%Y-%m-%dT%H:%M}",
            "interviewer": "Nadia",
            "independent": "no",
        }
        await tom.post(f"{path}/held", data=talk)
        await tom.post(f"{path}/before", data={"base": "2", "push": ["alone", "move"]})
        sharing = {"base": "3", "close": "1", "share_reasons": "no"}
        last = await tom.post(f"{path}/sharing", data=sharing)
        assert last.headers["location"] == f"{path}?end=1"
        conflict = await tom.post(f"{path}/before", data={"base": "0", "before": "My words."})
        assert conflict.status_code == 409
        assert "My words." in conflict.text
        assert "Lonely or homesick" in conflict.text
        shown = await tom.get(path)
        assert "Lonely or homesick" in shown.text
        # The last screen has an answer: the one main thing left is to say that it was held.
        assert "Continue the interview" not in shown.text
        assert '<button class="main" name="what" value="held">' in shown.text
        early = await tom.post(path, data={"what": "refused"})
        assert early.status_code == 422
        assert (await tom.post(path, data={"what": "held"})).status_code == 303
        assert "The interview was held." in (await tom.get(path)).text
        assert (await tom.get(f"{path}/nothing")).status_code == 404
    assert not [name for name in SURNAMES if name in path]


async def test_after_the_last_screen_nothing_is_left_but_to_log_it_also_where_screens_are_empty(
    cast: Cast,
) -> None:
    episode = await returned(cast)
    path = f"/desk/episodes/{episode.id}/interview"
    async with at_desk(cast, "tom") as tom:
        nothing = await tom.post(f"{path}/sharing", data={"base": "0"})
        assert "Begin the interview" in (await tom.get(nothing.headers["location"])).text
        await tom.post(f"{path}/offer", data={"base": "1", "answer": "accepted"})
        await tom.post(f"{path}/before", data={"base": "2", "push": ["alone"]})
        for group, onward in (("own", "/sharing"), ("sharing", "?end=1")):
            saved = await tom.post(f"{path}/{group}", data={"base": "3"})
            assert saved.headers["location"] == path + onward
        page = (await tom.get(saved.headers["location"])).text
        assert "Continue the interview" not in page
        assert '<button class="main" name="what" value="held">' in page
        assert "3 answers are missing" in page
        assert f'<a href="{path}/held">Answer now</a>' in page
        empty = re.findall(f'href="{path}/([a-z]+)">Fill in<', page)
        assert empty == ["held", "during", "after", "next", "actions", "own", "sharing"]
        talk = {"ago": "now", "interviewer": "Nadia", "independent": "yes"}
        await tom.post(f"{path}/held", data={"base": "3", **talk})
        page = (await tom.get(f"{path}?end=1")).text
        assert "missing" not in page.split("<main")[1]
        await tom.post(f"{path}/offer", data={"base": "4", "answer": "refused"})
        page = (await tom.get(f"{path}?end=1")).text
        assert '<button class="main" name="what" value="refused">' in page
