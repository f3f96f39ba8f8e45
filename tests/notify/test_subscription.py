"""Which push services may be sent to, and which subscriptions can be used."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import errors
from server.notify.channels.push import check_subscription
from server.notify.channels.subscription import parse_origins
from server.setting_parsers import PUBLIC_PUSH_ORIGINS
from tests.doubles.web_push import Receiver, encode

KEYS = Receiver().keys
PUBLIC = parse_origins(PUBLIC_PUSH_ORIGINS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
        "https://fcm.googleapis.com/wp/abc",
        "https://fcm.googleapis.com:443/wp/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QAbc-_",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2bx%3d",
    ],
)
def test_the_push_services_of_today_may_be_sent_to(endpoint: str) -> None:
    assert PUBLIC.allow(endpoint) is not None
    assert check_subscription({"endpoint": endpoint, "keys": KEYS}, PUBLIC_PUSH_ORIGINS) == (
        endpoint,
        KEYS,
    )


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/wp/abc",
        "https://fcm.googleapis.com:8443/wp/abc",
        "https://fcm.googleapis.com.evil.org/wp",
        "https://fcm.googleapis.com./wp",
        "https://evil-fcm.googleapis.com/wp",
        "https://notify.windows.com/w",
        "https://evilnotify.windows.com/w",
        "https://evil.org/https://fcm.googleapis.com/",
        "https://evil.org?fcm.googleapis.com",
        "https://evil.org#.notify.windows.com",
        "https://fcm.googleapis.com#x",
        "https://fcm.googleapis.com@evil.org/",
        "https://a:b@fcm.googleapis.com/",
        "https://@fcm.googleapis.com/",
        "https://evil.org\\.notify.windows.com/",
        "https://evil.org%2f.notify.windows.com/",
        "https://evil.org\t.notify.windows.com/",
        "https://fcm.googleapis.com/\r\nHost: evil.org",
        "https://fcm.googleapis.com/ü",
        "https://\uff46cm.googleapis.com/",
        "https://FCM.googleapis.com/wp/abc",
        " https://fcm.googleapis.com/",
        "//fcm.googleapis.com/",
        "https:fcm.googleapis.com",
        "https:///fcm.googleapis.com/",
        "ftp://fcm.googleapis.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fcm.googleapis.com]/",
        "https://fcm.googleapis.com:99999/",
        "https://fcm.googleapis.com:0/",
        "https://fcm.googleapis.com/" + "x" * 2048,
        "",
    ],
)
def test_nothing_else_may_be_sent_to(endpoint: str) -> None:
    assert PUBLIC.allow(endpoint) is None
    with pytest.raises(errors.Refused) as caught:
        check_subscription({"endpoint": endpoint, "keys": KEYS}, PUBLIC_PUSH_ORIGINS)
    assert caught.value.field == "endpoint"


@given(st.text(max_size=60))
def test_no_text_whatever_slips_through(text: str) -> None:
    for made in (text, f"https://{text}", f"https://{text}.notify.windows.com/"):
        origin = PUBLIC.allow(made)
        assert origin is None or origin.endswith(".notify.windows.com")


def test_plain_http_is_for_a_listed_origin_on_loopback() -> None:
    origins = parse_origins(("http://127.0.0.1:8123", "http://[::1]:8123"))
    assert origins.allow("http://127.0.0.1:8123/x") == "http://127.0.0.1:8123"
    assert origins.allow("http://[::1]:8123/x") == "http://[::1]:8123"
    assert origins.allow("http://127.0.0.1:8124/x") is None
    assert origins.allow("http://127.0.0.2:8123/x") is None
    assert origins.allow("http://localhost:8123/x") is None
    assert origins.allow("https://127.0.0.1:8123/x") is None


def test_an_origin_may_be_listed_in_any_writing() -> None:
    origins = parse_origins(("https://Push.Example.org:443/", "https://*.up.example.org"))
    assert origins.allow("https://push.example.org/x") == "https://push.example.org"
    assert origins.allow("https://a.b.up.example.org/x") == "https://a.b.up.example.org"
    assert origins.allow("https://up.example.org/x") is None


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "push.example.org",
        "https://",
        "https://*",
        "https://*.org",
        "https://*.example.org:8443",
        "http://*.localhost",
        "http://push.example.org",
        "http://10.0.0.1",
        "https://push.example.org/path",
        "https://push.example.org?x",
        "https://a*b.example.org",
        "ftp://push.example.org",
    ],
)
def test_what_is_no_origin_cannot_be_listed(entry: str) -> None:
    with pytest.raises(ValueError, match=r"origin|loopback|\*"):
        parse_origins((entry,))


ENDPOINT = "https://fcm.googleapis.com/wp/abc"


@pytest.mark.parametrize(
    ("subscription", "field"),
    [
        (None, "endpoint"),
        ([], "endpoint"),
        ("x", "endpoint"),
        ({}, "endpoint"),
        ({"endpoint": 7, "keys": KEYS}, "endpoint"),
        ({"endpoint": ENDPOINT}, "keys"),
        ({"endpoint": ENDPOINT, "keys": []}, "keys"),
        ({"endpoint": ENDPOINT, "keys": {}}, "keys.p256dh"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": 7}}, "keys.p256dh"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": ""}}, "keys.p256dh"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": "not base64!"}}, "keys.p256dh"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": "A" * 500}}, "keys.p256dh"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": "é"}}, "keys.p256dh"),
        # Not on the curve, at infinity, compressed.
        (
            {"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": encode(b"\4" + b"\1" * 64)}},
            "keys.p256dh",
        ),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": encode(b"\0")}}, "keys.p256dh"),
        (
            {"endpoint": ENDPOINT, "keys": KEYS | {"p256dh": encode(b"\2" + b"\1" * 32)}},
            "keys.p256dh",
        ),
        ({"endpoint": ENDPOINT, "keys": {"p256dh": KEYS["p256dh"]}}, "keys.auth"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"auth": encode(b"abc")}}, "keys.auth"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"auth": encode(b"a" * 17)}}, "keys.auth"),
        ({"endpoint": ENDPOINT, "keys": KEYS | {"auth": None}}, "keys.auth"),
        # Python's decoder would skip what is not of the alphabet.
        ({"endpoint": ENDPOINT, "keys": KEYS | {"auth": f"****{KEYS['auth']}"}}, "keys.auth"),
    ],
)
def test_a_subscription_that_could_not_be_used_is_refused_at_once(
    subscription: Any, field: str
) -> None:
    with pytest.raises(errors.Refused) as caught:
        check_subscription(subscription, PUBLIC_PUSH_ORIGINS)
    assert caught.value.field == field


def test_keys_may_come_with_padding_and_are_kept_without() -> None:
    padded = {name: value + "=" * (-len(value) % 4) for name, value in KEYS.items()}
    given = {"endpoint": ENDPOINT, "expirationTime": None, "keys": padded, "more": 1}
    assert check_subscription(given, PUBLIC_PUSH_ORIGINS) == (ENDPOINT, KEYS)
