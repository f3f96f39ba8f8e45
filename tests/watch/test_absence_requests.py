"""A child asks to be away: nothing changes until a worker agrees, and both read what was agreed."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.auth import pairing
from server.auth.models import Device
from server.checkin.duress import agreed_sign, listening
from server.checkin.duress import rules as signs
from server.checkin.duress.models import DuressHeard
from server.errors import Conflict, IdReused, NotFound, Refused
from server.missing.account.account import account
from server.notify.models import Message
from server.people.rules import Leaving
from server.placements import actions as placements
from server.storage.db import write
from server.tasks import telling
from server.tasks.models import Task
from server.watch import ticking
from server.watch.absence import actions, reading, rules
from server.watch.absence.actions import AgreeRequest, AskRequest
from server.watch.absence.models import AbsenceRequest
from server.watch.absence.rules import Standing, State
from server.watch.models import Pause, Watch
from server.watch.rhythm import agreements
from server.watch.rhythm.agreements import PauseRequest
from server.watch.watch_alerts import Wish, call_adults, close_alert, open_missing
from tests.cast import Cast
from tests.races import together
from tests.why.telling import read

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC, every day. It is Monday, 2 March, 12:00 UTC.
HOUR = timedelta(hours=1)
PATH = "/api/v1/absences"
FAR = datetime(2027, 5, 1, tzinfo=UTC)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A moment by the clock in Paris."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - HOUR


def asking(id: UUID | None = None, **how: Any) -> AskRequest:
    usual = {
        "said_at": at(13),
        "from_at": at(16),
        "until_at": at(19, day=5),
        "place": "At my cousin's",
        "words": "She calls me.",
    }
    return AskRequest(id or uuid4(), **{**usual, **how})


async def ask(cast: Cast, id: UUID | None = None, **how: Any) -> AbsenceRequest:
    row, _ = await actions.ask(cast.actor("mia"), cast.mia.id, asking(id, **how), cast.clock())
    return row


async def agree(cast: Cast, row: AbsenceRequest, by: str = "tom", **terms: Any) -> AbsenceRequest:
    asked = AgreeRequest(**terms)
    return await actions.agree(cast.actor(by), cast.mia.id, row.id, asked, cast.clock())


async def decline(
    cast: Cast, row: AbsenceRequest, words: str = "Let us talk first.", by: str = "tom"
) -> AbsenceRequest:
    return await actions.decline(cast.actor(by), cast.mia.id, row.id, words, cast.clock())


async def take_back(cast: Cast, row: AbsenceRequest) -> AbsenceRequest:
    return await actions.take_back(cast.actor("mia"), cast.mia.id, row.id, cast.clock())


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def tasks(cast: Cast) -> list[tuple[str, str]]:
    rows = await Task.filter(child_id=cast.mia.id, kind="absence").order_by("set_at", "id")
    return [(row.state, row.why or "") for row in rows]


async def standing_of(cast: Cast, row: AbsenceRequest) -> Standing:
    fresh = await AbsenceRequest.get(id=row.id)
    return (await reading.read_one(fresh, cast.clock())).standing


# --- the rules

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_MOMENTS = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda span: _BEGIN + span)


@given(_MOMENTS, st.timedeltas(timedelta(days=-40), timedelta(days=400)))
def test_an_answer_is_due_within_a_day_and_never_in_less_than_an_hour(
    now: datetime, ahead: timedelta
) -> None:
    from_at = now + ahead
    due = rules.reply_by(from_at, now)
    assert HOUR <= due - now <= 24 * HOUR
    assert due <= max(from_at, now + HOUR)


@given(
    _MOMENTS,
    st.timedeltas(timedelta(days=-9), timedelta(days=9)),
    st.sampled_from(State),
    st.booleans(),
)
def test_asking_alone_never_stands_as_agreed(
    now: datetime, ahead: timedelta, state: State, is_back: bool
) -> None:
    stands = rules.standing(state, now + ahead, now, back_at=now if is_back else None)
    is_agreed = stands in (Standing.AGREED, Standing.BACK, Standing.OVER)
    assert is_agreed is (state is State.AGREED)
    if state is State.OPEN:
        assert stands is (Standing.WAITING if ahead > timedelta(0) else Standing.PASSED)


# --- asking


async def test_asking_changes_nothing_and_the_caseworker_is_asked_for_an_answer(
    cast: Cast,
) -> None:
    before = await mia(cast)
    row = await ask(cast)
    after = await mia(cast)
    assert (after.due_at, after.version, after.standing) == (
        before.due_at,
        before.version,
        before.standing,
    )
    assert not await Pause.exists()
    assert await tasks(cast) == [("open", "")]
    assert await standing_of(cast, row) is Standing.WAITING
    await telling.TASKS.tick(cast.clock())
    message = await Message.get(kind="due")
    assert (message.person_id, message.child_id) == (cast.tom.id, cast.mia.id)
    assert "cousin" not in str(message.data)


async def test_while_nobody_answers_silence_calls_adults_as_ever(cast: Cast) -> None:
    await ask(cast, from_at=at(14), until_at=at(19, day=5))
    for hour in range(14, 24):
        cast.clock.set(at(hour))
        await ticking.WATCHES.tick(cast.clock())
    assert await Alert.filter(child_id=cast.mia.id, cause="silence").exists()


async def test_asked_just_now_it_counts_as_an_open_app_whether_or_not_it_is_granted(
    cast: Cast,
) -> None:
    wrong = {"until_at": at(15)}  # Before it begins.
    for how, counts in (
        ({"said_at": cast.clock()}, True),
        ({"said_at": cast.clock(), **wrong}, True),
        ({"said_at": cast.clock() - HOUR, **wrong}, False),
        ({"said_at": FAR, **wrong}, False),
    ):
        await Watch.filter(child_id=cast.mia.id).update(app_seen_at=None)
        with nullcontext() if "until_at" not in how else pytest.raises(Refused):
            await ask(cast, **how)
        assert ((await mia(cast)).app_seen_at == cast.clock()) is counts, how


async def test_the_same_id_again_is_the_same_and_other_content_is_refused(cast: Cast) -> None:
    row = await ask(cast)
    again, is_new = await actions.ask(
        cast.actor("mia"), cast.mia.id, asking(row.id), cast.clock() + HOUR
    )
    assert (again.made_at, is_new) == (row.made_at, False)
    for other in ({"place": "Elsewhere"}, {"until_at": at(20, day=5)}, {"words": None}):
        with pytest.raises(IdReused):
            await ask(cast, row.id, **other)
    with pytest.raises(IdReused):
        await actions.ask(cast.actor("noor"), cast.noor.id, asking(row.id), cast.clock())
    other_pause = PauseRequest(uuid4(), at(9, day=8), at(10, day=8), words="To the doctor.")
    await agreements.pause(cast.actor("tom"), cast.mia.id, other_pause, at(13))
    with pytest.raises(IdReused):
        await ask(cast, (await Pause.first()).id)  # type: ignore[union-attr]
    assert await tasks(cast) == [("open", "")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"place": "  "}, "place"),
        ({"until_at": at(16)}, "until_at"),
        ({"until_at": at(16) + timedelta(days=93)}, "until_at"),
        ({"from_at": FAR, "until_at": FAR + HOUR}, "from_at"),
    ],
)
async def test_what_nobody_could_agree_to_is_refused_at_its_question(
    cast: Cast, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        await ask(cast, **wrong)
    assert refused.value.field == field
    assert not await AbsenceRequest.exists()


async def test_asked_anew_for_the_same_time_the_first_is_replaced_and_a_fourth_is_too_many(
    cast: Cast,
) -> None:
    first = await ask(cast)
    await ask(cast, until_at=at(19, day=6))
    assert await standing_of(cast, first) is Standing.REPLACED
    assert sorted(await tasks(cast)) == [("dropped", "replaced"), ("open", "")]
    for day in (10, 12):
        await ask(cast, from_at=at(16, day=day), until_at=at(19, day=day))
    with pytest.raises(Refused) as refused:
        await ask(cast, from_at=at(16, day=14), until_at=at(19, day=14))
    assert refused.value.code == "too_many_open"


async def test_two_days_late_it_can_still_be_agreed_from_now_on(cast: Cast) -> None:
    row = await ask(cast, said_at=at(13) - 48 * HOUR, from_at=at(16) - 48 * HOUR)
    assert (row.made_at - row.said_at, row.made_at) == (48 * HOUR, at(13))
    await agree(cast, row)
    pause = await Pause.get(id=row.id)
    assert (pause.from_at, pause.until_at) == (at(13), at(19, day=5))


async def test_what_comes_when_its_time_is_over_is_kept_and_nobodys_task(cast: Cast) -> None:
    row = await ask(cast, from_at=at(9) - 48 * HOUR, until_at=at(12))
    assert await standing_of(cast, row) is Standing.PASSED
    assert await tasks(cast) == []
    with pytest.raises(Refused):
        await agree(cast, row)
    assert (await decline(cast, row)).answer == "Let us talk first."


# --- the answer


async def test_agreed_in_one_tap_both_read_it_and_the_child_gets_news_that_names_nothing(
    cast: Cast,
) -> None:
    row = await ask(cast)
    await agree(cast, row, words="Have a good time.")
    assert await tasks(cast) == [("done", "done")]
    pause = await Pause.get(id=row.id)
    assert (pause.from_at, pause.until_at, pause.returns) == (row.from_at, row.until_at, True)
    assert pause.words == "At my cousin's\nShe calls me."
    news = await Message.get(kind="news_child")
    assert (news.person_id, news.subject_id) == (cast.mia.id, row.id)
    assert news.data["path"] == "/app/"
    own = (await cast.client_as("mia").get(PATH)).json()
    adult = (await cast.client_as("tom").get(f"/api/v1/children/{cast.mia.id}/absences")).json()
    assert own == adult
    [asked], [agreed] = own["requests"], own["agreed"]
    assert (asked["state"], asked["answer"], asked["decided_by"]) == (
        "agreed",
        "Have a good time.",
        "Tom Verhoeven",
    )
    assert asked["agreed"] == agreed
    assert agreed["next_due_at"] == "2026-03-05T18:00:00Z"


async def test_a_worker_agrees_to_other_times(cast: Cast) -> None:
    row = await ask(cast)
    await agree(cast, row, until_at=at(12, day=4), returns=False)
    read = await reading.read_one(await AbsenceRequest.get(id=row.id), cast.clock())
    assert read.absence is not None
    assert (read.row.until_at, read.absence.row.until_at) == (at(19, day=5), at(12, day=4))
    # Without a check-in at the very end, the next is the usual one.
    assert read.absence.next_due_at == at(18, day=4)


async def test_the_first_answer_counts_and_the_second_worker_reads_who_answered(
    cast: Cast,
) -> None:
    row = await ask(cast)
    results = await together(agree(cast, row), decline(cast, row, by="ines"))
    [fault] = [each for each in results if isinstance(each, Exception)]
    assert isinstance(fault, Conflict)
    decided = await AbsenceRequest.get(id=row.id)
    name = "Tom Verhoeven" if decided.state == "agreed" else "Ines Quintanar"
    assert (fault.code, fault.extra["name"]) == ("decided", name)
    assert await Pause.filter(id=row.id).exists() is (decided.state == "agreed")
    assert await tasks(cast) == [("done", "done")]


async def test_the_same_worker_twice_is_once(cast: Cast) -> None:
    first, second = await ask(cast), await ask(cast, from_at=at(9, day=9), until_at=at(9, day=10))
    once, again = await agree(cast, first), await agree(cast, first, until_at=at(12, day=4))
    assert (again.decided_at, (await Pause.get(id=first.id)).until_at) == (
        once.decided_at,
        first.until_at,
    )
    await decline(cast, second)
    assert (await decline(cast, second, "Other words")).answer == "Let us talk first."
    assert await Message.filter(kind="news_child").count() == 2


async def test_no_needs_words_for_the_child(cast: Cast) -> None:
    row = await ask(cast)
    with pytest.raises(Refused) as refused:
        await decline(cast, row, "  ")
    assert refused.value.field == "words"
    await decline(cast, row)
    [asked] = (await cast.client_as("mia").get(PATH)).json()["requests"]
    assert (asked["state"], asked["answer"]) == ("declined", "Let us talk first.")
    assert not await Pause.exists()


@pytest.mark.parametrize("cause", [Cause.HELP, Cause.TALK, Cause.MISSING, None])
async def test_while_adults_are_called_nothing_is_agreed_but_for_a_wish_to_talk(
    cast: Cast, cause: Cause | None
) -> None:
    row = await ask(cast)
    if cause is Cause.MISSING:
        await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    elif cause is not None:
        async with write():
            wish = Wish(cast.actor("mia"), await mia(cast), cause, uuid4())
            await call_adults([wish], cast.clock())
    else:
        # Late enough for an alert that no tick has opened yet.
        cast.clock.set(at(23, day=2))
    if cause is Cause.TALK:
        await agree(cast, row)
        return
    with pytest.raises(Conflict) as told:
        await agree(cast, row)
    assert told.value.code == "alert_open"
    assert not await Pause.exists()


# --- taken back, and back early


async def test_the_child_takes_it_back_and_no_answer_is_needed(cast: Cast) -> None:
    row = await ask(cast)
    await take_back(cast, row)
    await take_back(cast, row)
    assert await standing_of(cast, row) is Standing.RECALLED
    assert await tasks(cast) == [("dropped", "recalled")]
    with pytest.raises(Conflict) as told:
        await agree(cast, row)
    assert told.value.code == "decided"
    assert not await Pause.exists()


async def test_back_early_the_check_ins_go_on_at_once(cast: Cast) -> None:
    row = await ask(cast)
    await agree(cast, row)
    cast.clock.set(at(9, day=4))
    await ticking.WATCHES.tick(cast.clock())
    assert (await mia(cast)).due_at == at(19, day=5)
    await take_back(cast, row)
    assert await standing_of(cast, row) is Standing.BACK
    assert (await mia(cast)).due_at == at(18, day=4)
    assert (await Pause.get(id=row.id)).ended_at == at(9, day=4)


async def test_one_tap_never_puts_off_the_check_in_that_was_agreed_for_the_end(cast: Cast) -> None:
    """Back at 18:30 from an absence until 19:00: ended, nothing would be due for a day."""
    row = await ask(cast)
    await agree(cast, row)
    cast.clock.set(at(18, 30, day=5))
    await ticking.WATCHES.tick(cast.clock())
    await take_back(cast, row)
    assert await standing_of(cast, row) is Standing.BACK
    assert (await Pause.get(id=row.id)).ended_at is None
    assert (await mia(cast)).due_at == at(19, day=5)


async def test_taken_back_in_the_moment_of_the_answer_check_ins_go_on(cast: Cast) -> None:
    row = await ask(cast)
    await together(agree(cast, row), take_back(cast, row))
    stands = await standing_of(cast, row)
    assert stands in (Standing.RECALLED, Standing.BACK)
    assert not await Pause.filter(ended_at__isnull=True).exists()
    assert (await mia(cast)).due_at == at(18)


async def test_only_the_child_who_asked_takes_it_back(cast: Cast) -> None:
    row = await ask(cast)
    with pytest.raises(NotFound):
        await actions.take_back(cast.actor("noor"), cast.noor.id, row.id, cast.clock())
    assert (await cast.client_as("tom").delete(f"{PATH}/{row.id}")).status_code == 404


# --- the phone, and the end


async def test_over_the_wire_twice_is_once_and_a_blocked_phone_leaves_nothing(cast: Cast) -> None:
    body = {
        "id": str(uuid4()),
        "said_at": "2026-03-02T12:00:00Z",
        "from_at": "2026-03-03T15:00:00Z",
        "until_at": "2026-03-05T18:00:00Z",
        "place": "At my cousin's",
    }
    phone = cast.client_as("mia")
    first, again = await phone.post(PATH, json=body), await phone.post(PATH, json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await phone.post(PATH, json=body | {"place": "Elsewhere"})
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    device = await Device.get(id=cast.devices["mia"])
    await pairing.shut_out(cast.actor("tom"), device, cast.clock())
    refused = await phone.post(PATH, json=body | {"id": str(uuid4())})
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked")
    assert await AbsenceRequest.all().count() == 1


async def test_when_the_placement_ends_no_answer_is_needed_and_no_more_can_be_asked(
    cast: Cast,
) -> None:
    row = await ask(cast)
    tom = cast.actor("tom")
    await placements.end(tom, cast.mia.id, Leaving.HOME, cast.clock(), now=cast.clock())
    assert await standing_of(cast, row) is Standing.ENDED
    assert await tasks(cast) == [("dropped", "ended")]
    with pytest.raises(Conflict) as told:
        await ask(cast, from_at=at(9, day=9), until_at=at(9, day=10))
    assert told.value.code == "ended"
    assert (await cast.client_as("mia").get(PATH)).status_code == 200


async def test_why_and_the_account_tell_what_was_asked_and_answered_without_the_words(
    cast: Cast,
) -> None:
    await decline(cast, await ask(cast))
    await take_back(cast, await ask(cast))
    row = await ask(cast)
    await agree(cast, row)
    await take_back(cast, row)
    cast.clock.advance(minutes=1)
    lines = "\n".join((await read(cast)).lines)
    for words in (
        "Mia Castellane asked on the phone to be away. Check-ins went on.",
        "Tom Verhoeven did not agree to the absence.",
        "Mia Castellane took back the request to be away.",
        "Mia Castellane said on the phone that they were back, or did not go.",
    ):
        assert words in lines
    assert "cousin" not in lines
    facts = await account(cast.mia.id, at(9), at(20), "en")
    told = [(fact.what, fact.who) for fact in facts if "away" in fact.what]
    assert sorted(told) == [
        ("Agreed that the child is away", "Tom Verhoeven"),
        *[("Asked to be away", "Mia Castellane")] * 3,
        ("Did not agree that the child is away", "Tom Verhoeven"),
    ]


async def test_the_agreed_word_in_a_request_calls_adults_and_the_phone_sees_no_difference(
    cast: Cast,
) -> None:
    sign = signs.agreed("a", "umbrella")
    await agreed_sign.agree(cast.actor("tom"), cast.children["mia"], sign, cast.clock())
    plain = await ask(cast)
    forced = await ask(
        cast, from_at=at(9, day=9), until_at=at(9, day=10), words="I take my umbrella."
    )
    cast.clock.advance(seconds=1)
    await listening.REQUESTS.tick(cast.clock())
    await listening.REQUESTS.tick(cast.clock())
    [heard] = await DuressHeard.all()
    alert = await Alert.get(id=heard.alert_id)
    assert (heard.check_in_id, alert.cause) == (forced.id, "concern")
    requests = (await cast.client_as("mia").get(PATH)).json()["requests"]
    assert {each["state"] for each in requests} == {"waiting"}
    # Neither can be agreed to until a person has looked at the alert.
    with pytest.raises(Conflict):
        await agree(cast, plain)
    await close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "Seen at home.", cast.clock())
    await agree(cast, plain)
