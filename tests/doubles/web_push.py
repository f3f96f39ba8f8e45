"""The receiving side of Web Push, from the RFCs and nothing else.

It shares no code with any sender: RFC 8188 and 8291 are done here with HMAC from the standard
library, RFC 8292 with the signature check of `cryptography`. A mistake that sender and double made
together would otherwise go unseen.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class NotDecrypted(Exception):
    """The body is not what RFC 8291 says."""


class BadToken(Exception):
    """The Authorization header is not what RFC 8292 says."""


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


class Receiver:
    """The keys of one browser's subscription."""

    def __init__(
        self, private: ec.EllipticCurvePrivateKey | None = None, auth: bytes | None = None
    ):
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        self.auth = auth or os.urandom(16)
        self.public = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": encode(self.public), "auth": encode(self.auth)}

    def decrypt(self, body: bytes) -> bytes:
        """What was said, from one body in aes128gcm (RFC 8188 §2, RFC 8291 §3.4)."""
        salt, record, sender, sealed = split(body)
        if len(sealed) > record:
            raise NotDecrypted("more than one record, which RFC 8291 forbids")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\0" + self.public + sender
        secret = _mac(_mac(self.auth, shared), info + b"\x01")
        pseudorandom = _mac(salt, secret)
        key = _mac(pseudorandom, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _mac(pseudorandom, b"Content-Encoding: nonce\0\x01")[:12]
        try:
            padded = AESGCM(key).decrypt(nonce, sealed, None)
        except InvalidTag as fault:
            raise NotDecrypted("another key, or changed on the way") from fault
        said = padded.rstrip(b"\0")
        if not said.endswith(b"\x02"):
            raise NotDecrypted("the last record does not end as the last one")
        return said[:-1]


def split(body: bytes) -> tuple[bytes, int, bytes, bytes]:
    """Salt, record size, the sender's point, and the sealed record."""
    if len(body) < 21:
        raise NotDecrypted("shorter than its header")
    salt, record, length = body[:16], struct.unpack("!L", body[16:20])[0], body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    if length != 65 or len(sender) != 65 or sender[0] != 4:
        raise NotDecrypted("the key id is no point")
    if record < 18 or len(sealed) < 17:
        raise NotDecrypted("the record is too short")
    return salt, record, sender, sealed


def check_token(header: str, *, origin: str, now: datetime) -> tuple[dict[str, Any], str]:
    """The claims and the key of an Authorization header, checked for a push service at `origin`."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "vapid":
        raise BadToken("not the vapid scheme")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    try:
        head, claims, signature = fields["t"].split(".")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(fields["k"]))
        raw = decode(signature)
        told = json.loads(decode(claims))
        algorithm = json.loads(decode(head))["alg"]
    except (KeyError, ValueError) as fault:
        raise BadToken("cannot be read") from fault
    if algorithm != "ES256" or len(raw) != 64:
        raise BadToken("not ES256")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        point.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as fault:
        raise BadToken("signed by another key") from fault
    _check_claims(told, origin, now)
    return told, fields["k"]


def _check_claims(told: dict[str, Any], origin: str, now: datetime) -> None:
    if told.get("aud") != origin:
        raise BadToken(f"meant for {told.get('aud')}, not for {origin}")
    left = float(told.get("exp", 0)) - now.timestamp()
    if not 0 < left <= timedelta(hours=24).total_seconds():
        raise BadToken("expired, or good for more than a day")
    subject = str(told.get("sub", ""))
    is_mail = subject.startswith("mailto:") and subject.count(":") == 1 and "@" in subject
    if not is_mail and not subject.startswith("https://"):
        raise BadToken("nobody to write to")
