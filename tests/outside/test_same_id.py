"""The same id again, for every route that takes one: the same content gives the first answer, also
days later; other content in any one field, or another child, is told that the id is taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from server.app import routes as all_routes
from server.missing.search.models import SearchHandover
from server.watch.models import Pause, Round, Sighting
from server.watch.watch_alerts import open_missing
from server.web.openapi import ApiRoute
from tests.cast import Cast
from tests.outside import nasty
from tests.outside.nasty import FITS
from tests.outside.test_nasty import IDS, Answer, Prober, _filled, _path, prober
from tests.test_access import OTHER_EPISODE

__all__ = ["prober"]

_CHILD = "/api/v1/children/{child_id}"
_EPISODE = f"{_CHILD}/episodes/{{episode_id}}"
_RHYTHM = {"at": ["09:00", "19:00"]}


class Together(dict[str, Any]):
    """Fields that only make sense with each other."""


_SOME_DAYS = Together(first="2026-04-10", last="2026-04-20")
_PROPOSAL = {
    "rhythm": _RHYTHM,
    "zone": "Europe/Lisbon",
    "first": _SOME_DAYS,
    "last": _SOME_DAYS,
    "words": "Other.",
}
_CHECK_IN = {
    "said_at": "{soon}",
    "mood": 1,
    "note": "Other.",
    "want": "talk",
    "mark": "b",
    "how": Together(want="help", how="call"),
    "who": Together(want="help", who="{tom}"),
}
# For each field of each route another value that would fit it too.
OTHER: Mapping[str, Mapping[str, Any]] = {
    "POST /api/v1/receptions": {},
    f"POST {_CHILD}/transfers": {
        "code": "ANOTHER1",
        "why": "Other.",
        "child_says": "Other.",
        "withheld": [],
    },
    f"POST {_CHILD}/episodes": {
        "said_at": "{tonight}",
        "why": "Other.",
        "last_seen": {"at": "{now}", "where": "Other", "by": "Sam", "words": "Calm."},
        "flags": [],
    },
    f"POST {_EPISODE}/entries": {
        "what": Together(what="note", details={}),
        "at": "2026-03-01T10:00:00Z",
        "words": "Other.",
        "details": {"how": "call", "result": "reached"},
        "also": ["{other}"],
    },
    f"POST {_EPISODE}/handovers/{{passing_id}}": {"words": "Other."},
    f"POST {_EPISODE}/found": {
        "at": "2026-03-01T10:00:00Z",
        "where": "Other",
        "by": "Other",
        "condition": "Other.",
    },
    f"POST {_CHILD}/pack/check": {"version": 2},
    f"POST {_CHILD}/pack/open": {"why": "Another reason than that."},
    f"POST {_CHILD}/pack/checkouts": {"why": "Another reason than that."},
    "POST /api/v1/check-ins": _CHECK_IN,
    f"POST {_CHILD}/check-ins": _CHECK_IN,
    f"POST {_CHILD}/pauses": {
        "from_at": "{tonight}",
        "until_at": "2026-03-09T12:00:00Z",
        "returns": False,
        "words": "Other.",
        "reason": "friends",
    },
    f"POST {_CHILD}/sightings": {
        "answer": "not_seen",
        "seen_at": "2026-03-01T10:00:00Z",
        "words": "Other.",
        "place": "Other",
    },
    f"POST {_CHILD}/observations": {"sign": "new_phone", "words": "Other."},
    f"POST {_CHILD}/milestones": {"what": "transfer", "day": "2026-04-11", "child_knows": False},
    "POST /api/v1/rhythm/proposals": _PROPOSAL,
    f"POST {_CHILD}/rhythm/proposals": _PROPOSAL,
    f"POST {_CHILD}/seasons": {**_PROPOSAL, "first": "2026-03-11", "last": "2026-03-13"},
    "POST /api/v1/snoozes": {"round": "{new}", "minutes": 45},
    "POST /api/v1/absences": {
        "said_at": "2026-03-01T10:00:00Z",
        "from_at": "{tonight}",
        "until_at": "{later}",
        "place": "Other",
        "words": "Other.",
    },
    f"POST {_CHILD}/pauses/{{pause_id}}/keep": {},
    "POST /api/v1/alerts/{alert_id}/attempts": {
        "way": "text",
        "target": "school",
        "result": "other_answered",
        "at": "2026-03-01T10:00:00Z",
        "words": "Other.",
    },
    "POST /api/v1/glass": {
        "name_or_reference": "Noor Haddadin",
        "reason": "Another reason than that.",
    },
    "POST /api/v1/trusted": {"name": "Other", "reach": "+33612345679", "also_help": True},
    "POST /api/v1/rota/duties": {
        "days": [0, 1],
        "begins": "19:00",
        "ends": "09:00",
        "people": ["{person}"],
        "first_on": "2026-04-11",
        "zone": "Europe/Lisbon",
    },
    "POST /api/v1/rota/handovers": {
        "to_id": "{person}",
        "from_at": "{tonight}",
        "until_at": "{tonight}",
        "who_id": "{person}",
    },
    "POST /api/v1/rota/leaves": {
        "person_id": "{person}",
        "from_at": "{tonight}",
        "until_at": "{tonight}",
        "cover_id": "{person}",
    },
    f"POST {_CHILD}/flags": {"words": "Other.", "until_at": "{tonight}", "owner_id": "{tom}"},
    f"POST {_CHILD}/ties": {
        "person_id": "{tom}",
        "role": "guardian",
        "from_at": "{soon}",
        "until_at": "{soon}",
    },
    "POST /api/v1/me/questions/{question_id}": {"words": "Other."},
    "POST /api/v1/record-questions": {
        "about": {"kind": "look", "id": "8", "at": "{now}", "shown": "Your page"},
        "words": "Other?",
        "to": "caseworker",
    },
    "POST /api/v1/push-subscriptions": {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/another"
    },
}
# Who may do it with each of these values, where that is another person than in `FITS`.
WHO = {"POST /api/v1/rota/leaves": "ines"}
# These open the pack for one session alone, and a session of staff ends within a day.
OF_A_SESSION = {f"POST {_CHILD}/pack/open", f"POST {_CHILD}/pack/checkouts"}
# What is no content, so that it may differ.
NO_CONTENT = {
    # A confirmed answer is handed in again after a restore, with the moment of its confirmation;
    # the phone's own clock at the moment of sending is another one each time.
    "POST /api/v1/check-ins": {"confirmed_at", "sent_at"},
    f"POST {_CHILD}/check-ins": {"confirmed_at", "sent_at"},
    # It only tells two children of one name apart: another child is other content.
    "POST /api/v1/glass": {"birthday"},
    # The browser renews them under the same address, and so do we.
    "POST /api/v1/push-subscriptions": {"keys", "expirationTime", "receipts"},
}


def _fields(route: ApiRoute) -> set[str]:
    kind = route.call.takes
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return {field.encode_name for field in msgspec.structs.fields(kind)} if is_struct else set()


WITH_ID = {
    f"{route.call.method} {route.path_format}": _fields(route) - {"id"}
    for route in all_routes()
    if isinstance(route, ApiRoute) and "id" in _fields(route)
}


def test_every_field_of_every_route_with_an_id_has_another_value() -> None:
    assert WITH_ID.keys() == OTHER.keys()
    for route, fields in WITH_ID.items():
        assert fields - NO_CONTENT.get(route, set()) == set(OTHER[route]), route


# --- where to


async def _where(cast: Cast, route: str, who: str | None) -> str:
    if route.endswith("/snoozes"):
        due = cast.clock() + timedelta(minutes=50)
        times = {"opens_at": cast.clock(), "due_at": due, "late_at": due + timedelta(hours=1)}
        await Round.create(id=ROUND, child_id=cast.mia.id, **times)
    if "/pack/check" in route:
        async with cast.client_as("tom") as tom:
            for child in (cast.mia, cast.noor):
                pack = f"/api/v1/children/{child.id}/pack"
                await tom.put(pack, json={"base": 0, "fields": {"hair": "Brown"}})
    if route.endswith("/keep"):
        path = route.split(" ")[1].replace("{pause_id}", str(await _pause(cast, cast.mia.id)))
        return path.replace("{child_id}", str(cast.mia.id))
    path = (await _path(cast, route, who)).decode()
    if "{episode_id}" in route:
        await IDS["other_id"](cast, "tom", path)
    if "{passing_id}" in route:
        await SearchHandover.filter(id=UUID(path.rsplit("/", 1)[1])).update(part="out")
    return path


ROUND = UUID("5f6b1f0e-9c5a-4f0e-8e53-7a1c7f5b3e11")


async def _pause(cast: Cast, child_id: UUID) -> UUID:
    now = cast.clock()
    row = {"from_at": now, "until_at": now + timedelta(days=30), "reason": "family"}
    return (await Pause.create(child_id=child_id, made_by=cast.tom.id, made_at=now, **row)).id


async def _of_another_child(cast: Cast, path: str) -> str:
    """The same about Noor."""
    if "/pauses/" in path:
        mine = path.split("/")[-2]
        path = path.replace(mine, str(await _pause(cast, cast.noor.id)))
    if "/alerts/" in path:
        alert = await open_missing(cast.actor("tom"), cast.noor.id, None, cast.clock())
        return path.replace(path.split("/")[-2], str(alert.id))
    if "/episodes/" in path:
        mine = path.split("/")[6]
        path = path.replace(mine, str(OTHER_EPISODE))
    return path.replace(str(cast.mia.id), str(cast.noor.id))


async def _body(cast: Cast, route: str) -> dict[str, Any]:
    body: dict[str, Any] = _filled(dict(FITS[route].body or {}), cast)
    if route.endswith("/transfers"):
        async with cast.client_as("uwe") as uwe:
            made = await uwe.post("/api/v1/receptions", json={"id": str(uuid4())})
        body["code"] = made.json()["code"]
    if route.endswith("/snoozes"):
        body["round"] = str(ROUND)
    return body


async def _post(prober: Prober, who: str | None, path: str, body: Mapping[str, Any]) -> Answer:
    return await prober.send(
        "POST",
        path.encode(),
        who=who,
        body=nasty.as_json(body),
        headers=[(b"content-type", nasty.JSON.encode())],
    )


def _code(answer: Answer) -> str:
    document = msgspec.json.decode(answer.body or b"{}")
    return f"{answer.status} {document.get('code')}"


# --- the tests


@pytest.mark.parametrize("route", OTHER)
async def test_the_same_id_with_the_same_content_gives_the_first_answer(
    prober: Prober, route: str
) -> None:
    cast, who = prober.cast, WHO.get(route, FITS[route].who)
    path, body = await _where(cast, route, who), await _body(prober.cast, route)
    first = await _post(prober, who, path, body)
    assert first.status in (200, 201, 204), first.body
    await prober.look()
    again = await _post(prober, who, path, body)
    assert (again.status in (200, 201, 204), again.body) == (True, first.body)
    assert not await prober.look(), "something was written"
    cast.clock.advance(hours=1 if route in OF_A_SESSION else 96)
    later = await _post(prober, who, path, body)
    assert later.status in (200, 201, 204), later.body


@pytest.mark.parametrize("route", [route for route, fields in OTHER.items() if fields])
async def test_the_same_id_with_other_content_is_told_that_it_is_taken(
    prober: Prober, route: str
) -> None:
    cast, who = prober.cast, WHO.get(route, FITS[route].who)
    path, body = await _where(cast, route, who), await _body(prober.cast, route)
    first = await _post(prober, who, path, body)
    assert first.status in (200, 201, 204), first.body
    wrong = {}
    for name, value in OTHER[route].items():
        other = value if isinstance(value, Together) else {name: value}
        answer = await _post(prober, who, path, body | _filled(other, cast))
        if _code(answer) != "409 id_reused":
            wrong[name] = _code(answer)
    assert wrong == {}
    assert (await _post(prober, who, path, body)).status in (200, 201, 204), "the first is there"


# A reception and a rota are about no child, and a child asks about themselves alone.
ABOUT_A_CHILD = [
    route
    for route in OTHER
    if not any(word in route for word in ("/receptions", "/rota/", "/glass", "/transfers"))
    and not any(word in route for word in ("/me/questions", "/snoozes", "{passing_id}"))
]


@pytest.mark.parametrize("route", ABOUT_A_CHILD)
async def test_the_same_id_for_another_child_is_told_that_it_is_taken(
    prober: Prober, route: str
) -> None:
    cast, who = prober.cast, WHO.get(route, FITS[route].who)
    path, body = await _where(cast, route, who), await _body(prober.cast, route)
    if "/pack/" in route:
        await IDS["child_id"](cast, who, path)
    first = await _post(prober, who, path, body)
    assert first.status in (200, 201, 204), first.body
    other = await _post(
        prober, "noor" if who == "mia" else who, await _of_another_child(cast, path), body
    )
    assert _code(other) == "409 id_reused"


async def test_a_child_who_was_not_found_is_never_lost_behind_a_known_id(cast: Cast) -> None:
    id_, path = str(uuid4()), f"/api/v1/children/{cast.mia.id}/sightings"
    async with cast.client_as("tom") as tom:
        assert (await tom.post(path, json={"id": id_, "answer": "seen"})).status_code == 201
        answer = await tom.post(path, json={"id": id_, "answer": "not_seen"})
    assert (answer.status_code, answer.json().get("code")) == (409, "id_reused")
    assert [row.answer for row in await Sighting.filter(child_id=cast.mia.id)] == ["seen"]
