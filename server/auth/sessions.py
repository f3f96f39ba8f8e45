"""From a token to its person, and back: one query for each request, by the token's SHA-256."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection
from tortoise.expressions import F, Q

from server.audit.actions import Actor, note
from server.auth.cookies import phone_of, token_of
from server.auth.models import Device, Session
from server.auth.rules import (
    NIGHT_AT_MOST,
    NIGHT_IDLE,
    REVOKED,
    SEEN_EVERY,
    STAFF_IDLE,
    Ended,
    expires_at,
    is_fresh,
    is_open_without_key,
    is_open_without_password,
    is_over,
    warned_at,
)
from server.auth.user_agents import Agent, agent_of
from server.clock import known_zone
from server.errors import NotYet, Unauthenticated
from server.i18n import N_
from server.people.access import Visitor, now_of
from server.people.models import Person
from server.people.rules import Role
from server.security.encryption import hash_token, new_token, next_token
from server.storage.db import among, as_id, as_moment, dialect, fetch, write
from server.storage.ids import uuid7
from server.web.ending import Ending
from server.web.live import RIGHTS, announce
from server.web.requests import header


class Opened(msgspec.Struct, frozen=True):
    """A new session: the token is shown only this once."""

    token: str
    person: Person
    session_id: UUID


class Came(msgspec.Struct, frozen=True):
    """Signed in by a provider, which may have asked the person hours ago."""

    provider: str
    proved_at: datetime


class Opening(msgspec.Struct, frozen=True):
    """How a session is opened."""

    agent: Agent = (None, None)
    needs_key: bool = False
    needs_password: bool = False
    is_short: bool = False
    came: Came | None = None


AS_USUAL = Opening()

# Each looked up by itself: for many sessions a join would go through all devices and children.
_FIND = """
SELECT s.id, s.token_hash, s.agency_id, s.person_id, s.device_id, s.last_seen_at, s.expires_at,
       s.ended_at, s.ended_why, s.made_at, s.proved_at, s.idle_s, s.needs_key, s.needs_password,
       p.role, p.language, p.zone, p.disabled_at,
       (SELECT shut_out_at FROM device WHERE id = s.device_id) AS shut_out_at,
       (SELECT last_seen_at FROM device WHERE id = s.device_id) AS device_seen_at,
       (SELECT agency_id FROM child WHERE id = s.person_id) AS child_agency_id
FROM "session" s
JOIN "person" p ON p.id = s.person_id
WHERE s.{which}
"""


async def session_of(request: HTTPConnection) -> Visitor:
    """The visitor who sent this request. Raises Unauthenticated, code `revoked` if the device was
    blocked."""
    token, by_cookie = token_of(request)
    if token is None:
        raise _stranger()
    row, now = await _row_of(hash_token(token)), now_of(request)
    if row is None:
        raise _stranger()
    _check(row, now)
    if phone_of(request) not in (None, _id_or_none(row["device_id"])):
        raise _elsewhere()
    # One after the other: who lacks both would be led from one page to the other without end.
    if row["needs_password"]:
        if not is_open_without_password(request.url.path):
            raise _needs_password(request)
    elif row["needs_key"] and not is_open_without_key(request.url.path):
        raise _needs_key(request)
    await _touch(row, now)
    proved_at = as_moment(row["proved_at"] or row["made_at"])
    request.state.is_proved = is_fresh(proved_at, now)
    # Pages and problems are in the reader's language and zone from here on.
    request.state.language, request.state.zone = row["language"], known_zone(row["zone"])
    return Visitor(
        id=as_id(row["person_id"]),
        role=Role(row["role"]),
        agency_id=as_id(row["agency_id"]),
        device_id=_id_or_none(row["device_id"]),
        session_id=as_id(row["id"]),
        language=row["language"],
        zone=row["zone"],
        by_cookie=by_cookie,
        proved_at=proved_at,
        needs_key=bool(row["needs_key"]),
        idle_s=None if row["expires_at"] is None else _idle_of(row).seconds,
        ending=_ending_of(row, now),
    )


async def _row_of(token_hash: str) -> dict[str, Any] | None:
    """The session of this token. A new token counts from its first use on; the one before it ends
    with that."""
    sql = _FIND.format(which="token_hash = $1")
    rows = await fetch(sql, [token_hash])
    if not rows:
        if await Session.exists(next_hash=token_hash):
            await Session.filter(next_hash=token_hash).update(
                token_hash=token_hash,
                next_hash=None,
                proved_at=F("next_proved_at"),
                next_proved_at=None,
            )
        # In any case: another request with this token may have done it since we looked.
        rows = await fetch(sql, [token_hash])
    return rows[0] if rows else None


async def children_of(
    asked: Collection[tuple[str, UUID | None]], now: datetime
) -> tuple[dict[tuple[str, UUID | None], Actor], Sequence[dict[str, Any]]]:
    """The children who sent these requests, by the hash of the token and the phone named, with the
    rows for `touch_all`: none that `session_of` would refuse, no adult, none of another agency."""
    hashes = [token_hash for token_hash, _ in asked]
    rows = await fetch(_FIND.format(which=f"token_hash {among()}"), [hashes])
    row_of = {row["token_hash"]: row for row in rows if _is_of_child(row, now)}
    children = {}
    for token_hash, phone in asked:
        if (row := row_of.get(token_hash)) is None:
            continue
        child_id, agency_id = as_id(row["person_id"]), as_id(row["agency_id"])
        device_id = _id_or_none(row["device_id"])
        if phone in (None, device_id) and _id_or_none(row["child_agency_id"]) == agency_id:
            children[token_hash, phone] = Actor(child_id, Role.CHILD, agency_id, device_id)
    return children, [*row_of.values()]


def _is_of_child(row: dict[str, Any], now: datetime) -> bool:
    try:
        _check(row, now)
    except Unauthenticated:
        return False
    return bool(row["role"] == Role.CHILD and not row["needs_key"])


async def session_holds(session_id: UUID, now: datetime) -> bool:
    """Whether a request with this session would be let in now, without counting as use."""
    rows = await fetch(_FIND.format(which="id = $1"), [session_id])
    if not rows:
        return False
    try:
        _check(rows[0], now)
    except Unauthenticated:
        return False
    return not (rows[0]["needs_key"] or rows[0]["needs_password"])


async def must_change(session_id: UUID) -> bool:
    """Whether a password that was handed over opened this session, and is not changed yet."""
    return await Session.exists(id=session_id, needs_password=True)


async def open_session(
    person: Person,
    *,
    now: datetime,
    device_id: UUID | None = None,
    opening: Opening = AS_USUAL,
) -> tuple[str, Session]:
    """A new session and its token, which is nowhere else. In the caller's transaction."""
    token, came, is_short = new_token(), opening.came, opening.is_short
    browser, system = opening.agent
    ends = now + NIGHT_AT_MOST if is_short else expires_at(now, is_child=person.role == Role.CHILD)
    session = await Session.create(
        id=uuid7(),
        token_hash=hash_token(token),
        agency_id=person.agency_id,
        person_id=person.id,
        device_id=device_id,
        made_at=now,
        last_seen_at=now,
        expires_at=ends,
        idle_s=int(NIGHT_IDLE.total_seconds()) if is_short else None,
        needs_key=opening.needs_key,
        needs_password=opening.needs_password,
        provider=came.provider if came is not None else None,
        proved_at=came.proved_at if came is not None else None,
        browser=browser,
        system=system,
    )
    return token, session


async def renew_token(token: str, now: datetime) -> str | None:
    """The token that takes the place of this one, for a person who has just shown who they are.

    The old one opens the session until the new one is used: the answer may get lost on its way.
    What needs the proof is open to the new one alone. Called twice: the same token; None where the
    new one is in use already. In the caller's transaction.
    """
    following = next_token(token)
    renewed = await Session.filter(token_hash=hash_token(token)).update(
        next_hash=hash_token(following), next_proved_at=now
    )
    return following if renewed else None


async def end_before(token: str, opened: Opened, now: datetime) -> UUID | None:
    """End the session of staff that a browser had before it signed in anew; returns its id. A
    child's phone stays signed in: what waits there to be sent would be lost."""
    own = Q(token_hash=hash_token(token)) | Q(next_hash=hash_token(token))
    before = await Session.filter(own, device_id__isnull=True, expires_at__isnull=False).first()
    if before is None or before.id == opened.session_id:
        return None
    async with write():
        if not await end_sessions(Q(id=before.id), Ended.ANEW, now):
            return None
        person = opened.person
        actor = Actor(person.id, person.role, person.agency_id)
        about = ("session", before.id)
        await note(actor, "session:end", about=about, why=Ended.ANEW, now=now)
    return before.id


async def end_sessions(which: Q, why: Ended, now: datetime) -> int:
    """End these sessions and store why; returns how many were open. In the caller's transaction.
    What runs in one of them, such as a page that hears of news, ends at once."""
    held = Session.filter(which, ended_at__isnull=True)
    people = {as_id(id_) for id_ in await held.values_list("person_id", flat=True)}
    ended = await held.update(ended_at=now, ended_why=why)
    for person_id in sorted(people):
        await announce(person_id, RIGHTS)
    return ended


def _check(row: dict[str, Any], now: datetime) -> None:
    if row["ended_at"] is not None:
        raise _revoked() if Ended(row["ended_why"]) in REVOKED else _stranger()
    if row["shut_out_at"] is not None:
        raise _revoked()
    if row["disabled_at"] is not None:
        raise _stranger()
    expires = None if row["expires_at"] is None else as_moment(row["expires_at"])
    if is_over(expires, as_moment(row["last_seen_at"]), now, _idle_of(row)):
        raise _stranger()


def _idle_of(row: dict[str, Any]) -> timedelta:
    return STAFF_IDLE if row["idle_s"] is None else timedelta(seconds=row["idle_s"])


def _ending_of(row: dict[str, Any], now: datetime) -> Ending | None:
    if row["expires_at"] is None:
        return None
    at = as_moment(row["expires_at"])
    warned = at - warned_at(as_moment(row["made_at"]), at)
    return Ending(at, int((at - now).total_seconds()), int(warned.total_seconds()))


async def _touch(row: dict[str, Any], now: datetime) -> None:
    """Write down that it is in use, at most once a minute: on the device, if there is one."""
    if not _was_seen(row, now):
        table = Session if row["device_id"] is None else Device
        await table.filter(id=as_id(row["device_id"] or row["id"])).update(last_seen_at=now)


def _was_seen(row: dict[str, Any], now: datetime) -> bool:
    seen = row["last_seen_at" if row["device_id"] is None else "device_seen_at"]
    return seen is not None and now - as_moment(seen) < SEEN_EVERY


async def touch_all(rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """The same for many. A row that another request has locked in this moment is being written for
    the same reason, so nobody waits for it: two that wait for each other would be a deadlock."""
    free = these = ""
    if dialect() == "postgres":
        free, these = " FOR NO KEY UPDATE SKIP LOCKED", f"id {among()} AND "
    due = [row for row in rows if not _was_seen(row, now)]
    sessions = [as_id(row["id"]) for row in due if row["device_id"] is None]
    devices = [as_id(row["device_id"]) for row in due if row["device_id"] is not None]
    for table, ids in (("session", sessions), ("device", devices)):
        if ids:
            sql = _TOUCH.format(table=table, any=among(), free=free, these=these)
            await fetch(sql, [ids, now, now - SEEN_EVERY])


_TOUCH = """
UPDATE "{table}" SET last_seen_at = $2 WHERE {these}id IN (
  SELECT id FROM "{table}" WHERE id {any}
  AND (last_seen_at IS NULL OR last_seen_at <= $3){free})
"""


def _id_or_none(value: object) -> UUID | None:
    return None if value is None else as_id(value)


def _revoked() -> Unauthenticated:
    return Unauthenticated(
        N_("This phone was blocked. Ask for a new code to use it again."), code="revoked"
    )


def _elsewhere() -> Unauthenticated:
    return Unauthenticated(
        N_("Another person is signed in here. Ask for a new code to use this phone again."),
        code="elsewhere",
    )


def _needs_key(request: HTTPConnection) -> NotYet:
    return NotYet(
        N_("Your agency requires a second key. Set it up first. It takes two minutes."),
        code="key_needed",
        to=f"/desk/settings/second-key?next={_back(request)}",
    )


def _needs_password(request: HTTPConnection) -> NotYet:
    return NotYet(
        N_("Choose a password of your own first. It takes a minute."),
        code="password_needed",
        to=f"/desk/settings/password?next={_back(request)}",
    )


def _back(request: HTTPConnection) -> str:
    """The way back to what was asked for."""
    return quote(path_of(request) if request.scope["path"].startswith("/desk/") else "/desk/")


def path_of(request: HTTPConnection) -> str:
    """Path and query, as they lead back here."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def agent_of_request(request: HTTPConnection) -> Agent:
    """The browser that asks, in the two words that are kept of it."""
    return agent_of(header(request.scope, b"user-agent"))


def _stranger() -> Unauthenticated:
    return Unauthenticated(N_("Sign in first."))
