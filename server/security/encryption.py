"""Keeps words unreadable for anyone who has the database but not the keys.

A `Keyring` has several secrets. The first seals and signs; all of them open and verify. So a new
one is put in front, and the old ones stay behind it until everything has been sealed anew.

Sealing is AES-256-GCM rather than Fernet: it is several times faster in a check-in, its tokens are
shorter, and a Fernet token shows in the clear the second at which it was made. Each token names its
key by four bytes, so opening tries one key and not all.

Losing the keys loses the words for ever. SECURITY.md says what sealing does not defend.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature
from tortoise.exceptions import FieldError
from tortoise.fields import TextField
from tortoise.fields.base import Field

from server.security.signing import PurposeSigner

# Every sealed text begins with this. web/requests.py refuses input that contains it: else a person
# who stole a sealed text, but no key, could send it in as their own words and read it back opened.
MARK = "wm1."

_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_SHORTEST = _KEY_ID_BYTES + _NONCE_BYTES + 16
_SEALED = re.compile(r"wm1\.[A-Za-z0-9_-]{43,}")


class Unreadable(Exception):
    """A sealed text or a signed token that none of our keys made, or that was changed."""


class Expired(Unreadable):
    """A signed token of ours whose time is over."""


def _derive(secret: str, purpose: str, length: int = 32) -> bytes:
    """One key per use: the signing key must reveal nothing about the keys that seal or index."""
    info = f"waymark {purpose} v1".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret.encode())


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _to_bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError as fault:
        raise Unreadable("not a token of ours") from fault


class Keyring:
    """Several secrets, newest first.

    The blind index depends on the LAST (oldest) secret: putting a new one in front changes no
    index, so people can still sign in. Only dropping the last one does. Before that, the operator
    writes the rows anew: `seal` and `blind` of `Keyring(secrets[:-1])`. While that runs, look up by
    `blinds`, which finds rows that were indexed under any of the secrets.
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        assert secret_keys, "a keyring needs at least one secret"
        assert all(secret_keys), "an empty secret keeps nothing secret"
        ids = [_derive(secret, "key id", _KEY_ID_BYTES) for secret in secret_keys]
        self.ids = [key_id.hex() for key_id in ids]
        """Names of the secrets, newest first, that tell nothing about them. The last one's is that
        of the blind index."""
        self._first_id = ids[0]
        self._sealers = {
            key_id: AESGCM(_derive(secret, "seal"))
            for key_id, secret in zip(ids, secret_keys, strict=True)
        }
        self._first = self._sealers[ids[0]]
        self._blind_keys = [_derive(secret, "blind index") for secret in secret_keys]
        # itsdangerous signs with the last of its list.
        self._signing_keys = [_derive(secret, "sign") for secret in reversed(secret_keys)]
        self._signer = lru_cache(maxsize=32)(partial(PurposeSigner, self._signing_keys))

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._blind_keys)}>"

    def seal(self, text: str) -> str:
        """A printable token that only our keys open; a different one each time."""
        return self.seal_bytes(text.encode())

    def seal_bytes(self, raw: bytes) -> str:
        """The same for bytes that are no text: a picture."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._first.encrypt(nonce, raw, MARK.encode())
        return MARK + _to_text(self._first_id + nonce + sealed)

    def open(self, token: str) -> str:
        """The text that was sealed. Raises Unreadable where the key is gone, the token was changed,
        or it contains no text but a picture."""
        try:
            return self.open_bytes(token).decode()
        except UnicodeDecodeError as fault:
            raise Unreadable("sealed, and no text") from fault

    def open_bytes(self, token: str) -> bytes:
        """The same for bytes that are no text."""
        if not token.startswith(MARK):
            raise Unreadable("not a sealed text")
        raw = _to_bytes(token[len(MARK) :])
        if len(raw) < _SHORTEST:
            raise Unreadable("not a sealed text")
        sealer = self._sealers.get(raw[:_KEY_ID_BYTES])
        if sealer is None:
            raise Unreadable("sealed under a key that is not in WAYMARK_SECRET_KEYS")
        nonce = raw[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES]
        try:
            return sealer.decrypt(nonce, raw[_KEY_ID_BYTES + _NONCE_BYTES :], MARK.encode())
        except InvalidTag as fault:
            raise Unreadable("a sealed text that was changed") from fault

    def is_current(self, token: str) -> bool:
        """Whether the token is sealed under the first key, so that it need not be sealed anew."""
        if not token.startswith(MARK):
            return False
        return _to_bytes(token[len(MARK) :])[:_KEY_ID_BYTES] == self._first_id

    def blind(self, text: str) -> str:
        """64 hex digits that find equal texts without revealing them.

        The text is taken as it is: if "Tom" and "tom " must match, the caller normalises them
        first.
        """
        return _blind(self._blind_keys[-1], text)

    def blinds(self, text: str) -> list[str]:
        """The indexes of the text under every key, the valid one first: for looking up."""
        return [_blind(key, text) for key in reversed(self._blind_keys)]

    def sign(self, value: str, purpose: str, *, until: datetime | None = None) -> str:
        """A token, safe in a URL, that carries `value` readably and proves that we made it.

        It counts for `purpose` alone, and up to `until` where that is given.
        """
        limit = "" if until is None else str(int(until.timestamp()))
        body = f"{_to_text(value.encode())}.{limit}"
        return self._signer(purpose).sign(body).decode("ascii")

    def unsign(self, token: str, purpose: str, now: datetime | None = None) -> str:
        """The value that was signed for this purpose.

        Raises Unreadable, or Expired from its `until` on. A token with an end needs `now`.
        """
        try:
            body = self._signer(purpose).unsign(token.encode("utf-8", "replace")).decode("ascii")
        except BadSignature as fault:
            raise Unreadable("not signed by us for this") from fault
        # The last letter of a signature has bits to spare: without this, a changed token would
        # pass.
        if token != f"{body}.{_to_text(_to_bytes(token[len(body) + 1 :]))}":
            raise Unreadable("not spelt as we spell it")
        value, _, limit = body.partition(".")
        if limit:
            assert now is not None, "this token ends: unsign needs to know the moment"
            if now.timestamp() >= int(limit):
                raise Expired("its time is over")
        return _to_bytes(value).decode()


def _blind(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


_in_use: Keyring | None = None


def use(keyring: Keyring | None) -> None:
    """Make this the keyring of the process; the composition root calls it once."""
    global _in_use
    _in_use = keyring


def current() -> Keyring:
    """The keyring of the process."""
    assert _in_use is not None, "no keyring is in use: call crypt.use first"
    return _in_use


def seal(text: str) -> str:
    """`Keyring.seal` of the process's keyring: for rows that hand-written SQL writes."""
    return current().seal(text)


def opened(stored: str) -> str:
    """What such a column stores, as text: for rows that hand-written SQL reads."""
    return current().open(stored) if _SEALED.fullmatch(stored) else stored


def blind(text: str) -> str:
    """`Keyring.blind` of the process's keyring."""
    return current().blind(text)


def sign(value: str, purpose: str, *, until: datetime | None = None) -> str:
    """`Keyring.sign` of the process's keyring."""
    return current().sign(value, purpose, until=until)


def unsign(token: str, purpose: str, now: datetime | None = None) -> str:
    """`Keyring.unsign` of the process's keyring."""
    return current().unsign(token, purpose, now)


def key_ids(text: str) -> set[str]:
    """The ids of the keys that open what is sealed in this text."""
    return {_to_bytes(sealed[len(MARK) :][:8])[:4].hex() for sealed in _SEALED.findall(text)}


def sealed_in(text: str) -> list[str]:
    """The sealed texts inside this text, in order."""
    return _SEALED.findall(text) if MARK in text else []


def holds_sealed(text: str) -> bool:
    """Whether a part of it looks like a sealed text."""
    return MARK in text and _SEALED.search(text) is not None


def _refuse_filter(field: Field[Any], instance: Any) -> None:
    # Tortoise passes the class, not a row, when it builds a filter. Equal texts are sealed
    # differently, so such a filter would silently find nothing.
    if isinstance(instance, type):
        raise FieldError(f"{field.model_field_name} is sealed: filter by a blind index instead")


class Sealed:
    """Shared by all columns with sealed values, so that code that goes through the columns of a
    database, as a backup does, opens each in the right way."""

    def read(self, keyring: Keyring, token: str) -> Any:
        """The value that was sealed. Raises Unreadable."""
        raise NotImplementedError

    def check(self, keyring: Keyring, stored: str) -> int:
        """How many sealed values the stored text contains, all of which can be opened: 1, or 0 for
        a text that was never sealed and reads as it is. Raises Unreadable."""
        if not stored.startswith(MARK):
            return 0
        self.read(keyring, stored)
        return 1


class EncryptedText(Sealed, TextField):  # type: ignore[misc]  # The stubs make a TextField a str.
    """A text column that stores sealed tokens and reads as plain text. Queries cannot filter by it.

    Rows made by hand-written SQL seal their values with `encryption.seal`.
    """

    def read(self, keyring: Keyring, token: str) -> str:
        """The text. Raises Unreadable."""
        return keyring.open(token)

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        """Sealed under the first key."""
        _refuse_filter(self, instance)
        self.validate(value)
        return None if value is None else current().seal(str(value))

    def to_python_value(self, value: Any) -> str | None:
        """The opened text, where it is sealed.

        Tortoise calls this for values from the database and for those that a program gives to the
        model's constructor alike, so a text without the mark is left as it is.
        """
        if isinstance(value, str) and _SEALED.fullmatch(value):
            return self.read(current(), value)
        return None if value is None else str(value)


class EncryptedJSON(Sealed, Field[Any]):
    """A text column that stores a sealed JSON value: an object, a list, a text, a number."""

    field_type = object
    indexable = False
    SQL_TYPE = "TEXT"

    def read(self, keyring: Keyring, token: str) -> Any:
        """The value. Raises Unreadable."""
        try:
            return json.loads(keyring.open(token))
        except ValueError as fault:
            raise Unreadable("sealed, and no JSON") from fault

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        """Sealed JSON; floats that JSON lacks are refused."""
        _refuse_filter(self, instance)
        self.validate(value)
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return current().seal(text)

    def to_python_value(self, value: Any) -> Any:
        """The value; one that a program passes in is left as it is."""
        if isinstance(value, str) and _SEALED.fullmatch(value):
            return self.read(current(), value)
        return value


class EncryptedBytes(Sealed, Field[Any]):
    """A text column that stores sealed bytes, such as a picture. As text, so that a copy of the
    database treats rows alike on both kinds of database."""

    field_type = bytes
    indexable = False
    SQL_TYPE = "TEXT"

    def read(self, keyring: Keyring, token: str) -> bytes:
        """The bytes. Raises Unreadable."""
        return keyring.open_bytes(token)

    def check(self, keyring: Keyring, stored: str) -> int:
        """Always 1, since bytes are always sealed. Raises Unreadable."""
        self.read(keyring, stored)
        return 1

    def to_db_value(self, value: Any, instance: Any) -> str | None:
        """Sealed under the first key."""
        _refuse_filter(self, instance)
        self.validate(value)
        return None if value is None else current().seal_bytes(value)

    def to_python_value(self, value: Any) -> bytes | None:
        """The bytes; those that a program passes in are left as they are."""
        if isinstance(value, str):
            return self.read(current(), value)
        return None if value is None else bytes(value)


def new_token() -> str:
    """A secret of 32 random bytes, safe in a URL: for sessions, devices and links."""
    return secrets.token_urlsafe(32)


def next_token(token: str) -> str:
    """The token that follows this one: always the same, so that requests which cross make one. Only
    a person who has both this token and our key can know it."""
    return _to_text(bytes.fromhex(blind(f"the token that follows {token}")))


def hash_token(token: str) -> str:
    """What we store of such a secret: SHA-256, 64 hex digits.

    A slow hash is for passwords that people choose; 256 random bits cannot be guessed.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


# Crockford's alphabet: without I, L and O, which are read as 1 and 0, and without U, so that no
# code spells a word that one would not give to a child.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("OIL", "011")


def new_code(length: int) -> str:
    """A random code for reading aloud and typing, without characters that look alike."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))


def normalise_code(text: str) -> str:
    """The code that the person meant: any case, spaces, dashes, O for 0, I or L for 1.

    Digits of other scripts count as digits, since an Arabic or Persian keyboard types its own.
    Characters that no code contains stay in, so that the result matches none.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    digits = "".join(str(unicodedata.digit(char, char)) for char in plain)
    return "".join(char for char in digits if char.isalnum()).translate(_LOOK_ALIKES)
