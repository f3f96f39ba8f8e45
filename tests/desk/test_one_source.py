"""What alert, board, search, paper, API and `why` say of one child, side by side: of the carer, of
the last sign, and of what the child wishes for."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from server.alerts.models import Alert
from server.checkin.rules import Want
from server.missing.profile import paper
from server.missing.profile.reading import Reader, whole
from server.missing.profile.rules import Copy
from server.missing.search import actions as search
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode
from server.missing.search.opening import Saying, open_episode
from server.missing.search.summary import how_it_stands
from server.missing.search.view import view
from server.notify.models import Message
from server.people.models import Child, Tie
from server.people.rules import Role
from server.policy.model import Tier
from server.watch import ticking, watch_alerts
from server.watch.actions import SightingRequest, note_sighting
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk.walking import PARIS, answer, at, at_desk, leave_the_others_out, run_until
from tests.why.telling import read

TWICE = {"at": ["09:00", "18:00"]}


class Places(msgspec.Struct):
    """What each place says of Mia now: the pages of her open alerts by their cause."""

    alerts: dict[str, str]
    labels: dict[str, str]
    sentences: dict[str, str]  # Of the API, by the cause of the alert.
    board: str
    paper: str
    child: str
    why: str

    @property
    def told(self) -> list[str]:
        """Every place at which her evidence is read."""
        return [*self.alerts.values(), *self.sentences.values(), self.paper]


def plain(page: str) -> str:
    words = re.sub(r"<[^>]+>", " ", page.split("<main")[-1])
    return html.unescape(re.sub(r"\s+", " ", words))


async def places(cast: Cast) -> Places:
    alerts, labels = {}, {}
    async with at_desk(cast, "tom") as tom:
        for alert in await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True):
            page = (await tom.get(f"/desk/alerts/{alert.id}")).text
            alerts[alert.cause] = plain(page)
            labels[alert.cause] = plain(page.split('class="standing"')[1].split("</p>")[0])
        board = plain((await tom.get("/desk/")).text)
        child = plain((await tom.get(f"/desk/children/{cast.mia.id}")).text)
    async with cast.client_as("tom") as tom:
        every = (await tom.get("/api/v1/alerts")).json()["alerts"]
    reader = Reader("en", PARIS)
    on_paper = await paper.text(await Child.get(id=cast.mia.id), Copy.POLICE, reader, cast.clock())
    night = await read(cast)
    return Places(
        alerts=alerts,
        labels=labels,
        sentences={
            a["cause"]: a["sentence"] for a in every if a["child"]["id"] == str(cast.mia.id)
        },
        board=board,
        paper=on_paper,
        child=child,
        why="\n".join([night.answer, *night.lines]),
    )


async def goes_out(cast: Cast, moment: datetime) -> None:
    """Time passes, and what is to be asked of the carer goes out in that moment."""
    await run_until(cast, at(18, 31))
    await Message.filter(kind="ask_carer").update(state="done", channel="push")
    await run_until(cast, moment)


async def in_the_high_level(cast: Cast) -> None:
    await leave_the_others_out(cast)
    terms = agreements.TierRequest(Tier.HIGH, rhythm=TWICE)
    await agreements.set_tier(cast.actor("tom"), cast.mia.id, terms, cast.clock())


def has_asked(told: str) -> bool:
    return "asked 18:30, no answer" in told or "2026, 18:30, no answer" in told


async def test_an_answer_after_the_alert_takes_the_question_to_the_carer_from_no_place(
    cast: Cast,
) -> None:
    await in_the_high_level(cast)
    await goes_out(cast, at(20))
    await answer(cast, "mia")
    shown = await places(cast)
    assert "We asked whether they had been seen, 18:30" in shown.alerts["silence"]
    await watch_alerts.open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    missing = await places(cast)
    for told in (*shown.alerts.values(), shown.paper, *missing.alerts.values(), missing.paper):
        assert "not asked yet" not in told.lower()
        assert has_asked(told)


async def test_an_old_answer_that_moves_the_silence_leaves_the_question_where_it_was(
    cast: Cast,
) -> None:
    await in_the_high_level(cast)
    await goes_out(cast, at(10, day=3))
    await answer(cast, "mia", said_at=at(18, 5))
    shown = await places(cast)
    assert "We asked Sam Oyelaran whether they had seen" in shown.why
    for told in (*shown.told, shown.board, shown.child):
        assert "not asked yet" not in told.lower()
        assert "asked yesterday 18:30, no answer yet" in told or has_asked(told)
    # What the carer says now is heard at each of them, as an answer about that check-in.
    [question] = await Question.filter(child_id=cast.mia.id)
    await questions.answer_question(question.id, "not_seen", cast.clock())
    said = await places(cast)
    for told in (*said.told, said.board, said.child):
        assert "carer could not find the child" in told.lower()
    # And what weighed when adults were called is told as of then.
    assert "and had heard nothing by then" in said.alerts["silence"]


async def test_a_carer_of_then_stays_the_carer_who_was_asked(cast: Cast) -> None:
    await in_the_high_level(cast)
    await goes_out(cast, at(20))
    await Tie.filter(child_id=cast.mia.id, role=Role.CARER).update(until_at=cast.clock())
    for told in (await places(cast)).told:
        assert has_asked(told)
        assert "the home was asked" not in told.lower()


async def test_who_was_never_heard_from_has_no_last_sign(cast: Cast) -> None:
    await in_the_high_level(cast)
    await Child.filter(id=cast.mia.id).update(placed_at=at(11))
    await run_until(cast, at(20))
    shown = await places(cast)
    assert "Never heard from; here since 11:00." in shown.alerts["silence"]
    assert "Never heard from; here since 11:00." in shown.why
    for told in (*shown.told, shown.why):
        assert "no sign of life since" not in told.lower()


async def test_the_last_sign_is_one_that_came(cast: Cast) -> None:
    """An absence that ended, or an alert that an adult closed, is no sign of a child."""
    await in_the_high_level(cast)
    await run_until(cast, at(17))
    await answer(cast, "mia")
    await run_until(cast, at(9, 10, 3))
    seen = SightingRequest(cast.mia.id, "seen", seen_at=at(9, 5, 3))
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, seen, cast.clock())
    await run_until(cast, at(20, 30, 3))
    shown = await places(cast)
    assert "Last sign 09:05." in shown.alerts["silence"]
    assert "Last sign 09:05." in shown.why
    assert "last seen by an adult 09:05" in shown.sentences["silence"]


async def test_after_talk_and_then_help_each_place_says_help(cast: Cast) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(20))
    await answer(cast, "mia", want=Want.TALK)
    talk = await places(cast)
    for told in (*talk.alerts.values(), *talk.sentences.values(), talk.board, talk.child):
        assert "asked to talk 20:00" in told.lower()
    cast.clock.set(at(20, 5))
    await answer(cast, "mia", want=Want.HELP)
    shown = await places(cast)
    assert set(shown.labels) == {"silence", "talk", "help"}
    for label in shown.labels.values():
        assert "Asked for help" in label
    for told in (*shown.told, shown.board, shown.child):
        assert "asked for help" in told.lower()
        assert "asked to talk" not in told.lower()
    assert "Also at 20:05: Asked for help." in shown.why.split("\n")[0]
    # Another adult who has the call for help hides it from no place.
    help_ = await Alert.get(child_id=cast.mia.id, cause="help")
    await Alert.filter(id=help_.id).update(
        acknowledged_by=cast.ines.id, acknowledged_at=cast.clock(), held_until=at(22, day=3)
    )
    await Alert.filter(id=help_.id).update(next_action_at=at(22, day=3))
    await run_until(cast, at(10, day=3))
    held = await places(cast)
    for told in (*held.told, held.board, held.child):
        assert "asked for help yesterday 20:05" in told.lower() or "2026, 20:05" in told


async def test_what_was_missed_after_the_call_was_not_missed_by_then(cast: Cast) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(10, day=3))
    assert (await Alert.get(child_id=cast.mia.id)).misses == 2
    assert "were missed by then" not in (await places(cast)).why


async def test_a_question_that_has_not_gone_out_was_not_asked(cast: Cast) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(20))
    shown = await places(cast)
    for told in (*shown.told, shown.board, shown.child):
        assert "carer asked" not in told.lower()
        assert "question to the carer" in told.lower()
    assert "had not gone out" in shown.alerts["silence"]
    for told in (shown.alerts["silence"], shown.why):
        assert "We asked whether they had been seen" not in told


async def test_after_a_time_without_our_server_the_carer_was_asked_when_it_was_back(
    cast: Cast,
) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(18, 25))
    cast.clock.set(at(20))
    await ticking.WATCHES.tick(cast.clock())
    alert = await Alert.get(child_id=cast.mia.id)
    [asked] = [fact for fact in alert.facts["weighed"] if fact["kind"].startswith("carer")]
    assert datetime.fromisoformat(asked["at"]) == at(20)


async def test_a_child_who_was_seen_after_the_alert_is_not_said_to_have_answered(
    cast: Cast,
) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(20))
    seen = SightingRequest(cast.mia.id, "seen", seen_at=cast.clock())
    await note_sighting(cast.actor("tom"), cast.mia.id, Role.CASEWORKER, seen, cast.clock())
    shown = await places(cast)
    for told in (*shown.told, shown.board, shown.child):
        assert "seen by an adult" in told.lower()
        assert "answered 20:00" not in told.lower()
        assert "answered mon, 2 mar" not in told.lower()


async def test_the_search_and_its_paper_tell_the_sign_that_came_last(cast: Cast) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(20))
    tom, clock = cast.actor("tom"), cast.clock
    await open_episode(tom, cast.mia.id, uuid4(), Saying(clock(), None, None, ()), clock())
    episode = await Episode.get(child_id=cast.mia.id)
    tried = {"how": "call", "result": "reached"}
    clock.set(at(20, 10))
    entry = EntryRequest(uuid4(), Act.ATTEMPT, details=tried)
    await search.enter(tom, episode.id, entry, clock())
    [stands] = await view([episode], {Role.CASEWORKER}, cast.tom.id, clock())
    told = " ".join(how_it_stands(stands, "en", lambda moment: f"{moment:%H:%M}"))
    assert "No sign of life" not in told
    assert "Last sign of life: 19:10." in told  # By the clock of UTC.
    clock.set(at(20, 22))
    await answer(cast, "mia", want=Want.HELP)
    clock.set(at(20, 40))
    late = SightingRequest(uuid4(), "seen", seen_at=at(20, 15))
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, late, clock())
    pack = await whole(await Child.get(id=cast.mia.id), Copy.POLICE, Reader("en", PARIS), clock())
    assert pack.now is not None
    assert pack.now.last_sign is not None
    assert "Asked for help" in pack.now.last_sign.text


async def test_a_paper_without_a_last_answer_shows_no_other_point_as_the_last_sign(
    cast: Cast,
) -> None:
    await in_the_high_level(cast)
    await run_until(cast, at(20, 30))
    await answer(cast, "mia", said_at=at(20, 30) + timedelta(days=9))
    pack = await whole(
        await Child.get(id=cast.mia.id), Copy.POLICE, Reader("en", PARIS), cast.clock()
    )
    assert pack.now is not None
    assert pack.now.last_sign is not None
    assert pack.now.last_sign.label == "Signs of life"
