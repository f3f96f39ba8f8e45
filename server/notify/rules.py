"""What leaves the house: pure decisions about envelopes, retries and what is worth sending.

No clock, no database, no network. The worker reads a slice of its rows, asks here, and writes the
answer down; `channels/` turns an Envelope into an Outcome.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from server.notify.child.hours import QUIET, SCHOOL, Hours, School, held, why_held

Urgency = Literal["very-low", "low", "normal", "high"]

URGENCIES: frozenset[str] = frozenset({"very-low", "low", "normal", "high"})
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")

PUSH = "push"
EMAIL = "email"
# No channel at all: the worker writes down that nobody could be reached, and calls the last resort.
NONE = "none"

FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=15)
# A push service may ask for any wait. Beyond an hour we look again anyway: an important message has
# moved to the next channel long before, and one that does not matter has expired.
LONGEST_OBEYED = timedelta(hours=1)
NEXT_CHANNEL_AFTER = timedelta(minutes=2)
# What the lock screen offers a child who cannot answer now, the longest first. A reminder that was
# put off leaves so much time to answer.
LATER = (timedelta(minutes=30), timedelta(minutes=10))
TIME_TO_ANSWER = timedelta(minutes=5)
# So long an attempt may hang before it has failed; only then the next channel is taken.
LONGEST_ATTEMPT = timedelta(seconds=20)


class Kind(StrEnum):
    """What a message is about. The lock screen never tells: every push has the same text."""

    REMIND_CHILD = "remind_child"
    ASK_CARER = "ask_carer"
    ASK_TRUSTED = "ask_trusted"  # To an adult the child trusts, who has no account.
    ASK_WITNESS = "ask_witness"  # To a school, a club or a mentor, who have no account: a list.
    TRUSTED_SAYS = "trusted_says"  # What they answered: a person looks at it and confirms.
    HOME_SAYS = "home_says"  # A home corrects "not here" while the alert about it is open.
    ALERT = "alert"
    ALERT_AGAIN = "alert_again"
    CONFIRM_ANSWERED = "confirm_answered"
    ALL_CLEAR = "all_clear"
    WENT_ON = "went_on"  # What they had taken is with others: their right to it has ended.
    DECIDE = "decide"
    HELD = "held"
    TALK = "talk"
    DUE = "due"
    DIGEST = "digest"  # Once a day: how many low-urgency tasks wait.
    DUE_CHILD = "due_child"
    NEWS_CHILD = "news_child"
    DOORS = "doors"
    """How a person signs in has changed."""
    UNLOCK = "unlock"  # A link past the wait after others' wrong guesses.
    THANKS = "thanks"  # To a child that has texted, whatever it said.
    REACH = "reach"  # Their duty begins soon: can we reach them?
    SHIFT = "shift"  # They are on duty now.
    UNREACHED = "unreached"  # On duty now, and has not said that we can reach them.
    ROTA_GAP = "rota_gap"  # Nobody is on duty at some time of the coming days.
    ROLL_CALL = "roll_call"  # To the people of a home: who is there?
    ROLL_CALL_AGAIN = "roll_call_again"  # The same, while nobody has said it.
    ROLL_CALL_UNDONE = "roll_call_undone"  # To those who follow up: nobody in the home has said it.
    ROLL_CALL_AWAY = "roll_call_away"  # A home said that a child is not there: no alert is open.
    ROLL_CALL_REPLY = "roll_call_reply"  # What became of an answer to it by text.
    TRANSFER = "transfer"  # Another agency is asked to take over a child, or has answered.
    GLASS = "glass"  # A person without a tie opened a child's page in an emergency.
    ASSIGNED = "assigned"  # Children were handed over to them, or by them.
    AWAY_ENDS = "away_ends"  # An absence that they agreed ends soon.
    ANSWERED = "answered"  # A second person has answered what they asked.
    TEST = "test"
    DRILL = "drill"
    TRY_PUSH = "try_push"  # Whether pushes reach one device: goes to it alone, by nothing else.
    VERIFY = "verify"  # A code for one address: goes to it alone, by nothing else.
    PAPER = "paper"  # Something on paper for a person outside, under a passphrase.
    OPERATORS = "operators"


# Quiet hours and school hours are for children who are asked or told: it waits for their end.
# Nothing that calls an adult is ever held back by them.
KEPT_QUIET: frozenset[Kind] = frozenset({Kind.REMIND_CHILD, Kind.DUE_CHILD, Kind.NEWS_CHILD})
# An adult may choose hours for what can wait. It is put off to their end, and never lost by them.
CAN_WAIT: frozenset[Kind] = frozenset(
    {
        Kind.DUE,
        Kind.DIGEST,
        Kind.ALL_CLEAR,
        Kind.WENT_ON,
        Kind.ASSIGNED,
        Kind.AWAY_ENDS,
        Kind.ANSWERED,
    }
)
# About one address: whatever becomes of it there, nothing else takes its place.
TO_ONE_ADDRESS: frozenset[Kind] = frozenset({Kind.TRY_PUSH, Kind.VERIFY})


class Result(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    """The service took it. That is not the same as seen."""
    GONE = "gone"
    """The answer is about the address: nothing arrives there. Whether that costs the address is
    decided in refusals.py."""
    RETRY = "retry"
    """A passing fault: the same attempt may succeed later."""
    REFUSED = "refused"
    """This message will never be taken there: a mistake of ours."""
    FAULT = "fault"
    """The channel itself is set up wrongly (keys, password, template): nobody is reached by it."""


class Reason(StrEnum):
    """Why a message that is due is not sent."""

    ALREADY_DONE = "already_done"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    PERSON_DISABLED = "person_disabled"
    CHANNEL_CLOSED = "channel_closed"
    QUIET_HOURS = QUIET
    SCHOOL_HOURS = SCHOOL
    SNOOZED = "snoozed"
    """The child asked to be reminded later; that reminder comes instead."""
    NEWER = "news"
    """Several reminders waited for the end of the same hours: the last one says it for all."""


# These end by themselves: what waits for their end is put off.
HOURS: frozenset[Reason] = frozenset({Reason.QUIET_HOURS, Reason.SCHOOL_HOURS})


class Attachment(msgspec.Struct, frozen=True):
    """A file that goes with a mail. `name` says nothing about any person."""

    name: str
    media_type: str
    content: bytes


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One message, addressed and worded, ready for one channel.

    `address` is opened (decrypted) and lives only as long as the attempt. `keys` are those of a
    push subscription. `url` is absolute. `tag` and `topic` stay the same when the same message is
    sent again, so that a device shows it once. A push shows `title` and the neutral sentence
    `shown`, the same for every kind; `body` is the text on other channels, `subject` and `sender`
    (a name) are those of a mail; `attachments` go with mails alone. `receipt` is a token of this
    one delivery, with which a device says that it has shown it: it names nobody, and counts without
    a session. `later`: the device may offer to ask again after so long. `is_silent`: it is shown
    without a sound.
    """

    message_id: UUID
    kind: str
    channel: str
    address: str
    language: str
    title: str
    body: str
    tag: str
    topic: str
    ttl: timedelta
    keys: Mapping[str, str] | None = None
    url: str | None = None
    urgency: Urgency = "normal"
    subject: str = ""
    sender: str = ""
    receipt: str = ""
    attachments: tuple[Attachment, ...] = ()
    shown: str | None = None  # None: the sentence that ships, in the language of the person.
    later: timedelta | None = None
    is_silent: bool = False

    def __post_init__(self) -> None:
        if not TOPIC.match(self.topic):
            raise ValueError("a topic has 1 to 32 characters of the URL-safe base64 alphabet")
        if self.urgency not in URGENCIES:
            raise ValueError("unknown urgency")
        if self.ttl < timedelta(0):
            raise ValueError("a time to live is not negative")


class Outcome(msgspec.Struct, frozen=True):
    """The result of one attempt. `reason` is a code and contains no personal data."""

    result: Result
    permanent: bool = False
    status: int | None = None
    retry_after: timedelta | None = None
    reason: str = ""

    @classmethod
    def accepted(cls, status: int | None = None) -> "Outcome":
        """The service took it."""
        return cls(Result.ACCEPTED, status=status, reason="accepted")

    @classmethod
    def gone(cls, reason: str, status: int | None = None) -> "Outcome":
        """Nothing arrives at this address."""
        return cls(Result.GONE, permanent=True, status=status, reason=reason)

    @classmethod
    def refused(cls, reason: str, status: int | None = None) -> "Outcome":
        """This message will never be taken there."""
        return cls(Result.REFUSED, permanent=True, status=status, reason=reason)

    @classmethod
    def fault(cls, reason: str, status: int | None = None) -> "Outcome":
        """The channel is set up wrongly; it may be fixed while the message still matters."""
        return cls(Result.FAULT, status=status, reason=reason)

    @classmethod
    def again(
        cls, reason: str, status: int | None = None, *, retry_after: timedelta | None = None
    ) -> "Outcome":
        """A passing fault."""
        return cls(Result.RETRY, status=status, retry_after=retry_after, reason=reason)


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What follows an attempt. Either `done`, or there is a `retry_at`; never both."""

    done: bool = False
    retry_at: datetime | None = None
    next_channel_now: bool = False
    tell_operators: bool = False


class MessageSlice(msgspec.Struct, frozen=True, kw_only=True):
    """What worth_sending needs of a message."""

    kind: Kind
    expires_at: datetime | None = None
    is_urgent: bool = False
    is_asked: bool = False  # The child asked for it at this time: no hours put it off.
    gives_way: bool = False  # The hours give way to it: later would be too late.
    is_snoozed: bool = False  # The child asked to be reminded later.
    has_newer: bool = False  # It waited, and a later reminder says the same.


class AddressSlice(msgspec.Struct, frozen=True, kw_only=True):
    """What worth_sending needs of an address and of the person behind it.

    Quiet hours run from `quiet_from` to `quiet_until` on a wall clock in `zone`, over midnight
    where the first is the later one. Where they are equal, or one is missing, there are none.
    `school`: the school hours of a child.
    """

    has_accepted: bool = False  # This very message, at an earlier attempt.
    person_is_disabled: bool = False
    channel_is_open: bool = True
    zone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None
    school: School | None = None

    @property
    def hours(self) -> Hours:
        """The hours in which what can wait is put off."""
        begin, end = self.quiet_from, self.quiet_until
        quiet = None if begin is None or end is None else (begin, end)
        return Hours(self.zone, quiet, self.school)


def retry_at(
    attempt: int, now: datetime, *, rand: float, retry_after: timedelta | None = None
) -> datetime:
    """The moment of the next attempt after the `attempt`-th (counted from 1) failed at `now`.

    The wait doubles from ten seconds to a quarter of an hour. `rand` (0 ≤ rand < 1) draws a moment
    in its later half, so that a thousand messages that failed together do not come back together. A
    wait that the service asked for is kept, up to an hour, and stretched by up to a tenth. Source:
    the push policy, and the back-off with jitter that such services ask for.
    """
    doubled = FIRST_RETRY * (1 << min(max(attempt, 1) - 1, 10))
    wait = min(doubled, LONGEST_RETRY) * (0.5 + rand / 2)
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_OBEYED) * (1 + rand / 10))
    return now + wait


def what_next(
    outcome: Outcome, attempt: int, ready_at: datetime, now: datetime, *, rand: float
) -> Next:
    """What follows the `attempt`-th attempt, by the push policy.

    Accepted: done. Gone: the next channel is taken now. A passing fault: again after a back-off,
    and the next channel at the latest two minutes after the message might go out; where the coming
    attempt could fail only after those two minutes, the next channel is taken at once. Refused: a
    mistake of ours, so operators are told and the next channel is taken now. A fault of the
    channel: the same, and it is tried again, because it may be fixed in time. "Next channel" does
    not end this one: two ways that both arrive are better than none.
    """
    if outcome.result is Result.ACCEPTED:
        return Next(done=True)
    if outcome.result is Result.GONE:
        return Next(done=True, next_channel_now=True)
    if outcome.permanent:
        return Next(done=True, next_channel_now=True, tell_operators=True)
    again = retry_at(attempt, now, rand=rand, retry_after=outcome.retry_after)
    if outcome.result is Result.RETRY:
        too_long = again + LONGEST_ATTEMPT - ready_at >= NEXT_CHANNEL_AFTER
        return Next(retry_at=again, next_channel_now=too_long)
    return Next(retry_at=again, next_channel_now=True, tell_operators=True)


def worth_sending(message: MessageSlice, address: AddressSlice, now: datetime) -> Reason | None:
    """Why this message must not be sent at `now`, or None where it must.

    Asked before every attempt, never only when queueing. Quiet hours and school hours put off what
    a child is asked or told, and quiet hours what can wait for an adult; never a call to an adult.
    Two reasons are not decided here: an address that was dropped is not among those tried, and a
    message that was withdrawn is found out by its claim, right before it is sent.
    """
    checks = (
        (address.has_accepted, Reason.ALREADY_DONE),
        (message.expires_at is not None and message.expires_at <= now, Reason.EXPIRED),
        (address.person_is_disabled, Reason.PERSON_DISABLED),
        (not address.channel_is_open, Reason.CHANNEL_CLOSED),
        (message.has_newer, Reason.NEWER),
        (message.is_snoozed, Reason.SNOOZED),
    )
    return next((reason for holds, reason in checks if holds), _waits_for(message, address, now))


def _waits_for(message: MessageSlice, address: AddressSlice, now: datetime) -> Reason | None:
    """A due can wait until the morning, but not one of a search: it wakes the adults who look for a
    child, whatever hours they chose."""
    if message.is_asked or message.kind not in KEPT_QUIET | CAN_WAIT:
        return None
    if message.kind is Kind.DUE and message.is_urgent:
        return None
    why = why_held(address.hours, now)
    if why is None or (message.gives_way and why == SCHOOL):
        return None
    return Reason(why)


def put_off_to(message: MessageSlice, address: AddressSlice, now: datetime) -> datetime | None:
    """When to send what waits for the end of these hours; None where it will be too late by
    then."""
    waits = held(address.hours, now)
    assert waits is not None, "asked within these hours alone"
    is_in_time = message.expires_at is None or message.expires_at > waits.end
    return waits.end if is_in_time else None


def is_a_way(channel: str, verified_at: datetime | None) -> bool:
    """Whether an address is a way to reach a person: one from which they have answered. A phone has
    answered by asking for pushes; receipts tell whether it shows them."""
    return channel == PUSH or verified_at is not None


def in_order(channels: Iterable[str], wish: Sequence[str] = ()) -> list[str]:
    """The channels that a person has, each once: the person's own choice in that order, then the
    others, the fastest first.

    That is push, then the agency's own (SMS gateways, chat), then e-mail, which is read last.
    """

    def rank(channel: str) -> tuple[int, int, str]:
        chosen = wish.index(channel) if channel in wish else len(wish)
        usual = {PUSH: 0, EMAIL: 2}.get(channel, 1)
        return (chosen, usual, channel)

    return sorted(set(channels), key=rank)
