"""The agreed sign: heard in every writing of it, seen by nobody who holds the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin.duress import agreed_sign, listening, rules
from server.checkin.duress.models import DuressHeard, DuressSign
from server.checkin.duress.rules import Heard, Sign, heard
from server.checkin.fast import FastLane
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.checkin.slow_lane import SlowLane
from server.errors import Refused
from server.notify.actions import tell_operators
from server.notify.models import Message
from server.policy.levels import Way
from server.storage.db import fetch
from server.watch import ticking
from tests.cast import Cast, password_of
from tests.races import no_fault, together

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


# --- the rule


@pytest.mark.parametrize(
    ("word", "note"),
    [
        ("umbrella", "I took my Umbrella."),
        ("crème brûlée", "On a mangé une CREME BRULEE hier"),
        ("مظلة", "أخذت مَظَلَّة معي"),
        ("blue jacket", "my blue\njacket is wet"),
    ],
)
def test_a_word_is_heard_however_it_is_typed(word: str, note: str) -> None:
    sign = rules.agreed(None, word)
    assert heard(sign, mark="a", want=Want.NOTHING, note=note) is Heard.WORD


@pytest.mark.parametrize("note", ["umbrellas", "um brella", "blue, then a jacket", "", None])
def test_other_words_are_none(note: str | None) -> None:
    for word in ("umbrella", "blue jacket"):
        sign = rules.agreed(None, word)
        assert heard(sign, mark="b", want=Want.NOTHING, note=note) is None


@given(st.text(min_size=3, max_size=30), st.text(max_size=80), st.text(max_size=80))
def test_whatever_word_is_agreed_it_is_found_among_others(
    word: str, before: str, after: str
) -> None:
    try:
        sign = rules.agreed(None, word)
    except Refused:
        return
    note = f"{before} {word} {after}"
    assert heard(sign, mark="a", want=Want.NOTHING, note=note) is Heard.WORD


@pytest.mark.parametrize("want", [Want.TALK, Want.HELP])
def test_a_mark_counts_only_where_there_was_a_choice(want: Want) -> None:
    sign = Sign("a", None)
    assert heard(sign, mark="a", want=want, note=None) is None
    assert heard(sign, mark="a", want=Want.NOTHING, note=None) is Heard.MARK
    assert heard(sign, mark="b", want=Want.NOTHING, note=None) is None


@pytest.mark.parametrize("way", [Way.LINK, Way.CARD, Way.VOICE])
def test_where_there_is_one_way_only_its_mark_says_nothing(way: Way) -> None:
    assert heard(Sign("a", None), mark="a", want=Want.NOTHING, note=None, way=way) is None


@pytest.mark.parametrize("sign", [Sign("a", None), Sign("b", None), rules.NOTHING])
def test_in_a_text_message_the_agreed_word_says_it_whatever_else_was_agreed(sign: Sign) -> None:
    said = {"want": Want.NOTHING, "note": None, "way": Way.SMS}
    assert heard(sign, mark="b", **said) is Heard.WORD
    assert heard(sign, mark="a", **said) is None


@pytest.mark.parametrize(
    ("mark", "word", "field"),
    [("c", None, "mark"), (None, None, "mark"), (None, "ab", "word"), ("a", "x" * 61, "word")],
)
def test_what_makes_no_sign_is_refused(mark: str | None, word: str | None, field: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.agreed(mark, word)
    assert refused.value.field == field


# --- heard


@pytest_asyncio.fixture
async def lane(cast: Cast) -> AsyncIterator[FastLane]:
    lane = FastLane(cast.clock)
    await lane.open()
    yield lane
    await lane.close()


async def agree(cast: Cast, mark: str | None = "b", word: str | None = None) -> DuressSign:
    sign = rules.agreed(mark, word)
    return await agreed_sign.agree(cast.actor("tom"), cast.children["mia"], sign, cast.clock())


async def say(cast: Cast, **how: Any) -> httpx2.Response:
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "a", **how}
    return await cast.client_as("mia").post("/api/v1/check-ins", json=said)


async def open_now() -> list[Alert]:
    return await Alert.filter(closed_at__isnull=True)


@pytest.mark.parametrize("fast", [True, False])
async def test_the_sign_calls_adults_and_its_reason_is_in_no_message(
    cast: Cast, lane: FastLane, fast: bool
) -> None:
    await agree(cast)
    cast.app.state.lanes = (lane, SlowLane(cast.clock)) if fast else None
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    assert (await say(cast, mark="a")).status_code == 201
    assert await listening.CHECK_INS.tick(cast.clock()) == 1
    assert await open_now() == [], "the other way means what it says"
    cast.clock.advance(minutes=1)
    assert (await say(cast, mark="b")).status_code == 201
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    [alert] = await open_now()
    assert (alert.cause, alert.reason, alert.words, alert.facts) == ("concern", "sealed", None, {})
    [heard_] = await DuressHeard.all()
    assert heard_.alert_id == alert.id
    messages = await Message.filter(subject_id=alert.id)
    assert {message.person_id for message in messages} == {cast.tom.id}
    assert {message.kind for message in messages} == {"alert"}
    assert await listening.CHECK_INS.tick(cast.clock()) == 0, "each answer is listened to once"
    [raw] = await fetch("SELECT what FROM duress_sign")
    assert "mark" not in raw["what"], "what was agreed is sealed at rest"


async def test_a_word_does_it_too_and_further_ones_join(cast: Cast) -> None:
    await agree(cast, None, "umbrella")
    await say(cast, note="It rains. I have an umbrella.")
    cast.clock.advance(minutes=2)
    await say(cast, note="umbrella", want="talk")
    await listening.CHECK_INS.tick(cast.clock())
    concern = [alert for alert in await open_now() if alert.cause == "concern"]
    assert len(concern) == 1
    assert await DuressHeard.filter(alert_id=concern[0].id).count() == 2


async def test_where_nothing_is_agreed_nothing_is_listened_to(cast: Cast) -> None:
    await say(cast, mark="b")
    assert await CheckIn.filter(duress_check_at__isnull=False).count() == 0
    await agree(cast)
    await agreed_sign.end(cast.actor("tom"), cast.children["mia"], cast.clock())
    await agreed_sign.end(cast.actor("tom"), cast.children["mia"], cast.clock())
    await say(cast, mark="b")
    assert await CheckIn.filter(duress_check_at__isnull=False).count() == 0
    await listening.CHECK_INS.tick(cast.clock())
    assert await open_now() == []


async def test_what_held_when_the_answer_came_decides_however_late_we_listen(cast: Cast) -> None:
    await agree(cast, "b")
    await say(cast, mark="b")
    cast.clock.advance(minutes=5)
    await agree(cast, "a")
    cast.clock.advance(hours=9)
    await listening.CHECK_INS.tick(cast.clock())
    [alert] = await open_now()
    [answer] = await CheckIn.all()
    assert alert.opened_at == answer.received_at
    assert alert.noticed_at == cast.clock()


async def test_an_adult_who_answers_for_the_child_gives_no_sign(cast: Cast) -> None:
    await agree(cast, "a")
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat()}
    path = f"/api/v1/children/{cast.mia.id}/check-ins"
    assert (await cast.client_as("sam").post(path, json=said)).status_code == 201
    await listening.CHECK_INS.tick(cast.clock())
    assert await open_now() == []


async def test_the_other_agency_agrees_on_nothing_about_this_child(cast: Cast) -> None:
    await agree(cast, "b")
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "b"}
    assert (await cast.client_as("lia").post("/api/v1/check-ins", json=said)).status_code == 201
    await listening.CHECK_INS.tick(cast.clock())
    assert await open_now() == []


async def test_two_who_listen_at_once_call_once(cast: Cast) -> None:
    await agree(cast)
    for _ in range(3):
        await say(cast, mark="b")
        cast.clock.advance(seconds=1)
    now = cast.clock()
    no_fault(await together(*(listening.CHECK_INS.tick(now) for _ in range(3))))
    await listening.CHECK_INS.tick(now)
    assert len(await open_now()) == 1
    assert await DuressHeard.all().count() == 3
    assert await Message.filter(kind="alert").count() == 1


async def test_two_who_agree_at_once_leave_one_sign(cast: Cast) -> None:
    no_fault(await together(agree(cast, "a"), agree(cast, "b"), agree(cast, None, "umbrella")))
    assert await DuressSign.filter(ended_at__isnull=True).count() == 1


async def test_an_answer_that_cannot_be_read_is_set_apart_and_stops_no_other(cast: Cast) -> None:
    await agree(cast)
    await say(cast, mark="b")
    [bad] = await CheckIn.all()
    await listening.CHECK_INS.set_apart(bad.id, cast.clock(), tell_operators)
    assert await listening.CHECK_INS.due_now(cast.clock()) == []
    assert await listening.CHECK_INS.due_now(cast.clock.advance(minutes=2)) == [bad.id]
    await listening.CHECK_INS.tick_one(bad.id, cast.clock())
    assert len(await open_now()) == 1


# --- practice


async def test_practice_calls_nobody_and_ends_by_itself(cast: Cast) -> None:
    await agree(cast)
    mia = cast.children["mia"]
    await agreed_sign.practise(cast.actor("tom"), mia, cast.clock())
    await say(cast, mark="b")
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    assert await open_now() == []
    [practised] = await agreed_sign.heard_about(mia.id)
    assert practised.alert_id is None
    cast.clock.advance(minutes=11)
    await say(cast, mark="b")
    await listening.CHECK_INS.tick(cast.clock())
    assert len(await open_now()) == 1


async def test_what_was_meant_during_practice_calls_all_the_same(cast: Cast) -> None:
    await agree(cast)
    mia, tom = cast.children["mia"], cast.actor("tom")
    await agreed_sign.practise(tom, mia, cast.clock())
    await say(cast, mark="b")
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    first = await agreed_sign.call_all_the_same(tom, mia, cast.clock())
    again = await agreed_sign.call_all_the_same(tom, mia, cast.clock())
    assert first.id == again.id
    cast.clock.advance(seconds=1)
    await say(cast, mark="b")
    await listening.CHECK_INS.tick(cast.clock())
    assert await DuressHeard.filter(alert_id=first.id).count() == 2, "practice is over by that"


# --- what the phone, and whoever holds it, can know


async def test_nothing_that_the_phone_can_ask_for_differs(cast: Cast, lane: FastLane) -> None:
    """A normal answer and one with the sign, an alert and a look at it by staff in between: every
    answer of the server to the phone has the same bytes but for ids and times."""
    await agree(cast)
    cast.app.state.lanes = (lane, SlowLane(cast.clock))
    await ticking.WATCHES.tick(cast.clock.advance(hours=4))
    paths = ["/me", "/check-ins", "/looks", "/project", "/devices", "/me/calendar"]
    seen: dict[str, list[Any]] = {}
    for mark in ("a", "b"):
        answer = await say(cast, mark=mark)
        seen.setdefault("answer", []).append(_shape(answer))
        await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
        if mark == "b":
            [alert] = await open_now()
            await cast.new_token("tom")
            tom = cast.client_as("tom")
            assert (await tom.get(f"/api/v1/alerts/{alert.id}")).status_code == 200
        for path in paths:
            got = await cast.client_as("mia").get(f"/api/v1{path}")
            seen.setdefault(path, []).append(_shape(got))
        cast.clock.advance(minutes=1)
    for path, (normal, signed) in seen.items():
        if path in ("/check-ins", "/looks"):
            continue  # One answer more, one look more: told apart below.
        assert normal == signed, path
    [history] = [await cast.client_as("mia").get("/api/v1/check-ins")]
    fields = {tuple(sorted(one)) for one in history.json()["check_ins"]}
    assert len(fields) == 1
    assert all("mark" not in one and "listen" not in str(one) for one in fields)
    looks = (await cast.client_as("mia").get("/api/v1/looks")).json()["looks"]
    assert {look["what"] for look in looks} <= {"Your page"}


UNLIKE = {"etag", "date", "x-request-id"}


def _shape(answer: httpx2.Response) -> tuple[Any, ...]:
    """Status, headers and length: what travels, but for ids and times of one length."""
    headers = {k: v for k, v in answer.headers.items() if k not in UNLIKE}
    return answer.status_code, headers, len(answer.content)


# --- the desk


async def unlocked(cast: Cast, name: str) -> httpx2.AsyncClient:
    """A browser in which that person has just shown again who they are."""
    browser = cast.browser_as(name)
    said = {"password": password_of(name), "next": "/desk/"}
    assert (await browser.post("/desk/again", data=said)).status_code == 303
    return browser


def path_of(child_id: UUID) -> str:
    return f"/desk/children/{child_id}/sign"


async def test_the_page_opens_to_a_person_who_has_just_confirmed_their_identity(cast: Cast) -> None:
    path = path_of(cast.mia.id)
    await agree(cast, "b", "umbrella")
    await cast.new_token("tom")
    cast.clock.advance(minutes=11)
    stale = cast.browser_as("tom")
    assert (await stale.get(path)).headers["location"].startswith("/desk/again")
    for verb in ("", "/end", "/practise", "/call"):
        refused = await stale.post(f"{path}{verb}", data={"mark": "a"})
        assert refused.headers["location"].startswith("/desk/again"), verb
    assert (await agreed_sign.standing(cast.mia.id)).what["mark"] == "b"  # type: ignore[union-attr]
    tom = await unlocked(cast, "tom")
    page = await tom.get(path)
    assert page.status_code == 200
    assert "umbrella" in page.text
    assert "no-store" in page.headers["cache-control"]


async def test_a_sign_is_agreed_practised_and_taken_back_on_the_desk(cast: Cast) -> None:
    tom, path = await unlocked(cast, "tom"), path_of(cast.mia.id)
    nothing = await tom.post(path, data={"mark": "", "word": ""})
    assert nothing.status_code == 422
    assert "agree on a word" in nothing.text
    assert (await tom.post(f"{path}/practise")).status_code == 409
    assert (await tom.post(path, data={"mark": "b", "word": ""})).status_code == 303
    assert (await tom.post(f"{path}/practise")).status_code == 303
    assert "Nothing has arrived yet" in (await tom.get(path)).text
    await say(cast, mark="b")
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    page = await tom.get(path)
    assert "It arrived" in page.text
    assert (await tom.post(f"{path}/call")).status_code == 303
    [alert] = await open_now()
    assert "The alert" in (await tom.get(path)).text
    assert (await tom.post(f"{path}/end")).status_code == 303
    assert await agreed_sign.standing(cast.mia.id) is None
    assert alert.cause == "concern"


async def test_the_alert_says_that_there_is_something_and_why_only_behind_the_gate(
    cast: Cast,
) -> None:
    await agree(cast, "b")
    await say(cast, mark="b", note="All fine here.")
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    [alert] = await open_now()
    tom = cast.browser_as("tom")
    shown = await tom.get(f"/desk/alerts/{alert.id}")
    assert "Read why" in shown.text
    board = await tom.get("/desk/")
    listed = await cast.client_as("tom").get("/api/v1/alerts")
    for text in (shown.text, board.text, listed.text):
        for secret in ("sign that", "free to speak", "Check-in” under"):
            assert secret not in text
    cast.clock.advance(minutes=11)
    sealed = await tom.get(f"/desk/alerts/{alert.id}/sealed")
    assert sealed.headers["location"].startswith("/desk/again")
    opened = await (await unlocked(cast, "tom")).get(f"/desk/alerts/{alert.id}/sealed")
    assert "may not be free to speak" in opened.text
    assert "All fine here." in opened.text
    assert await Entry.filter(what="look:sign:agree").count() == 1


async def test_a_guardian_sees_the_alert_and_not_why(cast: Cast) -> None:
    noor = cast.children["noor"]
    sign = rules.agreed("b", None)
    await agreed_sign.agree(cast.actor("tom"), noor, sign, cast.clock())
    said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "mark": "b"}
    assert (await cast.client_as("noor").post("/api/v1/check-ins", json=said)).status_code == 201
    await listening.CHECK_INS.tick(cast.clock.advance(seconds=1))
    [alert] = [one for one in await open_now() if one.cause == "concern"]
    ada = await unlocked(cast, "ada")
    assert (await ada.get(f"/desk/alerts/{alert.id}")).status_code == 200
    assert (await ada.get(f"/desk/alerts/{alert.id}/sealed")).status_code == 403
    assert (await ada.get(path_of(noor.id))).status_code == 403


async def test_an_alert_of_another_kind_has_nothing_sealed(cast: Cast) -> None:
    await say(cast, want="help")
    [alert] = await open_now()
    tom = await unlocked(cast, "tom")
    assert (await tom.get(f"/desk/alerts/{alert.id}/sealed")).status_code == 404
