"""A server to which a text gateway hands in what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest

from server.settings import Settings, load
from tests.cast import ORIGIN, Cast
from tests.fixtures import Database

SECRET = "the secret of the text gateway, of the tests alone"
NUMBER = "+33612345678"


@pytest.fixture
def settings(db: Database, tmp_path: Path) -> Settings:
    """As for everybody, with a gateway for texts and mail that comes back."""
    return load(
        {
            "WAYMARK_DATABASE_URL": db.url,
            "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
            "WAYMARK_PUBLIC_URL": ORIGIN,
            "WAYMARK_VAR": str(tmp_path / "var"),
            "WAYMARK_CHANNELS": "sms=json://127.0.0.1:9/{address}",
            "WAYMARK_INBOUND": f"sms={SECRET.replace(' ', '-')} email={SECRET.replace(' ', '-')}",
            "WAYMARK_INBOUND_NUMBERS": "sms=+33755550000",
        },
        tmp_path,
    )


def signed(
    cast: Cast, body: bytes, *, secret: str = SECRET.replace(" ", "-"), age_s: float = 0
) -> dict[str, str]:
    """The headers of a gateway that signed this."""
    stamp = str(int(cast.clock().timestamp() - age_s))
    mac = hmac(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return {"x-waymark-timestamp": stamp, "x-waymark-signature": f"sha256={mac}"}


async def post(
    cast: Cast, body: bytes, headers: Mapping[str, str], *, channel: str = "sms"
) -> httpx2.Response:
    async with cast.client() as gateway:
        return await gateway.post(f"/hooks/{channel}", content=body, headers=dict(headers))


async def text(
    cast: Cast,
    words: str,
    *,
    sender: str = NUMBER,
    id_: str = "1",
    channel: str = "sms",
    form: bool = False,
    **how: Any,
) -> httpx2.Response:
    """One text, as a gateway hands it in."""
    said = {"id": id_, "from": sender, "text": words}
    body = urlencode(said).encode() if form else msgspec.json.encode(said)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {**signed(cast, body, **how), "content-type": kind}
    return await post(cast, body, headers, channel=channel)
