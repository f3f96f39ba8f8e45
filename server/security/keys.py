"""Making keys under var/keys/, for trying Waymark out on one's own machine.

Two starts at once agree on one key: each writes its own to a new file of its own, and only one of
them can be given the real name (a hard link fails where the name exists). So no process reads half
a key.
"""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from server.storage.private import make_folder


def secret_key(folder: Path) -> str:
    """The secret in `folder`; made first where there is none."""
    return _made_once(folder / "secret_key", lambda: f"{secrets.token_urlsafe(48)}\n").strip()


def vapid_private_key_file(folder: Path) -> Path:
    """The file in `folder` with our private key for push services; made if missing."""
    file = folder / "vapid_private_key.pem"
    _made_once(file, new_vapid_key)
    return file


def vapid_key_fault(file: Path) -> str | None:
    """Why this file is no VAPID private key, or None."""
    try:
        _load(file.read_bytes())
    except OSError as fault:
        return f"cannot be read: {fault.strerror}"
    except (ValueError, TypeError):
        return "is not an unencrypted PEM file with a private key on the curve P-256"
    return None


def vapid_public_key(file: Path) -> str:
    """The key that a browser subscribes with: the uncompressed point, base64url without padding."""
    point = _load(file.read_bytes()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _load(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("another kind of key")
    return key


def new_vapid_key() -> str:
    """A fresh private key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode("ascii")


def _made_once(file: Path, make: Callable[[], str]) -> str:
    """The text of the file. Where it does not exist, one start makes it and all read that one."""
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    make_folder(file.parent)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(make())
            out.flush()
            # A power cut must not lose the key: what is sealed under it could never be opened
            # again.
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
    finally:
        draft.unlink()
    _sync_folder(file.parent)
    return file.read_text(encoding="ascii")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
