"""What messages say, and what they never say."""

import pytest

from server.i18n import LANGUAGES, gettext
from server.notify.rules import Kind
from server.notify.wording import SENTENCES, Facts, channel_title, neutral, word

URL = "https://planner.example.org/desk/alerts/1"


def test_every_kind_has_its_words() -> None:
    assert set(SENTENCES) == set(Kind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.THANKS])
def test_every_subject_to_a_person_is_the_neutral_one(kind: Kind, language: str) -> None:
    words = word(kind, language, Facts(display_name="Planner", url=URL, fault="push:vapid"))
    assert words.title == "Planner"
    if kind is Kind.OPERATORS:
        assert "push:vapid" in words.body
    elif kind is Kind.PAPER:
        assert words.subject == gettext(language, "A confidential document for you")
    else:
        assert words.subject == neutral(language)
    assert words.body.endswith(URL)
    assert "{" not in words.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_thanked_for_by_two_words_and_nothing_beside_them(language: str) -> None:
    words = word(Kind.THANKS, language, Facts(display_name="Planner", url=URL))
    assert words.title == words.subject == words.body
    assert "Planner" not in words.body
    assert URL not in words.body


def test_a_child_reads_nothing_that_the_lock_screen_would_not_say() -> None:
    assert word(Kind.REMIND_CHILD, "en", Facts(display_name="Planner")).body == neutral("en")


def test_adults_are_told_when_the_server_could_not_see() -> None:
    words = word(
        Kind.ALERT, "en", Facts(display_name="Planner", url=URL, unseen=("02:00", "05:00"))
    )
    assert words.body == (
        f"You are needed.\n\nOur server was down from 02:00 to 05:00.\n\nOpen: {URL}"
    )


def test_a_line_begins_with_the_channel_as_people_write_it() -> None:
    for channel, words in {
        "sms": ("SMS", "SMS", "رسالة نصية (SMS)"),
        "push": ("Push notification", "Notification", "إشعار"),
        "email": ("Email", "E-mail", "بريد إلكتروني"),
    }.items():
        assert tuple(channel_title(channel, language) for language in ("en", "fr", "ar")) == words
