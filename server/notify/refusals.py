"""What a refusal is about: the address, us, the message, or nothing that lasts. Pure.

One table decides it for each channel, each stage of its protocol and each code. A second part
decides when an address is given up: only for an answer about the address, and never where several
addresses fail at once, because then the fault is more likely ours or the service's.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from server.notify.rules import EMAIL, PUSH, Outcome, Result

GATEWAY = "gateway"  # SMS, chat and other channels of an agency, through Apprise.


class About(StrEnum):
    """What an answer is about."""

    ADDRESS = "address"
    US = "us"  # Our sender, key, password or setting: nobody is reached until it is fixed.
    MESSAGE = "message"  # This message will never be taken there.
    PASSING = "passing"  # Try again.


class Stage(StrEnum):
    """How far a conversation had come when the answer was given."""

    CONNECT = "connect"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # The command, the text, and the answer to both.
    POST = "post"  # The one request of a channel over HTTP.


class Rule(msgspec.Struct, frozen=True):
    """One line of the table. `codes` is a pattern of the whole code: that of the protocol, for
    e-mail with the enhanced status behind a space ("550 5.1.1"); `stages` empty: any."""

    channel: str
    stages: frozenset[Stage]
    codes: str
    about: About
    reason: str


def _rule(channel: str, stage: Stage | None, codes: str, about: About, reason: str) -> Rule:
    return Rule(channel, frozenset([stage] if stage else []), codes, about, reason)


# The first line that fits counts.
#
# E-mail: RFC 5321 (codes), RFC 3463 and RFC 7505 (enhanced status). Of "5.1.x" only these are about
# the recipient: 1 no such mailbox, 3 not an address, 6 moved away, 10 takes no mail at all; and
# 5.2.1, shut. 5.1.7 and 5.1.8 are about the sender, 5.1.0 may be, 5.1.2 is often a fault of a
# resolver. A bare 550 may mean that we are blocked. What MAIL and DATA refuse is never about the
# recipient, whatever number a server writes there.
#
# Push: RFC 8030 §7.3 (404, 410: the subscription is over), RFC 8292 §4.2 (401, 403: our key).
#
# Gateways: Apprise tells nothing but the status. A 404 says that the URL of the setting is wrong,
# and what a 400 means differs between providers: so no answer of theirs is about the address.
TABLE: tuple[Rule, ...] = (
    _rule(EMAIL, None, r"4\d\d .*", About.PASSING, "relay_busy"),
    _rule(EMAIL, Stage.CONNECT, r"5\d\d .*", About.US, "relay"),
    _rule(EMAIL, Stage.AUTH, r"5\d\d .*", About.US, "password"),
    _rule(EMAIL, Stage.MAIL, r"5\d\d .*", About.US, "relay"),
    _rule(EMAIL, Stage.RCPT, r"5\d\d 5\.1\.(1|3|6|10)", About.ADDRESS, "no_mailbox"),
    _rule(EMAIL, Stage.RCPT, r"5\d\d 5\.2\.1", About.ADDRESS, "no_mailbox"),
    _rule(EMAIL, Stage.RCPT, r"5\d\d 5\.1\.[78]", About.US, "sender_refused"),
    _rule(EMAIL, Stage.RCPT, r"5\d\d .*", About.MESSAGE, "recipient_refused"),
    _rule(EMAIL, Stage.DATA, r"5\d\d .*", About.MESSAGE, "content_refused"),
    # Neither good nor bad: a relay that answers nonsense may answer better later.
    _rule(EMAIL, None, r".*", About.PASSING, "relay_busy"),
    _rule(PUSH, Stage.POST, r"404|410", About.ADDRESS, "gone"),
    _rule(PUSH, Stage.POST, r"401|403", About.US, "vapid"),
    _rule(PUSH, Stage.POST, r"429", About.PASSING, "busy"),
    _rule(PUSH, Stage.POST, r"408|[5-9]\d\d", About.PASSING, "service_failed"),
    _rule(PUSH, Stage.POST, r"3\d\d", About.MESSAGE, "redirect"),
    _rule(PUSH, Stage.POST, r"413", About.MESSAGE, "too_large"),
    _rule(PUSH, Stage.POST, r".*", About.MESSAGE, "bad_request"),
    _rule(GATEWAY, Stage.POST, r"|408|429|[5-9]\d\d", About.PASSING, "gateway_failed"),
    _rule(GATEWAY, Stage.POST, r"401|403|404|405|[123]?\d?\d", About.US, "gateway"),
    _rule(GATEWAY, Stage.POST, r".*", About.MESSAGE, "gateway_refused"),
)
_RESULTS = {
    About.ADDRESS: (Result.GONE, True),
    About.US: (Result.FAULT, False),
    About.MESSAGE: (Result.REFUSED, True),
    About.PASSING: (Result.RETRY, False),
}
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![.\d])")


def rule_for(channel: str, stage: Stage, code: str) -> Rule:
    """The line of the table for this answer."""
    return next(
        rule
        for rule in TABLE
        if rule.channel == channel
        and (not rule.stages or stage in rule.stages)
        and re.fullmatch(rule.codes, code)
    )


def read(
    channel: str,
    stage: Stage,
    status: int | None,
    *,
    text: str = "",
    retry_after: timedelta | None = None,
) -> Outcome:
    """The meaning of an answer that is no success. `text` is what a mail server wrote after its
    code; `status` is None where the gateway was unreachable."""
    code = "" if status is None else str(status)
    if channel == EMAIL:
        enhanced = _ENHANCED.match(text.lstrip())
        code = f"{code} {enhanced[0] if enhanced else ''}"
    rule = rule_for(channel, stage, code)
    result, is_permanent = _RESULTS[rule.about]
    return Outcome(result, is_permanent, status, retry_after, rule.reason)


# --- when an address is given up

# How often an answer about the address must come, by its reason. A reason that is missing here
# never costs an address: `bad_address` is our own reading, and its person sees it in the settings.
ONCE, TWICE = 1, 2
TIMES = {"gone": ONCE, "no_mailbox": TWICE, "bad_keys": TWICE}
# Why an address was given up by us, and not by its person.
BY_US = tuple(TIMES)
# Two refusals of one night are one: a provider that blocks us does so for some hours.
APART = timedelta(hours=12)
# Several within this time are "at once", also where they were sent in several passes.
AT_ONCE = timedelta(hours=1)
# A subscription that its service refuses for so long is over, even if it refuses others too. The
# device subscribes again when it is opened.
LONGEST = timedelta(days=7)


class Tried(msgspec.Struct, frozen=True):
    """One attempt of the last hour by the channel in question: to which address, at which service
    (the host of a push service; one and the same for e-mail), and its result."""

    address: UUID
    service: str
    result: Result


def is_of_many(mine: Tried, tried: Sequence[Tried]) -> bool:
    """Whether other addresses failed as well, so that the fault may be ours or the service's.

    A push service ends subscriptions each day: several are no sign of a fault while it accepts
    pushes to others.
    """
    others = [t for t in tried if t.service == mine.service and t.address != mine.address]
    if mine.service:
        if any(other.result is Result.ACCEPTED for other in others):
            return False
        return any(other.result is Result.GONE for other in others)
    return any(other.result is not Result.ACCEPTED for other in others)


def gives_up(
    reason: str, first_at: datetime | None, now: datetime, *, is_push: bool, of_many: bool
) -> bool:
    """Whether to give up an address that was refused now; `first_at` is when it was first refused
    since its last accepted message."""
    times = TIMES.get(reason)
    if times is None:
        return False
    lasts_long = first_at is not None and now - first_at >= LONGEST
    if of_many:
        return is_push and lasts_long
    if times == ONCE:
        return True
    is_another_day = first_at is not None and first_at.date() != now.date()
    return first_at is not None and is_another_day and now - first_at >= APART
