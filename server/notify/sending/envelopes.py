"""From a message to the envelope that a channel sends."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.clock import known_zone
from server.i18n import format_moment, format_time
from server.notify.arrivals import RECEIPT
from server.notify.models import Enclosure, Message
from server.notify.rules import LATER, PUSH, TIME_TO_ANSWER, Attachment, Envelope, Kind
from server.notify.sending.attempts import Attempt, person_of
from server.notify.wording import Facts, neutral, word
from server.security import encryption

# How long a push service keeps a message for a phone that is off.
LONGEST_TTL = timedelta(days=1)


class Sender(msgspec.Struct, frozen=True):
    """Who sends: the address of our pages, and the name that a person without an agency reads."""

    public_url: str
    display_name: str


def envelope_of(
    attempt: Attempt, channel: str, sender: Sender, now: datetime, *, of_several: int = 1
) -> Envelope:
    """The envelope of this attempt; `of_several`: how many go out as one with it, it included."""
    message, person = attempt.message, person_of(attempt.message)
    language = person.language if person is not None else (message.data or {}).get("language", "en")
    name = _name_of(message, sender)
    is_of_several = of_several > 1
    url, tag = _target(message, sender, is_of_several=is_of_several)
    # Of several that go out as one, a reply could mean none in particular.
    reply_code = "" if is_of_several else (message.data or {}).get("reply", "")
    facts = _facts(message, language, name, url, reply_code)
    alerts = of_several if is_of_several and message.subject_kind == "alert" else None
    facts = replace(facts, chosen=attempt.shown, alerts=alerts)
    # Others read a lock screen, so a push has the name alone, and no words to be made.
    words = word(Kind(message.kind), language, facts, is_short=channel == PUSH)
    left = message.expires_at - now if message.expires_at is not None else LONGEST_TTL
    return Envelope(
        message_id=message.id,
        kind=Kind(message.kind),
        channel=channel,
        address=attempt.to,
        keys=attempt.address.keys if attempt.address else None,
        language=language,
        title=words.title,
        body=words.body,
        subject=words.subject,
        sender=name,
        url=url,
        tag=tag,
        topic=tag,
        ttl=max(min(left, LONGEST_TTL), timedelta(0)),
        urgency=message.urgency,  # type: ignore[arg-type]
        receipt=encryption.sign(attempt.delivery_id.hex, RECEIPT),
        shown=neutral(language, attempt.shown),
        later=_later(message, now),
        is_silent=attempt.is_silent,
    )


def _later(message: Message, now: datetime) -> timedelta | None:
    """For how long the child may put this reminder off on the lock screen: the longest of a few
    that leaves time to answer; None where none does, or where it is the last one."""
    answer_by = (message.data or {}).get("answer_by")
    if answer_by is None:
        return None
    left = datetime.fromisoformat(answer_by) - now
    return next((wait for wait in LATER if wait + TIME_TO_ANSWER <= left), None)


def _name_of(message: Message, sender: Sender) -> str:
    person = person_of(message)
    if person is not None and person.agency.display_name:
        return str(person.agency.display_name)
    return (message.data or {}).get("sender") or sender.display_name


def _target(message: Message, sender: Sender, *, is_of_several: bool) -> tuple[str | None, str]:
    """Where the message leads, and the tag by which a device shows it once."""
    if message.kind == Kind.PAPER:  # A person outside has no sign-in here.
        return None, message.subject_id.hex
    url = sender.public_url + _path(message)
    if is_of_several and message.together is not None:
        several = (message.data or {}).get("several")
        url = f"{url}/together" if several is None else f"{sender.public_url}{several}"
        return url, message.together.hex
    return url, message.subject_id.hex


def _facts(message: Message, language: str, name: str, url: str | None, reply_code: str) -> Facts:
    data = message.data or {}
    return Facts(
        display_name=name,
        url=url,
        fault=data.get("fault", ""),
        code=data.get("code", ""),
        unseen=_unseen(message, language),
        reply_code=reply_code,
        open_alerts=data.get("open_alerts"),
        tasks=data.get("tasks"),
        numbers=data.get("by_numbers"),
        calls=data.get("calls"),
        waited=_waited(message, language),
    )


def _waited(message: Message, language: str) -> tuple[str, str] | None:
    """When what it is about was said, and when it arrived, with the days."""
    said_at = (message.data or {}).get("said_at")
    if said_at is None:
        return None
    person = person_of(message)
    zone = known_zone(person.zone if person is not None else "UTC")
    moments = (datetime.fromisoformat(said_at), datetime.fromisoformat(message.data["arrived_at"]))
    then, arrived = (format_moment(language, at, zone) for at in moments)
    return then, arrived


def _unseen(message: Message, language: str) -> tuple[str, str] | None:
    """The two ends of a time in which our server was down, as the reader's clock shows them."""
    ends = (message.data or {}).get("unseen")
    if not ends:
        return None
    person = person_of(message)
    zone = known_zone(person.zone if person is not None else "UTC")
    begin, end = (format_time(language, datetime.fromisoformat(at), zone) for at in ends)
    return begin, end


async def attachments(message_id: UUID) -> tuple[Attachment, ...]:
    """The files that go with a message."""
    rows = await Enclosure.filter(message_id=message_id).order_by("id")
    return tuple(Attachment(row.name, row.media_type, row.content) for row in rows)


def _path(message: Message) -> str:
    given = (message.data or {}).get("path")
    if given is not None:
        return str(given)
    if message.subject_kind == "alert":
        return f"/desk/alerts/{message.subject_id}"
    return "/"
