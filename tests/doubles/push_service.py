"""A push service on loopback: RFC 8030 for the sender, Mozilla's WebSocket protocol for Firefox.

As strict as the strictest of the public ones where RFC 8030, 8291 and 8292 say something; it keeps
everything in memory. It shows that we keep to the standards, not how Mozilla, Google or Apple
behave. `virtual()` makes a subscription that needs no browser: what arrives there is decrypted.
"""

import asyncio
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import WSMsgType, web

from tests.doubles.ear import hear
from tests.doubles.thread import InThread
from tests.doubles.web_push import BadToken, NotDecrypted, Receiver, check_token, encode, split

TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
URGENCIES = {"very-low", "low", "normal", "high"}


@dataclass
class Request:
    """One request of a sender, its headers by their names in small letters, and what it got."""

    endpoint: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    why: str = ""
    ack: int | None = None
    """What the browser said: 100 shown to the page's worker, 101 not decrypted, 102 other."""

    @property
    def ttl(self) -> int:
        return int(self.headers["ttl"])


@dataclass
class Received:
    """What a virtual subscriber got out of a message."""

    plain: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.plain)


@dataclass
class Waiting:
    """A message that has not been taken by its browser."""

    version: str
    request: Request
    topic: str | None
    until: datetime


@dataclass
class Fault:
    """How to misbehave: `status`, or `hang` (never answer), or `drop` (hang up without a word)."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = 1
    endpoint: str | None = None
    does: str = "answer"


@dataclass
class Subscription:
    """One browser on one page. `receiver` is there where the browser is none."""

    token: str
    endpoint: str
    key: str | None = None
    uaid: str | None = None
    channel: str | None = None
    receiver: Receiver | None = None
    is_expired: bool = False
    waiting: list[Waiting] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def json(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        keys = self.receiver.keys if self.receiver else {}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}


class PushService(InThread):
    """The double. Everything public may be called from the test's thread."""

    def __init__(self, *, port: int = 0, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.clock = clock or (lambda: datetime.now(UTC))
        self.port = port
        self.log: list[Request] = []
        self._subscriptions: dict[str, Subscription] = {}
        self._browsers: dict[str, web.WebSocketResponse] = {}
        self._known: set[str] = set()
        self._faults: list[Fault] = []
        self._changed = threading.Condition()
        self._gate = asyncio.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def browser_url(self) -> str:
        """For Firefox's `dom.push.serverURL`."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def is_connected(self) -> bool:
        """Whether any browser is."""
        return bool(self._browsers)

    # What a test does to it.

    def virtual(self, key: str | None = None) -> Subscription:
        """A subscription without a browser; `key` is the sender's, if it is to be bound to one."""
        receiver = Receiver()
        return self.call(lambda: self._subscribe(key=key, receiver=receiver))

    def subscription(self, endpoint: str) -> Subscription:
        return self._subscriptions[endpoint.rsplit("/", 1)[-1]]

    def fault(
        self,
        status: int = 500,
        *,
        does: str = "answer",
        times: int | None = 1,
        headers: dict[str, str] | None = None,
        endpoint: str | None = None,
    ) -> None:
        """Misbehave the next `times` times (None: until `reset`), at all endpoints or one.

        `does`: "answer" with the status, "hang" or "drop"; "corrupt" takes the message and changes
        a byte of it before the browser gets it.
        """
        made = Fault(status, headers or {}, times, endpoint, does)
        self.call(lambda: self._faults.append(made))

    def expire(self, endpoint: str) -> None:
        """From now on the subscription is gone: 410."""
        self.call(lambda: setattr(self.subscription(endpoint), "is_expired", True))

    def disconnect(self) -> None:
        """Hang up on every browser; they come back by themselves."""
        self.do(self._hang_up())

    def forget(self) -> None:
        """Know no browser any more: those that come back get a new identity and must subscribe
        anew, which is how a browser learns that its subscription was lost."""
        self.call(self._known.clear)
        self.do(self._hang_up())

    def reset(self) -> None:
        """No fault, nothing in the log; hanging requests are let go."""

        def clear() -> None:
            self._faults.clear()
            self.log.clear()
            self._gate.set()
            self._gate = asyncio.Event()

        self.call(clear)

    def wait(self, holds: Callable[[], Any], timeout: float = 10) -> Any:
        """What `holds()` gives as soon as it is true. AssertionError after `timeout` seconds."""
        with self._changed:
            found = self._changed.wait_for(holds, timeout)
        assert found, "the push service saw nothing of the kind in time"
        return found

    def wait_for_ack(self, timeout: float = 10) -> Request:
        """The last request, once its browser has said what became of it."""
        self.wait(lambda: self.log and self.log[-1].ack is not None, timeout)
        return self.log[-1]

    # The server.

    async def begin(self) -> None:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/", self._browser)
        app.router.add_post("/push/{token}", self._push)
        app.router.add_post("/control/{verb}", self._control)
        app.router.add_get("/control/{verb}", self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def end(self) -> None:
        self._gate.set()
        await self._hang_up()
        await self._runner.cleanup()

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _subscribe(self, **more: Any) -> Subscription:
        token = uuid.uuid4().hex
        made = Subscription(token, f"{self.origin}/push/{token}", **more)
        self._subscriptions[token] = made
        return made

    # The sender's side, RFC 8030.

    async def _push(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Request(str(request.url), headers, body)
        self.log.append(seen)
        hear("push", seen.endpoint, headers, body)
        fault = self._take_fault(seen.endpoint)
        if fault is not None and fault.does == "hang":
            self._note()
            await self._gate.wait()
        if fault is not None and fault.does in ("hang", "drop"):
            self._note()
            assert request.transport is not None
            request.transport.close()
            return web.Response(status=500)
        if fault is not None and fault.does == "answer":
            seen.status, seen.why = fault.status, "asked to"
            self._note()
            return web.Response(status=fault.status, headers=fault.headers)
        seen.status, seen.why = self._judge(request.match_info["token"], seen)
        if seen.status != 201:
            self._note()
            return web.Response(status=seen.status, text=seen.why)
        if fault is not None:
            seen.body = body[:-1] + bytes([body[-1] ^ 1])
        version = await self._take(self._subscriptions[request.match_info["token"]], seen)
        self._note()
        answer = {"Location": f"{self.origin}/message/{version}", "TTL": str(seen.ttl)}
        return web.Response(status=201, headers=answer)

    def _take_fault(self, endpoint: str) -> Fault | None:
        for fault in self._faults:
            if fault.endpoint in (None, endpoint):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def _judge(self, token: str, seen: Request) -> tuple[int, str]:
        found = self._subscriptions.get(token)
        if found is None:
            return 404, "never heard of"
        if found.is_expired:
            return 410, "gone"
        headers = seen.headers
        ttl = headers.get("ttl", "")
        if not ttl.isdigit():
            return 400, "TTL"
        if headers.get("urgency", "normal") not in URGENCIES:
            return 400, "Urgency"
        if "topic" in headers and not TOPIC.match(headers["topic"]):
            return 400, "Topic"
        if len(seen.body) > 4096:
            return 413, "more than 4,096 bytes"
        if headers.get("content-encoding") != "aes128gcm":
            return 415, "another encoding"
        try:
            split(seen.body)
        except NotDecrypted as fault:
            return 400, str(fault)
        return self._judge_sender(found, headers.get("authorization"))

    def _judge_sender(self, found: Subscription, authorization: str | None) -> tuple[int, str]:
        if authorization is None:
            return 401, "who are you"
        try:
            _, key = check_token(authorization, origin=self.origin, now=self.clock())
        except BadToken as fault:
            return 403, str(fault)
        if found.key is not None and found.key.rstrip("=") != key:
            return 403, "subscribed with another key"
        return 201, "accepted"

    async def _take(self, to: Subscription, seen: Request) -> str:
        version = uuid.uuid4().hex
        if to.receiver is not None:
            try:
                to.received.append(Received(to.receiver.decrypt(seen.body), seen.headers))
                hear("push", to.received[-1].plain)
                seen.ack = 100
            except NotDecrypted:
                seen.ack = 101
            return version
        topic = seen.headers.get("topic")
        until = self.clock() + timedelta(seconds=seen.ttl)
        message = Waiting(version, seen, topic, until)
        if topic is not None:
            to.waiting = [other for other in to.waiting if other.topic != topic]
        if seen.ttl > 0 or to.uaid in self._browsers:
            to.waiting.append(message)
        await self._deliver(to, [message])
        return version

    async def _deliver(self, to: Subscription, messages: list[Waiting]) -> None:
        browser = self._browsers.get(to.uaid or "")
        for message in messages:
            if browser is not None and not browser.closed:
                await browser.send_json(
                    {
                        "messageType": "notification",
                        "channelID": to.channel,
                        "version": message.version,
                        "data": encode(message.request.body),
                        "headers": {"encoding": "aes128gcm"},
                    }
                )

    # Firefox's side.

    async def _browser(self, request: web.Request) -> web.StreamResponse:
        # A short wait for the close: Firefox never answers one, and would come back 10 s later.
        socket = web.WebSocketResponse(timeout=0.05, protocols=("push-notification",))
        await socket.prepare(request)
        uaid = ""
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    continue
                said = json.loads(frame.data)
                if said.get("messageType") == "hello":
                    uaid = await self._hello(socket, said)
                else:
                    await self._answer(socket, uaid, said)
                self._note()
        finally:
            if self._browsers.get(uaid) is socket:
                del self._browsers[uaid]
        return socket

    async def _hello(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> str:
        uaid = said.get("uaid") or ""
        if uaid not in self._known:
            uaid = uuid.uuid4().hex
            self._known.add(uaid)
        self._browsers[uaid] = socket
        await socket.send_json(
            {
                "messageType": "hello",
                "uaid": uaid,
                "status": 200,
                "use_webpush": True,
                "broadcasts": {},
            }
        )
        for found in list(self._subscriptions.values()):
            if found.uaid == uaid:
                found.waiting = [m for m in found.waiting if m.until > self.clock()]
                await self._deliver(found, found.waiting)
        return uaid

    async def _answer(self, socket: web.WebSocketResponse, uaid: str, said: dict[str, Any]) -> None:
        kind = said.get("messageType")
        if kind == "register":
            made = self._subscribe(key=said.get("key"), uaid=uaid, channel=said["channelID"])
            await socket.send_json(
                {
                    "messageType": "register",
                    "channelID": said["channelID"],
                    "status": 200,
                    "pushEndpoint": made.endpoint,
                }
            )
        elif kind == "unregister":
            for found in self._subscriptions.values():
                if found.channel == said["channelID"]:
                    found.is_expired = True
            await socket.send_json(
                {"messageType": "unregister", "channelID": said["channelID"], "status": 200}
            )
        elif kind in ("ack", "nack"):
            for update in said.get("updates", [said]):
                self._acknowledge(update)
        elif not said or kind == "ping":
            await socket.send_str("{}")

    def _acknowledge(self, update: dict[str, Any]) -> None:
        for found in self._subscriptions.values():
            for message in list(found.waiting):
                if message.version == update.get("version"):
                    message.request.ack = int(update.get("code", 100))
                    found.waiting.remove(message)

    async def _hang_up(self) -> None:
        for socket in list(self._browsers.values()):
            await socket.close()

    # The same from another process.

    async def _control(self, request: web.Request) -> web.Response:
        """`/control/log|fault|expire|disconnect|forget|virtual|reset`, with a JSON object."""
        given = await request.json() if request.can_read_body else {}
        verb = request.match_info["verb"]
        if verb == "log":
            shown = [
                {"endpoint": r.endpoint, "headers": r.headers, "status": r.status, "ack": r.ack}
                for r in self.log
            ]
            return web.json_response(shown)
        if verb not in ("fault", "expire", "disconnect", "forget", "virtual", "reset"):
            return web.Response(status=404)
        # These wait for this loop, so they are called from another thread.
        result = await asyncio.to_thread(getattr(self, verb), **given)
        return web.json_response(result.json if isinstance(result, Subscription) else {})


def main() -> None:
    """Serve until interrupted: `python -m tests.doubles.push_service [PORT]`."""
    import sys

    with PushService(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as service:
        sys.stdout.write(f"{service.origin}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
