"""Web Push from end to end: our channel, a real Firefox, and everything between them."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.notify.channels.push import Push, check_subscription
from server.notify.channels.vapid import new_key
from server.notify.rules import Outcome
from server.notify.wording import neutral
from tests.doubles.firefox import Firefox, until
from tests.doubles.push_service import PushService
from tests.doubles.site import Site
from tests.notify.envelopes import MESSAGE_ID, envelope

pytestmark = pytest.mark.browser

KEY = new_key()

Send = Callable[..., Outcome]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def subscription(
    firefox: Firefox, browser_push: PushService, site: Site
) -> Iterator[dict[str, Any]]:
    """What the page's worker subscribed with; nothing stands on the screen yet."""
    browser_push.reset()
    firefox.open(f"{site.url}/home")
    made = firefox.subscribe(KEY.application_server_key)
    yield made
    firefox.offline(is_offline=False)
    firefox.run(
        """
        const worker = await navigator.serviceWorker.ready;
        (await worker.getNotifications()).forEach(n => n.close());
        await (await worker.pushManager.getSubscription())?.unsubscribe();
        """
    )
    until(lambda: not firefox.drawn())


@pytest.fixture
def send(browser_push: PushService, subscription: dict[str, Any]) -> Send:
    """Send one message to the subscription by our own channel."""

    def sent(**changes: object) -> Outcome:
        async def sending() -> Outcome:
            async with Push(
                KEY,
                subject="mailto:ops@example.org",
                allowed_origins=(browser_push.origin,),
                clock=lambda: datetime.now(UTC),
            ) as push:
                return await push.send(envelope(**(where | changes)))

        return asyncio.run(sending())

    endpoint, keys = check_subscription(subscription, (browser_push.origin,))
    where: dict[str, object] = {"address": endpoint, "keys": keys}
    return sent


def test_an_arabic_message_is_drawn_and_a_click_opens_its_place(
    firefox: Firefox, browser_push: PushService, site: Site, send: Send
) -> None:
    place = f"{site.url}/neutral"
    assert send(language="ar", title="مخطط", url=place) == Outcome.accepted(201)
    assert browser_push.wait_for_ack().ack == 100
    [shown] = until(firefox.shown)
    assert shown == {
        "title": "مخطط",
        "body": neutral("ar"),
        "tag": "a1",
        "lang": "ar",
        "dir": "rtl",
        "data": {"navigate": place, "m": str(MESSAGE_ID)},
    }
    assert until(firefox.drawn) == [{"title": "مخطط", "body": neutral("ar"), "dir": "rtl"}]
    firefox.click("مخطط")
    until(lambda: place in firefox.tabs())
    until(lambda: not firefox.drawn())


def test_a_doubled_delivery_shows_once(
    firefox: Firefox, browser_push: PushService, send: Send
) -> None:
    for _ in range(2):
        assert send() == Outcome.accepted(201)
        browser_push.wait_for_ack()
    send(tag="another", topic="another")
    browser_push.wait_for_ack()
    until(lambda: len(firefox.shown()) >= 2)
    assert sorted(n["tag"] for n in firefox.shown()) == ["a1", "another"]


def test_messages_wait_for_a_browser_that_is_offline_and_the_last_of_a_topic_wins(
    firefox: Firefox, browser_push: PushService, send: Send
) -> None:
    firefox.offline()
    until(lambda: not browser_push.is_connected)
    assert send(topic="t1", tag="first") == Outcome.accepted(201)
    assert send(topic="t1", tag="second") == Outcome.accepted(201)
    assert send(topic="t2", tag="at once or never", ttl=timedelta(0)) == Outcome.accepted(201)
    assert send(topic="t3", tag="third") == Outcome.accepted(201)
    firefox.offline(is_offline=False)
    assert browser_push.wait_for_ack().ack == 100
    until(lambda: len(firefox.shown()) >= 2)
    assert sorted(n["tag"] for n in firefox.shown()) == ["second", "third"]


def test_what_was_changed_on_the_way_is_not_shown(
    firefox: Firefox, browser_push: PushService, send: Send
) -> None:
    browser_push.fault(does="corrupt")
    assert send() == Outcome.accepted(201)
    assert browser_push.wait_for_ack().ack == 101
    assert firefox.shown() == []


def test_a_browser_that_unsubscribed_is_gone(firefox: Firefox, send: Send) -> None:
    firefox.run(
        """
        const worker = await navigator.serviceWorker.ready;
        await (await worker.pushManager.getSubscription()).unsubscribe();
        """
    )
    assert until(lambda: (o := send()).status == 410 and o) == Outcome.gone("gone", 410)


def test_a_browser_whose_subscription_was_lost_can_subscribe_anew(
    firefox: Firefox, browser_push: PushService, subscription: dict[str, Any]
) -> None:
    browser_push.forget()
    until(lambda: firefox.run("return Boolean(await caches.match('/changed'))"))
    anew = firefox.subscribe(KEY.application_server_key)
    assert anew["endpoint"] != subscription["endpoint"]


def test_a_subscription_made_for_another_sender_is_a_fault_of_the_channel(
    firefox: Firefox, browser_push: PushService, send: Send
) -> None:
    firefox.run(
        """
        const worker = await navigator.serviceWorker.ready;
        await (await worker.pushManager.getSubscription()).unsubscribe();
        """
    )
    other = firefox.subscribe(new_key().application_server_key)
    assert send(address=other["endpoint"], keys=other["keys"]) == Outcome.fault("vapid", 403)
