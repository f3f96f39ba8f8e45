"""The body that a gateway signed, read as far as it can be. Pure.

Nothing in it is a reason not to hear it: what cannot be stored becomes the sign for an unreadable
letter, and what is missing or of another kind is None.
"""

import json
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from server.security import encryption

# The names of the fields that we need, in forms of gateways, ours first.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "MessageSid", "messageId", "message_id", "Message-Id"),
    "from": ("from", "From", "msisdn", "sender", "number"),
    "text": ("text", "Body", "body", "message", "content", "body-plain", "stripped-text"),
}
LONGEST_SENDER = 320
_UNREADABLE = "\ufffd"


class Hook(msgspec.Struct, frozen=True):
    """What a gateway handed in. `outer_id`: its own name for it. `text`: None where there is none
    that can be read; `is_damaged`: something of it is missing."""

    channel: str
    outer_id: str
    sender: str | None
    text: str | None
    is_damaged: bool = False


async def read(channel: str, content_type: str, body: bytes) -> Hook:
    """The three fields, by any of their names, however they are wrapped."""
    fields = await _fields(content_type, body)
    values = {
        name: next((fields[other] for other in others if other in fields), None)
        for name, others in FIELDS.items()
    }
    id_, sender, text = (_clean(values[name]) for name in ("id", "from", "text"))
    return Hook(
        channel=channel,
        # Without one, the same body again is the same message.
        outer_id=id_ or f"body {sha256(body).hexdigest()}",
        sender=sender[:LONGEST_SENDER] if sender else None,
        text=text,
        is_damaged=text is not None and _UNREADABLE in text,
    )


async def _fields(content_type: str, body: bytes) -> Mapping[str, object]:
    if content_type.lower().startswith("multipart/form-data"):
        return await _parts(content_type, body)
    fields = _json(body)
    return _form(body) if fields is None else fields


def _json(body: bytes) -> Mapping[str, object] | None:
    try:
        text = _decoded(body, json.detect_encoding(body))
        # With control characters in texts, and a number as it is written.
        fields = json.loads(text, strict=False, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _form(body: bytes) -> Mapping[str, object]:
    # Each value is decoded as a whole: an old gateway sends one byte a letter.
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {name: _decoded(value.encode("latin-1"), "utf-8") for name, value in reversed(pairs)}


def _decoded(value: bytes, charset: str) -> str:
    """As `charset` says, else the charset in which every byte fits."""
    try:
        return value.decode(charset)
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def _parts(content_type: str, body: bytes) -> Mapping[str, object]:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(Headers({"content-type": content_type}), stream())  # type: ignore[arg-type]
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        return {}
    fields = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
    await form.close()
    return fields


def _clean(value: object) -> str | None:
    """The value as a text that every database can store; None where nothing of it is left."""
    if not isinstance(value, str):
        return None
    # Some gateways end a text with it.
    text = value.strip("\0")
    text = "".join(_UNREADABLE if _is_unstorable(char) else char for char in text)
    if encryption.holds_sealed(text):
        text = text.replace(encryption.MARK, _UNREADABLE)
    return text if text.replace(_UNREADABLE, "").strip() else None


def _is_unstorable(char: str) -> bool:
    return char == "\0" or "\ud800" <= char <= "\udfff"
