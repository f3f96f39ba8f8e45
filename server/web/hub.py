"""The open pages of this process, and the topics that each has yet to hear of."""

import asyncio
from typing import Self
from uuid import UUID

from server import logs

RESYNC = "resync"
MOST_TOPICS = 16

_log = logs.get("live")


class Subscription:
    """The topics that one page has yet to hear of: each once, however often it was announced."""

    def __init__(self, hub: "Hub", *places: UUID) -> None:
        self._hub = hub
        self._places = frozenset(places)
        self._topics: dict[str, None] = {}  # An ordered set.
        self._awake = asyncio.Event()
        self._closed = False
        for place in self._places:
            hub.enter(place, self)

    def put(self, topic: str) -> None:
        """Let the page hear of a topic. A page that is too slow hears RESYNC instead."""
        if topic == RESYNC or len(self._topics) >= MOST_TOPICS:
            self._topics = {RESYNC: None}
        elif RESYNC not in self._topics:
            self._topics[topic] = None
        self._awake.set()

    def close(self) -> None:
        """Stop listening; a task that waits for a topic is released."""
        if not self._closed:
            self._closed = True
            for place in self._places:
                self._hub.leave(place, self)
            self._awake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._topics:
            if self._closed:
                raise StopAsyncIteration
            self._awake.clear()
            await self._awake.wait()
        topic = next(iter(self._topics))
        del self._topics[topic]
        return topic


class Hub:
    """The listeners of this process."""

    def __init__(self) -> None:
        self._listening: dict[UUID, set[Subscription]] = {}
        self._numbers: dict[str, int] = {}
        self.is_ending = False
        self.is_live = True

    def enter(self, agency_id: UUID, subscription: Subscription) -> None:
        self._listening.setdefault(agency_id, set()).add(subscription)

    def leave(self, agency_id: UUID, subscription: Subscription) -> None:
        there = self._listening.get(agency_id, set())
        there.discard(subscription)
        if not there:
            self._listening.pop(agency_id, None)

    def count(self) -> int:
        return len({subscription for there in self._listening.values() for subscription in there})

    def tell(self, agency_id: UUID, topic: str) -> None:
        for subscription in self._listening.get(agency_id, ()):
            subscription.put(topic)

    def resync(self) -> None:
        for there in self._listening.values():
            for subscription in there:
                subscription.put(RESYNC)

    def be_live(self, *, is_live: bool) -> None:
        """Set whether announcements arrive. Pages then ask again, and read it."""
        if self.is_live != is_live:
            self.is_live = is_live
            (_log.info if is_live else _log.warning)("live" if is_live else "not_live")
        self.resync()

    def counted(self, key: str, number: int) -> None:
        """A topic was announced for the `number`th time; told once, by the way that came first."""
        if self._numbers.get(key, 0) < number:
            self._numbers[key] = number
            agency_id, _, topic = key.partition(" ")
            self.tell(UUID(agency_id), topic)

    def remember(self, key: str, number: int) -> None:
        self._numbers[key] = number

    def end(self) -> None:
        """Let every stream come to its end, so that the server can stop."""
        self.is_ending = True
        for there in list(self._listening.values()):
            for subscription in list(there):
                subscription.close()
