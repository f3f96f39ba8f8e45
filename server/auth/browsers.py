"""Browsers in which one person can still sign in while a stranger guesses their password.

Ten wrong passwords make everyone who uses the same name wait, the person too, and a stranger can
repeat them all night. So a browser in which this person has signed in before has a count of its
own. So has a browser that opened a link from the person's mailbox or phone. It gives no right: we
still ask for the password and the second key. Its tenth wrong guess makes it a stranger.

The cookie has the ids of a few rows, signed: several people sign in at one desk. Each sign-in makes
a new row and removes the old one, so that a copied cookie ends with the next sign-in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import F

from server.audit.actions import Actor, note
from server.auth.models import Credential, RememberedDevice
from server.auth.rate_limit import is_waiting, one_at_a_time
from server.auth.rules import (
    BROWSER_GUESSES,
    BROWSER_LASTS,
    BROWSERS_IN_COOKIE,
    LINK_LASTS,
    LINK_SPACING,
    LINKS_AN_HOUR,
    Door,
    index_of,
    password_keys,
)
from server.errors import NotFound
from server.i18n import N_
from server.notify.actions import Saying, queue
from server.notify.contact_routes import NOWHERE, ways_of
from server.notify.rules import PUSH, Kind
from server.people.models import Person
from server.security import encryption
from server.storage.db import write
from server.storage.ids import uuid7

_COOKIE = "known browser"
_LINK = "link past the wait"
_NOBODY = UUID(int=0)
LINK_OVER = N_("This link no longer works. A link works once, for 30 minutes.")


# --- what a browser brings along


def read(token: str | None, now: datetime) -> list[UUID]:
    """The ids in a cookie; empty if it is not ours, or too old."""
    if not token:
        return []
    try:
        return [UUID(text) for text in encryption.unsign(token, _COOKIE, now).split(".")]
    except (encryption.Unreadable, ValueError):
        return []


def signed(ids: Sequence[UUID], now: datetime) -> str:
    """What the cookie holds: the latest few."""
    text = ".".join(id_.hex for id_ in ids[:BROWSERS_IN_COOKIE])
    return encryption.sign(text, _COOKIE, until=now + BROWSER_LASTS)


async def known_to(
    ids: Sequence[UUID], person_id: UUID | None, now: datetime, *, by_link: bool = True
) -> UUID | None:
    """Which of these browsers this person may sign in from; those of links too, or not. None means
    an unknown name, and takes as long."""
    if not ids:
        return None
    rows = RememberedDevice.filter(
        id__in=list(ids),
        person_id=person_id or _NOBODY,
        opened_at__isnull=False,
        expires_at__gt=now,
        wrong__lt=BROWSER_GUESSES,
    )
    browser = await (rows if by_link else rows.filter(by_link=False)).first()
    return browser.id if browser is not None else None


async def count_at(browser_id: UUID) -> bool:
    """Count one guess before it is made; False if the browser has had too many by now."""
    alive = RememberedDevice.filter(id=browser_id, wrong__lt=BROWSER_GUESSES)
    return bool(await alive.update(wrong=F("wrong") + 1))


async def forgive(browser_id: UUID) -> None:
    """What was guessed was right. In the caller's transaction."""
    await RememberedDevice.filter(id=browser_id, wrong__gt=0).update(wrong=F("wrong") - 1)


async def remember(person_id: UUID, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """This person has signed in here: the ids that the browser has from now on."""
    async with write():
        old = RememberedDevice.filter(id__in=list(ids), person_id=person_id)
        gone = set(await old.values_list("id", flat=True))
        await old.delete()
        row = await RememberedDevice.create(
            id=uuid7(),
            person_id=person_id,
            made_at=now,
            opened_at=now,
            expires_at=now + BROWSER_LASTS,
        )
    return [row.id, *(id_ for id_ in ids if id_ not in gone)]


async def forget_all(person_id: UUID) -> None:
    """Forget all browsers of this person, and all links past a wait: the password has changed, or
    they left. In the caller's transaction."""
    await RememberedDevice.filter(person_id=person_id).delete()


async def tidy_browsers(now: datetime) -> None:
    """Throw away what is over."""
    await RememberedDevice.filter(expires_at__lte=now).delete()


# --- the link past the wait


async def send_link(name: str, host: str, now: datetime) -> None:
    """Send a link that lets one browser past the wait, to an address that has answered before.

    Only while that name has to wait, a few an hour: strangers must not fill a mailbox. The person
    who asks learns nothing: this runs after the response.
    """
    if not await is_waiting(Door.PASSWORD, password_keys(name, host), now):
        return
    indexes = encryption.current().blinds(index_of(name))
    credential = await Credential.filter(name_index__in=indexes).first()
    if credential is None:
        return
    person = await Person.get_or_none(id=credential.person_id, disabled_at__isnull=True)
    if person is None:
        return
    ways = (await ways_of([person.id], now)).get(person.id, NOWHERE)
    # A push goes to browsers, and those are known.
    channel = next((way for way in ways.proven if way != PUSH), None)
    if channel is not None:
        await _send(person, channel, now)


async def _send(person: Person, channel: str, now: datetime) -> None:
    async with write():
        await one_at_a_time(encryption.blind(f"{_LINK} {person.id}"))
        sent = RememberedDevice.filter(person_id=person.id, by_link=True)
        if await sent.filter(made_at__gt=now - LINK_SPACING).exists():
            return
        if await sent.filter(made_at__gt=now - timedelta(hours=1)).count() >= LINKS_AN_HOUR:
            return
        row = await RememberedDevice.create(
            id=uuid7(),
            person_id=person.id,
            by_link=True,
            made_at=now,
            # Kept for an hour, so that they can be counted; the link itself says how long it works.
            expires_at=now + timedelta(hours=1),
        )
        token = encryption.sign(row.id.hex, _LINK, until=now + LINK_LASTS)
        saying = Saying(
            kind=Kind.UNLOCK,
            agency_id=person.agency_id,
            subject_kind="browser",
            subject_id=row.id,
            person_id=person.id,
            urgency="high",
            expires_at=now + LINK_LASTS,
            channel=channel,
            data={"path": f"/sign-in/link/{token}"},
        )
        await queue([saying], now)
        await note(_actor(person), "sign_in:link", about=("person", person.id), now=now)


async def read_link(token: str, now: datetime) -> UUID:
    """The row of a link that has not been used. Raises NotFound."""
    try:
        id_ = UUID(encryption.unsign(token, _LINK, now))
    except (encryption.Unreadable, ValueError):
        raise NotFound(LINK_OVER) from None
    if not await RememberedDevice.exists(id=id_, by_link=True, opened_at__isnull=True):
        raise NotFound(LINK_OVER)
    return id_


async def open_link(token: str, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """The browser that opens the link becomes known: returns its ids from now on. If two browsers
    open one link, only one becomes known. Raises NotFound."""
    id_ = await read_link(token, now)
    async with write():
        unused = RememberedDevice.filter(id=id_, by_link=True, opened_at__isnull=True)
        if not await unused.update(opened_at=now):
            raise NotFound(LINK_OVER)
        row = await RememberedDevice.get(id=id_)
        person = await Person.get(id=row.person_id)
        await note(_actor(person), "sign_in:link_open", about=("person", person.id), now=now)
    return [id_, *ids]


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.role, person.agency_id)
