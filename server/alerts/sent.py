"""Which messages went to which person, by which channel, and the result, in words: withheld ones
too."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from server.i18n import N_, format_list, gettext
from server.notify.models import Delivery, Message
from server.notify.rules import NONE, Kind
from server.notify.wording import channel_word
from server.people.models import Person

KINDS: Mapping[str, str] = {
    Kind.REMIND_CHILD: N_("Reminder"),
    Kind.ASK_CARER: N_("Question to the carer"),
    Kind.ASK_TRUSTED: N_("Question to a person the child trusts"),
    Kind.ASK_WITNESS: N_("List for a witness"),
    Kind.TRUSTED_SAYS: N_("Trusted person's answer to confirm"),
    Kind.HOME_SAYS: N_("Correction to confirm"),
    Kind.ALERT: N_("Alert"),
    Kind.ALERT_AGAIN: N_("Alert, repeated"),
    Kind.CONFIRM_ANSWERED: N_("Late answer to confirm"),
    Kind.ALL_CLEAR: N_("The call is over"),
    Kind.WENT_ON: N_("No longer with you"),
    Kind.DECIDE: N_("Please decide"),
    Kind.HELD: N_("Seen by the carer"),
    Kind.TALK: N_("Wants to talk"),
    Kind.REACH: N_("Can we reach you?"),
    Kind.SHIFT: N_("On duty now"),
    Kind.TEST: N_("Test alarm"),
    Kind.DRILL: N_("Drill"),
    Kind.VERIFY: N_("Code to confirm an address"),
    Kind.TRY_PUSH: N_("Test notification"),
    Kind.DUE: N_("Something to do"),
    Kind.DIGEST: N_("Daily message"),
    Kind.DUE_CHILD: N_("Something to do, for a child"),
    Kind.NEWS_CHILD: N_("News for a child"),
    Kind.THANKS: N_("Thanks for a text message"),
    Kind.UNREACHED: N_("Person on duty has not confirmed"),
    Kind.ROTA_GAP: N_("Gap in the rota"),
    Kind.ROLL_CALL: N_("Roll call"),
    Kind.ROLL_CALL_AGAIN: N_("Roll call, again"),
    Kind.ROLL_CALL_UNDONE: N_("Roll call not done"),
    Kind.ROLL_CALL_AWAY: N_("Said to be not here"),
    Kind.ROLL_CALL_REPLY: N_("Reply about a roll call"),
    Kind.GLASS: N_("Page opened in an emergency"),
    Kind.TRANSFER: N_("News about a transfer"),
    Kind.ASSIGNED: N_("Children handed over"),
    Kind.AWAY_ENDS: N_("Absence ends soon"),
    Kind.ANSWERED: N_("An answer to what they asked"),
    Kind.PAPER: N_("Confidential document"),
    Kind.OPERATORS: N_("Server needs attention"),
    Kind.DOORS: N_("Sign-in changed"),
    Kind.UNLOCK: N_("Sign-in link"),
}
STATES: Mapping[str, str] = {
    "waiting": N_("waiting to be sent"),
    "sending": N_("being sent"),
    "done": N_("accepted"),
    "failed": N_("not delivered"),
    "withdrawn": N_("cancelled"),
    "withheld": N_("not sent"),
}
RESULTS: Mapping[str, str] = {
    "accepted": N_("accepted"),
    "gone": N_("the address no longer exists"),
    "retry": N_("we will try again"),
    "refused": N_("refused"),
    "fault": N_("a fault on our side"),
    "sending": N_("being sent"),
    "unknown": N_("we don't know if it arrived"),
    "withheld": N_("not sent"),
}
# Codes of workers, channels and actions. tests/alerts/test_sent.py finds one without words.
REASONS: Mapping[str, str] = {
    "acknowledged": N_("the alert was taken"),
    "already_done": N_("it had arrived before"),
    "answered": N_("an answer came first"),
    "bad_address": N_("this address does not exist"),
    "bad_keys": N_("the phone's keys do not match"),
    "bad_request": N_("the push service refused it"),
    "before_the_demo": N_("it was from before the demo"),
    "busy": N_("the push service was busy"),
    "called_again": N_("the child asked for help"),
    "channel_closed": N_("this channel is not set up"),
    "closed": N_("the alert was closed"),
    "content": N_("the text has characters that cannot be sent"),
    "content_refused": N_("the mail server refused the message"),
    "digest": N_("it waits for the daily message"),
    "drill_answered": N_("the drill was answered first"),
    "drill_over": N_("the drill was over"),
    "ended": N_("the placement ended"),
    "excused": N_("the child is away"),
    "expired": N_("it was too late to send"),
    "gateway": N_("the gateway is not set up correctly"),
    "gateway_failed": N_("the gateway failed"),
    "gateway_refused": N_("the gateway refused it"),
    "gone": N_("the app was removed or its messages were turned off"),
    "handed_over": N_("the alert went to another agency"),
    "in_digest": N_("it is part of the daily message"),
    "news": N_("a newer message replaced it"),
    "no_address": N_("there is no address or phone to send to"),
    "no_mailbox": N_("this mailbox does not exist"),
    "not_supported": N_("the mail server cannot handle this message"),
    "origin_not_allowed": N_("this push service is not allowed here"),
    "our_mistake": N_("a mistake on our side"),
    "password": N_("the password for the mail server is wrong"),
    "person_disabled": N_("this person has left"),
    "quiet_hours": N_("quiet hours"),
    "recipient_refused": N_("the mail server refused this address"),
    "redirect": N_("the push service has moved"),
    "relay": N_("the mail server is not set up correctly"),
    "relay_busy": N_("the mail server was busy"),
    "replaced": N_("the check-in times changed"),
    "school_hours": N_("school hours"),
    "sender_refused": N_("the mail server refused our sender address"),
    "service_failed": N_("the push service failed"),
    "settled": N_("it was resolved first"),
    "snoozed": N_("the child asked to be reminded later"),
    "taken_back": N_("the transfer request was withdrawn"),
    "template": N_("this channel is not set up correctly"),
    "timeout": N_("no answer in time"),
    "tls": N_("no secure connection"),
    "too_large": N_("the message is too long"),
    "transfer": N_("the child was transferred to another agency"),
    "unreachable": N_("not reachable"),
    "vapid": N_("our push key was refused"),
    "withdrawn": N_("no longer needed"),
}
NO_ADDRESS = N_("Not reached: no address")
GOOD, BAD, NEUTRAL = "good", "bad", "neutral"


class Try(msgspec.Struct, frozen=True):
    """One attempt."""

    at: datetime
    text: str


class Sent(msgspec.Struct, frozen=True):
    """One message: its text, the recipient, the channel, the time, and the result."""

    id: UUID
    kind: str
    to: str | None
    by: str
    has_way: bool  # False: there was no address, and `by` only says so.
    at: datetime
    result: str
    tone: str
    seen_at: datetime | None
    tries: tuple[Try, ...]


class RungState(StrEnum):
    """What came of a rung that was called."""

    CALLED = "called"
    UNSENT = "unsent"  # Nothing has gone out yet.
    NOT_REACHED = "not_reached"  # There was no way to anyone on it.


class CalledRung(msgspec.Struct, frozen=True):
    """A rung of the ladder when it was last called: the people there, and who of them could not be
    sent anything, with the code of the reason. Nobody for the last resort."""

    state: RungState
    people: tuple[UUID, ...]
    lost: Mapping[UUID, str]


# The best that came of the messages to one person, the best first. A message that was cancelled
# before it went out was not needed, and has called nobody.
_BEST = ("done", "waiting", "sending", "failed", "withheld", "withdrawn")


async def messages_of(subject_id: UUID) -> list[Message]:
    """What was sent about this alert or drill, in order."""
    return await Message.filter(subject_id=subject_id).order_by(*_IN_ORDER)


def rungs_called(messages: Iterable[Message]) -> dict[int, CalledRung]:
    """The rungs that an alert or a drill has called, by what was sent about it."""
    calls = [m for m in messages if m.kind in (Kind.ALERT, Kind.ALERT_AGAIN, Kind.DRILL)]
    turns = {m.rung: m.turn for m in sorted(calls, key=lambda call: call.turn)}
    by_rung: dict[int, dict[UUID | None, Message]] = {}
    for call in calls:
        if call.turn == turns[call.rung]:
            best = by_rung.setdefault(call.rung, {})
            best[call.person_id] = min(best.get(call.person_id, call), call, key=rank)
    rungs = {rung: _called_rung(best) for rung, best in sorted(by_rung.items())}
    return {rung: called for rung, called in rungs.items() if called is not None}


def rank(message: Message) -> int:
    """For `min`: which of some messages came farthest."""
    return _BEST.index(message.state)


def _called_rung(best: Mapping[UUID | None, Message]) -> CalledRung | None:
    # The last resort is told beside a person who cannot be: that calls the person's rung as little.
    to_people = {person: m for person, m in best.items() if person is not None} or best
    called = {person: m for person, m in to_people.items() if m.state != "withdrawn"}
    if not called:
        return None
    states = {message.state for message in called.values()}
    is_lost = states <= {"failed", "withheld"}
    return CalledRung(
        RungState.CALLED
        if "done" in states
        else RungState.NOT_REACHED
        if is_lost
        else RungState.UNSENT,
        tuple(person for person in called if person is not None),
        {
            person: message.why or ""
            for person, message in called.items()
            if person is not None and message.state in ("failed", "withheld")
        },
    )


async def sent_about(subjects: Iterable[UUID], language: str) -> list[Sent]:
    """Every message about these subjects, oldest first."""
    messages = Message.filter(subject_id__in=list(subjects))
    return await _with_tries(await messages.order_by(*_IN_ORDER), language)


async def sent_to(person_id: UUID, language: str, most: int) -> list[Sent]:
    """The latest messages to one person, newest first."""
    newest_first = [f"-{column}" for column in _IN_ORDER]
    messages = Message.filter(person_id=person_id).order_by(*newest_first).limit(most)
    return await _with_tries(await messages, language)


# Ids of one millisecond are random: the other columns decide before them.
_IN_ORDER = ("queued_at", "turn", "rung", "kind", "channel", "to_key", "id")


async def _with_tries(messages: Sequence[Message], language: str) -> list[Sent]:
    deliveries: dict[UUID, list[Delivery]] = {}
    tries = Delivery.filter(message_id__in=[message.id for message in messages])
    for delivery in await tries.order_by("started_at", "id"):
        deliveries.setdefault(delivery.message_id, []).append(delivery)
    people = {message.person_id for message in messages if message.person_id is not None}
    names = {person.id: person.name for person in await Person.filter(id__in=list(people))}
    return [_sent(message, deliveries.get(message.id, ()), names, language) for message in messages]


def _sent(
    message: Message, tries: Sequence[Delivery], names: Mapping[UUID, str], language: str
) -> Sent:
    to = names.get(message.person_id) if message.person_id is not None else None
    if message.resort_id is not None:
        to = gettext(language, N_("last resort"))
    return Sent(
        id=message.id,
        kind=gettext(language, KINDS.get(message.kind, message.kind)),
        to=to,
        by=channel_word(message.channel, language),
        has_way=message.channel != NONE,
        at=message.queued_at,
        result=_result(message, language),
        tone={"done": GOOD, "failed": BAD, "withheld": BAD}.get(message.state, NEUTRAL),
        seen_at=message.seen_at,
        tries=tuple(Try(delivery.started_at, _try(delivery, language)) for delivery in tries),
    )


def _result(message: Message, language: str) -> str:
    if message.channel == NONE and message.state == "failed":
        return gettext(language, NO_ADDRESS)
    if message.state == "done" and message.seen_at is not None:
        return gettext(language, N_("shown on the device"))
    return _because(gettext(language, STATES[message.state]), message.why, language)


def _try(delivery: Delivery, language: str) -> str:
    word = gettext(language, RESULTS.get(delivery.result, delivery.result))
    why = delivery.why if delivery.result != "accepted" else None
    return _because(word, why, language)


def reason_word(code: str, language: str) -> str:
    """Why an attempt failed, in words, or its result where no reason is known. A code of an older
    version without words is returned as it is."""
    words = REASONS.get(code) or RESULTS.get(code)
    return gettext(language, words) if words is not None else code


def lost_in_words(called: CalledRung | None, names: Mapping[UUID, str], language: str) -> str:
    """Who could not be sent anything, and why."""
    if called is None or not called.lost:
        return ""
    whys = set(called.lost.values())
    if called.state is not RungState.NOT_REACHED:
        lost = format_list(language, [names.get(person, "") for person in called.lost])
        return gettext(language, N_("Not reached: {names}"), names=lost)
    if whys == {"no_address"}:
        return gettext(language, NO_ADDRESS)
    reason = format_list(language, [reason_word(why, language) for why in sorted(whys)])
    return gettext(language, N_("Not reached: {reason}"), reason=reason)


def _because(word: str, why: str | None, language: str) -> str:
    if not why:
        return word
    reason = reason_word(why, language)
    return gettext(language, N_("{result}: {reason}"), result=word, reason=reason)
