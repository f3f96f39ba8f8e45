"""Words that screens and documents do not come back to: they read like a translation, or name
nobody. The reasons and what to say instead: each list below, word by word."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import catalogs

ROOT = Path(__file__).parent.parent

# What to say instead. Codes, API fields, TOML and CSV keep their terms.
PLAIN = {
    "somebody": "a name, or “someone”",
    "whoever": "who it is",
    "whom": "who",
    "no more": "no longer, or not any more",
    "at the most": "up to",
    "let go": "dropped",
}
SCREENS = PLAIN | {
    "tier|tiers": "watch level",
    "rhythm": "check-in times",
    "shut out": "blocked",
    "in vain": "could not find",
    "spell|spells": "shift",
    "hand-over": "handover of a shift or a search, or transfer to another agency",
    "tie|ties|tied": "people around the child, assigned to you",
    "seldom": "not often",
    "telephone": "phone",
    "e-mail": "email",
    "take along|throw away": "keep on my phone, delete",
    "he|she|his|hers|himself|herself": "they, or a name",
}
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)


def found(words: dict[str, str], text: str) -> Iterator[str]:
    """One line for each word that should not be there."""
    for word, instead in words.items():
        if hit := re.search(rf"\b(?:{word})\b", re.sub(r"\{\w+\}", "", text), re.IGNORECASE):
            yield f"“{hit[0]}” in “{text.strip()}”. Say instead: {instead}."


def test_the_lists_find_whole_words_and_leave_placeholders() -> None:
    assert len(list(found(PLAIN, "Tell whoever it is, at the most twice."))) == 2
    assert len(list(found(SCREENS, "Three tiers, {whom}, of frontiers."))) == 1
    assert list(found(PLAIN, "Keep from: {whom}. Some body of text.")) == []


def test_no_message_comes_back_to_a_word_that_was_left_behind() -> None:
    used = catalogs.sources().used.values()
    texts = [text for message in used for text in (message.msgid, message.plural or "")]
    assert [line for text in texts for line in found(SCREENS, text)] == []


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_every_message_is_in_every_language(language: str) -> None:
    texts = catalogs.read(language).texts
    used = catalogs.sources().used
    assert [msgid for msgid in used if not catalogs._is_filled(texts.get(msgid, ""))] == []


def test_french_has_its_own_apostrophe() -> None:
    texts = catalogs.read("fr").texts.values()
    forms = [form for text in texts for form in ([text] if isinstance(text, str) else text)]
    assert [form for form in forms if "'" in form] == []


@pytest.mark.parametrize(
    "other",
    [
        r"(?<!ersonne )(?<!ersonnes )\bréférent",
        # It would be another person than “la personne responsable”.
        r"\b(?:un|le|du|au|les|des|aux) responsables?\b",
        r"accueillant",  # Carers are “personnes qui accueillent”.
    ],
)
def test_french_has_one_neutral_word_for_each_adult(other: str) -> None:
    texts = catalogs.read("fr").texts.values()
    forms = [form for text in texts for form in ([text] if isinstance(text, str) else text)]
    guides = (ROOT / "server/desk/help/guides/fr").glob("*.md")
    forms += [line for guide in guides for line in guide.read_text("utf-8").splitlines()]
    assert [form for form in forms if re.search(other, form, re.IGNORECASE)] == []


def test_arabic_calls_adults_and_does_not_summon_them() -> None:
    texts = catalogs.read("ar").texts.values()
    forms = [form for text in texts for form in ([text] if isinstance(text, str) else text)]
    assert [form for form in forms if "يُستدع" in form or "استدعاء" in form] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_in_plain_words(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    faults = [f"{n}: {line}" for n, text in enumerate(lines, 1) for line in found(PLAIN, text)]
    assert faults == []
