"""Web Push against a push service that is as strict as the strictest."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from webpush import WebPush

from server.notify.channels.push import (
    LONGEST_PLAIN,
    Push,
    payload,
    read_answer,
    read_retry_after,
)
from server.notify.channels.vapid import TOKEN_LASTS, TOKEN_REUSED_FOR, Tokens, VapidKey, new_key
from server.notify.rules import Envelope, Kind, Outcome, Result
from server.notify.wording import neutral
from tests.doubles.push_service import PushService, Subscription
from tests.doubles.web_push import Receiver, check_token, decode, encode
from tests.notify.envelopes import MESSAGE_ID, envelope

KEY = new_key()
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def hands(push_service: PushService) -> Hands:
    hands = Hands()
    push_service.clock = hands
    return hands


@pytest.fixture
async def push(push_service: PushService, hands: Hands) -> AsyncIterator[Push]:
    made = Push(
        KEY,
        subject="ops@example.org",
        allowed_origins=(push_service.origin,),
        clock=hands,
        timeout=aiohttp.ClientTimeout(total=1),
    )
    async with made:
        yield made


def to(subscription: Subscription, **changes: object) -> Envelope:
    where = {"address": subscription.endpoint, "keys": subscription.json["keys"]}
    return envelope(**(where | changes))


async def test_a_message_arrives_in_the_declarative_shape(
    push: Push, push_service: PushService
) -> None:
    subscription = push_service.virtual(KEY.application_server_key)
    said = "whatever the envelope says"
    outcome = await push.send(to(subscription, language="ar", title="مخطط", body=said))
    assert outcome == Outcome.accepted(201)
    assert subscription.received[0].json == {
        "web_push": 8030,
        "notification": {
            "title": "مخطط",
            "body": neutral("ar"),
            "navigate": "https://planner.example.org/desk/alerts/1",
            "tag": "a1",
            "lang": "ar",
            "dir": "rtl",
            "silent": False,
            "renotify": True,
        },
        "mutable": True,
        "m": str(MESSAGE_ID),
    }


async def test_a_message_without_a_place_to_go_names_none(
    push: Push, push_service: PushService
) -> None:
    subscription = push_service.virtual()
    await push.send(to(subscription, url=None))
    shown = subscription.received[0].json["notification"]
    assert "navigate" not in shown
    assert shown["dir"] == "ltr"


async def test_every_message_has_its_own_time_to_live_urgency_and_topic(
    push: Push, push_service: PushService
) -> None:
    """The library keeps a time to live for the next message, and ignores a zero."""
    subscription = push_service.virtual()
    wanted = [(3600, "high", "a"), (0, "very-low", "b"), (90, "normal", "c"), (0, "low", "d")]
    for seconds, urgency, topic in wanted:
        ttl = timedelta(seconds=seconds)
        await push.send(to(subscription, ttl=ttl, urgency=urgency, topic=topic))
    seen = [
        (int(r.headers["ttl"]), r.headers["urgency"], r.headers["topic"]) for r in push_service.log
    ]
    assert seen == wanted


async def test_nothing_leaks_between_messages_that_are_sent_at_once(
    push: Push, push_service: PushService
) -> None:
    subscriptions = [push_service.virtual() for _ in range(30)]
    sent = [
        to(s, ttl=timedelta(seconds=n), topic=f"t{n}", tag=f"g{n}")
        for n, s in enumerate(subscriptions)
    ]
    await asyncio.gather(*(push.send(e) for e in sent))
    for n, subscription in enumerate(subscriptions):
        [received] = subscription.received
        assert received.headers["ttl"] == str(n)
        assert received.headers["topic"] == f"t{n}"
        assert received.json["notification"]["tag"] == f"g{n}"


async def test_a_time_to_live_of_years_is_cut_to_what_services_take(
    push: Push, push_service: PushService
) -> None:
    await push.send(to(push_service.virtual(), ttl=timedelta(days=4000)))
    assert push_service.log[0].ttl == 28 * 86400


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.accepted(200)),
        (201, Outcome.accepted(201)),
        (202, Outcome.accepted(202)),
        (204, Outcome.accepted(204)),
        (400, Outcome.refused("bad_request", 400)),
        (401, Outcome.fault("vapid", 401)),
        (403, Outcome.fault("vapid", 403)),
        (404, Outcome.gone("gone", 404)),
        (408, Outcome.again("service_failed", 408)),
        (410, Outcome.gone("gone", 410)),
        (413, Outcome.refused("too_large", 413)),
        (415, Outcome.refused("bad_request", 415)),
        (429, Outcome.again("busy", 429)),
        (500, Outcome.again("service_failed", 500)),
        (502, Outcome.again("service_failed", 502)),
        (503, Outcome.again("service_failed", 503)),
    ],
)
async def test_each_answer_of_a_push_service_means_one_thing(
    push: Push, push_service: PushService, status: int, outcome: Outcome
) -> None:
    push_service.fault(status)
    assert await push.send(to(push_service.virtual())) == outcome


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("120", timedelta(minutes=2)),
        ("Wed, 25 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("9" * 400, timedelta(seconds=10**8)),
    ],
)
async def test_a_wait_that_was_asked_for_is_handed_on(
    push: Push, push_service: PushService, status: int, asked: str, waits: timedelta | None
) -> None:
    push_service.fault(status, headers={"Retry-After": asked})
    outcome = await push.send(to(push_service.virtual()))
    assert outcome.result is Result.RETRY
    assert outcome.retry_after == waits


def test_a_wait_without_a_zone_counts_as_utc() -> None:
    assert read_retry_after("Wed, 25 Nov 2026 12:00:30 -0000", NOW) == timedelta(seconds=30)
    assert read_retry_after(None, NOW) is None


def test_any_answer_is_read() -> None:
    for status in range(100, 1000):
        outcome = read_answer(status, "1", NOW)
        assert outcome.status == status
        assert (outcome.result is Result.ACCEPTED) == (200 <= status < 300)


async def test_a_redirect_is_not_followed(push: Push, push_service: PushService) -> None:
    other = push_service.virtual()
    for status in (301, 302, 303, 307, 308):
        push_service.fault(status, headers={"Location": other.endpoint})
        outcome = await push.send(to(push_service.virtual()))
        assert outcome == Outcome.refused("redirect", status)
    assert not other.received
    assert len(push_service.log) == 5


async def test_a_push_service_that_hangs_costs_a_bounded_time(
    push: Push, push_service: PushService
) -> None:
    push_service.fault(does="hang")
    started = time.monotonic()
    assert await push.send(to(push_service.virtual())) == Outcome.again("timeout")
    assert time.monotonic() - started < 5


async def test_a_push_service_that_hangs_up_is_a_passing_fault(
    push: Push, push_service: PushService
) -> None:
    push_service.fault(does="drop")
    assert await push.send(to(push_service.virtual())) == Outcome.again("unreachable")
    assert (await push.send(to(push_service.virtual()))).result is Result.ACCEPTED


async def test_a_push_service_that_is_away_is_a_passing_fault(hands: Hands) -> None:
    with PushService() as service:
        subscription = service.virtual()
    async with Push(KEY, subject="a@b.org", allowed_origins=(service.origin,), clock=hands) as push:
        assert await push.send(to(subscription)) == Outcome.again("unreachable")


async def test_what_does_not_speak_tls_is_a_fault_and_not_sent_in_the_clear(
    push_service: PushService, hands: Hands
) -> None:
    subscription = push_service.virtual()
    origin = push_service.origin.replace("http:", "https:")
    async with Push(KEY, subject="a@b.org", allowed_origins=(origin,), clock=hands) as push:
        address = subscription.endpoint.replace("http:", "https:")
        outcome = await push.send(to(subscription, address=address))
    assert outcome == Outcome.fault("tls")
    assert not push_service.log


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/push/1",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/push/1",
        "http://localhost/push/1",
        "file:///etc/passwd",
        "https://user@fcm.googleapis.com/x",
        "",
    ],
)
async def test_only_allowed_push_services_are_sent_to(push: Push, address: str) -> None:
    outcome = await push.send(envelope(address=address, keys=Receiver().keys))
    assert outcome == Outcome.refused("origin_not_allowed")


@pytest.mark.parametrize(
    "keys",
    [
        None,
        {},
        {"p256dh": "AAAA", "auth": "AAAA"},
        {"p256dh": encode(b"\x04" + b"\x01" * 64), "auth": "AAAA"},
        {"p256dh": Receiver().keys["p256dh"], "auth": "not base64 at all!"},
        {"p256dh": None, "auth": None},
    ],
)
async def test_a_row_with_bad_keys_stops_nobody_else(
    push: Push, push_service: PushService, keys: Any
) -> None:
    """The library raises ValueError for them, or takes what cannot be decrypted."""
    subscription = push_service.virtual()
    outcome = await push.send(to(subscription, keys=keys))
    if outcome.result is not Result.ACCEPTED:
        assert outcome == Outcome.gone("bad_keys")
        assert not push_service.log


async def test_what_is_too_long_never_leaves(push: Push, push_service: PushService) -> None:
    subscription = push_service.virtual()
    outcome = await push.send(to(subscription, tag="x" * LONGEST_PLAIN))
    assert outcome == Outcome.refused("too_large")
    assert not push_service.log


async def test_words_that_no_encoding_can_carry_are_refused(
    push: Push, push_service: PushService
) -> None:
    outcome = await push.send(to(push_service.virtual(), title="\ud800"))
    assert outcome == Outcome.refused("content")
    assert not push_service.log


async def test_the_longest_message_just_fits(push: Push, push_service: PushService) -> None:
    subscription = push_service.virtual()
    bare = len(payload(envelope(tag="")).rstrip())
    outcome = await push.send(to(subscription, tag="x" * (LONGEST_PLAIN - bare)))
    assert outcome.result is Result.ACCEPTED
    assert len(push_service.log[0].body) == 4096
    assert len(subscription.received[0].plain) == LONGEST_PLAIN


def test_neither_text_nor_length_tells_what_a_push_is_about() -> None:
    made = [
        payload(envelope(kind=kind, language=language, body=kind * 9, tag="x" * n, url=url))
        for language in ("en", "fr", "ar", "xx")
        for kind in Kind
        for n in (1, 20, 40)
        for url in (None, "https://planner.example.org/app/", "https://x.org/" + "y" * 200)
    ]
    assert {len(each) for each in made} == {1024}
    shown = {json.loads(each)["notification"]["body"] for each in made}
    assert shown == {neutral("en"), neutral("fr"), neutral("ar")}


async def test_the_token_names_the_push_service_with_its_port(
    push: Push, push_service: PushService
) -> None:
    """The library leaves the port out, which a strict service refuses."""
    await push.send(to(push_service.virtual()))
    [request] = push_service.log
    assert request.status == 201, request.why
    claims, key = check_token(request.headers["authorization"], origin=push_service.origin, now=NOW)
    assert claims["aud"] == f"http://127.0.0.1:{push_service.port}"
    assert claims["sub"] == "mailto:ops@example.org"
    assert key == KEY.application_server_key


async def test_one_token_serves_a_push_service_for_hours_and_is_then_made_anew(
    push: Push, push_service: PushService, hands: Hands
) -> None:
    subscription = push_service.virtual()

    async def token() -> str:
        assert (await push.send(to(subscription))).result is Result.ACCEPTED
        return push_service.log[-1].headers["authorization"]

    first = await token()
    hands.now += TOKEN_REUSED_FOR - timedelta(seconds=1)
    assert await token() == first
    hands.now += timedelta(seconds=1)
    second = await token()
    assert second != first
    hands.now -= timedelta(hours=1)
    assert await token() != second, "a clock that was set back makes tokens from the future"


async def test_a_token_that_was_not_liked_is_not_used_again(
    push: Push, push_service: PushService
) -> None:
    subscription = push_service.virtual()
    push_service.fault(403)
    await push.send(to(subscription))
    await push.send(to(subscription))
    first, second = (r.headers["authorization"] for r in push_service.log)
    assert first != second


def test_each_push_service_has_a_token_of_its_own() -> None:
    tokens = Tokens(KEY, "mailto:ops@example.org")
    origins = ["https://a.example.org", "https://b.example.org", "http://[::1]:8000"]
    for origin in origins * 2:
        claims, _ = check_token(tokens.header(origin, NOW), origin=origin, now=NOW)
        assert claims["exp"] == int((NOW + TOKEN_LASTS).timestamp())


async def test_a_subscription_made_with_another_key_is_a_fault_of_ours(
    push: Push, push_service: PushService
) -> None:
    subscription = push_service.virtual(new_key().application_server_key)
    assert await push.send(to(subscription)) == Outcome.fault("vapid", 403)


async def test_an_expired_subscription_is_gone(push: Push, push_service: PushService) -> None:
    subscription = push_service.virtual()
    push_service.expire(subscription.endpoint)
    assert await push.send(to(subscription)) == Outcome.gone("gone", 410)


async def test_the_environment_has_no_say_in_where_messages_go(
    push_service: PushService, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Push(
        KEY, subject="a@b.org", allowed_origins=(push_service.origin,), clock=hands
    ) as push:
        assert (await push.send(to(push_service.virtual()))).result is Result.ACCEPTED


async def test_a_channel_that_is_not_open_says_so(hands: Hands) -> None:
    push = Push(KEY, subject="a@b.org", allowed_origins=("http://127.0.0.1:1",), clock=hands)
    with pytest.raises(RuntimeError, match="open"):
        await push.send(envelope(address="http://127.0.0.1:1/x", keys=Receiver().keys))
    await push.close()


async def test_opening_twice_and_closing_twice_is_harmless(push: Push) -> None:
    await push.open()
    await push.close()
    await push.close()


async def test_one_connection_serves_many_messages(push: Push, push_service: PushService) -> None:
    subscription = push_service.virtual()
    for _ in range(3):
        await push.send(to(subscription))
    push_service.fault(410)
    await push.send(to(subscription))
    await push.send(to(subscription))
    assert push._session is not None
    assert push._session.connector is not None
    assert len(push._session.connector._conns) == 1  # type: ignore[attr-defined]


def test_the_encryption_reproduces_the_example_of_rfc_8291(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Appendix A of RFC 8291. The private method of the library that we build on is pinned here:
    an upgrade that changes it fails."""
    from cryptography.hazmat.primitives.asymmetric import ec

    sender = ec.derive_private_key(
        int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    monkeypatch.setattr("webpush.ec.generate_private_key", lambda *_: sender)
    monkeypatch.setattr("webpush.os.urandom", lambda _: decode("DGv6ra1nlYgDCS1FRnbzlw"))
    receiver = Receiver(
        ec.derive_private_key(
            int.from_bytes(decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), ec.SECP256R1()
        ),
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    push = Push(KEY, subject="a@b.org", allowed_origins=(), clock=lambda: NOW)
    said = b"When I grow up, I want to be a watermelon"
    body = push._encrypt(said, envelope(keys=receiver.keys))
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert receiver.decrypt(body) == said


def test_the_faults_of_the_library_that_are_met_here_are_still_there() -> None:
    """Where one is mended, its guard may go."""
    from webpush.types import WebPushSubscription

    key: VapidKey = new_key()
    library = WebPush(private_key=key.private_pem, public_key=key.public_pem, subscriber="a@b.org")
    subscription = WebPushSubscription.model_validate(
        {"endpoint": "https://push.example.org:8443/x", "keys": Receiver().keys}
    )
    assert library.get("x", subscription, ttl=60).headers["ttl"] == "60"
    assert library.get("x", subscription, ttl=0).headers["ttl"] == "60"
    token = library.get("x", subscription).headers["authorization"].split("=")[1].split(",")[0]
    assert json.loads(decode(token.split(".")[1]))["aud"] == "https://push.example.org"
    assert len(library.get("x" * 5000, subscription).encrypted) > 4096
