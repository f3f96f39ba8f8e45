"""A week of an agency: a carer who answers, one who does not, a push that is broken, an outage.

Everybody does what people do; what has to hold is asked at the end of each day. Every silence was
told in time, every alert says why, nothing is doubled, and no word of a child is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.alerts.models import Alert
from server.audit.actions import SYSTEM, seal, verify
from server.checkin.models import CheckIn
from server.notify.addresses import AddAddress, add_address
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Blind, Round
from tests.walks.stage import Stage
from tests.walks.test_faults import doubled

# Mia in the middle tier: due at 18:00 in Paris, 17:00 UTC, late at 18:00, called at 18:45. Noor in
# the high tier: 09:00 and 18:00 in Lisbon, late half an hour after, called a quarter of an hour on.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def nothing_is_doubled() -> None:
    assert not await doubled("round", "child_id", "due_at")
    assert not await doubled("alert", "child_id", "cause", "opened_at")
    once = ("subject_id", "kind", "rung", "turn", "to_key", "channel")
    assert not await doubled("message", *once)


class Week:
    """What people said and did, so that it can be looked for in the end."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.said: list[str] = []

    async def until(self, day: int, hour: int, minute: int = 0) -> None:
        await self.stage.until(MONDAY + day * DAY + hour * HOUR + minute * MINUTE)

    async def says(self, name: str, **more: Any) -> None:
        words = f"{name}, {self.stage.clock():%A %H:%M}"
        await self.stage.check_in(name, note=words, **more)
        self.said.append(words)

    async def carer_says(self, answer: str) -> None:
        [question] = await Question.filter(
            child_id=self.stage.cast.mia.id, answered_at__isnull=True
        ).order_by("-asked_at")
        await questions.answer_question(question.id, answer, self.stage.clock())
        await self.stage.beat()

    async def closes(self, name: str) -> None:
        """Tom takes what is open about a child, sees it, and says so."""
        alert = await self.stage.open_alert(name)
        await self.stage.acknowledge("tom", alert.id)
        await self.stage.until(minutes=10)
        await self.stage.close("tom", alert.id)
        await self.stage.beat()

    async def sentences(self) -> dict[str, str]:
        """What Tom reads about each alert that is open."""
        told = (await self.stage.call("tom", "GET", "/api/v1/alerts"))["alerts"]
        assert all(one["sentence"] and one["sent"] for one in told)
        return {one["child"]["name"].split()[0].lower(): one["sentence"] for one in told}


@pytest.mark.slow
async def test_a_week_in_which_every_silence_is_told_and_nothing_is_doubled_or_lost(
    stage: Stage,
) -> None:
    cast, week = stage.cast, Week(stage)
    await add_tie(SYSTEM, cast.noor, AddTie(person_id=cast.eve.id, role=Role.CARER), stage.clock())
    await add_address(
        cast.actor("tom"),
        cast.tom.id,
        AddAddress(channel="email", value="tom@example.org"),
        stage.clock(),
    )
    await stage.subscribe("mia", "noor", "sam", "eve", "tom", "ines")

    # Monday: both answer.
    await week.until(0, 16, 50)
    await week.says("mia", mood=4)
    await week.until(0, 17, 40)
    await week.says("noor", mood=2)
    await week.until(0, 23)
    assert not await Alert.exists(agency_id=cast.agency.id)

    # Tuesday: Mia forgets, and Sam has seen her. Nobody is called.
    await week.until(1, 8, 55)
    await week.says("noor")
    await week.until(1, 18, 5)
    await week.carer_says("seen")
    await week.says("noor")
    await week.until(1, 23)
    assert not await Alert.exists(agency_id=cast.agency.id)

    # Wednesday: Noor is silent in the morning, and her carer does not answer: Tom is called.
    await week.until(2, 9, 29)
    assert not await Alert.exists(agency_id=cast.agency.id)
    await week.until(2, 9, 45)
    assert "since 10:00" in (await week.sentences())["noor"]
    assert "no answer yet" in (await week.sentences())["noor"]
    await week.closes("noor")
    # In the evening she answers, and Mia not; Sam has not seen her: Tom is called at once.
    await week.until(2, 17, 30)
    await week.says("noor")
    await week.until(2, 18, 10)
    await week.carer_says("not_seen")
    assert "carer could not find" in (await week.sentences())["mia"]
    # She comes home and says so: everyone who was told hears it, and Tom has spoken to her.
    await week.until(2, 20)
    before = len(stage.shown("tom"))
    await week.says("mia", mood=3)
    await stage.beat()
    assert len(stage.shown("tom")) == before + 1

    # Thursday: the push service is broken all day. Mia is silent, Sam too: Tom has a mail.
    await week.until(3, 8, 50)
    await week.says("noor")
    stage.push.fault(500, times=None)
    await week.until(3, 17, 30)
    await week.says("noor")
    await week.until(3, 18, 50)
    assert stage.mails_to("tom@example.org")
    assert "18:00" in (await week.sentences())["mia"]
    await week.closes("mia")
    stage.push.reset()

    # Friday and the night: the server is down for twelve hours. What was missed is told once, and
    # that we saw nothing.
    await week.until(4, 8, 50)
    await week.says("noor")
    await week.until(4, 16)
    stage.clock.advance(hours=12)
    await stage.beat()
    [blind] = await Blind.all()
    assert blind.until_at - blind.from_at == 12 * HOUR
    told = await week.sentences()
    assert set(told) == {"mia", "noor"}
    assert all("17:00" in sentence for sentence in told.values()), told
    await nothing_is_doubled()
    for name in ("mia", "noor"):
        await week.closes(name)

    # Saturday and Sunday: calm again.
    for day in (5, 6):
        await week.until(day, 8, 50)
        await week.says("noor")
        await week.until(day, 16, 50)
        await week.says("mia")
        await week.until(day, 17, 40)
        await week.says("noor")
    await week.until(6, 23)
    assert not await Alert.filter(agency_id=cast.agency.id, closed_at__isnull=True)

    await nothing_is_doubled()
    kept = [one.note for one in await CheckIn.filter(child_id__in=[cast.mia.id, cast.noor.id])]
    assert sorted(one for one in kept if one) == sorted(week.said)
    # Each round of the week has its row, and each ended as answered, seen, or late.
    ended = await Round.filter(
        child_id__in=[cast.mia.id, cast.noor.id], due_at__lt=stage.clock() - DAY
    )
    assert {one.state for one in ended} <= {"answered", "answered_late", "seen", "late"}
    assert len([one for one in ended if one.child_id == cast.mia.id]) == 6
    await seal(stage.clock())
    assert await verify() is None
