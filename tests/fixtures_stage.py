"""The whole on one stage: for walks, and for tests of what sends."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from server.notify.actions import set_last_resorts
from server.notify.channels.configured import configured
from server.ticker import Ticker
from tests.cast import Cast
from tests.doubles.push_service import PushService
from tests.doubles.smtp import Relay
from tests.walks.stage import LAST_RESORT, Stage


@pytest_asyncio.fixture
async def stage(cast: Cast, push_service: PushService, relay: Relay) -> AsyncIterator[Stage]:
    """The cast, with every channel open and a ticker that only the test moves."""
    settings = replace(
        cast.settings,
        push_origins=(push_service.origin,),
        smtp_url=relay.url,
        mail_from="planner@example.org",
        last_resort=(("email", LAST_RESORT),),
    )
    cast.app.state.settings = settings
    push_service.clock = cast.clock
    set_last_resorts(1)
    channels = configured(settings, cast.clock)
    for channel in channels.values():
        await channel.open()
    ticker = Ticker(settings, channels, cast.clock)
    yield Stage(cast, cast.clock, push_service, relay, channels, ticker)
    for channel in channels.values():
        await channel.close()
    set_last_resorts(0)
