"""The stand-ins for what lies outside, started for one test each."""

from collections.abc import Iterator

import pytest

from tests.doubles.firefox import Firefox
from tests.doubles.gateway import Gateway
from tests.doubles.push_service import PushService
from tests.doubles.smtp import Relay


@pytest.fixture
def push_service() -> Iterator[PushService]:
    """A push service on loopback."""
    with PushService() as service:
        yield service


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A mail relay on loopback."""
    with Relay() as relay:
        yield relay


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway for SMS on loopback."""
    with Gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser_push() -> Iterator[PushService]:
    """The push service of the module's `firefox`."""
    with PushService() as service:
        yield service


@pytest.fixture(scope="module")
def firefox(browser_push: PushService) -> Iterator[Firefox]:
    """A real Firefox, one for the whole module, that subscribes at `browser_push`."""
    with Firefox(browser_push.browser_url) as firefox:
        yield firefox
