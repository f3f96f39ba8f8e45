"""Words that many pages share: moments, spans, levels, names, ways of an answer. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from server.i18n import N_, format_day, format_span, format_time, gettext
from server.policy.model import Tier

TIERS: Mapping[Tier, tuple[str, str]] = {
    Tier.HIGH: (
        N_("High"),
        N_("The first days, after a return, before a hearing, when something worries you."),
    ),
    Tier.MID: (N_("Medium"), N_("A placement that is still new, or has been unsettled lately.")),
    Tier.LOW: (N_("Low"), N_("A settled placement.")),
}
# How an answer came that did not come by the app. A text with other words than the agreed ones says
# only that a person has the phone.
WAYS: dict[str, str] = {
    "sms": N_("by SMS, with the agreed word"),
    "link": N_("by a link on another phone"),
    "card": N_("with their card and PIN, at the front desk"),
    "voice": N_("said aloud to the carer"),
    "carer": N_("given by the carer"),
    "worker": N_("given by the caseworker"),
}
TEXT = "text"
# A call for help at a front desk after too many wrong PINs: how it came, and why the alert opened.
BY_CARD, CARD_HELP = "card", "card_help"
UNCHECKED = N_("with this card, PIN not checked")
_UTC = ZoneInfo("UTC")


NOT_MET = N_("nobody has met the child since {time}")


def when(
    language: str, at: datetime, zone: ZoneInfo, now: datetime, *, beside: datetime | None = None
) -> str:
    """ "18:00" today, else "yesterday 18:00", "Mon 2 Mar 18:00"; on the reader's clock. `beside` a
    moment of another day: "today 18:00"."""
    local = at.astimezone(zone).replace(second=0, microsecond=0, tzinfo=UTC)
    today = now.astimezone(zone).date()
    is_bare = local.date() == today and (beside or at).astimezone(zone).date() == today
    return _when(language, local, today, is_bare)


# A board of two hundred children formats the same few times again and again. We pass the wall clock
# as if it were UTC, which formats to the same letters.
@lru_cache(maxsize=8192)
def _when(language: str, local: datetime, today: date, is_bare: bool) -> str:
    clock = format_time(language, local, _UTC)
    if is_bare:
        return clock
    day = format_day(language, local, _UTC, datetime.combine(today, time(12), UTC))
    return gettext(language, N_("{day} {time}"), day=day, time=clock)


def said_and_arrived(
    language: str, at: Callable[..., str], said_at: datetime, received_at: datetime
) -> str:
    """ "said Sun 1 Mar 18:02, arrived today 20:10": a part of a sentence, about words that waited.
    `at`: a moment on the reader's clock, with its day `beside` one of another day."""
    text = N_("said {said}, arrived {arrived}")
    return gettext(language, text, said=at(said_at), arrived=at(received_at, beside=said_at))


def clock_there(name: str, there: ZoneInfo, here: ZoneInfo, *, language: str, now: datetime) -> str:
    """What the clock of a child shows now, for a reader whose clock shows another time; else ""."""
    if now.astimezone(there).utcoffset() == now.astimezone(here).utcoffset():
        return ""
    return gettext(
        language,
        N_("Times here are yours. For {name} it is {time} now."),
        name=name,
        time=when(language, now, there, now),
    )


@lru_cache(maxsize=1024)
def span(language: str, delta: timedelta) -> str:
    """How long, short: "25 mins"."""
    return format_span(language, delta)


def lasted(language: str, delta: timedelta) -> str:
    """The same for what a person counts the minutes of: never "0 mins"."""
    if delta < timedelta(minutes=1):
        return gettext(language, N_("less than a minute"))
    return format_span(language, delta)


def way_in_words(way: str, language: str) -> str:
    """How an answer came, in words; empty for the app."""
    return gettext(language, WAYS[way]) if way in WAYS else ""


def initials(names: Sequence[str]) -> list[str]:
    """The first letters of the first and the last word of each name; if several names have the
    same, up to three letters of the first word."""
    short = [_short(name, 1) for name in names]
    for letters in (2, 3):
        short = [
            _short(name, letters) if short.count(initial) > 1 else initial
            for name, initial in zip(names, short, strict=True)
        ]
    return short


def _short(name: str, letters: int) -> str:
    words = name.split()
    ends = [word[:letters] for word in words[:1]] + [word[0] for word in words[1:][-1:]]
    return " ".join(f"{end[0].upper()}{end[1:]}." for end in ends)
