"""What openapi.json says is what the API does: schemathesis asks every operation.

On both databases.

Each request has a session of its own (one operation ends the session that calls). Each operation is
asked by whoever it is for, once with ids that exist and once with made-up ones, with values that
fit and with values that do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from server.alerts.ladder import Cause
from server.audit.actions import SYSTEM
from server.auth import pairing
from server.checkin import shared_question
from server.missing.profile import actions
from server.missing.returns.child_found import Found, record_found
from server.missing.search.models import Episode
from server.notify.addresses import AddAddress, add_address
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.storage.db import write
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Pause, Watch
from server.watch.rhythm import rules as rhythms
from server.watch.signals.models import Observation
from server.watch.trusted import contacts
from server.watch.watch_alerts import Wish, call_adults, open_missing
from tests.areas.made import oversight
from tests.cast import ORIGIN, Cast, password_of
from tests.doubles.web_push import Receiver
from tests.missing.pictures import of_a_phone
from tests.records.made import a_code, a_transfer
from tests.test_access import (
    OTHER_EPISODE,
    absence_id,
    advocacy_id,
    approval_id,
    change_id,
    duty_id,
    flag_id,
    handover_id,
    leave_id,
    milestone_id,
    other_id,
    passing_id,
    photo_id,
    proposal_id,
    round_id,
    season_id,
    shift_id,
    spell_id,
)

EXAMPLES = 4
ALWAYS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
# A stranger's values that do not fit are refused as well, but by their missing rights.
NEGATIVE = [*ALWAYS, checks.negative_data_rejection]
# Whoever an operation is for. The first that fits the path.
SCHOOL = {
    "days": [{"day": 0, "from": "08:00:00", "until": "15:30:00"}],
    "holidays": {"first": "2026-04-10", "last": "2026-04-20"},
}
WHO = (
    ("/api/v1/children/{child_id}/ties", "root"),
    ("/api/v1/children", "tom"),
    ("/api/v1/alerts", "tom"),
    ("/api/v1/approvals", "tom"),
    ("/api/v1/glass", "tom"),
    ("/api/v1/packs", "tom"),
    ("/api/v1/patterns", "tom"),
    ("/api/v1/sessions", "tom"),
    ("/api/v1/me/reaching", "tom"),
    ("/api/v1/rota", "ines"),
    ("/api/v1/receptions", "tom"),
    ("/api/v1/transfers/{transfer_id}/take-back", "uwe"),
    ("/api/v1/transfers", "tom"),
    ("/api/v1/indicators", "ines"),
    ("/api/v1/me/shifts", "ines"),
    ("/api/v1/areas", "vera"),
    ("", "mia"),
)
# A photo comes by itself, and what it shows beside it.
PHOTO = "PUT /api/v1/children/{child_id}/pack/photos/{photo_id}"
# One of the push services that are allowed from the start.
PUSH = "https://updates.push.services.mozilla.com/wpush/v2/1"

# They need an open check-in and the token of its reminder, and an absence that has begun:
# tests/watch/test_snoozes.py and tests/watch/test_passes_api.py have them.
ELSEWHERE = {
    "POST /api/v1/snoozes",
    "POST /api/v1/push-snoozes",
    "POST /api/v1/children/{child_id}/pauses/{pause_id}/keep",
}

Send = Callable[[Case], httpx2.Response]


@pytest_asyncio.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """The loop that the database is open on: it stands still while Hypothesis makes values."""
    return asyncio.get_running_loop()


@pytest.fixture
def api(cast: Cast, loop: asyncio.AbstractEventLoop) -> Any:
    """The document, as anyone can read it."""

    async def read() -> Any:
        async with cast.client() as client:
            return (await client.get("/api/v1/openapi.json")).json()

    return schemathesis.openapi.from_dict(loop.run_until_complete(read()))


@pytest.fixture
def send(cast: Cast, loop: asyncio.AbstractEventLoop) -> Send:
    """One request as schemathesis writes it, through the real application."""

    async def sending(case: Case) -> httpx2.Response:
        token = await cast.new_token(_who(case.operation.path))
        given_ = case.as_transport_kwargs(base_url=ORIGIN)
        prepared = requests.Request(
            **{name: given_[name] for name in given_ if name not in ("timeout", "verify", "cert")}
        ).prepare()
        headers = {**prepared.headers}
        # What schemathesis makes up as a session would end every request at the door.
        for name in ("Content-Length", "Cookie", "Authorization"):
            headers.pop(name, None)
        headers["Authorization"] = f"Bearer {token}"
        async with cast.client() as client:
            return await client.request(
                prepared.method or "GET",
                prepared.url or "",
                headers=headers,
                content=_body(prepared),
            )

    return lambda case: loop.run_until_complete(sending(case))


def _body(prepared: requests.PreparedRequest) -> bytes:
    body = prepared.body or b""
    return body.encode() if isinstance(body, str) else bytes(body)


def _who(path: str) -> str:
    return next(name for begin, name in WHO if path.startswith(begin))


@pytest.fixture
def real(cast: Cast, loop: asyncio.AbstractEventLoop) -> Mapping[str, str]:
    """Ids that exist, by the names that paths give them."""

    async def made() -> dict[str, str]:
        now, mia = cast.clock(), cast.children["mia"]
        await oversight(cast)
        await cast.on_duty("tom")  # With whom packs go along.
        await open_missing(cast.actor("tom"), mia.id, None, now)
        # The alert about a missing child ends when the child is found; this one is another.
        async with write():
            watch = await Watch.get(child_id=mia.id)
            wish = Wish(cast.actor("mia"), watch, Cause.HELP, uuid4())
            [alert] = await call_adults([wish], now)
        await actions.put(
            cast.actor("tom"), mia, [Role.CASEWORKER], base=0, given={"hair": "black"}, now=now
        )
        begins = now + timedelta(days=50)
        pause = await Pause.create(
            child_id=mia.id,
            from_at=begins,
            until_at=begins + timedelta(days=1),
            made_by=cast.tom.id,
            made_at=now,
        )
        tie = await add_tie(
            cast.actor("root"),
            mia,
            AddTie(person_id=cast.ada.id, role=Role.GUARDIAN, from_at=begins),
            now,
        )
        rosa = await contacts.name_person(
            cast.actor("mia"),
            mia,
            contacts.TrustedRequest(uuid4(), "Rosa", "rosa@example.org", also_help=False),
            now,
        )
        shared = await shared_question.agree(cast.actor("tom"), mia, "The dog?", "Rex", now)
        observation = await Observation.create(
            id=uuid4(),
            child_id=mia.id,
            sign="packed_bag",
            by_id=cast.tom.id,
            by_role="caseworker",
            at=now,
        )
        address, _ = await add_address(
            cast.actor("mia"),
            mia.id,
            AddAddress(channel="push", value=PUSH, keys=Receiver().keys, id=uuid4()),
            now,
        )
        # Noor was missing too, and is back: what is asked about her placement finds no alert.
        other = await other_id(cast, None, "")
        back = Found(now, "Here", "Sam", "Well.")
        await record_found(cast.actor("tom"), other, uuid4(), back, now)
        return {
            "child_id": str(mia.id),
            "alert_id": str(alert.id),
            "episode_id": str((await Episode.get(child_id=mia.id)).id),
            "other_id": str(other),
            "passing_id": str(await passing_id(cast, "tom", "")),
            "pause_id": str(pause.id),
            "proposal_id": str(await proposal_id(cast, None, "")),
            "absence_id": str(await absence_id(cast, None, "")),
            "observation_id": str(observation.id),
            "flag_id": str(await flag_id(cast, None, "")),
            "approval_id": str(await approval_id(cast, None, "")),
            "question_id": str(shared.id),
            "trusted_id": str(rosa.id),
            "round_id": str(await round_id(cast, "mia", "")),
            "season_id": str(await season_id(cast, None, "")),
            "milestone_id": str(await milestone_id(cast, None, "")),
            "tie_id": str(tie.id),
            "device_id": str(cast.devices["mia"]),
            "subscription_id": str(address.id),
            "change_id": str(await change_id(cast, None, "")),
            "duty_id": str(await duty_id(cast, "ines", "")),
            "shift_id": str(await shift_id(cast, "ines", "")),
            "handover_id": str(await handover_id(cast, "ines", "")),
            "leave_id": str(await leave_id(cast, "ines", "")),
            "spell_id": str(await spell_id(cast, "ines", "")),
            "advocacy_id": str(await advocacy_id(cast, "mia", "")),
            "photo_id": str(await photo_id(cast, "tom", "")),
        }

    return loop.run_until_complete(made())


@pytest.fixture
def bodies(cast: Cast, loop: asyncio.AbstractEventLoop) -> Mapping[str, Any]:
    """What made-up values never come to: codes, passwords, keys, and what rules look at."""
    invitation = loop.run_until_complete(pairing.invite(SYSTEM, cast.noor, now=cast.clock()))
    begins = cast.clock() + timedelta(days=3)
    child = "/api/v1/children/{child_id}"
    return {
        "POST /api/v1/absences": {
            "id": str(uuid4()),
            "said_at": cast.clock().isoformat(),
            "from_at": begins.isoformat(),
            "until_at": (begins + timedelta(days=1)).isoformat(),
            "place": "At my cousin's",
        },
        "POST /api/v1/trusted": {"id": str(uuid4()), "name": "Rosa", "reach": "rosa@example.org"},
        "POST /api/v1/record-questions": {
            "id": str(uuid4()),
            "about": {"kind": "look", "id": "7", "at": cast.clock().isoformat()},
            "words": "Why?",
        },
        f"POST {child}/talk/read": {"messages": []},
        "POST /api/v1/glass": {
            "id": str(uuid4()),
            "name_or_reference": "Mia Castellane",
            "reason": "The police found them.",
        },
        "POST /api/v1/pair": {"code": invitation.code, "device": {"id": str(uuid4())}},
        "POST /api/v1/sessions": {"name": "tom", "password": password_of("tom")},
        "POST /api/v1/push-subscriptions": {
            "id": str(uuid4()),
            "endpoint": f"{PUSH}/2",
            "keys": Receiver().keys,
        },
        f"POST {child}/ties": {
            "id": str(uuid4()),
            "person_id": str(cast.eve.id),
            "role": "caseworker",
        },
        # The same again is the same version, which the look through it names.
        f"PUT {child}/pack": {"base": 1, "fields": {"hair": "black"}},
        PHOTO: of_a_phone(),
        f"POST {child}/pack/check": {"id": str(uuid4()), "version": 1},
        f"POST {child}/pack/checkouts": {"id": str(uuid4()), "why": "On duty tonight"},
        f"PUT {child}/rhythm": {"rhythm": {"at": ["18:00"]}, "zone": "Europe/Paris"},
        f"POST {child}/rhythm/proposals": {"id": str(uuid4()), "rhythm": {"at": ["18:30"]}},
        "POST /api/v1/rhythm/proposals": {"id": str(uuid4()), "rhythm": {"at": ["18:30"]}},
        f"POST {child}/rhythm/preview": {"rhythm": {"at": ["19:00"]}},
        "POST /api/v1/rhythm/preview": {"rhythm": {"at": ["19:00"]}},
        f"POST {child}/milestones": {"id": str(uuid4()), "what": "hearing", "day": "2026-04-10"},
        f"POST {child}/seasons": {
            "id": str(uuid4()),
            "first": "2026-03-10",
            "last": "2026-03-12",
            "rhythm": {"at": ["09:00", "18:30"]},
        },
        "PUT /api/v1/me/hours": SCHOOL,
        "POST /api/v1/me/hours/preview": SCHOOL,
        f"PUT {child}/hours": SCHOOL,
        f"POST {child}/hours/preview": SCHOOL,
        f"POST {child}/pauses": {
            "id": str(uuid4()),
            "from_at": begins.isoformat(),
            "until_at": (begins + timedelta(days=1)).isoformat(),
            "reason": "family",
        },
        f"POST {child}/pauses/{{pause_id}}/keep": {"id": str(uuid4())},
        "POST /api/v1/rota/duties": {
            "id": str(uuid4()),
            "days": [5, 6],
            "begins": "08:00",
            "ends": "20:00",
            "people": [str(cast.tom.id), str(cast.ines.id)],
            "first_on": begins.date().isoformat(),
        },
        "POST /api/v1/rota/handovers": {
            "id": str(uuid4()),
            "to_id": str(cast.tom.id),
            "from_at": begins.isoformat(),
            "until_at": (begins + timedelta(hours=8)).isoformat(),
        },
        "POST /api/v1/rota/leaves": {
            "id": str(uuid4()),
            "person_id": str(cast.eve.id),
            "from_at": begins.isoformat(),
            "until_at": (begins + timedelta(days=1)).isoformat(),
        },
        f"POST {child}/observations": {"id": str(uuid4()), "sign": "packed_bag"},
        f"POST {child}/flags": {
            "id": str(uuid4()),
            "words": "Ask her.",
            "until_at": begins.isoformat(),
        },
        f"POST {child}/flags/{{flag_id}}": {"until_at": begins.isoformat()},
        "POST /api/v1/approvals/{approval_id}/answer": {"answer": "no"},
        f"POST {child}/episodes/{{episode_id}}/entries": {
            "id": str(uuid4()),
            "what": "note",
            "words": "A white car.",
        },
        f"POST {child}/episodes/{{episode_id}}/handovers/{{passing_id}}": {"id": str(uuid4())},
        f"POST {child}/episodes/{{episode_id}}/together": {"episode_id": str(OTHER_EPISODE)},
        f"PUT {child}/episodes/{{episode_id}}/interview": {
            "base": 0,
            "answers": {"own": "I was at a friend's.", "push": ["alone"]},
        },
        f"POST {child}/transfers": {
            "id": str(uuid4()),
            "code": loop.run_until_complete(a_code(cast, "uwe")),
            "why": "Her aunt lives there.",
        },
        "POST /api/v1/transfers/{transfer_id}/accept": {"caseworker_id": str(cast.tom.id)},
        f"POST {child}/placement/end": {"why": "home", "at": cast.clock().isoformat()},
        f"POST {child}/placement/begin": {"at": cast.clock().isoformat()},
        f"POST {child}/check-ins": {"id": str(uuid4()), "said_at": cast.clock().isoformat()},
        "POST /api/v1/check-ins": {"id": str(uuid4()), "said_at": cast.clock().isoformat()},
    }


def _operations(api: Any) -> Iterator[Any]:
    for one in api.get_all_operations():
        yield one.ok()


def _ask(strategy: Any, send: Send, wanted: list[Any]) -> set[int]:
    """Ask so many times; what came back. Fails with schemathesis's own account."""
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def asked(case: Case) -> None:
        answer = send(case)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=wanted)

    asked()
    return seen


async def _proposed(cast: Cast, path: str) -> tuple[str, str]:
    """A rhythm that waits for an answer to be given there, or to be taken back there, and the
    version of the one that stands."""
    watch = await Watch.get(child_id=cast.mia.id)
    stands = rhythms.version(rhythms.read(watch.rhythm), watch.zone)
    return str(await proposal_id(cast, _who(path), path)), stands


async def _asked_by_noor(cast: Cast) -> dict[str, str]:
    """A request of a child about whom no alert is open."""
    made = await absence_id(cast, None, "")
    await AbsenceRequest.filter(id=made).update(child_id=cast.noor.id)
    return {"child_id": str(cast.noor.id), "absence_id": str(made)}


async def _subscribed(cast: Cast) -> str:
    """A browser of Mia's that pushes reach."""
    keys, now = Receiver().keys, cast.clock()
    address, _ = await add_address(
        cast.actor("mia"),
        cast.mia.id,
        AddAddress(channel="push", value=f"{PUSH}/3", keys=keys, id=uuid4()),
        now,
    )
    return str(address.id)


@pytest.mark.slow
@pytest.mark.drawn
def test_every_operation_answers_as_the_document_says(
    api: Any,
    send: Send,
    real: Mapping[str, str],
    bodies: Mapping[str, Any],
    cast: Cast,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A stream of events would go on for half an hour.
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    never = []
    for operation in _operations(api):
        ids = {name: real[name] for name in real if f"{{{name}}}" in operation.path}
        if "/placement/" in operation.path:
            # About Mia an alert is open, and so her placement cannot end.
            ids["child_id"] = str(cast.noor.id)
        if "{proposal_id}" in operation.path:
            path = operation.path
            ids["proposal_id"], version = loop.run_until_complete(_proposed(cast, path))
            if operation.body:
                fits = {"version": version} if path.endswith("/agree") else {}
                bodies = {**bodies, operation.label: fits}
        if "{absence_id}" in operation.path:
            made = absence_id(cast, _who(operation.path), operation.path)
            ids["absence_id"] = str(loop.run_until_complete(made))
            if operation.path.startswith("/api/v1/children"):
                # About Mia an alert is open, and so nothing is agreed.
                ids |= loop.run_until_complete(_asked_by_noor(cast))
        if "{transfer_id}" in operation.path:
            made = a_transfer(cast, is_accepted=operation.path.endswith("/package"))
            ids["transfer_id"] = str(loop.run_until_complete(made))
        if operation.label == "DELETE /api/v1/approvals/{approval_id}":
            # Only the person who asked takes it back.
            ids["approval_id"] = str(loop.run_until_complete(approval_id(cast, "tom", "/back")))
        if operation.path.endswith("{subscription_id}/test"):
            # Another subscription of the same phone has taken the place of the first.
            ids["subscription_id"] = loop.run_until_complete(_subscribed(cast))
        seen = set()
        # First, since wrong codes and passwords are counted.
        if operation.label in bodies:
            how, first = {}, ids
            if operation.label == PHOTO:
                how = {"media_type": "image/jpeg", "query": {"shows": "face"}}
                first = {**ids, "photo_id": str(uuid4())}
            body = bodies[operation.label]
            case = operation.Case(path_parameters=first, body=body, **how)
            answer = send(case)
            case.validate_response(answer, checks=ALWAYS)
            seen.add(answer.status_code)
        seen |= _ask(operation.as_strategy(path_parameters=ids), send, ALWAYS)
        if ids:
            _ask(operation.as_strategy(), send, ALWAYS)
        if operation.body or operation.query:
            unfit = operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=ids)
            _ask(unfit, send, NEGATIVE)
        if operation.label not in ELSEWHERE and not any(status < 300 for status in seen):
            never.append(f"{operation.label}: {sorted(seen)}")
    assert not never, "what these give when all goes well was not seen: " + "; ".join(never)
