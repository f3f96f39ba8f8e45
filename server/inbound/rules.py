"""What a text means, who may have sent it, and whether a gateway did. Pure."""

import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from uuid import UUID, uuid5

import msgspec

from server.auth.rules import Limit
from server.phone_numbers import plain, without_trunk

# --- the webhook

# A captured request is worth nothing after this.
FRESH = timedelta(minutes=5)
# So much of a text is kept, and so much of it is looked through for an agreed word.
LONGEST_TEXT = 5_000
LONGEST_READ = 100_000


class Seal:
    """What a gateway sends as `X-Waymark-Signature`, by each of our secrets: HMAC-SHA256 over the
    stamp, a dot and the body, in hexadecimal. The body comes part by part."""

    def __init__(self, secrets: Sequence[str], stamp: str) -> None:
        self._stamp = stamp
        begun = stamp.encode() + b"."
        self._macs = [hmac.new(secret.encode(), begun, sha256) for secret in secrets]

    def feed(self, part: bytes) -> None:
        """A part of the body."""
        for mac in self._macs:
            mac.update(part)

    def is_of(self, given: str, now: datetime) -> bool:
        """Whether one of the secrets signed this body lately. The stamp is in seconds since
        1970."""
        stamp = self._stamp
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and given.isascii()):
            return False
        signature = given.removeprefix("sha256=").lower()
        matches = [hmac.compare_digest(mac.hexdigest(), signature) for mac in self._macs]
        return any(matches) and abs(now.timestamp() - int(stamp)) <= FRESH.total_seconds()


# --- who sent it


def number(text: str) -> str | None:
    """A telephone number for comparison, such as +33612345678; None where it is none.

    Digits of every script count, spaces and signs do not, and 00 is +.
    """
    written = without_trunk(plain(text))
    digits = "".join(str(unicodedata.digit(char)) for char in written if char.isdigit())
    if written.startswith("00"):
        written, digits = "+", digits[2:]
    has_other = any(char.isalpha() or char == "@" for char in written)
    if has_other or not 5 <= len(digits) <= 15:
        return None
    return f"+{digits}" if written.startswith("+") else digits


def spellings(sender: str) -> list[str]:
    """The spellings of the same sender in an address that a person typed."""
    variants = [sender.strip()]
    same = number(sender)
    if same is not None:
        bare = same.removeprefix("+")
        variants += [same, bare, f"+{bare}", f"00{bare}"]
    else:
        variants.append(sender.strip().casefold())
    return list(dict.fromkeys(variants))


# --- what it says


def fold(text: str) -> str:
    """A text for comparison: case, accents, signs, blanks and the script of a digit make no
    difference."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = []
    for char in plain.replace("\u0640", ""):  # The stroke that stretches an Arabic word.
        if char.isdigit():
            kept.append(str(unicodedata.digit(char)))
        elif char.isalpha():
            kept.append(char)
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Cf":
            kept.append(" ")
    return " ".join("".join(kept).split())


class Meant(StrEnum):
    """The meaning of an agreed word."""

    OK = "ok"
    OTHER = "other"  # As `ok` in all that shows; the child and its worker know better.
    HELP = "help"


SHORTEST_WORD, LONGEST_WORD = 2, 40


def meant(text: str, words: Mapping[str, str], *, is_damaged: bool = False) -> Meant | None:
    """What a text means by the agreed words; None where it is none of them.

    A word that says all is well has to be the whole text, and none of it may be missing. A call for
    help counts wherever it is.
    """
    folded = fold(text)
    for what in () if is_damaged else (Meant.OK, Meant.OTHER):
        if words.get(what) and folded == fold(words[what]):
            return what
    asked = fold(words.get(Meant.HELP, ""))
    return Meant.HELP if asked and f" {asked} " in f" {folded} " else None


def wrong_word(words: Mapping[str, str], taken: Sequence[str] = ()) -> tuple[str, str] | None:
    """Which agreed word is invalid, and why; None where all are valid. `taken`: folded words that
    already have a meaning with this number."""
    seen = list(taken)
    for name, word in words.items():
        folded = fold(word)
        if name == Meant.OTHER and not folded:
            continue
        if not SHORTEST_WORD <= len(folded) <= LONGEST_WORD:
            return name, "length"
        if any(f" {folded} " in f" {other} " or f" {other} " in f" {folded} " for other in seen):
            return name, "taken"
        seen.append(folded)
    return None


# --- what an adult answers

CODE_LENGTH = 4
YES = frozenset({"1", "yes", "seen", "ok", "oui", "vu", "نعم", "رايته"})
NO = frozenset({"2", "no", "not", "non", "pas", "لا"})


class Reply(msgspec.Struct, frozen=True):
    """An adult's reply: yes, no or neither, and anything in it that may be a code."""

    says: bool | None
    codes: tuple[str, ...]


def read_reply(text: str) -> Reply:
    """Only the first line that has words counts: a mail quotes ours below."""
    line = next(
        (
            candidate
            for candidate in text.splitlines()
            if fold(candidate) and not candidate.startswith(">")
        ),
        "",
    )
    words = fold(line).split()
    says = next((word in YES for word in words if word in YES | NO), None)
    codes = tuple(word.upper() for word in words if len(word) == CODE_LENGTH)
    return Reply(says, codes)


# --- links and cards

# A page left open, or that a browser goes back to, has the old id: that is a repeat for so long,
# and something new afterwards. All that this loses is a doubled row.
REPEATS = timedelta(minutes=10)


def tap_id(whose: UUID, page_id: UUID, want: str, now: datetime) -> UUID:
    """The id of a tap: the same page, by the same child, for the same thing, is one tap."""
    stretch = int(now.timestamp() // REPEATS.total_seconds())
    return uuid5(whose, f"{page_id} {want} {stretch}")


LINK_LASTS = (1, 7, 30)  # Days.
MOST_LINKS = 5
# A child taps once or a few times; a call for help is never counted.
LINK_USES = Limit(20, timedelta(hours=1))

CARD_LENGTH = 10
SHORTEST_PIN, LONGEST_PIN = 4, 8
# A PIN of four digits: five tries a quarter of an hour, and ten in a row lock the card for good.
CARD_BY_CARD = Limit(5, timedelta(minutes=15))
# Calls for help whose PIN is not checked, while adults have an alert about one.
CARD_HELP_EVERY = timedelta(minutes=1)
CARD_BY_DESK = Limit(30, timedelta(minutes=15))
WRONG_PINS = 10
DESK_LASTS = timedelta(days=30)
# So long a person who works in a home has the names of its children before them at a front desk.
UNLOCKED_FOR = timedelta(minutes=5)
# So many wrong PINs in a row are no slip of the finger: supervisors hear of it.
WRONG_PINS_TOLD = 3


def short_names(names: Sequence[str]) -> list[str]:
    """ "Sam O.": what a device that stands where children pass shows of the people who work there.
    Where two would be alike, both are whole."""
    short = [_short(name) for name in names]
    return [
        name if short.count(each) > 1 else each for name, each in zip(names, short, strict=True)
    ]


def _short(name: str) -> str:
    first, *more = name.split() or [""]
    return f"{first} {more[-1][0]}." if more else first


def pin_of(text: str) -> str:
    """The digits of a PIN, in any script; other signs stay, and match none."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return "".join(str(unicodedata.digit(char, char)) for char in plain)


def is_good_pin(pin: str) -> bool:
    """Digits, and not a PIN that anyone would try first."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    return steps not in ({0}, {1}, {-1})
