"""The words of a roll call by text. Neither a name nor what the list is of: only numbers. Pure.

What is asked fits into one part of an SMS in Latin script: 160 characters of its alphabet.
"""

from collections.abc import Mapping
from typing import Any

from server.i18n import N_, gettext, ngettext

_ASK = N_(
    "Roll call {time}. Reply 0 if all are here, or the numbers of those who are not: 3 7. From the"
    " list."
)
_ASK_IN = N_(
    "Roll call {letter} {time}. Reply {letter} 0 if all are here, or {letter} and the numbers of"
    " those who are not: {letter} 3 7. From the list."
)
_ASK_ABOUT_ONE = N_("Roll call {time}. Reply 0 if they are there, {one} if they are not.")
_WORDS: Mapping[str, str] = {
    "nonsense": N_(
        "Not understood. Reply 0 if all are here, or the numbers of those who are not: 3 7. With"
        " permission: 3+. Don't know: 3?"
    ),
    "no_number": N_(
        "Not on the list: {numbers}. Nothing is noted. Please look again and send all numbers."
    ),
    "which": N_("Which one? Write its letter first: {letters}."),
    "shared": N_(
        "Nothing is noted: several people use this number, so we don't know which roll call you"
        " mean. Please sign in and do it there."
    ),
    "shared_call": N_(
        "Nothing is noted: several people use this number. Please sign in to do the roll call, or"
        " call {phone}."
    ),
}
_NOTED = N_("Noted: {here} here.")
_NOTED_AWAY = N_("Noted: {here} here, not here {away}.")


def say(language: str, facts: Mapping[str, Any]) -> str:
    """The text for these facts, which rows store: `says`, and what it mentions."""
    says = facts["says"]
    if says == "ask":
        letter, only = facts["letter"], facts["one"]
        sentence = _ASK_IN if letter else _ASK_ABOUT_ONE if only else _ASK
        return gettext(language, sentence, time=facts["time"], letter=letter, one=only)
    if says == "noted":
        return " ".join(_noted(language, facts))
    return gettext(
        language,
        _WORDS[says],
        numbers=facts.get("numbers", ""),
        letters=facts.get("letters", ""),
        phone=facts.get("phone", ""),
    )


def _noted(language: str, facts: Mapping[str, Any]) -> list[str]:
    away, unknown, excused = facts["away"], facts["unknown"], facts["excused"]
    sentence = _NOTED_AWAY if away else _NOTED
    lines = [gettext(language, sentence, here=facts["here"], away=away)]
    if unknown:
        lines.append(gettext(language, N_("Don't know: {numbers}."), numbers=unknown))
    if excused:
        lines.append(gettext(language, N_("With permission: {numbers}."), numbers=excused))
    if facts["left"]:
        left = facts["left"]
        lines.append(
            ngettext(
                language,
                "{n} is not on your list yet: open the page.",
                "{n} are not on your list yet: open the page.",
                left,
            )
        )
    return lines
