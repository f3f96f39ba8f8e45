"""Telling somebody outside that all is well."""

import time
from datetime import timedelta

from server.notify.channels.watchdog import ping
from tests.doubles.gateway import Gateway

SOON = timedelta(seconds=0.5)


async def test_the_watchdog_hears_that_all_is_well(gateway: Gateway) -> None:
    assert await ping(f"http://127.0.0.1:{gateway.port}/ping", within=SOON)
    assert [taken.path for taken in gateway.taken] == ["/ping"]


async def test_a_watchdog_that_does_not_listen_raises_nothing(gateway: Gateway) -> None:
    url = f"http://127.0.0.1:{gateway.port}/ping"
    gateway.status = 404
    assert not await ping(url, within=SOON)
    gateway.hangs = True
    started = time.monotonic()
    assert not await ping(url, within=SOON)
    assert time.monotonic() - started < 3
    assert not await ping("http://127.0.0.1:1/ping", within=SOON)
