"""The languages of Waymark, and what code has to know of each.

A language also needs words: its catalog in `locale/` (`python -m tools.catalogs`), its name in
`pwa/src/i18n.ts`, and the guides in `server/desk/help/guides/`. CONTRIBUTING.md has the steps.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

Language = Literal["en", "fr", "ar"]


class LanguageFacts(msgspec.Struct, frozen=True):
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
# Type checkers read the Literal, everything else the table.
if tuple(TABLE) != LANGUAGES:
    raise ValueError(f"Language lists {LANGUAGES}, TABLE has {tuple(TABLE)}")
NAMES: Final[Mapping[str, str]] = {code: language.name for code, language in TABLE.items()}
