"""An authenticator in software: it holds private keys and signs as a phone does (WebAuthn).

    device = Authenticator()
    said = device.make(options, origin="http://localhost:8000")       for a registration
    said = device.sign(options, origin="http://localhost:8000")       for a sign-in

What it says can be bent, so that a test sees what the server makes of a forged answer.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text_of(raw: bytes) -> str:
    """base64url without padding, as browsers write it."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One key, made by `make`; its counter goes up with each signature."""

    id: bytes = field(default_factory=lambda: os.urandom(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    count: int = 0
    handle: bytes = b""

    def make(self, options: dict[str, Any], *, origin: str, flags: int = PRESENT | VERIFIED) -> str:
        """What `navigator.credentials.create` gives, as the page sends it."""
        self.handle = bytes_of(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        about = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(options["rp"]["id"], flags | ATTESTED) + about
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], origin)
        return self._whole(
            {
                "clientDataJSON": text_of(client),
                "attestationObject": text_of(attestation),
                "transports": ["internal", "one of tomorrow"],
            }
        )

    def sign(
        self,
        options: dict[str, Any],
        *,
        origin: str,
        host: str | None = None,
        flags: int = PRESENT | VERIFIED,
        challenge: str | None = None,
        handle: bytes | None = None,
        counts: bool = True,
    ) -> str:
        """What `navigator.credentials.get` gives."""
        self.count += counts
        data = self._data(host or options["rpId"], flags)
        client = self._client("webauthn.get", challenge or options["challenge"], origin)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._whole(
            {
                "clientDataJSON": text_of(client),
                "authenticatorData": text_of(data),
                "signature": text_of(signature),
                "userHandle": text_of(self.handle if handle is None else handle),
            }
        )

    def _data(self, host: str, flags: int) -> bytes:
        return sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _whole(self, response: dict[str, Any]) -> str:
        id_ = text_of(self.id)
        whole = {"id": id_, "rawId": id_, "type": "public-key", "response": response}
        return json.dumps({**whole, "clientExtensionResults": {}})
