"""Who we are to a push service: one key pair, and tokens signed with it (RFC 8292).

`webpush` signs too, but names the push service without its port, doubles `mailto:`, knows no
`https:` subject, reads the time by itself and signs anew for each message. So it encrypts and this
file signs: a token per push service is good for many messages, and signing is half of the work.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

# RFC 8292 allows a day. Some services reject a token when the sender's clock differs from theirs.
TOKEN_LASTS = timedelta(hours=12)
TOKEN_REUSED_FOR = timedelta(hours=4)


def b64url(raw: bytes) -> str:
    """Base64url without padding, as everything in Web Push is written."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """The bytes of a base64url text, with or without padding. ValueError for anything else."""
    stripped = text.rstrip("=")
    raw = urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    # Python skips characters outside the alphabet. Encoding the result again finds them.
    if b64url(raw) != stripped:
        raise ValueError("not base64url")
    return raw


@dataclass(frozen=True, slots=True)
class VapidKey:
    """The pair of keys by which push services, and browsers, know this installation."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def private_pem(self) -> bytes:
        """PKCS 8, unencrypted."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public_pem(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def application_server_key(self) -> str:
        """The public key as `pushManager.subscribe` wants it: base64url of 65 bytes."""
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return b64url(point)


def new_key() -> VapidKey:
    """A fresh pair. Replacing the old pair loses every subscription made with it."""
    return VapidKey(ec.generate_private_key(ec.SECP256R1()))


def read_key(pem: bytes) -> VapidKey:
    """The key in an unencrypted PEM. ValueError, without any part of it, for anything else."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise ValueError("no unencrypted private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError("not a private key on the curve P-256")
    return VapidKey(key)


def check_subject(subject: str) -> str:
    """The contact that a push service may write to about us: `mailto:…` or `https://…`. ValueError
    otherwise.

    Apple refuses every message whose subject is neither, and some services refuse a doubled
    `mailto:`, so a bare address is completed here.
    """
    text = subject.strip()
    if text.startswith("https://") and len(text) > len("https://"):
        return text
    address = text.removeprefix("mailto:")
    name, at, domain = address.rpartition("@")
    if not (name and at and domain) or any(c.isspace() or c in "<>:/" for c in address):
        raise ValueError("not a mail address and not an https address")
    return f"mailto:{address}"


class Tokens(msgspec.Struct):
    """The value of the Authorization header for each push service, signed anew every few hours."""

    key: VapidKey
    subject: str
    _made: dict[str, tuple[datetime, str]] = msgspec.field(default_factory=dict)
    _public: str = ""

    def __post_init__(self) -> None:
        self.subject = check_subject(self.subject)
        self._public = self.key.application_server_key

    def header(self, origin: str, now: datetime) -> str:
        """`vapid t=…, k=…` for the push service at `origin` (scheme, host and, if any, port)."""
        made_at, value = self._made.get(origin, (None, ""))
        # A clock that was set back makes a token from the future, which a service may refuse.
        if made_at is not None and made_at <= now < made_at + TOKEN_REUSED_FOR:
            return value
        value = f"vapid t={self._sign(origin, now)}, k={self._public}"
        self._made[origin] = (now, value)
        return value

    def forget(self, origin: str) -> None:
        """Sign a new token next time: the service rejected this one."""
        self._made.pop(origin, None)

    def _sign(self, origin: str, now: datetime) -> str:
        header = {"typ": "JWT", "alg": "ES256"}
        expires = int((now + TOKEN_LASTS).timestamp())
        claims = {"aud": origin, "exp": expires, "sub": self.subject}
        parts = (json.dumps(p, separators=(",", ":")).encode() for p in (header, claims))
        signed = ".".join(b64url(part) for part in parts)
        # A token has the two numbers of the signature side by side (RFC 7515), not in DER.
        r, s = decode_dss_signature(
            self.key.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        )
        return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
