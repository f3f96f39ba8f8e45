"""The push service of the tests is strict: what it lets through, it has checked."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from server.notify.channels.push import Push
from server.notify.channels.vapid import Tokens, new_key
from server.notify.rules import Outcome
from tests.doubles.push_service import PushService
from tests.doubles.web_push import NotDecrypted, Receiver
from tests.notify.envelopes import envelope

KEY = new_key()


def now() -> datetime:
    return datetime.now(UTC)


async def body_for(receiver: Receiver) -> bytes:
    """A good body, encrypted by our channel and taken from its way."""
    with PushService() as service:
        made = service.virtual()
        async with Push(
            KEY, subject="a@b.org", allowed_origins=(service.origin,), clock=now
        ) as push:
            await push.send(envelope(address=made.endpoint, keys=receiver.keys))
        return service.log[0].body


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"TTL": None}, 400),
        ({"TTL": "soon"}, 400),
        ({"TTL": "-1"}, 400),
        ({"Urgency": "urgent"}, 400),
        ({"Urgency": "low"}, 201),
        ({"Topic": "a" * 33}, 400),
        ({"Topic": "a b"}, 400),
        ({"Content-Encoding": "aesgcm"}, 415),
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer x"}, 403),
        ({"Authorization": "vapid t=a.b.c, k=d"}, 403),
    ],
)
async def test_each_header_is_judged(
    push_service: PushService, changes: dict[str, str | None], status: int
) -> None:
    made = push_service.virtual(KEY.application_server_key)
    assert made.receiver is not None
    usual: dict[str, str | None] = {
        "TTL": "60",
        "Content-Encoding": "aes128gcm",
        "Authorization": Tokens(KEY, "a@b.org").header(push_service.origin, now()),
    }
    headers = {name: value for name, value in (usual | changes).items() if value is not None}
    body = await body_for(made.receiver)
    async with aiohttp.ClientSession() as session:
        async with session.post(made.endpoint, data=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
    assert len(made.received) == (status == 201)


@pytest.mark.parametrize(
    ("signer", "origin", "age", "bound_to"),
    [
        (KEY, "http://127.0.0.1", timedelta(0), None),
        (KEY, None, timedelta(hours=13), None),
        (KEY, None, timedelta(hours=-13), None),
        (new_key(), None, timedelta(0), KEY.application_server_key),
    ],
    ids=["another place", "too old", "too early", "another key"],
)
async def test_a_token_for_another_place_another_time_or_by_another_key_is_refused(
    push_service: PushService,
    signer: object,
    origin: str | None,
    age: timedelta,
    bound_to: str | None,
) -> None:
    made = push_service.virtual(bound_to)
    token = Tokens(signer, "a@b.org").header(origin or push_service.origin, now() - age)  # type: ignore[arg-type]
    headers = {"TTL": "60", "Content-Encoding": "aes128gcm", "Authorization": token}
    assert made.receiver is not None
    body = await body_for(made.receiver)
    async with aiohttp.ClientSession() as session:
        async with session.post(made.endpoint, data=body, headers=headers) as answer:
            assert answer.status == 403


async def test_a_receiver_cannot_read_a_body_for_another_receiver_or_changed_in_transit() -> None:
    receiver = Receiver()
    body = await body_for(receiver)
    assert receiver.decrypt(body).startswith(b'{"web_push":8030')
    for other in (Receiver(), Receiver(receiver.private), Receiver(auth=receiver.auth)):
        with pytest.raises(NotDecrypted):
            other.decrypt(body)
    for at in (0, 30, 100, len(body) - 1):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises((NotDecrypted, ValueError)):
            receiver.decrypt(changed)
    with pytest.raises(NotDecrypted):
        receiver.decrypt(body[:60])


async def test_another_process_may_steer_it_as_well() -> None:
    command = [sys.executable, "-m", "tests.doubles.push_service"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        origin = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:

            async def control(verb: str, **given: object) -> object:
                async with session.post(f"{origin}/control/{verb}", json=given) as answer:
                    assert answer.status == 200
                    return await answer.json()

            made = await control("virtual")
            assert isinstance(made, dict)
            await control("fault", status=429, headers={"Retry-After": "7"})
            sent = envelope(address=made["endpoint"], keys=made["keys"])
            async with Push(KEY, subject="a@b.org", allowed_origins=(origin,), clock=now) as push:
                busy = await push.send(sent)
                assert busy == Outcome.again("busy", 429, retry_after=timedelta(seconds=7))
                assert await push.send(sent) == Outcome.accepted(201)
                await control("expire", endpoint=made["endpoint"])
                assert await push.send(sent) == Outcome.gone("gone", 410)
            log = await control("log")
            assert isinstance(log, list)
            assert [each["status"] for each in log] == [429, 201, 410]
            await control("reset")
            assert await control("log") == []
            async with session.post(f"{origin}/control/stop") as answer:
                assert answer.status == 404
    finally:
        process.terminate()
        await process.wait()
