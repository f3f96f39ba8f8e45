"""How long a sign-in stays open, how often a person may guess, and what a code is. Pure."""

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import ceil
from urllib.parse import urlsplit

import msgspec

from server.web.outside import is_outside


def _pairs(row: str) -> list[str]:
    return [before + after for before, after in pairwise(row)]


# A session of staff ends after a working day, and sooner if nobody uses it: the desk is often a
# shared computer. A child's phone stays signed in until an adult blocks it.
STAFF_AT_MOST = timedelta(hours=12)
STAFF_IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)
# Long enough to finish a long account of a night; of a short session it is a sixth.
WARNED_BEFORE = timedelta(minutes=30)

INVITE_LASTS = timedelta(hours=24)
# From one device of a person to another, both in the same hands.
CODE_LASTS = timedelta(minutes=15)
# An answer that got lost may be asked for again, by the same device alone.
LOST_ANSWER = timedelta(minutes=15)
NAME_LENGTH = 3
SECRET_LENGTH = 5
WRONG_SECRETS = 5

# After a right password, until the second key follows.
HALFWAY_LASTS = timedelta(minutes=10)
CHALLENGE_LASTS = timedelta(minutes=5)
# From leaving for a sign-in provider until the browser is back.
FLOW_LASTS = timedelta(minutes=10)
# The code that links an account at the provider to a person: it is handed over in person, by
# telephone, or by internal mail.
WELCOME_LASTS = timedelta(days=7)
WELCOME_LENGTH = 8
# For this long after a sign-out the provider must ask the next person here again.
ASKED_ANEW = timedelta(hours=12)
# Sealed words open for this long after a person has shown who they are.
PROOF_LASTS = timedelta(minutes=10)
# A session that a passkey opens for an alert at night: the phone is put down beside the bed, open.
NIGHT_IDLE = timedelta(minutes=15)
NIGHT_AT_MOST = timedelta(hours=1)
# For this long after a whole sign-in we ask a device for its passkey at once.
KNOWN_LASTS = timedelta(days=30)

# A password that an administrator hands over: over a weekend, and no longer than a person needs.
FIRST_PASSWORD_LASTS = timedelta(days=3)

LONGEST_LABEL = 60
# How many children may share one phone beside the first: each has a cookie, and requests carry all.
MOST_BESIDE = 7
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
LONGEST_SIGN_IN_NAME = 64
# What a stranger tries first here, in the languages of the desk; docs/protection.md has
# the list for people.
TRIED_FIRST = ("waymark", "planner", "password", "motdepasse", "passwort", "welcome", "bienvenue")
SHORTEST_ROW = 4
# The alphabet, and keyboards as fingers go over them.
_ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "yxcvbnm",
    "wxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
)
_NEIGHBOURS = frozenset(
    pair for row in _ROWS for pair in (*_pairs(row), *_pairs(row[::-1]), *(c + c for c in row))
)


class Door(StrEnum):
    """Where guesses are counted."""

    PASSWORD = "password"  # noqa: S105 - the name of a door
    PAIR = "pair"
    CODE = "code"
    PASSKEY = "passkey"
    CARD = "card"  # The PIN of a card at a front desk.
    DESK_PIN = "desk_pin"  # The PIN of a person who works in a home, at its front desk.
    LINK = "link"  # How often a page on any phone is used.
    PROVIDER = "provider"  # How often a browser sets out for a sign-in provider.
    RECEPTION = "reception"  # The code by which an agency says that it can take a child over.
    LIST = "list"  # The PIN of a witness, at the list of a day.
    WELCOME = "welcome"  # The code that links an account there to a person.


class Proof(StrEnum):
    """How a person has shown who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a proof
    CODE = "code"  # Of an app that makes one each half minute.
    RECOVERY = "recovery"
    PASSKEY = "passkey"
    PROVIDER = "provider"  # What a sign-in provider says.
    PROVIDER_AND_KEY = "provider_and_key"  # The same, where a second key was asked there.


class Sure(StrEnum):
    """How an administrator made sure who asks that a second key goes away."""

    SEEN = "seen"
    CALLED = "called"  # On the number that the agency had before.
    VOUCHED = "vouched"  # By a colleague.
    OTHER = "other"  # In words.


class Ended(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "signed_out"
    SHUT_OUT = "shut_out"
    REPLACED = "replaced"  # The same device was paired again.
    DISABLED = "disabled"
    PASSWORD = "password"  # noqa: S105 - the password was changed
    SECOND_KEY = "second_key"  # An administrator took the second key away: the phone was lost.
    PROVIDER = "provider"  # The account at the sign-in provider opens nothing here any more.
    ELSEWHERE = "elsewhere"  # The person ended it from another device.
    ANEW = "anew"  # A sign-in in the same browser took its place.
    RESTORED = "restored"  # The database came back from a backup: it may have ended since then.


# For these the app says that the phone was blocked, and offers to hand in what it has not sent.
REVOKED = frozenset({Ended.SHUT_OUT, Ended.REPLACED})


class InviteEnded(StrEnum):
    """Why an invitation is over."""

    USED = "used"
    BURNED = "burned"
    EXPIRED = "expired"
    REPLACED = "replaced"
    DISABLED = "disabled"
    RESTORED = "restored"  # It may have been used since the backup.


class Limit(msgspec.Struct, frozen=True):
    """So many wrong tries in so long a time, then a wait."""

    tries: int
    within: timedelta

    def wait(self, tries: Sequence[datetime], now: datetime) -> int:
        """Seconds until the next try is allowed; 0: now. `tries` in any order, older ones too."""
        recent = sorted(at for at in tries if at > now - self.within)
        if len(recent) < self.tries:
            return 0
        # When so many of them are out of the window that there is room for one more.
        frees = recent[len(recent) - self.tries] + self.within
        return max(1, ceil((frees - now).total_seconds()))


# One name: enough for a person who mixes up passwords, far too few for a list of common ones. One
# network: a whole office may sit behind one address.
PASSWORD_BY_NAME = Limit(10, timedelta(minutes=15))
PASSWORD_BY_NETWORK = Limit(60, timedelta(minutes=15))
PAIR_BY_NETWORK = Limit(20, timedelta(minutes=15))
# An attacker who guesses codes knows the password already. Three of a million codes count at any
# moment, so the day's limit leaves one chance in ten thousand.
CODE_BY_PERSON = Limit(5, timedelta(minutes=15))
CODE_BY_PERSON_A_DAY = Limit(25, timedelta(days=1))
# A browser in which a person has signed in may still sign in while strangers guess elsewhere. After
# this many wrong guesses, passwords and codes together, it is like any other browser.
BROWSER_GUESSES = 10
BROWSER_LASTS = timedelta(days=180)
BROWSERS_IN_COOKIE = 8
# A link past the wait. An attacker who makes a person wait can have one sent, so there are few.
LINK_LASTS = timedelta(minutes=30)
LINK_SPACING = timedelta(minutes=5)
LINKS_AN_HOUR = 3
# Signatures cannot be guessed; this is about rows that strangers make us write.
PASSKEY_BY_NETWORK = Limit(120, timedelta(minutes=15))
PROVIDER_BY_NETWORK = Limit(120, timedelta(minutes=15))
# A guesser here has an account of the agency already; eight characters are 40 bits.
WELCOME_BY_ACCOUNT = Limit(10, timedelta(hours=1))
# The same length, for a person who works for an agency.
RECEPTION_BY_PERSON = Limit(10, timedelta(hours=1))


def fold(name: str) -> str:
    """A sign-in name as it is compared: neither case nor spaces around it make another one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_sign_in_name(name: str) -> bool:
    """Whether a person can be given this name for signing in."""
    folded = fold(name)
    return 0 < len(folded) <= LONGEST_SIGN_IN_NAME and folded.isprintable()


def is_good_password(password: str, name: str) -> bool:
    """Long enough, of more than a few characters, and not made of the name, of words that everyone
    here would try first, or of keys in a row.

    Length is what counts; rules about digits and signs only make people write passwords down
    (NIST SP 800-63B, 5.1.1).
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return False
    rest = fold(password)
    for word in filter(None, (fold(name), *TRIED_FIRST)):
        rest = rest.replace(word, "")
    return len(set(password)) >= 5 and _unforeseen(rest) >= SHORTEST_PASSWORD - 4


def _unforeseen(text: str) -> int:
    """How many characters it has, where four or more neighbours of one row count as one."""
    length, run = 0, 1
    for before, char in zip(" " + text, text + " ", strict=True):
        if before + char in _NEIGHBOURS:
            run += 1
            continue
        length += 1 if run >= SHORTEST_ROW else run
        run = 1
    return length - 1  # The blank in front.


def is_here(path: str) -> bool:
    """Whether it is a path of ours: what another site put there is not followed."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return False  # Brackets that hold no address.
    is_plain = not (parts.scheme or parts.netloc) and "\\" not in path and path.isprintable()
    return is_plain and path.startswith("/") and not path.startswith("//")


def network_of(host: str) -> str:
    """What is counted as one guesser: an IPv4 address, or the /64 that one IPv6 household gets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def index_of(name: str) -> str:
    """What the blind index of a sign-in name is taken of."""
    return f"sign-in {fold(name)}"


def password_keys(name: str, host: str) -> list[tuple[str, Limit]]:
    """What a guess at the password of this name, from there, counts for."""
    return [
        (f"name {fold(name)}", PASSWORD_BY_NAME),
        (f"network {network_of(host)}", PASSWORD_BY_NETWORK),
    ]


def split_code(code: str) -> tuple[str, str] | None:
    """The name of an invitation and its secret, of a normalised code; None if it is none."""
    if len(code) != NAME_LENGTH + SECRET_LENGTH:
        return None
    return code[:NAME_LENGTH], code[NAME_LENGTH:]


def spaced(code: str) -> str:
    """A code as people read it: two groups of four."""
    return f"{code[:4]} {code[4:]}"


def expires_at(made_at: datetime, *, is_child: bool) -> datetime | None:
    """When a new session ends by itself."""
    return None if is_child else made_at + STAFF_AT_MOST


def warned_at(made_at: datetime, expires: datetime) -> datetime:
    """From when on we say that a session ends, however much it is used."""
    return expires - min(WARNED_BEFORE, (expires - made_at) / 6)


def is_over(
    expires: datetime | None,
    last_seen_at: datetime,
    now: datetime,
    idle: timedelta = STAFF_IDLE,
) -> bool:
    """Whether a session has run out: at its end, or, if it has an end, unused for too long."""
    return expires is not None and (now >= expires or now - last_seen_at >= idle)


def is_fresh(proved_at: datetime, now: datetime) -> bool:
    """Whether a person has shown recently enough who they are."""
    return now - proved_at < PROOF_LASTS


_ALERT = re.compile(r"/desk/alerts/[0-9a-f-]{36}(?:/together)?(?:\?.*)?")


def is_alert(path: str) -> bool:
    """Whether the path is the page of an alert, as in a message."""
    return _ALERT.fullmatch(path) is not None


# What opens to a person who has to choose a password of their own first.
_WITHOUT_PASSWORD = frozenset({"/desk/settings/password", "/api/v1/sessions"})
# Where staff read and take alerts, report a child missing or seen, and set up a second key, and the
# Help. A person who needs a second key and has none yet may still open these.
_WITHOUT_KEY = re.compile(
    r"/desk/(?:alerts/.+|settings/second-key(?:/.*)?|again(?:/.*)?|help(?:/.*)?"
    r"|children/[0-9a-f-]{36}/(?:missing|sighting|check-in))"
    r"|/api/v1/(?:alerts(?:/.+)?|sessions|me|push-subscriptions(?:/.+)?"
    r"|children/[0-9a-f-]{36}/(?:missing|sightings|check-ins))"
)


def is_open_without_key(path: str) -> bool:
    """Whether this path is open to a session whose person needs a second key and has none."""
    return is_outside(path) or _WITHOUT_KEY.fullmatch(path) is not None


def is_open_without_password(path: str) -> bool:
    """The same for a session that a password opened which another person had handed over."""
    return is_outside(path) or path in _WITHOUT_PASSWORD
