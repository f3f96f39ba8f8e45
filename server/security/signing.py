"""The signatures of `itsdangerous`, quickly: a burst of pushes signs thousands for one purpose.
The library derives its key anew for each, and makes the HMAC in four calls.
"""

import hashlib
import hmac
from collections.abc import Sequence

from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm


class _Sha256(SigningAlgorithm):
    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class PurposeSigner(Signer):
    """Signs for one purpose alone, with the last of these keys."""

    def __init__(self, keys: Sequence[bytes], purpose: str) -> None:
        super().__init__(
            keys,
            salt=f"waymark {purpose}",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
            algorithm=_Sha256(),
        )
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """The key for this purpose, derived once."""
        if secret_key not in self._derived:
            self._derived[secret_key] = super().derive_key(secret_key)
        return self._derived[secret_key]
