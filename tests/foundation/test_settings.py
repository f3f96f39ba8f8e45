"""The environment is read once, completely, and its faults name the variable."""

import stat
import threading
from pathlib import Path

import pytest

from server import settings
from server.security import keys
from server.setting_table import SETTINGS
from server.settings import SettingFault, load

SECRET = "s" * 32


def in_production(tmp_path: Path, **more: str) -> dict[str, str]:
    file = keys.vapid_private_key_file(tmp_path / "elsewhere")
    return {
        "WAYMARK_PUBLIC_URL": "https://planner.example.org",
        "WAYMARK_SECRET_KEYS": SECRET,
        "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(file),
        **more,
    }


def test_nothing_needs_to_be_set_on_ones_own_machine(tmp_path: Path) -> None:
    read = load({}, tmp_path)
    assert read.database_url == f"sqlite://{tmp_path}/var/waymark.sqlite3"
    assert read.public_url == "http://127.0.0.1:8000"
    assert read.display_name == "Planner"
    assert read.var == tmp_path / "var"
    assert len(read.secret_keys) == 1
    assert (read.smtp_url, read.watchdog_url, read.metrics_token) == (None, None, None)
    assert (read.channels, read.last_resort, read.trusted_proxies) == ({}, (), ())
    assert "https://fcm.googleapis.com" in read.push_origins
    assert read.is_loopback
    assert not read.is_https


def test_the_public_url_follows_host_and_port(tmp_path: Path) -> None:
    assert load({"HOST": "::1", "PORT": "9000"}, tmp_path).public_url == "http://[::1]:9000"


def test_made_keys_are_private_and_stay_the_same(tmp_path: Path) -> None:
    first = load({}, tmp_path)
    second = load({}, tmp_path)
    folder = tmp_path / "var" / "keys"
    assert first.secret_keys == second.secret_keys
    assert first.vapid_private_key_file == second.vapid_private_key_file
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["secret_key", "vapid_private_key.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert keys.vapid_key_fault(first.vapid_private_key_file) is None


def test_two_starts_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    starts = 12
    gate = threading.Barrier(starts)
    seen: list[tuple[str, str]] = []

    def start() -> None:
        gate.wait()
        read = load({}, tmp_path)
        seen.append((read.secret_keys[0], read.vapid_private_key_file.read_text()))

    threads = [threading.Thread(target=start) for _ in range(starts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == starts
    assert len(set(seen)) == 1
    assert len(list((tmp_path / "var" / "keys").iterdir())) == 2


@pytest.mark.parametrize("name", ["WAYMARK_SECRET_KEYS", "WAYMARK_VAPID_PRIVATE_KEY_FILE"])
def test_elsewhere_a_missing_key_stops_the_start_even_where_one_was_made(
    tmp_path: Path, name: str
) -> None:
    load({}, tmp_path)
    environ = in_production(tmp_path)
    del environ[name]
    with pytest.raises(SettingFault) as caught:
        load(environ, tmp_path)
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name} must be set")


def test_nothing_is_made_where_the_start_is_stopped(tmp_path: Path) -> None:
    for url in ("https://planner.example.org", "planner"):
        with pytest.raises(SettingFault):
            load({"WAYMARK_PUBLIC_URL": url}, tmp_path)
    assert not (tmp_path / "var").exists()


def test_everything_can_be_set(tmp_path: Path) -> None:
    read = load(
        in_production(
            tmp_path,
            WAYMARK_DATABASE_URL="postgresql://way:p%40ss@db:5433/waymark",
            WAYMARK_SECRET_KEYS=f"{'n' * 40}, {SECRET}",
            WAYMARK_DISPLAY_NAME="Carnet",
            WAYMARK_VAPID_SUBJECT="mailto:ops@example.org",
            WAYMARK_SMTP_URL="smtps://way:word@mail.example.org:465",
            WAYMARK_MAIL_FROM="Planner <planner@example.org>",
            WAYMARK_CHANNELS="sms=json://gate.example.org/{address} chat=matrix://h/{address}",
            WAYMARK_INBOUND=f"sms={SECRET} email={'m' * 32} sms={'n' * 32}",
            WAYMARK_INBOUND_NUMBERS="sms=+33755550000",
            WAYMARK_LAST_RESORT="email:duty@example.org, sms:+33:1",
            WAYMARK_WATCHDOG_URL="https://watch.example.org/ping/1",
            WAYMARK_PUSH_ORIGINS="default http://127.0.0.1:9100,https://*.push.example.org/",
            WAYMARK_METRICS_TOKEN="metrics-token",
            WAYMARK_TRUSTED_PROXIES="10.0.0.1, 192.168.0.0/16",
        ),
        tmp_path,
    )
    assert read.database_url == "postgres://way:p%40ss@db:5433/waymark"
    assert read.secret_keys == ("n" * 40, SECRET)
    assert read.vapid_subject == "mailto:ops@example.org"
    assert read.channels == {
        "sms": "json://gate.example.org/{address}",
        "chat": "matrix://h/{address}",
    }
    assert read.inbound == {"sms": (SECRET, "n" * 32), "email": ("m" * 32,)}
    assert read.inbound_numbers == {"sms": "+33755550000"}
    assert read.last_resort == (("email", "duty@example.org"), ("sms", "+33:1"))
    assert read.push_origins[-2:] == ("http://127.0.0.1:9100", "https://*.push.example.org")
    assert read.trusted_proxies == ("10.0.0.1/32", "192.168.0.0/16")
    assert read.is_https
    assert not read.is_loopback


def test_a_secret_is_never_in_the_repr(tmp_path: Path) -> None:
    read = load(
        in_production(
            tmp_path,
            WAYMARK_DATABASE_URL="postgres://way:hidden@db/waymark",
            WAYMARK_SMTP_URL="smtp://way:hidden@mail",
            WAYMARK_CHANNELS="sms=json://hidden@h/{address}",
            WAYMARK_INBOUND=f"sms=hidden{'s' * 32}",
            WAYMARK_LAST_RESORT="email:hidden@example.org",
            WAYMARK_WATCHDOG_URL="https://watch.example.org/hidden",
            WAYMARK_METRICS_TOKEN="hidden",
        ),
        tmp_path,
    )
    assert "hidden" not in repr(read)
    assert SECRET not in repr(read)


def test_what_changes_in_the_environment_later_changes_nothing(tmp_path: Path) -> None:
    environ = {"WAYMARK_DISPLAY_NAME": "Before"}
    read = load(environ, tmp_path)
    environ["WAYMARK_DISPLAY_NAME"] = "After"
    assert read.display_name == "Before"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load({"WAYMARK_SMTP_URL": "  ", "PORT": ""}, tmp_path).smtp_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "not a host"),
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("WAYMARK_DATABASE_URL", "mysql://h/hidden"),
        ("WAYMARK_DATABASE_URL", "postgres://h:port/hidden"),
        ("WAYMARK_DATABASE_URL", "postgres://hidden"),
        ("WAYMARK_DATABASE_URL", "sqlite://"),
        ("WAYMARK_SECRET_KEYS", "hidden"),
        ("WAYMARK_SECRET_KEYS", ","),
        ("WAYMARK_SECRET_KEYS", f"{SECRET},{SECRET}"),
        ("WAYMARK_PUBLIC_URL", "hidden"),
        ("WAYMARK_PUBLIC_URL", "http://planner.example.org"),
        ("WAYMARK_PUBLIC_URL", "https://planner.example.org/hidden"),
        ("WAYMARK_PUBLIC_URL", "https://hidden:x@planner.example.org"),
        ("WAYMARK_PUBLIC_URL", "https://h:99999"),
        ("WAYMARK_DISPLAY_NAME", "x" * 31),
        ("WAYMARK_DISPLAY_NAME", "two\nlines"),
        ("WAYMARK_VAPID_PRIVATE_KEY_FILE", "/hidden/file"),
        ("WAYMARK_VAPID_SUBJECT", "mailto:hidden"),
        ("WAYMARK_VAPID_SUBJECT", "http://hidden"),
        ("WAYMARK_SMTP_URL", "mail.hidden"),
        ("WAYMARK_SMTP_URL", "smtp://h:hidden"),
        ("WAYMARK_MAIL_FROM", "hidden"),
        ("WAYMARK_CHANNELS", "json://hidden/{address}"),
        ("WAYMARK_CHANNELS", "sms=json://hidden"),
        ("WAYMARK_CHANNELS", "email=json://hidden/{address}"),
        ("WAYMARK_CHANNELS", "sms=a://hidden/{address} sms=b://hidden/{address}"),
        ("WAYMARK_INBOUND", "hidden"),
        ("WAYMARK_INBOUND", "email=hidden"),
        ("WAYMARK_INBOUND", f"sms=hidden{'s' * 32}"),
        ("WAYMARK_INBOUND", f"=hidden{'s' * 32}"),
        ("WAYMARK_INBOUND_NUMBERS", "email=+33755550000hidden"),
        ("WAYMARK_LAST_RESORT", "hidden"),
        ("WAYMARK_LAST_RESORT", "email:hidden"),
        ("WAYMARK_LAST_RESORT", "sms:hidden"),
        ("WAYMARK_WATCHDOG_URL", "ftp://hidden"),
        ("WAYMARK_PUSH_ORIGINS", "https://h/hidden"),
        ("WAYMARK_PUSH_ORIGINS", "http://hidden.example.org"),
        ("WAYMARK_PUSH_ORIGINS", "https://a.*.hidden"),
        ("WAYMARK_METRICS_TOKEN", "hidden word"),
        ("WAYMARK_TRUSTED_PROXIES", "hidden"),
    ],
)
def test_a_malformed_setting_is_named_in_one_line_without_its_value(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingFault) as caught:
        load({name: value}, tmp_path)
    line = str(caught.value)
    assert caught.value.name == name
    assert line.startswith(f"{name} ")
    assert "\n" not in line
    assert "hidden" not in line


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(SettingFault, match="P-256"):
        load({"WAYMARK_VAPID_PRIVATE_KEY_FILE": str(file)}, tmp_path)


def test_a_damaged_made_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "var" / "keys").mkdir(parents=True)
    (tmp_path / "var" / "keys" / "secret_key").write_text("half")
    with pytest.raises(SettingFault, match="damaged"):
        load({}, tmp_path)


def test_check_tells_every_fault_and_makes_nothing(tmp_path: Path) -> None:
    found = settings.faults({"PORT": "x", "WAYMARK_SMTP_URL": "y"}, tmp_path)
    assert [fault.name for fault in found] == ["PORT", "WAYMARK_SMTP_URL"]
    assert not (tmp_path / "var").exists()


def test_misspelt_names_are_found() -> None:
    environ = {"WAYMARK_SMTP": "x", "WAYMARK_SMTP_URL": "smtp://h", "PATH": "/"}
    assert settings.unknown(environ) == ["WAYMARK_SMTP"]


def test_every_setting_that_is_read_is_in_the_table(tmp_path: Path) -> None:
    class Noting(dict[str, str]):
        def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
            asked.add(name)
            return super().get(name, default)  # type: ignore[call-overload]

    asked: set[str] = set()
    load(Noting(), tmp_path)
    assert asked == {setting.name for setting in SETTINGS}


AGENCY = "01a217a3-4bb3-7ddc-a980-84b4aa2b9568"


def with_oidc(tmp_path: Path, text: str) -> settings.Settings:
    (tmp_path / "secret").write_text("of the client\n")
    (tmp_path / "empty").write_text("\n")
    return load({"WAYMARK_OIDC": text}, tmp_path)


def test_providers_of_sign_in_are_read_and_their_secret_is_shown_nowhere(tmp_path: Path) -> None:
    query = f"agency={AGENCY}&client=way%20mark&secret=secret"
    text = f"house=https://login.example.org/realm/?{query} near=http://127.0.0.1:9?{query}"
    read = with_oidc(tmp_path, text)
    assert list(read.oidc) == ["house", "near"]
    house = read.oidc["house"]
    assert (house.issuer, house.client_id) == ("https://login.example.org/realm/", "way mark")
    assert (str(house.agency_id), house.secret) == (AGENCY, "of the client")
    assert "of the client" not in repr(read)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("house", "must be NAME=ISSUER"),
        ("House=https://a.example?agency=A&client=c&secret=secret", "NAME in small letters"),
        ("house=http://login.example.org?agency=A&client=c&secret=secret", "not an https URL"),
        ("house=https://me@a.example?agency=A&client=c&secret=secret", "not an https URL"),
        ("house=https://a.example:port?agency=A&client=c&secret=secret", "is not a URL"),
        ("house=https://a.example", "must give house its agency="),
        ("house=https://a.example?agency=A&client=c", "must give house its agency="),
        ("house=https://a.example?agency=A&client=c&secret=secret&x=1", "must give house"),
        ("house=https://a.example?agency=first&client=c&secret=secret", "that is no id"),
        ("house=https://a.example?agency=A&client=c&secret=gone", "cannot be read"),
        ("house=https://a.example?agency=A&client=c&secret=empty", "that holds none"),
        (
            "house=https://a.example?agency=A&client=c&secret=secret"
            " house=https://b.example?agency=A&client=c&secret=secret",
            "names house twice",
        ),
    ],
)
def test_a_provider_that_is_written_wrongly_stops_the_start_with_one_line(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(SettingFault) as fault:
        with_oidc(tmp_path, text.replace("agency=A&", f"agency={AGENCY}&"))
    assert fault.value.name == "WAYMARK_OIDC"
    assert why in str(fault.value)
    assert "\n" not in str(fault.value)
    assert "of the client" not in str(fault.value)
