"""What fuzzing has found, pinned: the bytes as found, or the shortest that do the same."""

from __future__ import annotations

import io
import zipfile

_BROKEN_MANIFEST = b'{"format":1,"\x80":1}\n\n'
_CLAIMS = b'{"sub":"s","exp":1772454000,"iat":1772452700,"issuer":"https://login.example.org",'
_PLACES = b'"authorization_endpoint":"a","token_endpoint":"t","jwks_uri":"k",'


def _zip(method: int) -> bytearray:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        made.writestr(zipfile.ZipInfo("manifest.json"), b'{"format":1}' * 20, method)
    return bytearray(held.getvalue())


def _not_deflated() -> bytes:
    """A member that does not unpack: the zip module lets the fault of zlib through."""
    torn = _zip(zipfile.ZIP_DEFLATED)
    torn[43:47] = b"\xff" * 4
    return bytes(torn)


def _encrypted() -> bytes:
    """A member that says it is encrypted: the zip module raises a RuntimeError."""
    torn = _zip(zipfile.ZIP_STORED)
    torn[6] |= 1
    torn[torn.index(b"PK\x01\x02") + 8] |= 1
    return bytes(torn)


FOUND: dict[str, list[bytes]] = {
    "backup": [_not_deflated(), _encrypted()],
    # msgspec lets a UnicodeDecodeError through for a name that is not UTF-8.
    "backup-signed": [_BROKEN_MANIFEST],
    # As deep as this, the TOML and JSON modules of Python raise a RecursionError.
    # A number of more than 4,300 digits is a ValueError.
    "policy": [b"a = " + b"[" * 3_000, b"a = " + b"9" * 5_000],
    # JSON can spell half a surrogate pair, and no encoding takes it.
    "provider": [
        _CLAIMS + _PLACES + b'"nonce":"\\ud800"}',
        _CLAIMS + _PLACES + b'"nonce":"n","azp":"c","at_hash":"x","access_token":"\\ud800"}',
    ],
}
