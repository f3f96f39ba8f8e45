"""Who we are to a push service."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from server.notify.channels.configured import configured
from server.notify.channels.email import Email
from server.notify.channels.other import Other
from server.notify.channels.push import Push
from server.notify.channels.vapid import check_subject, new_key, read_key, unb64url
from server.security import keys
from server.settings import SettingFault, Settings, load


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, secret: bytes = b"") -> bytes:
    sealing = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing)


def test_the_key_that_a_first_start_makes_is_read_and_known_by_the_same_name(
    tmp_path: Path,
) -> None:
    file = keys.vapid_private_key_file(tmp_path / "keys")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = read_key(file.read_bytes())
    assert key.application_server_key == keys.vapid_public_key(file)
    assert len(unb64url(key.application_server_key)) == 65
    assert read_key(key.private_pem).application_server_key == key.application_server_key


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"secret",
        b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.generate_private_key(ec.SECP256R1()), secret=b"secret"),
        new_key().public_pem,
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="key") as caught:
        read_key(wrong)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_private_key_does_not_show_itself() -> None:
    assert "object at" not in repr(new_key())


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ("ops@example.org", "mailto:ops@example.org"),
        ("mailto:ops@example.org", "mailto:ops@example.org"),
        (" ops@example.org ", "mailto:ops@example.org"),
        ("https://example.org/contact", "https://example.org/contact"),
    ],
)
def test_a_subject_is_written_as_every_push_service_wants_it(given: str, subject: str) -> None:
    assert check_subject(given) == subject


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ops",
        "@",
        "ops@",
        "https://",
        "http://example.org",
        "mailto:mailto:ops@example.org",
        "<ops@example.org>",
        "ops @example.org",
        "mailto:",
    ],
)
def test_what_is_no_subject_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="address"):
        check_subject(given)


def settings(tmp_path: Path, **more: str) -> Settings:
    return load({f"WAYMARK_{name}": value for name, value in more.items()}, tmp_path)


def now() -> datetime:
    return datetime(2026, 11, 25, tzinfo=UTC)


async def test_an_installation_has_the_channels_that_its_settings_name(tmp_path: Path) -> None:
    made = configured(
        settings(
            tmp_path, SMTP_URL="smtp://localhost:2525", CHANNELS="sms=json://localhost/{address}"
        ),
        now,
    )
    assert {name: type(channel) for name, channel in made.items()} == {
        "push": Push,
        "email": Email,
        "sms": Other,
    }
    for channel in made.values():
        await channel.open()
        await channel.close()


def test_an_installation_without_settings_has_push(tmp_path: Path) -> None:
    assert set(configured(settings(tmp_path), now)) == {"push"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "smtp://user:secret@mx.example.org"),
        ("PUSH_ORIGINS", "https://*.org"),
    ],
)
def test_a_setting_that_only_a_channel_can_judge_stops_the_start(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingFault, match=name) as caught:
        configured(settings(tmp_path, **{name: value}), now)
    assert "secret" not in str(caught.value)


def test_a_key_file_that_was_taken_away_stops_the_start(tmp_path: Path) -> None:
    found = settings(tmp_path)
    found.vapid_private_key_file.unlink()
    with pytest.raises(SettingFault, match="VAPID"):
        configured(found, now)
