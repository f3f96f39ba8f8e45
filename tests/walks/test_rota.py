"""A night with a rota: who does not answer, who is away, who hands over, and who answers for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.actions import SYSTEM
from server.people import actions as people
from server.people.models import Person
from server.people.rules import Role
from server.rota.models import DutyShift
from tests.walks.stage import LAST_RESORT, Stage

HOUR = timedelta(hours=1)


def utc(hour: int, minute: int = 0, *, day: int = 3) -> datetime:
    """A moment of those days in March 2026; Paris is an hour ahead."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


async def planned(stage: Stage, who: str, begins: str, ends: str) -> None:
    """Every day from then until then, planned over the wire by the supervisor."""
    body = {
        "id": str(uuid4()),
        "days": list(range(7)),
        "begins": begins,
        "ends": ends,
        "people": [str(stage.cast.persons[who].id)],
        "first_on": "2026-03-02",
    }
    await stage.call("ines", "POST", "/api/v1/rota/duties", body)


async def another(stage: Stage, name: str, role: Role) -> None:
    """Somebody more in the agency, with a session."""
    cast = stage.cast
    cast.persons[name] = await people.add_person(
        SYSTEM,
        cast.agency.id,
        people.AddPerson(role=role, name=name.title(), language="en", zone="Europe/Paris"),
        cast.clock(),
    )
    await cast.new_token(name)


@pytest.mark.slow
async def test_a_night_with_a_rota(stage: Stage) -> None:
    """Nobody answers but the last: worker, deputy's cover, the night shift, the morning shift that
    takes over in the middle of the climb, the manager, the last resort."""
    await stage.only("mia")
    await another(stage, "olga", Role.CASEWORKER)
    await another(stage, "pia", Role.CASEWORKER)
    await stage.subscribe("tom", "ines", "eve", "olga", "pia")
    cast = stage.cast
    await Person.filter(id=cast.tom.id).update(deputy_id=cast.olga.id)
    await planned(stage, "eve", "18:00", "08:00")
    await planned(stage, "pia", "08:00", "18:00")
    # The deputy is away until tomorrow, and nobody covers: that rung is skipped at once.
    leave = {
        "id": str(uuid4()),
        "person_id": str(cast.olga.id),
        "from_at": stage.clock().isoformat(),
        "until_at": (stage.clock() + 48 * HOUR).isoformat(),
    }
    await stage.call("olga", "POST", "/api/v1/rota/leaves", leave)
    await stage.until(utc(17, day=2))
    told = {name: len(stage.shown(name)) for name in ("eve", "pia", "olga")}
    # Before the night the test alarm, at its beginning "you have it now".
    assert told["eve"] == 2
    assert told["olga"] == 0

    # Mia was silent, and was seen; towards the end of the night she asks for help.
    await stage.until(utc(6, 30))
    for one in await stage.alerts("mia"):
        if one.closed_at is None:
            await stage.close("ines", one.id)
    await stage.beat()
    before = {name: len(stage.shown(name)) for name in ("tom", "ines", "eve", "olga", "pia")}
    await stage.until(utc(6, 50))
    await stage.check_in("mia", want="help")
    await stage.until(utc(6, 51))
    alert = await stage.open_alert("mia")

    def since() -> dict[str, int]:
        return {name: len(stage.shown(name)) - before[name] for name in before}

    # Help calls the caseworker and the night shift together.
    assert since()["tom"] == 1
    assert since()["eve"] == 1
    # 08:00 in Paris: the day shift has it now, with one alert open.
    await stage.until(utc(7, 1))
    assert since()["pia"] >= 1
    spell = await DutyShift.get(person_id=cast.pia.id, begins_at=utc(7))
    assert spell.begun_at == utc(7)
    seen = [await stage.send(name, "GET", f"/api/v1/alerts/{alert.id}") for name in ("pia", "eve")]
    # Eve was called in her shift: what this alert needs is hers to read until it is closed.
    assert [answer.status_code for answer in seen] == [200, 200]
    # 08:05 in Paris: the deputy is away, so the manager; 08:20: the last resort; then round again,
    # and now it is the day shift that is called beside the caseworker.
    calls = since()["ines"]
    await stage.until(utc(7, 6))
    assert since()["ines"] > calls
    assert since()["olga"] == 0
    mails = len(stage.mails_to(LAST_RESORT))
    await stage.until(utc(7, 21))
    assert len(stage.mails_to(LAST_RESORT)) > mails
    eve, pia = since()["eve"], since()["pia"]
    await stage.until(utc(7, 36))
    assert (since()["eve"], since()["pia"] > pia) == (eve, True)
    await stage.acknowledge("pia", alert.id)
    await stage.close("pia", alert.id, "spoke_to")
    assert (await Alert.get(id=alert.id)).closed_by == cast.pia.id


async def test_a_night_shift_is_asked_told_and_handed_over(stage: Stage) -> None:
    """ "Can you be reached?" by push with one tap; the yes keeps the planners undisturbed."""
    await stage.subscribe("eve", "ines")
    stage.clock.set(utc(9, day=2))
    await planned(stage, "eve", "18:00", "08:00")
    body = {"is_always": False, "lead_s": 3600}
    await stage.call("ines", "PUT", "/api/v1/rota/terms", body)
    await stage.until(utc(15, 59, day=2))
    assert stage.shown("eve") == []
    await stage.until(utc(16, 1, day=2))
    [path] = stage.paths("eve")
    assert path.startswith("/ready/")
    async with stage.cast.client() as phone:
        same = {"sec-fetch-site": "same-origin"}
        assert (await phone.post(path, headers=same)).status_code == 303
    await stage.until(utc(17, 1, day=2))
    assert stage.paths("eve")[1:] == ["/desk/duty"]
    assert stage.shown("ines") == []
    shifts = (await stage.call("eve", "GET", "/api/v1/me/shifts"))["shifts"]
    assert shifts[0]["reached_at"] is not None


async def test_several_tickers_and_a_day_of_blindness_say_it_once(stage: Stage) -> None:
    await stage.subscribe("eve")
    stage.clock.set(utc(9, day=2))
    await planned(stage, "eve", "18:00", "08:00")
    await stage.beat()
    stage.clock.set(utc(20))
    other = stage.another_ticker()
    for ticker in (stage.ticker, other, stage.ticker):
        await ticker.tick()
        await ticker.send()
    paths = stage.paths("eve")
    assert "/desk/duty" in paths
    assert len(paths) == len(set(paths)), "each alert too, since Eve alone can be reached"
