"""Nasty input at every endpoint: a clear problem each time, never a 500, and nothing written.

The walk goes over `app.routes`, so a new route fails here until it is in `nasty.FITS`.

All values in all fields of all routes on both databases are 100,000 requests. So values take turns:
each field gets some of them, the next field the next ones, PostgreSQL others than SQLite. `make
explore` draws the turns, and `WAYMARK_TEST_TURNS=1` sends everything.

What is refused before any row is asked for (a body that is no JSON, a value that no field of that
type takes, a method that there is not) is the same on both databases: `ONCE` sends it on SQLite.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from traceback import format_exception
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID, uuid4

import msgspec
import pytest
from tortoise.expressions import F

from server.alerts.models import Alert
from server.app import routes as all_routes
from server.notify.addresses import AddAddress, add_address
from server.notify.arrivals import send_test
from server.notify.models import Message
from server.security import encryption
from server.storage.db import dialect, fetch
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.watch_alerts import open_missing
from server.web.openapi import ApiRoute
from tests.advocates.made import advocate
from tests.areas.made import oversight
from tests.cast import Cast
from tests.doubles.web_push import Receiver
from tests.outside import nasty
from tests.outside.nasty import FITS, Fits
from tests.test_access import MAKERS, OTHER_EPISODE, ROLL_CALL, concern, described

# What opens a door only where it is the right one.
GUESSES = ("password", "code", "credential", "pin")
BODY_METHODS = {"POST", "PUT", "PATCH"}
# Wrong passwords and codes are counted, and that is all that is left of a request that is refused.
COUNTED = {"guess"}
WHERE = {"entry": "WHERE what NOT LIKE 'look%'"}
MOVES = (
    "SELECT 'moves of watches', SUM(version) FROM watch",
    "SELECT 'moves of alerts', SUM(version) FROM alert",
    "SELECT 'words of people', COUNT(DISTINCT language) FROM person",
    "SELECT 'ends of things', COUNT(ended_at) FROM session",
    "SELECT 'ends of phones', COUNT(shut_out_at) FROM device",
    "SELECT 'ends of ties', COUNT(until_at) FROM tie",
)
# What grows with every write, also of one that is rolled back. Rows are counted only where it did.
WRITES = {
    "sqlite": "SELECT total_changes() AS own, data_version AS others FROM pragma_data_version",
    "postgres": "SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next_id",
}
# One value in so many goes into each field.
TURNS = int(os.environ.get("WAYMARK_TEST_TURNS", "8"))
SEED = int(os.environ.get("WAYMARK_TEST_SEED", "0"))
# Each request of so large a form draws a large page: some of its fields get a value on either
# database. All of them are read with many values in test_nasty_policies.py.
MANY_FIELDS = 60
# Whatever the database is, these requests do not come as far.
ONCE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
# In the place of an id, as it is in a path.
NO_IDS = ("x", "%00", "..", "0" * 3000, "1 OR 1=1")
# Of each kind, each path is asked by one that it does not have.
METHODS = (("GET", "POST", "PUT", "PATCH", "DELETE"), ("OPTIONS", "TRACE", "BREW"))
HEADERS_TO_GO = re.compile(rb"[\r\n\x00]")


_Value = TypeVar("_Value")


@dataclass
class Answer:
    """What came back, as it went over the wire."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_page(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/html")


@dataclass
class Prober:
    """Sends what no client would let us send, and keeps an eye on the rows."""

    cast: Cast
    wrong: list[str] = field(default_factory=list)
    known: Any = None  # The rows as they were when we last looked.
    _writes: Any = None  # What `WRITES` said then.
    _counts: str = ""
    _tokens: dict[str, str] = field(default_factory=dict)
    _places: Iterator[int] = field(default_factory=count)

    def in_turn(
        self, values: Sequence[_Value], fewer: int = 1, *, may_be_none: bool = False
    ) -> list[_Value]:
        """The values whose turn it is at this place: one in `TURNS * fewer`, at least one."""
        turns = TURNS * fewer if TURNS > 1 else 1
        turns = turns if may_be_none else min(turns, len(values))
        other = turns // 2 if dialect() == "postgres" else 0
        place = next(self._places) + SEED + other
        return [value for number, value in enumerate(values) if (number + place) % turns == 0]

    async def send(self, method: str, path: bytes, *, who: str | None, **how: Any) -> Answer:
        """One request of somebody who is in; where an earlier one ended the session, once more."""
        answer = await self._send(method, path, who=who, **how)
        is_out = answer.status == 401 or answer.headers.get("location", "").startswith("/?next")
        if who is not None and is_out:
            await self.renew(who)
            answer = await self._send(method, path, who=who, **how)
        return answer

    async def _send(
        self,
        method: str,
        path: bytes,
        *,
        who: str | None,
        body: bytes | None = b"",
        headers: Iterable[tuple[bytes, bytes]] = (),
        query: bytes = b"",
        as_page: bool = False,
    ) -> Answer:
        """One request; a body of None comes in chunks and says no length."""
        given = [
            (b"host", b"localhost:8000"),
            *(await self._session(who, as_page=as_page)),
            *headers,
        ]
        names = {name for name, _ in headers}
        if body is not None and b"content-length" not in names and method in BODY_METHODS:
            given.append((b"content-length", str(len(body)).encode()))
        # The last one of a name counts, as it would with a client that sets it.
        last = dict(given)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path.decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(last.items()),
            "client": ("203.0.113.7", 50000),
            "server": ("localhost", 8000),
        }
        return await _through(self.cast.app, scope, body)

    async def _session(self, who: str | None, *, as_page: bool) -> list[tuple[bytes, bytes]]:
        if as_page:
            found = [(b"accept", b"text/html"), (b"sec-fetch-site", b"same-origin")]
        else:
            found = []
        if who is None:
            return found
        if who not in self._tokens:
            await self.renew(who)
        token = self._tokens[who].encode()
        return [
            *found,
            (b"cookie", b"s=" + token) if as_page else (b"authorization", b"Bearer " + token),
        ]

    async def renew(self, who: str) -> None:
        """Let somebody in anew."""
        self._tokens[who] = await self.cast.new_token(who)
        await self.look()

    async def look(self) -> bool:
        """Remember the rows as they are now; whether any had changed."""
        writes = await fetch(WRITES[dialect()])
        if writes == self._writes:
            return False
        before, self.known, self._writes = self.known, await self.rows(), writes
        return bool(before) and before != self.known

    async def rows(self) -> Any:
        """How many rows each table has, and how often a watch or an alert was moved."""
        if not self._counts:
            counts = [
                f"SELECT '{table}' AS name, COUNT(*) AS n FROM \"{table}\" {WHERE.get(table, '')}"  # noqa: S608
                for table in await _tables()
            ]
            self._counts = " UNION ALL ".join([*counts, *MOVES])
        return await fetch(self._counts)

    async def expect(
        self, what: str, answer: Answer, statuses: frozenset[int] | None = None
    ) -> None:
        """The answer is clear, and where it refuses, nothing was written."""
        fault = _unclear(answer)
        if statuses is not None and answer.status not in statuses:
            fault = f"{answer.status}, not {sorted(statuses)}: {answer.body[:200]!r}"
        if await self.look() and answer.status >= 400:
            fault = f"{answer.status}, and yet something was written"
        if fault is not None:
            self.wrong.append(f"{what}: {fault}")


async def _tables() -> list[str]:
    listed = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sql%'",
        # A table by month is one table here, and its keys come and go with its rows.
        "postgres": "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND NOT relispartition AND relnamespace = 'public'::regnamespace",
    }
    names = [str(row["name"]) for row in await fetch(listed[dialect()])]
    return sorted(name for name in names if name not in COUNTED)


async def _through(app: Any, scope: dict[str, Any], body: bytes | None) -> Answer:
    answer = Answer()
    parts = nasty.chunks() if body is None else None
    whole, over = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if whole.is_set():
            # As a server does: who listens for the other side to go waits while it is there.
            await over.wait()
            return {"type": "http.disconnect"}
        if parts is None:
            whole.set()
            return {"type": "http.request", "body": body, "more_body": False}
        try:
            return {"type": "http.request", "body": await anext(parts), "more_body": True}
        except StopAsyncIteration:
            whole.set()
            return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            for name, value in message["headers"]:
                assert not HEADERS_TO_GO.search(name + value), (name, value)
                answer.headers[name.decode("latin-1")] = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body", False):
                over.set()

    try:
        await app(scope, receive, send)
    except Exception as fault:  # As a server behind it would see it: a 500, and a line in its log.
        answer.body = "".join(format_exception(fault)[-3:]).encode()
    return answer


def _unclear(answer: Answer) -> str | None:
    """What is wrong with the answer itself, or None."""
    if answer.status >= 500 and answer.status != 503:
        return f"{answer.status}: {answer.body[:300]!r}"
    if b"Traceback" in answer.body or (b"server/" in answer.body and answer.status >= 400):
        return "it speaks of our code"
    if answer.status < 400:
        return None
    if answer.headers.get("content-type") == "application/json" and answer.status == 503:
        return None  # What /health says is for programs that know it.
    if answer.is_page:
        has_title = re.search(rb"<h1[^>]*>[^<]*\S", answer.body)
        return None if has_title else f"{answer.status}: a page without a heading"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status}: no problem document but {answer.headers.get('content-type')}"
    document = msgspec.json.decode(answer.body)
    is_whole = (
        document["status"] == answer.status
        and re.fullmatch(r"[a-z][a-z_]*", document["code"])
        and document["title"].strip()
        and document["detail"].strip()
        and document["type"] == "about:blank"
    )
    return None if is_whole else f"not a whole problem document: {document}"


# --- where to


@pytest.fixture
async def prober(cast: Cast) -> Prober:
    await advocate(cast)
    await oversight(cast)
    return Prober(cast)


async def token(cast: Cast, who: str | None, path: str) -> str:
    """The link of a question that Sam was asked."""
    now = cast.clock()
    question = await Question.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        person_id=cast.sam.id,
        about_due_at=now,
        asked_at=now,
        expires_at=now + timedelta(hours=24),
    )
    return encryption.sign(str(question.id), "question", until=question.expires_at)


async def subject_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A test alarm of Tom's."""
    tom = cast.actor("tom")
    await add_address(
        tom, cast.tom.id, AddAddress(channel="email", value="tom@example.org"), cast.clock()
    )
    ids = await send_test(tom, cast.tom.id, cast.clock())
    return (await Message.get(id=ids[0])).subject_id


async def alert_id(cast: Cast, who: str | None, path: str) -> UUID:
    """An open alert about Mia; one whose reason is sealed for the page about that."""
    if path.endswith("/sealed"):
        return (await concern(cast)).id
    # Several may be open, each for a cause of its own.
    alert = await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True).first()
    return (alert or await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())).id


IDS = {**MAKERS, "alert_id": alert_id, "token": token, "subject_id": subject_id}


async def _path(cast: Cast, route: str, who: str | None) -> bytes:
    """The route's path with ids that exist."""
    path = route.split(" ")[1]
    if "/pack" in path:
        await alert_id(cast, who, path)  # What is sealed is open while adults are alerted.
    if path.endswith("/pack/checkouts"):
        await cast.on_duty("ines")  # It goes along with whoever is on duty; Tom goes on leave here.
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", str(await IDS[name](cast, who, path)))
    return path.encode()


def _filled(value: Any, cast: Cast) -> Any:
    """A body as it is sent: `{new}`, `{now}` and the like are filled in."""
    if isinstance(value, Mapping):
        return {name: _filled(one, cast) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, cast) for one in value]
    if value == "{keys}":
        return Receiver().keys
    if not isinstance(value, str) or "{" not in value:
        return value
    now = cast.clock()
    values: dict[str, Any] = {
        "{new}": str(uuid4()),
        "{now}": now.isoformat(),
        "{soon}": (now + timedelta(days=3)).isoformat(),
        "{tonight}": (now + timedelta(hours=8)).isoformat(),
        "{later}": (now + timedelta(days=300)).isoformat(),
        "{person}": str(cast.eve.id),
        "{tom}": str(cast.tom.id),
        "{child}": str(cast.mia.id),
        "{home}": str(cast.home.id),
        "{other}": str(OTHER_EPISODE),
        "{roll_call}": str(ROLL_CALL),
    }
    for name, one in values.items():
        value = value.replace(name, one)
    return value


def _types() -> dict[str, Any]:
    return {
        f"{next(iter(route.methods - {'HEAD'}))} {route.path_format}": route.call.takes
        for route in all_routes()
        if isinstance(route, ApiRoute) and route.methods
    }


def _fits_type(body: Any, kind: Any) -> bool:
    try:
        msgspec.json.decode(nasty.as_json(body), type=kind)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


def _is_first() -> bool:
    """Whether what never comes as far as a database is sent on this one."""
    return dialect() == "sqlite"


def _with_bodies() -> list[tuple[str, Fits]]:
    return [(route, fits) for route, fits in FITS.items() if fits.body is not None]


def _with_forms() -> list[tuple[str, Fits]]:
    return [(route, fits) for route, fits in FITS.items() if fits.form is not None]


# In parts, so that several workers share them.
PARTS = 2


# --- the tests


def test_every_route_is_in_the_table() -> None:
    found = described(all_routes())
    assert [route for route in found if route not in FITS] == [], "add these to nasty.FITS"
    assert [route for route in FITS if route not in found] == [], "these are gone"
    takes = {route for route, kind in _types().items() if kind is not None}
    assert takes == {route for route, _ in _with_bodies()}


async def test_a_row_that_is_written_or_moved_is_seen(prober: Prober) -> None:
    """Else what follows would never find one."""
    assert not await prober.look(), "there is nothing to compare with yet"
    assert not await prober.look()
    await prober.cast.on_duty("tom")
    assert await prober.look()
    await Watch.filter(child_id=prober.cast.mia.id).update(version=F("version") + 1)
    assert await prober.look()
    assert not await prober.look()


@pytest.mark.slow
async def test_what_fits_is_taken(prober: Prober) -> None:
    """Else what follows would be refused for another reason than the one that is meant."""
    cast, wrong = prober.cast, []
    for route, fits in FITS.items():
        if fits.streams or (fits.body is None and fits.form is None) or fits.needs_file:
            continue
        if fits.is_elsewhere:
            continue
        path = await _path(cast, route, fits.who)
        answer = await _fitting(prober, route, fits, path)
        is_guess = any(word in (fits.body or fits.form or {}) for word in GUESSES)
        if answer.status >= (500 if is_guess or "{token}" in route else 400):
            wrong.append(f"{route}: {answer.status} {answer.body[:300]!r}")
    assert not wrong, "\n".join(wrong)


async def _fitting(prober: Prober, route: str, fits: Fits, path: bytes) -> Answer:
    method = route.split(" ")[0]
    if fits.body is not None:
        body, kind = nasty.as_json(_filled(fits.body, prober.cast)), nasty.JSON
    else:
        body, kind = (
            urlencode(_filled(fits.form or {}, prober.cast), doseq=True).encode(),
            nasty.FORM,
        )
    return await prober.send(
        method,
        path,
        who=fits.who,
        body=body,
        headers=[(b"content-type", kind.encode())],
        as_page=fits.form is not None,
    )


@ONCE
@pytest.mark.drawn
async def test_a_body_that_cannot_be_read_is_refused_and_nothing_is_written(
    prober: Prober,
) -> None:
    for route, fits in _with_bodies():
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        for name, (body, kind, statuses) in prober.in_turn([*nasty.UNREADABLE.items()]):
            headers = [(b"content-type", kind.encode())] if kind else []
            method = route.split(" ")[0]
            answer = await prober.send(method, path, who=fits.who, body=body, headers=headers)
            await prober.expect(f"{route}, {name}", answer, statuses)
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.slow
@ONCE
@pytest.mark.drawn
async def test_a_form_that_cannot_be_read_is_refused_and_nothing_is_written(
    prober: Prober,
) -> None:
    for route, fits in _with_forms():
        if not fits.form or fits.takes_all:
            continue  # It takes no fields, and looks at none.
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        for name, (body, kind, statuses) in prober.in_turn([*nasty.UNREADABLE_FORMS.items()]):
            if name == "a file" and fits.takes_files:
                continue
            headers = [(b"content-type", kind.encode())] if kind else []
            answer = await prober.send(
                "POST", path, who=fits.who, body=body, headers=headers, as_page=True
            )
            await prober.expect(f"{route}, {name}", answer, statuses)
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.slow
@pytest.mark.drawn
async def test_a_wrong_value_in_any_field_is_refused_or_kept_as_it_is(prober: Prober) -> None:
    """What the document allows may be taken; what it does not is refused, and names its field."""
    types = _types()
    for route, fits in _with_bodies():
        assert fits.body is not None
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        for name in fits.body:
            for value in prober.in_turn(nasty.IN_JSON):
                body = {**_filled(fits.body, prober.cast), name: value}
                refused = None if _fits_type(body, types[route]) else frozenset({400, 422})
                if refused and not _is_first():
                    continue
                answer = await prober.send(
                    route.split(" ")[0],
                    path,
                    who=fits.who,
                    body=nasty.as_json(body),
                    headers=[(b"content-type", b"application/json")],
                )
                await prober.expect(f"{route}, {name}={value!r:.60}", answer, refused)
                if answer.status == 422 and refused:
                    found = msgspec.json.decode(answer.body).get("field", "")
                    assert re.split(r"[.\[]", found)[0] == name, (route, name, value, found)
    assert not prober.wrong, "\n".join(prober.wrong)


@ONCE
@pytest.mark.drawn
async def test_a_text_that_cannot_be_stored_is_refused_in_any_field(prober: Prober) -> None:
    for route, fits in _with_bodies():
        assert fits.body is not None
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        for name, kept in fits.body.items():
            for raw in prober.in_turn(nasty.RAW_TEXTS) if isinstance(kept, str) else ():
                whole = nasty.as_json({**_filled(fits.body, prober.cast), name: "HERE"})
                answer = await prober.send(
                    route.split(" ")[0],
                    path,
                    who=fits.who,
                    body=whole.replace(b'"HERE"', raw),
                    headers=[(b"content-type", b"application/json")],
                )
                await prober.expect(f"{route}, {name}={raw[:30]!r}", answer, frozenset({400, 422}))
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.slow
async def test_a_missing_or_unknown_or_doubled_field_is_clear(prober: Prober) -> None:
    types = _types()
    for route, fits in _with_bodies():
        assert fits.body is not None
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        whole = _filled(fits.body, prober.cast)
        for name in whole:
            body = {key: value for key, value in whole.items() if key != name}
            refused = None if _fits_type(body, types[route]) else frozenset({422})
            # A list may hold anything where each thing in it is looked at alone.
            wrong = "{}" if isinstance(whole[name], list) else "[{}]"
            twice = f'{{"{name}": {wrong}, {nasty.as_json(whole).decode()[1:]}'.encode()
            for how, raw, statuses in (
                ("without", nasty.as_json(body), refused),
                # A reader that took the first and one that took the last would disagree: the wrong
                # one of the two is seen, wherever it stands.
                ("a wrong one before", twice, frozenset({422})),
            ):
                if statuses and not _is_first():
                    continue
                answer = await prober.send(
                    route.split(" ")[0],
                    path,
                    who=fits.who,
                    body=raw,
                    headers=[(b"content-type", b"application/json")],
                )
                await prober.expect(f"{route}, {how} {name}", answer, statuses)
        unknown = {**whole, "__proto__": {"x": 1}, "is_admin": True, "agency_id": "x", "": ""}
        answer = await prober.send(
            route.split(" ")[0],
            path,
            who=fits.who,
            body=nasty.as_json(unknown),
            headers=[(b"content-type", b"application/json")],
        )
        await prober.expect(f"{route}, unknown fields", answer)
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.slow
@pytest.mark.drawn
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_wrong_value_in_any_field_of_a_form_is_refused_or_kept(
    prober: Prober, part: int
) -> None:
    for route, fits in _with_forms()[part::PARTS]:
        assert fits.form is not None
        path = await _path(prober.cast, route, fits.who)
        await prober.look()
        is_large = len(fits.form) > MANY_FIELDS
        for name in fits.form:
            values = nasty.in_form(name)
            for value in prober.in_turn(values, 16 if is_large else 2, may_be_none=is_large):
                form = {**_filled(fits.form, prober.cast), name: value}
                answer = await prober.send(
                    "POST",
                    path,
                    who=fits.who,
                    body=urlencode(form, doseq=True).encode(),
                    headers=[(b"content-type", nasty.FORM.encode())],
                    as_page=True,
                )
                await prober.expect(f"{route}, {name}={value!r:.60}", answer)
                _check_page(route, name, value, answer, prober.wrong)
    assert not prober.wrong, "\n".join(prober.wrong)


def _check_page(route: str, name: str, value: str, answer: Answer, wrong: list[str]) -> None:
    if b"<script>alert" in answer.body or b"<img src=x" in answer.body or b"{49}" in answer.body:
        wrong.append(f"{route}, {name}: what was typed became part of the page")
    where = answer.headers.get("location", "/")
    if not where.startswith("/") or where.startswith(("//", "/\\")):
        wrong.append(f"{route}, {name}={value!r:.60}: leads to {where!r}")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_ids_of_others_and_of_nobody_are_not_there(prober: Prober, part: int) -> None:
    cast = prober.cast
    strangers = {
        "child_id": [cast.lia.id, cast.uwe.id, uuid4()],
        "person_id": [cast.uwe.id, cast.lia.id, uuid4()],
    }
    for route, fits in [*FITS.items()][part::PARTS]:
        shape = route.split(" ")[1]
        names = re.findall(r"{(\w+)}", shape)
        if not names or fits.streams:
            continue
        whole = (await _path(cast, route, fits.who)).decode()
        await prober.look()
        real = re.fullmatch(re.sub(r"{\w+}", "([^/]+)", shape), whole)
        assert real is not None
        for place, name in enumerate(names, 1):
            nobody = strangers.get(name, [uuid4()])
            for other in [*nobody, *prober.in_turn(NO_IDS)]:
                path = whole[: real.start(place)] + str(other) + whole[real.end(place) :]
                answer = await _fitting(prober, route, fits, path.encode())
                # A channel that is not there looks like a wrong signature on purpose.
                unknown = frozenset({401, 404, 405} if name == "channel" else {404, 405})
                if name == fits.makes:
                    unknown |= {415, 422}  # It is nobody's, and what came with it is no such thing.
                await prober.expect(f"{route}, {name}={other!s:.40}", answer, unknown)
    assert not prober.wrong, "\n".join(prober.wrong)


@ONCE
async def test_another_method_is_told_which_ones_there_are(prober: Prober) -> None:
    allowed: dict[str, set[str]] = {}
    for route in FITS:
        method, shape = route.split(" ")
        allowed.setdefault(shape, set()).add(method)
    for shape, methods in allowed.items():
        path = re.sub(r"{\w+}", str(uuid4()), shape).encode()
        usual, odd = ([m for m in some if m not in methods] for some in METHODS)
        for method in (*prober.in_turn(usual), *prober.in_turn(odd)):
            answer = await prober.send(method, path, who=None)
            await prober.expect(f"{method} {shape}", answer, frozenset({405}))
            told = set(re.split(r",\s*", answer.headers.get("allow", ""))) - {"HEAD"}
            if told != methods:
                prober.wrong.append(f"{method} {shape}: tells of {sorted(told)}")
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.slow
@pytest.mark.drawn
async def test_odd_headers_and_queries_break_nothing(prober: Prober) -> None:
    for route, fits in FITS.items():
        path = await _path(prober.cast, route, fits.who)
        who = None if fits.streams else fits.who
        await prober.look()
        # An empty body is not one that anything takes, so nothing is done where there is one.
        odds = prober.in_turn(nasty.HEADERS)
        for odd in odds if _is_first() else ():
            headers = [(b"content-type", b"application/json"), *odd]
            answer = await prober.send(route.split(" ")[0], path, who=who, headers=headers)
            await prober.expect(f"{route}, {odd!s:.80}", answer)
        for query in prober.in_turn(nasty.QUERIES):
            answer = await prober.send(
                route.split(" ")[0],
                path,
                who=who,
                query=query,
                as_page=not path.startswith(b"/api"),
            )
            await prober.expect(f"{route}?{query[:40]!r}", answer)
            _check_page(route, "?", query.decode("latin-1"), answer, prober.wrong)
    assert not prober.wrong, "\n".join(prober.wrong)


@ONCE
async def test_no_path_of_a_file_leads_outside(prober: Prober) -> None:
    for path in nasty.TRAVERSALS:
        for as_page in (False, True):
            answer = await prober.send("GET", path, who=None, as_page=as_page)
            is_app = answer.status == 200 and b'<div id="app"' in answer.body
            if not (is_app or answer.status in (307, 404)):
                prober.wrong.append(f"{path!r}: {answer.status} {answer.body[:100]!r}")
            where = answer.headers.get("location", "/")
            if "evil" in where.split("/")[0:3]:
                prober.wrong.append(f"{path!r} leads to {where}")
            if (fault := _unclear(answer)) is not None:
                prober.wrong.append(f"{path!r}: {fault}")
    assert not prober.wrong, "\n".join(prober.wrong)


@pytest.mark.parametrize("hosts", [[], [b""], [b"localhost:8000", b"localhost:8000"], [b"a", b"b"]])
@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/me", "/static/none.css", "/nowhere"])
async def test_a_request_names_one_host(cast: Cast, hosts: list[bytes], path: str) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host) for host in hosts],
        "client": ("203.0.113.7", 50000),
        "server": ("localhost", 8000),
    }
    answer = await _through(cast.app, scope, b"")
    assert (answer.status, _unclear(answer)) == (400, None)
    # A monitor that speaks as in 1996 has no host to name.
    if not hosts:
        old = await _through(cast.app, scope | {"http_version": "1.0", "path": "/health"}, b"")
        assert old.status in (200, 503)
