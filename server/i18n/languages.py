"""The languages of Waymark: everything the server has to know of each, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Language = Literal["en", "fr", "ar"]


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    name: str
    """Its own name, for people who read no other language."""
    region: str
    """Whose way of writing dates and numbers it follows, as CLDR calls it."""
    plurals: tuple[int, str]
    """How many forms a number has, and the rule: CLDR's, as gettext spells it."""
    direction: Literal["ltr", "rtl"] = "ltr"


TABLE: Final[Mapping[str, LanguageFacts]] = {
    # Most of Europe writes the day first, and 24 hours.
    "en": LanguageFacts("English", "en_GB", (2, "nplurals=2; plural=(n != 1);")),
    "fr": LanguageFacts("Français", "fr", (2, "nplurals=2; plural=(n > 1);")),
    "ar": LanguageFacts(
        "العربية",
        "ar",
        (
            6,
            "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :"
            " n%100>=11 && n%100<=99 ? 4 : 5);",
        ),
        direction="rtl",
    ),
}
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NAMES: Final[Mapping[str, str]] = {code: language.name for code, language in TABLE.items()}
