"""What is sealed opens under our keys alone, over rotation, and in both kinds of field."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.security import encryption
from server.security.encryption import EncryptedJSON, EncryptedText, Expired, Keyring, Unreadable

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(texts)
def test_what_is_sealed_opens_again(text: str) -> None:
    ring = Keyring([NEW, OLD])
    token = ring.seal(text)
    assert ring.open(token) == text
    assert token.isascii()
    assert text not in token or not text.strip() or len(text) < 4


def test_the_same_text_is_sealed_differently_each_time() -> None:
    ring = Keyring([NEW])
    assert ring.seal("Mia") != ring.seal("Mia")


def test_every_key_opens_and_the_first_one_seals() -> None:
    old, both, new = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([NEW])
    assert both.open(old.seal("words")) == "words"
    assert new.open(both.seal("words")) == "words"
    assert both.is_current(new.seal("words"))
    assert not both.is_current(old.seal("words"))
    assert not both.is_current("words")
    with pytest.raises(Unreadable, match="WAYMARK_SECRET_KEYS"):
        old.open(both.seal("words"))


SEALED = Keyring([NEW]).seal("words of a child")


@given(st.integers(0, 10_000), st.sampled_from("ABab01-_"))
def test_a_changed_token_does_not_open(place: int, char: str) -> None:
    # The last character of base64 has bits that mean nothing, so it is left alone.
    at = place % (len(SEALED) - 1)
    assume(SEALED[at] != char)
    with pytest.raises(Unreadable):
        Keyring([NEW]).open(SEALED[:at] + char + SEALED[at + 1 :])


@pytest.mark.parametrize("token", ["", "words", "wm1.", "wm1.short", "wm1.ü" + "a" * 60])
def test_what_is_no_token_is_unreadable_and_nothing_worse(token: str) -> None:
    with pytest.raises(Unreadable):
        Keyring([NEW]).open(token)


def test_a_new_first_key_changes_no_blind_index() -> None:
    assert Keyring([NEW, OLD]).blind("tom") == Keyring([OLD]).blind("tom")
    assert Keyring([NEW]).blind("tom") != Keyring([OLD]).blind("tom")
    assert Keyring([OLD]).blind("tom") != Keyring([OLD]).blind("Tom")


def test_while_the_oldest_key_is_dropped_rows_are_found_under_any() -> None:
    both = Keyring([NEW, OLD])
    assert both.blinds("tom") == [Keyring([OLD]).blind("tom"), Keyring([NEW]).blind("tom")]
    assert both.blinds("tom")[0] == both.blind("tom")


@given(texts, st.sampled_from(["ask", "invite"]))
def test_a_signed_value_comes_back_for_its_purpose_alone(value: str, purpose: str) -> None:
    ring = Keyring([NEW, OLD])
    token = ring.sign(value, purpose)
    assert ring.unsign(token, purpose) == value
    assert all(char.isalnum() or char in "-_." for char in token)
    with pytest.raises(Unreadable):
        ring.unsign(token, purpose + "s")


def test_signatures_outlive_rotation_and_end_with_their_key() -> None:
    token = Keyring([OLD]).sign("x", "ask")
    assert Keyring([NEW, OLD]).unsign(token, "ask") == "x"
    with pytest.raises(Unreadable):
        Keyring([NEW]).unsign(token, "ask")


def test_a_token_with_an_end_ends() -> None:
    ring = Keyring([NEW])
    token = ring.sign("x", "ask", until=NOW + timedelta(minutes=5))
    assert ring.unsign(token, "ask", NOW) == "x"
    with pytest.raises(Expired):
        ring.unsign(token, "ask", NOW + timedelta(minutes=5))
    with pytest.raises(AssertionError):
        ring.unsign(token, "ask")


@given(st.text(max_size=80))
def test_no_text_passes_as_signed(text: str) -> None:
    with pytest.raises(Unreadable):
        Keyring([NEW]).unsign(text, "ask", NOW)


@given(st.text("abc", max_size=9), st.integers(0, 200), st.sampled_from("ABCDabcd019-_"))
def test_a_signed_token_has_one_spelling(value: str, at: int, letter: str) -> None:
    ring = Keyring([NEW])
    token = ring.sign(value, "ask")
    at %= len(token)
    assume(token[at] != letter)
    with pytest.raises(Unreadable):
        ring.unsign(token[:at] + letter + token[at + 1 :], "ask", NOW)


def test_keys_for_different_uses_differ() -> None:
    uses = ("seal", "sign", "blind index")
    assert len({encryption._derive(NEW, use) for use in uses}) == 3


def test_a_keyring_hides_its_keys() -> None:
    assert NEW not in repr(Keyring([NEW]))


def test_fields_seal_on_the_way_in_and_open_on_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encryption, "_in_use", Keyring([NEW]))
    text, data = EncryptedText(null=True), EncryptedJSON()
    stored = text.to_db_value("Mia", None)
    assert stored is not None
    assert "Mia" not in stored
    assert text.to_python_value(stored) == "Mia"
    assert text.to_db_value(None, None) is None
    assert text.to_python_value(None) is None
    for value in ({"a": [1, "ü"]}, [1], "plain", 3, False):
        sealed = data.to_db_value(value, None)
        assert sealed is not None
        assert data.to_python_value(sealed) == value
        assert data.to_python_value(value) == value
    assert data.to_db_value(None, None) is None
    with pytest.raises(ValueError, match="JSON"):
        data.to_db_value(float("nan"), None)


def test_a_text_that_only_begins_like_a_sealed_one_is_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encryption, "_in_use", Keyring([NEW]))
    assert EncryptedText().to_python_value("wm1.hello") == "wm1.hello"
    assert not encryption.holds_sealed("wm1.hello")
    assert encryption.holds_sealed("x " + Keyring([OTHER]).seal(""))


@pytest.mark.parametrize("field", [EncryptedText(), EncryptedJSON()])
def test_fields_are_text_columns_that_migrations_can_import(
    field: EncryptedText | EncryptedJSON,
) -> None:
    path, arguments, _ = field.deconstruct()
    assert path == f"server.security.encryption.{type(field).__name__}"
    assert arguments == []
    for dialect in ("sqlite", "postgres"):
        assert field.get_for_dialect(dialect, "SQL_TYPE") == "TEXT"


def test_tokens_are_long_random_and_hashed() -> None:
    first, second = encryption.new_token(), encryption.new_token()
    assert first != second
    assert len(first) == 43
    assert len(encryption.hash_token(first)) == 64
    assert encryption.hash_token(first) == encryption.hash_token(first)
    assert encryption.hash_token("\ud800") != encryption.hash_token("")


@given(st.integers(1, 20))
def test_a_code_survives_how_people_write_it(length: int) -> None:
    code = encryption.new_code(length)
    assert len(code) == length
    assert not set(code) & set("ILOU")
    spoken = " - ".join(code.lower()).replace("0", "o").replace("1", "l")
    assert encryption.normalise_code(spoken) == code


def test_digits_of_an_arabic_keyboard_are_digits() -> None:
    assert encryption.normalise_code("٣۴\uff41b") == "34AB"


@given(st.text(max_size=40))
def test_any_text_can_be_normalised_twice(text: str) -> None:
    once = encryption.normalise_code(text)
    assert encryption.normalise_code(once) == once
