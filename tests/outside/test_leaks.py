"""A bad night, in which everything that speaks to the outside speaks; and none of it says who.

tests/fixtures_leaks.py listens through the whole run for surnames and words. Here it is looked at
more closely, for first names, addresses, tokens and codes too, and shown to hear what it should.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from starlette.requests import Request
from starlette.routing import Route

from server import logs
from server.notify.addresses import AddAddress, add_address
from server.notify.channels.other import Other
from server.people.models import Person
from tests.cast import EVERYONE, ORIGIN, SURNAMES, password_of
from tests.doubles.gateway import Gateway
from tests.doubles.push_service import PushService
from tests.doubles.smtp import Relay
from tests.fixtures_leaks import Leaks
from tests.walks.stage import Stage

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parents[2]
MAIL, PHONE = "night.desk@example.org", "+33612345678"
NOTE, CALL, TALK = "My brother wrote to me.", "A car stands outside.", "About the hearing."
SEEN, GONE, CLOSED = "She was at the bakery.", "Her shoes are gone.", "She came home by tram."
NASTY = "Castellane'; DROP TABLE person; -- \u202e{field}%s"
METRICS = "a token that only the curves know"
FIRST_NAMES = re.compile(rf"\b({'|'.join(EVERYONE)}|harbour|the house)\b", re.IGNORECASE)
OWN = {"sec-fetch-site": "same-origin", "accept": "text/html"}


class Night:
    """The stage with an SMS gateway, and every secret that came up so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cast = stage, stage.cast
        self.secrets = [NOTE, CALL, TALK, SEEN, GONE, CLOSED, METRICS, *SURNAMES]
        self.secrets += [*self.cast.tokens.values(), *(password_of(name) for name in EVERYONE)]
        transport = httpx2.ASGITransport(self.cast.app, raise_app_exceptions=False)
        self.stranger = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)

    def child(self, what: str) -> str:
        return f"/api/v1/children/{self.cast.mia.id}/{what}"

    async def address(self, name: str, channel: str, value: str) -> None:
        """An address of that person, by the channel."""
        actor, person, now = self.cast.actor(name), self.cast.persons[name], self.cast.clock()
        await add_address(actor, person.id, AddAddress(channel=channel, value=value), now)

    async def pair(self) -> None:
        """A second phone, after a code that was wrong."""
        made = await self.stage.call("mia", "POST", "/api/v1/me/codes", {})
        phone = {"id": str(uuid4()), "label": "Mia Castellane's phone"}
        wrong = {"code": "22222222", "device": phone}
        assert (await self.stranger.post("/api/v1/pair", json=wrong)).status_code >= 400
        paired = await self.stranger.post("/api/v1/pair", json=wrong | {"code": made["code"]})
        assert paired.status_code == 201
        self.secrets += [made["code"], paired.json()["token"]]

    async def silence(self) -> None:
        """One check-in with words, and none the day after: asked, called, taken over, closed."""
        stage = self.stage
        await stage.until(DUE - HOUR / 6)
        await stage.check_in("mia", mood=2, note=NOTE)
        await stage.until(DUE + 25 * HOUR)
        link = stage.paths("sam")[-1]
        assert (await self.stranger.get(link, headers=OWN)).status_code == 200
        said = await self.stranger.post(link, data={"answer": "not_seen"}, headers=OWN)
        assert said.status_code == 303
        await stage.until(hours=2)
        alert = await stage.open_alert("mia")
        await stage.acknowledge("tom", alert.id)
        await self.close(alert.id)

    def sighting(self) -> dict[str, Any]:
        at = self.cast.clock().isoformat()
        return {"id": str(uuid4()), "answer": "seen", "seen_at": at, "words": SEEN}

    async def close(self, alert_id: object) -> None:
        body = {"outcome": "seen", "words": CLOSED}
        await self.stage.call("tom", "POST", f"/api/v1/alerts/{alert_id}/close", body)

    async def calls(self) -> None:
        """Help, a wish to talk, and a carer who says that she is missing."""
        stage = self.stage
        await stage.check_in("mia", want="help", note=CALL)
        await stage.until(hours=1)
        await self.close((await stage.open_alert("mia")).id)
        await stage.check_in("mia", want="talk", note=TALK)
        await stage.until(hours=20)
        await stage.call("sam", "POST", self.child("sightings"), self.sighting())
        await stage.call("sam", "POST", self.child("missing"), {"words": GONE})
        await stage.until(hours=1)
        for alert in await stage.alerts("mia"):
            if alert.closed_at is None:
                await self.close(alert.id)

    async def doors(self) -> None:
        """Right and wrong passwords, by both doors, and pages that ask who it is."""
        for name, password in (("tom", "a wrong one"), ("Mia Castellane", NASTY)):
            said = {"name": name, "password": password}
            assert (await self.stranger.post("/api/v1/sessions", json=said)).status_code == 401
            await self.stranger.post("/sign-in", data=said | {"next": "/desk/"}, headers=OWN)
        said = {"name": "tom", "password": password_of("tom")}
        answer = await self.stranger.post("/api/v1/sessions", json=said)
        self.secrets.append(answer.json()["token"])
        led = await self.stranger.post("/sign-in", data=said | {"next": "/desk/"}, headers=OWN)
        assert led.status_code == 303
        self.stranger.cookies.clear()
        path = f"/desk/children/{self.cast.mia.id}"
        assert (await self.stranger.get(path, headers=OWN)).status_code == 303

    async def faults(self) -> None:
        """What does not fit, what is not there, and what breaks with a name in its mouth."""
        body = {"id": str(uuid4()), "said_at": self.cast.clock().isoformat()}
        for wrong in ({"mood": NASTY}, {"note": [NASTY]}, {"want": NASTY}, {NASTY: NASTY}):
            await self.stage.send("mia", "POST", "/api/v1/check-ins", body | wrong)
        bad = await self.stage.send("mia", "POST", "/api/v1/check-ins", body | {"mood": NASTY})
        assert bad.status_code == 422
        for name in ("tom", "mia"):
            assert (await self.stage.send(name, "GET", f"/api/v1/{uuid4()}")).status_code == 404
        mia = self.cast.mia

        async def breaks(_: Request) -> None:
            raise RuntimeError(f"{mia.name} said {NOTE} to {MAIL}")

        async def breaks_below(_: Request) -> None:
            await Person.create(id=mia.id, agency_id=mia.agency_id, name=mia.name, role="child")

        self.cast.app.router.routes[:0] = [Route("/a", breaks), Route("/b", breaks_below)]
        for path in ("/a", "/b"):
            assert (await self.stranger.get(path)).status_code == 500

    async def gauges(self) -> None:
        """What machines ask for."""
        curves = {"authorization": f"Bearer {METRICS}"}
        assert (await self.stranger.get("/metrics", headers=curves)).status_code == 200
        await self.stranger.get("/health")


@pytest.mark.slow
async def test_what_leaves_waymark_in_a_bad_night_says_nobodys_name_or_words(
    stage: Stage, gateway: Gateway, leaks: Leaks, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage.cast.app
    app.state.settings = replace(app.state.settings, metrics_token=METRICS)
    sms = stage.channels["sms"] = Other(gateway.template)
    await sms.open()
    stage.ticker = stage.another_ticker()
    await stage.only("mia")
    await stage.subscribe("mia", "sam", "tom")
    night = Night(stage)
    await night.address("tom", "email", MAIL)
    await night.address("ines", "sms", PHONE)
    await night.pair()
    await night.silence()
    await night.calls()
    # The relay refuses, the gateway is broken, and a channel itself breaks with an address at hand.
    stage.relay.answers["RCPT"], gateway.status = f"550 {MAIL} is unknown", 500

    async def breaks(envelope: object) -> None:
        raise RuntimeError(f"{envelope} {MAIL} Castellane")

    monkeypatch.setattr(stage.channels["push"], "send", breaks)
    await stage.check_in("mia", want="help", note=CALL)
    await stage.until(hours=2)
    await night.doors()
    await night.faults()
    await night.gauges()

    said = list(leaks.said)
    assert {channel for channel, _ in said} == {
        *("log", "url", "push", "mail", "gateway", "metrics", "health")
    }
    assert gateway.taken
    assert stage.mails_to(MAIL)
    log = "".join(what for channel, what in said if channel == "log")
    assert all(f'"{event}"' in log for event in ("request", "unexpected"))
    assert leaks.find(night.secrets) == []
    # An address is where it must be, so that the message arrives, and nowhere else.
    others = Leaks([one for one in said if one[0] not in ("mail", "gateway")])
    assert others.find([MAIL, PHONE, "33612345678"]) == []
    for mail in stage.relay.mails:
        assert MAIL.encode() not in mail.raw.replace(b"To: " + MAIL.encode(), b"")
    assert all(PHONE not in str(taken.text) for taken in gateway.taken)
    # The body of a push is random to whoever has no key, and three letters come by anywhere.
    read = [what for channel, what in said if channel != "push" or what.isprintable()]
    assert not [what for what in read if FIRST_NAMES.search(what)]


def test_a_name_is_heard_by_every_channel_in_any_case_and_in_a_url(
    leaks: Leaks, push_service: PushService, relay: Relay, gateway: Gateway
) -> None:
    """The ears are where the doubles take something in; what they hear is taken out again here."""
    with httpx2.Client() as client:
        client.post(push_service.virtual().endpoint, content=b"of ZAMBONI")
        client.post(f"http://127.0.0.1:{gateway.port}/send/Quintanar%20x", json={"a": "Brandvold"})
    logs.get("watch").info("zamboni")
    found = leaks.find([*SURNAMES, "quintanar x"])
    leaks.said.clear()
    assert [one.partition(":")[0] for one in found] == [
        "Quintanar (gateway)",
        "Brandvold (gateway)",
        "quintanar x (gateway)",
        "Zamboni (log)",
        "Zamboni (push)",
    ]


PLANTED = """
import logging
from server import logs

def test_says_nothing():
    logs.get("watch").info("tick", who="Mia Castellane")

def test_says_a_name():
    logging.getLogger("driver").error("Castellane did not fit")
"""


@pytest.mark.slow
def test_a_run_in_which_a_line_held_a_surname_fails_and_says_which(tmp_path: Path) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.fixtures_leaks"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), str(planted)]
    # They take longer to load than the run takes, and it has no use for them.
    command += [f"-pno:{name}" for name in ("schemathesis", "hypothesispytest", "anyio", "xdist")]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "2 passed, 1 error" in run.stdout
    assert "at teardown of test_says_a_name" in run.stdout
    assert "Castellane (log)" in run.stdout
